//! Hosts that left the file while guests of ours are on them, or may be: they are looked at, emptied and fenced like the
//! others, until nothing of ours is there for certain. Then they are forgotten. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::condition::HostCondition;
use crate::model::desired::{Desired, Host, Membership};
use crate::model::facts::Observed;
use crate::model::id::{HostId, InstanceId};
use crate::model::memory::{HostMemory, Memory};
use crate::model::plan::Plan;
use crate::model::policy::Fencing;

/// What the rounds work with: the file, and the hosts that leave it. `last` is what they worked with so far.
pub fn with_leaving(file: &Arc<Desired>, memory: &Memory, last: &Arc<Desired>) -> Arc<Desired> {
    let leaving = leaving(file, memory);
    if leaving.is_empty() {
        return Arc::clone(file);
    }
    let known = last.hosts.values().filter(|host| host.is_leaving());
    if last.revision == file.revision && known.eq(leaving.values()) {
        return Arc::clone(last);
    }
    let mut desired = Desired::clone(file);
    desired.hosts.extend(leaving);
    Arc::new(desired)
}

/// The hosts that leave. What memories of earlier versions have of a host is not enough to reach it; and one whose
/// address is in the file under another name did not leave.
fn leaving(file: &Desired, memory: &Memory) -> BTreeMap<HostId, Host> {
    let left = memory.hosts.iter();
    let left = left.filter(|(id, host)| !file.hosts.contains_key(*id) && host.seen.is_some());
    let known = left.filter_map(|(_, memory)| {
        let host = memory.definition.as_ref()?;
        let is_there = |other: &Host| (&other.address, other.port) == (&host.address, host.port);
        (!file.hosts.values().any(is_there)).then(|| (host.id.clone(), leaver(host, memory)))
    });
    known.collect()
}

/// Its devices were in the file. A guard that it has is still there.
fn leaver(host: &Host, memory: &HostMemory) -> Host {
    let lease = memory.armed.then_some(Fencing::Lease);
    Host {
        fencing: lease.into_iter().chain([Fencing::Manual]).collect(),
        membership: Membership::Leaving,
        ..host.clone()
    }
}

/// Forgets hosts that left the file, as far as that follows from what is known of them: nothing of ours is on one out
/// of sight, or it has another name by now.
pub(super) fn forget(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    let left = memory.hosts.iter();
    let left = left.filter(|(id, _)| desired.hosts.get(*id).is_none_or(Host::is_leaving));
    let gone = left.filter(|(id, host)| {
        let seen = observed
            .hosts
            .get(*id)
            .is_some_and(|seen| seen.facts().is_some());
        is_renamed(host, memory, desired) || !seen && is_over(id, host, memory, desired)
    });
    let gone: Vec<HostId> = gone.map(|(id, _)| id.clone()).collect();
    gone.iter().for_each(|id| drop(memory.hosts.remove(id)));
}

/// Forgets hosts that left the file and are seen to be empty, with nothing left to do on them.
pub(super) fn forget_emptied(memory: &mut Memory, plan: &Plan) {
    let busy: BTreeSet<&HostId> = memory.busy.values().map(|busy| &busy.host).collect();
    let acted: BTreeSet<&HostId> = plan.actions.iter().map(|a| a.operation.host()).collect();
    let left = plan.hosts.iter();
    let left = left.filter(|(_, is)| **is == HostCondition::Leaving);
    let empty = |id: &HostId| {
        memory
            .hosts
            .get(id)
            .is_some_and(|host| host.guests.is_empty())
    };
    let gone = left.filter(|(id, _)| empty(id) && !busy.contains(id) && !acted.contains(id));
    let gone: Vec<HostId> = gone.map(|(id, _)| id.clone()).collect();
    gone.iter().for_each(|id| drop(memory.hosts.remove(id)));
}

/// Whether a host of the file has the very same guests: a life is only on one machine.
fn is_renamed(host: &HostMemory, memory: &Memory, desired: &Desired) -> bool {
    let members = memory.hosts.iter();
    let members = members.filter(|(id, _)| desired.hosts.get(*id).is_some_and(|h| !h.is_leaving()));
    let lives = members.flat_map(|(_, other)| other.guests.values());
    let lives: BTreeSet<&str> = lives.map(|mark| mark.generation.as_str()).collect();
    let mut own = host.guests.values();
    own.any(|mark| lives.contains(mark.generation.as_str()))
}

/// Whether a host out of sight needs no care any more. Where guards count hosts, one that has nothing of ours counts too,
/// until there is evidence: a guard out of sight may see it, and rely on it.
fn is_over(id: &HostId, host: &HostMemory, memory: &Memory, desired: &Desired) -> bool {
    let guarded = |host: &Host| !host.is_leaving() && host.fencing.contains(&Fencing::Lease);
    let counted = desired.hosts.contains_key(id) && desired.hosts.values().any(guarded);
    let mut guests = host.guests.keys();
    match (&host.fenced, host.guests.is_empty()) {
        (None, true) => !counted,
        (Some(_), _) => guests.all(|guest| is_settled(guest, id, memory, desired)),
        (None, false) => false,
    }
}

/// Whether a guest that was on a host is elsewhere by now, or nowhere by intention.
fn is_settled(guest: &InstanceId, on: &HostId, memory: &Memory, desired: &Desired) -> bool {
    let group = desired.group_of(guest);
    let wanted = group.is_some_and(|group| (1..=group.replicas).contains(&guest.index));
    let mut others = memory.hosts.iter().filter(|(id, _)| *id != on);
    !wanted || others.any(|(_, other)| other.guests.contains_key(guest))
}
