//! What became of a cluster under each loss, as text and as JSON. Pure.
//!
//! The JSON is a [`Survival`] with `format_version: 1` and `verdict` (`"good"` or `"bad"`) before its own keys. Times
//! are milliseconds from the loss.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::rehearsal_view::{FORMAT_VERSION, exact};
use super::style::{Paint, Style};
use super::table::{Align, Cell, Table};
use super::text;
use crate::model::unit::span;
use crate::rehearse::Subject;
use crate::rehearse::survive::{Break, Mended, Outcome, Survival, Together, Worst};

/// Broken losses that are told of in full; of more, only the first.
const MOST_TOLD: usize = 20;
/// Names of losses are cut there in the table; in full they are told below it.
const LONGEST_NAME: usize = 30;
/// Losses that are listed; of more, those that were survived are left out.
const MOST_LISTED: usize = 200;

/// The answer for people: the table, what breaks, and the verdict last.
pub fn survival_text(survival: &Survival, style: &Style) -> String {
    let mut sections = vec![head(survival, style), table(survival, style)];
    let broken = survival.losses.iter().filter(|outcome| !outcome.survived);
    sections.extend(
        broken
            .clone()
            .take(MOST_TOLD)
            .map(|outcome| told(outcome, style)),
    );
    sections.extend(data_lost(survival, style));
    sections.extend(survival.together.as_ref().map(|all| together(all, style)));
    sections.push(verdict(survival, broken.count(), style));
    sections.join("\n")
}

/// The answer for programs.
pub fn survival_json(survival: &Survival) -> String {
    text::json(&Shown {
        format_version: FORMAT_VERSION,
        verdict: if survival.is_good() { "good" } else { "bad" },
        survival,
    })
}

#[derive(Serialize)]
struct Shown<'a> {
    format_version: u32,
    verdict: &'static str,
    #[serde(flatten)]
    survival: &'a Survival,
}

fn head(survival: &Survival, style: &Style) -> String {
    let title = format!("Losses of {}: {}", survival.cluster, survival.lost);
    let facts = format!(
        "{}, {}, {} after each loss, seed {}",
        text::count(survival.hosts, "host"),
        text::count(survival.instances, "instance"),
        span(Duration::from_millis(survival.within_ms)),
        survival.seed
    );
    let mut head = format!("{}\n", style.paint(Paint::Strong, text::clean(&title)));
    let _ = writeln!(head, "{}", style.paint(Paint::Dim, facts));
    if !survival.spared.is_empty() {
        let names: Vec<String> = survival.spared.iter().map(ToString::to_string).collect();
        let text = format!(
            "never lost, for want of such a label: {}",
            text::list(&names)
        );
        head += &lines("", &text, 0, Paint::Warn, style);
    }
    head
}

/// Text in lines of the terminal, behind a lead.
fn lines(lead: &str, words: &str, indent: usize, paint: Paint, style: &Style) -> String {
    let before = indent + text::width(lead);
    let wrapped = text::wrap(&text::clean(words), style.width.saturating_sub(before));
    let lines = wrapped.iter().enumerate().map(|(number, line)| {
        let lead = match number {
            0 => style.paint(Paint::Dim, lead),
            _ => " ".repeat(text::width(lead)),
        };
        format!("{}{lead}{}\n", " ".repeat(indent), style.paint(paint, line))
    });
    lines.collect()
}

fn table(survival: &Survival, style: &Style) -> String {
    let mut table = Table::new(
        2,
        &[
            ("LOST", Align::Left),
            ("VERDICT", Align::Left),
            ("BACK AFTER", Align::Right),
            ("WORST OUTAGE", Align::Left),
        ],
    );
    let all = survival.losses.len() <= MOST_LISTED;
    let shown = survival
        .losses
        .iter()
        .filter(|outcome| all || !outcome.survived);
    shown
        .take(MOST_LISTED)
        .for_each(|outcome| rows(outcome, &mut table));
    table.render(style)
}

/// A row for each service and VIP that was out of reach.
fn rows(outcome: &Outcome, table: &mut Table) {
    let verdict = match outcome.survived {
        true => Cell::new(Paint::Good, "survives"),
        false => Cell::new(Paint::Bad, "breaks"),
    };
    let back = match outcome.finding.back_after_ms {
        Some(0) => Cell::new(Paint::Dim, "at once"),
        Some(millis) => Cell::plain(exact(millis)),
        None => Cell::new(Paint::Bad, "never"),
    };
    let mut outages = outcome.finding.outages.iter().map(outage);
    let first = outages
        .next()
        .unwrap_or_else(|| Cell::new(Paint::Good, "none"));
    table.row([Cell::plain(cut(&outcome.lost)), verdict, back, first]);
    for outage in outages {
        table.row([Cell::plain(""), Cell::plain(""), Cell::plain(""), outage]);
    }
}

/// A name that leaves room for the other columns.
fn cut(name: &str) -> String {
    let cleaned = text::clean(name);
    match text::width(&cleaned) > LONGEST_NAME {
        true => cleaned
            .chars()
            .take(LONGEST_NAME - 1)
            .chain(['…'])
            .collect(),
        false => cleaned,
    }
}

fn outage(worst: &Worst) -> Cell {
    let who = match &worst.subject {
        Subject::Service(group) => group.to_string(),
        Subject::Vip(vip) => vip.to_string(),
    };
    match worst.longest_ms {
        Some(millis) => Cell::new(Paint::Warn, format!("{who} {}", exact(millis))),
        None => Cell::new(Paint::Bad, format!("{who} to the end")),
    }
}

