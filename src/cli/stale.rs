//! Why a saved plan is not applied, for people and for programs. Pure.

use std::fmt;

use serde::Serialize;

use super::text;
use crate::model::saved::{Applied, Moved, SavedAction};
use crate::model::time::Timestamp;

/// A saved plan that does not hold any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stale {
    /// What it is called.
    pub plan: String,
    /// When the world was observed for it.
    pub observed_at: Timestamp,
    /// Why it does not hold.
    #[serde(flatten)]
    pub why: Why,
}

/// Why a saved plan does not hold any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// Its time is over.
    Expired {
        /// Since then.
        at: Timestamp,
    },
    /// It was applied already.
    Used(Applied),
    /// Another version of `reconcile` made it.
    Version {
        /// Which one did.
        then: String,
        /// This one.
        now: &'static str,
    },
    /// Something else would be done now.
    Moved {
        /// What differs.
        what: Vec<Moved>,
    },
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = text::clean(&self.plan);
        writeln!(f, "{}; nothing was applied", self.in_short(&plan))?;
        if let Why::Moved { what } = &self.why {
            what.iter().try_for_each(|moved| write_moved(moved, f))?;
        }
        f.write_str("  help: look at what would be done now: reconcile --dry-run --out PLAN")
    }
}

impl Stale {
    fn in_short(&self, plan: &str) -> String {
        match &self.why {
            Why::Expired { at } => format!("the saved plan {plan} expired at {at}"),
            Why::Used(applied) => {
                let by = text::clean(&applied.by);
                format!(
                    "the saved plan {plan} was applied already, at {} by {by}",
                    applied.at
                )
            }
            Why::Version { then, now } => {
                let then = text::clean(then);
                format!("the saved plan {plan} was made by reconcile {then}, and this is {now}")
            }
            Why::Moved { what } => {
                let things = match what.len() {
                    1 => "one thing".to_owned(),
                    n => format!("{n} things"),
                };
                let since = self.observed_at;
                format!(
                    "the saved plan {plan} does not hold any more: {things} moved since {since}"
                )
            }
        }
    }
}

fn write_moved(moved: &Moved, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match moved {
        Moved::File { then, now } => {
            writeln!(f, "  ~ the file: it was {then}, and is {now}")
        }
        Moved::Gone { then } => writeln!(f, "  - {}\n      would not be done now", line(then)),
        Moved::New { now } => {
            writeln!(f, "  + {}\n      was not in it: {}", line(now), reason(now))
        }
        Moved::Changed { then, now } => {
            let (was, is) = (line(then), line(now));
            let differs = match was == is {
                true if then.reason.text == now.reason.text => {
                    "would be done otherwise now, or to another life".to_owned()
                }
                true => format!("was: {}; now: {}", reason(then), reason(now)),
                false => format!("would now be: {is}: {}", reason(now)),
            };
            writeln!(f, "  ~ {was}\n      {differs}")
        }
    }
}

fn line(action: &SavedAction) -> String {
    text::clean(&format!("{} {}", action.kind, action.summary))
}

fn reason(action: &SavedAction) -> String {
    text::clean(&action.reason.text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cli::samples;
    use crate::model::desired::Revision;
    use crate::model::plan::{ActionId, Plan};
    use crate::model::saved::SavedPlan;
    use crate::plan::saved::{moved, seal};

    fn stale(why: Why) -> String {
        let stale = Stale {
            plan: "3f2a81c09d4e".to_owned(),
            observed_at: Timestamp(1_700_000_000_000),
            why,
        };
        stale.to_string()
    }

    #[test]
    fn it_is_said_what_moved_and_how() {
        let mut then = SavedAction::all(&samples::rolling_change());
        let (first, mut second) = (then.remove(0), then.remove(0));
        let before = second.clone();
        second.reason.text = "its heartbeat is lost".to_owned();
        let mut third = first.clone();
        third.summary = "random-1 on host c".to_owned();
        let what = vec![
            Moved::File {
                then: Revision("aaaa".to_owned()),
                now: Revision("bbbb".to_owned()),
            },
            Moved::Gone {
                then: first.clone(),
            },
            Moved::New {
                now: before.clone(),
            },
            Moved::Changed {
                then: before.clone(),
                now: before.clone(),
            },
            Moved::Changed {
                then: before,
                now: second,
            },
            Moved::Changed {
                then: first,
                now: third,
            },
        ];
        insta::assert_snapshot!("stale_moved", stale(Why::Moved { what }));
    }

    #[test]
    fn one_that_was_applied_is_too_old_or_another_versions_is_told_as_that() {
        let at = Timestamp(1_700_000_060_000);
        let used = Why::Used(Applied {
            at,
            applied_plan: "3f2a81c09d4e".to_owned(),
            actions: 2,
            by: "anna@desk".to_owned(),
        });
        let version = Why::Version {
            then: "0.0.9\u{1b}[2J".to_owned(),
            now: "0.1.0",
        };
        let all = [used, Why::Expired { at }, version].map(stale).join("\n\n");
        insta::assert_snapshot!("stale_others", all);
    }

    fn saved(plan: &Plan) -> SavedPlan {
        SavedPlan {
            targets: None,
            cluster: plan.cluster.clone(),
            revision: plan.revision.clone(),
            observed_at: plan.observed_at,
            actions: SavedAction::all(plan),
            saved: seal(plan, Duration::from_secs(3600)),
        }
    }

    #[test]
    fn the_same_plan_made_later_is_the_same() {
        let plan = samples::first_creation();
        assert_eq!(moved(&saved(&plan), &plan), []);
    }

    #[test]
    fn what_is_not_needed_any_more_what_is_new_and_what_changed_is_told_apart() {
        let plan = samples::first_creation();
        let mut later = plan.clone();
        let gone = later.actions.remove(0);
        let mut new = gone.clone();
        new.operation = samples::fence("web-9", "a");
        later.actions.push(new);
        later.actions[0].needs.insert(ActionId(99));
        let kinds: Vec<_> = moved(&saved(&plan), &later)
            .into_iter()
            .map(|moved| match moved {
                Moved::File { .. } => "file",
                Moved::Gone { .. } => "gone",
                Moved::New { .. } => "new",
                Moved::Changed { .. } => "changed",
            })
            .collect();
        assert_eq!(kinds, ["gone", "changed", "new"]);
    }
}
