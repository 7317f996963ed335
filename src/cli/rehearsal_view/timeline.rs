//! The timeline of a rehearsal: one thing that happened per line. Pure.

use std::time::Duration;

use super::exact;
use crate::cli::style::{Paint, Style};
use crate::cli::text;
use crate::model::condition::HostCondition;
use crate::model::plan::{NoticeKind, Outcome};
use crate::model::unit::span;
use crate::rehearse::{Entry, Rehearsal, What, Who};

/// Longer timelines leave out what went well.
const MAX_LINES: usize = 600;
/// What is over after so many milliseconds was hardly worth saying.
const SOON: u64 = 2_000;
/// What would help is said on a line of its own.
const HELP: &str = "help: ";
/// More names than these are counted.
const MAX_NAMES: usize = 8;

/// A line's mark, its parts with their colours, and a remark at its end.
struct Line {
    mark: (&'static str, Paint),
    text: String,
    paint: Paint,
    remark: String,
}

/// The whole timeline.
pub(super) fn timeline(rehearsal: &Rehearsal, style: &Style) -> String {
    let (shown, left_out) = shown(rehearsal);
    let column = shown.iter().map(|e| moment(e.at_ms).len()).max();
    let column = column.unwrap_or(0);
    let mut told = format!("{}\n", style.paint(Paint::Strong, "Timeline"));
    for entry in &shown {
        told += &entry_text(entry, column, style);
    }
    if left_out > 0 {
        let text = format!("  {left_out} decisions and actions are not shown: see --output json");
        told += &format!("{}\n", style.paint(Paint::Dim, text));
    }
    told
}

/// What is shown, and how much is left out.
pub(in crate::cli) fn shown(rehearsal: &Rehearsal) -> (Vec<&Entry>, usize) {
    let all = &rehearsal.timeline;
    let lasting: Vec<&Entry> = (0..all.len()).filter_map(|n| lasting(all, n)).collect();
    let shown: Vec<&Entry> = match lasting.len() > MAX_LINES {
        true => lasting.iter().copied().filter(|e| is_news(e)).collect(),
        false => lasting.clone(),
    };
    let left_out = lasting.len() - shown.len();
    (shown, left_out)
}

/// A line, unless it says that something has to wait, and a moment later all is as desired.
fn lasting(all: &[Entry], n: usize) -> Option<&Entry> {
    let (entry, after) = (all.get(n)?, all.get(n + 1..)?);
    let waits = match &entry.what {
        What::Says { notice, .. } => *notice == NoticeKind::Waiting,
        _ => false,
    };
    let mut soon = after.iter().take_while(|e| e.at_ms < entry.at_ms + SOON);
    let over = soon.any(|e| e.by == entry.by && e.what == What::Converged);
    (!waits || !over).then_some(entry)
}

fn is_news(entry: &Entry) -> bool {
    match &entry.what {
        What::Happens { .. }
        | What::Down { .. }
        | What::Up { .. }
        | What::Broken { .. }
        | What::Refused { .. }
        | What::Expected { .. } => true,
        What::Did { outcome, .. } => matches!(outcome, Outcome::Failed(_)),
        What::Decides { .. } | What::Says { .. } | What::Host { .. } | What::Converged => false,
    }
}

/// `+0:01:23.4`, and with days in long rehearsals: `+12d03:04:05.6`.
pub(in crate::cli) fn moment(millis: u64) -> String {
    let (tenths, seconds) = (millis / 100 % 10, millis / 1_000);
    let (minutes, hours, days) = (seconds / 60 % 60, seconds / 3_600, seconds / 86_400);
    let seconds = seconds % 60;
    match days {
        0 => format!("+{hours}:{minutes:02}:{seconds:02}.{tenths}"),
        _ => format!(
            "+{days}d{:02}:{minutes:02}:{seconds:02}.{tenths}",
            hours % 24
        ),
    }
}

fn entry_text(entry: &Entry, column: usize, style: &Style) -> String {
    let mut told = String::new();
    for (n, line) in lines(entry).into_iter().enumerate() {
        let at = if n == 0 {
            moment(entry.at_ms)
        } else {
            String::new()
        };
        let space = " ".repeat(column - at.len());
        let at = style.paint(Paint::Dim, at);
        let mark = style.paint(line.mark.1, line.mark.0);
        let indent = column + 6;
        let body = body(&line, style.width.saturating_sub(indent), style);
        let body = body.join(&format!("\n{}", " ".repeat(indent)));
        told += &format!("  {space}{at}  {mark} {body}\n");
    }
    told
}

/// The text, and the remark behind it where there is room, else below. Help always is.
fn body(line: &Line, width: usize, style: &Style) -> Vec<String> {
    let mut lines = text::wrap(&line.text, width);
    let used = lines.last().map_or(0, |last| text::width(last));
    let remark = text::width(&line.remark);
    let painted = |line_text: &String| style.paint(line.paint, line_text);
    if line.remark.is_empty() {
        return lines.iter().map(painted).collect();
    }
    if used + 2 + remark <= width && !line.remark.starts_with(HELP) {
        let last = lines.pop().unwrap_or_default();
        let mut told: Vec<String> = lines.iter().map(painted).collect();
        let remark = style.paint(Paint::Dim, &line.remark);
        told.push(format!("{}  {remark}", painted(&last)));
        return told;
    }
    let below = text::wrap(&line.remark, width.saturating_sub(2));
    let below = below
        .iter()
        .map(|text| format!("  {}", style.paint(Paint::Dim, text)));
    lines.iter().map(painted).chain(below).collect()
}

/// What a line says: its mark, and its words.
pub(in crate::cli) fn words(entry: &Entry) -> Vec<(&'static str, String)> {
    let told = lines(entry).into_iter().map(|line| {
        let remark = match line.remark.is_empty() {
            true => String::new(),
            false => format!(" ({})", line.remark),
        };
        (line.mark.0, line.text + &remark)
    });
    told.collect()
}

fn lines(entry: &Entry) -> Vec<Line> {
    let line = |mark, paint, text: String, remark: String| Line {
        mark,
        text: text::clean(&text),
        paint,
        remark: text::clean(&remark),
    };
    let who = match entry.by {
        Who::World | Who::Controller => "",
        Who::Second => "(second) ",
    };
    let none = String::new;
    match &entry.what {
        What::Happens {
            text,
            failure: true,
        } => {
            vec![line(
                ("!", Paint::StrongBad),
                Paint::StrongBad,
                text.clone(),
                none(),
            )]
        }
        What::Happens { text, .. } => {
            vec![line(
                ("*", Paint::Strong),
                Paint::Strong,
                text.clone(),
                none(),
            )]
        }
        What::Decides { actions } => actions
            .iter()
            .map(|a| {
                let text = format!("{who}{} {}", a.action, few(&a.on));
                line(("→", Paint::Accent), Paint::Accent, text, a.reason.clone())
            })
            .collect(),
        What::Says {
            notice,
            subjects,
            text,
            help,
        } => {
            let (kind, paint) = kind(*notice);
            let help = help
                .as_deref()
                .map(|h| text::help_of_several(h, subjects.len()));
            let help = help.map(|help| format!("{HELP}{help}"));
            let text = text::of_several(text, subjects.len());
            let text = format!("{who}{kind}: {}: {text}", few(subjects));
            vec![line(
                ("·", paint),
                Paint::Plain,
                text,
                help.unwrap_or_default(),
            )]
        }
        What::Did {
            action,
            summary,
            outcome,
            took_ms,
        } => {
            let took = span(Duration::from_millis(*took_ms));
            let text = format!("{who}{action} {summary}");
            vec![match outcome {
                Outcome::Changed => line(("✓", Paint::Good), Paint::Plain, text, took),
                Outcome::AlreadyDone => line(
                    ("✓", Paint::Good),
                    Paint::Plain,
                    text,
                    "was so already".into(),
                ),
                Outcome::Skipped(why) => line(
                    ("-", Paint::Warn),
                    Paint::Plain,
                    text,
                    format!("skipped: {why}"),
                ),
                Outcome::Failed(why) => line(
                    ("✗", Paint::Bad),
                    Paint::Bad,
                    text,
                    format!("failed after {took}: {why}"),
                ),
            }]
        }
        What::Down { subject } => {
            let text = format!("{subject} is down");
            vec![line(("▼", Paint::StrongBad), Paint::Bad, text, none())]
        }
        What::Up { subject, after_ms } => {
            let (text, after) = match after_ms {
                None => (format!("{subject} answers for the first time"), none()),
                Some(millis) => (
                    format!("{subject} answers again"),
                    format!("after {}", exact(*millis)),
                ),
            };
            vec![line(("▲", Paint::Good), Paint::Good, text, after)]
        }
        What::Host { host, state } => {
            let is = match state {
                HostCondition::Maintenance => "in maintenance".to_owned(),
                state => state.to_string(),
            };
            let text = format!("{who}host {host} is {is}");
            vec![line(("~", paint_of(*state)), Paint::Plain, text, none())]
        }
        What::Refused { text, why } => {
            let text = format!("{text}: refused: {why}");
            vec![line(("✗", Paint::Bad), Paint::Bad, text, none())]
        }
        What::Converged => {
            let text = format!("{who}all is as desired");
            vec![line(("=", Paint::Good), Paint::Good, text, none())]
        }
        What::Broken { law } => {
            let law = law.split(';').next().unwrap_or_default();
            let text = format!("a law was broken: {law}");
            vec![line(
                ("✗", Paint::StrongBad),
                Paint::StrongBad,
                text,
                none(),
            )]
        }
        What::Expected { text, but: None } => {
            let text = format!("as expected, {text}");
            vec![line(("✓", Paint::Good), Paint::Plain, text, none())]
        }
        What::Expected {
            text,
            but: Some(but),
        } => {
            let text = format!("expected that {text}, but {but}");
            vec![line(("✗", Paint::StrongBad), Paint::Bad, text, none())]
        }
    }
}

fn paint_of(state: HostCondition) -> Paint {
    match state {
        HostCondition::Online => Paint::Good,
        HostCondition::Unreachable | HostCondition::Fenced => Paint::Bad,
        HostCondition::Suspect
        | HostCondition::Maintenance
        | HostCondition::Rejoining
        | HostCondition::Leaving => Paint::Warn,
    }
}

/// The first of many names, and how many more there are.
fn few(names: &[String]) -> String {
    match names.len() > MAX_NAMES {
        true => {
            let first = names.get(..MAX_NAMES - 1).unwrap_or_default();
            let more = names.len() - first.len();
            format!("{} and {more} more", first.join(", "))
        }
        false => names.join(", "),
    }
}

fn kind(notice: NoticeKind) -> (&'static str, Paint) {
    match notice {
        NoticeKind::Blocked => ("blocked", Paint::Bad),
        NoticeKind::Unknown => ("unknown", Paint::Warn),
        NoticeKind::Waiting => ("waiting", Paint::Dim),
        NoticeKind::Warning => ("warning", Paint::Warn),
    }
}
