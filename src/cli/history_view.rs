//! The history as an aligned table, and as JSON: one object per line. Pure.
//!
//! A line of JSON is a [`HistoryEntry`] with `format_version: 1` before its own keys: `at` (RFC 3339, UTC), `took_ms`,
//! `revision`, `targets` (`only[]`, `except[]`, where the run was not about everything), `commit` (where it is from one: `id`, `author`, `at`, `subject`, `signature`), `action` (the kind),
//! `motive`, `instance` or null, `host`, `summary`, `reason` (`code`, `text`, `line` or null), `outcome` (`"changed"`, `"already_done"`, `{"skipped": why}`, `{"failed": why}`).
//!
//! Or it is an order that was given or taken back, and then has `order` and `of` as in [`super::orders_view`], `at`,
//! `by`, `turn` (`given`, `taken_back`), `reason` or null, `until` or null.
//!
//! Or another controller was taken over from: `at`, `took_over_from` (who that was), `waited_ms`.
//!
//! Or a saved plan was begun: `at`, `applied_plan` (its id), `actions` (how many), `by`.
//!
//! Or a message was given up: `at`, `undelivered_to` (the receiver), `subject`, `text`, `tries`, `why`.

use std::time::Duration;

use serde::Serialize;

use super::moment::{self, Zone};
use super::style::{Paint, Style};
use super::table::{Align, Cell, Table};
use super::text;
use crate::model::event::Undelivered;
use crate::model::id::InstanceId;
use crate::model::orders::{OrderEntry, Turn};
use crate::model::plan::{HistoryEntry, Motive, Outcome, Record, TakeOver};
use crate::model::saved::Applied;
use crate::model::time::Timestamp;
use crate::model::unit::span;

/// The version of the keys and their meaning.
pub const FORMAT_VERSION: u32 = 1;

/// The newest `number` entries (0: all), only those of `instance` where one is given. Oldest first, as they came.
pub fn select<'a>(
    history: &'a [Record],
    number: usize,
    instance: Option<&InstanceId>,
) -> Vec<&'a Record> {
    let about = |record: &&Record| instance.is_none_or(|id| record.instance() == Some(id));
    let chosen: Vec<_> = history.iter().filter(about).collect();
    let surplus = match number {
        0 => 0,
        number => chosen.len().saturating_sub(number),
    };
    chosen.into_iter().skip(surplus).collect()
}

/// The entries as text, those of one day below its date.
pub fn history_text(entries: &[&Record], style: &Style) -> String {
    if entries.is_empty() {
        return "Nothing was done yet.\n".to_owned();
    }
    let mut table = Table::new(0, &HEAD);
    let mut day = String::new();
    for entry in entries {
        let (date, _) = date_and_time(entry.at());
        if date != day {
            table.title(Cell::new(Paint::Strong, &date));
            day = date;
        }
        table.row(match entry {
            Record::Action(entry) => row(entry),
            Record::Order(entry) => order_row(entry),
            Record::TakeOver(entry) => take_over_row(entry),
            Record::Applied(entry) => applied_row(entry),
            Record::Undelivered(entry) => undelivered_row(entry),
        });
    }
    table.render(style)
}

const HEAD: [(&str, Align); 7] = [
    ("UTC", Align::Left),
    ("ACTION", Align::Left),
    ("INSTANCE", Align::Left),
    ("HOST", Align::Left),
    ("OUTCOME", Align::Left),
    ("TOOK", Align::Right),
    ("WHY", Align::Left),
];

fn row(entry: &HistoryEntry) -> [Cell; 7] {
    let (_, time) = date_and_time(entry.at);
    let instance = entry.instance.as_ref().map(ToString::to_string);
    let (outcome, paint, why_not) = outcome(&entry.outcome);
    let why_not = why_not.map(|why| format!(" → {}", text::clean(why)));
    let commit = entry
        .commit
        .as_ref()
        .map(|commit| format!(" (commit {})", text::clean(&commit.brief())));
    let commit = commit
        .filter(|_| entry.motive == Motive::Change)
        .unwrap_or_default();
    let only = match entry.targets.is_all() {
        true => String::new(),
        false => format!(" (only: {})", entry.targets),
    };
    let why = text::clean(&entry.reason.text) + &commit + &only + &why_not.unwrap_or_default();
    [
        Cell::new(Paint::Dim, time),
        Cell::plain(&entry.action),
        Cell::plain(instance.unwrap_or_default()),
        Cell::plain(&entry.host),
        Cell::new(paint, outcome),
        Cell::new(Paint::Dim, span(Duration::from_millis(entry.took_ms))),
        Cell::plain(why),
    ]
}

