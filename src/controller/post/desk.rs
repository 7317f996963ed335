//! What is the matter, what was told of it, and what is not delivered yet: all in one place, changed at once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::model::desired::Desired;
use crate::model::event::{Event, Undelivered};
use crate::model::id::ReceiverName;
use crate::model::receiver::{Failing, Letter, Queue, Receiver};
use crate::model::time::Timestamp;
use crate::notify::board::{Board, Happened, Head};
use crate::notify::gate::{Gate, Now};
use crate::ports::notifier::{Again, Failure};

/// How many messages wait for one receiver at most: more than anybody reads.
const MOST: usize = 200;

/// What is kept over restarts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    board: Board,
    receivers: BTreeMap<ReceiverName, Told>,
}

/// What one receiver was told, and is to be told.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Told {
    #[serde(default)]
    gate: Gate,
    #[serde(default)]
    queue: Queue,
}

/// Where messages are written.
pub struct Desk {
    head: Head,
    kept: Kept,
    /// Those of the file.
    pub receivers: BTreeMap<ReceiverName, Receiver>,
    /// What was given up, and is not in the history yet.
    given_up: Vec<Undelivered>,
}

/// What comes after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The next message.
    GoOn,
    /// The same one, after a pause.
    Again(Again),
}

impl Desk {
    /// One that knows what was kept.
    pub fn new(desired: &Desired, kept: Option<&str>) -> Desk {
        let kept = kept.map(serde_json::from_str).transpose();
        let kept = kept.unwrap_or_else(|error| {
            warn!(%error, "what was told before is unreadable: what goes on is told again");
            None
        });
        Desk {
            head: Head::of(desired),
            kept: kept.unwrap_or_default(),
            receivers: desired.notify.clone(),
            given_up: Vec::new(),
        }
    }

    /// Another state of the file may have other receivers: those before, where it has.
    pub fn follow(&mut self, desired: &Desired) -> Option<BTreeMap<ReceiverName, Receiver>> {
        self.head = Head::of(desired);
        (self.receivers != desired.notify)
            .then(|| std::mem::replace(&mut self.receivers, desired.notify.clone()))
    }

    /// Whether the file is from a branch.
    pub fn follows_a_branch(&self) -> bool {
        self.head.commit.is_some()
    }

    /// Takes something in. Whether there is something to be kept.
    pub fn take_in(
        &mut self,
        now: Timestamp,
        change: impl FnOnce(&mut Board) -> Vec<Happened>,
    ) -> bool {
        if self.receivers.is_empty() {
            return false;
        }
        let before = self.kept.clone();
        let happened = change(&mut self.kept.board);
        self.forget_strangers();
        for (name, receiver) in &self.receivers {
            let told = self.kept.receivers.entry(name.clone()).or_default();
            let at = Now {
                receiver,
                head: &self.head,
                at: now,
            };
            let mut events = told.gate.turn(&self.kept.board, &at);
            events.extend(
                happened
                    .iter()
                    .filter_map(|one| told.gate.happened(one, &at)),
            );
            for event in events {
                let surplus = told.queue.put(event);
                self.given_up.extend(surplus.map(|letter| {
                    warn!(receiver = %name, "too many messages wait: the oldest one is dropped");
                    undelivered(name, letter, "too many messages were waiting", now)
                }));
            }
        }
        self.kept != before
    }

    /// Who is not in the file any more gets nothing more.
    fn forget_strangers(&mut self) {
        let known = &self.receivers;
        self.kept.receivers.retain(|name, told| {
            let (stays, waiting) = (known.contains_key(name), told.queue.letters.len());
            if !stays && waiting > 0 {
                warn!(receiver = %name, waiting, "it left the file: what waits for it is dropped");
            }
            stays
        });
    }

    /// The message to deliver now.
    pub fn first(&self, name: &ReceiverName) -> Option<(Receiver, Letter)> {
        let letter = self.kept.receivers.get(name)?.queue.letters.front()?;
        Some((self.receivers.get(name)?.clone(), letter.clone()))
    }

    /// Takes in what became of a try. `late`: it is too old to be tried again.
    pub fn tried(
        &mut self,
        name: &ReceiverName,
        event: &str,
        result: Result<(), Failure>,
        (now, late): (Timestamp, bool),
    ) -> Next {
        let Some(queue) = self
            .kept
            .receivers
            .get_mut(name)
            .map(|told| &mut told.queue)
        else {
            return Next::GoOn;
        };
        let Some(letter) = queue
            .letters
            .front_mut()
            .filter(|letter| letter.event.id == event)
        else {
            return Next::GoOn;
        };
        letter.tries = letter.tries.saturating_add(1);
        let failure = match result {
            Ok(()) => {
                queue.letters.pop_front();
                queue.failing = None;
                return Next::GoOn;
            }
            Err(failure) => failure,
        };
        let since = queue.failing.as_ref().map_or(now, |failing| failing.since);
        let why = failure.why.clone();
        queue.failing = Some(Failing { since, why });
        if failure.again != Again::Never && !late {
            return Next::Again(failure.again);
        }
        if let Some(letter) = queue.letters.pop_front() {
            warn!(receiver = %name, "a message is given up: {failure}");
            self.given_up
                .push(undelivered(name, letter, &failure.why, now));
        }
        if queue.letters.is_empty() {
            queue.failing = None; // nothing waits any more: the history says what became of it
        }
        Next::GoOn
    }

    /// Whether nothing is left that might be delivered soon.
    pub fn is_settled(&self) -> bool {
        let mut queues = self.kept.receivers.values().map(|told| &told.queue);
        queues.all(|queue| queue.letters.is_empty() || queue.failing.is_some())
    }

    /// What is to be written down. Made into text elsewhere: whoever heals may wait for the desk.
    pub fn write_down(&mut self) -> Page {
        Page {
            kept: self.kept.clone(),
            given_up: std::mem::take(&mut self.given_up),
        }
    }
}

/// What is written down at one time.
pub struct Page {
    kept: Kept,
    /// What was given up since the last one.
    pub given_up: Vec<Undelivered>,
}

impl Page {
    /// What is kept, as text.
    pub fn text(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.kept)
    }
}

impl Queue {
    /// Puts a message at the end. The one that has no place any more: the oldest but the one that is being delivered.
    fn put(&mut self, event: Event) -> Option<Letter> {
        let surplus = (self.letters.len() >= MOST).then(|| self.letters.remove(1));
        self.letters.push_back(Letter { event, tries: 0 });
        surplus.flatten()
    }
}

fn undelivered(name: &ReceiverName, letter: Letter, why: &str, at: Timestamp) -> Undelivered {
    Undelivered {
        at,
        undelivered_to: name.clone(),
        subject: letter.event.subject,
        text: letter.event.text,
        tries: letter.tries,
        why: why.to_owned(),
    }
}
