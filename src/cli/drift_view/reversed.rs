//! A unified diff read the other way round: what somebody did, from what would undo it. Pure.

/// The diff from the new text to the old one. The two lines of names are left out.
pub(super) fn reversed(diff: &str) -> String {
    let names = |line: &&str| line.starts_with("--- ") || line.starts_with("+++ ");
    let (mut told, mut gone, mut come) = (String::new(), String::new(), String::new());
    for line in diff.lines().skip_while(names) {
        let rest = line.get(1..).unwrap_or_default();
        match line.as_bytes().first() {
            Some(b'+') => gone += &format!("-{rest}\n"),
            Some(b'-') => come += &format!("+{rest}\n"),
            first => {
                // In a diff, what goes stands before what comes.
                told += &(std::mem::take(&mut gone) + &std::mem::take(&mut come));
                told += &match first {
                    Some(b'@') => place(line),
                    _ => format!("{line}\n"),
                };
            }
        }
    }
    told + &gone + &come
}

/// `@@ -1,2 +3,4 @@` → `@@ -3,4 +1,2 @@`
fn place(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        [begin, old, new, rest @ ..] => {
            let (old, new) = (old.replacen('-', "+", 1), new.replacen('+', "-", 1));
            format!("{begin} {new} {old} {}\n", rest.join(" "))
        }
        _ => format!("{line}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::diff;
    use proptest::prelude::*;

    #[test]
    fn what_would_undo_an_edit_tells_the_edit() {
        let undo = "--- x\n+++ x\n@@ -1,3 +1,2 @@\n same\n-foreign\n-more\n+ours\n";
        let edit = "@@ -1,2 +1,3 @@\n same\n-ours\n+foreign\n+more\n";
        assert_eq!(reversed(undo), edit);
    }

    proptest! {
        #[test]
        fn the_diff_of_two_texts_reversed_is_the_diff_of_them_the_other_way_round(
            old in "([ab]\n){0,8}", new in "([ab]\n){0,8}",
        ) {
            let none = std::collections::BTreeMap::new();
            let sorted = |diff: String| {
                let mut lines: Vec<String> = diff.lines().filter(|l| !l.starts_with('@')).map(str::to_owned).collect();
                lines.sort();
                lines
            };
            let there = reversed(&reversed(&diff("x", Some(&old), &new, &none)));
            let names = |line: &&str| line.starts_with("--- ") || line.starts_with("+++ ");
            let plain = diff("x", Some(&old), &new, &none);
            let plain: String = plain.lines().skip_while(names).map(|l| format!("{l}\n")).collect();
            prop_assert_eq!(sorted(there), sorted(plain));
        }
    }
}