/// What an order was about stands where that of an action stands; who gave it, where an action's reason stands.
fn order_row(entry: &OrderEntry) -> [Cell; 7] {
    let (_, time) = date_and_time(entry.at);
    let (turn, paint) = match entry.turn {
        Turn::Given => ("ordered", Paint::Warn),
        Turn::TakenBack => ("taken back", Paint::Good),
    };
    let subject = match entry.key.host() {
        Some(_) => String::new(),
        None => entry.key.subject(),
    };
    let host = entry.key.host().map(ToString::to_string);
    let until = entry.until.map(|until| {
        let until = moment::told(until, entry.at, Zone::Utc);
        format!(", until {until}")
    });
    let reason = entry.reason.as_ref().map(|reason| format!(": {reason}"));
    let why = [Some(format!("by {}", entry.by)), until, reason];
    let why: String = why.into_iter().flatten().collect();
    [
        Cell::new(Paint::Dim, time),
        Cell::plain(entry.key.word()),
        Cell::plain(subject),
        Cell::plain(host.unwrap_or_default()),
        Cell::new(paint, turn),
        Cell::plain(""),
        Cell::plain(why),
    ]
}

fn take_over_row(entry: &TakeOver) -> [Cell; 7] {
    let (_, time) = date_and_time(entry.at);
    [
        Cell::new(Paint::Dim, time),
        Cell::plain("take-over"),
        Cell::plain(""),
        Cell::plain(""),
        Cell::new(Paint::Good, "done"),
        Cell::new(Paint::Dim, span(Duration::from_millis(entry.waited_ms))),
        Cell::plain(format!("after {}", text::clean(&entry.took_over_from))),
    ]
}

fn applied_row(entry: &Applied) -> [Cell; 7] {
    let (_, time) = date_and_time(entry.at);
    let actions = match entry.actions {
        1 => "1 action".to_owned(),
        n => format!("{n} actions"),
    };
    let plan = text::clean(&entry.applied_plan);
    [
        Cell::new(Paint::Dim, time),
        Cell::plain("apply"),
        Cell::plain(""),
        Cell::plain(""),
        Cell::new(Paint::Warn, "begun"),
        Cell::plain(""),
        Cell::plain(format!(
            "saved plan {plan}, {actions}, by {}",
            text::clean(&entry.by)
        )),
    ]
}

fn undelivered_row(entry: &Undelivered) -> [Cell; 7] {
    let (_, time) = date_and_time(entry.at);
    let why = format!(
        "{} ({}): {}",
        text::clean(&entry.why),
        match entry.tries {
            1 => "tried once".to_owned(),
            tries => format!("tried {tries} times"),
        },
        text::clean(&entry.text)
    );
    [
        Cell::new(Paint::Dim, time),
        Cell::plain("notify"),
        Cell::plain(&entry.undelivered_to),
        Cell::plain(""),
        Cell::new(Paint::Bad, "given up"),
        Cell::plain(""),
        Cell::plain(why),
    ]
}

/// How it ended, and why it was not done, where it was not.
fn outcome(outcome: &Outcome) -> (&'static str, Paint, Option<&str>) {
    match outcome {
        Outcome::Changed => ("done", Paint::Good, None),
        Outcome::AlreadyDone => ("was so", Paint::Dim, None),
        Outcome::Skipped(why) => ("skipped", Paint::Warn, Some(why)),
        Outcome::Failed(why) => ("failed", Paint::Bad, Some(why)),
    }
}

/// `2023-11-14` and `22:13:20`.
fn date_and_time(at: Timestamp) -> (String, String) {
    let moment = at.to_string();
    match moment.split_once('T') {
        Some((date, time)) => (date.to_owned(), time.chars().take(8).collect()),
        None => (String::new(), moment),
    }
}

/// The entries as JSON, one object per line.
pub fn history_json(entries: &[&Record]) -> String {
    let shown = entries.iter().map(|entry| Shown {
        format_version: FORMAT_VERSION,
        entry,
    });
    shown.map(|shown| text::json_line(&shown)).collect()
}

