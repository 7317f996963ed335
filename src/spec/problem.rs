//! One thing that is wrong with the file, and the places that it is about. How it looks is `show`'s business.

use super::source::Span;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub span: Span,
    /// What.
    pub message: String,
    /// What stands at the place, in a few words.
    pub label: String,
    /// Other places that it is about.
    pub related: Vec<(Span, String)>,
    /// A place in another file.
    pub elsewhere: Option<Elsewhere>,
    /// How to mend it.
    pub help: Option<String>,
}

/// A line of another file, such as a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The file's name.
    pub file: String,
    /// Its text.
    pub text: String,
    /// The line, from 1.
    pub line: u32,
    /// What stands there.
    pub label: String,
}

impl Problem {
    /// Something wrong at a place.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            label: String::new(),
            related: Vec::new(),
            elsewhere: None,
            help: None,
        }
    }

    /// Says what stands at the place.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Shows a second place.
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// Says how to mend it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says how to mend it, where that is known.
    pub fn help_if(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// The same with all its texts printable.
    pub fn printable(mut self) -> Self {
        self.message = printable(&self.message);
        self.label = printable(&self.label);
        self.help = self.help.map(|help| printable(&help));
        self.related
            .iter_mut()
            .for_each(|(_, label)| *label = printable(label));
        self.elsewhere = self.elsewhere.map(|place| Elsewhere {
            file: printable(&place.file),
            label: printable(&place.label),
            ..place
        });
        self
    }

    /// Shows a line of another file.
    pub fn elsewhere(mut self, place: Elsewhere) -> Self {
        self.elsewhere = Some(place);
        self
    }
}

/// Longer messages are cut: what makes them long is quoted from the file.
const MAX_TEXT: usize = 600;

/// The text without anything that a terminal would take for an order: control characters, and those that turn the
/// direction of writing around. Files are hostile until the opposite is shown.
pub fn printable(text: &str) -> String {
    let hidden = |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}');
    let clean = |c: char| match c {
        '\n' | '\t' => ' ',
        c if c.is_control() || hidden(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    let cut = text.chars().count() > MAX_TEXT;
    let end = if cut { "…" } else { "" };
    text.chars()
        .map(clean)
        .take(MAX_TEXT)
        .chain(end.chars())
        .collect()
}

/// Behind this many problems no word is compared with others any more: nobody reads so far, and a hostile file could
/// make it take long.
pub const MAX_COMPARED: usize = 100;
/// The same: longer words, and more known ones, are not compared.
const MAX_WORD: usize = 64;
const MAX_KNOWN: usize = 500;

/// The known word that `word` is a slip of, if there is one.
pub fn slip_of<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > MAX_WORD {
        return None;
    }
    let known = known.into_iter().take(MAX_KNOWN);
    let (distance, name) = known
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .min()?;
    // A third of the letters may differ: more would be a guess, not a slip. Of one letter, nothing is left then.
    let is_slip = distance <= name.len().max(3) / 3 && distance < name.len();
    is_slip.then_some(name)
}

/// A help line that names the known word nearest to `word`, or else all of them.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    match slip_of(word, known.iter().copied()) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known here: {}", shorten(&known))),
    }
}

/// At most this many names are listed in a help line.
const MAX_LISTED: usize = 24;

fn shorten(names: &[&str]) -> String {
    let listed = names
        .iter()
        .take(MAX_LISTED)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len() > MAX_LISTED {
        true => format!("{listed}, …"),
        false => listed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_gets_the_word_and_a_guess_gets_the_list() {
        let known = ["memory", "cpus", "image"];
        assert_eq!(
            did_you_mean("memroy", known).unwrap(),
            "did you mean `memory`?"
        );
        assert_eq!(did_you_mean("cpu", known).unwrap(), "did you mean `cpus`?");
        assert_eq!(
            did_you_mean("colour", known).unwrap(),
            "known here: memory, cpus, image"
        );
        assert_eq!(did_you_mean("x", []), None);
    }
}
