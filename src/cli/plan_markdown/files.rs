//! The files that actions change, folded away: a block for each action, every diff once. Pure.

use std::collections::BTreeMap;

use super::Room;
use super::escape::{fenced, html, inline};
use crate::cli::plan_text::files::{body, mark, without_diff};
use crate::cli::text;
use crate::model::plan::{Action, ActionId, FileChange, Plan};

/// Which action showed a diff already.
type Shown<'a> = BTreeMap<(&'a str, &'a str), ActionId>;

/// The blocks that there is room for, and of how many actions the files are left out.
pub(super) fn blocks(plan: &Plan, room: &mut Room) -> (String, usize) {
    let (mut told, mut left_out, mut shown) = (String::new(), 0, Shown::new());
    for action in plan.actions.iter().filter(|a| !a.changes.is_empty()) {
        let block = block(action, &shown);
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

fn block(action: &Action, shown: &Shown<'_>) -> String {
    let files: String = action.changes.iter().map(|c| file(c, shown)).collect();
    format!(
        "<details><summary>{} {}: {}</summary>\n\n{files}\n</details>\n",
        action.id,
        html(&format!("{} {}", action.operation.kind(), action.summary)),
        text::count(action.changes.len(), "file"),
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
