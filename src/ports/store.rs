//! Where memory and history are kept.

use crate::model::memory::Memory;
use crate::model::plan::{HistoryEntry, TakeOver};
use crate::model::sight::Sight;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
#[error("{what} {path}")]
pub struct StoreError {
    /// What was tried: `can't write`.
    pub what: &'static str,
    /// Where.
    pub path: String,
    /// Why it failed.
    #[source]
    pub source: std::io::Error,
}

/// Reading the store.
pub trait StoreView: Send + Sync {
    /// The last saved memory; the empty one where there is none or it is unreadable.
    fn load(&self) -> Result<Memory, StoreError>;

    /// The history, oldest first.
    fn history(&self) -> Result<Vec<HistoryEntry>, StoreError>;
}

/// Writing the store. What a method acknowledged survives a crash.
pub trait Store: StoreView {
    /// Replaces the memory, all or nothing.
    fn save(&self, memory: &Memory) -> Result<(), StoreError>;

    /// From now on, there is no memory until one is saved: the one that is there is not true any more, and the true one
    /// can't be written. Takes no room.
    fn set_aside(&self) -> Result<(), StoreError>;

    /// Appends to the history.
    fn record(&self, entry: &HistoryEntry) -> Result<(), StoreError>;

    /// Appends to the history that another controller was taken over from.
    fn record_take_over(&self, entry: &TakeOver) -> Result<(), StoreError>;

    /// Replaces what was last seen, all or nothing. Nothing here reads it again: plans that are made elsewhere do.
    fn keep_sight(&self, sight: &Sight<'_>) -> Result<(), StoreError>;
}
