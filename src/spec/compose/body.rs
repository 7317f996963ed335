//! The content of a list or mapping that is being read: keys, doubled keys, merged keys.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::spec::problem::Problem;
use crate::spec::source::Span;
use crate::spec::tree::{Entry, Kind, Node, Quoted};

/// What was read of a list or mapping so far.
pub(super) enum Body {
    List(Vec<Rc<Node>>),
    Map {
        entries: Vec<Entry>,
        seen: BTreeMap<String, Span>,
        merges: Vec<Rc<Node>>,
        key: Option<Key>,
    },
}

/// A key that waits for its value.
pub(super) enum Key {
    Name(String, Span),
    Merge,
    /// It was reported; its value is read and dropped.
    Bad,
}

impl Body {
    /// A list without items.
    pub(super) fn list() -> Self {
        Body::List(Vec::new())
    }

    /// A mapping without entries.
    pub(super) fn map() -> Self {
        Body::Map {
            entries: Vec::new(),
            seen: BTreeMap::new(),
            merges: Vec::new(),
            key: None,
        }
    }

    /// Takes the next item, key or value.
    pub(super) fn take(&mut self, node: Rc<Node>, problems: &mut Vec<Problem>) {
        match self {
            Body::List(items) => items.push(node),
            Body::Map {
                entries,
                merges,
                key,
                seen,
            } => match key.take() {
                None => *key = Some(read_key(&node, seen, problems)),
                Some(Key::Name(name, span)) => entries.push(Entry {
                    key: name,
                    span,
                    value: node,
                }),
                Some(Key::Merge) => merges.push(node),
                Some(Key::Bad) => (),
            },
        }
    }

    /// The complete list or mapping.
    pub(super) fn finish(self, problems: &mut Vec<Problem>) -> Kind {
        match self {
            Body::List(items) => Kind::List(items),
            Body::Map {
                entries,
                seen,
                merges,
                ..
            } => Kind::Map(merge(entries, seen, &merges, problems)),
        }
    }
}

/// The entries of a mapping, and behind them those of `<<` that it doesn't have itself.
fn merge(
    mut entries: Vec<Entry>,
    mut seen: BTreeMap<String, Span>,
    merges: &[Rc<Node>],
    problems: &mut Vec<Problem>,
) -> Vec<Entry> {
    for source in merges.iter().flat_map(merge_sources) {
        let Kind::Map(more) = &source.kind else {
            let problem = Problem::new(
                source.span,
                format!("`<<` takes a mapping, not {}", source.describe()),
            );
            problems.push(problem.help("write `<<: *NAME`, where `&NAME` marks a mapping above"));
            continue;
        };
        for entry in more {
            if seen.insert(entry.key.clone(), entry.span).is_none() {
                entries.push(entry.clone());
            }
        }
    }
    entries
}

fn merge_sources(node: &Rc<Node>) -> Vec<&Rc<Node>> {
    match &node.kind {
        Kind::List(items) => items.iter().collect(),
        Kind::Nothing | Kind::Scalar(..) | Kind::Map(_) => vec![node],
    }
}

fn read_key(node: &Node, seen: &mut BTreeMap<String, Span>, problems: &mut Vec<Problem>) -> Key {
    let (name, quoted) = match &node.kind {
        Kind::Scalar(name, quoted) => (name.clone(), *quoted),
        Kind::Nothing | Kind::List(_) | Kind::Map(_) => {
            let problem = Problem::new(
                node.span,
                format!("a key is a name, not {}", node.describe()),
            );
            problems
                .push(problem.help(
                    "a value that starts with `{` or `[` needs quotes: run: \"{{command}}\"",
                ));
            return Key::Bad;
        }
    };
    if name == "<<" && quoted == Quoted::No {
        return Key::Merge;
    }
    if let Some(first) = seen.insert(name.clone(), node.span) {
        let problem =
            Problem::new(node.span, format!("`{name}` is written twice")).label("and here again");
        problems.push(
            problem
                .also(first, "first here")
                .help("keep one of the two"),
        );
        return Key::Bad;
    }
    Key::Name(name, node.span)
}
