//! Waiting for a condition, never for a time: each wait polls, has a deadline, and says what did not come.

use std::time::{Duration, Instant};

/// From one look at a condition to the next.
const PACE: Duration = Duration::from_millis(100);

/// Looks until there is something, and returns it.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "{what}: not within {} s",
            limit.as_secs()
        );
        std::thread::sleep(PACE);
    }
}

/// So many seconds.
pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}
