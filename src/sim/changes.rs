//! Waiting for the world to change. Whoever waits is woken in the order in which they began to wait: a rehearsal must be
//! the same each time, and the runtime's own channels wake in a random order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Counts changes, and wakes those who wait for one.
#[derive(Debug, Default)]
pub struct Signal {
    count: AtomicU64,
    wake: Notify,
}

impl Signal {
    /// Something changed.
    pub fn send(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.wake.notify_waiters();
    }

    /// Every change from now on.
    pub fn subscribe(self: &Arc<Self>) -> Changes {
        Changes {
            seen: self.count.load(Ordering::SeqCst),
            signal: Arc::clone(self),
        }
    }
}

/// The changes since somebody began to listen.
#[derive(Debug)]
pub struct Changes {
    seen: u64,
    signal: Arc<Signal>,
}

impl Changes {
    /// Returns when something changed since the last time. Cancel safe.
    pub async fn changed(&mut self) {
        loop {
            let woken = self.signal.wake.notified();
            let count = self.signal.count.load(Ordering::SeqCst);
            if count != self.seen {
                self.seen = count;
                return;
            }
            woken.await;
        }
    }
}
