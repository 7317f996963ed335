//! Operators' commands: what they turn, and when they are refused, as the real ones are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::model::command::{Command, End, Turn};
use crate::model::desired::{Desired, Revision};
use crate::model::gate::ChangeId;
use crate::model::id::{HostId, InstanceId};
use crate::model::orders::{Order, OrderKey, Orders, Scope};
use crate::model::scenario::{Libvirt, Node};
use crate::model::time::Timestamp;
use crate::sim::state::{HostState, Link};
use crate::sim::world::World;

/// What is done once is forgotten after a day, as the commands have it.
const ONCE: Duration = Duration::from_secs(86_400);

/// The states of the file, and which is applied.
pub struct States {
    /// Every one so far, the last one as the file is now.
    pub all: Vec<Arc<Desired>>,
    /// Those with which all was as desired, the last one first.
    pub good: Vec<Revision>,
    /// Instances that were tried in vain.
    pub in_vain: BTreeSet<InstanceId>,
    /// The change that waits.
    pub waits: Option<ChangeId>,
}

/// What a command came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Something is another way now.
    Changed,
    /// It was so already.
    Nothing,
}

impl States {
    /// What the file says now.
    pub fn present(&self) -> Option<&Arc<Desired>> {
        self.all.last()
    }

    /// The state that is applied: the present one, or the last good one where that is held.
    pub fn in_force(&self, world: &World) -> Option<&Arc<Desired>> {
        let (orders, present) = (&world.orders, self.present()?);
        if !orders.held.contains_key(&present.revision) {
            return Some(present);
        }
        let state = |revision: &Revision| self.all.iter().find(|s| s.revision == *revision);
        let kept = |revision: &Revision| state(revision).is_some();
        state(orders.instead_of(&present.revision, &self.good, kept)?)
    }
}

/// The next moment, `until` at the latest, at which orders end because their time is over, and which. What is done once
/// was done long before.
pub fn next_end(world: &World, until: Timestamp) -> Option<(Timestamp, Vec<OrderKey>)> {
    let mut ends: BTreeMap<Timestamp, Vec<OrderKey>> = BTreeMap::new();
    for (key, order) in world.orders.all().filter(|(key, _)| key.undo().is_some()) {
        if let Some(end) = order.until.filter(|end| *end <= until) {
            ends.entry(end).or_default().push(key);
        }
    }
    ends.into_iter().next()
}

/// Does what a command asks for, or says why not.
pub fn obey(world: &mut World, command: &Command, states: &States) -> Result<Done, String> {
    let before = world.orders.clone();
    turn(world, command, states)?;
    Ok(match is_as(&before, &world.orders) {
        true => Done::Nothing,
        false => Done::Changed,
    })
}

/// Whether the same is ordered, for the same reasons and as long, whenever that was said.
fn is_as(before: &Orders, after: &Orders) -> bool {
    let lasting = |orders: &Orders| {
        let all = orders.all();
        let all = all.map(|(key, order)| {
            let (once, said) = (key.is_once(), (order.reason.clone(), order.until));
            (key, said, once.then_some(order.at))
        });
        all.collect::<Vec<_>>()
    };
    lasting(before) == lasting(after)
}

fn turn(world: &mut World, command: &Command, states: &States) -> Result<(), String> {
    match &command.turn {
        Turn::Give(key) => give(world, key.clone(), command, states)?,
        Turn::Take(key) => drop(world.orders.take(key)),
        Turn::Resume(scope) => {
            world.orders.take(&OrderKey::Paused(scope.clone()));
            if *scope == Scope::Cluster {
                put(world, OrderKey::Released, command)?;
            }
        }
        Turn::Rollback(revision) => hold(world, revision.as_ref(), command, states)?,
        Turn::Approve { now } => {
            let change = states.waits.clone().ok_or("no change waits for approval")?;
            if *now {
                put(world, OrderKey::Hurried(change.clone()), command)?;
            }
            put(world, OrderKey::Allowed(change), command)?;
        }
        Turn::Undo(revision) => {
            let held = known(revision.as_ref(), states)?;
            world.orders.take(&OrderKey::Held(held));
        }
    }
    Ok(())
}

