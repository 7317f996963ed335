//! What is not done, or not known, and why. Pure.

use crate::cli::style::{Paint, Style};
use crate::cli::text;
use crate::model::plan::{Notice, NoticeKind, Plan};

const KINDS: [NoticeKind; 4] = [
    NoticeKind::Blocked,
    NoticeKind::Unknown,
    NoticeKind::Waiting,
    NoticeKind::Warning,
];

/// A longer subject gets a line of its own.
const MAX_SUBJECT: usize = 24;

/// A section for each kind that there is, with an empty line between two.
pub(super) fn sections(plan: &Plan, style: &Style) -> String {
    let sections = KINDS.iter().filter_map(|kind| section(plan, *kind, style));
    sections.collect::<Vec<_>>().join("\n")
}

fn section(plan: &Plan, kind: NoticeKind, style: &Style) -> Option<String> {
    let notices: Vec<&Notice> = plan.notices_of(kind).collect();
    let (title, because, paint) = title(kind, notices.len());
    let widths = notices
        .iter()
        .map(|notice| text::width(&text::clean(&notice.subject)));
    let widest = widths.filter(|width| *width <= MAX_SUBJECT).max();
    let column = widest.unwrap_or(MAX_SUBJECT) + 4;
    let told = notices.iter().map(|n| told(n, &plan.file, column, style));
    let title = style.paint(paint, title) + &style.paint(Paint::Dim, because);
    (!notices.is_empty()).then(|| format!("{title}\n{}", told.collect::<String>()))
}

fn title(kind: NoticeKind, number: usize) -> (&'static str, &'static str, Paint) {
    match kind {
        NoticeKind::Blocked => ("Blocked", "  should be done and can't be", Paint::StrongBad),
        NoticeKind::Unknown => (
            "Unknown",
            "  could not be observed, so nothing is decided",
            Paint::StrongWarn,
        ),
        NoticeKind::Waiting => ("Waiting", "  is done later", Paint::Strong),
        NoticeKind::Warning if number == 1 => ("Warning", "", Paint::StrongWarn),
        NoticeKind::Warning => ("Warnings", "", Paint::StrongWarn),
    }
}

/// The subject, and in a column beside it why, and what would help.
fn told(notice: &Notice, file: &str, column: usize, style: &Style) -> String {
    let place = notice
        .line
        .map(|line| format!(" ({}:{line})", text::clean(file)));
    let why = format!("{}{}", text::clean(&notice.text), place.unwrap_or_default());
    let help = notice
        .help
        .as_deref()
        .map(|help| format!("help: {}", text::clean(help)));
    let columns = style.width.saturating_sub(column + 1);
    let why = text::wrap(&why, columns)
        .into_iter()
        .map(|line| (Paint::Plain, line));
    let help = text::wrap(&help.unwrap_or_default(), columns).into_iter();
    let help = help
        .filter(|line| !line.is_empty())
        .map(|line| (Paint::Accent, line));
    let subject = text::clean(&notice.subject);
    let mut told = format!("  {subject}");
    let mut used = 2 + text::width(&subject);
    for (paint, line) in why.chain(help) {
        if used + 2 > column {
            told.push('\n');
            used = 0;
        }
        told.push_str(&" ".repeat(column - used));
        told.push_str(&style.paint(paint, line));
        used = column;
    }
    told.push('\n');
    told
}
