//! Who hears what a controller goes through, to tell people elsewhere. Nothing of it may wait: healing goes on meanwhile.

use std::time::Duration;

use crate::model::desired::Desired;
use crate::model::facts::Observed;
use crate::model::followed::Followed;
use crate::model::memory::Memory;
use crate::model::plan::{HistoryEntry, Plan};

/// Who hears of rounds, of actions that ended, and of what else happens. Each method returns at once.
pub trait Herald: Send + Sync {
    /// A round saw and decided this.
    fn round(&self, desired: &Desired, observed: &Observed, memory: &Memory, plan: &Plan) {
        let _ = (desired, observed, memory, plan);
    }

    /// An action ended.
    fn ended(&self, entry: &HistoryEntry) {
        let _ = entry;
    }

    /// Something else happened.
    fn heard(&self, word: Word<'_>) {
        let _ = word;
    }

    /// What is known of the branch that is followed.
    fn followed(&self, followed: &Followed) {
        let _ = followed;
    }
}

/// What happens to a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word<'a> {
    /// It began.
    Began,
    /// It went on after another one, for which it had waited so long.
    TookOver(&'a str, Duration),
    /// What is new in the file is not applied, and why.
    Refused(&'a str),
    /// What the file says by now can be applied.
    Accepted,
    /// Memory and history can't be written, and why.
    Unwritten(&'a str),
    /// They are written again.
    Written,
    /// It ended, as it was told to.
    Stopped,
}

/// Nobody hears.
pub struct Nobody;

impl Herald for Nobody {}
