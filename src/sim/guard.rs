//! Guards of the simulated hosts: each stops our guests on its host when its lease is over and it sees no majority of the
//! hosts. A lease that is renewed all the time needs no events: it only begins to run out when the renewing ends.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::claim;
use super::cluster::Cluster;
use super::world::{DomainState, World};
use crate::model::desired::Host;
use crate::model::facts::Unseen;
use crate::model::id::{ClusterName, HostId};
use crate::model::time::Timestamp;
use crate::ports::clock::Clock;
use crate::ports::guard::{Guards, Until, Watchword};
use crate::ports::{ActError, Effect};

/// How long a guard takes from the moment when it may stop everything to the end of that.
const STOPPING: Duration = Duration::from_secs(5);
/// How long one renewal takes at most.
const RENEWAL: Duration = Duration::from_secs(2);

/// The guard on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Its lease is being renewed.
    Renewed,
    /// Its lease ends at this moment.
    Ends(Timestamp),
}

#[async_trait]
impl Guards for Cluster {
    async fn keep(&self, host: &Host, watchword: &Watchword, until: Until<'_>) -> Unseen {
        let mut changes = self.changes();
        self.clock.sleep(RENEWAL).await;
        let ttl = watchword.lease.ttl;
        if let Some(unseen) = self.world().off_the_wire(&host.id) {
            return unseen;
        }
        let renewing = Renewing {
            cluster: self,
            host: &host.id,
            ttl,
            until,
        };
        loop {
            let unseen = self.world().off_the_wire(&host.id);
            if let Some(unseen) = unseen {
                drop(renewing);
                return unseen;
            }
            claim::may_touch(&self.world(), &self.claimant.id, &host.id);
            self.guard(&host.id, Some(Guard::Renewed));
            self.tell_peers(&host.id, watchword);
            until(Timestamp(i64::MAX));
            changes.changed().await;
        }
    }

    async fn disarm(&self, host: &Host, _: &ClusterName) -> Result<Effect, ActError> {
        if let Some(unseen) = self.world().off_the_wire(&host.id) {
            return Err(ActError::Unreachable(unseen));
        }
        self.guard(&host.id, None);
        Ok(Effect::Changed)
    }
}

/// Ends with its controller, or with its connection.
struct Renewing<'a> {
    cluster: &'a Cluster,
    host: &'a HostId,
    ttl: Duration,
    until: Until<'a>,
}

impl Drop for Renewing<'_> {
    fn drop(&mut self) {
        if self.runs_out() {
            (self.until)(self.cluster.clock.now().plus(self.ttl + RENEWAL));
            // From now on, the world changes by itself at another time.
            self.cluster.changed();
        }
    }
}

impl Renewing<'_> {
    /// The lease runs out from now on; false where that is so already.
    fn runs_out(&self) -> bool {
        let mut world = self.cluster.world();
        let now = world.now;
        match world.host_mut(self.host) {
            Ok(host) if host.guard == Some(Guard::Renewed) => {
                let ttl = host.by_its_clock(self.ttl);
                host.guard = Some(Guard::Ends(now.plus(ttl)));
                true
            }
            Ok(_) | Err(_) => false,
        }
    }
}

impl Cluster {
    /// A guard counts the hosts that it was last told of, whatever the file says by then.
    fn tell_peers(&self, host: &HostId, watchword: &Watchword) {
        if let Ok(host) = self.world().host_mut(host) {
            host.peers.clone_from(&watchword.peers);
        }
    }

    fn guard(&self, host: &HostId, guard: Option<Guard>) {
        if let Ok(host) = self.world().host_mut(host) {
            host.guard = guard;
        }
    }
}

impl World {
    /// Whether a host sees another one on the network.
    pub fn sees(&self, host: &HostId, other: &HostId) -> bool {
        let node = |id: &HostId| crate::model::scenario::Node::Host(id.clone());
        let is_on = |id: &HostId| self.hosts.get(id).is_some_and(|state| self.is_on(state));
        is_on(host) && is_on(other) && self.wire.joins(&node(host), &node(other))
    }

    fn is_alone(&self, host: &HostId) -> bool {
        let peers = self.hosts.get(host).map_or(&[][..], |state| &state.peers);
        let others = self.hosts.iter();
        let others = others.filter(|(id, other)| *id == host || peers.contains(&other.address));
        let seen = others.filter(|(other, _)| self.sees(host, other)).count();
        seen * 2 <= peers.len() + 1
    }

    /// When the guard of a host stops everything.
    pub(super) fn guard_strikes(&self, host: &HostId) -> Option<Timestamp> {
        let state = self.hosts.get(host)?;
        match (state.guard?, state.alone_since) {
            (Guard::Ends(at), Some(alone)) if state.power => {
                Some(at.max(alone).plus(state.by_its_clock(STOPPING)))
            }
            (Guard::Ends(_) | Guard::Renewed, _) => None,
        }
    }

    /// Guards watch, and stop what they must.
    pub(super) fn let_guards_watch(&mut self) {
        let desired = Arc::clone(&self.desired);
        let guarded = self.hosts.iter().filter(|(_, state)| state.guard.is_some());
        let guarded: Vec<HostId> = guarded.map(|(id, _)| id.clone()).collect();
        for id in guarded {
            let (alone, now) = (self.is_alone(&id), self.now);
            if let Some(state) = self.hosts.get_mut(&id) {
                state.alone_since = alone.then(|| state.alone_since.unwrap_or(now));
            }
            let due = self.guard_strikes(&id).is_some_and(|at| now >= at);
            if let Some(state) = self.hosts.get_mut(&id).filter(|_| due) {
                let ours = state.domains.values_mut().filter(|d| {
                    d.mark
                        .as_ref()
                        .is_some_and(|m| m.cluster == desired.cluster)
                });
                ours.for_each(DomainState::end);
            }
        }
    }
}
