//! Listening to heartbeats all the time, each at its own pace. Counts failures and says when a guest's life changes;
//! what that means is decided by the next round.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;

use super::heard::Ledger;
use super::look::Eyes;
use crate::model::facts::Beat;
use crate::model::id::InstanceId;
use crate::model::time::Timestamp;
use crate::plan::queries::Look;
use crate::ports::heartbeat::Asked;

/// A timer that fires this much too late says that this process, or its whole machine, stood still.
const STALL: Duration = Duration::from_millis(100);

/// A guest's life changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It lived, and fails: its host may know already that it does not run.
    Suspect(InstanceId),
    /// Its domain stopped, says its host.
    Ended(InstanceId),
    /// It lived, and has failed as often as makes it dead.
    Lost(InstanceId),
    /// It has failed as often, and never answered since we listen: it may have lived before.
    Silent(InstanceId),
    /// Its first good heartbeat.
    Came(InstanceId),
    /// Its first good heartbeat after failures that were told.
    Back(InstanceId),
    /// There is news of the claims on hosts.
    Claims,
    /// Another controller has ended, and its hosts are ours.
    TookOver,
}

/// Listens to all guests.
pub struct Monitor {
    eyes: Eyes,
    changes: UnboundedSender<Change>,
    /// What was heard.
    pub ledger: Ledger,
    listeners: BTreeMap<InstanceId, (Look, AbortHandle)>,
}

impl Monitor {
    /// A monitor that says changes to `changes`.
    pub fn new(eyes: Eyes, changes: UnboundedSender<Change>) -> Self {
        Monitor {
            eyes,
            changes,
            ledger: Ledger::default(),
            listeners: BTreeMap::new(),
        }
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
                self.ledger.forget(instance);
            }
            stays
        });
        for (instance, look) in wanted {
            if !self.listeners.contains_key(&instance) {
                self.listen(look, Beat::default());
            }
        }
    }

    /// A guest serves, and as this says, from now on: what was heard before counts no more. One that was just built is listened
    /// to before it is looked at: what it was built for may take long.
    pub fn begin(&mut self, look: Look) {
        self.forget(&look.guest.instance);
        self.listen(look, Beat::default());
    }

    /// A guest serves elsewhere now: it is listened to there, and what was heard before counts no more.
    pub fn follow(&mut self, instance: &InstanceId, change: impl FnOnce(&mut Look)) {
        if let Some((look, _)) = self.listeners.get(instance) {
            let mut look = look.clone();
            change(&mut look);
            self.begin(look);
        }
    }

    /// Listens no more to a guest that is about to be ended by us.
    pub fn forget(&mut self, instance: &InstanceId) {
        if let Some((_, handle)) = self.listeners.remove(instance) {
            handle.abort();
        }
        self.ledger.forget(instance);
    }

    /// Something was done to a guest that may have ended what it answered with: whatever it answers now is news.
    pub fn ask_anew(&mut self, instance: &InstanceId) {
        if let Some((look, handle)) = self.listeners.get(instance) {
            handle.abort();
            let (look, beat) = (look.clone(), self.ledger.last_of(look));
            self.listen(look, beat.unwrap_or_default());
        }
    }

    fn listen(&mut self, look: Look, beat: Beat) {
        let (eyes, changes, ledger) =
            (self.eyes.clone(), self.changes.clone(), self.ledger.clone());
        let (instance, asked) = (look.guest.instance.clone(), look.clone());
        let task = tokio::spawn(async move { listen(eyes, asked, beat, changes, ledger).await });
        self.listeners.insert(instance, (look, task.abort_handle()));
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
    mut beat: Beat,
    changes: UnboundedSender<Change>,
    ledger: Ledger,
) {
    let instance = look.guest.instance.clone();
    loop {
        let begin = eyes.clock.now();
        let result = eyes.beat_once(&look).await;
        let now = eyes.clock.now();
        let took = now.since(begin);
        let said = result.clone();
        if result.is_ok() || !has_stalled(took, &look) {
            let change = step(&mut beat, result, now, look.heartbeat.retries);
            ledger.write(&look, &beat);
            if let Some(make) = change {
                // Nobody listens any more only when the controller is about to end.
                let _ = changes.send(make(instance.clone()));
            }
        }
        let span = look.heartbeat.every.saturating_sub(took);
        let settled = is_settled(&beat, look.heartbeat.retries).then_some(&said);
        let asked = Asked {
            at: (look.guest.address, look.or_at),
            heartbeat: &look.heartbeat,
        };
        let clock = eyes.clock.as_ref();
        let same = eyes.heartbeats.pause(clock, span, &asked, settled).await;
        beat.last_ok = same.filter(|_| said.is_ok()).or(beat.last_ok);
    }
}

