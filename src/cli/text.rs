//! Text as people read it: foreign text made harmless, prose wrapped, words counted. Pure; knows no colours.

use crate::model::commit::Commit;
use textwrap::{Options, WordSeparator, WordSplitter};
use unicode_width::UnicodeWidthStr;

use crate::model::unit::Bytes;

/// A space at which no line is broken. It is shown as a plain one.
pub const NO_BREAK: char = '\u{a0}';

/// Columns that `text` takes on a terminal.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Text from elsewhere (a guest's answer, a file's content) made harmless: what would move the cursor, change colours
/// or reorder the line becomes visible as an escape; white space at the ends goes.
pub fn clean(text: &str) -> String {
    text.trim().chars().map(visible).collect()
}

/// A line of a file made harmless; its indentation stays, tabs become spaces.
pub fn clean_line(line: &str) -> String {
    line.trim_end()
        .chars()
        .map(|c| match c {
            '\t' => "    ".to_owned(),
            other => visible(other),
        })
        .collect()
}

fn visible(c: char) -> String {
    if is_hostile(c) {
        c.escape_default().collect()
    } else {
        c.to_string()
    }
}

/// Whether `c` does something to a terminal, or to the order of what it shows, instead of being seen.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}'   // no width, marks of direction
            | '\u{2028}'..='\u{202e}' // separators, embeddings and overrides of direction
            | '\u{2060}'..='\u{206f}' // no width, isolates of direction
            | '\u{feff}'              // no width
            | '\u{e0000}'..='\u{e007f}') // invisible tags
}

/// `text` in lines of at most `columns`, broken between words only; what is longer than a line is cut there.
/// A [`NO_BREAK`] holds two words together.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    // Names and places (`random-1`, `cluster.yaml:14`) stay whole: lines are broken at spaces alone.
    let options = Options::new(columns.max(10))
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text, options)
        .into_iter()
        .map(|line| line.replace(NO_BREAK, " "))
        .collect()
}

/// `1 action`, `2 actions`.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A size for people: whole in its unit where it is, else with one digit behind the point: `15.6GiB`.
pub fn size(bytes: Bytes) -> String {
    let exact = bytes.to_string();
    // `512MiB` is as short as it gets; `16333832KiB` is not.
    if exact.len() <= 7 {
        return exact;
    }
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB")];
    let fitting = units.iter().find(|(shift, _)| bytes.0 >> shift > 0);
    fitting.map_or(exact, |(shift, unit)| {
        let tenths = (u128::from(bytes.0) * 10) >> shift;
        format!("{}.{}{unit}", tenths / 10, tenths % 10)
    })
}

/// What is said of one thing, said of so many that have it in common: `its change waits` becomes `their change waits`.
pub fn of_several(text: &str, number: usize) -> String {
    match (number, text.strip_prefix("its ")) {
        (0 | 1, _) => text.to_owned(),
        (_, Some(rest)) => format!("their {rest}"),
        // What is free is so for the first of them.
        (_, None) => text.replace(" needed", " needed by each"),
    }
}

/// The same of what would help: more room helps the first of them.
pub fn help_of_several(help: &str, number: usize) -> String {
    match help.starts_with("free ") && number > 1 {
        true => format!("for the first of them: {help}"),
        false => help.to_owned(),
    }
}

