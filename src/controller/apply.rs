//! Carrying out one plan from its first action to its last.

use super::Session;
use crate::execute::{Ended, Runner};
use crate::model::plan::{HistoryEntry, Plan};
use crate::ports::progress::Progress;
use crate::ports::store::StoreError;

/// Carries out `plan`, whose state of the file is in force by that, unless the plan is about some targets only: what became of its
/// actions, in the order of their ends. When `stop` is notified, what has not begun is given up and what is in hand is finished.
pub async fn carry_out(
    session: &mut Session,
    runner: &mut Runner,
    plan: &Plan,
    progress: &dyn Progress,
    stop: &tokio::sync::Notify,
) -> Result<Vec<HistoryEntry>, StoreError> {
    session.bring_into_force()?;
    let mut done = Vec::new();
    runner.load(plan.actions.clone());
    loop {
        let skipped = runner.begin_ready(|action| {
            progress.started(action);
            session.begun(action)
        })?;
        for ended in &skipped {
            done.push(finish(session, progress, ended)?);
        }
        let ended = tokio::select! {
            biased;
            ended = runner.next_end() => ended,
            () = stop.notified() => {
                runner.abandon();
                continue;
            }
        };
        match ended {
            Some(ended) => done.push(finish(session, progress, &ended)?),
            None => return Ok(done),
        }
    }
}

fn finish(
    session: &mut Session,
    progress: &dyn Progress,
    ended: &Ended,
) -> Result<HistoryEntry, StoreError> {
    progress.ended(&ended.action, &ended.outcome, ended.took);
    session.ended(ended)
}