/// Whether another answer like the last one says nothing new.
fn is_settled(beat: &Beat, retries: u32) -> bool {
    beat.failures >= retries || beat.failures == 0 && beat.last_ok.is_some()
}

/// Whether this process itself stood still meanwhile: then a missing answer says nothing about the guest. A question
/// never takes longer than its timeout (twice that, where a guest may be at two addresses).
fn has_stalled(took: Duration, look: &Look) -> bool {
    let addresses = 1 + u32::from(look.or_at.is_some());
    took > look.heartbeat.timeout * addresses + STALL
}

/// How a beat changes what is known, and whether that is worth saying.
fn step(
    beat: &mut Beat,
    result: Result<(), String>,
    now: Timestamp,
    retries: u32,
) -> Option<fn(InstanceId) -> Change> {
    match result {
        Ok(()) => {
            let change: Option<fn(InstanceId) -> Change> = match beat.last_ok {
                None => Some(Change::Came),
                Some(_) => (beat.failures >= told_at(retries)).then_some(Change::Back),
            };
            *beat = Beat {
                last_ok: Some(now),
                ..Beat::default()
            };
            change
        }
        Err(error) => {
            beat.failures = beat.failures.saturating_add(1);
            beat.error = Some(error);
            let lived = beat.last_ok.is_some();
            match beat.failures {
                n if n == retries && lived => Some(Change::Lost),
                n if n == retries => Some(Change::Silent),
                n if n == told_at(retries) => lived.then_some(Change::Suspect),
                _ => None,
            }
        }
    }
}

/// After how many failures in a row a guest that lived is suspect.
fn told_at(retries: u32) -> u32 {
    retries.div_ceil(2)
}

fn without_query(look: &Look) -> Look {
    Look {
        query: None,
        ..look.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_suspicion_is_said_half_way_and_a_loss_once() {
        let said = run(
            &[Ok(()), Err("x"), Err("x"), Err("x"), Err("x"), Err("x")],
            4,
        );
        assert!(matches!(said[0], Some(Change::Came(_))));
        assert_eq!(said[1], None);
        assert!(matches!(said[2], Some(Change::Suspect(_))));
        assert_eq!(said[3], None);
        assert!(matches!(said[4], Some(Change::Lost(_))));
        assert_eq!(said[5], None);
    }

    #[test]
    fn a_guest_that_never_lived_is_said_to_be_silent_once() {
        let said = run(&[Err("x"), Err("x"), Err("x")], 2);
        assert!(matches!(&said[..], [None, Some(Change::Silent(_)), None]));
    }

    #[test]
    fn who_was_suspect_is_said_to_be_back() {
        let said = run(&[Ok(()), Err("x"), Err("x"), Ok(()), Ok(())], 4);
        assert!(matches!(
            said[2..],
            [Some(Change::Suspect(_)), Some(Change::Back(_)), None]
        ));
    }

    #[test]
    fn a_single_failure_between_good_beats_says_nothing() {
        assert_eq!(run(&[Ok(()), Err("x"), Ok(())], 3)[1..], [None, None]);
    }
}
