//! A mapping with known keys, being read: unknown and missing keys become problems at once, values are read by
//! typed accessors that note what is wrong and go on. The table of keys says what is known, needed and defaulted.

mod entries;
mod scalar;

use serde::de::DeserializeOwned;

use super::context::Context;
use super::form::{Key, Need, Object, Shape};
use super::problem::{MAX_COMPARED, Problem, slip_of};
use super::source::{At, Span};
use super::tree::{Entry, Kind, Node, join};

use super::words::{self, Wrong};

pub use entries::{Named, Single};
use scalar::{example, example_of, number, subject};

/// A mapping with known keys.
pub struct Fields<'a> {
    /// Where problems go.
    pub cx: &'a Context<'a>,
    /// Its dotted path.
    pub path: String,
    /// Where it stands: its key, where it has one.
    pub span: Span,
    object: &'static Object,
    entries: &'a [Entry],
}

impl<'a> Fields<'a> {
    /// Opens a mapping, and reports keys that are unknown or missing.
    pub fn open(
        cx: &'a Context<'a>,
        node: &'a Node,
        object: &'static Object,
        path: &str,
        span: Span,
    ) -> Option<Self> {
        let entries = match &node.kind {
            Kind::Map(entries) => entries.as_slice(),
            Kind::Nothing => &[],
            Kind::Scalar(..) | Kind::List(_) => {
                let subject = subject(path);
                cx.push(
                    Problem::new(
                        node.span,
                        format!("{subject} must be a mapping, not {}", node.describe()),
                    )
                    .help(example_of(object)),
                );
                return None;
            }
        };
        let fields = Self {
            path: path.to_owned(),
            ..Self::over(cx, entries, object, span)
        };
        fields.report_unknown();
        fields.report_missing();
        Some(fields)
    }

    /// The top of a file, of which only some keys are asked for.
    pub fn over(
        cx: &'a Context<'a>,
        entries: &'a [Entry],
        object: &'static Object,
        span: Span,
    ) -> Self {
        Self {
            cx,
            path: String::new(),
            span,
            object,
            entries,
        }
    }

    /// A mapping in which nothing was written: all its keys have their defaults.
    pub fn empty(cx: &'a Context<'a>, object: &'static Object, path: &str, span: Span) -> Self {
        Self {
            path: path.to_owned(),
            ..Self::over(cx, &[], object, span)
        }
    }

    fn report_unknown(&self) {
        for entry in self
            .entries
            .iter()
            .filter(|entry| self.object.key(&entry.key).is_none())
        {
            let known = self.object.keys.iter().map(|key| key.name);
            let message = match self.path.as_str() {
                "" => format!("unknown key `{}`", entry.key),
                path => format!("unknown key `{}` in `{path}`", entry.key),
            };
            self.cx.push(
                Problem::new(entry.span, message).help_if(self.cx.did_you_mean(&entry.key, known)),
            );
        }
    }

    fn report_missing(&self) {
        let needed = self
            .object
            .keys
            .iter()
            .filter(|key| key.need == Need::Required);
        for key in needed.filter(|key| self.entry(key.name).is_none() && !self.is_misspelt(key)) {
            let message = format!("{} has no `{}`", subject(&self.path), key.name);
            self.cx
                .push(Problem::new(self.span, message).help(example(key)));
        }
    }

    /// Whether some unknown key was meant to be this one: then that is the problem.
    fn is_misspelt(&self, key: &Key) -> bool {
        let known = || self.object.keys.iter().map(|key| key.name);
        let unknown = self
            .entries
            .iter()
            .filter(|entry| self.object.key(&entry.key).is_none());
        unknown
            .take(MAX_COMPARED)
            .any(|entry| slip_of(&entry.key, known()) == Some(key.name))
    }

    /// What was written for a key.
    pub fn entry(&self, name: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == name)
    }

    /// A key as it was written.
    pub fn written(&self, name: &str) -> Option<&'a Entry> {
        self.entry(name)
    }

    /// Where a key stands; where it was left out, where the mapping stands.
    pub fn span_of(&self, name: &str) -> Span {
        self.entry(name).map_or(self.span, |entry| entry.span)
    }

    /// The dotted path of a key.
    pub fn path_of(&self, name: &str) -> String {
        join(&self.path, name)
    }

    /// The value of a key, as `read` takes it: what was written, or else the default. None: it was left out, or a
    /// problem was noted.
    pub fn get<T>(&self, name: &str, read: impl FnOnce(&str) -> Result<T, Wrong>) -> Option<At<T>> {
        let key = self.key(name)?;
        let text = match self.entry(name) {
            Some(entry) => self.text(key, entry)?,
            None => At {
                value: key.default()?,
                span: self.span,
            },
        };
        self.cx.convert(&self.path_of(name), &text, read)
    }

    fn key(&self, name: &str) -> Option<&'static Key> {
        let key = self.object.key(name);
        debug_assert!(
            key.is_some(),
            "{name} is not in the table of {}",
            self.object.what
        );
        key
    }

    fn text(&self, key: &Key, entry: &'a Entry) -> Option<At<&'a str>> {
        self.cx.scalar(&self.path_of(key.name), key, entry)
    }

    /// A whole number, within the bounds that the table gives.
    pub fn number<T: TryFrom<i64>>(&self, name: &str) -> Option<At<T>> {
        let key = self.key(name)?;
        let Shape::Number(least, most) = key.shape else {
            debug_assert!(false, "{name} is no number in the table");
            return None;
        };
        self.get(name, |text| {
            number(text, least, most).and_then(|number| {
                T::try_from(number).map_err(|_| {
                    Wrong::new(format!("{text} is too large"), format!("at most {most}"))
                })
            })
        })
    }

    /// One of the words that the table gives.
    pub fn choice<T: DeserializeOwned>(&self, name: &str) -> Option<At<T>> {
        let key = self.key(name)?;
        let Shape::Choice(choices) = key.shape else {
            debug_assert!(false, "{name} is no choice in the table");
            return None;
        };
        self.get(name, |text| {
            let known = choices
                .contains(&text)
                .then(|| serde_json::from_value(text.into()).ok())
                .flatten();
            known.ok_or_else(|| Wrong {
                message: format!(
                    "{} is not one of {}",
                    words::quoted(text),
                    choices.join(", ")
                ),
                help: slip_of(text, choices.iter().copied())
                    .map(|word| format!("did you mean `{word}`?")),
            })
        })
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &str) -> Option<At<bool>> {
        self.get(name, |text| match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Ok(true),
            "false" | "no" | "off" => Ok(false),
            _ => Err(Wrong::new(
                format!("{} is neither true nor false", words::quoted(text)),
                "write `true` or `false`",
            )),
        })
    }

    /// A mapping with known keys; one that was left out has all the defaults.
    pub fn object(&self, name: &str) -> Option<Fields<'a>> {
        let key = self.key(name)?;
        let Shape::Object(object) = key.shape else {
            debug_assert!(false, "{name} is no mapping in the table");
            return None;
        };
        match self.entry(name) {
            Some(entry) => Fields::open(
                self.cx,
                &entry.value,
                object,
                &self.path_of(name),
                entry.span,
            ),
            None => Some(Fields::empty(
                self.cx,
                object,
                &self.path_of(name),
                self.span,
            )),
        }
    }

    /// Notes a problem.
    pub fn push(&self, problem: Problem) {
        self.cx.push(problem);
    }
}
