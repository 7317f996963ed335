//! Edits of `cluster.yaml` in the middle of a scenario: keys by their dotted paths, or another file. What comes out is
//! read as the file itself would be, so that nothing is rehearsed that could not be written.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Cluster, Reader};
use crate::model::desired::{Desired, Revision};
use crate::model::scenario::Happening;
use crate::spec::context::Context;
use crate::spec::problem::Problem;
use crate::spec::source::{Source, Span};
use crate::spec::tree::{Entry, Kind, Node};
use crate::spec::{SpecFiles, compose, include, read_cluster};

/// The file as it was edited so far.
pub(super) struct Edits<'a> {
    files: &'a dyn SpecFiles,
    name: String,
    bytes: Vec<u8>,
    keys: Vec<(String, Rc<Node>)>,
}

impl<'a> Edits<'a> {
    pub(super) fn of(cluster: &Cluster<'a>) -> Self {
        Edits {
            files: cluster.files,
            name: cluster.name.to_owned(),
            bytes: cluster.bytes.to_vec(),
            keys: Vec::new(),
        }
    }

    /// What the file says now, or the first thing that is wrong with it.
    fn read(&self) -> Result<Desired, Box<Problem>> {
        let (source, unusable) = Source::read(&self.name, &self.bytes);
        if let Some(problem) = unusable {
            return Err(Box::new(problem));
        }
        let (root, problems) = compose::compose(&source);
        let cx = Context::new(self.files, source, problems);
        let root = root.and_then(|root| include::resolve(&cx, root));
        let root = root.map(|root| {
            let keys = self.keys.iter();
            keys.fold(root, |root, (path, value)| set(&root, path, value))
        });
        let desired = root.and_then(|root| read_cluster(&cx, &root));
        match (desired, cx.take_problems().into_iter().next()) {
            (Some(desired), None) => Ok(Desired {
                revision: self.revision(&desired.revision),
                ..desired
            }),
            (_, Some(problem)) => Err(Box::new(problem)),
            (None, None) => {
                let text = "it describes no cluster";
                Err(Box::new(Problem::new(Span::default(), text)))
            }
        }
    }

    /// Another edit is another state of the file.
    fn revision(&self, file: &Revision) -> Revision {
        let mut hash = Sha256::new();
        hash.update(file.0.as_bytes());
        for (path, value) in &self.keys {
            hash.update(format!("{path} = {}\n", written(value)));
        }
        let digest = hash.finalize();
        Revision(digest.iter().take(6).map(|b| format!("{b:02x}")).collect())
    }
}

/// The cluster with some keys changed: their dotted paths, and their values as they would be written. An empty value
/// removes the key. None: that would not be valid.
pub fn edited(cluster: &Cluster<'_>, changes: &BTreeMap<String, String>) -> Option<Desired> {
    let mut edits = Edits::of(cluster);
    for (path, value) in changes {
        let (source, _) = Source::read(path, value.as_bytes());
        let (root, problems) = compose::compose(&source);
        let nothing = || Rc::new(Node::new(Span::default(), Kind::Nothing));
        problems.is_empty().then_some(())?;
        edits
            .keys
            .push((path.clone(), root.unwrap_or_else(nothing)));
    }
    edits.read().ok()
}

impl Reader<'_> {
    /// `edit: { services.random.replicas: 5 }`, or `edit: { file: other.yaml }`.
    pub(super) fn edit(&mut self, entry: &Entry) -> Option<Happening> {
        let Kind::Map(entries) = &entry.value.kind else {
            let text = format!("`edit` must be a mapping, not {}", entry.value.describe());
            let help = "write `{ services.NAME.replicas: 5 }`, or `{ file: other.yaml }`";
            return self.wrong(entry.value.span, text, help);
        };
        let before = self.edits.keys.len();
        for change in entries {
            match change.key.as_str() {
                "file" => self.replace(change)?,
                "include" => {
                    let text = "an edit by keys can't change which files are included";
                    let help = "write the whole file anew: `edit: { file: other.yaml }`";
                    return self.wrong(change.span, text.to_owned(), help);
                }
                _ => self
                    .edits
                    .keys
                    .push((change.key.clone(), Rc::clone(&change.value))),
            }
        }
        match self.edits.read() {
            Ok(desired) => {
                if let Some((text, help)) = self.unlike(&desired) {
                    self.edits.keys.truncate(before);
                    return self.wrong(entry.span, text, help);
                }
                let desired = Arc::new(desired);
                self.states.push(Arc::clone(&desired));
                let changes: Vec<String> = entries.iter().map(change).collect();
                Some(Happening::Edit(desired, changes.join(", ")))
            }
            Err(problem) => {
                // What comes later is not wrong for the same reason.
                self.edits.keys.truncate(before);
                let text = format!(
                    "{} would not be valid then: {}",
                    self.edits.name, problem.message
                );
                self.cx
                    .push(Problem::new(entry.span, text).help_if(problem.help));
                None
            }
        }
    }

    /// What a controller does not go along with, or a rehearsal can't show: another cluster, another name for a host.
    fn unlike(&self, new: &Desired) -> Option<(String, &'static str)> {
        let last = self.states.last()?;
        if new.cluster != last.cluster {
            let text = format!(
                "the cluster is renamed from {} to {}",
                last.cluster, new.cluster
            );
            return Some((
                text,
                "a controller keeps to one cluster: rehearse the other one by itself",
            ));
        }
        let gone = last
            .hosts
            .values()
            .filter(|host| !new.hosts.contains_key(&host.id));
        let mut renamed = gone.filter_map(|host| {
            let mut fresh = new
                .hosts
                .values()
                .filter(|h| !last.hosts.contains_key(&h.id));
            Some((host, fresh.find(|h| h.address == host.address)?))
        });
        let (host, fresh) = renamed.next()?;
        let text = format!("host {} is renamed to {}", host.id, fresh.id);
        let help = "a rehearsal knows hosts by their names; the controller takes it for the same machine, as it has the same address";
        Some((text, help))
    }

    fn replace(&mut self, change: &Entry) -> Option<()> {
        let name = self.text(change)?;
        match self.edits.files.read(Path::new(name.value)) {
            Ok(bytes) => {
                self.edits.bytes = bytes;
                self.edits.keys.clear();
                Some(())
            }
            Err(error) => {
                let text = format!("the file {:?} can't be read: {error}", name.value);
                let help = "a relative path starts at the directory of cluster.yaml";
                self.cx.push(Problem::new(name.span, text).help(help));
                None
            }
        }
    }
}

