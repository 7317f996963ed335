//! What one commit does that another one does not, as text, JSON and Markdown: the plan of the difference, in the clothes of any
//! plan, with what it is compared to. Pure.
//!
//! In JSON it is a plan as of [`super::plan_json`], of the difference alone (`converged`: there is none), with `compared`: `from` (the earlier commit; that of the plan is the later
//! one), `dropped[]` (`kind`, `instance` or null, `host`, `summary`, `reason`: what is not done any more), `both` (how many
//! actions both do), `both_say` (how many notices both have), and `not_here[]` (what the file refers to, and was not looked at).

use serde::Serialize;

use super::grounds::AllGrounds;
use super::plan_json::PlanShown;
use super::plan_markdown::plan_markdown_with;
use super::plan_text::{Extras, NewFiles, Notes, plan_text_with};
use super::style::Style;
use super::text;
use crate::model::commit::Commit;
use crate::model::plan::Action;
use crate::model::saved::SavedAction;
use crate::model::time::Timestamp;
use crate::model::unit::span;
use crate::plan::compare::Compared;

/// So many actions that are not done any more are told one by one.
const TOLD: usize = 20;

/// All that there is to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The grounds of what differs, where they are asked for.
    pub grounds: Option<AllGrounds>,
    /// What differs.
    pub compared: Compared,
    /// The earlier commit.
    pub from: Option<Commit>,
    /// What the later file refers to, and is not on this machine.
    pub not_here: Vec<String>,
    /// The present moment.
    pub now: Timestamp,
}

impl Comparison {
    /// `Against abc123456 by Anna: a subject, as of what was seen 3m12s ago. No host was asked.`
    fn head(&self) -> String {
        let from = self.from.as_ref().map(|commit| {
            let (id, subject) = (&commit.id, text::clean(&commit.subject));
            format!("Beyond what {id} does ({subject}), as of")
        });
        let age = span(self.now.since(self.compared.plan.observed_at));
        format!(
            "{} what was seen {age} ago. No host was asked.",
            from.unwrap_or_else(|| "As of".to_owned())
        )
    }

    fn both_notes(&self) -> Notes {
        (self.head(), self.notes())
    }

    fn extras<'a>(&'a self, notes: &'a Notes) -> Extras<'a> {
        Extras {
            notes: Some(notes),
            grounds: self.grounds.as_ref(),
        }
    }

    /// What is told besides the plan.
    fn notes(&self) -> Vec<String> {
        let Compared {
            dropped,
            both,
            both_say,
            ..
        } = &self.compared;
        let mut notes: Vec<String> = dropped.iter().take(TOLD).map(no_longer).collect();
        let more = dropped.len().saturating_sub(TOLD);
        notes.extend((more > 0).then(|| format!("No longer: {more} more.")));
        let either = [(both, "action"), (both_say, "notice")];
        let either = either.into_iter().filter(|(number, _)| **number > 0);
        let either: Vec<String> = either.map(|(n, noun)| text::count(*n, noun)).collect();
        let sentence = format!("With either commit: {}.", text::list(&either));
        notes.extend((!either.is_empty()).then_some(sentence));
        let missing = text::clean(&self.not_here.join(", "));
        notes.extend(
            (!missing.is_empty()).then(|| format!("Not here, so not compared: {missing}.")),
        );
        notes
    }
}

fn no_longer(action: &Action) -> String {
    let (kind, summary) = (action.operation.kind(), text::clean(&action.summary));
    format!("No longer: {kind} {summary} ({}).", action.reason.code)
}

/// For people.
pub fn compared_text(comparison: &Comparison, new_files: NewFiles, style: &Style) -> String {
    let (plan, now) = (&comparison.compared.plan, comparison.now);
    let notes = comparison.both_notes();
    plan_text_with(plan, now, new_files, style, comparison.extras(&notes))
}

/// For reviewers.
pub fn compared_markdown(comparison: &Comparison) -> String {
    let (plan, notes) = (&comparison.compared.plan, comparison.both_notes());
    plan_markdown_with(plan, comparison.now, comparison.extras(&notes))
}

/// For programs.
pub fn compared_json(comparison: &Comparison) -> String {
    let Compared {
        plan,
        dropped,
        both,
        both_say,
    } = &comparison.compared;
    let shown = ComparedShown {
        plan: PlanShown::of(plan).with(comparison.grounds.as_ref()),
        compared: Other {
            from: comparison.from.as_ref(),
            dropped: SavedAction::of(dropped),
            both: *both,
            both_say: *both_say,
            not_here: &comparison.not_here,
        },
    };
    text::json(&shown)
}

#[derive(Serialize)]
struct ComparedShown<'a> {
    #[serde(flatten)]
    plan: PlanShown<'a>,
    compared: Other<'a>,
}

#[derive(Serialize)]
struct Other<'a> {
    from: Option<&'a Commit>,
    dropped: Vec<SavedAction>,
    both: usize,
    both_say: usize,
    not_here: &'a [String],
}

#[cfg(test)]
pub(super) use tests::samples_json;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{self, NOW};
    use crate::model::plan::Plan;

    fn comparison(plan: Plan, dropped: usize) -> Comparison {
        let all = samples::first_creation().actions;
        Comparison {
            compared: Compared {
                plan: Plan {
                    commit: Some(samples::commit()),
                    ..plan
                },
                dropped: all.into_iter().take(dropped).collect(),
                both: 4,
                both_say: 1,
            },
            from: Some(Commit {
                id: "1111111111111111111111111111111111111111".parse().unwrap(),
                subject: "before \u{1b}[2J@all".into(),
                ..samples::commit()
            }),
            not_here: vec!["the environment variable TOKEN".into()],
            now: NOW,
            grounds: None,
        }
    }

    /// Some as programs read them.
    pub fn samples_json() -> [String; 2] {
        let plans = [samples::failover(), samples::nothing_to_do()];
        plans.map(|plan| compared_json(&comparison(plan, 1)))
    }

    #[test]
    fn a_comparison_reads_well() {
        let some = comparison(samples::failover(), 2);
        for width in [80, 120] {
            let text = compared_text(&some, NewFiles::Counted, &Style::plain(width));
            insta::assert_snapshot!(format!("text_{width}"), text);
        }
        insta::assert_snapshot!("markdown", compared_markdown(&some));
        let none = comparison(samples::nothing_to_do(), 0);
        let text = compared_text(&none, NewFiles::Counted, &Style::plain(80));
        insta::assert_snapshot!("no_difference", text);
        insta::assert_snapshot!("no_difference_markdown", compared_markdown(&none));
        insta::assert_snapshot!(
            "json",
            compared_json(&comparison(samples::nothing_to_do(), 1))
        );
    }

    #[test]
    fn much_that_is_not_done_any_more_is_counted() {
        let mut much = comparison(samples::nothing_to_do(), 1);
        much.compared.dropped = vec![much.compared.dropped[0].clone(); 25];
        let text = compared_text(&much, NewFiles::Counted, &Style::plain(80));
        assert_eq!(text.matches("No longer: copy-image").count(), 20);
        assert!(text.contains("No longer: 5 more."), "{text}");
    }
}
