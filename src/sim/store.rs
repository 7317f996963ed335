//! A store that survives the controller, and nothing else.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::memory::Memory;
use crate::model::plan::{HistoryEntry, TakeOver};
use crate::model::scenario::OwnDisk;
use crate::model::sight::Sight;
use crate::ports::store::{Store, StoreError, StoreView};

/// Keeps memory as the text that a file would hold, so that what can't be written down is noticed.
#[derive(Default)]
pub struct MemoryStore {
    memory: Mutex<Option<String>>,
    history: Mutex<Vec<HistoryEntry>>,
    disk: Mutex<OwnDisk>,
}

impl MemoryStore {
    /// As if its file had been deleted.
    pub fn forget(&self) {
        *lock(&self.memory) = None;
    }

    /// Its disk is so from now on.
    pub fn disk(&self, disk: OwnDisk) {
        *lock(&self.disk) = disk;
    }

    fn takes(&self, why: io::ErrorKind, fails: &[OwnDisk]) -> Result<(), StoreError> {
        match fails.contains(&lock(&self.disk)) {
            true => Err(failed("can't write", io::Error::from(why))),
            false => Ok(()),
        }
    }

    fn has_room(&self) -> Result<(), StoreError> {
        self.takes(
            io::ErrorKind::StorageFull,
            &[OwnDisk::Full, OwnDisk::ReadOnly],
        )
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
        self.has_room()?;
        let text = serde_json::to_string(memory).map_err(|e| failed("can't write", e))?;
        *lock(&self.memory) = Some(text);
        Ok(())
    }

    fn set_aside(&self) -> Result<(), StoreError> {
        self.takes(io::ErrorKind::ReadOnlyFilesystem, &[OwnDisk::ReadOnly])?;
        self.forget();
        Ok(())
    }

    fn record(&self, entry: &HistoryEntry) -> Result<(), StoreError> {
        self.has_room()?;
        lock(&self.history).push(entry.clone());
        Ok(())
    }

    fn record_take_over(&self, _: &TakeOver) -> Result<(), StoreError> {
        self.has_room()
    }

    fn keep_sight(&self, _: &Sight<'_>) -> Result<(), StoreError> {
        self.has_room()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(what: &'static str, error: impl Into<io::Error>) -> StoreError {
    StoreError {
        what,
        path: "the simulated memory".to_owned(),
        source: error.into(),
    }
}
