//! What a host is taken for.

use std::fmt;

use serde::Serialize;

/// What the controller takes a host for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HostCondition {
    /// It is seen, and may have guests.
    Online,
    /// It is out of sight for a moment, or in spite of a sign of life.
    Suspect,
    /// It is out of sight for long, and nothing shows that it lives.
    Unreachable,
    /// There is evidence that nothing of ours runs on it.
    Fenced,
    /// It is seen, and an operator wants it to be empty.
    Maintenance,
    /// It came back, and has to stay for a while before it gets guests.
    Rejoining,
    /// It is seen, and not in the file any more: its guests go elsewhere.
    Leaving,
}

impl HostCondition {
    /// All of them.
    pub const ALL: [HostCondition; 7] = [
        HostCondition::Online,
        HostCondition::Suspect,
        HostCondition::Unreachable,
        HostCondition::Fenced,
        HostCondition::Maintenance,
        HostCondition::Rejoining,
        HostCondition::Leaving,
    ];

    /// Whether it was seen.
    pub fn is_seen(self) -> bool {
        match self {
            HostCondition::Online
            | HostCondition::Maintenance
            | HostCondition::Rejoining
            | HostCondition::Leaving => true,
            HostCondition::Suspect | HostCondition::Unreachable | HostCondition::Fenced => false,
        }
    }

    /// Whether what was on it is given up, as far as it may run twice for a while.
    pub fn is_lost(self) -> bool {
        match self {
            HostCondition::Unreachable | HostCondition::Fenced => true,
            HostCondition::Online
            | HostCondition::Suspect
            | HostCondition::Maintenance
            | HostCondition::Rejoining
            | HostCondition::Leaving => false,
        }
    }
}

impl fmt::Display for HostCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            HostCondition::Online => "online",
            HostCondition::Suspect => "suspect",
            HostCondition::Unreachable => "unreachable",
            HostCondition::Fenced => "fenced",
            HostCondition::Maintenance => "maintenance",
            HostCondition::Rejoining => "rejoining",
            HostCondition::Leaving => "leaving",
        })
    }
}