fn give(
    world: &mut World,
    key: OrderKey,
    command: &Command,
    states: &States,
) -> Result<(), String> {
    let desired = &world.desired;
    match &key {
        OrderKey::Drained(host) | OrderKey::Paused(Scope::Host(host)) => {
            ensure(world.hosts.contains_key(host), || not_in_the_file(&key))?;
        }
        OrderKey::Paused(Scope::Group(group)) => {
            ensure(desired.groups.contains_key(group), || not_in_the_file(&key))?;
        }
        OrderKey::Retried(instance) => {
            let mut all = desired.instances();
            ensure(all.any(|(i, _)| i == *instance), || not_in_the_file(&key))?;
            ensure(states.in_vain.contains(instance), || {
                format!("{instance} was not tried in vain: there is nothing to try again")
            })?;
        }
        OrderKey::Confirmed(host) => may_be_off(world, host, command.force)?,
        OrderKey::Disarmed
        | OrderKey::Paused(Scope::Cluster)
        | OrderKey::Released
        | OrderKey::Approved(_)
        | OrderKey::Allowed(_)
        | OrderKey::Hurried(_)
        | OrderKey::Unprotected(_)
        | OrderKey::Held(_) => {}
    }
    put(world, key, command)
}

fn put(world: &mut World, key: OrderKey, command: &Command) -> Result<(), String> {
    let at = world.now;
    let once = matches!(
        key,
        OrderKey::Released
            | OrderKey::Retried(_)
            | OrderKey::Allowed(_)
            | OrderKey::Hurried(_)
            | OrderKey::Unprotected(_)
    );
    let until = match command.ends {
        Some(End::After(span)) => Some(at.plus(span)),
        Some(End::At(until)) => {
            let until = until.resolve(at, &TimeZone::UTC);
            Some(until.map_err(|why| format!("--until: {why}"))?)
        }
        None => once.then(|| at.plus(ONCE)),
    };
    let order = Order {
        by: "operator".to_owned(),
        at,
        reason: command.reason.clone(),
        until,
        to: None,
    };
    world.orders.put(key, order);
    Ok(())
}

fn ensure(so: bool, otherwise: impl Fn() -> String) -> Result<(), String> {
    if so { Ok(()) } else { Err(otherwise()) }
}

fn not_in_the_file(key: &OrderKey) -> String {
    format!("there is no {} in the file", key.subject())
}

/// Why a host is not confirmed to be off: the machine of the controller gets an answer from it, or can connect to it at
/// least.
fn may_be_off(world: &World, id: &HostId, force: bool) -> Result<(), String> {
    let seen = world.wire.joins(&Node::Controller, &Node::Host(id.clone()));
    let accepts = |host: &&HostState| seen && host.link != Link::Unreachable && world.is_on(host);
    let Some(host) = world.hosts.get(id).filter(accepts) else {
        return Ok(());
    };
    match host.libvirt {
        Libvirt::Hangs => ensure(force, || {
            format!(
                "host {id} accepts connections and then hangs, so its guests may run: nothing was confirmed"
            )
        }),
        Libvirt::Works | Libvirt::Slow | Libvirt::Fails => Err(format!(
            "host {id} answers, so it is neither off nor cut off: nothing was confirmed"
        )),
    }
}

/// The present state of the file is not to be applied any more, but an earlier one.
fn hold(
    world: &mut World,
    revision: Option<&Revision>,
    command: &Command,
    states: &States,
) -> Result<(), String> {
    let held = known(None, states)?;
    let to = revision
        .map(|named| known(Some(named), states))
        .transpose()?;
    let key = OrderKey::Held(held.clone());
    put(world, key.clone(), command)?;
    if let Some(order) = world.orders.held.get_mut(&held) {
        order.to = to;
    }
    if states.in_force(world).is_none() {
        world.orders.take(&key);
        return Err(format!(
            "there is no state of the file to go back to from {held}: none before it was ever applied in full"
        ));
    }
    Ok(())
}

/// A state that the file had, or the present one.
fn known(revision: Option<&Revision>, states: &States) -> Result<Revision, String> {
    let present = || states.present().map(|state| state.revision.clone());
    let found = match revision {
        None => present(),
        Some(named) => {
            let mut all = states.all.iter().map(|state| &state.revision);
            all.find(|revision| *revision == named).cloned()
        }
    };
    found.ok_or_else(|| {
        let named = revision.map(|revision| revision.0.as_str());
        let named = named.unwrap_or_default();
        format!("revision {named} is not known: nothing was ever done for it")
    })
}
