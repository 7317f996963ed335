//! Edits of `cluster.yaml` by a program: text is put in at its place, and everything else stays as it was written, comments and order
//! too. What comes out is read again, and proven to differ in nothing else. Touches no disk.

mod insert;

use super::format::comments;
use super::source::Source;
use super::tree::{Entry, Node};
use super::{SpecErrors, SpecFiles, compose, parse};
use crate::model::adoption::Amendment;
use crate::model::desired::Desired;

/// The file after its edits.
#[derive(Debug, Clone, PartialEq)]
pub struct Amended {
    /// Its text.
    pub text: String,
    /// What it says.
    pub desired: Desired,
}

/// Why a file could not be edited. It is as it was.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AmendError {
    /// It would not be valid then.
    #[error("{0}")]
    Spec(SpecErrors),
    /// There is no place in it where this could be put in by a program.
    #[error("{0}")]
    NoPlace(String),
}

/// The file with its edits. `file_name` is what messages call it.
///
/// # Errors
/// It is not valid before or afterwards, or an edit would change anything else.
pub fn amend(
    file_name: &str,
    bytes: &[u8],
    files: &dyn SpecFiles,
    amendments: &[Amendment],
) -> Result<Amended, AmendError> {
    let before = parse(file_name, bytes, files).map_err(AmendError::Spec)?;
    let (source, _) = Source::read(file_name, bytes);
    let mut text = source.text;
    for amendment in amendments {
        text = one(file_name, &text, amendment)
            .ok_or_else(|| AmendError::NoPlace(no_place(file_name, amendment)))?;
    }
    let desired = parse(file_name, text.as_bytes(), files).map_err(AmendError::Spec)?;
    let (old, _) = Source::read(file_name, bytes);
    if comments(&old.text) != comments(&text) || !only(&before, &desired, amendments) {
        let first = amendments.first();
        let text = first.map_or_else(String::new, |first| no_place(file_name, first));
        return Err(AmendError::NoPlace(text));
    }
    // What marks the order of bytes is no part of the text.
    let mark = if bytes.starts_with("\u{FEFF}".as_bytes()) {
        "\u{FEFF}"
    } else {
        ""
    };
    Ok(Amended {
        text: format!("{mark}{text}"),
        desired,
    })
}

fn one(file_name: &str, text: &str, amendment: &Amendment) -> Option<String> {
    let (source, _) = Source::read(file_name, text.as_bytes());
    let (root, _) = compose::compose(&source);
    let root = root?;
    match amendment {
        Amendment::Service { id, keys } => insert::service(text, &root, id.as_str(), keys),
        Amendment::Replicas { id, replicas } => {
            let service = under(&root, "services", id.as_str())?;
            insert::value(text, service, "replicas", &replicas.to_string())
        }
        Amendment::Pool { host, address } => {
            let host = under(&root, "hosts", host.as_str())?;
            insert::item(text, child(&host.value, "pool")?, &address.to_string())
        }
    }
}

fn child<'n>(node: &'n Node, key: &str) -> Option<&'n Entry> {
    node.entries().iter().find(|entry| entry.key == key)
}

fn under<'n>(root: &'n Node, section: &str, name: &str) -> Option<&'n Entry> {
    child(&child(root, section)?.value, name)
}

/// Whether nothing but what was meant is another one.
fn only(before: &Desired, after: &Desired, amendments: &[Amendment]) -> bool {
    let mut after = after.clone();
    for amendment in amendments {
        match amendment {
            Amendment::Service { id, .. } => {
                after.groups.remove(id);
            }
            Amendment::Replicas { id, replicas } => {
                let (old, new) = (before.groups.get(id), after.groups.get_mut(id));
                let (Some(old), Some(new)) = (old, new) else {
                    return false;
                };
                if new.replicas != *replicas {
                    return false;
                }
                // How many may be away follows from it.
                (new.replicas, new.budget) = (old.replicas, old.budget.clone());
            }
            Amendment::Pool { host, address } => {
                let (old, new) = (before.hosts.get(host), after.hosts.get_mut(host));
                let (Some(old), Some(new)) = (old, new) else {
                    return false;
                };
                let ranges = [old.pool.0.as_slice(), &[(*address, *address)]].concat();
                if new.pool.0 != ranges {
                    return false;
                }
                new.pool = old.pool.clone();
            }
        }
    }
    after.revision = before.revision.clone();
    after.lines = before.lines.clone();
    after == *before
}

fn no_place(file_name: &str, amendment: &Amendment) -> String {
    let what = match amendment {
        Amendment::Service { id, keys } => {
            let keys: Vec<String> = keys.iter().map(|(k, v)| format!("{k}: {v}")).collect();
            format!("below `services`: {id}: {{ {} }}", keys.join(", "))
        }
        Amendment::Replicas { id, replicas } => {
            format!("below `services.{id}`: replicas: {replicas}")
        }
        Amendment::Pool { host, address } => format!("into `hosts.{host}.pool`: {address}"),
    };
    format!(
        "{file_name} can't be edited without changing something else: an included file or an alias may be in the way\n  \
         help: write it yourself, {what}; then run this again"
    )
}

#[cfg(test)]
mod tests;
