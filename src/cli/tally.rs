//! What an action does to the world, in one word and one mark, and how many of each a plan has. Pure.

use serde::Serialize;

use super::style::Paint;
use crate::model::action::Operation;
use crate::model::plan::{Action, NoticeKind, Plan};

/// What an action does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// An image comes to a host.
    Copy,
    /// A guest comes.
    Create,
    /// A guest goes, and comes again with the same name and address.
    Recreate,
    /// A guest stays, and something in it or about it changes.
    Change,
    /// An address comes, goes, or changes.
    Move,
    /// A guest is stopped, and stays defined.
    Fence,
    /// A guest or a disk goes.
    Destroy,
}

impl Sort {
    /// Every sort, as they are told.
    pub const ALL: [Sort; 7] = [
        Sort::Copy,
        Sort::Create,
        Sort::Recreate,
        Sort::Change,
        Sort::Move,
        Sort::Fence,
        Sort::Destroy,
    ];

    /// What `operation` does to the world.
    pub fn of(operation: &Operation) -> Sort {
        match operation {
            Operation::CopyImage(_) => Sort::Copy,
            Operation::Create(_) => Sort::Create,
            Operation::Recreate(_) => Sort::Recreate,
            Operation::Bootstrap(_) | Operation::Configure(_) | Operation::SetMark(_) => {
                Sort::Change
            }
            Operation::Rebind(_) | Operation::AddVip(_) | Operation::DropVip(_) => Sort::Move,
            Operation::Fence(_) | Operation::FenceHost(_) => Sort::Fence,
            Operation::Destroy(_) | Operation::Sweep(_) => Sort::Destroy,
        }
    }

    /// Its mark in a plan.
    pub fn mark(self) -> &'static str {
        match self {
            Sort::Copy | Sort::Create => "+",
            Sort::Recreate | Sort::Change => "~",
            Sort::Move => "→",
            Sort::Fence | Sort::Destroy => "-",
        }
    }

    /// Its colour.
    pub fn paint(self) -> Paint {
        match self {
            Sort::Copy | Sort::Create => Paint::Good,
            Sort::Recreate | Sort::Change => Paint::Warn,
            Sort::Move => Paint::Accent,
            Sort::Fence | Sort::Destroy => Paint::Bad,
        }
    }

    /// The verb.
    pub fn verb(self) -> &'static str {
        match self {
            Sort::Copy => "copy",
            Sort::Create => "create",
            Sort::Recreate => "recreate",
            Sort::Change => "change",
            Sort::Move => "move",
            Sort::Fence => "fence",
            Sort::Destroy => "destroy",
        }
    }
}

/// How many of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[allow(missing_docs)] // each field is the count of what it is called after
pub struct Tally {
    pub copy: usize,
    pub create: usize,
    pub recreate: usize,
    pub change: usize,
    #[serde(rename = "move")]
    pub moves: usize,
    pub fence: usize,
    pub destroy: usize,
    pub unchanged: usize,
    pub blocked: usize,
    pub unknown: usize,
    pub waiting: usize,
    pub warnings: usize,
}

impl Tally {
    /// Counts a plan.
    pub fn of(plan: &Plan) -> Tally {
        let sort = |sort| count_sort(&plan.actions, sort);
        let notices = |kind| plan.notices_of(kind).count();
        Tally {
            copy: sort(Sort::Copy),
            create: sort(Sort::Create),
            recreate: sort(Sort::Recreate),
            change: sort(Sort::Change),
            moves: sort(Sort::Move),
            fence: sort(Sort::Fence),
            destroy: sort(Sort::Destroy),
            unchanged: plan.unchanged,
            blocked: notices(NoticeKind::Blocked),
            unknown: notices(NoticeKind::Unknown),
            waiting: notices(NoticeKind::Waiting),
            warnings: notices(NoticeKind::Warning),
        }
    }

    /// `Plan: 5 to create, 2 to change, 14 unchanged; 1 blocked.`
    pub fn sentence(&self) -> String {
        let open = self.open();
        let open = if open.is_empty() {
            open
        } else {
            format!("; {open}")
        };
        format!(
            "Plan: {}, {} unchanged{open}.",
            self.deeds(),
            self.unchanged
        )
    }

    /// `5 to create, 2 to change`
    pub fn deeds(&self) -> String {
        let done = Sort::ALL.iter().filter(|sort| self.number(**sort) > 0);
        let done: Vec<String> = done
            .map(|sort| format!("{} to {}", self.number(*sort), sort.verb()))
            .collect();
        match done.is_empty() {
            true => "nothing to do now".to_owned(),
            false => done.join(", "),
        }
    }

    /// `1 blocked, 2 unknown`; empty where nothing is open.
    pub fn open(&self) -> String {
        let warnings = if self.warnings == 1 {
            "warning"
        } else {
            "warnings"
        };
        [
            (self.blocked, "blocked"),
            (self.unknown, "unknown"),
            (self.waiting, "waiting"),
            (self.warnings, warnings),
        ]
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}"))
        .collect::<Vec<_>>()
        .join(", ")
    }

    /// How many actions there are.
    pub fn actions(&self) -> usize {
        Sort::ALL.iter().map(|sort| self.number(*sort)).sum()
    }

    fn number(&self, sort: Sort) -> usize {
        match sort {
            Sort::Copy => self.copy,
            Sort::Create => self.create,
            Sort::Recreate => self.recreate,
            Sort::Change => self.change,
            Sort::Move => self.moves,
            Sort::Fence => self.fence,
            Sort::Destroy => self.destroy,
        }
    }
}

fn count_sort(actions: &[Action], sort: Sort) -> usize {
    let alike = |action: &&Action| Sort::of(&action.operation) == sort;
    actions.iter().filter(alike).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    #[test]
    fn every_action_is_counted_once() {
        for (name, plan) in samples::plans() {
            let tally = Tally::of(&plan);
            assert_eq!(tally.actions(), plan.actions.len(), "{name}");
        }
    }

    #[test]
    fn the_sentence_names_only_what_there_is() {
        let tally = Tally {
            create: 5,
            change: 2,
            destroy: 1,
            unchanged: 14,
            blocked: 1,
            ..Tally::default()
        };
        assert_eq!(
            tally.sentence(),
            "Plan: 5 to create, 2 to change, 1 to destroy, 14 unchanged; 1 blocked."
        );
        let tally = Tally {
            unchanged: 3,
            warnings: 2,
            ..Tally::default()
        };
        assert_eq!(
            tally.sentence(),
            "Plan: nothing to do now, 3 unchanged; 2 warnings."
        );
    }
}
