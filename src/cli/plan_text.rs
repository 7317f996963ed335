//! A plan as text for people: what will be done, why, and what it costs. Pure: everything it says is in the plan.

pub(super) mod files;
mod gate;
pub(super) mod notices;

use super::cost::{self, noticed};
use super::grounds::AllGrounds;
use super::orders_view::{OrderShown, order_lines, target_line};
use super::style::{Paint, Style};
use super::tally::{Sort, Tally};
use super::text;
use crate::model::plan::{Action, Motive, Plan, Reason};
use crate::model::time::Timestamp;
use crate::model::unit::span;
use files::Diffs;

/// How much further in the later lines of a paragraph stand.
const HANGING: usize = 2;

/// How much of new files is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewFiles {
    /// Their number of lines.
    Counted,
    /// Their content.
    Shown,
}

/// What a plan is compared to, and what follows from that, in sentences: at its top, and before its summary.
pub type Notes = (String, Vec<String>);

/// What is told besides a plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extras<'a> {
    /// What it is compared to.
    pub notes: Option<&'a Notes>,
    /// The grounds of each action.
    pub grounds: Option<&'a AllGrounds>,
}

/// The plan as text, as seen at `now`.
pub fn plan_text(plan: &Plan, now: Timestamp, new_files: NewFiles, style: &Style) -> String {
    plan_text_with(plan, now, new_files, style, Extras::default())
}

/// The same with more.
pub fn plan_text_with(
    plan: &Plan,
    now: Timestamp,
    new_files: NewFiles,
    style: &Style,
    extras: Extras<'_>,
) -> String {
    let notes = extras.notes;
    let orders = order_lines(&OrderShown::all(&plan.orders), now, style);
    let orders = target_line(&plan.orders.targets, style) + &orders;
    if plan.converged() && notes.is_none() {
        let mut parts = vec![orders, notices::sections(plan, style)];
        parts.retain(|part| !part.is_empty());
        parts.push(no_changes(plan, style));
        return parts.join("\n");
    }
    let page = Page {
        plan,
        style,
        columns: Columns::of(plan),
        grounds: extras.grounds,
    };
    let mut diffs = Diffs::new(new_files);
    let mut parts = vec![header(plan, now, style)];
    parts.extend(notes.map(|(head, _)| paragraph(style, Paint::StrongWarn, 0, head)));
    parts.push(orders);
    for motive in [Motive::Heal, Motive::Change, Motive::Move] {
        parts.extend(page.section(motive, &mut diffs));
    }
    parts.extend(gate::section(plan, style));
    parts.push(notices::sections(plan, style));
    parts.extend(notes.map(|(_, notes)| {
        let notes = notes
            .iter()
            .map(|note| paragraph(style, Paint::Plain, 0, note));
        notes.collect()
    }));
    let noticed = cost::sentence(plan).map(|told| paragraph(style, Paint::Warn, 0, &told));
    let summary = paragraph(style, Paint::Strong, 0, &Tally::of(plan).sentence());
    parts.push(noticed.unwrap_or_default() + &summary);
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// The one line where nothing is to be done.
fn no_changes(plan: &Plan, style: &Style) -> String {
    let (seen, all) = plan.hosts_seen();
    let things = text::count(plan.unchanged, "thing");
    let checked = format!(
        "({things} checked on {seen} of {})",
        text::count(all, "host")
    );
    let head = style.paint(Paint::Good, "No changes:");
    let checked = style.paint(Paint::Dim, checked);
    format!("{head} {} is as desired {checked}.\n", what(plan))
}

/// What a plan is about.
pub(super) fn what(plan: &Plan) -> String {
    match plan.orders.targets.is_all() {
        true => plan.cluster.to_string(),
        false => format!("what is targeted of {}", plan.cluster),
    }
}

/// Which cluster, which state of the file, and how much of the world was seen, when.
pub(super) fn header(plan: &Plan, now: Timestamp, style: &Style) -> String {
    let (seen, all) = plan.hosts_seen();
    let paint = if seen < all {
        Paint::StrongWarn
    } else {
        Paint::Dim
    };
    let file = format!("{} at {}", text::clean(&plan.file), plan.revision);
    let age = age(now.since(plan.observed_at));
    let hosts = format!("{seen} of {} observed {age}", text::count(all, "host"));
    let wide = text::width(plan.cluster.as_str()) + text::width(&file) + text::width(&hosts) + 4;
    let commit = plan.commit.as_ref().map(|commit| {
        let words = format!(
            "commit {}: {}",
            text::commit_words(commit),
            text::clean(&commit.subject)
        );
        paragraph(style, Paint::Dim, 0, &words)
    });
    format!(
        "{}  {}{}{}\n{}",
        style.paint(Paint::Strong, &plan.cluster),
        style.paint(Paint::Dim, file),
        if wide <= style.width { "  " } else { "\n" },
        style.paint(paint, hosts),
        commit.unwrap_or_default(),
    )
}

pub(super) fn age(age: std::time::Duration) -> String {
    match age.as_secs() {
        0 => "just now".to_owned(),
        _ => format!("{} ago", span(age)),
    }
}

/// Where things stand in a line of an action.
struct Columns {
    number: usize,
    kind: usize,
}

impl Columns {
    fn of(plan: &Plan) -> Columns {
        let kinds = plan.actions.iter().map(|a| a.operation.kind().len());
        let numbers = plan.actions.iter().map(|a| a.id.to_string().len());
        Columns {
            number: numbers.max().unwrap_or(1) + 2,
            kind: kinds.max().unwrap_or(0),
        }
    }

    /// Where an action's kind begins, and all that is told below it.
    fn indent(&self) -> usize {
        self.number + 4
    }
}

/// What every line of a plan needs to know.
struct Page<'a> {
    plan: &'a Plan,
    style: &'a Style,
    columns: Columns,
    grounds: Option<&'a AllGrounds>,
}

