//! `include:`: other files with more entries of the maps that a cluster is made of. They are read and their entries put
//! beside those of the main file; from there on it is one tree, whose places say which file they are in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::compose::{self, MAX_VALUES};
use super::context::Context;
use super::fields::{Fields, Single};
use super::keys::{CLUSTER, INCLUDED};
use super::pattern::Pattern;
use super::problem::Problem;
use super::source::{At, MAX_FILE, Source, Span};
use super::tree::{Entry, Kind, Node};
use super::words::{self, Wrong};

/// More than one file for each host or group of a large cluster.
const MAX_FILES: usize = 1_000;

/// The tree of the main file with the entries of all files that it includes. None: something is missing, and what would
/// be read of the rest would only complain of that.
pub fn resolve(cx: &Context<'_>, root: Rc<Node>) -> Option<Rc<Node>> {
    let Kind::Map(entries) = &root.kind else {
        return Some(root);
    };
    let wanted = wanted(cx, entries, root.span)?;
    if wanted.is_empty() {
        return Some(root);
    }
    let mut trees = Vec::new();
    let mut whole = true;
    for (path, named) in wanted {
        match file(cx, &path, named) {
            Some(tree) => trees.push(tree),
            None => whole = false,
        }
    }
    whole.then_some(())?;
    let root = Node::new(root.span, Kind::Map(merge(cx, entries, &trees)));
    within_budget(cx, &root).then(|| Rc::new(root))
}

/// The files that a tree includes.
pub fn files(cx: &Context<'_>, root: &Node) -> Option<Vec<PathBuf>> {
    match &root.kind {
        Kind::Map(entries) => Some(wanted(cx, entries, root.span)?.into_keys().collect()),
        Kind::Nothing | Kind::Scalar(..) | Kind::List(_) => None,
    }
}

/// The files to include, in the order of their paths, each with the place that names it first.
fn wanted(cx: &Context<'_>, entries: &[Entry], span: Span) -> Option<BTreeMap<PathBuf, Span>> {
    let fields = Fields::over(cx, entries, &CLUSTER, span);
    let mut found = BTreeMap::new();
    let mut whole = true;
    for item in fields.list("include", Single::Allowed) {
        let files = item
            .get(cx, pattern)
            .and_then(|pattern| named_by(cx, &pattern));
        whole &= files.is_some();
        for file in files.into_iter().flatten() {
            found.entry(file).or_insert(item.node.span);
        }
    }
    if let Some((_, span)) = found.iter().nth(MAX_FILES) {
        let text = format!("more than {MAX_FILES} files are included");
        cx.push(Problem::new(*span, text).help("put several entries into one file"));
        return None;
    }
    whole.then_some(found)
}

/// A path below the directory of the main file, or a pattern of such paths.
fn pattern(text: &str) -> Result<Pattern, Wrong> {
    words::line(text)?;
    let below = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !Path::new(text).components().all(|part| below(&part)) {
        return Err(Wrong::new(
            format!(
                "{} may lead out of the directory of this file",
                words::quoted(text)
            ),
            "write a path below this directory, without `..` and without `/` at its start",
        ));
    }
    Pattern::new(text).map_err(|why| {
        Wrong::new(
            format!("{} is no pattern of files: {why}", words::quoted(text)),
            "`*` and `?` stand for any characters but `/`, `[ab]` for one of these, `**/` for any directories",
        )
    })
}

/// The files that a pattern names: at least one.
fn named_by(cx: &Context<'_>, pattern: &At<Pattern>) -> Option<BTreeSet<PathBuf>> {
    let (at, pattern) = (pattern.span, &pattern.value);
    let main = cx.main_file();
    if let Some(file) = pattern.file() {
        let itself = file == main;
        if itself {
            let problem = Problem::new(at, "the file includes itself");
            cx.push(problem.help("name other files"));
        }
        return (!itself).then(|| BTreeSet::from([file]));
    }
    let found = cx.find(pattern).map_err(|error| {
        let text = format!("{:?} can't be looked for: {error}", pattern.text());
        cx.push(
            Problem::new(at, text).help("check who may read the directory, and name fewer files"),
        );
    });
    let mut found: BTreeSet<PathBuf> = found.ok()?.into_iter().collect();
    // `*.yaml` means the others.
    found.remove(&main);
    if found.is_empty() {
        let problem = Problem::new(at, format!("no file matches {:?}", pattern.text()));
        cx.push(problem.help(
            "check the path, which starts at the directory of this file; hidden files are not matched",
        ));
        return None;
    }
    Some(found)
}

