//! What must never happen, looked at with every effect.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::PoisonError;

use super::world::{DomainState, HostState, Link, Rounds, World};
use crate::model::action::Operation;
use crate::model::desired::{Group, LoadBalancer, Role};
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::orders::Scope;
use crate::model::plan::{Action, ActionId, Plan};
use crate::model::scenario::{Libvirt, Node};
use crate::plan::machine;

/// Instances that exist twice: what was so before an effect is not the effect's fault.
pub struct Before(BTreeSet<InstanceId>);

/// What is doubled now.
pub fn before(world: &World) -> Before {
    Before(doubled_instances(world))
}

/// No effect may put an instance into the world a second time.
pub fn after(world: &World, before: &Before) {
    if let Some(instance) = doubled_instances(world).difference(&before.0).next() {
        broken(world, &format!("{instance} exists twice"));
    }
}

fn doubled_instances(world: &World) -> BTreeSet<InstanceId> {
    let mut seen = BTreeSet::new();
    let counts = |id: &HostId, host: &HostState| {
        // A copy that nobody can reach is left behind, and ended when its host is back.
        let known = world.vigil.was_looked_at(world, id) || world.rounds == Rounds::Apart;
        // A second controller was never told of hosts that left the file before it came.
        let told = world.seen_by == Node::Controller || world.desired.hosts.contains_key(id);
        // A copy on a paused host is left there.
        let paused = Scope::Host(id.clone());
        known
            && told
            && !world.orders.paused.contains_key(&paused)
            && world.unseen(id).is_none()
            && !host.known_unseen.contains(&world.seen_by)
            && host.libvirt == Libvirt::Works
    };
    let marks = world
        .domains()
        .filter_map(|(id, host, d)| Some((id, host, d, world.ours(d)?)))
        .filter(|(id, host, ..)| counts(id, host))
        .map(|(.., mark)| mark);
    marks
        .filter(|m| !seen.insert(m.instance.clone()))
        .map(|m| m.instance.clone())
        .collect()
}

/// A domain without our mark is never touched.
pub fn is_ours(world: &World, domain: &DomainState, name: &str) {
    if world.ours(domain).is_none() {
        broken(world, &format!("{name} is foreign and was touched"));
    }
}

/// What is not seen is left alone.
pub fn is_not_known_unseen(world: &World, host: &HostState, name: &str) {
    if host.known_unseen.contains(&world.seen_by) && world.rounds == Rounds::Apart {
        broken(world, &format!("{name} can't be seen and was touched"));
    }
}

/// A guest that serves is about to be ended, restarted or renumbered: nobody may be sending requests to it, unless
/// nobody else could answer them.
pub fn may_interrupt(world: &World, host: &HostState, domain: &DomainState) {
    let Some(mark) = world
        .ours(domain)
        .filter(|_| world.strict && world.serves(host, domain))
    else {
        return;
    };
    match world.desired.group_of(&mark.instance).map(|g| &g.role) {
        Some(Role::LoadBalancer(lb))
            if domain.guest.holds(lb.vip.addr()) && others_serve(world, &mark.instance) =>
        {
            broken(
                world,
                &format!("{} is interrupted while it holds the VIP", mark.instance),
            );
        }
        Some(Role::LoadBalancer(_)) => {}
        Some(Role::Service(_)) if !others_serve(world, &mark.instance) => {}
        Some(Role::Service(_)) | None => {
            if let Some(sender) = sender_to(world, mark.address, mark.port) {
                broken(
                    world,
                    &format!(
                        "{} is interrupted while {sender} sends requests to it",
                        mark.instance
                    ),
                );
            }
        }
    }
}

/// Whether another desired instance of the group serves.
fn others_serve(world: &World, instance: &InstanceId) -> bool {
    let desired = world.desired.group_of(instance).map_or(0, |g| g.replicas);
    others_up_to_serve(world, instance, desired)
}

/// Whether another instance of the group, of those up to this number, serves.
fn others_up_to_serve(world: &World, instance: &InstanceId, most: u32) -> bool {
    world.domains().any(|(_, host, d)| {
        let Some(mark) = world.ours(d) else {
            return false;
        };
        let other = mark.instance.group == instance.group && mark.instance != *instance;
        other && mark.instance.index <= most && world.serves(host, d)
    })
}

/// A load balancer that is wanted, serves, can be reached, and sends requests there.
fn sender_to(world: &World, address: Ipv4Addr, port: u16) -> Option<InstanceId> {
    let senders = world
        .domains()
        .filter(|(_, host, d)| host.link == Link::Up && world.serves(host, d));
    senders
        .filter_map(|(_, _, d)| Some((&world.ours(d)?.instance, d.guest.process.as_ref()?)))
        .filter(|(instance, _)| is_wanted_balancer(world, instance))
        .find(|(_, process)| process.program.upstreams.contains(&(address, port)))
        .map(|(instance, _)| instance.clone())
}