impl Page<'_> {
    fn section(&self, motive: Motive, diffs: &mut Diffs) -> Option<String> {
        let actions = self.plan.actions.iter();
        let actions: Vec<_> = actions.filter(|a| a.motive == motive).collect();
        let (title, because) = match motive {
            Motive::Heal => ("Heal", "reality changed".to_owned()),
            Motive::Move => ("Move", "guests leave their hosts".to_owned()),
            Motive::Change => (
                "Change",
                format!("{} changed", text::clean(&self.plan.file)),
            ),
        };
        let title = self.style.paint(Paint::Strong, title);
        let because = self.style.paint(Paint::Dim, because);
        let rows = actions.chunk_by(|one, next| {
            self.grounds.is_none() && tell_alike(one, next) && diffs.tell_alike(one, next)
        });
        let rows: Vec<_> = rows.collect();
        let told: String = rows.iter().map(|alike| self.told(alike, diffs)).collect();
        (!actions.is_empty()).then(|| format!("{title}  {because}\n{told}"))
    }

    /// Actions in a row of which the same is to be told: that is told once, below them.
    fn told(&self, alike: &[&Action], diffs: &mut Diffs) -> String {
        let heads: String = alike.iter().map(|action| self.head(action)).collect();
        let Some(first) = alike.first() else {
            return heads;
        };
        let indent = self.columns.indent();
        let each = if alike.len() > 1 { "each: " } else { "" };
        let why = format!("{each}{}", because(&first.reason, &self.plan.file));
        let mut told = heads + &paragraph(self.style, Paint::Dim, indent, &why);
        if let Some(interruption) = &first.interrupts {
            let cost = format!("{each}interrupts {}", noticed(interruption));
            told.push_str(&paragraph(self.style, Paint::Warn, indent, &cost));
        }
        let grounds = self.grounds.and_then(|grounds| grounds.get(&first.id));
        let grounds = grounds.map(|grounds| grounds.lines(first.reason.line.as_ref()));
        for line in grounds.into_iter().flatten() {
            told.push_str(&paragraph(self.style, Paint::Plain, indent, &line));
        }
        told.push_str(&diffs.of(first, indent, self.style));
        told
    }

    /// `  3  + create  random-1 on a  after 1`
    fn head(&self, action: &Action) -> String {
        let sort = Sort::of(&action.operation);
        let kind = format!("{:<w$}", action.operation.kind(), w = self.columns.kind);
        let number = format!("{:>w$}", action.id.to_string(), w = self.columns.number);
        let column = self.columns.indent() + self.columns.kind + 2;
        let wide = self.style.width.saturating_sub(column);
        format!(
            "{}  {} {}  {}\n",
            self.style.paint(Paint::Dim, number),
            self.style.paint(sort.paint(), sort.mark()),
            self.style.paint(sort.paint(), kind),
            self.summary(action, wide)
                .join(&format!("\n{}", " ".repeat(column))),
        )
    }

    /// What, and what it waits for: in one line where that fits.
    fn summary(&self, action: &Action, columns: usize) -> Vec<String> {
        let mut lines = text::wrap(&text::clean(&action.summary), columns);
        let waits: Vec<u32> = action.needs.union(&action.after).map(|id| id.0).collect();
        if waits.is_empty() {
            return lines;
        }
        let after = format!("after {}", text::ranges(&waits));
        let dim = |line: &String| self.style.paint(Paint::Dim, line);
        match lines.last_mut() {
            Some(last) if text::width(last) + 2 + text::width(&after) <= columns => {
                *last = format!("{last}  {}", dim(&after));
            }
            Some(_) | None => lines.extend(text::wrap(&after, columns).iter().map(dim)),
        }
        lines
    }
}

/// Whether the same is told below both actions, their files aside.
fn tell_alike(one: &Action, next: &Action) -> bool {
    one.operation.kind() == next.operation.kind()
        && one.reason == next.reason
        && one.interrupts == next.interrupts
}

/// `it does not exist (missing, cluster.yaml:14)`
pub(super) fn because(reason: &Reason, file: &str) -> String {
    let place = reason
        .line
        .as_ref()
        .map(|line| format!(", {}", text::clean(&line.place(file))));
    let place = place.unwrap_or_default();
    format!("{} ({}{place})", text::clean(&reason.text), reason.code)
}

/// Prose in its colour, wrapped; lines after the first stand a little further in.
pub(super) fn paragraph(style: &Style, paint: Paint, indent: usize, prose: &str) -> String {
    let lines = text::wrap(prose, style.width.saturating_sub(indent + HANGING));
    let mut told = String::new();
    for (index, line) in lines.iter().enumerate() {
        let hanging = if index == 0 || indent == 0 {
            0
        } else {
            HANGING
        };
        told.push_str(&" ".repeat(indent + hanging));
        told.push_str(&style.paint(paint, line));
        told.push('\n');
    }
    told
}

#[cfg(test)]
mod tests;
