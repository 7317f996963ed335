//! A store that survives the controller, and nothing else.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::model::memory::Memory;
use crate::model::plan::{HistoryEntry, TakeOver};
use crate::model::scenario::OwnDisk;
use crate::model::sight::Sight;
use crate::model::time::Timestamp;
use crate::ports::store::{Store, StoreError, StoreView};

/// Keeps memory as the text that a file would hold, so that what can't be written down is noticed.
#[derive(Default)]
pub struct MemoryStore {
    memory: Mutex<Option<String>>,
    history: Mutex<Vec<HistoryEntry>>,
    disk: Mutex<OwnDisk>,
    /// By how much the clock was set since the controller began, in milliseconds.
    ahead: Mutex<i64>,
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

    /// The clock of its machine is set by so many hours. Who runs goes on by the time before.
    pub fn set_clock(&self, hours: i8) {
        *lock(&self.ahead) += i64::from(hours) * 3_600_000;
    }

    /// A controller begins, by the clock as it is now: what was written by the time before is earlier or later by that.
    pub fn turn_clock(&self) {
        let ahead = std::mem::take(&mut *lock(&self.ahead));
        let mut memory = lock(&self.memory);
        let read = |text: &String| serde_json::from_str::<Value>(text).ok();
        if let Some(mut value) = memory.as_ref().filter(|_| ahead != 0).and_then(read) {
            shift(&mut value, ahead);
            *memory = Some(value.to_string());
        }
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

/// Every moment is so much earlier.
fn shift(value: &mut Value, by: i64) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|one| shift(one, by)),
        Value::Object(all) => all.values_mut().for_each(|one| shift(one, by)),
        Value::String(text) => {
            if let Ok(at) = serde_json::from_value::<Timestamp>(Value::String(text.clone())) {
                *text = Timestamp(at.0 - by).to_string();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
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
