//! The orders in force. Where they can't be read any more, the last ones stay in force: a pause does not end because
//! somebody broke a file.

use crate::model::facts::Observed;
use crate::model::orders::Orders;
use crate::model::time::Timestamp;
use crate::ports::orders::OrdersView;

/// The orders as they were last read.
#[derive(Debug, Default)]
pub struct Standing {
    last: Orders,
}

impl Standing {
    /// What a look at `now` begins with.
    pub fn at(&mut self, now: Timestamp, view: &dyn OrdersView) -> Observed {
        let unread = match view.read() {
            Ok(orders) => {
                self.last = orders;
                None
            }
            Err(error) => Some(format!("{error}: {}", error.source)),
        };
        Observed {
            now,
            orders: self.last.clone().in_force(now),
            orders_unread: unread,
            ..Observed::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::model::orders::Order;
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
        let seen = standing.at(Timestamp(2), &book);
        assert_eq!((seen.orders, seen.orders_unread), (orders.clone(), None));
        *book.0.lock().unwrap() = None;
        let seen = standing.at(Timestamp(3), &book);
        assert_eq!(seen.orders, orders);
        let why = "can't read orders.json: it is broken";
        assert_eq!(seen.orders_unread.as_deref(), Some(why));
        assert_eq!(standing.at(Timestamp(100), &book).orders, Orders::default());
    }
}
