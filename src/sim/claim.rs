//! Claims on the simulated hosts. One that is renewed all the time needs no events: it only begins to run out when the
//! renewing ends. Taking one costs no time here: it is a round trip, once.

use std::time::Duration;

use async_trait::async_trait;

use super::cluster::Cluster;
use super::laws::broken;
use super::state::{HostState, Link};
use super::world::World;
use crate::model::claim::{Claim, Claimant, ControllerId, Succession, TTL};
use crate::model::desired::Host;
use crate::model::facts::Unseen;
use crate::model::id::{ClusterName, HostId};
use crate::model::time::Timestamp;
use crate::ports::claim::{Claims, Held, Lost};
use crate::ports::clock::Clock;
use crate::ports::{ActError, Effect};

/// A claim on a host. A boot ends it; whose it was is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    by: Claimant,
    since: Timestamp,
    /// When it ends; none: it is being renewed.
    ends: Option<Timestamp>,
    /// Who renews it: a controller may have begun to anew.
    renewal: u64,
    /// It was given up.
    released: bool,
}

impl Claimed {
    /// It is over.
    pub fn run_out(&mut self, now: Timestamp) {
        self.ends = Some(now);
    }

    fn left(&self, now: Timestamp) -> Duration {
        self.ends.map_or(TTL, |ends| ends.since(now))
    }
}

impl HostState {
    /// The claim that is in force.
    pub fn claim(&self, now: Timestamp) -> Option<Claim> {
        self.last_claim(now).filter(|_| {
            self.claimed
                .as_ref()
                .is_some_and(|c| c.left(now) > Duration::ZERO)
        })
    }

    /// The same, or the one that ended last.
    pub fn last_claim(&self, now: Timestamp) -> Option<Claim> {
        let claimed = self.claimed.as_ref()?;
        Some(Claim {
            owner: claimed.by.id.clone(),
            who: claimed.by.who.clone(),
            held_s: now.since(claimed.since).as_secs(),
            left_s: claimed.left(now).as_secs(),
            hosts: claimed.by.hosts.clone(),
        })
    }
}

/// What a controller does to a host that another one has a claim on is against the law.
pub fn may_touch(world: &World, us: &ControllerId, host: &HostId) {
    let claim = world.hosts.get(host).and_then(|h| h.claim(world.now));
    if let Some(claim) = claim.filter(|claim| claim.owner != *us) {
        let text = format!(
            "host {host} is worked on while {} has the claim on it",
            claim.who
        );
        broken(world, &text);
    }
}

#[async_trait]
impl Claims for Cluster {
    async fn keep(
        &self,
        host: &Host,
        _: &ClusterName,
        claimant: &Claimant,
        succession: Succession,
        held: Held<'_>,
    ) -> Lost {
        let mut changes = self.changes();
        let renewal = match self.take(&host.id, claimant, succession) {
            Ok(renewal) => renewal,
            Err(lost) => return lost,
        };
        let renewing = Renewing {
            cluster: self,
            host: &host.id,
            renewal,
        };
        held(Timestamp(i64::MAX));
        loop {
            changes.changed().await;
            let lost = {
                let mut world = self.world();
                match world.is_out_of_reach(&host.id) {
                    Some(unseen) => Some(Lost::Unseen(unseen)),
                    None => world.claim(&host.id, claimant, renewal).err().map(Lost::To),
                }
            };
            if let Some(lost) = lost {
                // The last renewal may have been a while ago.
                held(self.clock.now().plus(TTL / 3));
                drop(renewing);
                return lost;
            }
        }
    }

    async fn release(
        &self,
        host: &Host,
        _: &ClusterName,
        claimant: &Claimant,
    ) -> Result<Effect, ActError> {
        let mut world = self.world();
        if let Some(unseen) = world.is_out_of_reach(&host.id) {
            return Err(ActError::Unreachable(unseen));
        }
        let now = world.now;
        let claimed = &mut world.host_mut(&host.id)?.claimed;
        let ours = claimed.as_mut().filter(|c| c.by.id == claimant.id);
        let Some(claimed) = ours.filter(|c| !c.released) else {
            return Ok(Effect::AlreadyDone);
        };
        claimed.run_out(now);
        claimed.by = claimant.clone();
        claimed.released = true;
        drop(world);
        self.changed();
        Ok(Effect::Changed)
    }
}

impl Cluster {
    /// Takes a claim: the number of its renewal.
    fn take(
        &self,
        host: &HostId,
        claimant: &Claimant,
        succession: Succession,
    ) -> Result<u64, Lost> {
        let mut world = self.world();
        if let Some(unseen) = world.is_out_of_reach(host) {
            return Err(Lost::Unseen(unseen));
        }
        world.renewals += 1;
        let renewal = world.renewals;
        let known = world.hosts.get(host);
        let known = known.filter(|h| h.claimed.as_ref().is_some_and(|c| !c.released));
        let last = known.and_then(|h| h.last_claim(world.now));
        let others = last.filter(|claim| claim.owner != claimant.id);
        if let Some(claim) = others.filter(|_| succession == Succession::Closed) {
            return Err(Lost::To(claim));
        }
        let claimed = world.claim(host, claimant, renewal);
        claimed.map(|()| renewal).map_err(Lost::To)
    }
}

impl World {
    /// Why nobody can log in to a host.
    fn is_out_of_reach(&self, host: &HostId) -> Option<Unseen> {
        let link = self.hosts.get(host).map(|h| h.link);
        match link {
            Some(Link::Up) | None => self.off_the_wire(host),
            Some(Link::Unreachable | Link::KeyChanged) => self.unseen(host),
        }
    }

    /// Takes the claim on a host, or renews it; the other one's, where there is one.
    fn claim(&mut self, host: &HostId, claimant: &Claimant, renewal: u64) -> Result<(), Claim> {
        let now = self.now;
        let Some(state) = self.hosts.get_mut(host) else {
            return Ok(());
        };
        let known = state.claim(now);
        if let Some(other) = known.as_ref().filter(|claim| claim.owner != claimant.id) {
            return Err(other.clone());
        }
        let since = state.claimed.as_ref().filter(|_| known.is_some());
        state.claimed = Some(Claimed {
            since: since.map_or(now, |claimed| claimed.since),
            by: claimant.clone(),
            ends: None,
            renewal,
            released: false,
        });
        Ok(())
    }
}

/// Ends with its controller, or with its connection: then the claim runs out.
struct Renewing<'a> {
    cluster: &'a Cluster,
    host: &'a HostId,
    renewal: u64,
}

impl Drop for Renewing<'_> {
    fn drop(&mut self) {
        let mut world = self.cluster.world();
        let now = world.now;
        let Ok(host) = world.host_mut(self.host) else {
            return;
        };
        let ends = now.plus(host.by_its_clock(TTL));
        let ours = host.claimed.as_mut().filter(|c| c.renewal == self.renewal);
        if let Some(claimed) = ours {
            claimed.ends.get_or_insert(ends);
        }
    }
}
