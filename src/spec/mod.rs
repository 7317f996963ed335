//! cluster.yaml → Desired: parse with source spans, fill defaults, resolve, validate. All that is wrong with a file
//! is found in one pass. Touches no disk: reads other files only through [`SpecFiles`].
//!
//! The way of a file: `source` (bytes → text), `compose` (text → `tree`), `include` (the entries of other files are put
//! into the tree), `fields` (tree → typed values, driven by the tables in `keys`), `read` (sections → drafts), `check` (across sections), and here drafts → [`Desired`].

pub mod amend;
mod check;
mod compose;
mod context;
mod errors;
pub mod explain;
mod fields;
mod form;
pub mod format;
mod include;
mod keys;
pub mod outline;
mod pattern;
mod problem;
mod read;
pub mod scenario;
pub mod schema;
#[cfg(test)]
#[path = "../../tests/support/json_schema.rs"]
pub mod schema_check;
mod show;
mod source;
mod syntax;
mod tree;
mod words;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::model::desired::Desired;

pub use errors::{Related, SpecError, SpecErrors};
pub use pattern::Pattern;
pub use problem::did_you_mean;

use context::Context;
use fields::Fields;
use problem::Problem;
use read::Draft;
use source::{Source, Span, Texts};
use tree::{Kind, Node};

/// The world as far as a file may ask for it. Relative paths start at the directory of `cluster.yaml`.
pub trait SpecFiles {
    /// The content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The files that a pattern names, relative as it is; what is hidden is not searched. Only regular files, and links to
    /// such: a pattern does not follow links to directories.
    fn find(&self, pattern: &Pattern) -> io::Result<Vec<PathBuf>> {
        let _ = pattern;
        Ok(Vec::new())
    }

    /// The SHA-256 of a file's content in hex, and its size.
    fn digest(&self, path: &Path) -> io::Result<(String, u64)>;

    /// An environment variable.
    fn env(&self, name: &str) -> Option<String>;

    /// The path as the rest of the program can use it, which knows nothing of the directory of `cluster.yaml`.
    fn resolve(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    /// What stands for something that only work on machines needs (a secret, a key, an image), where `what` is not here;
    /// none: it has to be.
    fn stand_in(&self, what: &str) -> Option<String> {
        let _ = what;
        None
    }
}

/// Where a file stands alone: there is no other one, and no environment.
#[derive(Debug, Clone, Copy)]
pub struct NoFiles;

impl SpecFiles for NoFiles {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn digest(&self, _: &Path) -> io::Result<(String, u64)> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn env(&self, _: &str) -> Option<String> {
        None
    }
}

/// The files that a file includes, as it names them, with their content; of images only their digests.
pub type Sources = Vec<(PathBuf, Vec<u8>)>;

/// Reads a cluster's desired state. `file_name` is what messages call it.
pub fn parse(file_name: &str, bytes: &[u8], files: &dyn SpecFiles) -> Result<Desired, SpecErrors> {
    parse_with_sources(file_name, bytes, files).map(|(desired, _)| desired)
}

/// The same, with all that went into its revision besides the file itself.
pub fn parse_with_sources(
    file_name: &str,
    bytes: &[u8],
    files: &dyn SpecFiles,
) -> Result<(Desired, Sources), SpecErrors> {
    let (source, unusable) = Source::read(file_name, bytes);
    if let Some(problem) = unusable {
        return Err(SpecErrors::new(&Texts::of(source), vec![problem]));
    }
    let (root, problems) = compose::compose(&source);
    let cx = Context::new(files, source, problems);
    let root = root.and_then(|root| include::resolve(&cx, root));
    let desired = root.and_then(|root| read_cluster(&cx, &root));
    match (desired, cx.take_problems()) {
        (Some(desired), problems) if problems.is_empty() => Ok((desired, cx.take_sources())),
        (_, problems) => Err(SpecErrors::new(&cx.texts(), some(problems))),
    }
}

/// The files that a file includes, as they are read: paths relative to its directory. Their content is not looked at.
///
/// # Errors
/// The file can't be read as YAML, or what it includes is not there.
pub fn included(
    file_name: &str,
    bytes: &[u8],
    files: &dyn SpecFiles,
) -> Result<Vec<PathBuf>, SpecErrors> {
    let (source, unusable) = Source::read(file_name, bytes);
    let (root, problems) = match unusable {
        Some(problem) => (None, vec![problem]),
        None => compose::compose(&source),
    };
    let cx = Context::new(files, source, problems);
    let found = root.and_then(|root| include::files(&cx, &root));
    match cx.take_problems() {
        problems if problems.is_empty() => Ok(found.unwrap_or_default()),
        problems => Err(SpecErrors::new(&cx.texts(), problems)),
    }
}

fn some(mut problems: Vec<Problem>) -> Vec<Problem> {
    if problems.is_empty() {
        problems.push(empty());
    }
    problems
}

fn empty() -> Problem {
    Problem::new(Span::default(), "the file describes no cluster")
        .help("start with `cluster: NAME`; the directory specs/ has whole files to start from")
}

fn read_cluster(cx: &Context<'_>, root: &Rc<Node>) -> Option<Desired> {
    if let Kind::Nothing = root.kind {
        return None;
    }
    let fields = Fields::open(cx, root, &keys::CLUSTER, "", root.span)?;
    let draft = read::read(&fields);
    check::check(cx, &draft);
    match cx.is_clean() {
        true => {
            let desired = build(cx, root, draft)?;
            check::templates::check(cx, root, &desired);
            Some(desired)
        }
        false => None,
    }
}

/// The finished thing. Nothing was wrong, so every part is there.
fn build(cx: &Context<'_>, root: &Node, draft: Draft) -> Option<Desired> {
    Some(Desired {
        cluster: draft.cluster?.value,
        file: cx.main_name(),
        revision: cx.revision(),
        commit: None,
        networks: all(draft.networks, |net| Some((net.id.value, net.built?)))?,
        hosts: all(draft.hosts, |host| Some((host.id.value, host.built?)))?,
        images: all(draft.images, |image| Some((image.id.value, image.built?)))?,
        groups: all(draft.groups, |group| Some((group.id.value, group.built?)))?,
        safety: draft.safety.built?,
        changes: draft.changes?,
        rebalance: draft.rebalance,
        ssh: draft.access.ssh,
        templates: draft.access.templates,
        secrets: draft.access.secrets,
        notify: draft.notify,
        lines: cx.lines(root),
    })
}

fn all<D, K: Ord, V>(
    drafts: Vec<D>,
    build: impl Fn(D) -> Option<(K, V)>,
) -> Option<BTreeMap<K, V>> {
    drafts.into_iter().map(build).collect()
}

#[cfg(test)]
mod tests;
