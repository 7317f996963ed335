//! Values as words of another language: shell, XML, nginx, YAML. Each function takes any text and gives a word that
//! this language reads as exactly that text. Nothing here decides whether a value is allowed at all.

/// One word of a shell command: `it's` becomes `'it'\''s'`.
pub fn sh(value: &str) -> String {
    format!("'{}'", sh_inner(value))
}

/// The part of [`sh`] between the outer quotes.
pub fn sh_inner(value: &str) -> String {
    value.replace('\'', r"'\''")
}

/// Text or an attribute's value in XML 1.0. Line breaks and tabs are written as references, because a reader of an
/// attribute turns plain ones into spaces; characters that XML can't hold at all become U+FFFD.
pub fn xml(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            plain => out.push(plain),
        }
    }
    out
}

/// One parameter of an nginx directive, quoted where it has to be. Variables (`$name`) stay variables: nginx has no
/// way to write a dollar sign; in the places that we use it for (paths of locations) it expands none.
pub fn nginx(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._~-".contains(c);
    match !value.is_empty() && value.chars().all(plain) {
        true => value.to_owned(),
        false => format!("\"{}\"", nginx_inner(value)),
    }
}

/// The part of [`nginx`] between the quotes.
pub fn nginx_inner(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', r#"\""#)
}

/// A YAML scalar that is read as this string by every reader: plain where it can't be taken for something else, else
/// in double quotes.
pub fn yaml(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+/=@._ -".contains(c);
    let word = |word: &&str| value.eq_ignore_ascii_case(word);
    let safe = value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value.chars().all(plain)
        && !value.ends_with(' ')
        && !YAML_WORDS.iter().any(word);
    match safe {
        true => value.to_owned(),
        false => format!("\"{}\"", value.chars().map(yaml_char).collect::<String>()),
    }
}

/// A character between double quotes (<https://yaml.org/spec/1.2.2/#57-escaped-characters>).
fn yaml_char(c: char) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        '\n' => "\\n".to_owned(),
        ' '..='~' => c.to_string(),
        c if c.is_alphanumeric() => c.to_string(),
        c => format!("\\U{:08x}", u32::from(c)),
    }
}

/// Plain words that some reader of YAML takes for a boolean, a null or a number (<https://yaml.org/type/bool.html>).
const YAML_WORDS: [&str; 9] = ["y", "n", "yes", "no", "true", "false", "on", "off", "null"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a real shell makes of a word.
    fn through_sh(word: &str) -> Vec<u8> {
        let script = format!("printf %s {word}");
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .output();
        output.unwrap().stdout
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_text_passes_a_shell_unchanged(text in "[^\0]*|[`$()'\"\\\\\n; é💥-]{0,20}") {
            prop_assert_eq!(through_sh(&sh(&text)), text.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn any_text_passes_an_xml_parser_unchanged(text in "[^\u{0}-\u{8}\u{b}\u{c}\u{e}-\u{1f}\u{fffe}\u{ffff}]*") {
            let xml = format!("<a b=\"{0}\">{0}</a>", xml(&text));
            let document = roxmltree::Document::parse(&xml).unwrap();
            prop_assert_eq!(document.root_element().attribute("b"), Some(text.as_str()));
            prop_assert_eq!(document.root_element().text().unwrap_or_default(), text);
        }

        #[test]
        fn any_text_passes_a_yaml_parser_unchanged(text in ".*|[a-z0-9:#' -]{0,12}|[nN]o|on|1e3|~") {
            let read: String = serde_saphyr::from_str(&yaml(&text)).unwrap();
            prop_assert_eq!(read, text);
        }
    }

    #[test]
    fn characters_that_xml_has_no_place_for_do_not_break_it() {
        assert_eq!(xml("a\u{1b}[0m\0"), "a\u{fffd}[0m\u{fffd}");
    }

    #[test]
    fn an_nginx_parameter_can_not_end_its_directive() {
        assert_eq!(nginx("/random"), "/random");
        assert_eq!(nginx(r#"/a"; } \"#), r#""/a\"; } \\""#);
        assert_eq!(nginx(""), "\"\"");
    }

    #[test]
    fn a_yaml_word_that_reads_as_something_else_is_quoted() {
        assert_eq!(yaml("random-1"), "random-1");
        assert_eq!(
            yaml("ssh-ed25519 AAAA+/= a@b.c"),
            "ssh-ed25519 AAAA+/= a@b.c"
        );
        for text in ["no", "1e-3", "a: b", "a #b", "", "- a"] {
            assert!(yaml(text).starts_with('"'), "{text}");
        }
    }
}
