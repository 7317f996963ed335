//! A mapping with known keys, being read: unknown and missing keys become problems at once, values are read by
//! typed accessors that note what is wrong and go on. The table of keys says what is known, needed and defaulted.

use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::context::Context;
use super::form::{Key, Need, Object, Shape};
use super::problem::{Problem, did_you_mean};
use super::source::{At, Span};
use super::tree::{Entry, Kind, Node, Quoted, join};
use super::words::Wrong;

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

/// An entry of a mapping whose keys the user chose, or of a list.
#[derive(Clone)]
pub struct Named<'a> {
    /// The key; empty in a list.
    pub name: At<&'a str>,
    /// Its dotted path.
    pub path: String,
    /// The value.
    pub node: &'a Rc<Node>,
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
                        format!("{subject} is {}, not {}", object.what, node.describe()),
                    )
                    .help(example_of(object)),
                );
                return None;
            }
        };
        let fields = Self {
            cx,
            path: path.to_owned(),
            span,
            object,
            entries,
        };
        fields.report_unknown();
        fields.report_missing();
        Some(fields)
    }

    /// A mapping in which nothing was written: all its keys have their defaults.
    pub fn empty(cx: &'a Context<'a>, object: &'static Object, path: &str, span: Span) -> Self {
        Self {
            cx,
            path: path.to_owned(),
            span,
            object,
            entries: &[],
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
            self.cx
                .push(Problem::new(entry.span, message).help_if(did_you_mean(&entry.key, known)));
        }
    }

    fn report_missing(&self) {
        for key in self
            .object
            .keys
            .iter()
            .filter(|key| key.need == Need::Required)
        {
            if self.entry(key.name).is_none() {
                let message = format!("{} has no `{}`", subject(&self.path), key.name);
                self.cx
                    .push(Problem::new(self.span, message).help(format!("add {}", example(key))));
            }
        }
    }

    /// What was written for a key.
    pub fn entry(&self, name: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == name)
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
                value: default_of(key)?,
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
        self.cx.scalar(&self.path_of(key.name), &key.shape, entry)
    }

    /// A whole number, within the bounds that the table gives.
    pub fn number<T: TryFrom<u64>>(&self, name: &str) -> Option<At<T>> {
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
                message: format!("{text:?} is not one of {}", choices.join(", ")),
                help: did_you_mean(text, choices.iter().copied())
                    .filter(|help| help.starts_with("did")),
            })
        })
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &str) -> Option<At<bool>> {
        self.get(name, |text| match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Ok(true),
            "false" | "no" | "off" => Ok(false),
            _ => Err(Wrong::new(
                format!("{text:?} is neither true nor false"),
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

    /// The entries of a mapping whose keys the user chose.
    pub fn names(&self, name: &str) -> Vec<Named<'a>> {
        let Some(entry) = self.entry(name) else {
            return Vec::new();
        };
        let path = self.path_of(name);
        match &entry.value.kind {
            Kind::Map(entries) => entries
                .iter()
                .map(|entry| Named::of(&path, entry))
                .collect(),
            Kind::Nothing => Vec::new(),
            Kind::Scalar(..) | Kind::List(_) => {
                let problem = Problem::new(
                    entry.value.span,
                    format!("`{path}` is a mapping, not {}", entry.value.describe()),
                );
                self.cx.push(problem.help(format!(
                    "write one entry per line below `{name}:`, each as `NAME: …`"
                )));
                Vec::new()
            }
        }
    }

    /// The items of a list; where `single` is allowed, one value counts as a list of it.
    pub fn list(&self, name: &str, single: Single) -> Vec<Named<'a>> {
        let Some(entry) = self.entry(name) else {
            return Vec::new();
        };
        let path = self.path_of(name);
        match &entry.value.kind {
            Kind::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, node)| Named::item(&path, index, node))
                .collect(),
            Kind::Scalar(..) if single == Single::Allowed => {
                vec![Named {
                    name: At {
                        value: "",
                        span: entry.span,
                    },
                    path,
                    node: &entry.value,
                }]
            }
            Kind::Nothing => Vec::new(),
            Kind::Scalar(..) | Kind::Map(_) => {
                let problem = Problem::new(
                    value_span(entry),
                    format!("`{path}` is a list, not {}", entry.value.describe()),
                );
                self.cx.push(problem.help(format!(
                    "write `{name}: [FIRST, SECOND]`, or one `- ` per line"
                )));
                Vec::new()
            }
        }
    }

    /// The keys of a mapping as they were written, readable or not.
    pub fn written_names(&self, name: &str) -> Vec<String> {
        match self.entry(name).map(|entry| &entry.value.kind) {
            Some(Kind::Map(entries)) => entries.iter().map(|entry| entry.key.clone()).collect(),
            Some(Kind::Nothing | Kind::Scalar(..) | Kind::List(_)) | None => Vec::new(),
        }
    }

    /// Whether a key was written with an empty list or mapping, or nothing at all.
    pub fn is_empty(&self, name: &str) -> bool {
        match self.entry(name).map(|entry| &entry.value.kind) {
            Some(Kind::Nothing) => true,
            Some(Kind::List(items)) => items.is_empty(),
            Some(Kind::Map(entries)) => entries.is_empty(),
            Some(Kind::Scalar(..)) | None => false,
        }
    }

    /// Notes a problem.
    pub fn push(&self, problem: Problem) {
        self.cx.push(problem);
    }
}

