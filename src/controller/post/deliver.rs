//! Delivering and keeping, each in a task of its own.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, warn};

use super::Shared;
use super::desk::{Next, Page};
use crate::model::event::Event;
use crate::model::id::ReceiverName;
use crate::model::receiver::Receiver;
use crate::model::unit::span;
use crate::ports::notifier::{Again, Failure, Spool};
use crate::ports::store::StoreError;

/// The first pause after a try that failed; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest one.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// The longest pause that a server may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(3_600);
/// How old a message may be that is tried again: later, people have other news.
const GIVE_UP: Duration = Duration::from_secs(6 * 3_600);

/// Delivers to one receiver, one message after the other, until it is ended.
pub(super) async fn deliver(shared: Arc<Shared>, name: ReceiverName) {
    let mut pause = FIRST_PAUSE;
    loop {
        // Whoever changes the desk says so to all: one that asks first misses nothing.
        let news = shared.tried.notified();
        let first = shared.desk().first(&name);
        let Some((receiver, letter)) = first else {
            pause = FIRST_PAUSE;
            news.await;
            continue;
        };
        let result = try_once(&shared, &receiver, &letter.event).await;
        if let Err(failure) = &result {
            debug!(receiver = %name, "a message was not delivered: {failure}");
        }
        let now = shared.clock.now();
        let late = now.since(letter.event.at) >= GIVE_UP;
        let next = shared
            .desk()
            .tried(&name, &letter.event.id, result, (now, late));
        shared.changed.notify_one();
        shared.tried.notify_waiters();
        match next {
            Next::GoOn => pause = FIRST_PAUSE,
            Next::Again(again) => {
                shared.clock.sleep(pause_before(again, pause)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn pause_before(again: Again, usual: Duration) -> Duration {
    match again {
        Again::After(asked) => asked.clamp(FIRST_PAUSE, LONGEST_ASKED),
        Again::Later | Again::Never => usual,
    }
}

/// Tells a receiver; what takes too long is broken off.
async fn try_once(shared: &Shared, receiver: &Receiver, event: &Event) -> Result<(), Failure> {
    tokio::select! {
        biased;
        told = shared.notifier.tell(receiver, event) => told,
        () = shared.clock.sleep(receiver.timeout) => {
            Err(Failure::later(format!("no answer within {}", span(receiver.timeout))))
        }
    }
}

/// Keeps what is not delivered, whenever that changes, until it is ended.
pub(super) async fn keep(shared: Arc<Shared>) {
    loop {
        shared.changed.notified().await;
        shared.tried.notify_waiters();
        keep_now(&shared).await;
    }
}

/// Keeps what is not delivered. Where that fails, the work goes on.
pub(super) async fn keep_now(shared: &Shared) {
    let page = shared.desk().write_down();
    let spool = Arc::clone(&shared.spool);
    let written = tokio::task::spawn_blocking(move || write(spool.as_ref(), &page)).await;
    if let Ok(Err(error)) = written {
        warn!(%error, "messages can't be kept: a restart may lose some, or tell some twice");
    }
}

fn write(spool: &dyn Spool, page: &Page) -> Result<(), StoreError> {
    for entry in &page.given_up {
        spool.record(entry)?;
    }
    match page.text() {
        Ok(text) => spool.save(&text),
        Err(error) => {
            warn!(%error, "messages can't be written down");
            Ok(())
        }
    }
}
