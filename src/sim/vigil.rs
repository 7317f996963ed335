//! What must never be so, whoever did it, looked at with every change; and what has to be known of the past to judge
//! what a controller begins: who served since when, who may still hold what on a host out of sight.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use super::doubles;
use super::guard::Guard;
use super::laws::broken;
use super::outage::Outages;
use super::promise::Promises;
use super::world::{DomainState, HostState, Rounds, World};
use crate::model::claim::ControllerId;
use crate::model::id::{HostId, InstanceId};
use crate::model::policy::{Fencing, Witness};
use crate::model::scenario::{Libvirt, Node};
use crate::model::time::Timestamp;

/// How long news may take to reach a decision: a look may wait for a libvirt that hangs, and for the wire.
pub const NEWS: Duration = Duration::from_secs(45);
/// How long a boot that never ends is awaited at most.
const BOOT: Duration = Duration::from_secs(150);
/// How much earlier than the last moment in sight a person may have confirmed that a host is off: the last look was
/// earlier, too.
pub const LOOK: Duration = Duration::from_secs(15);

/// What must not be in two places at once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// A VIP.
    Vip(Ipv4Addr),
    /// A stateful instance.
    Instance(InstanceId),
}

/// Whose doing a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A controller's.
    Ours,
    /// It happened.
    Itself,
}

/// The past, as far as laws ask for it.
#[derive(Debug, Default)]
pub struct Vigil {
    /// What was in two places at the last look.
    doubled: BTreeSet<String>,
    /// Who has what.
    held: BTreeMap<Claim, HostId>,
    /// What was last seen on a host that went out of sight before it was given up there.
    ghosts: BTreeMap<Claim, HostId>,
    /// Hosts that are in sight, since when.
    seen: BTreeMap<HostId, Timestamp>,
    /// Hosts of the file, since when.
    listed: BTreeMap<HostId, Timestamp>,
    /// Those in sight that answer in time.
    pub prompt: BTreeSet<HostId>,
    /// When the others were last seen to do so.
    in_sight: BTreeMap<HostId, Timestamp>,
    /// When they last had done so for long enough to be noticed.
    noticed: BTreeMap<HostId, Timestamp>,
    /// Hosts of which something showed that they are off, since they were in sight.
    fenced: BTreeSet<HostId>,
    /// Hosts of which a person says that they are off.
    vouched: BTreeSet<HostId>,
    /// When a person last said so of others.
    retracted: BTreeMap<HostId, Timestamp>,
    /// Hosts of the file, and those that left it in sight: what is on them is no secret.
    known: BTreeSet<HostId>,
    /// Since when a host that is not fenced by lease could have been rid of its guard, and by whom.
    stray_guards: BTreeMap<HostId, (ControllerId, Timestamp)>,
    /// Whether a majority of the hosts, or of the witnesses, is reached.
    majority: bool,
    /// When it was last.
    had_majority: Timestamp,
    /// Since when each instance serves, seen by the controller.
    pub well: BTreeMap<InstanceId, Timestamp>,
    /// When each instance stopped serving by itself.
    pub fell: BTreeMap<InstanceId, Timestamp>,
    /// Lives, and when they began.
    lives: BTreeMap<String, Timestamp>,
    /// The last life of each instance.
    last_life: BTreeMap<InstanceId, String>,
    promises: Promises,
    outages: Outages,
    /// When the controller was last given something new: another file, or a new beginning.
    pub renewed: Timestamp,
    /// When a second controller was started for the first time.
    pub second_since: Option<Timestamp>,
    /// The brake holds, by the last plan.
    pub braked: bool,
    /// No controller is at work: what a host does is seen by nobody.
    pub unattended: bool,
}

/// Looks at the world after a change.
pub fn look(world: &mut World, cause: Cause) {
    // What is in sight is told of the first controller, whoever acts.
    let seen_by = std::mem::replace(&mut world.seen_by, Node::Controller);
    let mut vigil = std::mem::take(&mut world.vigil);
    vigil.never_doubled(world, cause);
    vigil.follow_sight(world);
    vigil.follow_lives(world);
    vigil.follow_claims(world, cause);
    vigil.follow_health(world, cause);
    vigil.follow_guards(world);
    let mut outages = std::mem::take(&mut vigil.outages);
    outages.look(world, &vigil);
    vigil.outages = outages;
    if cause == Cause::Ours {
        vigil.promises.look(world, vigil.renewed);
    }
    world.vigil = vigil;
    world.seen_by = seen_by;
}

