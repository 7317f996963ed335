//! Virtual time, and a store that survives the controller but not the test.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use reconcile::model::memory::Memory;
use reconcile::model::plan::HistoryEntry;
use reconcile::model::time::Timestamp;
use reconcile::ports::clock::Clock;
use reconcile::ports::store::{Store, StoreError, StoreView};
use tokio::time::Instant;

/// 2026-01-01T00:00:00Z: any fixed moment will do.
const EPOCH: i64 = 1_767_225_600_000;

/// The paused clock of the test's runtime: it jumps to the next timer when nothing else is left to do.
pub struct VirtualClock(Instant);

impl VirtualClock {
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp(EPOCH).plus(self.0.elapsed())
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// Keeps memory as the text that a file would hold, so that what can't be written down is noticed.
#[derive(Default)]
pub struct MemoryStore {
    memory: Mutex<Option<String>>,
    history: Mutex<Vec<HistoryEntry>>,
}

impl MemoryStore {
    /// As if its file had been deleted.
    pub fn forget(&self) {
        *self.memory.lock().unwrap() = None;
    }
}

impl StoreView for MemoryStore {
    fn load(&self) -> Result<Memory, StoreError> {
        let memory = self.memory.lock().unwrap();
        Ok(memory
            .as_deref()
            .map(|text| serde_json::from_str(text).unwrap())
            .unwrap_or_default())
    }

    fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
        Ok(self.history.lock().unwrap().clone())
    }
}

impl Store for MemoryStore {
    fn save(&self, memory: &Memory) -> Result<(), StoreError> {
        *self.memory.lock().unwrap() = Some(serde_json::to_string(memory).unwrap());
        Ok(())
    }

    fn record(&self, entry: &HistoryEntry) -> Result<(), StoreError> {
        self.history.lock().unwrap().push(entry.clone());
        Ok(())
    }
}
