//! The files that actions change, folded away: a block for each action, every diff once. Pure.

use std::collections::BTreeMap;

use super::Room;
use super::escape::{fenced, html, inline};
use crate::cli::grounds::AllGrounds;
use crate::cli::plan_text::files::{body, mark, without_diff};
use crate::cli::text;
use crate::model::plan::{Action, ActionId, FileChange, Plan};

/// Which action showed a diff already.
type Shown<'a> = BTreeMap<(&'a str, &'a str), ActionId>;

/// The blocks that there is room for, and of how many actions the files are left out.
pub(super) fn blocks(
    plan: &Plan,
    grounds: Option<&AllGrounds>,
    room: &mut Room,
) -> (String, usize) {
    let (mut told, mut left_out, mut shown) = (String::new(), 0, Shown::new());
    for action in &plan.actions {
        let grounds = grounds.and_then(|grounds| grounds.get(&action.id));
        let grounds = grounds.map(|grounds| grounds.lines(action.reason.line.as_ref()));
        let grounds = grounds.unwrap_or_default();
        if action.changes.is_empty() && grounds.is_empty() {
            continue;
        }
        let block = block(action, &grounds, &shown);
        if !room.take(&block) {
            left_out += 1;
            continue;
        }
        told.push_str(&block);
        for change in &action.changes {
            shown.entry(key(change)).or_insert(action.id);
        }
    }
    (told, left_out)
}

fn key(change: &FileChange) -> (&str, &str) {
    (&change.path, &change.diff)
}

fn block(action: &Action, grounds: &[String], shown: &Shown<'_>) -> String {
    let grounds = grounds.iter().map(|line| format!("- {}\n", inline(line)));
    let files = action.changes.iter().map(|change| file(change, shown));
    let body = format!(
        "{}\n{}",
        grounds.collect::<String>(),
        files.collect::<String>()
    );
    let number = match action.changes.len() {
        0 => String::new(),
        number => format!(" ({})", text::count(number, "file")),
    };
    format!(
        "<details><summary>{} {}{number}</summary>\n\n{}\n\n</details>\n",
        action.id,
        html(&format!("{} {}", action.operation.kind(), action.summary)),
        body.trim(),
    )
}

fn file(change: &FileChange, shown: &Shown<'_>) -> String {
    let (mark, path) = (mark(change.kind), inline(&change.path));
    let line = |note: &str| format!("`{mark}` {path}{note}\n\n");
    if change.diff.is_empty() {
        return line(&format!(" ({})", without_diff(change.kind)));
    }
    if let Some(earlier) = shown.get(&key(change)) {
        return line(&format!(" (as in {earlier})"));
    }
    let lines: Vec<String> = body(&change.diff).map(text::clean_line).collect();
    format!("{}{}\n", line(""), fenced("diff", &lines))
}
