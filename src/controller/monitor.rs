//! Listening to heartbeats all the time, each at its own pace. Counts failures and says when a guest's life changes;
//! what that means is decided by the next round.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;

use super::look::Eyes;
use crate::model::facts::Beat;
use crate::model::id::InstanceId;
use crate::plan::queries::Look;

/// A guest's life changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It lived, and has failed as often as makes it dead.
    Lost(InstanceId),
    /// Its first good heartbeat, or the first one after failures that made it dead.
    Came(InstanceId),
}

/// What is known of every guest that is listened to: its life and its heartbeat.
pub type Known = BTreeMap<InstanceId, (String, Beat)>;

/// Listens to all guests.
pub struct Monitor {
    eyes: Eyes,
    changes: UnboundedSender<Change>,
    known: Arc<Mutex<Known>>,
    listeners: BTreeMap<InstanceId, (Look, AbortHandle)>,
}

impl Monitor {
    /// A monitor that says changes to `changes`.
    pub fn new(eyes: Eyes, changes: UnboundedSender<Change>) -> Self {
        Monitor {
            eyes,
            changes,
            known: Arc::default(),
            listeners: BTreeMap::new(),
        }
    }

    /// What is known now.
    pub fn known(&self) -> Known {
        lock(&self.known).clone()
    }

    /// Listens to these guests from now on, and to no others. One that is listened to already, in the same life and
    /// at the same place, goes on undisturbed.
    pub fn listen_to(&mut self, looks: &[Look]) {
        let wanted: BTreeMap<InstanceId, Look> = looks
            .iter()
            .map(|l| (l.guest.instance.clone(), without_query(l)))
            .collect();
        self.listeners.retain(|instance, (look, handle)| {
            let stays = wanted.get(instance) == Some(look);
            if !stays {
                handle.abort();
                lock(&self.known).remove(instance);
            }
            stays
        });
        for (instance, look) in wanted {
            if !self.listeners.contains_key(&instance) {
                let handle = self.spawn(look.clone());
                self.listeners.insert(instance, (look, handle));
            }
        }
    }

    fn spawn(&self, look: Look) -> AbortHandle {
        let (eyes, changes, known) = (
            self.eyes.clone(),
            self.changes.clone(),
            Arc::clone(&self.known),
        );
        tokio::spawn(async move { listen(eyes, look, changes, known).await }).abort_handle()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.listeners
            .values()
            .for_each(|(_, handle)| handle.abort());
    }
}

async fn listen(
    eyes: Eyes,
    look: Look,
    changes: UnboundedSender<Change>,
    known: Arc<Mutex<Known>>,
) {
    let instance = look.guest.instance.clone();
    let mut beat = Beat::default();
    loop {
        let begin = eyes.clock.now();
        let result = eyes.beat_once(&look).await;
        let now = eyes.clock.now();
        let change = step(&mut beat, result, now, look.heartbeat.retries);
        lock(&known).insert(
            instance.clone(),
            (look.guest.generation.clone(), beat.clone()),
        );
        if let Some(make) = change {
            // Nobody listens any more only when the controller is about to end.
            let _ = changes.send(make(instance.clone()));
        }
        let rest = look.heartbeat.every.saturating_sub(now.since(begin));
        eyes.clock.sleep(rest).await;
    }
}

/// How a beat changes what is known, and whether that is worth saying.
fn step(
    beat: &mut Beat,
    result: Result<(), String>,
    now: crate::model::time::Timestamp,
    retries: u32,
) -> Option<fn(InstanceId) -> Change> {
    match result {
        Ok(()) => {
            let came = beat.last_ok.is_none() || beat.failures >= retries;
            *beat = Beat {
                failures: 0,
                last_ok: Some(now),
                error: None,
            };
            came.then_some(Change::Came)
        }
        Err(error) => {
            beat.failures = beat.failures.saturating_add(1);
            beat.error = Some(error);
            (beat.failures == retries).then_some(Change::Lost)
        }
    }
}

fn without_query(look: &Look) -> Look {
    Look {
        query: None,
        ..look.clone()
    }
}

fn lock(known: &Mutex<Known>) -> std::sync::MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    fn run(results: &[Result<(), &str>], retries: u32) -> Vec<Option<Change>> {
        let mut beat = Beat::default();
        let instance: InstanceId = "web-1".parse().unwrap();
        results
            .iter()
            .map(|r| step(&mut beat, r.map_err(str::to_owned), Timestamp(1), retries))
            .map(|make| make.map(|m| m(instance.clone())))
            .collect()
    }

    #[test]
    fn a_loss_is_said_once_and_only_after_enough_failures() {
        let said = run(&[Ok(()), Err("x"), Err("x"), Err("x")], 2);
        assert!(matches!(said[0], Some(Change::Came(_))));
        assert_eq!(said[1], None);
        assert!(matches!(said[2], Some(Change::Lost(_))));
        assert_eq!(said[3], None);
    }

    #[test]
    fn a_single_failure_between_good_beats_says_nothing() {
        assert_eq!(run(&[Ok(()), Err("x"), Ok(())], 2)[1..], [None, None]);
    }
}
