//! Writing down what a controller remembers and did. One that runs for ever goes on healing while its disk is full: what
//! can't be written is kept in memory, and written as soon as it can be. Decides nothing about the cluster.

use std::collections::VecDeque;
use std::sync::Arc;

use tracing::{error, info};

use super::Session;
use crate::model::desired::Host;
use crate::model::memory::Memory;
use crate::model::plan::{HistoryEntry, TakeOver};
use crate::model::sight::Sight;
use crate::model::time::Timestamp;
use crate::ports::store::{Store, StoreError};

/// How many lines of the history are kept while they can't be written: some megabytes. Of more, the oldest are lost.
const UNWRITTEN: usize = 10_000;

/// A line of the history.
pub(super) enum Line {
    /// An action ended.
    Action(Box<HistoryEntry>),
    /// Another controller was taken over from.
    TakeOver(TakeOver),
}

/// Since when nothing can be written, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// What failed, and why.
    pub why: String,
}

/// What happens when something can't be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failing {
    /// It is an error.
    Ends,
    /// The work goes on.
    Endures,
}

impl Session {
    /// What is remembered is kept.
    pub fn save(&mut self) -> Result<(), StoreError> {
        let now = self.watcher.eyes.clock.now();
        self.keeper.save(&self.watcher.memory, now)
    }

    /// The guards of these hosts are about to end: nothing rests on them any more.
    pub fn disowned(&mut self, hosts: &[Host]) -> Result<(), StoreError> {
        for host in hosts {
            self.watcher.disown(&host.id);
        }
        let now = self.watcher.eyes.clock.now();
        self.keeper.save_before(&self.watcher.memory, now)
    }
}

/// Keeps memory and history in a store.
pub(super) struct Keeper {
    store: Arc<dyn Store>,
    failing: Failing,
    trouble: Option<Trouble>,
    /// Lines that are not written yet, oldest first.
    unwritten: VecDeque<Line>,
    /// How many lines were lost since writing failed.
    lost: usize,
    /// Whether the memory in the store counts as lost until it can be replaced.
    set_aside: bool,
}

