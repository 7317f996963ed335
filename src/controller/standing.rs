//! The orders in force. Where they can't be read any more, the last ones stay in force: a pause does not end because
//! somebody broke a file.

use std::collections::BTreeSet;

use crate::model::facts::Observed;
use crate::model::id::HostId;
use crate::model::orders::{Order, Orders};
use crate::model::time::Timestamp;
use crate::ports::clock::Clock;
use crate::ports::orders::OrdersView;

/// The orders as they were last read.
#[derive(Debug, Default)]
pub struct Standing {
    last: Orders,
    /// Words on hosts that were given before the clock was set back, and when.
    disbelieved: BTreeSet<(HostId, Timestamp)>,
}

impl Standing {
    /// What a look begins with.
    pub fn at(&mut self, clock: &dyn Clock, view: &dyn OrdersView) -> Observed {
        let (now, wall) = (clock.now(), clock.wall());
        let unread = match view.read() {
            Ok(orders) => {
                self.last = orders;
                None
            }
            Err(error) => Some(format!("{error}: {}", error.source)),
        };
        Observed {
            now,
            clock_ahead: wall.0 - now.0,
            orders: self.dated(now, wall),
            orders_unread: unread,
            ..Observed::default()
        }
    }

    /// Orders in force. Where the clock was set, nobody knows whether one was given before or after that: what must be younger
    /// than something that we saw counts as the older of both, and a word on a host from the future not at all.
    fn dated(&mut self, now: Timestamp, wall: Timestamp) -> Orders {
        let mut orders = self.last.clone().in_force(wall);
        let ahead = (wall.0 - now.0).max(0);
        let from_the_future = orders.confirmed.iter().filter(|(_, order)| order.at > wall);
        let from_the_future = from_the_future.map(|(host, order)| (host.clone(), order.at));
        self.disbelieved.extend(from_the_future);
        let believed = |host: &HostId, order: &mut Order| {
            !self.disbelieved.contains(&(host.clone(), order.at))
        };
        orders.confirmed.retain(believed);
        let words = orders.confirmed.values_mut().chain(&mut orders.released);
        for order in words.chain(orders.retried.values_mut()) {
            order.at = Timestamp(order.at.0 - ahead);
        }
        orders
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use async_trait::async_trait;

    use super::*;
    use crate::ports::store::StoreError;

    struct Book(Mutex<Option<Orders>>);

    impl OrdersView for Book {
        fn read(&self) -> Result<Orders, StoreError> {
            let orders = self.0.lock().unwrap().clone();
            orders.ok_or_else(|| StoreError {
                what: "can't read",
                path: "orders.json".into(),
                source: std::io::Error::other("it is broken"),
            })
        }
    }

    /// What the controller measures by, and what the calendar says.
    struct Set(i64, i64);

    #[async_trait]
    impl Clock for Set {
        fn now(&self) -> Timestamp {
            Timestamp(self.0)
        }

        fn wall(&self) -> Timestamp {
            Timestamp(self.1)
        }

        fn uptime(&self) -> Timestamp {
            self.now()
        }

        async fn sleep(&self, _: Duration) {}
    }

    fn word(at: i64, until: Option<i64>) -> Order {
        Order {
            by: "anna@ops".into(),
            at: Timestamp(at),
            reason: None,
            until: until.map(Timestamp),
            to: None,
        }
    }

    #[test]
    fn orders_end_by_the_calendar_and_a_word_is_never_younger_than_it_was() {
        let host: HostId = "a".parse().unwrap();
        let mut orders = Orders {
            disarmed: Some(word(1, Some(100))),
            ..Orders::default()
        };
        orders.confirmed.insert(host.clone(), word(50, None));
        let book = Book(Mutex::new(Some(orders)));
        let mut standing = Standing::default();
        // Set forward by 1000: until then is over, and a word that may be of before is of before.
        let seen = standing.at(&Set(60, 1060), &book);
        assert_eq!((seen.clock_ahead, &seen.orders.disarmed), (1000, &None));
        assert_eq!(seen.orders.confirmed[&host].at, Timestamp(50 - 1000));
        // Set back: it was given in the future, and does not count any more, also when that moment has come.
        for (now, wall) in [(70, 10), (170, 110)] {
            let seen = standing.at(&Set(now, wall), &book);
            assert!(seen.orders.confirmed.is_empty(), "{wall}");
        }
    }

    #[test]
    fn when_orders_become_unreadable_the_last_ones_stay_in_force_and_that_is_said() {
        let order = Order {
            by: "anna@ops".into(),
            at: Timestamp(1),
            reason: None,
            until: Some(Timestamp(100)),
            to: None,
        };
        let orders = Orders {
            disarmed: Some(order),
            ..Orders::default()
        };
        let book = Book(Mutex::new(Some(orders.clone())));
        let mut standing = Standing::default();
        let seen = standing.at(&Set(2, 2), &book);
        assert_eq!((seen.orders, seen.orders_unread), (orders.clone(), None));
        *book.0.lock().unwrap() = None;
        let seen = standing.at(&Set(3, 3), &book);
        assert_eq!(seen.orders, orders);
        let why = "can't read orders.json: it is broken";
        assert_eq!(seen.orders_unread.as_deref(), Some(why));
        assert_eq!(standing.at(&Set(100, 100), &book).orders, Orders::default());
    }
}
