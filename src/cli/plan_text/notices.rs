//! What is not done, or not known, and why. Pure.

use crate::cli::style::{Paint, Style};
use crate::cli::text;
use crate::model::plan::{Notice, NoticeKind, Plan};

/// The kinds, in the order in which they are told.
pub(in crate::cli) const KINDS: [NoticeKind; 4] = [
    NoticeKind::Blocked,
    NoticeKind::Unknown,
    NoticeKind::Waiting,
    NoticeKind::Warning,
];

/// A longer subject gets a line of its own.
const MAX_SUBJECT: usize = 24;

/// A section for each kind that there is, with an empty line between two.
pub(in crate::cli) fn sections(plan: &Plan, style: &Style) -> String {
    let sections = KINDS.iter().filter_map(|kind| section(plan, *kind, style));
    sections.collect::<Vec<_>>().join("\n")
}

fn section(plan: &Plan, kind: NoticeKind, style: &Style) -> Option<String> {
    let notices: Vec<&Notice> = plan.notices_of(kind).collect();
    let (title, because, paint) = title(kind, notices.len());
    let groups: Vec<Group> = grouped(&notices);
    let widths = groups.iter().map(|group| text::width(&group.subjects()));
    let widest = widths.filter(|width| *width <= MAX_SUBJECT).max();
    let column = widest.unwrap_or(0) + 4;
    let told = groups
        .iter()
        .map(|group| told(group, &plan.file, column, style));
    let title = style.paint(paint, title) + &style.paint(Paint::Dim, because);
    (!notices.is_empty()).then(|| format!("{title}\n{}", told.collect::<String>()))
}

/// Notices of which all but the subject is the same: never empty.
pub(in crate::cli) struct Group<'a>(pub Vec<&'a Notice>);

impl Group<'_> {
    fn subjects(&self) -> String {
        let subjects = self.0.iter().map(|notice| text::clean(&notice.subject));
        subjects.collect::<Vec<_>>().join(", ")
    }

    /// Why, with the place in the file, and what would help.
    pub fn words(&self, file: &str) -> (String, Option<String>) {
        let Some(notice) = self.0.first() else {
            return (String::new(), None);
        };
        let number = self.0.len();
        let place = notice
            .line
            .as_ref()
            .map(|line| format!(" ({})", text::clean(&line.place(file))));
        let why = text::clean(&text::of_several(&notice.text, number));
        let help = notice
            .help
            .as_deref()
            .map(|help| text::help_of_several(help, number));
        let help = help.map(|help| format!("help: {}", text::clean(&help)));
        (why + &place.unwrap_or_default(), help)
    }
}

/// The notices, with those of which the same is to be told together.
pub(in crate::cli) fn grouped<'a>(notices: &[&'a Notice]) -> Vec<Group<'a>> {
    let alike = |one: &Notice, next: &Notice| {
        (&one.text, &one.help, &one.line) == (&next.text, &next.help, &next.line)
    };
    let mut groups: Vec<Group> = Vec::new();
    for notice in notices {
        match groups
            .iter_mut()
            .find(|group| group.0.iter().all(|one| alike(one, notice)))
        {
            Some(group) => group.0.push(notice),
            None => groups.push(Group(vec![notice])),
        }
    }
    groups
}

/// The heading of a kind of which there are so many, and what follows on it.
pub(in crate::cli) fn title(
    kind: NoticeKind,
    number: usize,
) -> (&'static str, &'static str, Paint) {
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

/// The subjects, and in a column beside them, or below where they are long, why and what would help.
fn told(group: &Group<'_>, file: &str, column: usize, style: &Style) -> String {
    let subjects = text::wrap(&group.subjects(), style.width.saturating_sub(3));
    let mut told = subjects
        .iter()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut used = 2 + subjects.last().map_or(0, |line| text::width(line));
    if subjects.len() > 1 {
        used = column;
    }
    for (paint, line) in reasons(group, file, style.width.saturating_sub(column + 1)) {
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

/// Why, and what would help, in lines.
fn reasons(group: &Group<'_>, file: &str, columns: usize) -> Vec<(Paint, String)> {
    let (why, help) = group.words(file);
    let why = text::wrap(&why, columns).into_iter();
    let help = help
        .map(|help| text::wrap(&help, columns))
        .unwrap_or_default();
    let help = help.into_iter().map(|line| (Paint::Accent, line));
    why.map(|line| (Paint::Plain, line)).chain(help).collect()
}
