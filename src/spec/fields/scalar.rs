//! Single values, and the words in which a message says what a key takes.

use crate::spec::context::Context;
use crate::spec::form::{Key, Need, Object, Shape};
use crate::spec::problem::Problem;
use crate::spec::source::{At, Span};
use crate::spec::tree::{Entry, Kind, Node, Quoted};
use crate::spec::words::{self, Wrong};

impl Context<'_> {
    /// The text of a key that takes a single value.
    pub(super) fn scalar<'n>(
        &self,
        path: &str,
        key: &Key,
        entry: &'n Entry,
    ) -> Option<At<&'n str>> {
        let (node, what) = (&entry.value, what(&key.shape));
        let problem = match (&node.kind, &key.shape) {
            (Kind::Scalar(_, Quoted::Yes), Shape::Flag) => {
                let problem = Problem::new(
                    node.span,
                    format!("`{path}` must be true or false, not a text"),
                );
                problem.help("write it without quotes")
            }
            (Kind::Nothing, _) if key.need == Need::Required => {
                Problem::new(entry.span, format!("`{path}` has no value"))
                    .help(format!("give it {what}"))
            }
            (Kind::Nothing, _) => Problem::new(entry.span, format!("`{path}` has no value"))
                .help(format!("give it {what}, or remove the key")),
            _ => return self.scalar_node(path, what, node, entry.span),
        };
        self.push(problem);
        None
    }

    /// The text of a single value.
    pub(in crate::spec) fn scalar_node<'n>(
        &self,
        path: &str,
        what: &str,
        node: &'n Node,
        key: Span,
    ) -> Option<At<&'n str>> {
        let wrong = || {
            Problem::new(
                node.span,
                format!("`{path}` must be {what}, not {}", node.describe()),
            )
        };
        let problem = match &node.kind {
            Kind::Scalar(text, _) => {
                return Some(At {
                    value: text,
                    span: node.span,
                });
            }
            Kind::Nothing => Problem::new(key, format!("`{path}` has no value"))
                .help("give it one, or remove the key"),
            Kind::List(_) => wrong().help("write one value, without brackets or dashes"),
            Kind::Map(_) => {
                wrong().help("a text that starts with `{` or has `: ` in it needs quotes")
            }
        };
        self.push(problem);
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

/// A whole number between two bounds.
pub(super) fn number(text: &str, least: i64, most: i64) -> Result<i64, Wrong> {
    let unsigned = match least < 0 {
        true => text.strip_prefix('-').unwrap_or(text),
        false => text,
    };
    let digits = !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err(Wrong::new(
            format!("{} is not a whole number", words::quoted(text)),
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

/// What messages call the mapping at `path`.
pub(super) fn subject(path: &str) -> String {
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

/// How a key that is missing may be written.
pub(super) fn example(key: &Key) -> String {
    let name = key.name;
    match &key.shape {
        Shape::Number(least, most) => format!("add `{name}: NUMBER`, from {least} to {most}"),
        Shape::Names(form, _) => format!("add `{name}: {{ {}: … }}`", form.example),
        shape => format!("add `{name}: {}`", word(shape)),
    }
}

fn word(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text(form) => form.example,
        Shape::Either(shapes) => shapes.first().map_or("…", word),
        Shape::Flag
        | Shape::Number(..)
        | Shape::Choice(_)
        | Shape::List(_)
        | Shape::Names(..)
        | Shape::Object(_) => "…",
    }
}

/// The keys of a mapping.
pub(super) fn example_of(object: &Object) -> String {
    let keys: Vec<&str> = object.keys.iter().map(|key| key.name).collect();
    format!("{} has the keys {}", object.what, keys.join(", "))
}
