//! A rehearsal as text and as JSON. Pure.
//!
//! The JSON is a [`Rehearsal`] with `format_version: 1` and `verdict` (`"good"` or `"bad"`) before its own keys. Times
//! are milliseconds from the start.

mod timeline;

pub(super) use timeline::{moment, shown, words};

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::style::{Paint, Style};
use super::table::{Align, Cell, Table};
use super::text;
use crate::model::unit::span;
use crate::rehearse::{Again, Failure, Hit, Placed, Rehearsal, Subject, Target};

/// The version of the keys and their meaning.
pub const FORMAT_VERSION: u32 = 1;
/// Failures that are listed; of more, only the worst.
const MAX_FAILURES: usize = 20;

/// What failed gets at least this much.
const LEAST_FAILURE: usize = 18;

/// The rehearsal for people: the timeline, the tables, and the verdict last.
pub fn rehearsal_text(rehearsal: &Rehearsal, style: &Style) -> String {
    let sections = [
        head(rehearsal, style),
        timeline::timeline(rehearsal, style),
        targets(rehearsal, style),
        failures(rehearsal, style),
        placement(rehearsal, style),
        verdict(rehearsal, style),
    ];
    let sections = sections.into_iter().filter(|section| !section.is_empty());
    sections.collect::<Vec<_>>().join("\n")
}

/// The rehearsal for programs.
pub fn rehearsal_json(rehearsal: &Rehearsal) -> String {
    text::json(&Shown {
        format_version: FORMAT_VERSION,
        verdict: if rehearsal.is_good() { "good" } else { "bad" },
        rehearsal,
    })
}

#[derive(Serialize)]
struct Shown<'a> {
    format_version: u32,
    verdict: &'static str,
    #[serde(flatten)]
    rehearsal: &'a Rehearsal,
}

fn head(rehearsal: &Rehearsal, style: &Style) -> String {
    let about = rehearsal.about.as_deref().map(text::clean);
    let about = about.map(|about| format!(": {about}")).unwrap_or_default();
    let title = format!("Rehearsal of {}{about}", rehearsal.cluster);
    let facts = format!(
        "{}, {}, {}, seed {}",
        text::count(rehearsal.hosts, "host"),
        text::count(rehearsal.instances, "instance"),
        span(Duration::from_millis(rehearsal.lasted_ms)),
        rehearsal.seed
    );
    let title = text::wrap(&title, style.width).into_iter();
    let mut head: String = title
        .map(|line| format!("{}\n", style.paint(Paint::Strong, line)))
        .collect();
    let _ = writeln!(head, "{}", style.paint(Paint::Dim, facts));
    head
}

fn section(name: &str, table: &Table, style: &Style) -> String {
    format!(
        "{}\n{}",
        style.paint(Paint::Strong, name),
        table.render(style)
    )
}

/// A span with more digits than elsewhere: gaps are what this is about.
pub(super) fn exact(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis / 100 % 10),
        _ => span(Duration::from_millis(millis)),
    }
}

fn targets(rehearsal: &Rehearsal, style: &Style) -> String {
    let mut table = Table::new(
        2,
        &[
            ("CLIENTS OF", Align::Left),
            ("AVAILABLE", Align::Right),
            ("DOWN", Align::Right),
            ("LONGEST GAP", Align::Right),
            ("GAPS", Align::Right),
        ],
    );
    for target in &rehearsal.targets {
        table.row(target_row(target));
    }
    match rehearsal.targets.is_empty() {
        true => String::new(),
        false => section("Availability", &table, style),
    }
}

fn target_row(target: &Target) -> [Cell; 5] {
    if target.since_ms.is_none() {
        let none = || Cell::plain("");
        let never = Cell::new(Paint::Bad, "never");
        return [Cell::plain(&target.subject), never, none(), none(), none()];
    }
    let paint = match target.down_ms {
        0 => Paint::Good,
        _ => Paint::Warn,
    };
    let or_none = |millis: u64| match millis {
        0 => Cell::new(Paint::Dim, gap(0)),
        millis => Cell::plain(gap(millis)),
    };
    [
        Cell::plain(&target.subject),
        Cell::new(paint, available(target)),
        or_none(target.down_ms),
        or_none(target.longest_ms),
        Cell::new(Paint::Dim, target.outages.len()),
    ]
}

