//! One look at the world: all hosts at once, then all guests at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::guards::Leases;
use super::heard::Heard;
use super::hosts::{HostLooks, Wait};
use super::standing::Standing;
use crate::memory::guests::has_lived;
use crate::model::claim::ControllerId;
use crate::model::desired::Desired;
use crate::model::facts::{Beat, GuestFacts, HostFacts, Observed, Seen, Unseen, UnseenKind};
use crate::model::id::HostId;
use crate::model::memory::Memory;
use crate::model::policy::Witness;
use crate::plan::Renderer;
use crate::plan::queries::{self, Look};
use crate::ports::clock::Clock;
use crate::ports::fencer::FencerView;
use crate::ports::guest::Guests;
use crate::ports::heartbeat::Heartbeats;
use crate::ports::hypervisor::Hypervisor;
use crate::ports::orders::OrdersView;
use crate::ports::witness::Witnesses;

/// The ports that only look.
#[derive(Clone)]
pub struct Eyes {
    /// Hosts.
    pub hypervisor: Arc<dyn Hypervisor>,
    /// Guests.
    pub guests: Arc<dyn Guests>,
    /// Heartbeats.
    pub heartbeats: Arc<dyn Heartbeats>,
    /// Who shows that our own network works.
    pub witnesses: Arc<dyn Witnesses>,
    /// Fencing devices.
    pub fencers: Arc<dyn FencerView>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// When the leases of guarded hosts are over.
    pub leases: Leases,
    /// What operators ordered.
    pub orders: Arc<dyn OrdersView>,
    /// Who looks; none: somebody who never claimed a host.
    pub us: Option<ControllerId>,
}

/// Where heartbeats come from.
pub enum Beats<'a> {
    /// They are asked for now, as often as it takes to be sure.
    Ask,
    /// Somebody has listened all the time, and goes on listening.
    Known(&'a Heard),
}

impl Beats<'_> {
    /// What was known of a guest without asking, when the round began.
    fn known(&self, look: &Look) -> Option<Beat> {
        match self {
            Beats::Ask => None,
            Beats::Known(heard) => heard.at_first(look),
        }
    }

    fn is_dead(&self, look: &Look) -> bool {
        self.known(look)
            .is_some_and(|b| b.failures >= look.heartbeat.retries)
    }

    /// It would keep the round waiting for an answer that may never come.
    fn is_suspect(&self, look: &Look) -> bool {
        self.known(look).is_some_and(|b| b.failures > 0)
    }
}

/// The least time that a guest gets for the last question before it is called dead: longer than an observer or a host
/// that has too much to do may stall. It does not delay anything where libvirt says that the guest does not run.
const LAST_QUESTION: Duration = Duration::from_secs(1);

/// How long a silent guest may take to let us in, where that is tried at all.
const GLANCE: Duration = Duration::from_secs(3);

/// From one thought to the next whether the guest that is looked into has fallen silent.
const VIGIL: Duration = Duration::from_millis(50);

impl Eyes {
    /// Looks at everything. The guests that were looked at the last time are asked at once, the others when the
    /// hosts have said where they are.
    pub async fn look(
        &self,
        desired: &Desired,
        memory: &Memory,
        renderer: &Renderer,
        beats: &Beats<'_>,
        (hosts, last): (&mut HostLooks, &[Look]),
        standing: &mut Standing,
    ) -> (Observed, Vec<Look>) {
        let wait = match beats {
            Beats::Ask => Wait::ForAll,
            Beats::Known(_) => Wait::Briefly,
        };
        let mut observed = standing.at(self.clock.as_ref(), self.orders.as_ref());
        let may_ask = |look: &&Look| {
            !beats.is_suspect(look) && !memory.busy.contains_key(&look.guest.instance)
        };
        let early = last
            .iter()
            .filter(may_ask)
            .map(|look| async move { (look, self.inside(look, beats).await) });
        let (seen_hosts, early) = futures::join!(
            hosts.look(desired, &self.hypervisor, &self.clock, wait),
            join_all(early)
        );
        self.heed_claims(&mut observed, &seen_hosts);
        observed.hosts = seen_hosts;
        (observed.leases, observed.guards_know) = self.leases.known();
        observed.witnesses = self.ask_witnesses(desired, &observed).await;
        let looks = queries::looks(desired, &observed, memory, renderer);
        let guests = looks.iter().map(|look| {
            let early = early
                .iter()
                .find(|(e, _)| *e == look)
                .and_then(|(_, seen)| seen.clone());
            self.look_at(look, early, memory, beats)
        });
        for (look, (seen, beat)) in looks.iter().zip(join_all(guests).await) {
            let instance = &look.guest.instance;
            observed.guests.extend(seen.map(|s| (instance.clone(), s)));
            let life = Some(look.guest.generation.clone());
            let beat = beat.map(|beat| Beat { life, ..beat });
            observed.beats.extend(beat.map(|b| (instance.clone(), b)));
        }
        observed.now = self.clock.now();
        (observed, looks)
    }

