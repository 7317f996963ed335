//! The files that actions change: every diff once, later ones refer to it. Pure.

use std::collections::BTreeMap;

use super::{NewFiles, paragraph};
use crate::cli::style::{Paint, Style};
use crate::cli::text::{self, NO_BREAK};
use crate::model::plan::{Action, ActionId, ChangeKind, FileChange};

/// Diffs that were shown already, and how new files are shown.
pub(super) struct Diffs {
    shown: BTreeMap<(String, String), ActionId>,
    new_files: NewFiles,
    hinted: bool,
}

/// What is told of one file.
enum Told {
    /// A few words.
    Note(String),
    /// Its diff.
    Diff,
}

impl Diffs {
    pub(super) fn new(new_files: NewFiles) -> Diffs {
        Diffs {
            shown: BTreeMap::new(),
            new_files,
            hinted: false,
        }
    }

    /// The files of one action. Those with few words share a paragraph, the others follow with their diffs.
    pub(super) fn of(&mut self, action: &Action, indent: usize, style: &Style) -> String {
        let mut notes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut diffs = String::new();
        for change in &action.changes {
            match self.told(change, action.id) {
                Told::Note(note) => notes.entry(mark(change.kind)).or_default().push(note),
                Told::Diff => diffs.push_str(&with_diff(change, indent, style)),
            }
        }
        let notes = notes.iter().map(|(mark, notes)| {
            let room = style.width.saturating_sub(indent + 6);
            let notes: Vec<_> = notes.iter().map(|note| whole(note, room)).collect();
            let line = format!("{mark}{NO_BREAK}{}", notes.join(", "));
            paragraph(style, Paint::Dim, indent, &line)
        });
        notes.collect::<String>() + &diffs
    }

    /// Whether the same is told of the files of both.
    pub(super) fn tell_alike(&self, one: &Action, next: &Action) -> bool {
        let both = one.changes.iter().zip(&next.changes);
        let mut alike = both.map(|(one, next)| match (self.counts(one), self.counts(next)) {
            (true, true) => one.path == next.path && added(one) == added(next),
            (false, false) => one == next,
            (true, false) | (false, true) => false,
        });
        one.changes.len() == next.changes.len() && alike.all(|alike| alike)
    }

    /// Whether only the number of its lines is told.
    fn counts(&self, change: &FileChange) -> bool {
        change.kind == ChangeKind::New
            && self.new_files == NewFiles::Counted
            && !change.diff.is_empty()
    }

    fn told(&mut self, change: &FileChange, action: ActionId) -> Told {
        let path = text::clean(&change.path);
        if change.diff.is_empty() {
            return Told::Note(format!("{path} ({})", without_diff(change.kind)));
        }
        if self.counts(change) {
            return Told::Note(self.counted(&path, added(change)));
        }
        let key = (change.path.clone(), change.diff.clone());
        if let Some(earlier) = self.shown.get(&key) {
            return Told::Note(format!("{path} (as in {earlier})"));
        }
        self.shown.insert(key, action);
        Told::Diff
    }

    fn counted(&mut self, path: &str, lines: usize) -> String {
        let hint = if self.hinted { "" } else { "; -v shows it" };
        self.hinted = true;
        format!("{path} ({}{hint})", text::count(lines, "line"))
    }
}

/// A note that lines are not broken within, where it fits into one.
fn whole(note: &str, room: usize) -> String {
    if text::width(note) > room {
        return note.to_owned();
    }
    note.replace(' ', &NO_BREAK.to_string())
}

/// How many lines a change adds.
fn added(change: &FileChange) -> usize {
    let added = body(&change.diff).filter(|line| line.starts_with('+'));
    added.count()
}

pub(in crate::cli) fn mark(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::New => "+",
        ChangeKind::Content | ChangeKind::Hidden | ChangeKind::Attributes => "~",
    }
}

pub(in crate::cli) fn without_diff(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::New | ChangeKind::Content => "content not shown",
        ChangeKind::Hidden => "content changes, not shown",
        ChangeKind::Attributes => "only mode or owner",
    }
}

fn with_diff(change: &FileChange, indent: usize, style: &Style) -> String {
    let space = " ".repeat(indent);
    let path = text::clean(&change.path);
    let title = style.paint(Paint::Plain, format!("{} {path}", mark(change.kind)));
    // Of a new file, where it begins is clear.
    let is_place = |line: &&str| change.kind == ChangeKind::New && line.starts_with("@@");
    let lines = body(&change.diff).skip_while(is_place).map(|line| {
        let line = style.paint(Paint::of_diff(line), text::clean_line(line));
        format!("{}\n", format!("{space}  {line}").trim_end())
    });
    format!("{space}{title}\n{}", lines.collect::<String>())
}

/// A unified diff without its two lines of names: the path stands above it already.
pub(in crate::cli) fn body(diff: &str) -> impl Iterator<Item = &str> {
    let names = |line: &&str| line.starts_with("--- ") || line.starts_with("+++ ");
    diff.lines().skip_while(names)
}
