//! What a change of the file passes before it comes into force: how far it reaches, and what each guard says of it. As a
//! whole: a state of the file is in force or it is not, never half of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::commit::Commit;
use super::desired::{Line, Revision, line_or_null};
use super::time::Timestamp;

/// How far a change reaches, at most: each class takes in those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Nobody notices: guests come, files are written that no process has to read.
    None,
    /// Processes read their files again.
    Reload,
    /// Processes start anew, addresses and VIPs move.
    Restart,
    /// Guests are built anew, or elsewhere.
    Recreate,
    /// Guests or VIPs go for good.
    Destroy,
    /// Data goes for good.
    Data,
}

impl Class {
    /// All of them, the farthest-reaching last.
    pub const ALL: [Class; 6] = [
        Class::None,
        Class::Reload,
        Class::Restart,
        Class::Recreate,
        Class::Destroy,
        Class::Data,
    ];

    /// Its name, as the file has it.
    pub fn word(self) -> &'static str {
        match self {
            Class::None => "none",
            Class::Reload => "reload",
            Class::Restart => "restart",
            Class::Recreate => "recreate",
            Class::Destroy => "destroy",
            Class::Data => "data",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What a change is called: digits that follow from the state of the file and from what it does to whom. What is approved
/// is this change; where it does something else by now, it has another name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChangeId(pub String);

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What looks at a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardKind {
    /// Whether anything is left.
    Empty,
    /// How many guests go for good.
    MaxDestroy,
    /// Whether what is protected stays.
    Protect,
    /// Whether so far-reaching a change is applied without a person.
    Approval,
    /// Whether it is the time for changes.
    Window,
}

impl GuardKind {
    /// What people call it: as the key of the file, where there is one.
    pub fn word(self) -> &'static str {
        match self {
            GuardKind::Empty => "empty",
            GuardKind::MaxDestroy => "max_destroy",
            GuardKind::Protect => "protect",
            GuardKind::Approval => "automatic",
            GuardKind::Window => "windows",
        }
    }
}

/// What a guard says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may come into force.
    Passes,
    /// It waits.
    Holds,
}

/// A guard's verdict on a change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Guard {
    /// Which guard.
    pub guard: GuardKind,
    /// What it says.
    pub verdict: Verdict,
    /// Why, with figures.
    pub text: String,
    /// What would let it pass, where it holds.
    pub help: Option<String>,
    /// The line of `cluster.yaml` that says so.
    #[serde(flatten, with = "line_or_null")]
    pub line: Option<Line>,
}

/// The judgement on a state of the file that is not in force yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// What the change is called.
    pub change: ChangeId,
    /// How far it reaches.
    pub class: Class,
    /// What each guard says of it.
    pub guards: Vec<Guard>,
    /// When the next window opens, where one has to.
    pub opens: Option<Timestamp>,
}

impl Gate {
    /// Whether it waits.
    pub fn holds(&self) -> bool {
        self.held_by().next().is_some()
    }

    /// The guards that hold it.
    pub fn held_by(&self) -> impl Iterator<Item = &Guard> {
        let guards = self.guards.iter();
        guards.filter(|guard| guard.verdict == Verdict::Holds)
    }
}

/// A state of the file that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Which.
    pub revision: Revision,
    /// The commit that it is from, where it is from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// Since when.
    pub since: Timestamp,
    /// What the change is called.
    pub change: ChangeId,
    /// How far it reaches.
    pub class: Class,
    /// The guards that hold it.
    pub guards: Vec<Guard>,
}
