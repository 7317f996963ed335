//! What was done on two days.

use super::world::ago;
use super::*;
use crate::model::event::Undelivered;
use crate::model::orders::{OrderEntry, OrderKey, Turn};
use crate::model::saved::Applied;
use crate::model::targets::Targets;

/// Two days: a guest was made, and the holder of the VIP was lost.
pub fn history() -> Vec<HistoryEntry> {
    let plans = [(first_creation(), ago(86_400)), (failover(), OBSERVED)];
    let mut history: Vec<HistoryEntry> = Vec::new();
    for (plan, began) in plans {
        let last = plan.actions.len().saturating_sub(4);
        for (seconds, action) in (0..).zip(&plan.actions[last..]) {
            history.push(entry(action, began.plus(Duration::from_secs(seconds * 7))));
        }
    }
    let failures = [
        "ssh: connect to host 192.168.10.11 port 22: No route to host",
        "the domain runs again",
    ];
    let count = history.len();
    history[count - 1].outcome = Outcome::Failed(failures[0].into());
    history[count - 2].outcome = Outcome::Skipped(failures[1].into());
    history
}

/// The same, and the orders that were given meanwhile.
pub fn records() -> Vec<Record> {
    let turn = |at: Timestamp, key: OrderKey, turn: Turn, reason: Option<&str>| {
        Record::Order(OrderEntry {
            at,
            by: "anna@ops".into(),
            key,
            turn,
            reason: reason.map(str::to_owned),
            until: None,
        })
    };
    let drained = OrderKey::Drained(host("b"));
    let retried = OrderKey::Retried(instance("web-1"));
    let mut records: Vec<Record> = history()
        .into_iter()
        .map(|entry| Record::Action(Box::new(entry)))
        .collect();
    records.extend([
        turn(
            ago(86_000),
            drained.clone(),
            Turn::Given,
            Some("kernel update"),
        ),
        turn(ago(80_000), drained, Turn::TakenBack, None),
        turn(ago(70_000), retried, Turn::Given, None),
        turn(ago(60_000), OrderKey::Disarmed, Turn::Given, None),
    ]);
    records.push(Record::Applied(Applied {
        at: ago(90_000),
        applied_plan: "3f2a81c09d4e".to_owned(),
        actions: 5,
        by: "anna@ops".to_owned(),
    }));
    records.push(Record::Undelivered(Undelivered {
        at: ago(50_000),
        undelivered_to: "ops".parse().unwrap(),
        subject: "failover".to_owned(),
        text: "failover is disarmed by anna@ops".to_owned(),
        tries: 17,
        why: "the server answers 500".to_owned(),
    }));
    records.sort_by_key(Record::at);
    records
}

fn entry(action: &Action, at: Timestamp) -> HistoryEntry {
    HistoryEntry {
        at,
        took_ms: 6_200,
        revision: Revision("3f2a91c04b7e".into()),
        commit: None,
        targets: Targets::default(),
        action: action.operation.kind().to_owned(),
        motive: action.motive,
        instance: action.operation.instance().cloned(),
        host: action.operation.host().clone(),
        summary: action.summary.clone(),
        reason: action.reason.clone(),
        outcome: Outcome::Changed,
    }
}