/// Rounded down: what was down at all was not available all the time.
fn available(target: &Target) -> String {
    let most = if target.down_ms == 0 { 100.0 } else { 99.999 };
    let down = (target.availability * 1_000.0).floor() / 1_000.0;
    format!("{:.3} %", down.clamp(0.0, most))
}

fn failures(rehearsal: &Rehearsal, style: &Style) -> String {
    let mut table = Table::new(
        2,
        &[
            ("AT", Align::Left),
            ("FAILURE", Align::Left),
            ("RTO", Align::Right),
            ("WHOLE AGAIN", Align::Right),
            ("CLIENTS BACK", Align::Left),
        ],
    );
    let shown = worst(&rehearsal.failures);
    let room = style.width.saturating_sub(beside(&shown));
    let room = room.max(LEAST_FAILURE);
    for failure in &shown {
        failure_rows(failure, room, &mut table);
    }
    let name = match rehearsal.failures.len() - shown.len() {
        0 => "Failures".to_owned(),
        _ => format!(
            "Failures (the worst {} of {})",
            shown.len(),
            rehearsal.failures.len()
        ),
    };
    match shown.is_empty() {
        true => String::new(),
        false => section(&name, &table, style),
    }
}

/// What the other columns of the failures take.
fn beside(failures: &[&Failure]) -> usize {
    let width = |title: &str, cells: &dyn Fn(&Failure) -> Vec<String>| {
        let cells = failures.iter().flat_map(|f| cells(f));
        let widest = cells.map(|cell| text::width(&cell)).max();
        2 + widest.unwrap_or(0).max(title.len())
    };
    let hits = |f: &Failure| f.hit.iter().map(told_hit).collect();
    2 + width("AT", &|f| vec![timeline::moment(f.at_ms)])
        + width("RTO", &|f| vec![serves_again(f)])
        + width("WHOLE AGAIN", &|f| vec![whole_again(f)])
        + width("CLIENTS BACK", &hits)
}

/// Those after which clients waited longest, in the order of time.
pub(super) fn worst(failures: &[Failure]) -> Vec<&Failure> {
    let never = u64::MAX;
    let wait = |f: &Failure| {
        let hits = f.hit.iter().map(|h| h.back_after_ms.unwrap_or(never));
        (hits.max(), f.serves_again, f.whole_again)
    };
    let mut all: Vec<&Failure> = failures.iter().collect();
    all.sort_by_key(|f| std::cmp::Reverse(wait(f)));
    all.truncate(MAX_FAILURES);
    all.sort_by_key(|f| f.at_ms);
    all
}

/// A row for each service and VIP whose clients noticed it, and for each line of what failed.
fn failure_rows(failure: &Failure, room: usize, table: &mut Table) {
    let told = text::wrap(&text::clean(&failure.what), room);
    let mut told = told.into_iter().map(Cell::plain);
    let mut hits = failure.hit.iter().map(hit);
    let first = hits.next();
    table.row([
        Cell::new(Paint::Dim, timeline::moment(failure.at_ms)),
        told.next().unwrap_or_else(none),
        Cell::new(paint_of(failure.serves_again), again(failure.serves_again)),
        Cell::new(paint_of(failure.whole_again), whole_again(failure)),
        first.unwrap_or_else(|| Cell::new(Paint::Good, "not noticed")),
    ]);
    loop {
        match (told.next(), hits.next()) {
            (None, None) => return,
            (text, hit) => table.row([
                none(),
                text.unwrap_or_else(none),
                none(),
                none(),
                hit.unwrap_or_else(none),
            ]),
        }
    }
}

/// When something was back, in a word.
fn again(again: Again) -> String {
    match again {
        Again::Undisturbed => "-".to_owned(),
        Again::AfterMs(millis) => exact(millis),
        Again::Never => "never".to_owned(),
    }
}

fn paint_of(again: Again) -> Paint {
    match again {
        Again::Undisturbed => Paint::Dim,
        Again::AfterMs(_) => Paint::Plain,
        Again::Never => Paint::Bad,
    }
}