impl Vigil {
    /// A device says that a host is off.
    pub fn fences(&mut self, host: &HostId) {
        self.fenced.insert(host.clone());
    }

    /// The host out of sight where `claim` may still be, though nothing shows that it ended there.
    pub fn unproven<'a>(&'a self, world: &World, claim: &Claim) -> Option<&'a HostId> {
        let host = self.ghosts.get(claim).or_else(|| {
            let held = self.held.get(claim);
            held.filter(|host| !is_in_sight(world, host))
        })?;
        (!self.is_proven_off(world, host)).then_some(host)
    }

    /// Whether there is evidence that nothing runs on a host that went out of sight.
    pub fn is_proven_off(&self, world: &World, host: &HostId) -> bool {
        let vouched = self.vouched.contains(host) || self.is_confirmed(world, host);
        // What was decided before is not undone.
        let lately = |at: &Timestamp| world.now.since(*at) <= NEWS;
        let retracted = self.retracted.get(host).is_some_and(lately);
        self.fenced.contains(host) || vouched || retracted || has_lapsed(world, host)
    }

    /// Whether a person says that a host is off, and nobody saw it since.
    fn is_confirmed(&self, world: &World, host: &HostId) -> bool {
        let last = self.in_sight.get(host).copied().unwrap_or_default();
        let confirmed = world.orders.confirmed.get(host);
        confirmed.is_some_and(|order| order.at.plus(LOOK) > last)
    }

    /// How long a host has been out of sight, but for moments.
    pub fn away(&self, world: &World, host: &HostId) -> Duration {
        let last = self.noticed.get(host).copied().unwrap_or_default();
        world.now.since(last)
    }

    /// How long a host has been in sight.
    pub fn in_sight_for(&self, world: &World, host: &HostId) -> Duration {
        let since = self.seen.get(host);
        since.map_or(Duration::ZERO, |since| world.now.since(*since))
    }

    /// Whether a controller had the time to look at a host: it is in sight, and not new to the file.
    pub fn was_looked_at(&self, world: &World, host: &HostId) -> bool {
        let new = |since: &Timestamp| world.now.since(*since) <= NEWS;
        self.in_sight_for(world, host) > NEWS && !self.listed.get(host).is_some_and(new)
    }

    /// How long there has been no majority.
    pub fn in_minority(&self, world: &World) -> Duration {
        // A host that has booted since the last change is reached again.
        let minority = world.now.since(self.had_majority);
        match self.majority || self.has_majority(world) {
            true => Duration::ZERO,
            false => minority,
        }
    }

    /// Whether an instance had no later life than this one.
    pub fn is_last_life(&self, instance: &InstanceId, generation: &str) -> bool {
        let last = self.last_life.get(instance);
        last.is_some_and(|last| last == generation)
    }

    /// Whether a life began on a host since that was last in sight: who looked then does not know of it.
    pub fn began_unseen(&self, host: &HostId, generation: &str) -> bool {
        let last = self.noticed.get(host).copied().unwrap_or_default();
        self.lives
            .get(generation)
            .is_some_and(|began| *began > last)
    }

    fn never_doubled(&mut self, world: &World, cause: Cause) {
        let doubled = doubles::all(world);
        // What a test doubles by its own hand is not the controller's fault, nor what another file calls so.
        let renamed = self.renewed == world.now;
        let staged = cause == Cause::Itself && (world.rounds == Rounds::Apart || renamed);
        for what in doubled.difference(&self.doubled).filter(|_| !staged) {
            broken(world, what);
        }
        self.doubled = doubled;
    }

    /// What was so at the last look was so until now.
    fn follow_sight(&mut self, world: &World) {
        // A controller that has just begun may not have looked yet.
        if !self.unattended && world.now.since(self.renewed) > LOOK {
            let until_now = self.prompt.iter().map(|host| (host.clone(), world.now));
            self.in_sight.extend(until_now);
        }
        let long = |host: &&HostId| self.in_sight_for(world, host) > LOOK;
        let long = self.prompt.iter().filter(long);
        let noticed: Vec<_> = long.map(|host| (host.clone(), world.now)).collect();
        self.noticed.extend(noticed);
        if self.majority {
            self.had_majority = world.now;
        }
        let hosts = world.hosts.keys().filter(|id| is_in_sight(world, id));
        let since = |host: &HostId| self.seen.get(host).copied().unwrap_or(world.now);
        self.seen = hosts.map(|host| (host.clone(), since(host))).collect();
        let file = &world.desired.hosts;
        self.listed.retain(|host, _| file.contains_key(host));
        if self.listed.len() < file.len() {
            let new = file.keys().filter(|host| !self.listed.contains_key(*host));
            let new: Vec<_> = new.map(|host| (host.clone(), world.now)).collect();
            self.listed.extend(new);
        }
        let prompt = self.seen.keys().filter(|host| !is_slow(world, host));
        self.prompt = prompt.cloned().collect();
        let away = world.hosts.keys().filter(|id| !self.seen.contains_key(*id));
        let proven = away.filter(|id| self.fenced.contains(*id) || has_lapsed(world, id));
        self.fenced = proven.cloned().collect();
        self.follow_words(world);
        self.ghosts.retain(|_, host| !self.seen.contains_key(host));
        self.majority = self.has_majority(world);
    }

    /// What a person says of a host that is away, and takes back.
    fn follow_words(&mut self, world: &World) {
        let until_now = self.vouched.iter().map(|host| (host.clone(), world.now));
        self.retracted.extend(until_now);
        self.retracted
            .retain(|host, _| !self.seen.contains_key(host));
        let away = world.hosts.keys().filter(|id| !self.seen.contains_key(*id));
        let vouched = away.filter(|id| self.is_confirmed(world, id));
        self.vouched = vouched.cloned().collect();
    }

    /// Whether the controller reaches a majority of the hosts, but for those that a person says are off, or of the witnesses.
    fn has_majority(&self, world: &World) -> bool {
        let reaches = |id: &&HostId| {
            let joined = world
                .wire
                .joins(&Node::Controller, &Node::Host((*id).clone()));
            joined && world.hosts.get(*id).is_some_and(|host| world.is_on(host))
        };
        let is_off = |id: &&HostId| self.is_confirmed(world, id) && !reaches(id);
        let hosts = world.desired.hosts.keys().filter(|id| !is_off(id));
        let reached = hosts.clone().filter(reaches).count();
        let witnesses = &world.desired.safety.witnesses;
        let seen = |w: &&Witness| {
            let witness = Node::Witness((*w).clone());
            world.wire.joins(&Node::Controller, &witness)
        };
        let answered = witnesses.iter().filter(seen).count();
        world.witnesses_answer && answered * 2 > witnesses.len() || reached * 2 > hosts.count()
    }

    /// A guard is armed only where the file says `lease`: the others would stop guests that nobody makes elsewhere.
    fn follow_guards(&mut self, world: &World) {
        self.known.retain(|host| is_in_sight(world, host));
        self.known.extend(world.desired.hosts.keys().cloned());
        let stray = self.known.iter().filter_map(|host| {
            let worker = could_end_guard(world, host)?;
            let last = self.stray_guards.get(host);
            let same = last.filter(|(who, _)| *who == worker);
            let since = same.map_or(world.now, |(_, since)| *since);
            Some((host.clone(), (worker, since)))
        });
        let stray: BTreeMap<_, _> = stray.collect();
        for (host, (_, since)) in &stray {
            // Who has only begun, or got another file, did not have the time before that.
            let patience = match world.desired.hosts.contains_key(host) {
                true => NEWS,
                // It has nothing to guard: it is let go of by the next round, when no boot is awaited any more.
                false => NEWS + BOOT,
            };
            if world.now.since((*since).max(self.renewed)) > patience {
                broken(
                    world,
                    &format!("host {host} is not fenced by lease, and has a guard"),
                );
            }
        }
        self.stray_guards = stray;
    }

    fn follow_lives(&mut self, world: &World) {
        for mark in world.domains().filter_map(|(.., d)| world.ours(d)) {
            if !self.lives.contains_key(&mark.generation) {
                self.lives.insert(mark.generation.clone(), world.now);
                let last = (mark.instance.clone(), mark.generation.clone());
                self.last_life.extend([last]);
            }
        }
    }

    fn follow_claims(&mut self, world: &World, cause: Cause) {
        let held = claims(world);
        for (claim, host) in &self.held {
            let lost = !held.contains_key(claim) && cause == Cause::Itself;
            if lost && !is_in_sight(world, host) {
                self.ghosts.insert(claim.clone(), host.clone());
            }
        }
        self.ghosts.retain(|claim, _| !held.contains_key(claim));
        self.held = held;
    }

    fn follow_health(&mut self, world: &World, cause: Cause) {
        let seen = |host: &HostId| {
            let node = Node::Host(host.clone());
            is_in_sight(world, host) && world.wire.joins(&Node::Controller, &node)
        };
        let serving: BTreeSet<InstanceId> = world
            .domains()
            .filter(|(id, host, d)| world.serves(host, d) && seen(id))
            .filter_map(|(.., d)| Some(world.ours(d)?.instance.clone()))
            .collect();
        for (instance, _) in self.well.iter().filter(|(i, _)| !serving.contains(*i)) {
            if cause == Cause::Itself {
                self.fell.insert(instance.clone(), world.now);
            }
        }
        self.well.retain(|instance, _| serving.contains(instance));
        for instance in serving {
            self.well.entry(instance).or_insert(world.now);
        }
    }
}

