//! What observation can't tell: how memory follows from a round and from an outcome. Pure.

mod actions;
mod clock;
pub mod guests;
mod holders;
pub mod hosts;
pub mod inherited;
pub mod leaving;
pub mod quorum;
pub mod took;

use std::collections::{BTreeMap, BTreeSet};

pub use actions::{begin, end, revision_of};

use crate::model::bug::Bug;
use crate::model::desired::{Desired, Group, Revision};
use crate::model::facts::{Answer, Observed};
use crate::model::gate::Pending;
use crate::model::id::InstanceId;
use crate::model::memory::{Foreign, GuestMemory, Memory};
use crate::model::plan::{NoticeKind, Plan};
use crate::model::time::Timestamp;

/// How many states of the file are remembered as good ones.
const GOOD: usize = 10;

/// Takes a look at the world into memory.
pub fn remember(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    quorum::remember(memory, desired, observed);
    hosts::remember(memory, desired, observed);
    guests::remember(memory, desired, observed);
    inherited::remember(memory, observed);
    leaving::forget(memory, desired, observed);
    forget_removed(memory, desired);
    guests::forgive(memory, desired, observed);
    holders::remember(memory, desired, observed);
    remember_foreign(memory, observed);
}

/// An instance that is neither desired nor on any host is nothing to remember.
fn forget_removed(memory: &mut Memory, desired: &Desired) {
    let on_a_host: BTreeSet<InstanceId> = memory
        .hosts
        .values()
        .flat_map(|h| h.guests.keys().cloned())
        .collect();
    // Also one more of `surge` is: how often it was tried in vain counts though it goes meanwhile.
    let most = |g: &Group| g.replicas.saturating_add(g.budget.surge);
    let is_desired = |i: &InstanceId| desired.group_of(i).is_some_and(|g| i.index <= most(g));
    memory
        .guests
        .retain(|i, _| is_desired(i) || on_a_host.contains(i));
    memory
        .handing_over
        .retain(|id, _| desired.groups.contains_key(id));
    memory.took.retain(|id, _| desired.groups.contains_key(id));
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

/// Guests that were looked into and that the plan leaves as they are have what the file says: what differs on them
/// from now on while the file stays was changed by somebody else.
pub fn remember_applied(memory: &mut Memory, desired: &Desired, observed: &Observed, plan: &Plan) {
    memory.brake = plan.brake.clone();
    let at_rest = memory.guests.iter_mut();
    for (instance, guest) in at_rest.filter(|(i, _)| !plan.in_hand.contains(*i)) {
        guest.adopted = plan.adopted.get(instance).cloned();
    }
    // That there is nothing to do for what is no target says nothing.
    let whole = plan.orders.targets.is_all();
    if whole {
        leaving::forget_emptied(memory, desired, observed, plan);
    }
    let since = memory.uneven_since.unwrap_or(plan.observed_at);
    memory.uneven_since = plan.uneven.then_some(since);
    if whole && is_good(memory, plan) {
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

/// This state of the file is in force from now on.
pub fn bring_into_force(memory: &mut Memory, revision: &Revision) {
    let before = memory.in_force.replace(revision.clone());
    // Only what makes way for this one was given up for it.
    let given_up = memory.rolled_back.take();
    memory.rolled_back = given_up.filter(|it| before.as_ref() == Some(it));
    memory.pending = None;
}

/// An instance that was set up for this state of the file in vain, where there was a better one. On a host that can't be seen, it may
/// be the host's fault.
pub fn failing<'m>(
    memory: &'m Memory,
    observed: &Observed,
    revision: &Revision,
) -> Option<&'m InstanceId> {
    let better = memory.good.iter().any(|good| good != revision);
    let unproven = better && !memory.good.contains(revision);
    let mut guests = memory.guests.iter().filter(|_| unproven);
    let is_there = |instance: &InstanceId| {
        let seen = observed
            .hosts
            .iter()
            .filter(|(_, seen)| seen.facts().is_some());
        let known = seen.filter_map(|(host, _)| memory.hosts.get(host));
        known
            .into_iter()
            .any(|host| host.guests.contains_key(instance))
    };
    let fails = |guest: &GuestMemory| guest.failed_with.as_ref() == Some(revision);
    let failing = guests.find(|(instance, guest)| {
        fails(guest) && !memory.busy.contains_key(*instance) && is_there(instance)
    });
    failing.map(|(instance, _)| instance)
}

/// A guard holds this state of the file.
pub fn hold_pending(memory: &mut Memory, plan: &Plan, before: Option<&Pending>) {
    let before = before.filter(|pending| pending.revision == plan.revision);
    memory.pending = plan.gate.as_ref().map(|gate| Pending {
        revision: plan.revision.clone(),
        commit: plan.commit.clone(),
        since: before.map_or(plan.observed_at, |pending| pending.since),
        change: gate.change.clone(),
        class: gate.class,
        guards: gate.held_by().cloned().collect(),
    });
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
    guests.for_each(|guest| (guest.built, guest.adopted) = (None, None));
    memory.holders = BTreeMap::new();
    memory.former_holders = BTreeMap::new();
    memory.busy = BTreeMap::new();
    memory.took_over = Some(now);
    hosts::count_anew(memory);
    hosts::doubt(memory);
}

/// What a controller that starts anew, at `now`, keeps of its memory: nobody is at work any more, and nothing was in the future.
pub fn after_restart(mut memory: Memory, now: Timestamp) -> Memory {
    memory.busy = BTreeMap::new();
    clock::not_after(&mut memory, now);
    hosts::count_anew(&mut memory);
    let hosts = memory.hosts.values_mut();
    hosts.for_each(|host| host.guests.retain(|_, _| !Bug::ForgetAtRestart.is_in()));
    memory
}
