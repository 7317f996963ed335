//! A store that survives the controller, and nothing else.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::memory::Memory;
use crate::model::plan::{HistoryEntry, TakeOver};
use crate::model::sight::Sight;
use crate::ports::store::{Store, StoreError, StoreView};

/// Keeps memory as the text that a file would hold, so that what can't be written down is noticed.
#[derive(Default)]
pub struct MemoryStore {
    memory: Mutex<Option<String>>,
    history: Mutex<Vec<HistoryEntry>>,
}

impl MemoryStore {
    /// As if its file had been deleted.
    pub fn forget(&self) {
        *lock(&self.memory) = None;
    }
}

impl StoreView for MemoryStore {
    fn load(&self) -> Result<Memory, StoreError> {
        match lock(&self.memory).as_deref() {
            None => Ok(Memory::default()),
            Some(text) => serde_json::from_str(text).map_err(|e| failed("can't read", e)),
        }
    }

    fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
        Ok(lock(&self.history).clone())
    }
}

impl Store for MemoryStore {
    fn save(&self, memory: &Memory) -> Result<(), StoreError> {
        let text = serde_json::to_string(memory).map_err(|e| failed("can't write", e))?;
        *lock(&self.memory) = Some(text);
        Ok(())
    }

    fn record(&self, entry: &HistoryEntry) -> Result<(), StoreError> {
        lock(&self.history).push(entry.clone());
        Ok(())
    }

    fn record_take_over(&self, _: &TakeOver) -> Result<(), StoreError> {
        Ok(())
    }

    fn keep_sight(&self, _: &Sight<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(what: &'static str, error: serde_json::Error) -> StoreError {
    StoreError {
        what,
        path: "the simulated memory".to_owned(),
        source: io::Error::from(error),
    }
}