/// Whether the controller can look at a host now.
pub fn is_in_sight(world: &World, host: &HostId) -> bool {
    let hangs = |state: &HostState| state.libvirt == Libvirt::Hangs;
    world.unseen(host).is_none() && !world.hosts.get(host).is_some_and(hangs)
}

/// The controller at work that could have ended a guard nobody wants. A host that leaves has its guard until nothing is left.
fn could_end_guard(world: &World, host: &HostId) -> Option<ControllerId> {
    let state = world.hosts.get(host).filter(|h| h.guard.is_some())?;
    let worker = |id: &HostId| Some(world.hosts.get(id)?.claim(world.now)?.owner);
    let who = match world.desired.hosts.get(host) {
        Some(known) => worker(host).filter(|_| !known.fencing.contains(&Fencing::Lease)),
        None => {
            let mut ours = state.domains.values().filter_map(|d| world.ours(d));
            // Others may never have heard of a host that is not in their file.
            let last = state.last_claim(world.now)?.owner;
            let mut workers = world.desired.hosts.keys().filter_map(worker);
            let empty = ours.next().is_none() && state.kept.is_empty();
            workers.find(|worker| empty && *worker == last)
        }
    };
    who.filter(|_| is_in_sight(world, host))
}

/// Whether looks at a host end without its answer.
fn is_slow(world: &World, host: &HostId) -> bool {
    (world.hosts.get(host)).is_some_and(|state| state.libvirt == Libvirt::Slow)
}

