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
    let shown_new = visible(&redact(new, secrets));
    let Some(old) = old else {
        return whole(path, &shown_new);
    };
    let shown_old = visible(&redact(old, secrets));
    let mut out = header(path, false);
    let lines = TextDiff::from_lines(&*shown_old, &*shown_new);
    let earlier = Earlier::new(new, &shown_new, secrets);
    for ops in lines.grouped_ops(CONTEXT) {
        // Writing to a String does not fail.
        let _ = writeln!(out, "{}", UnifiedHunkHeader::new(&ops));
        for op in &ops {
            write_op(&mut out, op, &lines, &earlier);
        }
    }
    if shown_old == shown_new {
        out += "(what differs is hidden)\n";
    }
    out
}

/// A file that did not exist: nothing to compare.
fn whole(path: &str, new: &str) -> String {
    let mut out = header(path, true);
    let lines: Vec<&str> = new.split_inclusive('\n').collect();
    if lines.is_empty() {
        return out;
    }
    // Writing to a String does not fail.
    let _ = match lines.len() {
        1 => writeln!(out, "@@ -0,0 +1 @@"),
        n => writeln!(out, "@@ -0,0 +1,{n} @@"),
    };
    lines.iter().for_each(|line| push(&mut out, '+', line));
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
            let doubtful = earlier.is_lost(old, new);
            for line in old {
                push(out, '-', &earlier.mask(line, doubtful));
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
    places: Vec<Place>,
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
            .filter_map(|line| Place::of(line, &labels))
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

    /// Whether a secret came into `new` and nothing in `old` looks like the line that held it before: any of these
    /// lines may have.
    fn is_lost(&self, old: &[&str], new: &[&str]) -> bool {
        let places = new.iter().filter_map(|line| Place::of(line, &self.labels));
        let found = |place: &Place| old.iter().any(|line| place.fits(line));
        self.of_many_lines || places.into_iter().any(|place| !found(&place))
    }

    /// A removed line as it may be shown.
    fn mask(&self, line: &str, doubtful: bool) -> String {
        let place = self.places.iter().find(|place| place.fits(line));
        match place {
            Some(Place { start, label, end }) => format!("{start}{label} of before{end}\n"),
            None if doubtful => EARLIER.to_owned(),
            None => line.to_owned(),
        }
    }
}

/// A line around its secrets: what is before the first and behind the last.
struct Place {
    start: String,
    label: String,
    end: String,
}

impl Place {
    fn of(line: &str, labels: &[String]) -> Option<Self> {
        let line = line.trim_end_matches('\n');
        let firsts = labels
            .iter()
            .filter_map(|label| line.find(label.as_str()).map(|at| (at, label)));
        let (start, label) = firsts.min()?;
        let ends = labels
            .iter()
            .filter_map(|label| line.rfind(label.as_str()).map(|at| at + label.len()));
        let end = ends.max()?;
        Some(Self {
            start: line[..start].to_owned(),
            label: label.clone(),
            end: line[end..].to_owned(),
        })
    }

    fn fits(&self, line: &str) -> bool {
        let line = line.trim_end_matches('\n');
        line.len() >= self.start.len() + self.end.len()
            && line.starts_with(&self.start)
            && line.ends_with(&self.end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secrets(value: &str) -> BTreeMap<String, Secret> {
        BTreeMap::from([("token".to_owned(), Secret::new(value))])
    }

    fn shown(old: Option<&str>, new: &str) -> String {
        diff("/etc/app.conf", old, new, &secrets("new-value"))
    }

    #[test]
    fn a_change_is_shown_with_three_lines_around_it() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\n";
        insta::assert_snapshot!(shown(Some(old), &old.replace('e', "E\nEE")), @r#"
        --- /etc/app.conf
        +++ /etc/app.conf
        @@ -2,7 +2,8 @@
         b
         c
         d
        -e
        +E
        +EE
         f
         g
         h
        "#);
    }

    #[test]
    fn a_new_file_is_all_additions_and_an_unchanged_one_is_nothing() {
        insta::assert_snapshot!(shown(None, "a\nb"), @r#"
        --- /dev/null
        +++ /etc/app.conf
        @@ -0,0 +1,2 @@
        +a
        +b
        \ No newline at end of file
        "#);
        assert_eq!(shown(Some("a\n"), "a\n"), "");
    }

    #[test]
    fn a_changed_secret_is_seen_as_changed_and_never_shown() {
        let old = "user = me\ntoken = 'old-value';\nport = 1\n";
        let new = "user = me\ntoken = 'new-value';\nport = 2\n";
        insta::assert_snapshot!(shown(Some(old), new), @r#"
        --- /etc/app.conf
        +++ /etc/app.conf
        @@ -1,3 +1,3 @@
         user = me
        -token = '(secret token) of before';
        -port = 1
        +token = '(secret token)';
        +port = 2
        "#);
    }

    #[test]
    fn an_earlier_secret_is_hidden_wherever_it_stood_before() {
        let moved = shown(Some("token=old-value\na\nb\n"), "a\nb\ntoken=new-value\n");
        insta::assert_snapshot!(moved, @r#"
        --- /etc/app.conf
        +++ /etc/app.conf
        @@ -1,3 +1,3 @@
        -token=(secret token) of before
         a
         b
        +token=(secret token)
        "#);
        let reworded = shown(Some("a\npassword old-value\n"), "a\ntoken: new-value\n");
        insta::assert_snapshot!(reworded, @r#"
        --- /etc/app.conf
        +++ /etc/app.conf
        @@ -1,2 +1,2 @@
         a
        -(hidden: an earlier secret may stand here)
        +token: (secret token)
        "#);
    }

    #[test]
    fn an_earlier_key_of_several_lines_is_hidden_whole() {
        let old = "cert\n-----BEGIN-----\nOLDOLDOLD1\nOLDOLDOLD2\n-----END-----\nend\n";
        let key = "-----BEGIN-----\nNEWNEWNEW1\n-----END-----";
        let new = format!("cert\n{key}\nend\n");
        let text = diff("/key.pem", Some(old), &new, &secrets(key));
        assert!(
            !text.contains("OLDOLD") && !text.contains("NEWNEW"),
            "{text}"
        );
        insta::assert_snapshot!(text, @r#"
        --- /key.pem
        +++ /key.pem
        @@ -1,6 +1,3 @@
         cert
         (secret token)
        -(secret token) of before
        -(secret token) of before
        -(secret token) of before
         end
        "#);
    }

    #[test]
    fn what_commands_a_terminal_is_not_passed_on() {
        insta::assert_snapshot!(shown(Some("a\u{1b}[2J\r\n"), "b\n"), @r#"
        --- /etc/app.conf
        +++ /etc/app.conf
        @@ -1 +1 @@
        -a\u{1b}[2J\r
        +b
        "#);
    }

    proptest! {
        #[test]
        fn no_diff_shows_a_secret_or_its_earlier_value_on_the_same_line(
            old in "[a-z]{6,12}", new in "[A-Z]{6,12}", before in "[0-9 ]{0,4}", after in "[0-9 ]{0,4}",
            lines in prop::collection::vec("[0-9]{0,2}\n", 0..6), moved in 0usize..6,
        ) {
            let text = |value: &str, at: usize| {
                let mut lines = lines.clone();
                lines.insert(at.min(lines.len()), format!("{before}{value}{after}\n"));
                lines.concat()
            };
            let shown = diff("/a", Some(&text(&old, 0)), &text(&new, moved), &secrets(&new));
            let body = shown.replace("secret", "").replace("token", "").replace("of before", "");
            let body = body.replace(EARLIER, "");
            prop_assert!(!body.contains(&new) && !body.contains(&old), "{shown}");
        }
    }
}
