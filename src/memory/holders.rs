//! Who holds which VIP, when that was last known. Pure.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use crate::model::action::Build;
use crate::model::bug::Bug;
use crate::model::desired::{Desired, Role};
use crate::model::facts::{Observed, Seen};
use crate::model::id::{GroupId, InstanceId};
use crate::model::memory::{Holder, Memory};
use crate::model::time::Timestamp;

/// Takes into memory who holds VIPs.
pub(super) fn remember(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    keep_former(memory, desired);
    see_former(memory, desired, observed);
    for (group, lb) in desired.load_balancers() {
        let vip = lb.vip.addr();
        let mut guests = observed.guests.keys();
        let holder = guests.find(|i| i.group == group.id && has(observed, i, vip) == Some(true));
        if holder.is_some() {
            memory.handing_over.remove(&group.id);
        }
        if let Some(instance) = holder.filter(|_| !still_held(memory, &group.id, vip, observed)) {
            let life = observed_life(desired, observed, instance);
            set_holder(memory, &group.id, (instance, life), vip, observed.now);
        }
    }
    forget_former(memory, desired, observed);
}

/// A load balancer whose VIP is another one now, or that left the file, may hold the one of before still.
fn keep_former(memory: &mut Memory, desired: &Desired) {
    for (group, holder) in &memory.holders {
        let held = holder.vip.filter(|_| !Bug::ForgetTheHolder.is_in());
        if let Some(vip) = held.filter(|vip| vip_of(desired, group) != Some(*vip)) {
            memory.former_holders.insert(vip, holder.clone());
        }
    }
    memory
        .holders
        .retain(|id, _| desired.groups.contains_key(id));
}

/// Who is seen with the VIP of another load balancer has it.
fn see_former(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    let vips: BTreeSet<Ipv4Addr> = desired
        .load_balancers()
        .map(|(_, lb)| lb.vip.addr())
        .collect();
    let seen = observed.guests.iter();
    let seen = seen.filter_map(|(i, seen)| Some((i, vip_of(desired, &i.group)?, seen.facts()?)));
    for (instance, own, facts) in seen {
        let held = facts.addresses.iter().map(|a| a.address);
        for vip in held.filter(|vip| *vip != own && vips.contains(vip)) {
            let holder = Holder {
                instance: instance.clone(),
                generation: observed_life(desired, observed, instance),
                vip: Some(vip),
                since: observed.now,
            };
            let known = memory.former_holders.get(&vip);
            let has_it = known.is_some_and(|h| has(observed, &h.instance, vip) == Some(true));
            if !has_it {
                memory.former_holders.insert(vip, holder);
            }
        }
    }
}

fn vip_of(desired: &Desired, group: &GroupId) -> Option<Ipv4Addr> {
    match &desired.groups.get(group)?.role {
        Role::LoadBalancer(lb) => Some(lb.vip.addr()),
        Role::Service(_) => None,
    }
}

/// What was held is so no more once that life is seen without it, or is nowhere, or the VIP was given to another one.
fn forget_former(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    let lives_on = |holder: &Holder| {
        let mut hosts = memory.hosts.values();
        hosts.any(|host| {
            let mark = host.guests.get(&holder.instance);
            let life = holder.generation.as_ref();
            mark.is_some_and(|mark| life.is_none_or(|life| *life == mark.generation))
        })
    };
    let is_seen_without = |vip: &Ipv4Addr, holder: &Holder| {
        let life = observed_life(desired, observed, &holder.instance);
        let same = life.is_some() && (holder.generation.is_none() || holder.generation == life);
        // What is under way may be giving it right now.
        let at_rest = !memory.busy.contains_key(&holder.instance);
        same && at_rest && has(observed, &holder.instance, *vip) == Some(false)
    };
    let is_given = |vip: &Ipv4Addr| {
        let mut holders = memory.holders.iter();
        holders.any(|(id, h)| h.vip == Some(*vip) && vip_of(desired, id) == h.vip)
    };
    let gone = memory.former_holders.iter();
    let is_seen = |vip: &Ipv4Addr, h: &Holder| has(observed, &h.instance, *vip) == Some(true);
    let gone = gone.filter(|(vip, h)| {
        is_given(vip) && !is_seen(vip, h) || !lives_on(h) || is_seen_without(vip, h)
    });
    let gone: Vec<Ipv4Addr> = gone.map(|(vip, _)| *vip).collect();
    for vip in gone {
        memory.former_holders.remove(&vip);
    }
}

/// Where two hold it, the one that held it before is the holder.
fn still_held(memory: &Memory, group: &GroupId, vip: Ipv4Addr, observed: &Observed) -> bool {
    let known = memory.holders.get(group).filter(|h| h.vip == Some(vip));
    known.is_some_and(|known| has(observed, &known.instance, vip) == Some(true))
}

/// Whether a guest has an address; none where it was not looked into.
fn has(observed: &Observed, instance: &InstanceId, address: Ipv4Addr) -> Option<bool> {
    let facts = observed.guests.get(instance).and_then(Seen::facts)?;
    Some(facts.addresses.iter().any(|a| a.address == address))
}

/// The life of a guest that was looked into.
fn observed_life(desired: &Desired, observed: &Observed, instance: &InstanceId) -> Option<String> {
    let ours = observed.domains_of(&desired.cluster);
    let mut lives =
        ours.filter(|(domain, mark)| domain.run.is_some() && mark.instance == *instance);
    let life = lives.next().map(|(_, mark)| mark.generation.clone());
    // Where it exists twice, nobody knows which one was looked into.
    life.filter(|_| lives.next().is_none())
}

/// The holder of a VIP is being built anew. Until that is known to be done, its old life may have the VIP still, whatever
/// mark we gave it.
pub(super) fn doubt_life(memory: &mut Memory, build: &Build) {
    for holder in held_by(memory, build) {
        if holder.generation == build.replaces {
            holder.generation = None;
        }
    }
}

/// The old life of a holder has ended, and with it what it held.
pub(super) fn end_life(memory: &mut Memory, build: &Build) {
    for holder in held_by(memory, build) {
        if holder.generation.is_none() {
            holder.generation.clone_from(&build.replaces);
        }
    }
}

fn held_by<'m>(memory: &'m mut Memory, build: &'m Build) -> impl Iterator<Item = &'m mut Holder> {
    let holders = memory.holders.values_mut();
    let holders = holders.chain(memory.former_holders.values_mut());
    holders.filter(|holder| holder.instance == build.mark.instance)
}

pub(super) fn set_holder(
    memory: &mut Memory,
    group: &GroupId,
    (instance, life): (&InstanceId, Option<String>),
    vip: Ipv4Addr,
    now: Timestamp,
) {
    let known = memory.holders.get(group);
    let known = known
        .is_some_and(|h| h.instance == *instance && h.vip == Some(vip) && h.generation == life);
    // Who had it before has it no more: a VIP is given only then.
    memory
        .holders
        .retain(|id, holder| id == group || holder.vip != Some(vip));
    if !known {
        let holder = Holder {
            instance: instance.clone(),
            generation: life,
            vip: Some(vip),
            since: now,
        };
        memory.holders.insert(group.clone(), holder);
    }
}