/// When all was whole again, and how many replicas that is without.
pub(super) fn whole_again(failure: &Failure) -> String {
    let when = again(failure.whole_again);
    match (failure.whole_again, failure.short.len()) {
        (_, 0) | (Again::Never, _) => when,
        (Again::Undisturbed, short) => format!("{short} missing"),
        (Again::AfterMs(_), short) => format!("{when}, {short} missing"),
    }
}

/// When all served again.
pub(super) fn serves_again(failure: &Failure) -> String {
    again(failure.serves_again)
}

/// A time without answers, in words.
pub(super) fn gap(millis: u64) -> String {
    match millis {
        0 => "none".to_owned(),
        millis => exact(millis),
    }
}

fn none() -> Cell {
    Cell::plain("")
}

fn hit(hit: &Hit) -> Cell {
    let paint = match hit.back_after_ms {
        Some(_) => Paint::Warn,
        None => Paint::Bad,
    };
    Cell::new(paint, told_hit(hit))
}

/// Who was out of reach, and for how long after the failure.
pub(super) fn told_hit(hit: &Hit) -> String {
    let who = match &hit.subject {
        Subject::Service(group) => group.to_string(),
        Subject::Vip(vip) => vip.to_string(),
    };
    let back = hit.back_after_ms.map_or("never".to_owned(), exact);
    format!("{who} {back}")
}

fn placement(rehearsal: &Rehearsal, style: &Style) -> String {
    let mut table = Table::new(
        2,
        &[
            ("INSTANCE", Align::Left),
            ("HOST", Align::Left),
            ("ADDRESS", Align::Left),
            ("VIP", Align::Left),
            ("STATE", Align::Left),
        ],
    );
    for placed in &rehearsal.placement {
        table.row(placed_row(placed));
    }
    match rehearsal.placement.is_empty() {
        true => String::new(),
        false => section("At the end", &table, style),
    }
}

fn placed_row(placed: &Placed) -> [Cell; 5] {
    let state = match (&placed.host, placed.serves) {
        (None, _) => Cell::new(Paint::Bad, "does not exist"),
        (Some(_), true) => Cell::new(Paint::Good, "serves"),
        (Some(_), false) => Cell::new(Paint::Bad, "does not serve"),
    };
    let vips: Vec<String> = placed.vips.iter().map(ToString::to_string).collect();
    let address = placed.address.map(|a| a.to_string());
    [
        Cell::plain(&placed.instance),
        Cell::plain(placed.host.as_deref().unwrap_or_default()),
        Cell::plain(address.unwrap_or_default()),
        Cell::new(Paint::Accent, vips.join(" ")),
        state,
    ]
}

fn verdict(rehearsal: &Rehearsal, style: &Style) -> String {
    let mut told = String::new();
    for unmet in &rehearsal.unmet {
        let line = unmet.line.map(|line| format!(" (line {line})"));
        let text = format!(
            "{}: expected that {}{}, but {}",
            timeline::moment(unmet.at_ms),
            unmet.expected,
            line.unwrap_or_default(),
            text::clean(&unmet.but)
        );
        told += &bullet(&text, style);
    }
    let total = rehearsal.expectations;
    let unmet = rehearsal.unmet.len();
    let laws = match rehearsal.broken.len() {
        0 => "no law was broken".to_owned(),
        broken => format!("{} broken", text::count(broken, "law")),
    };
    let (mark, paint, expected) = match (rehearsal.is_good(), unmet) {
        (true, _) if total == 1 => ("✓", Paint::Good, "The expectation holds".to_owned()),
        (true, _) => ("✓", Paint::Good, format!("All {total} expectations hold")),
        (false, 0) => ("✗", Paint::StrongBad, "What was expected holds".to_owned()),
        (false, unmet) => {
            let text = format!("{unmet} of {} not met", text::count(total, "expectation"));
            ("✗", Paint::StrongBad, text)
        }
    };
    let _ = writeln!(
        told,
        "{}",
        style.paint(paint, format!("{mark} {expected}, {laws}."))
    );
    told
}

fn bullet(text: &str, style: &Style) -> String {
    let lines = text::wrap(text, style.width.saturating_sub(4));
    let lines = lines.iter().enumerate().map(|(n, line)| {
        let lead = if n == 0 { "✗ " } else { "  " };
        format!("{lead}{line}\n")
    });
    lines.map(|line| style.paint(Paint::Bad, line)).collect()
}

#[cfg(test)]
mod tests;
