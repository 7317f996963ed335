//! What was done on two days.

use super::world::ago;
use super::*;

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

fn entry(action: &Action, at: Timestamp) -> HistoryEntry {
    HistoryEntry {
        at,
        took_ms: 6_200,
        revision: Revision("3f2a91c04b7e".into()),
        action: action.operation.kind().to_owned(),
        motive: action.motive,
        instance: action.operation.instance().cloned(),
        host: action.operation.host().clone(),
        summary: action.summary.clone(),
        reason: action.reason.clone(),
        outcome: Outcome::Changed,
    }
}
