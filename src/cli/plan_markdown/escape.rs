//! Text from elsewhere inside Markdown and its HTML: shown as it is, whatever it says. Pure.
//!
//! Nothing of it becomes markup, a mention, a reference to an issue, or a link that leaves a trace elsewhere. What GitHub looks
//! for in text that is rendered already (`@name`, `#1`, `GH-1`, `https://`) no backslash hides: a space without width does.

use crate::cli::text;

/// What is not seen, and keeps two characters apart.
const APART: &str = "&#8203;";

/// Text within a paragraph, a list or a cell of a table.
pub(super) fn inline(text: &str) -> String {
    escaped(text, |c| {
        matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|' | '!')
    })
}

/// Text within an HTML tag's element, where Markdown is not read.
pub(super) fn html(text: &str) -> String {
    escaped(text, |_| false)
}

fn escaped(text: &str, is_markup: impl Fn(char) -> bool) -> String {
    let text = text::clean(text);
    let (mut safe, mut before) = (String::with_capacity(text.len()), ' ');
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '@' | '#' => safe.extend([c.to_string().as_str(), APART]),
            '/' if before == ':' => safe.extend([APART, "/"]),
            '-' if before.eq_ignore_ascii_case(&'h') => safe.extend([APART, "-"]),
            // As GitHub's manual says, of a dollar that is no formula.
            '$' => safe.push_str("<span>$</span>"),
            c if is_markup(c) => safe.extend(['\\', c]),
            c => safe.push(c),
        }
        before = c;
    }
    safe
}

/// As much of a text as `most` characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// Lines as they are, in a fence that none of them can end.
pub(super) fn fenced(language: &str, lines: &[String]) -> String {
    let runs = lines.iter().flat_map(|line| line.split(|c| c != '`'));
    let longest = runs.map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("{fence}{language}\n{lines}{fence}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_becomes_markup_a_mention_or_a_reference() {
        let told = inline("@all `x` | #1 <!-- --> GH-2 https://x $y$ *b*");
        assert_eq!(
            told,
            "@&#8203;all \\`x\\` \\| #&#8203;1 &lt;\\!-- --&gt; GH&#8203;-2 https:&#8203;//x \
             <span>$</span>y<span>$</span> \\*b\\*"
        );
        assert_eq!(html("<b>*x*</b> @a"), "&lt;b&gt;*x*&lt;/b&gt; @&#8203;a");
    }

    #[test]
    fn a_fence_is_longer_than_any_in_it() {
        let told = fenced("diff", &["+````".to_owned(), "-``".to_owned()]);
        assert_eq!(told, "`````diff\n+````\n-``\n`````\n");
        assert_eq!(fenced("", &["x".to_owned()]), "```\nx\n```\n");
    }

    proptest! {
        #[test]
        fn no_tag_cell_comment_or_line_is_opened_or_ended(text in any::<String>()) {
            let told = inline(&text).replace("<span>$</span>", "").replace("\\|", "");
            prop_assert!(!told.contains(['<', '>', '|', '\n']), "{told}");
            prop_assert!(!told.replace("@&#8203;", "").contains('@'));
            prop_assert!(!html(&text).contains('\n'));
        }
    }
}
