//! Telling people what a controller goes through: it hears of it, decides at once what is to be told to whom, and lets
//! tasks of their own deliver and keep that. Healing waits for none of them.

mod deliver;
mod desk;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tracing::warn;

use crate::model::desired::Desired;
use crate::model::event::Severity;
use crate::model::facts::Observed;
use crate::model::followed::Followed;
use crate::model::id::ReceiverName;
use crate::model::memory::Memory;
use crate::model::plan::{HistoryEntry, Plan};
use crate::model::receiver::Receiver;
use crate::model::unit::span;
use crate::notify::board::Board;
use crate::notify::conditions::Sight;
use crate::ports::clock::Clock;
use crate::ports::herald::{Herald, Word};
use crate::ports::notifier::{Notifier, Spool};
use desk::Desk;

/// That memory and history can't be written, as the board knows it.
const UNWRITTEN: &str = "unwritten";

/// Where messages are written, kept and delivered.
pub struct Post {
    shared: Arc<Shared>,
    /// Who delivers to each receiver, and the one that keeps what is not delivered.
    tasks: Mutex<BTreeMap<Option<ReceiverName>, AbortHandle>>,
}

/// What the tasks share.
struct Shared {
    desk: Mutex<Desk>,
    clock: Arc<dyn Clock>,
    notifier: Arc<dyn Notifier>,
    spool: Arc<dyn Spool>,
    /// There is something to be kept.
    changed: Notify,
    /// A try ended, however.
    tried: Notify,
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        lock(&self.desk)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Post {
    /// A post office that knows what its spool knows. What can't be read there is begun anew, with a word. To be made
    /// inside of a runtime.
    pub fn new(
        desired: &Desired,
        clock: Arc<dyn Clock>,
        notifier: Arc<dyn Notifier>,
        spool: Arc<dyn Spool>,
    ) -> Arc<Post> {
        let kept = spool.load().unwrap_or_else(|error| {
            warn!(%error, "what was told before can't be read: what goes on is told again");
            None
        });
        let shared = Arc::new(Shared {
            desk: Mutex::new(Desk::new(desired, kept.as_deref())),
            clock,
            notifier,
            spool,
            changed: Notify::new(),
            tried: Notify::new(),
        });
        let keeper = tokio::spawn(deliver::keep(Arc::clone(&shared))).abort_handle();
        let post = Arc::new(Post {
            shared,
            tasks: Mutex::new(BTreeMap::from([(None, keeper)])),
        });
        post.employ(&BTreeMap::new());
        post
    }

    /// What is not delivered may take so long; the rest is for the next start.
    pub async fn close(&self, within: Duration) {
        let deadline = self.shared.clock.sleep(within);
        tokio::pin!(deadline);
        loop {
            let tried = self.shared.tried.notified();
            if self.shared.desk().is_settled() {
                break;
            }
            tokio::select! {
                () = tried => {}
                () = &mut deadline => break,
            }
        }
        lock(&self.tasks).values().for_each(AbortHandle::abort);
        deliver::keep_now(&self.shared).await;
    }

    /// Each receiver that is new, or another one than before, gets somebody who delivers to it.
    fn employ(&self, before: &BTreeMap<ReceiverName, Receiver>) {
        let desk = self.shared.desk();
        let mut tasks = lock(&self.tasks);
        tasks.retain(|name, task| {
            let Some(name) = name else { return true };
            let stays = desk
                .receivers
                .get(name)
                .is_some_and(|now| before.get(name) == Some(now));
            if !stays {
                task.abort();
            }
            stays
        });
        for name in desk.receivers.keys() {
            tasks.entry(Some(name.clone())).or_insert_with(|| {
                let carrier = deliver::deliver(Arc::clone(&self.shared), name.clone());
                tokio::spawn(carrier).abort_handle()
            });
        }
    }

    /// Takes something in, and tells of what follows from it.
    fn take_in(&self, change: impl FnOnce(&mut Board) -> Vec<crate::notify::board::Happened>) {
        let now = self.shared.clock.now();
        if self.shared.desk().take_in(now, change) {
            self.shared.changed.notify_one();
        }
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        lock(&self.tasks).values().for_each(AbortHandle::abort);
    }
}

impl Herald for Post {
    fn round(&self, desired: &Desired, observed: &Observed, memory: &Memory, plan: &Plan) {
        let before = self.shared.desk().follow(desired);
        if let Some(before) = before {
            self.employ(&before);
        }
        let sight = Sight {
            desired,
            observed,
            memory,
            plan,
        };
        self.take_in(|board| board.round(&sight));
    }

    fn ended(&self, entry: &HistoryEntry) {
        self.take_in(|board| board.ended(entry).into_iter().collect());
    }

    fn heard(&self, word: Word<'_>) {
        let now = self.shared.clock.now();
        // Of a branch, more is known than that: see `followed`.
        let follows = self.shared.desk().follows_a_branch();
        self.take_in(|board| match word {
            Word::Began => {
                board.take(UNWRITTEN, now); // if it is still so, it is found anew
                vec![Board::controller(
                    Severity::Info,
                    "the controller began".to_owned(),
                )]
            }
            Word::Unwritten(why) => {
                board.unwritten(UNWRITTEN, why, now);
                Vec::new()
            }
            Word::Written => {
                board.take(UNWRITTEN, now);
                Vec::new()
            }
            Word::Stopped => {
                let text = "the controller was stopped: nothing is healed until it runs again";
                vec![Board::controller(Severity::Info, text.to_owned())]
            }
            Word::TookOver(from, waited) => {
                let text = format!(
                    "the controller goes on after {from}, after {}",
                    span(waited)
                );
                vec![Board::controller(Severity::Warning, text)]
            }
            Word::Refused(why) if !follows => {
                board.refused(why, now);
                Vec::new()
            }
            Word::Refused(_) => Vec::new(),
            Word::Accepted => {
                board.take("edit", now);
                Vec::new()
            }
        });
    }

    fn followed(&self, followed: &Followed) {
        let now = self.shared.clock.now();
        self.take_in(|board| {
            board.followed(followed, now);
            Vec::new()
        });
    }
}

#[cfg(test)]
mod tests;
