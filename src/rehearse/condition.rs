//! What the controller takes a host for: the planner's own classification, of what the controller remembers of its last
//! look and of the signs of life that there are now.

use std::collections::BTreeMap;

use crate::model::desired::Desired;
use crate::model::facts::{
    Beat, Domain, DomainState as Run, HostFacts, Observed, Seen, Unseen, UnseenKind,
};
use crate::model::id::{HostId, InstanceId};
use crate::model::memory::{HostMemory, Memory};
use crate::model::scenario::HostCondition;
use crate::plan::hosts::{HostState, Hosts};
use crate::sim::world::{DomainState, World};

/// What a host is taken for; none: it is not in the file.
pub fn condition(world: &World, memory: &Memory, host: &HostId) -> Option<HostCondition> {
    let desired: &Desired = &world.desired;
    let observed = observed(world, memory);
    let hosts = Hosts::judge(desired, &observed, memory);
    let drained = observed.orders.drained.contains_key(host);
    Some(match hosts.state(host)? {
        HostState::Online | HostState::Rejoining { .. } if drained => HostCondition::Maintenance,
        HostState::Online => HostCondition::Online,
        HostState::Rejoining { .. } => HostCondition::Rejoining,
        HostState::Suspect { .. } => HostCondition::Suspect,
        HostState::Unreachable { .. } => HostCondition::Unreachable,
        HostState::Fenced(_) => HostCondition::Fenced,
    })
}

fn observed(world: &World, memory: &Memory) -> Observed {
    let hosts = world.desired.hosts.keys();
    let seen = hosts.map(|id| (id.clone(), seen(world, memory.hosts.get(id), id)));
    let beats = world.desired.instances();
    let beats = beats.filter_map(|(instance, _)| Some((instance.clone(), beat(world, &instance)?)));
    Observed {
        now: world.now,
        hosts: seen.collect(),
        beats: beats.collect(),
        orders: world.orders.clone().in_force(world.now),
        ..Observed::default()
    }
}

/// Whether the last look saw it, and what it would say now.
fn seen(world: &World, memory: Option<&HostMemory>, id: &HostId) -> Seen<HostFacts> {
    let was_seen = memory.is_some_and(|host| host.seen.is_some_and(|seen| seen >= host.since));
    if !was_seen {
        let unseen = world.unseen(id);
        return Seen::No(unseen.unwrap_or_else(|| Unseen {
            kind: UnseenKind::Unreachable,
            message: "it was out of sight at the last look".to_owned(),
        }));
    }
    let others = world.hosts.keys().filter(|other| *other != id);
    let sees: BTreeMap<HostId, bool> = others
        .map(|other| (other.clone(), world.sees(id, other)))
        .collect();
    let state = world.hosts.get(id);
    let domains = state.iter().flat_map(|state| &state.domains);
    Seen::Yes(HostFacts {
        domains: domains.map(|(name, d)| domain(name, d)).collect(),
        sees,
        ..HostFacts::default()
    })
}

fn domain(name: &str, domain: &DomainState) -> Domain {
    Domain {
        name: name.to_owned(),
        uuid: domain.uuid.clone(),
        state: match domain.run {
            Some(_) => Run::Running,
            None => Run::Off,
        },
        run: domain.run,
        mark: domain.mark.clone(),
    }
}

/// The heartbeat of an instance that the controller can hear.
fn beat(world: &World, instance: &InstanceId) -> Option<Beat> {
    let mut copies = world.domains_of(instance);
    let heard = copies
        .any(|(id, host, domain)| world.off_the_wire(id).is_none() && world.serves(host, domain));
    heard.then(|| Beat {
        last_ok: Some(world.now),
        ..Beat::default()
    })
}
