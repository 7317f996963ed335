//! Drift as text for people. Pure.

use super::{Drift, DriftReport, FileDrift};
use crate::cli::plan_text::files::without_diff;
use crate::cli::plan_text::notices;
use crate::cli::plan_text::{because, header, paragraph};
use crate::cli::style::{Paint, Style};
use crate::cli::text;
use crate::model::plan::{ChangeKind, Plan};
use crate::model::time::Timestamp;
use crate::model::unit::span;

/// How far in it stands what differs.
const INDENT: usize = 4;

/// The report as text, with the plan that it is from.
pub fn drift_text(report: &DriftReport, plan: &Plan, now: Timestamp, style: &Style) -> String {
    let mut parts = Vec::new();
    if !report.drift.is_empty() {
        parts.push(header(plan, now, style));
        parts.extend(
            report
                .drift
                .iter()
                .map(|drift| told(drift, plan, now, style)),
        );
    }
    parts.push(notices::sections(plan, style));
    parts.push(conclusion(report, plan, style));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn told(drift: &Drift, plan: &Plan, now: Timestamp, style: &Style) -> String {
    let what = match &drift.instance {
        Some(instance) => format!("{instance} on host {}", drift.host),
        None => format!("host {}", drift.host),
    };
    let since = drift
        .since
        .map(|at| format!("  since {}", span(now.since(at))));
    let since = style.paint(Paint::Dim, since.unwrap_or_default());
    let mut told = format!("{}{since}\n", style.paint(Paint::StrongWarn, what));
    let why = because(&drift.reason, &plan.file);
    told.push_str(&paragraph(style, Paint::Plain, INDENT, &why));
    let files = drift.files.iter().map(|file| of_file(file, now, style));
    told.extend(files);
    let heals = format!(
        "heals it: {} {}",
        drift.heals.kind,
        text::clean(&drift.heals.summary)
    );
    told + &paragraph(style, Paint::Dim, INDENT, &heals)
}

fn of_file(file: &FileDrift, now: Timestamp, style: &Style) -> String {
    let path = text::clean(&file.path);
    let written = file
        .since
        .map(|at| format!(", written {} ago", span(now.since(at))));
    let written = written.unwrap_or_default();
    let title = match file.kind {
        ChangeKind::New => format!("{path} is gone"),
        ChangeKind::Content => format!("{path} was edited{written}"),
        ChangeKind::Hidden | ChangeKind::Attributes => {
            format!("{path} ({}){written}", without_diff(file.kind))
        }
    };
    let space = " ".repeat(INDENT + 2);
    let diff = file.diff.lines().map(|line| {
        let line = style.paint(Paint::of_diff(line), text::clean_line(line));
        format!("{}\n", format!("{space}{line}").trim_end())
    });
    paragraph(style, Paint::Plain, INDENT, &title) + &diff.collect::<String>()
}

fn conclusion(report: &DriftReport, plan: &Plan, style: &Style) -> String {
    let (cluster, revision) = (&report.cluster, &report.revision);
    let (seen, all) = plan.hosts_seen();
    let (number, hosts) = (report.drift.len(), text::count(all, "host"));
    let waits = match report.not_applied {
        0 => String::new(),
        waits => format!(" {} not applied yet.", text::count(waits, "change")),
    };
    let (paint, told) = match number {
        0 => (
            Paint::Good,
            format!("No drift: {cluster} is as revision {revision} left it, on {seen} of {hosts}."),
        ),
        1 => (
            Paint::Strong,
            format!("Drift: 1 thing differs from revision {revision}."),
        ),
        _ => (
            Paint::Strong,
            format!("Drift: {number} things differ from revision {revision}."),
        ),
    };
    paragraph(style, paint, 0, &(told + &waits))
}