fn is_wanted_balancer(world: &World, instance: &InstanceId) -> bool {
    world.is_balancer(instance) && is_wanted(world, instance)
}

/// A load balancer loads another configuration: whoever comes into rotation by it must be well.
pub fn may_send_to(
    world: &World,
    old: &BTreeSet<(Ipv4Addr, u16)>,
    new: &BTreeSet<(Ipv4Addr, u16)>,
    who: &InstanceId,
) {
    for (address, port) in new
        .difference(old)
        .filter(|_| world.strict && !old.is_empty())
    {
        let well = world.domains().any(|(_, host, d)| {
            d.guest.holds(*address)
                && host.power
                && d.guest.is_up(d.run, world.now)
                && d.guest.listens(*port, world.now)
        });
        if !well {
            broken(
                world,
                &format!("{who} sends requests to {address}:{port}, where nobody answers"),
            );
        }
    }
}

/// A VIP goes to a guest that answers requests, and only to one of ours.
pub fn may_get_vip(world: &World, host: &HostState, domain: &DomainState) {
    if world.strict && !world.serves(host, domain) {
        broken(
            world,
            "the VIP goes to a guest that does not answer requests",
        );
    }
}

/// A VIP that is wanted leaves a guest only while another one can take it.
pub fn may_lose_vip(world: &World, domain: &DomainState, vip: Ipv4Addr) {
    let Some(mark) = world.ours(domain).filter(|_| world.strict) else {
        return;
    };
    let wanted = world
        .desired
        .load_balancers()
        .any(|(_, lb)| lb.vip.addr() == vip);
    // One that is not desired any more may have it for a while.
    if wanted && !others_up_to_serve(world, &mark.instance, u32::MAX) {
        broken(
            world,
            &format!("{} loses the VIP and nobody can take it", mark.instance),
        );
    }
}

/// Where the controller says that all is as desired, it must be. An error says what is not.
pub fn is_as_desired(world: &World) -> Result<(), String> {
    for (instance, group) in world.desired.instances() {
        instance_is_as_desired(world, &instance, group)?;
    }
    let marks = of_concern(world).filter_map(|(.., d)| world.ours(d));
    let mut surplus = marks.filter(|m| !is_wanted(world, &m.instance));
    surplus
        .next()
        .map_or(Ok(()), |m| Err(format!("{} is surplus", m.instance)))?;
    for (group, lb) in world.desired.load_balancers() {
        balancer_is_as_desired(world, group, lb)?;
    }
    let vips: BTreeSet<_> = world
        .desired
        .load_balancers()
        .map(|(_, lb)| lb.vip.addr())
        .collect();
    let mut held = of_concern(world).flat_map(|(.., d)| &d.guest.addresses);
    let stale = held.any(|a| a.vip && !vips.contains(&a.address));
    ensure(!stale, || "a VIP that is not desired is held".to_owned())
}

/// All but what is switched off on hosts that were removed from the file: those are nobody's any more.
fn of_concern(world: &World) -> impl Iterator<Item = (&HostId, &HostState, &DomainState)> {
    let runs = |host: &HostState, d: &DomainState| host.power && d.run.is_some();
    let in_file = |id| world.desired.hosts.contains_key(id);
    world
        .domains()
        .filter(move |(id, host, d)| in_file(*id) || runs(host, d))
}

pub(super) fn ensure(so: bool, otherwise: impl Fn() -> String) -> Result<(), String> {
    if so { Ok(()) } else { Err(otherwise()) }
}

fn instance_is_as_desired(
    world: &World,
    instance: &InstanceId,
    group: &Group,
) -> Result<(), String> {
    let is_it = |d: &DomainState| world.ours(d).is_some_and(|m| m.instance == *instance);
    let found: Vec<_> = of_concern(world).filter(|(.., d)| is_it(d)).collect();
    let [(id, host, domain)] = found[..] else {
        return Err(format!("{instance} exists {} times", found.len()));
    };
    ensure(world.serves(host, domain), || {
        format!("{instance} does not serve")
    })?;
    let (Some(mark), Some(desired)) = (world.ours(domain), world.desired.hosts.get(id)) else {
        return Err(format!("{instance} is on a host that is not in the file"));
    };
    let in_pool = desired.pool.contains(mark.address) && domain.guest.holds(mark.address);
    ensure(in_pool, || format!("{instance} is not at its address"))?;
    ensure(mark.port == group.port(), || {
        format!("{instance} has another port")
    })?;
    let image = world.desired.images.get(&group.image);
    let wanted = image.map(|i| machine::fingerprint(&world.desired, group, i, desired));
    let wanted = wanted.map(|wanted| machine::like(&mark.digest, wanted.into()));
    ensure(Some(&*mark.digest) == wanted.as_deref(), || {
        format!("{instance} is another machine")
    })
}

