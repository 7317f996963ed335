//! An operator's command, as a scenario has it typed.

use std::time::Duration;

use super::desired::Revision;
use super::orders::{OrderKey, Scope};
use super::until::Until;

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What is turned.
    pub turn: Turn,
    /// Why.
    pub reason: Option<String>,
    /// When it ends by itself; none: when it is taken back.
    pub ends: Option<End>,
    /// Whether it is meant although something speaks against it (`--force`).
    pub force: bool,
}

/// When an order ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// So long after it was given.
    After(Duration),
    /// At this moment.
    At(Until),
}

/// What a command turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// An order is given.
    Give(OrderKey),
    /// An order is taken back.
    Take(OrderKey),
    /// What is paused is looked after again; of the whole cluster, the brake is let go, too.
    Resume(Scope),
    /// An earlier state of the file is applied instead of the present one; none: the last good one.
    Rollback(Option<Revision>),
    /// A state that is held back is applied after all; none: the present one.
    Undo(Option<Revision>),
    /// The change that waits comes into force, whatever holds it.
    Approve {
        /// Without waiting for a window.
        now: bool,
    },
}
