//! What fails twice in a row, or is set up twice though it is as it should be, is tried again at the steady pace, and not at
//! once: else it would be tried without end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::STEADY;
use crate::execute::Ended;
use crate::model::action::Operation;
use crate::model::plan::Outcome;
use crate::model::time::Timestamp;

/// How long a failure counts: the next try comes one pace later, and may take a while.
const COUNTS: Duration = STEADY.saturating_mul(3);

/// The kinds of action that failed last, by what each is done to.
#[derive(Default)]
pub struct Vain(BTreeMap<(&'static str, String), Timestamp>);

impl Vain {
    /// Takes in how an action ended. Whether it failed, and had failed a moment ago, too.
    pub fn again(&mut self, ended: &Ended, now: Timestamp) -> bool {
        self.take_in(&ended.action.operation, &ended.outcome, now)
    }

    fn take_in(&mut self, operation: &Operation, outcome: &Outcome, now: Timestamp) -> bool {
        // A device that failed has a pause of its own, which only a look can tell.
        if matches!(operation, Operation::FenceHost(_)) {
            return false;
        }
        let about = match operation.instance() {
            Some(instance) => instance.to_string(),
            None => operation.host().to_string(),
        };
        let key = (operation.kind(), about);
        match outcome {
            Outcome::Skipped(_) => return false,
            Outcome::Failed(_) => {}
            // What was seen to differ, and did not when it was put right, will be seen to differ again.
            Outcome::AlreadyDone if matches!(operation, Operation::Configure(_)) => {}
            Outcome::Changed | Outcome::AlreadyDone => {
                self.0.remove(&key);
                return false;
            }
        }
        let last = self.0.insert(key, now);
        last.is_some_and(|last| now.since(last) < COUNTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::Sweep;

    #[test]
    fn the_second_failure_in_a_row_waits_and_a_success_ends_the_row() {
        let sweep = Operation::Sweep(Sweep {
            host: "a".parse().unwrap(),
            volumes: Vec::new(),
            domains: Vec::new(),
        });
        let mut vain = Vain::default();
        let mut end = |outcome: Outcome, at: i64| vain.take_in(&sweep, &outcome, Timestamp(at));
        let failed = || Outcome::Failed("no".to_owned());
        assert!(!end(failed(), 0), "it is tried again at once");
        assert!(end(failed(), 100));
        assert!(end(failed(), 10_200));
        assert!(!end(failed(), 60_000), "long ago");
        assert!(!end(Outcome::Changed, 60_100));
        assert!(!end(failed(), 60_200));
    }
}
