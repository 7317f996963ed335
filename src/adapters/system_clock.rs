//! The system's clock.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use crate::model::time::Timestamp;
use crate::ports::clock::Clock;

/// What the clock showed when it was first asked, and how long the machine had been up.
static BEGAN: OnceLock<(Timestamp, Timestamp)> = OnceLock::new();

/// The time of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let (wall, up) = *BEGAN.get_or_init(|| (self.wall(), self.uptime()));
        wall.plus(self.uptime().since(up))
    }

    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Timestamp::default().plus(since.unwrap_or_default())
    }

    fn uptime(&self) -> Timestamp {
        let up = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let millis = up
            .tv_sec
            .saturating_mul(1000)
            .saturating_add(up.tv_nsec / 1_000_000);
        Timestamp(millis)
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}