/// What breaks, why, and what would mend it.
fn told(outcome: &Outcome, style: &Style) -> String {
    let title = match outcome.lost.as_str() {
        "nothing" => "Broken even without a loss".to_owned(),
        lost => format!("Without {lost}"),
    };
    let mut told = format!("{}\n", style.paint(Paint::StrongBad, text::clean(&title)));
    let mut helped = BTreeSet::new();
    for broken in &outcome.finding.breaks {
        let new = broken.help.as_deref().filter(|help| helped.insert(*help));
        told += &of_break(broken, new, style);
    }
    told + &outcome
        .mend
        .as_ref()
        .map(|mend| mended(mend, style))
        .unwrap_or_default()
}

/// Which losses cost data, survived or not.
fn data_lost(survival: &Survival, style: &Style) -> Option<String> {
    let losses = survival.losses.iter();
    let costly: Vec<&Outcome> = losses.filter(|o| !o.finding.data_lost.is_empty()).collect();
    let shown = costly.iter().take(MOST_TOLD).flat_map(|outcome| {
        let each = outcome.finding.data_lost.iter();
        each.map(|lost| {
            format!(
                "without {}: {} goes on with an empty disk on host {}; its data stays on host {}",
                outcome.lost, lost.instance, lost.runs_on, lost.stays_on
            )
        })
    });
    let shown = shown.map(|text| lines("! ", &text, 2, Paint::Warn, style));
    let more = costly.len().saturating_sub(MOST_TOLD);
    let more = (more > 0).then(|| format!("  and with {more} more of these losses\n"));
    let all: String = shown.chain(more).collect();
    let title = style.paint(Paint::Strong, "Data that is lost");
    (!costly.is_empty()).then(|| format!("{title}\n{all}"))
}

/// What helps is said once.
fn of_break(broken: &Break, help: Option<&str>, style: &Style) -> String {
    let mut told = lines("✗ ", &broken.what, 2, Paint::Bad, style);
    if let Some(why) = &broken.why {
        told += &lines("why   ", why, 4, Paint::Plain, style);
    }
    if let Some(help) = help {
        told += &lines("help  ", help, 4, Paint::Dim, style);
    }
    told
}

fn mended(mend: &Mended, style: &Style) -> String {
    match mend {
        Mended::By(mend) => {
            let text = format!("mended by: {}", mend.text);
            lines("✓ ", &text, 2, Paint::Good, style) + &changes(&mend.changes, 6, style)
        }
        Mended::ByNone(0) => lines(
            "- ",
            "no change of the file is known that might mend this",
            2,
            Paint::Warn,
            style,
        ),
        Mended::ByNone(tried) => {
            let text = format!(
                "none of {} that were rehearsed mends this and breaks nothing else",
                text::count(*tried, "change")
            );
            lines("- ", &text, 2, Paint::Warn, style)
        }
        Mended::NotSought => {
            let text = "no mend was looked for: mend those above first";
            lines("- ", text, 2, Paint::Dim, style)
        }
    }
}

/// Keys as they would be written.
fn changes(changes: &BTreeMap<String, String>, indent: usize, style: &Style) -> String {
    let told = changes.iter().map(|(path, value)| {
        let (text, paint) = match value.is_empty() {
            true => (format!("{path}: … (remove it)"), Paint::Bad),
            false => (format!("{path}: {value}"), Paint::Accent),
        };
        lines("", &text, indent, paint, style)
    });
    told.collect()
}

fn together(all: &Together, style: &Style) -> String {
    match all {
        Together::Rehearsed { changes, broken } => at_once(changes, broken, style),
        Together::Apart { differ } => {
            let text = format!(
                "Each of these losses needs its own change ({}): none was found that mends them all.",
                differ.join(", ")
            );
            lines("", &text, 0, Paint::Warn, style)
        }
    }
}

fn at_once(all: &BTreeMap<String, String>, broken: &[String], style: &Style) -> String {
    let title = style.paint(Paint::Strong, "All of these changes at once");
    let (text, paint) = match broken {
        [] => ("rehearsed: every loss is survived".to_owned(), Paint::Good),
        broken => {
            let first = broken.iter().take(4).cloned().collect::<Vec<_>>();
            let more = broken.len() - first.len();
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            (
                format!("rehearsed: still broken without {}{more}", first.join("; ")),
                Paint::Warn,
            )
        }
    };
    format!(
        "{title}\n{}{}",
        changes(all, 2, style),
        lines("", &text, 2, paint, style)
    )
}

fn verdict(survival: &Survival, broken: usize, style: &Style) -> String {
    let all = survival.losses.len();
    let (paint, text) = match broken {
        0 if all == 1 => (Paint::Good, "✓ The loss is survived.".to_owned()),
        0 => (Paint::Good, format!("✓ All {all} losses are survived.")),
        _ if survival.losses.iter().any(|o| o.lost == "nothing") => (
            Paint::StrongBad,
            "✗ The cluster is not well even before a loss.".to_owned(),
        ),
        _ if all == 1 => (Paint::StrongBad, "✗ The loss is not survived.".to_owned()),
        _ => (
            Paint::StrongBad,
            format!("✗ {broken} of {all} losses are not survived."),
        ),
    };
    format!("{}\n", style.paint(paint, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_and_a_hostile_one_is_harmless() {
        assert_eq!(cut("hosts a, b"), "hosts a, b");
        let long = cut(&"host-".repeat(20));
        assert_eq!((text::width(&long), long.ends_with('…')), (30, true));
        assert!(!cut("rack \u{1b}[2J").contains('\u{1b}'));
    }
}
