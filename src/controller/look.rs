//! One look at the world: all hosts at once, then all guests at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;

use crate::model::desired::Desired;
use crate::model::facts::{Beat, GuestFacts, Observed, Seen, Unseen, UnseenKind};
use crate::model::id::InstanceId;
use crate::model::memory::Memory;
use crate::plan::Renderer;
use crate::plan::queries::{self, Look};
use crate::ports::clock::Clock;
use crate::ports::guest::Guests;
use crate::ports::heartbeat::Heartbeats;
use crate::ports::hypervisor::Hypervisor;

/// The ports that only look.
#[derive(Clone)]
pub struct Eyes {
    /// Hosts.
    pub hypervisor: Arc<dyn Hypervisor>,
    /// Guests.
    pub guests: Arc<dyn Guests>,
    /// Heartbeats.
    pub heartbeats: Arc<dyn Heartbeats>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Where heartbeats come from.
pub enum Beats<'a> {
    /// They are asked for now, as often as it takes to be sure.
    Ask,
    /// Somebody has listened all the time: what they know, by instance, with the life it is about.
    Known(&'a BTreeMap<InstanceId, (String, Beat)>),
}

impl Eyes {
    /// Looks at everything.
    pub async fn look(
        &self,
        desired: &Desired,
        memory: &Memory,
        renderer: &Renderer,
        beats: &Beats<'_>,
    ) -> (Observed, Vec<Look>) {
        let mut observed = Observed {
            now: self.clock.now(),
            ..Observed::default()
        };
        let hosts = desired.hosts.iter().map(|(id, host)| async move {
            let query = queries::host_query(desired, host);
            (id.clone(), self.hypervisor.observe(host, &query).await)
        });
        observed.hosts = join_all(hosts).await.into_iter().collect();
        let looks = queries::looks(desired, &observed, memory, renderer);
        let guests = looks.iter().map(|look| self.look_at(look, memory, beats));
        for (look, (seen, beat)) in looks.iter().zip(join_all(guests).await) {
            let instance = &look.guest.instance;
            observed.guests.extend(seen.map(|s| (instance.clone(), s)));
            observed.beats.extend(beat.map(|b| (instance.clone(), b)));
        }
        observed.now = self.clock.now();
        (observed, looks)
    }

    async fn look_at(
        &self,
        look: &Look,
        memory: &Memory,
        beats: &Beats<'_>,
    ) -> (Option<Seen<GuestFacts>>, Option<Beat>) {
        if memory.busy.contains_key(&look.guest.instance) {
            return (None, None);
        }
        match beats {
            Beats::Ask => {
                let (seen, beat) = futures::join!(self.inside(look), self.ask_beat(look, memory));
                (seen, Some(beat))
            }
            Beats::Known(known) => {
                let beat = known.get(&look.guest.instance);
                let beat = beat
                    .filter(|(life, _)| *life == look.guest.generation)
                    .map(|(_, b)| b.clone());
                let dead = beat
                    .as_ref()
                    .is_some_and(|b| b.failures >= look.heartbeat.retries);
                let seen = if dead {
                    look.query.as_ref().map(|_| lost())
                } else {
                    self.inside(look).await
                };
                (seen, beat)
            }
        }
    }

    async fn inside(&self, look: &Look) -> Option<Seen<GuestFacts>> {
        let query = look.query.as_ref()?;
        let seen = self.guests.observe(&look.guest, query).await;
        match (&seen, look.or_at) {
            (Seen::No(_), Some(address)) => {
                let moved = crate::model::action::GuestRef {
                    address,
                    ..look.guest.clone()
                };
                Some(self.guests.observe(&moved, query).await)
            }
            (Seen::Yes(_), _) | (Seen::No(_), None) => Some(seen),
        }
    }

    /// One good answer is enough to live; only a guest that once was healthy is asked often enough to be called dead.
    async fn ask_beat(&self, look: &Look, memory: &Memory) -> Beat {
        let mut beat = Beat::default();
        let once_healthy = memory.guests.get(&look.guest.instance).is_some_and(|m| {
            m.healthy_since.is_some() && m.run.starts_with(&look.guest.generation)
        });
        let tries = if once_healthy {
            look.heartbeat.retries
        } else {
            1
        };
        while beat.failures < tries {
            match self.beat_once(look).await {
                Ok(()) => {
                    return Beat {
                        last_ok: Some(self.clock.now()),
                        ..Beat::default()
                    };
                }
                Err(error) => {
                    beat = Beat {
                        failures: beat.failures + 1,
                        error: Some(error),
                        ..beat
                    }
                }
            }
            if beat.failures < tries {
                self.clock.sleep(look.heartbeat.every).await;
            }
        }
        beat
    }

    /// Asks at each address that the guest may have.
    pub async fn beat_once(&self, look: &Look) -> Result<(), String> {
        let first = self
            .heartbeats
            .beat(look.guest.address, &look.heartbeat)
            .await;
        match (first, look.or_at) {
            (Err(_), Some(other)) => self.heartbeats.beat(other, &look.heartbeat).await,
            (first, _) => first,
        }
    }
}

fn lost() -> Seen<GuestFacts> {
    Seen::No(Unseen {
        kind: UnseenKind::Unreachable,
        message: "its heartbeat is lost, so it was not asked".to_owned(),
    })
}