/// Whether the guard of a host had to stop everything by now.
fn has_lapsed(world: &World, host: &HostId) -> bool {
    let guard = world.hosts.get(host).and_then(|state| state.guard);
    matches!(guard, Some(Guard::Ends(at)) if world.now >= at)
}

/// Who has what now; a guest that is frozen has it still.
fn claims(world: &World) -> BTreeMap<Claim, HostId> {
    let mut held = BTreeMap::new();
    for (id, _, domain) in running(world) {
        let vips = domain.guest.addresses.iter().filter(|a| a.vip);
        held.extend(vips.map(|a| (Claim::Vip(a.address), id.clone())));
        let instance = world.ours(domain).map(|mark| &mark.instance);
        let stateful = instance.filter(|i| is_stateful(world, i));
        held.extend(stateful.map(|i| (Claim::Instance(i.clone()), id.clone())));
    }
    held
}

/// Guests that run, and where.
pub fn running(world: &World) -> impl Iterator<Item = (&HostId, &HostState, &DomainState)> {
    let all = world.domains();
    all.filter(|(_, host, d)| host.power && d.run.is_some())
}

/// Whether an instance may never run twice.
pub fn is_stateful(world: &World, instance: &InstanceId) -> bool {
    let group = world.desired.group_of(instance);
    group.is_some_and(|group| group.stateful)
}