/// The tree of an included file.
fn file(cx: &Context<'_>, path: &Path, named: Span) -> Option<Rc<Node>> {
    let at = At {
        value: path.display().to_string(),
        span: named,
    };
    let bytes = cx.read("the included file", &at, path)?;
    let (start, used) = cx.next_text();
    if used + bytes.len() > MAX_FILE {
        let text = format!("the files have more than {} MiB together", MAX_FILE >> 20);
        cx.push(Problem::new(named, text).help("are these the right files?"));
        return None;
    }
    let (source, problem) = Source::read(&cx.name_of(path), &bytes);
    let (source, problem) = source.behind(start, problem);
    let (tree, problems) = match problem {
        Some(problem) => (None, vec![problem]),
        None => compose::compose(&source),
    };
    let is_broken = tree.is_none() && !problems.is_empty();
    let nothing = Node::new(source.place(0, 0), Kind::Nothing);
    problems.into_iter().for_each(|problem| cx.push(problem));
    cx.included_text(path, source, bytes);
    (!is_broken).then(|| tree.unwrap_or_else(|| Rc::new(nothing)))
}

/// The sections of the main file, with the entries of all others put into them.
fn merge(cx: &Context<'_>, main: &[Entry], trees: &[Rc<Node>]) -> Vec<Entry> {
    let mut parts: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for section in trees.iter().flat_map(|tree| sections(cx, tree)) {
        parts.entry(&section.key).or_default().push(section);
    }
    let mut merged = main.to_vec();
    for (key, mut parts) in parts {
        let known = main.iter().position(|entry| entry.key == key);
        parts.splice(0..0, known.map(|place| &main[place]));
        let section = Entry {
            value: joined(cx, key, &parts),
            ..parts[0].clone()
        };
        match known {
            Some(place) => merged[place] = section,
            None => merged.push(section),
        }
    }
    merged
}

/// What an included file may say.
fn sections<'n>(cx: &Context<'_>, tree: &'n Node) -> Vec<&'n Entry> {
    let Kind::Map(entries) = &tree.kind else {
        if !matches!(tree.kind, Kind::Nothing) {
            let text = format!(
                "an included file must be a mapping, not {}",
                tree.describe()
            );
            cx.push(
                Problem::new(tree.span, text).help(format!("it may have {}", INCLUDED.join(", "))),
            );
        }
        return Vec::new();
    };
    let is_known = |entry: &&Entry| INCLUDED.contains(&entry.key.as_str());
    for entry in entries.iter().filter(|entry| !is_known(entry)) {
        cx.push(misplaced(cx, entry));
    }
    entries.iter().filter(is_known).collect()
}

fn misplaced(cx: &Context<'_>, entry: &Entry) -> Problem {
    let main = cx.main_file();
    match CLUSTER.key(&entry.key) {
        Some(key) => {
            let text = format!("`{}` can't stand in an included file", key.name);
            let help = format!(
                "move it to {}; here may be {}",
                main.display(),
                INCLUDED.join(", ")
            );
            Problem::new(entry.span, text).help(help)
        }
        None => {
            let text = format!("unknown key `{}` in an included file", entry.key);
            Problem::new(entry.span, text).help_if(cx.did_you_mean(&entry.key, INCLUDED))
        }
    }
}

/// The entries of a section, wherever they are. Whoever reads the section complains of a part that is no mapping.
fn joined(cx: &Context<'_>, section: &str, parts: &[&Entry]) -> Rc<Node> {
    let is_wrong = |part: &&&Entry| !matches!(part.value.kind, Kind::Map(_) | Kind::Nothing);
    if let Some(wrong) = parts.iter().find(is_wrong) {
        return Rc::clone(&wrong.value);
    }
    let mut entries: BTreeMap<&str, &Entry> = BTreeMap::new();
    for entry in parts.iter().flat_map(|part| part.value.entries()) {
        match entries.get(entry.key.as_str()) {
            Some(first) => cx.push(twice(section, entry, first.span)),
            None => drop(entries.insert(&entry.key, entry)),
        }
    }
    let span = parts
        .first()
        .map_or(Span::default(), |part| part.value.span);
    let entries = entries.into_values().cloned().collect();
    Rc::new(Node::new(span, Kind::Map(entries)))
}

fn twice(section: &str, entry: &Entry, first: Span) -> Problem {
    let text = format!("`{section}.{}` is written in two files", entry.key);
    let problem = Problem::new(entry.span, text).label("and here again");
    problem
        .also(first, "first here")
        .help("keep one of the two")
}

fn within_budget(cx: &Context<'_>, root: &Node) -> bool {
    let fits = root.size <= MAX_VALUES;
    if !fits {
        let text = format!("the files have more than {MAX_VALUES} values together");
        let problem = Problem::new(Span::default(), text);
        cx.push(problem.help("aliases count with everything that they stand for"));
    }
    fits
}

#[cfg(test)]
mod tests;
