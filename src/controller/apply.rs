//! Carrying out one plan from its first action to its last.

use super::Session;
use crate::execute::{Ended, Runner};
use crate::model::plan::{Outcome, Plan};
use crate::ports::progress::Progress;
use crate::ports::store::StoreError;

/// Carries out `plan`. When `stop` is notified, what has not begun is given up and what is in hand is finished.
pub async fn carry_out(
    session: &mut Session,
    runner: &mut Runner,
    plan: &Plan,
    progress: &dyn Progress,
    stop: &tokio::sync::Notify,
) -> Result<Vec<Outcome>, StoreError> {
    let mut outcomes = Vec::new();
    runner.load(plan.actions.clone());
    loop {
        let skipped = runner.begin_ready(|action| {
            progress.started(action);
            session.begun(action)
        })?;
        for ended in &skipped {
            finish(session, progress, &mut outcomes, ended)?;
        }
        let ended = tokio::select! {
            ended = runner.next_end() => ended,
            () = stop.notified() => {
                runner.abandon();
                continue;
            }
        };
        match ended {
            Some(ended) => finish(session, progress, &mut outcomes, &ended)?,
            None => return Ok(outcomes),
        }
    }
}

fn finish(
    session: &mut Session,
    progress: &dyn Progress,
    outcomes: &mut Vec<Outcome>,
    ended: &Ended,
) -> Result<(), StoreError> {
    outcomes.push(ended.outcome.clone());
    progress.ended(&ended.action, &ended.outcome, ended.took);
    session.ended(ended)
}
