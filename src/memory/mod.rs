//! What observation can't tell: how memory follows from a round and from an outcome. Pure.

pub mod hosts;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::model::action::{FenceHost, Operation};
use crate::model::desired::{Desired, LoadBalancer, Revision};
use crate::model::facts::{Answer, Observed, Seen};
use crate::model::id::{GroupId, HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::memory::{Busy, Evidence, EvidenceKind, Foreign, GuestMemory, Holder, Memory};
use crate::model::plan::{Action, Motive, NoticeKind, Outcome, Plan, ReasonCode};
use crate::model::policy::Restarts;
use crate::model::time::Timestamp;

/// How many states of the file are remembered as good ones.
const GOOD: usize = 10;

/// Takes a look at the world into memory.
pub fn remember(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    hosts::remember(memory, desired, observed);
    remember_guests(memory, desired, observed);
    forgive(memory, desired, observed);
    remember_holders(memory, desired, observed);
    remember_foreign(memory, observed);
}

fn remember_guests(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    for facts in observed.hosts.values().filter_map(Seen::facts) {
        for domain in &facts.domains {
            let Some(mark) = domain
                .mark
                .as_ref()
                .filter(|m| m.cluster == desired.cluster)
            else {
                continue;
            };
            let run = run(mark, domain.run);
            let group = desired.group_of(&mark.instance);
            let long = group.map_or_else(Restarts::default, |g| g.restarts.clone());
            let long = long.longest_pause;
            let guest = memory.guests.entry(mark.instance.clone()).or_default();
            if guest.run != run {
                *guest = new_run(guest, run, long, observed.now);
            }
            if let Some(beat) = observed.beats.get(&mark.instance) {
                remember_beat(guest, beat.failures, long, observed.now);
            }
        }
    }
    forget_removed(memory, desired);
}

/// The name of a run: see [`crate::plan::run_of`].
fn run(mark: &Mark, number: Option<u32>) -> String {
    match number {
        Some(number) => format!("{}/{number}", mark.generation),
        None => format!("{}/-", mark.generation),
    }
}

/// When a run began that is seen for the first time. A new life began when we built it, which may be long ago: a
/// single pass looks again only after it has waited for the guest in vain.
fn begin_of(old: &GuestMemory, run: &str, now: Timestamp) -> Timestamp {
    let life = |run: &str| run.rsplit_once('/').map(|(life, _)| life.to_owned());
    let same_life = life(&old.run) == life(run);
    old.last_attempt.filter(|_| !same_life).unwrap_or(now)
}

/// A run that ended before it was well for `long` is a crash.
fn new_run(old: &GuestMemory, run: String, long: Duration, now: Timestamp) -> GuestMemory {
    let crashed = old
        .healthy_since
        .is_some_and(|since| now.since(since) < long);
    GuestMemory {
        since: begin_of(old, &run, now),
        run,
        trials: old.trials.clone(),
        crashes: old.crashes.saturating_add(u32::from(crashed)),
        worked_on: old.worked_on,
        last_attempt: old.last_attempt,
        revision: old.revision.clone(),
        tried: old.tried.clone(),
        built: old.built.clone(),
        ..GuestMemory::default()
    }
}

/// A guest that came up has not been tried in vain; one that crashed lately must be well for `long` before that counts.
fn remember_beat(guest: &mut GuestMemory, failures: u32, long: Duration, now: Timestamp) {
    if failures > 0 {
        guest.failing_since.get_or_insert(now);
        return;
    }
    guest.failing_since = None;
    let since = *guest.healthy_since.get_or_insert(now);
    if guest.crashes == 0 || now.since(since) >= long {
        forget_trials(guest);
    }
}

fn forget_trials(guest: &mut GuestMemory) {
    guest.trials.clear();
    guest.crashes = 0;
}

/// What may be the remedy gives those that failed a new chance: another state of the file, a host that is back, or a
/// person who says so.
fn forgive(memory: &mut Memory, desired: &Desired, observed: &Observed) {
    let back = memory.hosts.values().any(|h| h.back == Some(observed.now));
    let failed = memory.guests.iter_mut();
    for (instance, guest) in failed.filter(|(_, guest)| !guest.trials.is_empty()) {
        let retried = observed.orders.retried.get(instance);
        let retried = retried.is_some_and(|order| guest.last_attempt.is_none_or(|l| order.at > l));
        if back || retried || guest.tried.as_ref() != Some(&desired.revision) {
            forget_trials(guest);
        }
    }
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
    memory
        .hosts
        .retain(|id, host| desired.hosts.contains_key(id) || !host.guests.is_empty());
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
            let life = observed_life(observed, instance);
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
fn observed_life(observed: &Observed, instance: &InstanceId) -> Option<String> {
    let domains = observed.hosts.values().filter_map(Seen::facts);
    let marks = domains
        .flat_map(|f| &f.domains)
        .filter(|d| d.run.is_some())
        .filter_map(|d| d.mark.as_ref());
    let mut lives = marks.filter(|m| m.instance == *instance);
    let life = lives.next().map(|m| m.generation.clone());
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
            if matches!(outcome, Outcome::Changed | Outcome::Failed(_)) {
                remember_build(memory, build, revision, now);
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
        Operation::FenceHost(fence) => remember_fencing(memory, fence, outcome, now),
        _ => {}
    }
}

fn remember_fencing(memory: &mut Memory, fence: &FenceHost, outcome: &Outcome, now: Timestamp) {
    let host = memory.hosts.entry(fence.host.clone()).or_default();
    match outcome {
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
    build: &crate::model::action::Build,
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
    plan.actions.is_empty() && !waits && !fails
}

/// What a controller that starts anew keeps of its memory: nobody is at work any more.
pub fn after_restart(mut memory: Memory) -> Memory {
    memory.busy = BTreeMap::new();
    memory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_heartbeat_ends_the_count_of_trials() {
        let mut guest = tried_thrice();
        remember_beat(&mut guest, 0, LONG, Timestamp(20));
        assert!(guest.trials.is_empty());
    }

    #[test]
    fn after_a_crash_only_long_health_ends_the_count_of_trials() {
        let long = LONG;
        let mut guest = tried_thrice();
        guest.crashes = 1;
        remember_beat(&mut guest, 2, long, Timestamp(10));
        assert_eq!(guest.failing_since, Some(Timestamp(10)));
        remember_beat(&mut guest, 0, long, Timestamp(20));
        assert_eq!(
            (guest.failing_since, guest.healthy_since),
            (None, Some(Timestamp(20)))
        );
        remember_beat(&mut guest, 0, long, Timestamp(119));
        assert!(!guest.trials.is_empty());
        remember_beat(&mut guest, 0, long, Timestamp(120));
        assert!(guest.trials.is_empty() && guest.crashes == 0);
    }

    const LONG: Duration = Duration::from_millis(100);

    fn tried_thrice() -> GuestMemory {
        GuestMemory {
            trials: [("a".parse().unwrap(), 3)].into(),
            ..GuestMemory::default()
        }
    }

    #[test]
    fn a_new_life_began_when_it_was_built() {
        let old = GuestMemory {
            run: "g/2".to_owned(),
            last_attempt: Some(Timestamp(5)),
            ..GuestMemory::default()
        };
        assert_eq!(
            new_run(&old, "h/3".to_owned(), LONG, Timestamp(9)).since,
            Timestamp(5)
        );
        assert_eq!(
            new_run(&old, "g/3".to_owned(), LONG, Timestamp(9)).since,
            Timestamp(9)
        );
    }

    #[test]
    fn another_run_of_a_guest_is_not_healthy_because_the_last_one_was() {
        let old = GuestMemory {
            healthy_since: Some(Timestamp(5)),
            ..tried_thrice()
        };
        let new = new_run(&old, "g/2".to_owned(), LONG, Timestamp(9));
        assert_eq!((new.healthy_since, new.since), (None, Timestamp(9)));
        assert_eq!((new.trials, new.crashes), (old.trials, 1));
    }
}