#[derive(Serialize)]
struct Shown<'a> {
    format_version: u32,
    #[serde(flatten)]
    entry: &'a Record,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    fn history() -> Vec<Record> {
        samples::records()
    }

    fn all(history: &[Record]) -> Vec<&Record> {
        select(history, 0, None)
    }

    #[test]
    fn the_history_reads_day_by_day() {
        let history = history();
        insta::assert_snapshot!(
            "history_80",
            history_text(&all(&history), &Style::plain(80))
        );
        insta::assert_snapshot!(
            "history_120",
            history_text(&all(&history), &Style::plain(120))
        );
        insta::assert_snapshot!("history_json", history_json(&all(&history)));
    }

    #[test]
    fn a_change_names_the_commit_that_asked_for_it() {
        let mut history = history();
        for record in &mut history {
            if let Record::Action(entry) = record {
                entry.commit = Some(samples::commit());
            }
        }
        let shown = history_text(&all(&history), &Style::plain(120));
        insta::assert_snapshot!("history_commits", shown);
        let json = history_json(&all(&history));
        let line = json.lines().find(|line| line.contains("took_ms")).unwrap();
        let first: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(first["commit"]["signature"]["by"], "anna@example.org");
    }

    #[test]
    fn a_run_that_was_not_about_everything_is_told_from_others() {
        let mut entry = samples::history().remove(0);
        let line = |entry: &HistoryEntry| {
            let record = Record::Action(Box::new(entry.clone()));
            let text = history_text(&[&record], &Style::plain(160));
            (text, history_json(&[&record]))
        };
        assert!(!line(&entry).1.contains("targets"));
        entry.targets = samples::targets();
        let (text, json) = line(&entry);
        assert!(
            text.contains("(only: random-2, service/web, but not host/b)"),
            "{text}"
        );
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["targets"]["only"][1], "service/web");
        assert_eq!(json["targets"]["except"][0], "host/b");
    }

    #[test]
    fn only_the_newest_are_chosen() {
        let history = history();
        let chosen = select(&history, 2, None);
        assert_eq!(chosen, all(&history).split_off(history.len() - 2));
        assert_eq!(select(&history, 99, None).len(), history.len());
    }

    #[test]
    fn only_those_of_an_instance_are_chosen() {
        let history = history();
        let web = samples::instance("web-1");
        let chosen = select(&history, 0, Some(&web));
        assert!(!chosen.is_empty() && chosen.len() < history.len());
        assert!(chosen.iter().all(|record| record.instance() == Some(&web)));
    }

    #[test]
    fn that_another_controller_was_taken_over_from_reads_back_and_is_shown() {
        let entry = Record::TakeOver(TakeOver {
            at: Timestamp(0),
            took_over_from: "anna@ops, watch, pid 7".into(),
            waited_ms: 31_000,
        });
        let line = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), entry);
        let shown = history_text(&[&entry], &Style::plain(100));
        assert!(
            shown.contains("take-over") && shown.contains("after anna@ops"),
            "{shown}"
        );
    }

    #[test]
    fn an_empty_history_says_so() {
        assert_eq!(
            history_text(&[], &Style::plain(80)),
            "Nothing was done yet.\n"
        );
        assert_eq!(history_json(&[]), "");
    }

    #[test]
    fn hostile_reasons_stay_harmless() {
        let mut history = history();
        for record in &mut history {
            match record {
                Record::Action(entry) => {
                    entry.outcome = Outcome::Failed("\u{1b}]0;x\u{7}\u{202e}".into());
                }
                Record::Order(entry) => entry.reason = Some("\u{1b}]0;x\u{7}\u{202e}".into()),
                Record::TakeOver(entry) => entry.took_over_from = "\u{1b}]0;x\u{7}\u{202e}".into(),
                Record::Applied(entry) => entry.by = "\u{1b}]0;x\u{7}\u{202e}".into(),
                Record::Undelivered(entry) => entry.text = "\u{1b}]0;x\u{7}\u{202e}".into(),
            }
        }
        let shown = history_text(&all(&history), &Style::plain(80)) + &history_json(&all(&history));
        assert!(!shown.replace('\n', "").chars().any(text::is_hostile));
    }
}
