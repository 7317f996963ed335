//! What changes in a file, as people read it: a unified diff in which no secret is seen, neither a present one nor one
//! that was in the file before.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use similar::udiff::UnifiedHunkHeader;
use similar::{DiffOp, TextDiff};

use super::redact::{redact, visible};
use crate::model::secret::Secret;

/// Lines around a change, as `diff -u` has them.
const CONTEXT: usize = 3;

/// Stands for a line that was there before and may hold a secret that is not known any more.
const EARLIER: &str = "(hidden: an earlier secret may stand here)\n";

/// The change of the file at `path` from `old` (none: there is no file) to `new`. Empty where nothing changes.
pub fn diff(
    path: &str,
    old: Option<&str>,
    new: &str,
    secrets: &BTreeMap<String, Secret>,
) -> String {
    if old == Some(new) {
        return String::new();
    }
    let shown_old = visible(&redact(old.unwrap_or_default(), secrets));
    let shown_new = visible(&redact(new, secrets));
    let mut out = header(path, old.is_none());
    let lines = TextDiff::from_lines(&*shown_old, &*shown_new);
    let earlier = Earlier::new(new, &shown_new, secrets);
    for ops in lines.grouped_ops(CONTEXT) {
        // Writing to a String does not fail.
        let _ = writeln!(out, "{}", UnifiedHunkHeader::new(&ops));
        for op in &ops {
            write_op(&mut out, op, &lines, &earlier);
        }
    }
    if shown_old == shown_new && old.is_some() {
        out += "(what differs is hidden)\n";
    }
    out
}

fn header(path: &str, is_new: bool) -> String {
    let path = visible(path).replace('\n', "\\n");
    match is_new {
        true => format!("--- /dev/null\n+++ {path}\n"),
        false => format!("--- {path}\n+++ {path}\n"),
    }
}

fn write_op(out: &mut String, op: &DiffOp, lines: &TextDiff<'_, '_, str>, earlier: &Earlier) {
    let new: Vec<_> = lines.iter_new_slices().collect();
    let old: Vec<_> = lines.iter_old_slices().collect();
    let (old, new) = (&old[op.old_range()], &new[op.new_range()]);
    match op {
        DiffOp::Equal { .. } => old.iter().for_each(|line| push(out, ' ', line)),
        DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
            let secret_beside = new.iter().any(|line| earlier.is_label(line));
            for line in old {
                push(out, '-', &earlier.mask(line, secret_beside));
            }
            new.iter().for_each(|line| push(out, '+', line));
        }
    }
}

fn push(out: &mut String, sign: char, line: &str) {
    out.push(sign);
    out.push_str(line);
    if !line.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

/// Finds secrets of former times by where the secrets of today stand: their values are known to nobody here.
struct Earlier {
    /// Beginning, label and end of every line of the new text that holds a secret.
    places: Vec<(String, String, String)>,
    /// Every label, as `(secret NAME)`.
    labels: Vec<String>,
    /// Whether a secret of several lines is in the file: where it began and ended before can't be told.
    of_many_lines: bool,
}

impl Earlier {
    fn new(raw: &str, shown: &str, secrets: &BTreeMap<String, Secret>) -> Self {
        let labels: Vec<_> = secrets
            .keys()
            .map(|name| format!("(secret {name})"))
            .collect();
        let places = shown
            .lines()
            .filter_map(|line| place(line, &labels))
            .collect();
        let of_many_lines = secrets
            .values()
            .map(Secret::reveal)
            .any(|value| value.trim().contains('\n') && raw.contains(value.trim()));
        Self {
            places,
            labels,
            of_many_lines,
        }
    }

    fn is_label(&self, line: &str) -> bool {
        self.labels.iter().any(|label| line.contains(label))
    }

    /// A removed line as it may be shown.
    fn mask(&self, line: &str, secret_beside: bool) -> String {
        let text = line.trim_end_matches('\n');
        let place = self.places.iter().find(|(start, _, end)| {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        });
        match place {
            Some((start, label, end)) => format!("{start}{label} of before{end}\n"),
            None if secret_beside || self.of_many_lines => EARLIER.to_owned(),
            None => line.to_owned(),
        }
    }
}

/// The line around its secrets: what is before the first and behind the last.
fn place(line: &str, labels: &[String]) -> Option<(String, String, String)> {
    let firsts = labels
        .iter()
        .filter_map(|label| line.find(label.as_str()).map(|at| (at, label)));
    let (start, label) = firsts.min()?;
    let end = labels
        .iter()
        .filter_map(|label| Some(line.rfind(label.as_str())? + label.len()))
        .max()?;
    Some((
        line[..start].to_owned(),
        label.clone(),
        line[end..].to_owned(),
    ))
}
