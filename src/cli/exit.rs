//! What a run tells the shell. Pure: the code follows from a plan and from outcomes.

use crate::model::plan::{NoticeKind, Outcome, Plan};

/// The exit codes, from good to worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything is as desired, or was made so, or was shown.
    Done,
    /// It could not be carried out at all: bad arguments, a bad file, nothing applied.
    Error,
    /// A dry run found something to do, and `--detailed-exitcode` was given; or there is drift.
    Pending,
    /// Something should be done and can't be.
    Blocked,
    /// Something could not be observed, so nothing was decided about it.
    Unseen,
    /// A saved plan does not hold any more: nothing was applied.
    Stale,
    /// Some actions were applied and some were not.
    Partial,
}

/// Whether a dry run tells pending changes by its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// It does not.
    Plain,
    /// It does: `--detailed-exitcode`.
    Detailed,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Error => 1,
            Exit::Pending => 2,
            Exit::Blocked => 3,
            Exit::Unseen => 4,
            Exit::Stale => 5,
            Exit::Partial => 6,
        }
    }

    /// Of a dry run. What needs a person (blocked) goes before what may pass by itself (unseen), and both before the
    /// mere fact that there is something to do.
    pub fn of_plan(plan: &Plan, detail: Detail) -> Exit {
        let pending =
            !plan.actions.is_empty() || plan.notices_of(NoticeKind::Waiting).next().is_some();
        match (Exit::of_notices(plan), detail) {
            (Exit::Done, Detail::Detailed) if pending => Exit::Pending,
            (exit, Detail::Plain | Detail::Detailed) => exit,
        }
    }

    /// Of an apply: from the outcomes of all its actions, and from the last plan, which was made after them.
    pub fn of_apply<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>, last: &Plan) -> Exit {
        let (good, bad): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|outcome| outcome.is_good());
        match (good.is_empty(), bad.is_empty()) {
            (_, true) => Exit::of_notices(last),
            (true, false) => Exit::Error,
            (false, false) => Exit::Partial,
        }
    }

    /// Of what only shows: blocked or unseen things, else done.
    pub fn of_notices(plan: &Plan) -> Exit {
        let any = |kind| plan.notices_of(kind).next().is_some();
        if plan.is_held() || any(NoticeKind::Blocked) {
            Exit::Blocked
        } else if any(NoticeKind::Unknown) {
            Exit::Unseen
        } else {
            Exit::Done
        }
    }

    /// Of arguments that clap answered itself: help and version are no errors. (Its own code for a bad argument
    /// would be 2, which means something else here.)
    pub fn of_usage(error: &clap::Error) -> Exit {
        if error.use_stderr() {
            Exit::Error
        } else {
            Exit::Done
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    fn failed() -> Outcome {
        Outcome::Failed("no".into())
    }

    #[test]
    fn pending_changes_are_told_only_when_asked_for() {
        let plan = samples::first_creation();
        assert_eq!(Exit::of_plan(&plan, Detail::Plain), Exit::Done);
        assert_eq!(Exit::of_plan(&plan, Detail::Detailed), Exit::Pending);
        let plan = samples::nothing_to_do();
        assert_eq!(Exit::of_plan(&plan, Detail::Detailed), Exit::Done);
    }

    #[test]
    fn what_needs_a_person_goes_first() {
        let mut plan = samples::blocked_and_unknown();
        assert_eq!(Exit::of_plan(&plan, Detail::Detailed), Exit::Blocked);
        plan.notices
            .retain(|notice| notice.kind != NoticeKind::Blocked);
        assert_eq!(Exit::of_plan(&plan, Detail::Detailed), Exit::Unseen);
        plan.notices
            .retain(|notice| notice.kind == NoticeKind::Waiting);
        plan.actions.clear();
        assert_eq!(Exit::of_plan(&plan, Detail::Detailed), Exit::Pending);
    }

    #[test]
    fn an_apply_that_stopped_half_way_is_neither_done_nor_an_error() {
        let last = samples::nothing_to_do();
        let good = [Outcome::Changed, Outcome::AlreadyDone];
        assert_eq!(Exit::of_apply(&good, &last), Exit::Done);
        assert_eq!(
            Exit::of_apply(&[Outcome::Changed, failed()], &last),
            Exit::Partial
        );
        assert_eq!(Exit::of_apply(&[failed()], &last), Exit::Error);
        let last = samples::blocked_and_unknown();
        assert_eq!(Exit::of_apply(&good, &last), Exit::Blocked);
    }

    #[test]
    fn a_bad_argument_is_an_error_and_help_is_none() {
        let answer = |argument| clap::Command::new("x").try_get_matches_from(["x", argument]);
        assert_eq!(Exit::of_usage(&answer("--nope").unwrap_err()), Exit::Error);
        assert_eq!(Exit::of_usage(&answer("--help").unwrap_err()), Exit::Done);
    }
}
