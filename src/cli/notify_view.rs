//! What became of messages that were sent as a test, as text and as JSON. Pure.
//!
//! In JSON: `format_version`, `receivers[]` (`receiver`; `by`: `webhook`, `email`, `command`; `arrived`: true, false, or null
//! where it was not tried; `result`; `took_ms`).

use std::time::Duration;

use serde_json::{Value, json};

use super::exit::Exit;
use super::style::{Paint, Style};
use super::table::{Align, Cell, Table};
use super::text;
use crate::model::id::ReceiverName;
use crate::model::unit::span;

/// The version of the keys and their meaning.
pub const FORMAT_VERSION: u32 = 1;

/// A receiver that was sent a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub receiver: ReceiverName,
    /// By which means.
    pub means: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// How long that took.
    pub took: Duration,
}

/// What came of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken.
    Arrived,
    /// It was not, and why.
    Failed(String),
    /// It was not tried, and why.
    NotTried(String),
}

impl Verdict {
    fn parts(&self) -> (&str, &'static str, Paint, Option<bool>) {
        match self {
            Verdict::Arrived => ("it was taken", "✓", Paint::Good, Some(true)),
            Verdict::Failed(why) => (why, "✗", Paint::Bad, Some(false)),
            Verdict::NotTried(why) => (why, " ", Paint::Dim, None),
        }
    }

    fn arrived(&self) -> Option<bool> {
        self.parts().3
    }
}

/// Good only if every message that was tried arrived.
pub fn exit_of(told: &[Told]) -> Exit {
    match told.iter().any(|one| one.verdict.arrived() == Some(false)) {
        true => Exit::Error,
        false => Exit::Done,
    }
}

const HEAD: [(&str, Align); 5] = [
    ("RECEIVER", Align::Left),
    ("BY", Align::Left),
    ("TOOK", Align::Right),
    ("", Align::Left),
    ("RESULT", Align::Left),
];

/// The results for people.
pub fn notify_text(told: &[Told], style: &Style) -> String {
    let mut table = Table::new(0, &HEAD);
    for one in told {
        let (result, mark, paint, arrived) = one.verdict.parts();
        let took = arrived.map_or_else(String::new, |_| span(one.took));
        table.row([
            Cell::plain(&one.receiver),
            Cell::plain(one.means),
            Cell::new(Paint::Dim, took),
            Cell::new(paint, mark),
            Cell::plain(text::clean(result)),
        ]);
    }
    format!("{}\n{}\n", table.render(style), conclusion(told))
}

fn conclusion(told: &[Told]) -> String {
    let tried: Vec<bool> = told
        .iter()
        .filter_map(|one| one.verdict.arrived())
        .collect();
    let failed = tried.iter().filter(|arrived| !**arrived).count();
    match (tried.len(), failed) {
        (0, _) => "Nothing was sent.".to_owned(),
        (1, 0) => "The message was taken. Whether somebody sees it is for you to look.".to_owned(),
        (all, 0) => {
            format!("All {all} messages were taken. Whether somebody sees them is for you to look.")
        }
        (1, _) => "The message did not arrive.".to_owned(),
        (all, failed) => format!("{failed} of {all} messages did not arrive."),
    }
}

/// The results for programs.
pub fn notify_json(told: &[Told]) -> String {
    let receivers: Vec<Value> = told.iter().map(one_json).collect();
    text::json(&json!({ "format_version": FORMAT_VERSION, "receivers": receivers }))
}

fn one_json(one: &Told) -> Value {
    let (result, _, _, arrived) = one.verdict.parts();
    let took = u64::try_from(one.took.as_millis()).unwrap_or(u64::MAX);
    json!({ "receiver": one.receiver, "by": one.means, "arrived": arrived, "result": result, "took_ms": took })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(receiver: &str, means: &'static str, verdict: Verdict, millis: u64) -> Told {
        Told {
            receiver: receiver.parse().unwrap(),
            means,
            verdict,
            took: Duration::from_millis(millis),
        }
    }

    fn all() -> Vec<Told> {
        let none = "it is told of commits, and none is in force here: try it with --repo";
        vec![
            told("chat", "webhook", Verdict::Arrived, 182),
            told("commits", "webhook", Verdict::NotTried(none.into()), 0),
            told(
                "mail",
                "email",
                Verdict::Failed("the server answers 535".into()),
                1_240,
            ),
            told(
                "pager",
                "command",
                Verdict::Failed("no answer within 10 s\u{1b}".into()),
                10_000,
            ),
        ]
    }

    #[test]
    fn each_result_stands_in_a_line_with_a_verdict_below() {
        insta::assert_snapshot!("notify_80", notify_text(&all(), &Style::plain(80)));
        insta::assert_snapshot!("notify_120", notify_text(&all(), &Style::plain(120)));
        insta::assert_snapshot!("notify_json", notify_json(&all()));
    }

    #[test]
    fn one_message_that_fails_makes_the_exit_code_bad() {
        let all = all();
        assert_eq!(exit_of(&all), Exit::Error);
        assert_eq!(exit_of(&all[..2]), Exit::Done);
        assert!(notify_text(&all[..1], &Style::plain(80)).contains("The message was taken."));
    }
}
