//! Mappings whose keys the user chose, and lists: one entry after the other.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::Fields;
use crate::spec::context::Context;
use crate::spec::form::Object;
use crate::spec::problem::Problem;
use crate::spec::source::{At, Span};
use crate::spec::tree::{Entry, Kind, Node, join};
use crate::spec::words::Wrong;

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

/// Whether a single value counts as a list of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Single {
    /// It does.
    Allowed,
    /// It doesn't.
    Refused,
}

impl<'a> Fields<'a> {
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
                    format!("`{path}` must be a mapping, not {}", entry.value.describe()),
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
                    format!("`{path}` must be a list, not {}", entry.value.describe()),
                );
                self.cx.push(problem.help(format!(
                    "write `{name}: [FIRST, SECOND]`, or one `- ` per line"
                )));
                Vec::new()
            }
        }
    }

    /// The keys of a mapping as they were written, readable or not; none where it is no mapping.
    pub fn written_names(&self, name: &str) -> Option<BTreeSet<String>> {
        match self.entry(name).map(|entry| &entry.value.kind) {
            Some(Kind::Map(entries)) => {
                Some(entries.iter().map(|entry| entry.key.clone()).collect())
            }
            Some(Kind::Nothing) | None => Some(BTreeSet::new()),
            Some(Kind::Scalar(..) | Kind::List(_)) => None,
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

fn value_span(entry: &Entry) -> Span {
    match entry.value.kind {
        Kind::Nothing => entry.span,
        Kind::Scalar(..) | Kind::List(_) | Kind::Map(_) => entry.value.span,
    }
}
