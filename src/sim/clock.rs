//! Virtual time: the paused clock of a runtime.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::model::time::Timestamp;
use crate::ports::clock::Clock;

/// 2026-01-01T00:00:00Z: any fixed moment will do.
pub const EPOCH: Timestamp = Timestamp(1_767_225_600_000);

/// The clock of a runtime that was started paused: it jumps to the next timer when nothing else is left to do.
pub struct VirtualClock(Instant);

impl VirtualClock {
    /// A clock that shows [`EPOCH`] now. To be made inside the runtime whose time it shows.
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        EPOCH.plus(self.0.elapsed())
    }

    fn uptime(&self) -> Timestamp {
        self.now()
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}