fn change(entry: &Entry) -> String {
    format!("{}: {}", entry.key, written(&entry.value))
}

/// A value in one line.
fn written(node: &Node) -> String {
    match &node.kind {
        Kind::Nothing => "nothing".to_owned(),
        Kind::Scalar(text, _) => text.clone(),
        Kind::List(items) => {
            let items: Vec<String> = items.iter().map(|n| written(n)).collect();
            format!("[{}]", items.join(", "))
        }
        Kind::Map(entries) => {
            let entries: Vec<String> = entries.iter().map(change).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// The tree with another value at a path. Nothing as a value removes the key.
fn set(node: &Rc<Node>, path: &str, value: &Rc<Node>) -> Rc<Node> {
    let entries = match &node.kind {
        Kind::Map(entries) => entries.clone(),
        Kind::List(items) => return set_item(node, items, path, value),
        Kind::Nothing | Kind::Scalar(..) => Vec::new(),
    };
    // Keys may have dots in them: the longest one that is there is meant.
    let known = entries.iter().filter(|e| is_start(path, &e.key));
    let longest = known.max_by_key(|e| e.key.len()).map(|e| e.key.as_str());
    let first = longest.unwrap_or_else(|| path.split('.').next().unwrap_or(path));
    let rest = path.get(first.len() + 1..);
    let old = entries.iter().find(|e| e.key == first);
    let span = old.map_or(node.span, |e| e.span);
    let new = match (rest, old) {
        (None, _) => moved(value, span),
        (Some(rest), Some(old)) => set(&old.value, rest, value),
        (Some(rest), None) => set(&Rc::new(Node::new(span, Kind::Nothing)), rest, value),
    };
    let gone = rest.is_none() && matches!(value.kind, Kind::Nothing);
    let new = Entry {
        key: first.to_owned(),
        span,
        value: new,
    };
    let place = entries.iter().position(|e| e.key == first);
    let mut entries = entries;
    match (place, gone) {
        (Some(place), true) => drop(entries.remove(place)),
        (Some(place), false) => entries[place] = new,
        (None, true) => {}
        (None, false) => entries.push(new),
    }
    Rc::new(Node::new(node.span, Kind::Map(entries)))
}

fn is_start(path: &str, key: &str) -> bool {
    path == key
        || path
            .strip_prefix(key)
            .is_some_and(|rest| rest.starts_with('.'))
}

fn set_item(node: &Rc<Node>, items: &[Rc<Node>], path: &str, value: &Rc<Node>) -> Rc<Node> {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(f, r)| (f, Some(r)));
    let mut items = items.to_vec();
    if let Some(item) = first.parse::<usize>().ok().and_then(|n| items.get_mut(n)) {
        *item = match rest {
            Some(rest) => set(item, rest, value),
            None => moved(value, item.span),
        };
    }
    Rc::new(Node::new(node.span, Kind::List(items)))
}

/// A value as if it had been written at this place of the file.
fn moved(node: &Node, span: Span) -> Rc<Node> {
    let kind = match &node.kind {
        Kind::Nothing => Kind::Nothing,
        Kind::Scalar(text, quoted) => Kind::Scalar(text.clone(), *quoted),
        Kind::List(items) => Kind::List(items.iter().map(|n| moved(n, span)).collect()),
        Kind::Map(entries) => Kind::Map(
            entries
                .iter()
                .map(|e| Entry {
                    key: e.key.clone(),
                    span,
                    value: moved(&e.value, span),
                })
                .collect(),
        ),
    };
    Rc::new(Node::new(span, kind))
}