    /// The hosts that other controllers have or had, and whether one was at work since we were.
    fn heed_claims(&self, observed: &mut Observed, hosts: &BTreeMap<HostId, Seen<HostFacts>>) {
        let claims = hosts
            .iter()
            .filter_map(|(id, seen)| Some((id, seen.facts()?.claim.as_ref()?)));
        let (ours, others): (Vec<_>, Vec<_>) =
            claims.partition(|(_, claim)| self.us.as_ref() == Some(&claim.owner));
        observed.after_others = !others.is_empty();
        observed.succeeds = ours.is_empty() && observed.after_others;
        for (host, claim) in others {
            // What others only heard from us is no news.
            let words = claim
                .words()
                .filter(|(_, whose)| Some(*whose) != self.us.as_ref());
            for (named, whose) in words {
                let theirs = observed.theirs.entry(named.clone()).or_default();
                theirs.whose.insert(whose.clone());
                theirs.who.clone_from(&claim.who);
            }
            if claim.holds() {
                observed.rivals.insert(host.clone(), claim.clone());
            }
        }
    }

    /// Only where somebody is missing: else there is nothing that they could decide.
    async fn ask_witnesses(
        &self,
        desired: &Desired,
        observed: &Observed,
    ) -> BTreeMap<Witness, bool> {
        if observed.hosts.values().all(|seen| seen.facts().is_some()) {
            return BTreeMap::new();
        }
        let asked =
            desired.safety.witnesses.iter().map(|witness| async move {
                (witness.clone(), self.witnesses.answers(witness).await)
            });
        join_all(asked).await.into_iter().collect()
    }

    async fn look_at(
        &self,
        look: &Look,
        early: Option<Seen<GuestFacts>>,
        memory: &Memory,
        beats: &Beats<'_>,
    ) -> (Option<Seen<GuestFacts>>, Option<Beat>) {
        if memory.busy.contains_key(&look.guest.instance) {
            return (None, None);
        }
        match (early, beats) {
            (None, Beats::Ask) => {
                let (seen, beat) =
                    futures::join!(self.inside(look, beats), self.ask_beat(look, memory));
                (seen, Some(beat))
            }
            (early, Beats::Ask) => (early, Some(self.ask_beat(look, memory).await)),
            // Its silence is no sign that it can't be looked into.
            (_, Beats::Known(_)) if is_asked_elsewhere(look, memory) => {
                futures::join!(self.open_inside(look), self.known_or_asked(look, beats))
            }
            (_, Beats::Known(_)) if beats.is_dead(look) => {
                self.last_question(look, memory, beats).await
            }
            // While its host was waited for, it may have been missed.
            (_, Beats::Known(heard)) if look.query.is_none() => {
                let beat = match heard.now(look) {
                    Some(beat) => Some(beat),
                    None => self.known_or_asked(look, beats).await,
                };
                (None, beat)
            }
            (_, Beats::Known(_)) if beats.is_suspect(look) => {
                (look.query.as_ref().map(|_| lost()), beats.known(look))
            }
            (None, Beats::Known(_)) => {
                futures::join!(self.inside(look, beats), self.known_or_asked(look, beats))
            }
            (early, Beats::Known(_)) => (early, self.known_or_asked(look, beats).await),
        }
    }