impl Keeper {
    /// One for which it is an error when something can't be written.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Keeper {
            store,
            failing: Failing::Ends,
            trouble: None,
            unwritten: VecDeque::new(),
            lost: 0,
            set_aside: false,
        }
    }

    /// From now on, the work goes on when something can't be written.
    pub fn endure(&mut self) {
        self.failing = Failing::Endures;
    }

    /// Whether it is an error when something can't be written.
    pub fn is_strict(&self) -> bool {
        self.failing == Failing::Ends
    }

    /// Why nothing can be written, while that is so.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// Replaces the memory, after the lines that come before it.
    pub fn save(&mut self, memory: &Memory, now: Timestamp) -> Result<(), StoreError> {
        let written = self.write_lines();
        let written = written.and_then(|()| self.store.save(memory));
        if written.is_ok() {
            self.works_again(now);
        }
        self.bear(written, now)
    }

    /// Makes sure, before something is done, that nobody who comes later takes for true what was so before it: the memory is
    /// replaced; where it can't be, it is set aside, as if it were lost, which costs patience and no guest. An error says that
    /// neither could be done.
    pub fn save_before(&mut self, memory: &Memory, now: Timestamp) -> Result<(), StoreError> {
        self.save(memory, now)?;
        self.set_aside()
    }

    /// Whoever starts later finds no memory rather than one that is not true any more.
    pub fn set_aside(&mut self) -> Result<(), StoreError> {
        if self.trouble.is_some() && !self.set_aside {
            self.store.set_aside()?;
            self.set_aside = true;
        }
        Ok(())
    }

    /// Appends to the history.
    pub fn record(&mut self, line: Line, now: Timestamp) -> Result<(), StoreError> {
        self.unwritten.push_back(line);
        let written = self.write_lines();
        if self.unwritten.len() > UNWRITTEN {
            self.unwritten.pop_front();
            self.lost += 1;
        }
        self.bear(written, now)
    }

    /// See [`Store::keep_sight`].
    pub fn keep_sight(&self, sight: &Sight<'_>) -> Result<(), StoreError> {
        self.store.keep_sight(sight)
    }

    fn write_lines(&mut self) -> Result<(), StoreError> {
        while let Some(line) = self.unwritten.front() {
            match line {
                Line::Action(entry) => self.store.record(entry)?,
                Line::TakeOver(entry) => self.store.record_take_over(entry)?,
            }
            self.unwritten.pop_front();
        }
        Ok(())
    }

    fn bear(&mut self, written: Result<(), StoreError>, now: Timestamp) -> Result<(), StoreError> {
        let (Err(failed), Failing::Endures) = (&written, self.failing) else {
            return written;
        };
        if self.trouble.is_none() {
            let why = format!("{failed}: {}", failed.source);
            error!(
                "memory and history can't be written: {why}; the work goes on, and they are written as soon as they can be"
            );
            self.trouble = Some(Trouble { since: now, why });
        }
        Ok(())
    }

    fn works_again(&mut self, now: Timestamp) {
        self.set_aside = false;
        let Some(trouble) = self.trouble.take() else {
            return;
        };
        let (after_s, lost) = (now.since(trouble.since).as_secs(), self.lost);
        match std::mem::take(&mut self.lost) {
            0 => info!(after_s, "memory and history are written again"),
            _ => error!(
                after_s,
                lost,
                "memory and history are written again; the oldest lines of the history are lost"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::desired::Revision;
    use crate::model::memory::HostMemory;
    use crate::model::plan::{Motive, Outcome, Reason, ReasonCode};
    use crate::model::scenario::OwnDisk;
    use crate::ports::store::StoreView;
    use crate::sim::store::MemoryStore;

    const NOW: Timestamp = Timestamp(1_000);

    fn line(number: i64) -> Line {
        Line::Action(Box::new(HistoryEntry {
            at: Timestamp(number),
            took_ms: 2,
            targets: Default::default(),
            revision: Revision("abc".to_owned()),
            commit: None,
            action: "create".to_owned(),
            motive: Motive::Heal,
            instance: None,
            host: "a".parse().unwrap(),
            summary: String::new(),
            reason: Reason {
                code: ReasonCode::Missing,
                text: String::new(),
                line: None,
            },
            outcome: Outcome::Changed,
        }))
    }

    fn memory(host: &str) -> Memory {
        let mut memory = Memory::default();
        let host = (host.parse().unwrap(), HostMemory::default());
        memory.hosts.extend([host]);
        memory
    }

    fn times(store: &MemoryStore) -> Vec<i64> {
        let history = store.history().unwrap();
        history.iter().map(|entry| entry.at.0).collect()
    }

    fn enduring() -> (Keeper, Arc<MemoryStore>) {
        let store = Arc::new(MemoryStore::default());
        let mut keeper = Keeper::new(Arc::clone(&store) as _);
        keeper.endure();
        (keeper, store)
    }

    #[test]
    fn what_could_not_be_written_is_written_in_its_order_once_the_disk_works() {
        let (mut keeper, store) = enduring();
        keeper.record(line(1), NOW).unwrap();
        store.disk(OwnDisk::Full);
        keeper.record(line(2), NOW).unwrap();
        keeper.record(line(3), NOW).unwrap();
        keeper.save(&memory("a"), NOW).unwrap();
        let trouble = keeper.trouble().cloned().unwrap();
        assert_eq!(trouble.since, NOW);
        assert!(trouble.why.contains("no storage space"), "{trouble:?}");
        assert_eq!(times(&store), [1]);
        store.disk(OwnDisk::Works);
        keeper.record(line(4), NOW).unwrap();
        keeper.save(&memory("a"), NOW).unwrap();
        assert_eq!(times(&store), [1, 2, 3, 4]);
        assert_eq!(store.load().unwrap(), memory("a"));
        assert_eq!(keeper.trouble(), None);
    }

    #[test]
    fn of_too_many_lines_the_oldest_are_lost_and_counted() {
        let (mut keeper, store) = enduring();
        store.disk(OwnDisk::Full);
        let most = i64::try_from(UNWRITTEN).unwrap();
        for number in 0..most + 2 {
            keeper.record(line(number), NOW).unwrap();
        }
        assert_eq!(keeper.lost, 2);
        store.disk(OwnDisk::Works);
        keeper.save(&memory("a"), NOW).unwrap();
        assert_eq!(times(&store), (2..most + 2).collect::<Vec<_>>());
    }

    #[test]
    fn an_old_memory_is_set_aside_before_something_is_done_and_not_before_that() {
        let (mut keeper, store) = enduring();
        keeper.save(&memory("a"), NOW).unwrap();
        store.disk(OwnDisk::Full);
        keeper.save(&memory("b"), NOW).unwrap();
        assert_eq!(store.load().unwrap(), memory("a"));
        keeper.save_before(&memory("b"), NOW).unwrap();
        assert_eq!(store.load().unwrap(), Memory::default());
        store.disk(OwnDisk::Works);
        keeper.save_before(&memory("c"), NOW).unwrap();
        assert_eq!(store.load().unwrap(), memory("c"));
    }

    #[test]
    fn an_old_memory_that_stays_is_an_error_before_something_is_done() {
        let (mut keeper, store) = enduring();
        keeper.save(&memory("a"), NOW).unwrap();
        store.disk(OwnDisk::ReadOnly);
        keeper.save(&memory("b"), NOW).unwrap();
        keeper.save_before(&memory("b"), NOW).unwrap_err();
        assert_eq!(store.load().unwrap(), memory("a"));
    }

    #[test]
    fn who_does_not_endure_it_fails_at_once() {
        let store = Arc::new(MemoryStore::default());
        let mut keeper = Keeper::new(Arc::clone(&store) as _);
        store.disk(OwnDisk::Full);
        keeper.save(&memory("a"), NOW).unwrap_err();
        keeper.record(line(1), NOW).unwrap_err();
    }
}
