//! What to make of each host: seen, out of sight for a moment, lost; and what may be done about the guests of one that
//! is lost. Pure classification, from several signs: our own look, the heartbeats of its guests, what other hosts see.

use std::collections::{BTreeMap, BTreeSet};

use super::brake::Brake;
use super::refusal::Refusal;
use crate::memory::hosts::{found, rejoin_time};
use crate::model::condition::HostCondition;
use crate::model::desired::Desired;
use crate::model::facts::{Observed, Seen, UnseenKind};
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::memory::{Evidence, HostMemory, Memory};
use crate::model::time::Timestamp;

/// What a host is like now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostState {
    /// It is seen.
    Online,
    /// It came back from being lost, and has to stay for a while before it gets guests.
    Rejoining {
        /// Until when.
        until: Timestamp,
    },
    /// It can't be seen: for a short time, or in spite of a sign of life.
    Suspect {
        /// Since when.
        since: Timestamp,
    },
    /// It can't be seen, for long, and nothing shows that it lives.
    Unreachable {
        /// Since when.
        since: Timestamp,
    },
    /// There is evidence that nothing of ours runs on it.
    Fenced(Evidence),
}

impl HostState {
    fn condition(&self, leaving: bool, drained: bool) -> HostCondition {
        match self {
            HostState::Online | HostState::Rejoining { .. } if leaving => HostCondition::Leaving,
            HostState::Online | HostState::Rejoining { .. } if drained => {
                HostCondition::Maintenance
            }
            HostState::Online => HostCondition::Online,
            HostState::Rejoining { .. } => HostCondition::Rejoining,
            HostState::Suspect { .. } => HostCondition::Suspect,
            HostState::Unreachable { .. } => HostCondition::Unreachable,
            HostState::Fenced(_) => HostCondition::Fenced,
        }
    }
}

/// All hosts of the file, and those that leave it.
#[derive(Debug)]
pub struct Hosts<'a> {
    pub(super) desired: &'a Desired,
    pub(super) observed: &'a Observed,
    pub(super) memory: &'a Memory,
    states: BTreeMap<&'a HostId, HostState>,
    /// Instances that were found; looked for only where a host is out of sight.
    found: BTreeSet<&'a InstanceId>,
    /// Why nothing may be given up now, whatever the host.
    pub(super) held: Option<Refusal>,
    /// The brake, where it holds.
    pub brake: Option<Brake>,
}

impl<'a> Hosts<'a> {
    /// Judges all hosts.
    pub fn judge(desired: &'a Desired, observed: &'a Observed, memory: &'a Memory) -> Self {
        let brake = super::brake::judge(desired, observed, memory);
        let mut hosts = Hosts {
            desired,
            observed,
            memory,
            states: BTreeMap::new(),
            found: found(desired, observed),
            held: None,
            brake,
        };
        hosts.held = hosts.why_held();
        let ids = desired.hosts.keys();
        hosts.states = ids.map(|id| (id, hosts.classify(id))).collect();
        hosts
    }

    /// What a host is like.
    pub fn state(&self, host: &HostId) -> Option<&HostState> {
        self.states.get(host)
    }

    /// What each host is taken for, in a word.
    pub fn conditions(&self) -> BTreeMap<HostId, HostCondition> {
        let of = |(host, state): (&&HostId, &HostState)| {
            let leaving = self.desired.is_leaving(host);
            let drained = self.observed.orders.drained.contains_key(*host);
            ((*host).clone(), state.condition(leaving, drained))
        };
        self.states.iter().map(of).collect()
    }

