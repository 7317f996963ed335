//! The rules of the house, read off the source: who imports whom, which rooms are pure, how long a file may be.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Who may import whom. A room may always import itself; what is not listed is forbidden.
///
/// `model` is below all. What lies beside the one-way flow has a reason:
/// - `spec` checks that templates compile, and `render` knows how;
/// - `memory` and `plan` call a guest's run by one name;
/// - `plan` says what has to be looked at, in the words of the ports that look;
/// - `sim` must know what a machine is built from, to tell whether it is the desired one;
/// - `adapters` write the mark as `render` spells it, and read answers with the parsers of `observe`; local files are
///   a port of `spec`.
const MAY_IMPORT: [(&str, &[&str]); 15] = [
    ("model", &[]),
    ("render", &["model"]),
    ("spec", &["model", "render"]),
    ("observe", &["model"]),
    ("memory", &["model", "plan"]),
    ("ports", &["model"]),
    ("plan", &["model", "memory", "render", "ports"]),
    ("execute", &["model", "ports"]),
    ("sim", &["model", "ports", "plan"]),
    ("notify", &["model", "render"]),
    (
        "adapters",
        &["model", "ports", "render", "observe", "spec", "notify"],
    ),
    (
        "controller",
        &["model", "ports", "memory", "plan", "execute", "notify"],
    ),
    (
        "rehearse",
        &[
            "model",
            "ports",
            "memory",
            "plan",
            "execute",
            "controller",
            "sim",
        ],
    ),
    (
        "cli",
        &[
            "model",
            "ports",
            "spec",
            "render",
            "observe",
            "memory",
            "plan",
            "execute",
            "controller",
            "adapters",
            "notify",
            "rehearse",
            "sim",
        ],
    ),
    ("main.rs", &["cli"]),
];

/// Imports that are narrower than their rooms: `plan` uses the ports' words, never a port; `sim` decides nothing.
const ONLY: [(&str, &str, &[&str]); 3] = [
    (
        "plan",
        "ports",
        &["ports::guest::GuestQuery", "ports::hypervisor::HostQuery"],
    ),
    ("memory", "plan", &["plan::run_of"]),
    ("sim", "plan", &["plan::machine"]),
];

/// Rooms that decide and touch nothing.
const PURE: [&str; 7] = [
    "model", "spec", "render", "observe", "plan", "memory", "notify",
];

/// What touches the world, or waits for it.
const IMPURE: [&str; 8] = [
    "tokio",
    "std::fs",
    "std::process",
    "std::net::Tcp",
    "SystemTime::now",
    "Instant::now",
    "async fn",
    "rand::",
];

/// Lines of a file before its tests.
const LONGEST: usize = 400;

/// Longer ones, each with the reason why it is one file.
const LONGER: [(&str, &str); 1] = [("src/model/desired.rs", "the user's words, one table")];

struct Source {
    path: PathBuf,
    /// `plan`, or the file's name where it is in no room.
    room: String,
    /// Without its tests.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    found.into_iter().map(|path| read(&root, path)).collect()
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && name != "tests" && name != "samples" {
            walk(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" && name != "samples.rs" {
            found.push(path);
        }
    }
}

fn read(root: &Path, path: PathBuf) -> Source {
    let text = fs::read_to_string(&path).unwrap();
    let code = text
        .split("\n#[cfg(test)]\nmod ")
        .next()
        .unwrap_or_default();
    let inside = path.strip_prefix(root).unwrap();
    let room = inside.components().next().unwrap().as_os_str();
    Source {
        room: room.to_string_lossy().into_owned(),
        code: code.to_owned(),
        path: Path::new("src").join(inside),
    }
}

/// Everything that a file names of this crate: `plan::queries::Look` for `crate::plan::queries::{Look, …}`.
fn imports(code: &str) -> BTreeSet<String> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let named = |key: &str| {
        code.match_indices(key)
            .filter_map(|(at, _)| code[at + key.len()..].split(|c| !is_path(c)).next())
            .map(|path| path.trim_end_matches(':').to_owned())
            .collect::<Vec<_>>()
    };
    let mut all: BTreeSet<String> = named("crate::").into_iter().collect();
    all.extend(named("reconcile::"));
    all
}

#[test]
fn nobody_imports_a_room_above_it() {
    let mut wrong = String::new();
    for source in sources().iter().filter(|s| s.room != "lib.rs") {
        let rule = MAY_IMPORT.iter().find(|(room, _)| *room == source.room);
        let (_, allowed) = rule.unwrap_or_else(|| panic!("no rule for {}", source.room));
        for import in imports(&source.code) {
            let room = import.split("::").next().unwrap_or_default();
            if room.is_empty() {
                let path = source.path.display();
                let _ = writeln!(
                    wrong,
                    "{path}: one `use crate::ROOM` per room, so that it can be read"
                );
            }
            let known = MAY_IMPORT.iter().any(|(r, _)| *r == room);
            if known && room != source.room && !allowed.contains(&room) {
                let _ = writeln!(wrong, "{} imports {import}", source.path.display());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_room_that_borrows_a_word_borrows_no_more() {
    let mut wrong = String::new();
    for source in sources() {
        for (_, from, words) in ONLY.iter().filter(|(room, ..)| *room == source.room) {
            for import in imports(&source.code)
                .iter()
                .filter(|i| i.split("::").next() == Some(from))
            {
                // A group of names after `from::` is not looked into, so it is not allowed.
                if !words.contains(&import.as_str()) {
                    let _ = writeln!(wrong, "{} imports {import}", source.path.display());
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_decides_touches_nothing() {
    let mut wrong = String::new();
    for source in sources().iter().filter(|s| PURE.contains(&s.room.as_str())) {
        let lines = source.code.lines().enumerate();
        let code = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
        for (number, line) in code {
            if let Some(what) = IMPURE.iter().find(|what| line.contains(**what)) {
                let _ = writeln!(wrong, "{}:{}: {what}", source.path.display(), number + 1);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = sources()
        .into_iter()
        .filter(|s| !s.code.starts_with("//! "));
    let silent: Vec<String> = silent.map(|s| s.path.display().to_string()).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn no_file_is_too_long_to_be_read_at_once() {
    let mut wrong = String::new();
    for source in sources() {
        let lines = source.code.lines().count();
        let path = source.path.to_string_lossy().into_owned();
        let excused = LONGER.iter().any(|(longer, _)| *longer == path);
        if lines > LONGEST && !excused {
            let _ = writeln!(wrong, "{path}: {lines} lines");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn an_import_is_seen_in_whatever_shape() {
    let found =
        imports("use crate::plan::{Plan, queries::Look};\nfn f() { crate::spec::parse(1) }\n");
    let expected = ["plan".to_owned(), "spec::parse".to_owned()];
    assert_eq!(found, expected.into());
}
