//! What heartbeats were heard so far: written by whoever listens, read by rounds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::desired::AskedAt;
use crate::model::facts::Beat;
use crate::model::id::InstanceId;
use crate::plan::queries::Look;

/// Every guest that is listened to: what is asked, and its heartbeat.
type Known = BTreeMap<InstanceId, (Asked, Beat)>;
/// Which life of a guest is asked, and where.
type Asked = (String, AskedAt);

/// What is heard, as it comes.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Known>>);

impl Ledger {
    /// The last heartbeat of a guest in this life.
    pub fn write(&self, look: &Look, beat: &Beat) {
        let entry = (asked(look), beat.clone());
        self.known().insert(look.guest.instance.clone(), entry);
    }

    /// What was heard of a guest counts no more.
    pub fn forget(&self, instance: &InstanceId) {
        self.known().remove(instance);
    }

    /// A guest is said to be dead: until its next good heartbeat, nobody waits for an answer from it.
    pub fn doubt(&self, instance: &InstanceId) {
        if let Some((_, beat)) = self.known().get_mut(instance) {
            beat.failures = beat.failures.max(1);
        }
    }

    /// The last heartbeat that was heard of a guest in this life.
    pub fn last_of(&self, look: &Look) -> Option<Beat> {
        beat_of(&self.known(), look)
    }

    /// For a round that begins now.
    pub fn heard(&self) -> Heard {
        Heard {
            at_first: self.known().clone(),
            live: self.clone(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a round is told of heartbeats.
pub struct Heard {
    /// When it began: the same for the whole round.
    at_first: Known,
    live: Ledger,
}

impl Heard {
    /// What was known of a guest when the round began.
    pub fn at_first(&self, look: &Look) -> Option<Beat> {
        beat_of(&self.at_first, look)
    }

    /// What is known of it by now.
    pub fn now(&self, look: &Look) -> Option<Beat> {
        self.live.last_of(look)
    }
}

/// Only what is about the same life counts, and about the same question.
fn beat_of(known: &Known, look: &Look) -> Option<Beat> {
    let (about, beat) = known.get(&look.guest.instance)?;
    (*about == asked(look)).then(|| beat.clone())
}

fn asked(look: &Look) -> Asked {
    (look.guest.generation.clone(), look.heartbeat.asked_at())
}