fn balancer_is_as_desired(world: &World, group: &Group, lb: &LoadBalancer) -> Result<(), String> {
    let holders = world.answers(lb.vip.addr()).len();
    let wanted = usize::from(group.replicas > 0);
    ensure(holders == wanted, || {
        format!("{} is held {holders} times", lb.vip)
    })?;
    let routed = |m: &&Mark| lb.routes.iter().any(|r| r.service == m.instance.group);
    let marks = of_concern(world)
        .filter_map(|(.., d)| world.ours(d))
        .filter(routed);
    let wanted: BTreeSet<_> = marks.map(|m| (m.address, m.port)).collect();
    for (.., domain) in of_concern(world) {
        let mark = world.ours(domain).filter(|m| m.instance.group == group.id);
        if let (Some(mark), Some(process)) = (mark, &domain.guest.process) {
            let right = *process.upstreams() == wanted;
            ensure(right, || {
                format!("{} sends requests elsewhere", mark.instance)
            })?;
        }
    }
    Ok(())
}

fn is_wanted(world: &World, instance: &InstanceId) -> bool {
    let group = world.desired.group_of(instance);
    group.is_some_and(|g| instance.index <= g.replicas)
}

/// What every plan must be: actions lean on earlier ones only, and no two that could run side by side are about the
/// same instance or the same VIP. An error says what is not so.
pub fn plan_is_sound(plan: &Plan) -> Result<(), String> {
    let mut before: BTreeMap<ActionId, BTreeSet<ActionId>> = BTreeMap::new();
    for (index, action) in plan.actions.iter().enumerate() {
        let all = everything_before(action, index, &before)
            .map_err(|why| format!("{why}:\n{}", outline(plan)))?;
        for other in plan.actions.iter().take(index) {
            let what = same_thing(&action.operation, &other.operation);
            if let Some(what) = what.filter(|_| !all.contains(&other.id)) {
                let (one, two) = (other.id, action.id);
                return Err(format!(
                    "{one} and {two} both touch {what}, in no order:\n{}",
                    outline(plan)
                ));
            }
        }
        before.insert(action.id, all);
    }
    Ok(())
}

/// The actions that have ended when this one begins.
fn everything_before(
    action: &Action,
    index: usize,
    before: &BTreeMap<ActionId, BTreeSet<ActionId>>,
) -> Result<BTreeSet<ActionId>, String> {
    ensure(action.id.0 as usize == index + 1, || {
        "actions are not numbered in order".to_owned()
    })?;
    let direct = action.needs.union(&action.after).copied();
    let mut all: BTreeSet<ActionId> = direct.collect();
    for id in all.clone() {
        let earlier = before.get(&id);
        all.extend(earlier.ok_or_else(|| format!("{} leans on a later action", action.id))?);
    }
    Ok(all)
}

/// A plan in a few lines, for whoever hunts an error.
pub fn outline(plan: &Plan) -> String {
    let lines = plan.actions.iter().map(|a| {
        let kind = a.operation.kind();
        format!(
            "{} {kind} {} needs {:?} after {:?} ({})\n",
            a.id, a.summary, a.needs, a.after, a.reason.text
        )
    });
    let notices = plan
        .notices
        .iter()
        .map(|n| format!("{:?} {}: {}\n", n.kind, n.subject, n.text));
    lines.chain(notices).collect()
}

fn same_thing(one: &Operation, other: &Operation) -> Option<String> {
    match (one, other) {
        // Two may lose it at a time.
        (Operation::AddVip(a), Operation::AddVip(b) | Operation::DropVip(b))
        | (Operation::DropVip(a), Operation::AddVip(b))
            if a.vip.addr() == b.vip.addr() =>
        {
            Some(a.vip.to_string())
        }
        (Operation::CopyImage(a), Operation::CopyImage(b)) if a == b => Some(a.image.to_string()),
        _ => one
            .instance()
            .filter(|i| other.instance() == Some(*i))
            .map(ToString::to_string),
    }
}

/// Writes down that a law was broken, and how it came to this. What follows is the driver's: an error in here would only
/// be the failure of one action.
pub fn broken(world: &World, law: &str) {
    let last = world.journal.len().saturating_sub(40);
    let text = format!(
        "{law}; at {} this was done last:\n  {}",
        world.now,
        world.journal[last..].join("\n  ")
    );
    let mut laws = world.broken.lock().unwrap_or_else(PoisonError::into_inner);
    laws.push(text);
}