/// Whether a single value counts as a list of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Single {
    /// It does.
    Allowed,
    /// It doesn't.
    Refused,
}

impl<'a> Named<'a> {
    fn of(path: &str, entry: &'a Entry) -> Self {
        Self {
            name: At {
                value: entry.key.as_str(),
                span: entry.span,
            },
            path: join(path, &entry.key),
            node: &entry.value,
        }
    }

    fn item(path: &str, index: usize, node: &'a Rc<Node>) -> Self {
        Self {
            name: At {
                value: "",
                span: node.span,
            },
            path: join(path, &index.to_string()),
            node,
        }
    }

    /// The entry as a mapping with known keys.
    pub fn fields(&self, cx: &'a Context<'a>, object: &'static Object) -> Option<Fields<'a>> {
        Fields::open(cx, self.node, object, &self.path, self.name.span)
    }

    /// The entry as a single value.
    pub fn get<T>(
        &self,
        cx: &Context<'_>,
        read: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<At<T>> {
        let text = cx.scalar_node(&self.path, "a single value", self.node, self.name.span)?;
        cx.convert(&self.path, &text, read)
    }
}

impl Context<'_> {
    fn scalar<'n>(&self, path: &str, shape: &Shape, entry: &'n Entry) -> Option<At<&'n str>> {
        let quoted_flag = matches!(shape, Shape::Flag)
            && matches!(&entry.value.kind, Kind::Scalar(_, Quoted::Yes));
        if quoted_flag {
            let problem = Problem::new(
                entry.value.span,
                format!("`{path}` is true or false, not a text"),
            );
            self.push(problem.help("write it without quotes"));
            return None;
        }
        self.scalar_node(path, what(shape), &entry.value, entry.span)
    }

    fn scalar_node<'n>(
        &self,
        path: &str,
        what: &str,
        node: &'n Node,
        key: Span,
    ) -> Option<At<&'n str>> {
        match &node.kind {
            Kind::Scalar(text, _) => {
                return Some(At {
                    value: text,
                    span: node.span,
                });
            }
            Kind::Nothing => {
                let problem = Problem::new(key, format!("`{path}` has no value"));
                self.push(problem.help(format!("give it {what}, or remove the key")));
            }
            Kind::List(_) | Kind::Map(_) => {
                let problem = Problem::new(
                    node.span,
                    format!("`{path}` is {what}, not {}", node.describe()),
                );
                let help =
                    "a value that starts with `{` or `[` needs quotes: \"{{command}} --port 80\"";
                self.push(problem.help(help));
            }
        }
        None
    }

    /// Reads a text as a type, or notes why it can't be one.
    pub fn convert<T>(
        &self,
        path: &str,
        text: &At<&str>,
        read: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<At<T>> {
        match read(text.value) {
            Ok(value) => Some(At {
                value,
                span: text.span,
            }),
            Err(wrong) => {
                let problem = Problem::new(text.span, format!("`{path}`: {}", wrong.message));
                self.push(problem.help_if(wrong.help));
                None
            }
        }
    }
}

fn value_span(entry: &Entry) -> Span {
    match entry.value.kind {
        Kind::Nothing => entry.span,
        Kind::Scalar(..) | Kind::List(_) | Kind::Map(_) => entry.value.span,
    }
}

fn number(text: &str, least: u64, most: u64) -> Result<u64, Wrong> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err(Wrong::new(
            format!("{text:?} is not a whole number"),
            format!("write a number from {least} to {most}"),
        ));
    }
    let number = text
        .parse()
        .ok()
        .filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| {
        Wrong::new(
            format!("{text} is out of range"),
            format!("it can be from {least} to {most}"),
        )
    })
}

fn default_of(key: &Key) -> Option<&'static str> {
    match key.need {
        Need::Default(text) => Some(text),
        Need::Required | Need::Optional => None,
    }
}

fn subject(path: &str) -> String {
    match path {
        "" => "the file".to_owned(),
        path => format!("`{path}`"),
    }
}

fn what(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text(form) => form.what,
        Shape::Flag => "true or false",
        Shape::Number(..) => "a number",
        Shape::Choice(_) => "a word",
        Shape::List(_) => "a list",
        Shape::Names(..) => "a mapping",
        Shape::Object(object) => object.what,
        Shape::Either(shapes) => shapes.first().map_or("a value", what),
    }
}

fn example(key: &Key) -> String {
    let value = match &key.shape {
        Shape::Text(form) => form.example.to_owned(),
        Shape::Number(least, most) => format!("NUMBER, from {least} to {most}"),
        Shape::Either(shapes) => match shapes.first() {
            Some(Shape::Text(form)) => form.example.to_owned(),
            _ => "…".to_owned(),
        },
        Shape::Names(form, _) => format!("{{ {}: … }}", form.example),
        Shape::Flag | Shape::Choice(_) | Shape::List(_) | Shape::Object(_) => "…".to_owned(),
    };
    format!("`{}: {value}`", key.name)
}

fn example_of(object: &Object) -> String {
    let keys: Vec<&str> = object.keys.iter().map(|key| key.name).collect();
    format!("it is a mapping with the keys {}", keys.join(", "))
}
