//! The lines of progress, aligned over a whole plan. Pure.

use std::time::Duration;

use crate::cli::style::{Paint, Style};
use crate::cli::text;
use crate::model::plan::{Action, Outcome, Plan};
use crate::model::unit::span;

/// A longer summary pushes the time to the right instead of all other times.
const MAX_SUMMARY: usize = 60;

/// How the lines of one plan are laid out.
#[derive(Debug, Clone, Copy)]
pub struct Ledger {
    number: usize,
    kind: usize,
    summary: usize,
    style: Style,
}

impl Ledger {
    /// For the actions of this plan.
    pub fn of(plan: &Plan, style: Style) -> Ledger {
        let widest = |of: fn(&Action) -> usize| plan.actions.iter().map(of).max().unwrap_or(0);
        let number = widest(|action| action.id.to_string().len());
        let kind = widest(|action| action.operation.kind().len());
        let summary = widest(|action| text::width(&text::clean(&action.summary)));
        // Mark, number, kind and their gaps before it; the time behind it.
        let room = style.width.saturating_sub(number + kind + 15);
        Ledger {
            number,
            kind,
            summary: summary.min(room).min(MAX_SUMMARY),
            style,
        }
    }

    /// What an action is, without its mark: ` 3 create  random-1 on host a`, padded to where the time stands.
    pub fn what(&self, action: &Action) -> String {
        let number = format!("{:>w$}", action.id.to_string(), w = self.number);
        let kind = format!("{:<w$}", action.operation.kind(), w = self.kind);
        let summary = text::clean(&action.summary);
        let space = " ".repeat(self.summary.saturating_sub(text::width(&summary)));
        format!(
            "{} {kind}  {summary}{space}",
            self.style.paint(Paint::Dim, number)
        )
    }

    /// `· 3 create  random-1 on host a`
    pub fn started(&self, action: &Action) -> String {
        let line = format!(
            "{} {}",
            self.style.paint(Paint::Dim, "·"),
            self.what(action)
        );
        format!("{}\n", line.trim_end())
    }

    /// `✓ 3 create  random-1 on host a  6.2 s`, and what went wrong below it.
    pub fn ended(&self, action: &Action, outcome: &Outcome, took: Duration) -> String {
        let (mark, paint, note) = match outcome {
            Outcome::Changed => ("✓", Paint::Good, None),
            Outcome::AlreadyDone => ("✓", Paint::Good, None),
            Outcome::Skipped(why) => (
                "-",
                Paint::Warn,
                Some(format!("skipped: {}", text::clean(why))),
            ),
            Outcome::Failed(why) => ("✗", Paint::Bad, Some(text::clean(why))),
        };
        let time = match outcome {
            Outcome::Changed | Outcome::Failed(_) => span(took),
            Outcome::AlreadyDone => "was so already".to_owned(),
            Outcome::Skipped(_) => String::new(),
        };
        let time = self.style.paint(Paint::Dim, time);
        let line = format!(
            "{} {}  {time}",
            self.style.paint(paint, mark),
            self.what(action)
        );
        format!(
            "{}\n{}",
            line.trim_end(),
            self.note(paint, &note.unwrap_or_default())
        )
    }

    fn note(&self, paint: Paint, note: &str) -> String {
        let indent = self.number + 3;
        let lines = text::wrap(note, self.style.width.saturating_sub(indent));
        let lines = lines.iter().filter(|line| !line.is_empty());
        lines
            .map(|line| format!("{}{}\n", " ".repeat(indent), self.style.paint(paint, line)))
            .collect()
    }

    /// How the lines look.
    pub fn style(&self) -> Style {
        self.style
    }
}

/// The last line of an apply: `Applied 9 of 9 actions in 31 s.`
pub fn summary<'a>(
    outcomes: impl IntoIterator<Item = &'a Outcome>,
    took: Duration,
    style: &Style,
) -> String {
    let outcomes: Vec<&Outcome> = outcomes.into_iter().collect();
    let good = outcomes.iter().filter(|outcome| outcome.is_good()).count();
    let failed = outcomes
        .iter()
        .filter(|o| matches!(o, Outcome::Failed(_)))
        .count();
    let skipped = outcomes.len() - good - failed;
    let open: Vec<String> = [(failed, "failed"), (skipped, "skipped")]
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    let all = text::count(outcomes.len(), "action");
    let applied = format!("Applied {good} of {all} in {}", span(took));
    if open.is_empty() {
        return format!("{}\n", style.paint(Paint::Good, format!("{applied}.")));
    }
    let applied = style.paint(Paint::StrongBad, format!("{applied}: {}.", open.join(", ")));
    let hint = "Run reconcile again to go on: it looks first at what is there.";
    format!("{applied}\n{}\n", style.paint(Paint::Dim, hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_how_much_was_done() {
        let plain = Style::plain(80);
        let took = Duration::from_secs(31);
        let good = vec![Outcome::Changed, Outcome::AlreadyDone];
        assert_eq!(
            summary(&good, took, &plain),
            "Applied 2 of 2 actions in 31 s.\n"
        );
        let mut mixed = good;
        mixed.extend([Outcome::Failed("x".into()), Outcome::Skipped("y".into())]);
        assert!(
            summary(&mixed, took, &plain)
                .starts_with("Applied 2 of 4 actions in 31 s: 1 failed, 1 skipped.\n")
        );
    }
}
