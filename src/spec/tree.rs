//! The YAML document as a tree of values, each with its place. Scalars keep the text that was written, so that
//! `0644`, `1.10` and `no` mean what the reader of that very key takes them for.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::source::{Span, Texts};
use crate::model::desired::Line;

/// A value.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stands. A mapping or list written over several lines has the place of its first line.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
    /// How many values it has in it, itself and what aliases stand for included.
    pub size: usize,
    /// How deep it goes.
    pub height: usize,
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Nothing: an empty value, `~` or `null`.
    Nothing,
    /// A scalar.
    Scalar(String, Quoted),
    /// A list.
    List(Vec<Rc<Node>>),
    /// A mapping.
    Map(Vec<Entry>),
}

/// Whether a scalar was written with quotes (or as a block).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoted {
    /// With quotes, or as a block: it is text.
    Yes,
    /// Plain: it may also be a number or a truth value.
    No,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub span: Span,
    /// The value.
    pub value: Rc<Node>,
}

impl Node {
    /// A scalar, a list or a mapping, with its measures taken.
    pub fn new(span: Span, kind: Kind) -> Self {
        let (mut size, mut height) = (1, 0);
        let mut measure = |child: &Node| {
            size += child.size;
            height = height.max(child.height);
        };
        match &kind {
            Kind::Nothing | Kind::Scalar(..) => (),
            Kind::List(items) => items.iter().for_each(|item| measure(item)),
            Kind::Map(entries) => entries.iter().for_each(|entry| measure(&entry.value)),
        }
        Self {
            span,
            kind,
            size,
            height: height + 1,
        }
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            Kind::Nothing | Kind::Scalar(..) | Kind::List(_) => &[],
        }
    }

    /// What it is, in words for a message.
    pub fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Nothing => "nothing",
            Kind::Scalar(..) => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }
}

/// The line of every key, by its dotted path.
pub fn lines(texts: &Texts, root: &Node) -> BTreeMap<String, Line> {
    let mut lines = BTreeMap::new();
    collect_lines(texts, root, "", &mut lines);
    lines
}

fn collect_lines(texts: &Texts, node: &Node, path: &str, lines: &mut BTreeMap<String, Line>) {
    let mut visit = |key: &str, at: usize, child: &Node| {
        let path = join(path, key);
        collect_lines(texts, child, &path, lines);
        lines.insert(path, texts.line(at));
    };
    match &node.kind {
        Kind::Nothing | Kind::Scalar(..) => (),
        Kind::List(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, item)| visit(&index.to_string(), item.span.start, item)),
        Kind::Map(entries) => entries
            .iter()
            .for_each(|entry| visit(&entry.key, entry.span.start, &entry.value)),
    }
}

/// Where the value of a key stands, by its dotted path.
pub fn place(root: &Node, path: &str) -> Option<Span> {
    let (first, rest) = match path.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    let (at, child) = match &root.kind {
        Kind::Nothing | Kind::Scalar(..) => return None,
        Kind::List(items) => {
            let item = items.get(first.parse::<usize>().ok()?)?;
            (item.span, item)
        }
        Kind::Map(entries) => {
            let entry = entries.iter().find(|entry| entry.key == first)?;
            (entry.span, &entry.value)
        }
    };
    match (rest, &child.kind) {
        (Some(rest), _) => place(child, rest),
        (None, Kind::Scalar(..)) => Some(child.span),
        (None, Kind::Nothing | Kind::List(_) | Kind::Map(_)) => Some(at),
    }
}

/// The path of `key` below `path`.
pub fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    }
}