/// Ascending numbers, three and more in a row drawn together: `1-3, 7, 8`.
pub fn ranges(numbers: &[u32]) -> String {
    let rows = numbers.chunk_by(|one, next| one.checked_add(1) == Some(*next));
    let rows = rows.map(|row| match row {
        [first, _, .., last] => format!("{first}-{last}"),
        few => few
            .iter()
            .map(u32::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    });
    rows.collect::<Vec<_>>().join(", ")
}

/// Pretty JSON, ending in a line break. Characters that JSON allows and that could still act on a terminal are escaped.
pub fn json(value: &impl serde::Serialize) -> String {
    harmless_json(serde_json::to_string_pretty(value))
}

/// One line of JSON, as [`json`] writes it.
pub fn json_line(value: &impl serde::Serialize) -> String {
    harmless_json(serde_json::to_string(value))
}

fn harmless_json(text: serde_json::Result<String>) -> String {
    // It fails for maps with keys that are no strings; none of the types shown has one.
    let text = text.unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"));
    let harmless = text.chars().map(|c| match c {
        '\n' => "\n".to_owned(),
        c if is_hostile(c) => utf16_escapes(c),
        c => c.to_string(),
    });
    harmless.chain(["\n".to_owned()]).collect()
}

fn utf16_escapes(c: char) -> String {
    let mut units = [0; 2];
    c.encode_utf16(&mut units)
        .iter()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect()
}

/// `daa85f87f by Anna <anna@example.org>, signed by anna@example.org`
pub fn commit_words(commit: &Commit) -> String {
    let signature = clean(&commit.signature.words());
    format!("{} by {}, {signature}", commit.id, clean(&commit.author))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(clean("a\u{1b}[31mb\r\nc\n"), "a\\u{1b}[31mb\\r\\nc");
        assert_eq!(clean("\u{202e}gpj.exe"), "\\u{202e}gpj.exe");
        assert_eq!(clean_line("\tkey\u{7f}\n"), "    key\\u{7f}");
    }

    #[test]
    fn names_and_places_stay_whole_when_lines_are_wrapped() {
        let lines = wrap("random-1 asks (heartbeat-lost, cluster.yaml:14)", 20);
        assert_eq!(
            lines,
            ["random-1 asks", "(heartbeat-lost,", "cluster.yaml:14)"]
        );
    }

    #[test]
    fn a_line_is_not_broken_where_words_belong_together() {
        let lines = wrap("one two\u{a0}three", 10);
        assert_eq!(lines, ["one", "two three"]);
    }

    #[test]
    fn lists_read_like_sentences() {
        let items: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        assert_eq!(list(&items), "a, b and c");
        assert_eq!(list(&items[..2]), "a and b");
        assert_eq!(
            (count(1, "host"), count(0, "host")),
            ("1 host".into(), "0 hosts".into())
        );
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(size(Bytes(512 << 20)), "512MiB");
        assert_eq!(size(Bytes(16_333_832 << 10)), "15.5GiB");
        assert_eq!(size(Bytes(123_456_789)), "117.7MiB");
    }

    #[test]
    fn what_is_said_of_several_is_in_the_plural() {
        assert_eq!(of_several("its change waits", 2), "their change waits");
        assert_eq!(of_several("its change waits", 1), "its change waits");
        let room = "a: memory 1GiB free, 2GiB needed";
        assert_eq!(of_several(room, 2), format!("{room} by each"));
        let help = help_of_several("free 1GiB of memory on host a", 2);
        assert_eq!(help, "for the first of them: free 1GiB of memory on host a");
    }

    #[test]
    fn numbers_in_a_row_are_drawn_together() {
        assert_eq!(ranges(&[1, 2, 3, 5, 8, 9]), "1-3, 5, 8, 9");
        assert_eq!(ranges(&[]), "");
    }

    proptest! {
        #[test]
        fn clean_text_has_nothing_hostile_left(text in any::<String>()) {
            prop_assert!(!clean(&text).chars().any(is_hostile));
            prop_assert!(!clean_line(&text).chars().any(is_hostile));
        }

        #[test]
        fn no_line_is_wider_than_it_may(text in any::<String>(), columns in 10usize..100) {
            for line in wrap(&clean(&text), columns) {
                prop_assert!(width(&line) <= columns);
            }
        }

        #[test]
        fn json_reads_back_as_itself_and_is_harmless(text in any::<String>()) {
            let json = json(&text);
            prop_assert!(!json.trim_end().chars().any(is_hostile));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
