//! Waiting for a condition, never for a time: each wait polls, has a deadline, and says what did not come.

use std::process::Command;
use std::time::{Duration, Instant};

/// From one look at a condition to the next.
pub const PACE: Duration = Duration::from_millis(100);

/// How long [`LOOP`] takes on the machine for which the promises in seconds are meant: two cores that emulate eight guests.
const MEANT_FOR: Duration = Duration::from_millis(230);
/// Something to compute.
const LOOP: &str = "i=0; while [ $i -lt 250000 ]; do i=$((i+1)); done";
/// A machine that is slower than that is no excuse any more.
const SLOWEST: f64 = 5.0;

/// How much slower this machine is now than the one for which the promises in seconds are meant; not less than 1. Guests
/// are emulated here: what they do in time follows from that.
fn slowness() -> f64 {
    let run = |_| {
        let begin = Instant::now();
        let status = Command::new("sh").args(["-c", LOOP]).status();
        assert!(status.is_ok_and(|status| status.success()), "sh works");
        begin.elapsed()
    };
    let best = (0..3).map(run).min().unwrap_or_default();
    let slowness = (best.as_secs_f64() / MEANT_FOR.as_secs_f64()).clamp(1.0, SLOWEST);
    println!(
        "this machine is {slowness:.1} times slower than the promises in seconds are meant for"
    );
    slowness
}

/// So many milliseconds on the machine that is meant. Measured each time: the speed of a machine that is shared changes
/// within seconds.
pub fn millis(n: u32) -> u32 {
    (f64::from(n) * slowness()).round() as u32
}

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