    pub(super) fn remembered(&self, host: &HostId) -> Option<&'a HostMemory> {
        self.memory.hosts.get(host)
    }

    pub(super) fn unseen(&self, host: &HostId) -> Option<UnseenKind> {
        match self.observed.hosts.get(host)? {
            Seen::Yes(_) => None,
            Seen::No(unseen) => Some(unseen.kind),
        }
    }

    fn classify(&self, host: &HostId) -> HostState {
        let Some(memory) = self.remembered(host) else {
            return match self.unseen(host) {
                None => HostState::Online,
                Some(_) => HostState::Suspect {
                    since: self.observed.now,
                },
            };
        };
        if self.unseen(host).is_none() {
            return match rejoins(memory, self.desired).filter(|until| self.observed.now < *until) {
                Some(until) => HostState::Rejoining { until },
                None => HostState::Online,
            };
        }
        let since = memory.since;
        match &memory.fenced {
            Some(evidence) if self.refuted(host, evidence).is_none() => {
                HostState::Fenced(evidence.clone())
            }
            Some(_) => HostState::Suspect { since },
            None if self.observed.now >= self.lost_at(memory)
                && self.sign_of_life(host).is_none() =>
            {
                HostState::Unreachable { since }
            }
            None => HostState::Suspect { since },
        }
    }

    /// From when on it has been out of sight for as long as makes its guests be made elsewhere.
    pub(super) fn lost_at(&self, memory: &HostMemory) -> Timestamp {
        memory.since.plus(self.desired.safety.recover_after)
    }

    /// From when on it may be switched off: it was out of sight, and nothing on it gave a heartbeat, for so long.
    pub(super) fn silent_at(&self, memory: &HostMemory) -> Timestamp {
        let last = memory.alive.unwrap_or_default().max(memory.since);
        last.plus(self.desired.safety.recover_after)
    }

    /// A guest on it whose heartbeat comes.
    pub(super) fn living_guest(&self, host: &HostId) -> Option<&'a InstanceId> {
        let mut guests = self.remembered(host)?.guests.iter();
        let living = guests.find(|(i, mark)| {
            let beats = self.observed.beat_of(mark).is_some_and(|b| b.failures == 0);
            beats && !self.found.contains(i)
        });
        living.map(|(instance, _)| instance)
    }

    /// The same, in words.
    pub(super) fn heartbeats_on(&self, host: &HostId) -> Option<String> {
        let guest = self.living_guest(host)?;
        Some(format!("{guest} on it gives heartbeats"))
    }

    /// Why the evidence that nothing runs on a host is wrong: a guest on it gives heartbeats, or gave one after that. Then it
    /// says nothing for ever, also when the guest falls silent.
    pub(super) fn refuted(&self, host: &HostId, evidence: &Evidence) -> Option<String> {
        self.heartbeats_on(host).or_else(|| {
            let mut guests = self.remembered(host)?.guests.iter();
            let (guest, _) = guests.find(|(i, mark)| {
                let beat = self.observed.beat_of(mark);
                let later = beat.is_some_and(|b| b.last_ok.is_some_and(|ok| ok > evidence.at));
                later && !self.found.contains(i) && self.is_last_life(i, mark)
            })?;
            Some(format!("{guest} on it gave a heartbeat after that"))
        })
    }

    /// Whether this is the life of an instance that we built last.
    fn is_last_life(&self, instance: &InstanceId, mark: &Mark) -> bool {
        let guest = self.memory.guests.get(instance);
        let built = guest.and_then(|guest| guest.built.as_ref());
        built == Some(&mark.generation)
    }

    /// What shows that a host lives that we can't look at.
    pub fn sign_of_life(&self, host: &HostId) -> Option<String> {
        if let Some(guest) = self.heartbeats_on(host) {
            return Some(guest);
        }
        let answers = match self.unseen(host)? {
            UnseenKind::Unreachable => None,
            UnseenKind::HostKeyChanged | UnseenKind::Refused | UnseenKind::Broken => {
                Some("its sshd answers".to_owned())
            }
        };
        answers.or_else(|| {
            let see = |seen: &Seen<_>| {
                let sees = Seen::sees(seen);
                sees.is_some_and(|sees| sees.get(host) == Some(&true))
            };
            let mut others = self.observed.hosts.iter().filter(|(_, seen)| see(seen));
            others
                .next()
                .map(|(other, _)| format!("host {other} sees it"))
        })
    }
}

/// Until when a host that came back has to stay before it gets guests.
fn rejoins(memory: &HostMemory, desired: &Desired) -> Option<Timestamp> {
    Some(memory.back?.plus(rejoin_time(memory, &desired.safety)))
}
