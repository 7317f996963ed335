//! The end of a status report as text: what is not as desired, and all in one sentence. Pure.

use super::{BalancerStatus, StatusReport, Wrong, WrongKind};
use crate::cli::style::{Paint, Style};
use crate::cli::table::{Align, Cell, Table};
use crate::cli::text;

/// What is not as desired; empty where all is.
pub(super) fn wrong(report: &StatusReport, style: &Style) -> String {
    if report.wrong.is_empty() {
        return String::new();
    }
    let mut table = Table::new(
        2,
        &[("", Align::Left), ("", Align::Left), ("", Align::Left)],
    );
    for alike in grouped(&report.wrong) {
        let Some(wrong) = alike.first() else { continue };
        let (word, paint) = word(wrong);
        let subject = match alike.len() - 1 {
            0 => wrong.subject.clone(),
            more => format!("{} and {more} more", wrong.subject),
        };
        table.row([
            Cell::new(paint, word),
            Cell::plain(subject),
            Cell::plain(text::of_several(&because(wrong), alike.len())),
        ]);
    }
    let title = style.paint(Paint::Strong, "Not as desired");
    format!("{title}\n{}", table.render(style))
}

/// Those of which all but the subject is the same are told together.
fn grouped(wrong: &[Wrong]) -> Vec<Vec<&Wrong>> {
    let alike = |one: &Wrong, next: &Wrong| {
        (one.kind, &one.reason, &one.help, &one.actions)
            == (next.kind, &next.reason, &next.help, &next.actions)
    };
    let mut groups: Vec<Vec<&Wrong>> = Vec::new();
    for wrong in wrong {
        match groups
            .iter_mut()
            .find(|group| group.iter().all(|one| alike(one, wrong)))
        {
            Some(group) => group.push(wrong),
            None => groups.push(vec![wrong]),
        }
    }
    groups
}

fn because(wrong: &Wrong) -> String {
    let help = wrong.help.as_ref().map(|help| format!("; help: {help}"));
    let todo = match wrong.actions.as_slice() {
        [] => String::new(),
        actions => format!(" → {}", actions.join(", ")),
    };
    format!("{}{}{todo}", wrong.reason, help.unwrap_or_default())
}

fn word(wrong: &Wrong) -> (&'static str, Paint) {
    match wrong.kind {
        WrongKind::Heal => ("heal", Paint::Bad),
        WrongKind::Change => ("change", Paint::Warn),
        WrongKind::Blocked => ("blocked", Paint::Bad),
        WrongKind::Unknown => ("unknown", Paint::Warn),
        WrongKind::Waiting => ("waiting", Paint::Dim),
        WrongKind::Warning => ("warning", Paint::Warn),
    }
}

/// `demo: 5 of 5 guests healthy, VIP 192.168.10.120 on web-1.`
pub(super) fn conclusion(report: &StatusReport, style: &Style) -> String {
    let desired: Vec<_> = report.instances.iter().filter(|i| i.desired).collect();
    let healthy = desired.iter().filter(|i| i.healthy).count();
    let guests = text::count(desired.len(), "guest");
    let vips = report
        .load_balancers
        .iter()
        .map(|lb| format!(", VIP {} {}", lb.vip, on(lb)));
    let open = open(report);
    let sentence = format!(
        "{}: {healthy} of {guests} healthy{}{open}.",
        report.cluster,
        vips.collect::<String>()
    );
    let held = report.load_balancers.iter().all(|lb| lb.holders.len() == 1);
    let paint = match (healthy == desired.len() && held, open.is_empty()) {
        (true, true) => Paint::Good,
        (true, false) => Paint::StrongWarn,
        (false, _) => Paint::StrongBad,
    };
    let lines = text::wrap(&sentence, style.width);
    lines
        .iter()
        .map(|line| format!("{}\n", style.paint(paint, line)))
        .collect()
}

fn on(lb: &BalancerStatus) -> String {
    match lb.holders.is_empty() {
        false => format!("on {}", holder(lb)),
        true if lb.complete => "held by nobody".to_owned(),
        true => format!("(holder {})", holder(lb)),
    }
}

/// How much there is to see to; what is merely worth knowing is not counted.
fn open(report: &StatusReport) -> String {
    let counts = |wrong: &&Wrong| wrong.kind != WrongKind::Warning;
    match report.wrong.iter().filter(counts).count() {
        0 => String::new(),
        open => format!("; {}", text::count(open, "issue")),
    }
}

/// Who holds the VIP. Nobody, only where everybody was asked.
pub(super) fn holder(lb: &BalancerStatus) -> String {
    let names: Vec<String> = lb.holders.iter().map(ToString::to_string).collect();
    match (names.as_slice(), lb.complete, &lb.last_holder) {
        ([], true, _) => "nobody".to_owned(),
        ([], false, Some(last)) => format!("unknown, was {last}"),
        ([], false, None) => "unknown".to_owned(),
        (names, _, _) => text::list(names),
    }
}
