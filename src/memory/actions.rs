//! What is remembered of actions: that they are under way, and what became of them.

use std::time::Duration;

use super::guests;
use super::holders::{doubt_life, end_life, set_holder};
use super::took::measure;
use crate::model::action::{Build, FenceHost, Operation};
use crate::model::bug::Bug;
use crate::model::desired::Revision;
use crate::model::id::HostId;
use crate::model::mark::Mark;
use crate::model::memory::{Busy, Evidence, EvidenceKind, Memory, NotBuilt, Serving};
use crate::model::plan::{Action, Motive, Outcome, ReasonCode};
use crate::model::time::Timestamp;

/// An action begins: nothing else may touch its instance. A guest may be there, an address taken, a VIP held from now
/// on, whatever becomes of us or of the host.
pub fn begin(memory: &mut Memory, action: &Action, revision: &Revision, now: Timestamp) {
    if let Some(instance) = action.operation.instance() {
        let busy = Busy {
            action: action.operation.kind().to_owned(),
            summary: action.summary.clone(),
            since: now,
            host: action.operation.host().clone(),
            mark: mark_given(&action.operation).cloned(),
            service: service_meanwhile(&action.operation),
            revision: Some(revision.clone()),
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
            // How the life before it was set up says nothing of this one.
            guest.failed_with = None;
            guest.built = Some(build.mark.generation.clone());
            guest.adopted = None;
            remember_mark(memory, &build.host, &build.mark);
            doubt_life(memory, build);
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
        | Operation::SetMark(_) => {}
        Operation::FenceHost(fence) => {
            memory
                .hosts
                .entry(fence.host.clone())
                .or_default()
                .switching_off = true;
        }
    }
}

/// Whether files are brought back to what nobody has edited.
fn is_mending(action: &Action) -> bool {
    let drift = action.reason.code == ReasonCode::ConfigDrift;
    action.motive == Motive::Heal && drift && !action.changes.is_empty()
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
        Operation::Configure(c) if c.healthy.is_none() && !c.starts => Serving::GoesOn,
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

/// What is remembered of an action that is under way. One that never began may be about an instance that another one is at
/// work on.
fn busy_with<'m>(memory: &'m Memory, action: &Action) -> Option<&'m Busy> {
    let busy = memory.busy.get(action.operation.instance()?)?;
    let is_it = busy.action == action.operation.kind() && busy.summary == action.summary;
    is_it.then_some(busy)
}

/// The state of the file that an action under way was decided for: it may be another one by now.
pub fn revision_of(memory: &Memory, action: &Action) -> Option<Revision> {
    busy_with(memory, action)?.revision.clone()
}

/// An action that was decided for this state of the file has ended, after so long.
pub fn end(
    memory: &mut Memory,
    action: &Action,
    (outcome, took): (&Outcome, Duration),
    revision: &Revision,
    now: Timestamp,
) {
    measure(memory, action, outcome, took);
    if let (Some(instance), Some(_)) = (action.operation.instance(), busy_with(memory, action)) {
        memory.busy.remove(instance);
    }
    match &action.operation {
        Operation::Create(build) | Operation::Recreate(build) => {
            if outcome.is_good() {
                end_life(memory, build);
            }
            if let Outcome::Changed | Outcome::Failed(_) = outcome {
                // A look that began before may have said that it is not there.
                remember_mark(memory, &build.host, &build.mark);
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
            if let Some(guest) = memory.guests.get_mut(&removal.instance)
                && action.motive != Motive::Heal
            {
                guest.ended = Some(removal.generation.clone());
            }
        }
        Operation::Configure(configure) if outcome.is_good() => {
            let guest = memory
                .guests
                .entry(configure.guest.instance.clone())
                .or_default();
            guest.revision = Some(revision.clone());
            if is_mending(action) {
                guests::remember_mended(guest, revision, now);
            }
            match configure.healthy {
                Some((ref heartbeat, _)) => {
                    guest.worked_on = Some(now);
                    guest.answered = Some(heartbeat.asked_at());
                    guests::remember_life(guest, &configure.guest.generation, now);
                }
                None if configure.starts => guest.started = Some(now),
                None => {}
            }
        }
        Operation::Configure(_) | Operation::Bootstrap(_)
            if matches!(outcome, Outcome::Failed(_)) =>
        {
            let guest = action.operation.instance();
            if let Some(guest) = guest.and_then(|guest| memory.guests.get_mut(guest)) {
                guest.failed = Some(now);
                guest.failed_with = Some(revision.clone());
                guest.answered = None;
            }
        }
        Operation::FenceHost(fence) => remember_fencing(memory, fence, outcome, now),
        _ => {}
    }
}

fn remember_fencing(memory: &mut Memory, fence: &FenceHost, outcome: &Outcome, now: Timestamp) {
    let host = memory.hosts.entry(fence.host.clone()).or_default();
    host.switching_off &= matches!(outcome, Outcome::Skipped(_));
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
