//! Texts for people: without secrets, and without characters that would command a terminal.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::quote;
use crate::model::secret::Secret;

/// Shorter values are not looked for: they would be found everywhere, and every hit would tell what they are.
const SHORTEST: usize = 4;

/// The shortest line of a secret of several lines that is hidden where it stands alone.
const SHORTEST_LINE: usize = 8;

/// The text with every secret's value replaced by `(secret NAME)`, the longest first. A value is found too where it
/// was quoted for a shell, for XML, for nginx or for JSON, and where only a line of it is left.
///
/// Guarantee: no value of four characters or more is in the result, not even where the text around a hidden one, or
/// the name of a secret, would make one up.
pub fn redact(text: &str, secrets: &BTreeMap<String, Secret>) -> String {
    let needles = needles(secrets);
    let named = |name: &str| format!("(secret {name})");
    let labels: [&dyn Fn(&str) -> String; 3] = [&named, &|_| "***".to_owned(), &|_| String::new()];
    labels
        .iter()
        .map(|label| replace(text, &needles, label))
        .find(|redacted| {
            !needles
                .iter()
                .any(|needle| redacted.contains(&*needle.text))
        })
        .unwrap_or_default()
}

/// The text with control characters and those that reverse or hide text written out, as `\\u{1b}`. Line breaks and tabs
/// stay.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_escaped(*c)) {
        out.push_str(&rest[..at]);
        out.extend(c.escape_default());
        rest = &rest[at + c.len_utf8()..];
    }
    out.push_str(rest);
    out
}

fn is_escaped(c: char) -> bool {
    match c {
        '\n' | '\t' | ' '..='~' => false,
        c => c.is_control() || is_deceptive(c),
    }
}

/// Characters that change the order of what is seen, or are not seen at all.
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A way in which a secret may stand in a text.
struct Needle<'a> {
    name: &'a str,
    text: Cow<'a, str>,
}

fn needles(secrets: &BTreeMap<String, Secret>) -> Vec<Needle<'_>> {
    let mut needles: Vec<_> = secrets
        .iter()
        .flat_map(|(name, secret)| {
            let texts = spellings(secret.reveal()).into_iter();
            texts.map(move |text| Needle { name, text })
        })
        .collect();
    needles.sort_by_key(|needle| std::cmp::Reverse(needle.text.len()));
    needles
}

fn spellings(value: &str) -> Vec<Cow<'_, str>> {
    if value.chars().count() < SHORTEST {
        return Vec::new();
    }
    let json = serde_json::Value::from(value).to_string();
    let mut all = vec![
        Cow::Borrowed(value),
        Cow::Owned(quote::sh_inner(value)),
        Cow::Owned(quote::xml(value)),
        Cow::Owned(quote::nginx_inner(value)),
        Cow::Owned(json.trim_matches('"').to_owned()),
    ];
    if value.contains('\n') {
        let lines = value.lines().map(str::trim);
        all.extend(
            lines
                .filter(|line| line.chars().count() >= SHORTEST_LINE)
                .map(Cow::Borrowed),
        );
    }
    all.sort();
    all.dedup();
    all
}

/// A stretch of text, or what was put in place of a secret: in that nothing is looked for again.
enum Piece<'a> {
    Text(&'a str),
    Hidden(&'a str),
}

fn replace(text: &str, needles: &[Needle<'_>], label: &dyn Fn(&str) -> String) -> String {
    let mut pieces = vec![Piece::Text(text)];
    for needle in needles {
        pieces = pieces
            .into_iter()
            .flat_map(|piece| hide(piece, needle))
            .collect();
    }
    pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => Cow::Borrowed(text),
            Piece::Hidden(name) => Cow::Owned(label(name)),
        })
        .collect()
}

fn hide<'a>(piece: Piece<'a>, needle: &'a Needle<'_>) -> Vec<Piece<'a>> {
    let Piece::Text(text) = piece else {
        return vec![piece];
    };
    let mut pieces = Vec::new();
    for part in text.split(&*needle.text) {
        if !pieces.is_empty() {
            pieces.push(Piece::Hidden(needle.name));
        }
        pieces.push(Piece::Text(part));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secrets<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, Secret> {
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Secret::new(value)))
            .collect()
    }

    proptest! {
        #[test]
        fn no_secret_is_left_in_a_redacted_text(
            values in prop::collection::vec("[ab()' \n]{4,6}|secret|hidden|\\*{4,5}|[^\0]{4,9}", 1..4),
            around in prop::collection::vec("[ab() \n]{0,3}|.{0,3}", 5),
        ) {
            let mut text = String::new();
            for (value, space) in values.iter().cycle().zip(&around) {
                text += &format!("{space}{value}{}{}", quote::sh(value), quote::xml(value));
            }
            let named = values.iter().enumerate();
            let secrets = named.map(|(i, v)| (format!("s{i}"), Secret::new(v))).collect();
            let redacted = redact(&text, &secrets);
            for value in &values {
                prop_assert!(!redacted.contains(value.as_str()), "{value:?} in {redacted:?}");
            }
        }
    }

    #[test]
    fn a_secret_is_named_where_it_stood() {
        let secrets = secrets([("token", "s3cr3t"), ("long", "s3cr3t-and-more")]);
        let text = "token=s3cr3t; both=s3cr3t-and-more\n";
        assert_eq!(
            redact(text, &secrets),
            "token=(secret token); both=(secret long)\n"
        );
    }

    #[test]
    fn a_quoted_secret_is_found_too() {
        let secrets = secrets([("token", "it's <me>")]);
        for text in [quote::sh("it's <me>"), quote::xml("it's <me>")] {
            assert!(redact(&text, &secrets).contains("(secret token)"));
        }
    }

    #[test]
    fn a_line_of_a_key_is_hidden_where_it_stands_alone() {
        let secrets = secrets([("key", "-----BEGIN-----\nMIIEvQIBADAN\n-----END-----\n")]);
        assert_eq!(redact("  MIIEvQIBADAN\n", &secrets), "  (secret key)\n");
    }

    #[test]
    fn very_short_values_are_left_because_they_would_be_everywhere() {
        assert_eq!(
            redact("a 1 b", &secrets([("one", "1"), ("none", "")])),
            "a 1 b"
        );
    }

    #[test]
    fn what_commands_a_terminal_is_written_out() {
        insta::assert_snapshot!(visible("a\u{1b}[2Jb\r\u{7}\u{9b}\u{202e}é\tc"), @r#"a\u{1b}[2Jb\r\u{7}\u{9b}\u{202e}é	c"#);
    }
}
