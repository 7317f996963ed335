//! What a controller may plan and begin: nothing unsound, nothing against orders, no takeover without evidence, a
//! majority and an open brake, no guest that serves ended while its group can't spare it.

use std::collections::BTreeSet;

use super::laws::{broken, outline, plan_is_sound};
use super::orders::plan_obeys_orders;
use super::vigil::{Claim, LOOK, NEWS, is_in_sight, is_stateful};
use super::world::World;
use crate::model::action::{Build, Configure, Operation};
use crate::model::desired::Group;
use crate::model::id::{HostId, InstanceId};
use crate::model::plan::{Action, Plan, ReasonCode};

/// Looks at a plan.
pub fn heed_plan(world: &mut World, plan: &Plan) {
    world.vigil.braked = plan.brake.is_some();
    for look in [plan_is_sound, plan_obeys_orders, plan_heeds_brake] {
        if let Err(law) = look(plan) {
            broken(world, &law);
        }
    }
}

/// While the brake holds, nothing is taken over, and nothing is ended because it is silent.
fn plan_heeds_brake(plan: &Plan) -> Result<(), String> {
    let rash = |action: &&Action| {
        let silent = matches!(
            action.reason.code,
            ReasonCode::HostLost | ReasonCode::HeartbeatLost
        );
        let builds = matches!(
            action.operation,
            Operation::Create(_) | Operation::Recreate(_)
        );
        matches!(action.operation, Operation::FenceHost(_)) || silent && builds
    };
    match plan
        .actions
        .iter()
        .find(rash)
        .filter(|_| plan.brake.is_some())
    {
        None => Ok(()),
        Some(action) => Err(format!(
            "the brake holds, and {} is planned:\n{}",
            action.id,
            outline(plan)
        )),
    }
}

/// Looks at an action before its first effect.
pub fn heed_action(world: &World, action: &Action) {
    let so_far = match &action.operation {
        Operation::Create(build) | Operation::Recreate(build) => may_take_over(world, build),
        Operation::AddVip(vip) => is_proven(world, &Claim::Vip(vip.vip.addr())),
        Operation::FenceHost(fence) => may_give_up(world, &fence.host),
        Operation::CopyImage(_)
        | Operation::Fence(_)
        | Operation::Destroy(_)
        | Operation::Sweep(_)
        | Operation::Bootstrap(_)
        | Operation::Rebind(_)
        | Operation::Configure(_)
        | Operation::DropVip(_)
        | Operation::SetMark(_) => Ok(()),
    };
    let both = so_far.and_then(|()| can_be_spared(world, action));
    if let Err(law) = both {
        let (kind, summary) = (action.operation.kind(), &action.summary);
        broken(
            world,
            &format!("{law}: {kind} {summary} ({})", action.reason.text),
        );
    }
}

/// What is built may be on a host out of sight still.
fn may_take_over(world: &World, build: &Build) -> Result<(), String> {
    let instance = &build.mark.instance;
    let is_last = |life: &str| world.vigil.is_last_life(instance, life);
    // The host itself sees to it that the last life ends.
    if build.replaces.as_deref().is_some_and(is_last) {
        return Ok(());
    }
    if is_stateful(world, instance) {
        is_proven(world, &Claim::Instance(instance.clone()))?;
    }
    // Who starts an older copy may not know what another controller built, or gave the last one up when it might, and
    // could not build it then: harmless for what has no state.
    let group = world.desired.group_of(instance);
    // One more for a while comes and goes: another controller may have made one, too.
    let extra = group.is_some_and(|group| instance.index > group.replicas);
    if build.replaces.is_some() || extra {
        return Ok(());
    }
    let mut copies = world.domains_of(instance);
    let hidden = copies.find(|(id, _, domain)| {
        // One of an earlier life was given up before, as was that from which another controller made the last one where
        // nobody else looked; one that does not run serves nobody.
        let counts = |life: &str| is_last(life) && !world.vigil.began_unseen(id, life);
        let mark = domain.mark.as_ref();
        let last = mark.is_some_and(|m| counts(&m.generation));
        let runs = domain.run.is_some();
        last && runs && **id != build.host && !is_in_sight(world, id)
    });
    let Some((id, ..)) = hidden else {
        return Ok(());
    };
    let patience = world.desired.safety.recover_after;
    let hasty = world.vigil.away(world, id) + LOOK < patience;
    match hasty && !world.vigil.is_proven_off(world, id) {
        true => Err(format!("host {id} is given up at once")),
        false => may_give_up(world, id),
    }
}

