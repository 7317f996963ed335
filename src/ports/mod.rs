//! The traits towards the world. Reading and acting are traits of their own: whoever is handed only the reading ones
//! (a dry run, the status) has no method to change anything with.

pub mod adoption;
pub mod claim;
pub mod clock;
pub mod fencer;
pub mod guard;
pub mod guest;
pub mod heartbeat;
pub mod herald;
pub mod hypervisor;
pub mod notifier;
pub mod orders;
pub mod progress;
pub mod repository;
pub mod store;
pub mod witness;

use crate::model::facts::Unseen;

/// What an act did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It changed something.
    Changed,
    /// It was so already.
    AlreadyDone,
}

impl Effect {
    /// Changed if either of the two changed something.
    pub fn and(self, other: Effect) -> Effect {
        match (self, other) {
            (Effect::AlreadyDone, Effect::AlreadyDone) => Effect::AlreadyDone,
            (Effect::Changed, _) | (_, Effect::Changed) => Effect::Changed,
        }
    }
}

/// Why an act was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// The world is not as the plan saw it: nothing was touched, the next round decides.
    #[error("{0}")]
    Moved(String),
    /// It was tried and failed; what was half done is put right by the next round.
    #[error("{0}")]
    Failed(String),
    /// The machine could not be reached: whether it was done is not known.
    #[error("{}", .0.message)]
    Unreachable(Unseen),
}

impl From<Unseen> for ActError {
    fn from(unseen: Unseen) -> Self {
        ActError::Unreachable(unseen)
    }
}
