//! What observation can't tell: how memory follows from a round and from an outcome. Pure.

pub mod guests;
pub mod hosts;
pub mod leaving;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::model::action::{Build, FenceHost, Operation};
use crate::model::bug::Bug;
use crate::model::desired::{Desired, LoadBalancer, Revision};
use crate::model::facts::{Answer, Observed, Seen};
use crate::model::id::{GroupId, HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::memory::{
    Busy, Evidence, EvidenceKind, Foreign, Holder, Memory, NotBuilt, Serving,
};
use crate::model::plan::{Action, Motive, NoticeKind, Outcome, Plan, ReasonCode};
use crate::model::time::Timestamp;

/// How many states of the file are remembered as good ones.
const GOOD: usize = 10;

/// Takes a look at the world into memory.
pub fn remember(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    hosts::remember(memory, desired, observed);
    guests::remember(memory, desired, observed);
    leaving::forget(memory, desired, observed);
    forget_removed(memory, desired);
    guests::forgive(memory, desired, observed);
    remember_holders(memory, desired, observed);
    remember_foreign(memory, observed);
}

/// An instance that is neither desired nor on any host is nothing to remember.
fn forget_removed(memory: &mut Memory, desired: &Desired) {
    let on_a_host: BTreeSet<InstanceId> = memory
        .hosts
        .values()
        .flat_map(|h| h.guests.keys().cloned())
        .collect();
    let is_desired = |i: &InstanceId| desired.group_of(i).is_some_and(|g| i.index <= g.replicas);
    memory
        .guests
        .retain(|i, _| is_desired(i) || on_a_host.contains(i));
    // The VIP of a group that was removed or renamed is held until its guests are gone.
    let has_guests = |id: &GroupId| on_a_host.iter().any(|i| i.group == *id);
    memory
        .holders
        .retain(|id, _| desired.groups.contains_key(id) || has_guests(id));
    memory
        .handing_over
        .retain(|id, _| desired.groups.contains_key(id));
}

fn remember_holders(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    for (group, lb) in desired.load_balancers() {
        let holder = observed.guests.iter().find(|(instance, seen)| {
            instance.group == group.id
                && seen
                    .facts()
                    .is_some_and(|f| f.addresses.iter().any(|a| a.address == lb.vip.addr()))
        });
        if holder.is_some() {
            memory.handing_over.remove(&group.id);
        }
        if let Some((instance, _)) = holder.filter(|_| !still_held(memory, &group.id, lb, observed))
        {
            let life = observed_life(desired, observed, instance);
            set_holder(
                memory,
                &group.id,
                (instance, life),
                lb.vip.addr(),
                observed.now,
            );
        }
    }
}

/// Where two hold it, the one that held it before is the holder.
fn still_held(memory: &Memory, group: &GroupId, lb: &LoadBalancer, observed: &Observed) -> bool {
    let Some(known) = memory
        .holders
        .get(group)
        .filter(|h| h.vip == Some(lb.vip.addr()))
    else {
        return false;
    };
    let facts = observed.guests.get(&known.instance).and_then(Seen::facts);
    facts.is_some_and(|f| f.addresses.iter().any(|a| a.address == lb.vip.addr()))
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

fn set_holder(
    memory: &mut Memory,
    group: &GroupId,
    (instance, life): (&InstanceId, Option<String>),
    vip: Ipv4Addr,
    now: Timestamp,
) {
    let known = memory
        .holders
        .get(group)
        .filter(|h| h.instance == *instance && h.vip == Some(vip) && h.generation == life);
    if known.is_none() {
        let holder = Holder {
            instance: instance.clone(),
            generation: life,
            vip: Some(vip),
            since: now,
        };
        memory.holders.insert(group.clone(), holder);
    }
}

/// Takes into memory who answered for our addresses.
pub fn remember_foreign(memory: &mut Memory, observed: &Observed) {
    for (address, answer) in &observed.probed {
        match answer {
            Answer::Taken { mac } => {
                let foreign = Foreign {
                    mac: mac.clone(),
                    seen: observed.now,
                };
                memory.foreign.insert(*address, foreign);
            }
            Answer::Silence => {
                memory.foreign.remove(address);
            }
        }
    }
}

/// An action begins: nothing else may touch its instance. A guest may be there, an address taken, a VIP held from now
/// on, whatever becomes of us or of the host.
pub fn begin(memory: &mut Memory, action: &Action, now: Timestamp) {
    if let Some(instance) = action.operation.instance() {
        let busy = Busy {
            action: action.operation.kind().to_owned(),
            summary: action.summary.clone(),
            since: now,
            host: action.operation.host().clone(),
            mark: mark_given(&action.operation).cloned(),
            service: service_meanwhile(&action.operation),
        };
        memory.busy.insert(instance.clone(), busy);
    }
    if action.reason.code == ReasonCode::Uneven {
        memory.evened_out = Some(now);
    }
    if action.operation.ends_a_life() && action.motive != Motive::Heal {
        let guest = action.operation.instance();
        let guest = guest.and_then(|guest| memory.guests.get_mut(guest));
        // That it ends is no crash.
        guest
            .into_iter()
            .for_each(|guest| guest.healthy_since = None);
    }
    match &action.operation {
        Operation::AddVip(vip) => set_holder(
            memory,
            &vip.balancer,
            (&vip.guest.instance, Some(vip.guest.generation.clone())),
            vip.vip.addr(),
            now,
        ),
        Operation::Create(build) | Operation::Recreate(build) => {
            let guest = memory
                .guests
                .entry(build.mark.instance.clone())
                .or_default();
            guest.last_attempt = Some(now);
            guest.built = Some(build.mark.generation.clone());
            remember_mark(memory, &build.host, &build.mark);
        }
        Operation::Rebind(rebind) => remember_mark(memory, &rebind.guest.host, &rebind.moving),
        Operation::DropVip(vip) if action.reason.code == ReasonCode::HolderChanges => {
            let handed = (vip.balancer.clone(), vip.vip.addr());
            memory.handing_over.extend([handed]);
        }
        Operation::CopyImage(_)
        | Operation::Fence(_)
        | Operation::Destroy(_)
        | Operation::Sweep(_)
        | Operation::Bootstrap(_)
        | Operation::Configure(_)
        | Operation::DropVip(_)
        | Operation::SetMark(_)
        | Operation::FenceHost(_) => {}
    }
}

/// The mark that an operation gives to a guest.
fn mark_given(operation: &Operation) -> Option<&Mark> {
    match operation {
        Operation::Create(build) | Operation::Recreate(build) => Some(&build.mark),
        Operation::Bootstrap(bootstrap) => Some(&bootstrap.mark),
        Operation::Rebind(rebind) => Some(&rebind.moving),
        Operation::SetMark(set) => Some(&set.mark),
        Operation::CopyImage(_)
        | Operation::Fence(_)
        | Operation::Destroy(_)
        | Operation::Sweep(_)
        | Operation::Configure(_)
        | Operation::AddVip(_)
        | Operation::DropVip(_)
        | Operation::FenceHost(_) => None,
    }
}

/// Whoever has to give a heartbeat afterwards was started anew.
fn service_meanwhile(operation: &Operation) -> Serving {
    match operation {
        Operation::Configure(configure) if configure.healthy.is_none() => Serving::GoesOn,
        Operation::AddVip(_) | Operation::DropVip(_) | Operation::SetMark(_) => Serving::GoesOn,
        Operation::Configure(_)
        | Operation::CopyImage(_)
        | Operation::Create(_)
        | Operation::Recreate(_)
        | Operation::Fence(_)
        | Operation::Destroy(_)
        | Operation::Sweep(_)
        | Operation::Bootstrap(_)
        | Operation::Rebind(_)
        | Operation::FenceHost(_) => Serving::Pauses,
    }
}

/// An action has ended.
pub fn end(
    memory: &mut Memory,
    action: &Action,
    outcome: &Outcome,
    revision: &Revision,
    now: Timestamp,
) {
    if let Some(instance) = action.operation.instance() {
        memory.busy.remove(instance);
    }
    match &action.operation {
        Operation::Create(build) | Operation::Recreate(build) => {
            if let Outcome::Changed | Outcome::Failed(_) = outcome {
                remember_build(memory, build, outcome, revision, now);
            }
        }
        Operation::Bootstrap(bootstrap) if outcome.is_good() => {
            remember_mark(memory, &bootstrap.guest.host, &bootstrap.mark);
        }
        Operation::Rebind(rebind) if outcome.is_good() => {
            remember_mark(memory, &rebind.guest.host, &rebind.moved);
        }
        Operation::Destroy(removal) if outcome.is_good() => {
            if let Some(host) = memory.hosts.get_mut(&removal.host) {
                host.guests.remove(&removal.instance);
            }
        }
        Operation::Configure(configure) if outcome.is_good() => {
            let guest = memory
                .guests
                .entry(configure.guest.instance.clone())
                .or_default();
            guest.revision = Some(revision.clone());
            if configure.healthy.is_some() {
                guest.worked_on = Some(now);
            }
        }
        Operation::Configure(_) | Operation::Bootstrap(_)
            if matches!(outcome, Outcome::Failed(_)) =>
        {
            let guest = action.operation.instance();
            let guest = guest.and_then(|guest| memory.guests.get_mut(guest));
            guest.into_iter().for_each(|guest| guest.failed = Some(now));
        }
        Operation::FenceHost(fence) => remember_fencing(memory, fence, outcome, now),
        _ => {}
    }
}

fn remember_fencing(memory: &mut Memory, fence: &FenceHost, outcome: &Outcome, now: Timestamp) {
    let host = memory.hosts.entry(fence.host.clone()).or_default();
    let believed = Bug::TrustAFailedFence.is_in().then_some(&Outcome::Changed);
    match believed.unwrap_or(outcome) {
        Outcome::Changed | Outcome::AlreadyDone => {
            host.fenced = Some(Evidence {
                kind: EvidenceKind::Agent,
                at: now,
                text: format!("{} switched it off", fence.agent.program),
            });
        }
        Outcome::Failed(_) => {
            *host.fence_failures.entry(fence.device).or_default() += 1;
            host.fence_failed = Some(now);
        }
        Outcome::Skipped(_) => {}
    }
}

fn remember_build(
    memory: &mut Memory,
    build: &Build,
    outcome: &Outcome,
    revision: &Revision,
    now: Timestamp,
) {
    let guest = memory
        .guests
        .entry(build.mark.instance.clone())
        .or_default();
    *guest.trials.entry(build.host.clone()).or_default() += 1;
    guest.last_attempt = Some(now);
    guest.tried = Some(revision.clone());
    guest.not_built = match outcome {
        Outcome::Failed(why) => Some(NotBuilt {
            host: build.host.clone(),
            why: why.lines().next().unwrap_or_default().to_owned(),
        }),
        Outcome::Changed | Outcome::AlreadyDone | Outcome::Skipped(_) => None,
    };
}

/// So it is there from now on, or may be, even if the host is not seen again.
fn remember_mark(memory: &mut Memory, host: &HostId, mark: &Mark) {
    let host = memory.hosts.entry(host.clone()).or_default();
    host.guests.insert(mark.instance.clone(), mark.clone());
}

/// Guests that were looked into and that the plan leaves as they are have what the file says: what differs on them
/// from now on while the file stays was changed by somebody else.
pub fn remember_applied(memory: &mut Memory, observed: &Observed, plan: &Plan) {
    memory.brake = plan.brake.clone();
    leaving::forget_emptied(memory, plan);
    let since = memory.uneven_since.unwrap_or(plan.observed_at);
    memory.uneven_since = plan.uneven.then_some(since);
    if is_good(memory, plan) {
        memory.good.retain(|revision| *revision != plan.revision);
        memory.good.insert(0, plan.revision.clone());
        memory.good.truncate(GOOD);
    }
    let worked_on: BTreeSet<&InstanceId> = plan
        .actions
        .iter()
        .filter_map(|a| a.operation.instance())
        .collect();
    let spoken_of: BTreeSet<&str> = plan.notices.iter().map(|n| n.subject.as_str()).collect();
    for (instance, seen) in &observed.guests {
        let as_desired = !worked_on.contains(instance)
            && !plan.left_alone.contains(instance)
            && !plan.in_hand.contains(instance)
            && !spoken_of.contains(instance.to_string().as_str());
        let guest = memory
            .guests
            .get_mut(instance)
            .filter(|_| as_desired && seen.facts().is_some());
        if let Some(guest) = guest {
            guest.revision = Some(plan.revision.clone());
        }
    }
}

/// Whether the state of the file proved itself: all that can be done is done, and nothing fails to come up with it.
fn is_good(memory: &Memory, plan: &Plan) -> bool {
    let waits = plan.notices.iter().any(|n| n.kind == NoticeKind::Waiting);
    let mut guests = memory.guests.values();
    let fails = guests.any(|g| !g.trials.is_empty() && g.tried.as_ref() == Some(&plan.revision));
    plan.actions.is_empty() && plan.in_hand.is_empty() && !waits && !fails
}

/// Another controller was at work, and has ended.
pub fn take_over(memory: &mut Memory, now: Timestamp) {
    // Lives that we built may have been ended since, for others that we know nothing of; a VIP may have moved.
    let guests = memory.guests.values_mut();
    guests.for_each(|guest| guest.built = None);
    memory.holders = BTreeMap::new();
    memory.busy = BTreeMap::new();
    memory.took_over = Some(now);
    hosts::count_anew(memory);
}

/// What a controller that starts anew keeps of its memory: nobody is at work any more.
pub fn after_restart(mut memory: Memory) -> Memory {
    memory.busy = BTreeMap::new();
    hosts::count_anew(&mut memory);
    let hosts = memory.hosts.values_mut();
    hosts.for_each(|host| host.guests.retain(|_, _| !Bug::ForgetAtRestart.is_in()));
    memory
}