fn is_proven(world: &World, claim: &Claim) -> Result<(), String> {
    match world.vigil.unproven(world, claim) {
        None => Ok(()),
        Some(host) => Err(format!(
            "taken over though nothing shows that it ended on host {host}"
        )),
    }
}

/// Nothing is given up without a majority. News takes its time.
fn may_give_up(world: &World, host: &HostId) -> Result<(), String> {
    match world.vigil.in_minority(world) > NEWS {
        true => Err(format!("host {host} is given up without a majority")),
        false => Ok(()),
    }
}

/// A guest that serves is ended or restarted only while enough others serve.
fn can_be_spared(world: &World, action: &Action) -> Result<(), String> {
    let Some(instance) = action
        .operation
        .instance()
        .filter(|_| interrupts(world, action))
    else {
        return Ok(());
    };
    let group = world.desired.group_of(instance);
    let Some(group) = group.filter(|group| instance.index <= group.replicas) else {
        return Ok(());
    };
    let since = |at: Option<&_>| at.map(|at| world.now.since(*at));
    let well = since(world.vigil.well.get(instance)).is_some_and(|well| well > NEWS);
    let fresh = world.now.since(world.vigil.renewed) <= NEWS;
    let twice = world.domains_of(instance).count() > 1;
    if !well || fresh || twice {
        return Ok(());
    }
    let all = 1..=group.replicas.saturating_add(group.budget.surge);
    let all = all.map(|index| InstanceId {
        group: group.id.clone(),
        index,
    });
    // Who is not desired any more serves as well as others, as long as it is there.
    let there = world.domains().filter_map(|(.., d)| world.ours(d));
    let there = there.map(|mark| mark.instance.clone());
    let there = there.filter(|other| other.group == group.id);
    let others: BTreeSet<InstanceId> = all.chain(there).filter(|i| i != instance).collect();
    let serving = others
        .iter()
        .filter(|other| counts(world, group, other))
        .count();
    let needed = group.budget.min_available as usize;
    let is_last = needed > 0 && !others.iter().any(|other| is_thought_to_serve(world, other));
    match serving < needed || is_last {
        true => Err(format!(
            "{instance} serves, and {serving} others do where {needed} must"
        )),
        false => Ok(()),
    }
}

/// Whether the controller may think that an instance serves. Without a budget of its own, what can't be there now does
/// not count against a group.
fn counts(world: &World, group: &Group, instance: &InstanceId) -> bool {
    // That a host is back is news, too.
    let here = |id: &HostId| world.vigil.in_sight_for(world, id) > NEWS;
    let mut copies = world.domains_of(instance);
    let away = !group.budget.given && !copies.any(|(id, _, d)| here(id) && d.run.is_some());
    away || is_thought_to_serve(world, instance)
}

/// Whether an instance serves, or did a moment ago.
fn is_thought_to_serve(world: &World, instance: &InstanceId) -> bool {
    let fell = world.vigil.fell.get(instance);
    let news = fell.is_some_and(|at| world.now.since(*at) <= NEWS);
    let serves = |(_, host, d)| world.serves(host, d);
    news || world.domains_of(instance).any(serves)
}

/// Whether an action takes its guest out of service.
fn interrupts(world: &World, action: &Action) -> bool {
    match &action.operation {
        Operation::Recreate(_)
        | Operation::Fence(_)
        | Operation::Destroy(_)
        | Operation::Rebind(_) => true,
        Operation::Configure(configure) => restarts(world, configure),
        Operation::CopyImage(_)
        | Operation::Create(_)
        | Operation::Sweep(_)
        | Operation::Bootstrap(_)
        | Operation::AddVip(_)
        | Operation::DropVip(_)
        | Operation::SetMark(_)
        | Operation::FenceHost(_) => false,
    }
}

fn restarts(world: &World, configure: &Configure) -> bool {
    let wanted = configure.config.daemon.as_ref().map(|d| &d.revision);
    let mut found = world.domains_of(&configure.guest.instance);
    found.any(|(.., d)| {
        let runs = d.guest.process.as_ref().map(|process| &process.started);
        runs.is_some() && runs != wanted
    })
}
