//! What formatting promises, over every file that there is: the same meaning with all comments, and that it is stable.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

/// Every YAML file of specs and fixtures, with its text.
fn files() -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut left = vec![root.join("specs"), root.join("fixtures")];
    let mut found = Vec::new();
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|ending| ending == "yaml") {
                found.push((path.clone(), std::fs::read(path).unwrap()));
            }
        }
    }
    found
}

/// The problems that reading the YAML finds, without the formatter.
fn is_yaml(bytes: &[u8]) -> bool {
    let (source, unusable) = Source::read("x", bytes);
    unusable.is_none() && compose::compose(&source).1.is_empty()
}

fn formatted(text: &str) -> String {
    format("x.yaml", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn every_file_that_is_yaml_is_formatted_and_stays_so() {
    let (mut all, mut changed) = (0, 0);
    for (path, bytes) in files() {
        let name = path.display().to_string();
        match format(&name, &bytes) {
            Ok(text) => {
                let again = format(&name, text.as_bytes());
                assert_eq!(again.unwrap_or_else(|e| panic!("{e}")), text, "{name}");
                all += 1;
                changed += u32::from(text.as_bytes() != bytes);
            }
            Err(errors) => assert!(!is_yaml(&bytes), "{errors}"),
        }
    }
    assert!(all > 200 && changed > 50, "{changed} of {all}");
}

#[test]
fn the_specs_to_start_from_are_formatted() {
    for (path, bytes) in files() {
        if path
            .parent()
            .is_some_and(|parent| parent.ends_with("specs"))
        {
            let text = format("x", &bytes).unwrap();
            assert_eq!(text.as_bytes(), bytes, "{}", path.display());
        }
    }
}

#[test]
fn spaces_change_and_comments_order_and_values_do_not() {
    let text = "\
# first
b:   0644   # octal
a: {x: [1,2],   y: no}


list:
- &one  'it''s'
# between
- *one
text: |
    kept  as
      it is
folded: >-
  of two
  lines
# last
";
    insta::assert_snapshot!(formatted(text));
}

#[test]
fn line_breaks_and_the_mark_at_the_start_stay_what_they_were() {
    assert_eq!(formatted("a:  1\r\nb: 2\r\n"), "a: 1\r\nb: 2\r\n");
    assert_eq!(formatted("\u{FEFF}a:  1\n"), "\u{FEFF}a: 1\n");
    assert_eq!(formatted(""), "");
}

#[test]
fn what_would_say_something_else_is_seen() {
    let (source, _) = Source::read("x", b"a: 1 # why\nb: &x [p, 'q']\nc: *x\n");
    let same = |text: &str| unchanged(&source, text);
    assert_eq!(same("a:   1 # why\nb: &x [ p, \"q\" ]\nc: *x\n"), Ok(()));
    for (other, line) in [
        ("a: 2 # why\nb: &x [p, 'q']\nc: *x\n", 1),
        ("a: '1' # why\nb: &x [p, 'q']\nc: *x\n", 1),
        ("a: 1\nb: &x [p, 'q']\nc: *x\n", 1),
        ("a: 1\nb: &x [p, 'q']\nc: *x # why\n", 1),
        ("a: 1 # why\nb: &y [p, 'q']\nc: *y\n", 2),
        ("a: 1 # why\nb: &x [p, q]\nc: *x\n", 2),
        ("a: 1 # why\nb: &x [p, 'q']\nc: [p, 'q']\n", 3),
        ("a: 1 # why\nb: &x [p, 'q']\n", 3),
        ("a: 1 # why\nc: &x [p, 'q']\nb: *x\n", 2),
        ("a: 1 # why\nb: &x [p, 'q']\nc: *x\nd: 1\n", 4),
        ("a: 1 # why\nb: &x [p, 'q'\n", 2),
    ] {
        let place = same(other).expect_err(other);
        assert_eq!(source.line(place.start), line, "{other}");
    }
}

proptest! {
    #[test]
    fn a_damaged_file_is_formatted_without_change_of_meaning_or_refused(
        which in 0usize..1_000, at in 0usize..4_000, length in 0usize..4,
        put in prop::sample::select(vec!["", "#", " # x", "\n", "  ", "'", "\"", "- ", "{", "]", ": ", "&a ", "*a", "|\n", "~", ",", "é"]),
    ) {
        let all = files();
        let (_, bytes) = &all[which % all.len()];
        let mut bytes = bytes.clone();
        let start = at.min(bytes.len());
        bytes.splice(start..(start + length).min(bytes.len()), put.bytes());
        if let Ok(text) = format("x", &bytes) {
            prop_assert!(is_yaml(text.as_bytes()));
            prop_assert_eq!(format("x", text.as_bytes()).map_err(|e| e.to_string()), Ok(text));
        }
    }
}
