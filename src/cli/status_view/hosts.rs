//! Hosts of a status report. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{HostState, HostStatus, World};
use crate::model::condition::HostCondition;
use crate::model::desired::Host;
use crate::model::facts::{HostFacts, Seen};
use crate::model::id::HostId;
use crate::model::mark::Mark;
use crate::model::memory::HostMemory;
use crate::model::time::Timestamp;

pub(super) fn statuses(
    world: World<'_>,
    conditions: &BTreeMap<HostId, HostCondition>,
) -> Vec<HostStatus> {
    let hosts = world.desired.hosts.values();
    hosts
        .filter_map(|host| Some(status(world, host, *conditions.get(&host.id)?)))
        .collect()
}

fn status(world: World<'_>, host: &Host, condition: HostCondition) -> HostStatus {
    let seen = world.observed.hosts.get(&host.id);
    let facts = seen.and_then(Seen::facts);
    let memory = world.memory.hosts.get(&host.id);
    let marks = match facts {
        Some(facts) => Some(ours(world, facts)),
        None => memory
            .filter(|memory| memory.seen.is_some())
            .map(remembered),
    };
    let (state, reason) = state(seen);
    HostStatus {
        host: host.id.clone(),
        condition,
        state,
        reason,
        since: memory.and_then(|memory| since(memory, state)),
        guests: marks.as_ref().map(Vec::len),
        cpus: facts.and_then(|facts| facts.cpus),
        memory: facts.and_then(|facts| facts.memory),
        pool_used: marks.map(|marks| used(host, &marks)),
        pool_size: host.pool.size(),
    }
}

fn remembered(memory: &HostMemory) -> Vec<&Mark> {
    memory.guests.values().collect()
}

/// The marks of our cluster on a host.
fn ours<'a>(world: World<'_>, facts: &'a HostFacts) -> Vec<&'a Mark> {
    let marks = facts
        .domains
        .iter()
        .filter_map(|domain| domain.mark.as_ref());
    marks
        .filter(|mark| mark.cluster == world.desired.cluster)
        .collect()
}

fn state(seen: Option<&Seen<HostFacts>>) -> (HostState, Option<String>) {
    match seen {
        Some(Seen::Yes(_)) => (HostState::Seen, None),
        Some(Seen::No(unseen)) => (unseen.kind.into(), Some(unseen.message.clone())),
        None => (HostState::Unreachable, Some("it was not asked".to_owned())),
    }
}

/// Since when a host is as it is. Where memory is older than the change, a lost host is gone since it was last seen.
fn since(memory: &HostMemory, state: HostState) -> Option<Timestamp> {
    let was_seen = memory.seen.is_some_and(|seen| seen >= memory.since);
    match (was_seen, state == HostState::Seen) {
        (true, true) | (false, false) => Some(memory.since),
        (true, false) => memory.seen,
        (false, true) => None,
    }
}

fn used(host: &Host, marks: &[&Mark]) -> usize {
    let taken = marks.iter().flat_map(|mark| mark.addresses());
    let taken: BTreeSet<_> = taken.filter(|a| host.pool.contains(*a)).collect();
    taken.len()
}