    /// One that nobody has listened to yet is asked once: it may have served for long, unheard by a controller that had
    /// its hands full, or was not there.
    async fn known_or_asked(&self, look: &Look, beats: &Beats<'_>) -> Option<Beat> {
        if let Some(known) = beats.known(look) {
            return Some(known);
        }
        let error = self.beat_once(look).await.err();
        Some(Beat {
            failures: u32::from(error.is_some()),
            last_ok: error.is_none().then(|| self.clock.now()),
            error,
            ..Beat::default()
        })
    }

    /// A guest that has missed its heartbeats is asked once more, patiently: being slow is not being dead.
    async fn last_question(
        &self,
        look: &Look,
        memory: &Memory,
        beats: &Beats<'_>,
    ) -> (Option<Seen<GuestFacts>>, Option<Beat>) {
        let mut patient = look.clone();
        patient.heartbeat.timeout = LAST_QUESTION.max(2 * look.heartbeat.timeout);
        match self.beat_once(&patient).await {
            Ok(()) => {
                let beat = Beat {
                    last_ok: Some(self.clock.now()),
                    ..Beat::default()
                };
                (self.open_inside(look).await, Some(beat))
            }
            // It is not made anew while the brake holds. All that can be mended is a process that ended.
            Err(_) if memory.brake.is_some() => (self.glance(look).await, beats.known(look)),
            Err(_) => (look.query.as_ref().map(|_| lost()), beats.known(look)),
        }
    }

    /// Looks into a guest that may be dead, for as long as a living one may take.
    async fn glance(&self, look: &Look) -> Option<Seen<GuestFacts>> {
        tokio::select! {
            biased;
            seen = self.open_inside(look) => seen,
            () = self.clock.sleep(GLANCE) => look.query.as_ref().map(|_| lost()),
        }
    }

    /// A guest that dies while it is looked into would keep the round waiting for a connection to break.
    async fn inside(&self, look: &Look, beats: &Beats<'_>) -> Option<Seen<GuestFacts>> {
        match beats {
            Beats::Ask => self.open_inside(look).await,
            Beats::Known(heard) => tokio::select! {
                biased;
                seen = self.open_inside(look) => seen,
                () = self.falls_silent(look, heard) => look.query.as_ref().map(|_| lost()),
            },
        }
    }

    async fn falls_silent(&self, look: &Look, heard: &Heard) {
        while heard.now(look).is_none_or(|beat| beat.failures == 0) {
            self.clock.sleep(VIGIL).await;
        }
    }

    async fn open_inside(&self, look: &Look) -> Option<Seen<GuestFacts>> {
        let query = look.query.as_ref()?;
        let seen = self.guests.observe(&look.guest, query).await;
        match (&seen, look.or_at) {
            (Seen::No(_), Some(other)) if *other.ip() != look.guest.address => {
                let moved = crate::model::action::GuestRef {
                    address: *other.ip(),
                    ..look.guest.clone()
                };
                Some(self.guests.observe(&moved, query).await)
            }
            (Seen::Yes(_) | Seen::No(_), _) => Some(seen),
        }
    }

    /// One good answer is enough to live; only a guest that once was healthy is asked often enough to be called dead.
    async fn ask_beat(&self, look: &Look, memory: &Memory) -> Beat {
        let mut beat = Beat::default();
        let guest = memory.guests.get(&look.guest.instance);
        let once_healthy = guest.is_some_and(|guest| has_lived(guest, &look.guest.generation));
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

    /// Asks at each place where the guest may answer.
    pub async fn beat_once(&self, look: &Look) -> Result<(), String> {
        let first = self
            .heartbeats
            .beat(look.guest.address, &look.heartbeat)
            .await;
        match (first, look.or_at) {
            (Err(_), Some(other)) => {
                let heartbeat = look.heartbeat.at_port(other.port());
                self.heartbeats.beat(*other.ip(), &heartbeat).await
            }
            (first, _) => first,
        }
    }
}

fn is_asked_elsewhere(look: &Look, memory: &Memory) -> bool {
    let guest = memory.guests.get(&look.guest.instance);
    guest.is_some_and(|guest| guest.is_asked_elsewhere(&look.heartbeat))
}

fn lost() -> Seen<GuestFacts> {
    Seen::No(Unseen::new(
        UnseenKind::Unreachable,
        "heartbeats were missing, so it was not asked".to_owned(),
    ))
}
