//! Many seeds on all processors.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::draw::draw;
use super::judge::{Wrong, judge};

/// As in the product: a rehearsal allocates much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs `count` seeds from `first` on, and tells of each what went wrong with it. It ends early where that says so, by
/// `false`.
pub fn campaign(
    (first, count): (u64, u64),
    jobs: usize,
    on_end: impl Fn(u64, Option<Wrong>) -> bool + Sync,
) {
    let (next, goes_on) = (AtomicU64::new(0), AtomicBool::new(true));
    let work = || {
        while goes_on.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            let seed = first + number;
            if !on_end(seed, judge(&draw(seed))) {
                goes_on.store(false, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(work);
        }
    });
}

/// As many as there are processors.
pub fn all_processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// A lock that somebody broke while holding it is as good as any here.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
