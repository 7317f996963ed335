//! Carrying out one plan from its first action to its last.

use super::Session;
use crate::execute::{Ended, Runner};
use crate::model::plan::{Outcome, Plan};
use crate::ports::progress::Progress;
use crate::ports::store::StoreError;

/// How the actions of a plan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Changed something.
    pub changed: usize,
    /// Was so already.
    pub already: usize,
    /// Was not tried.
    pub skipped: usize,
    /// Was tried and failed.
    pub failed: usize,
}

impl Tally {
    /// Counts one more.
    pub fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Changed => self.changed += 1,
            Outcome::AlreadyDone => self.already += 1,
            Outcome::Skipped(_) => self.skipped += 1,
            Outcome::Failed(_) => self.failed += 1,
        }
    }

    /// Whether everything was done.
    pub fn is_complete(&self) -> bool {
        self.skipped == 0 && self.failed == 0
    }
}

/// Carries out `plan`. When `stop` is notified, what has not begun is given up and what is in hand is finished.
pub async fn carry_out(
    session: &mut Session,
    runner: &mut Runner,
    plan: &Plan,
    progress: &dyn Progress,
    stop: &tokio::sync::Notify,
) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    runner.load(plan.actions.clone());
    loop {
        let (begun, skipped) = runner.begin_ready();
        for action in &begun {
            session.begun(action)?;
            progress.started(action);
        }
        for ended in &skipped {
            finish(session, progress, &mut tally, ended)?;
        }
        let ended = tokio::select! {
            ended = runner.next_end() => ended,
            () = stop.notified() => {
                runner.abandon();
                continue;
            }
        };
        match ended {
            Some(ended) => finish(session, progress, &mut tally, &ended)?,
            None => return Ok(tally),
        }
    }
}

fn finish(
    session: &mut Session,
    progress: &dyn Progress,
    tally: &mut Tally,
    ended: &Ended,
) -> Result<(), StoreError> {
    tally.count(&ended.outcome);
    progress.ended(&ended.action, &ended.outcome, ended.took);
    session.ended(ended)
}
