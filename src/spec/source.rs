//! The text of `cluster.yaml` and of the files that it includes, and places in them. Knows nothing of YAML.
//!
//! All texts lie one behind the other, so that a place is a plain range of bytes, and says by itself which file it is in.

use super::problem::Problem;
use crate::model::desired::Line;

/// The most that is read, of all files together. A cluster of 500 hosts and 10,000 instances is written in under 200 KiB.
pub const MAX_FILE: usize = 4 << 20;

/// A range of bytes of the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    /// Its first byte.
    pub start: usize,
    /// The byte behind its last one.
    pub end: usize,
}

/// A value, and where it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands; for a default, the place of what it belongs to.
    pub span: Span,
}

/// The text of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's name, as the user gave it.
    pub name: String,
    /// Its text, without a byte order mark.
    pub text: String,
    /// Where it begins among all texts.
    start: usize,
    line_starts: Vec<usize>,
}

impl Source {
    /// Reads the bytes as text. The source is there even when they can't be used, for showing where.
    pub fn read(name: &str, bytes: &[u8]) -> (Self, Option<Problem>) {
        if bytes.len() > MAX_FILE {
            let source = Self::new(name, String::new());
            return (source, Some(too_large(bytes.len())));
        }
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let source = Self::new(name, String::from_utf8_lossy(bytes).into_owned());
        let problem = match std::str::from_utf8(bytes) {
            Err(error) => Some(not_text(bytes, error.valid_up_to())),
            Ok(text) => control_character(text),
        };
        (source, problem)
    }

    /// The same text, behind others that end at `start`. What was found wrong with it moves along.
    pub fn behind(mut self, start: usize, problem: Option<Problem>) -> (Self, Option<Problem>) {
        self.start = start;
        let moved = |span: Span| Span {
            start: span.start + start,
            end: span.end + start,
        };
        let problem = problem.map(|problem| Problem {
            span: moved(problem.span),
            ..problem
        });
        (self, problem)
    }

    fn new(name: &str, text: String) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0)
            .chain(breaks.map(|(at, _)| at + 1))
            .collect();
        Self {
            name: name.to_owned(),
            text,
            start: 0,
            line_starts,
        }
    }

    /// A range of bytes of this text, among all texts.
    pub fn place(&self, start: usize, end: usize) -> Span {
        Span {
            start: self.start + start,
            end: self.start + end,
        }
    }

    /// What stands between two places; nothing where they are not in this text.
    pub fn between(&self, start: usize, end: usize) -> &str {
        let range = start
            .checked_sub(self.start)
            .zip(end.checked_sub(self.start));
        range
            .and_then(|(start, end)| self.text.get(start..end.min(self.text.len())))
            .unwrap_or_default()
    }

    /// Whether a character begins at a place, or the text ends there.
    pub fn is_boundary(&self, at: usize) -> bool {
        at.checked_sub(self.start)
            .is_some_and(|at| self.text.is_char_boundary(at))
    }

    /// The byte behind its last one.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// The line that a byte stands in, from 1.
    pub fn line(&self, at: usize) -> u32 {
        let at = at.saturating_sub(self.start);
        let lines = self.line_starts.partition_point(|start| *start <= at);
        u32::try_from(lines).unwrap_or(u32::MAX)
    }

    /// The column that a byte stands in, counted in characters from 1.
    pub fn column(&self, at: usize) -> u32 {
        let start = self.line_start(self.line(at));
        let before = self.between(start, at);
        u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX)
    }

    /// The first byte of a line.
    pub fn line_start(&self, line: u32) -> usize {
        let index = usize::try_from(line)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        let start = self.line_starts.get(index).copied();
        self.start + start.unwrap_or(self.text.len())
    }
}

/// The text of the file and, behind it, those of the files that it includes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// The file itself.
    pub main: Source,
    included: Vec<Source>,
}

impl Texts {
    /// A file that includes none.
    pub fn of(main: Source) -> Self {
        Texts {
            main,
            included: Vec::new(),
        }
    }

    /// Where the next text begins: not where the last one ends, so that no place is in two of them.
    pub fn next(&self) -> usize {
        self.included.last().unwrap_or(&self.main).end() + 1
    }

    /// One more text, which begins at [`Self::next`].
    pub fn push(&mut self, included: Source) {
        self.included.push(included);
    }

    /// The text that a byte is in.
    pub fn at(&self, at: usize) -> &Source {
        let before = self.included.partition_point(|text| text.start <= at);
        let included = before
            .checked_sub(1)
            .and_then(|last| self.included.get(last));
        included.unwrap_or(&self.main)
    }

    /// Whether a text is not the file itself.
    pub fn is_included(&self, text: &Source) -> bool {
        text.start > 0
    }

    /// Where a byte stands, for people.
    pub fn line(&self, at: usize) -> Line {
        let text = self.at(at);
        Line {
            line: text.line(at),
            file: self.is_included(text).then(|| text.name.as_str().into()),
        }
    }
}

fn too_large(size: usize) -> Problem {
    let text = format!(
        "the file has {} MiB, and at most {} are read",
        size >> 20,
        MAX_FILE >> 20
    );
    Problem::new(Span::default(), text).help("is this the right file? check the path given with -f")
}

fn not_text(bytes: &[u8], at: usize) -> Problem {
    let wide = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
    let byte = bytes.get(at).copied().unwrap_or_default();
    // In the lossy text the offending bytes are one replacement character, of three bytes.
    let problem = Problem::new(
        Span {
            start: at,
            end: at + 3,
        },
        "the file is not UTF-8 text",
    );
    let problem = problem.label(format!("byte 0x{byte:02X} can't be read"));
    match wide {
        true => problem.help("it is UTF-16: convert it with `iconv -f UTF-16 -t UTF-8`"),
        false => problem.help("save it as UTF-8, or convert it: `iconv -f ISO-8859-1 -t UTF-8`"),
    }
}

fn control_character(text: &str) -> Option<Problem> {
    let bad = |c: &char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    let (start, found) = text.char_indices().find(|(_, c)| bad(c))?;
    let span = Span {
        start,
        end: start + found.len_utf8(),
    };
    let problem = Problem::new(
        span,
        format!(
            "the file has a control character, U+{:04X}",
            u32::from(found)
        ),
    );
    Some(problem.help("remove it; where a value needs it, write it in double quotes as an escape such as \"\\u001B\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_lines_and_characters_from_one() {
        let (source, problem) = Source::read("x", "a\nä: b\n".as_bytes());
        assert_eq!(problem, None);
        assert_eq!((source.line(0), source.column(0)), (1, 1));
        assert_eq!((source.line(6), source.column(6)), (2, 4));
        assert_eq!(source.line(99), 3);
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_text() {
        let (source, problem) = Source::read("x", b"\xEF\xBB\xBFa: 1");
        assert_eq!((source.text.as_str(), problem), ("a: 1", None));
    }
}
