//! One order of each kind.

use super::world::ago;
use super::*;
use crate::model::gate::ChangeId;
use crate::model::orders::{Order, OrderKey, Scope};
use crate::model::targets::Targets;

/// What a run may be about.
pub fn targets() -> Targets {
    let read = |text: &str| text.parse().unwrap();
    Targets {
        only: ["random-2", "service/web"].map(read).into(),
        except: [read("host/b")].into(),
    }
}

/// One order of each kind.
pub fn orders() -> Orders {
    let order = |reason: Option<&str>, until: Option<Timestamp>| Order {
        by: "anna@ops".into(),
        at: ago(600),
        reason: reason.map(str::to_owned),
        until,
        to: None,
    };
    let today = Some(ago(-3_600));
    let mut orders = Orders::default();
    let mut put = |key, order| drop(orders.put(key, order));
    put(OrderKey::Disarmed, order(Some("new switch"), today));
    put(OrderKey::Paused(Scope::Cluster), order(None, None));
    put(
        OrderKey::Paused("service/random".parse().unwrap()),
        order(
            Some("debugging why its second instance answers so late"),
            None,
        ),
    );
    put(
        OrderKey::Drained(host("b")),
        order(Some("kernel update"), Some(ago(-86_400))),
    );
    put(OrderKey::Confirmed(host("c")), order(None, None));
    put(OrderKey::Released, order(None, today));
    put(OrderKey::Retried(instance("random-2")), order(None, today));
    put(
        OrderKey::Held(Revision("3f2a91c04b7e".into())),
        order(Some("random-1 never comes up"), None),
    );
    let commit = "daa85f87f8b307dd5d64832c1b7494559ce8d8f5".parse().unwrap();
    put(OrderKey::Approved(commit), order(None, today));
    let change = ChangeId("5e11c0ffee42".into());
    put(
        OrderKey::Allowed(change.clone()),
        order(Some("the old shop goes"), today),
    );
    put(OrderKey::Hurried(change), order(None, today));
    put(
        OrderKey::Unprotected("random".parse().unwrap()),
        order(None, today),
    );
    orders
}
