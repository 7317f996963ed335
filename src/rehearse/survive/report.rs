//! What became of a cluster under each loss, as data. Times are milliseconds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::judge::Finding;
use super::mends::Mend;
use crate::model::id::HostId;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Survival {
    /// The cluster's name.
    pub cluster: String,
    /// What was lost, as it was asked for.
    pub lost: String,
    /// What chance was drawn from.
    pub seed: u64,
    /// Hosts of the file.
    pub hosts: usize,
    /// Instances of the file.
    pub instances: usize,
    /// Hosts that were never lost, for they have no such label.
    pub spared: Vec<HostId>,
    /// How long after each loss it went on.
    pub within_ms: u64,
    /// Each loss, in order.
    pub losses: Vec<Outcome>,
    /// All mends at once.
    pub together: Option<Together>,
}

/// What came of one loss.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// What was lost.
    pub lost: String,
    /// Whether the cluster survived it.
    pub survived: bool,
    /// What became of the cluster.
    #[serde(flatten)]
    pub finding: Finding,
    /// What would mend it; only where something is broken.
    pub mend: Option<Mended>,
}

/// What was found that would mend something.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mended {
    /// With this change, the loss was survived.
    By(Mend),
    /// None of the changes that were rehearsed helped: so many.
    ByNone(usize),
    /// It was not looked for: there are too many losses that are not survived.
    NotSought,
}

/// The mends of all losses as one change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Together {
    /// It was rehearsed.
    Rehearsed {
        /// The keys.
        changes: BTreeMap<String, String>,
        /// What is not survived even so.
        broken: Vec<String>,
    },
    /// The losses call for different values of these keys, and no change was found that mends them all.
    Apart {
        /// The keys.
        differ: Vec<String>,
    },
}

impl Survival {
    /// Whether every loss was survived.
    pub fn is_good(&self) -> bool {
        self.losses.iter().all(|outcome| outcome.survived)
    }
}
