//! What the cluster is made of: hosts, domains, guests, the wire. Plain state and its physics (a guest boots, an
//! address falls back); who changes it and what that must not do is told elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::bad_states::BadStates;
use super::chance::Chance;
pub use super::state::{DomainState, Fault, HostState, Link, OVERLAY, Stranger};
use super::vigil::Vigil;
use super::vm::{BOOT, START, Start};
use super::wire::Wire;
use crate::model::desired::{Desired, Provision, Revision, Role};
use crate::model::facts::{Unseen, UnseenKind};
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::orders::Orders;
use crate::model::scenario::{Libvirt, Node};
use crate::model::time::Timestamp;
use crate::ports::ActError;

/// The whole world.
pub struct World {
    /// The present moment.
    pub now: Timestamp,
    /// The desired state that it is judged by.
    pub desired: Arc<Desired>,
    /// Every host that was ever in the file.
    pub hosts: BTreeMap<HostId, HostState>,
    /// Machines on the wire that are none of ours.
    pub foreign: BTreeMap<Ipv4Addr, Stranger>,
    /// Whether witnesses outside of the cluster answer the controller.
    pub witnesses_answer: bool,
    /// Hosts whose fencing device says that it switched them off, and does nothing.
    pub lying_devices: BTreeSet<HostId>,
    /// Actions that will fail.
    pub faults: Vec<Fault>,
    /// Instances whose next disks can't be booted, and how many.
    pub bad_disks: BTreeMap<String, usize>,
    /// Effects so far.
    pub effects: usize,
    /// The effect with which the controller dies.
    pub halt_at: Option<usize>,
    /// The controller is dead: nothing that it began goes on.
    pub halted: bool,
    /// It can write down nothing, not even that what is there is not true any more.
    pub unkept: bool,
    /// What was done, in order.
    pub journal: Vec<String>,
    /// Whether every law holds: without faults, nothing voluntary may cost a request.
    pub strict: bool,
    /// Whether rounds and actions overlap.
    pub rounds: Rounds,
    /// What things take is drawn from; none: what they usually take.
    pub chance: Option<Chance>,
    /// The network.
    pub wire: Wire,
    /// Claims on hosts that were taken so far.
    pub renewals: u64,
    /// The controller that looks at it now, or acts.
    pub seen_by: Node,
    /// Instances whose next starts of the process fail, and how many.
    pub bad_starts: BTreeMap<String, u32>,
    /// States of the file with which groups do not come up.
    pub bad_states: BadStates,
    /// The domains whose run has ended, as libvirt said it.
    pub ended: Vec<(HostId, String)>,
    /// When the last one did.
    pub ended_at: Timestamp,
    /// When it last changed.
    pub changed: Timestamp,
    /// The moment up to which time has passed in it.
    passed: Option<Timestamp>,
    /// Laws that were broken.
    pub broken: Mutex<Vec<String>>,
    /// Starts of domains so far.
    pub runs: u32,
    /// How guests get their addresses, by the file of their image: it stays so, whatever other image they get later.
    pub(super) provisions: BTreeMap<String, Provision>,
    /// What operators ordered.
    pub orders: Orders,
    /// The past, as far as laws ask for it.
    pub vigil: Vigil,
}

/// Whether something is in hand while a round looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounds {
    /// Never: nobody touches what the last round could not see.
    Apart,
    /// It is, as with a controller that runs all the time.
    Overlap,
}

fn timed_out(host: &HostId) -> Unseen {
    Unseen::new(
        UnseenKind::Unreachable,
        format!("ssh to {host}: connection timed out"),
    )
}

fn nowhere(id: &HostId) -> ActError {
    ActError::Failed(format!("there is no host {id}"))
}

impl World {
    /// The hosts of the file, with nothing on them.
    pub fn new(desired: Arc<Desired>, now: Timestamp) -> Self {
        let mut world = World {
            now,
            desired: Arc::clone(&desired),
            hosts: BTreeMap::new(),
            foreign: BTreeMap::new(),
            witnesses_answer: true,
            lying_devices: BTreeSet::new(),
            faults: Vec::new(),
            bad_disks: BTreeMap::new(),
            effects: 0,
            halt_at: None,
            halted: false,
            unkept: false,
            journal: Vec::new(),
            strict: true,
            rounds: Rounds::Apart,
            chance: None,
            wire: Wire::default(),
            seen_by: Node::Controller,
            renewals: 0,
            bad_starts: BTreeMap::new(),
            bad_states: BadStates::default(),
            ended: Vec::new(),
            ended_at: Timestamp::default(),
            changed: now,
            passed: None,
            broken: Mutex::default(),
            runs: 0,
            provisions: BTreeMap::new(),
            orders: Orders::default(),
            vigil: Vigil::default(),
        };
        world.follow(desired);
        world
    }

    /// Something happened to it, now.
    pub fn change(&mut self) {
        self.changed = self.now;
        self.passed = None;
        self.tick(self.now);
    }

    /// Lets time pass: addresses that nobody confirmed fall back.
    pub fn tick(&mut self, now: Timestamp) {
        if self.passed.replace(now) == Some(now) {
            return;
        }
        self.now = now;
        for domain in self.hosts.values_mut().flat_map(|h| h.domains.values_mut()) {
            if let Some((address, at)) = domain.guest.fallback
                && now >= at
            {
                domain.guest.addresses.retain(|a| a.address != address);
                domain.guest.fallback = None;
            }
        }
        self.let_guards_watch();
    }

    /// Every domain with its host.
    pub fn domains(&self) -> impl Iterator<Item = (&HostId, &HostState, &DomainState)> {
        self.hosts
            .iter()
            .flat_map(|(id, host)| host.domains.values().map(move |d| (id, host, d)))
    }

    /// The domains of an instance of ours.
    pub fn domains_of(
        &self,
        instance: &InstanceId,
    ) -> impl Iterator<Item = (&HostId, &HostState, &DomainState)> {
        self.domains()
            .filter(move |(.., d)| self.ours(d).is_some_and(|m| m.instance == *instance))
    }

    /// The mark of a domain, where it is one of this cluster.
    pub fn ours<'a>(&self, domain: &'a DomainState) -> Option<&'a Mark> {
        domain
            .mark
            .as_ref()
            .filter(|m| m.cluster == self.desired.cluster)
    }

    /// A host of the world.
    pub fn host(&self, id: &HostId) -> Result<&HostState, ActError> {
        self.hosts.get(id).ok_or_else(|| nowhere(id))
    }

    /// A host of the world, to do something to it.
    pub fn host_mut(&mut self, id: &HostId) -> Result<&mut HostState, ActError> {
        self.hosts.get_mut(id).ok_or_else(|| nowhere(id))
    }

    /// The domain of an instance of ours, to do something to it.
    pub fn domain_mut(&mut self, instance: &str) -> Option<&mut DomainState> {
        let cluster = self.desired.cluster.clone();
        let domains = self.hosts.values_mut().flat_map(|h| h.domains.values_mut());
        let mut found = domains.filter(|d| {
            d.mark
                .as_ref()
                .is_some_and(|m| m.cluster == cluster && m.instance.to_string() == instance)
        });
        found.next()
    }

    /// Who answers for an address.
    pub fn answers(&self, address: Ipv4Addr) -> Vec<(&HostId, &DomainState)> {
        let now = self.now;
        self.domains()
            .filter(|(_, host, d)| {
                host.power && d.guest.is_up(d.run, now) && d.guest.holds(address)
            })
            .map(|(id, _, d)| (id, d))
            .collect()
    }

    /// Whether a guest answers requests at its port.
    pub fn serves(&self, host: &HostState, domain: &DomainState) -> bool {
        let Some(mark) = self.ours(domain) else {
            return false;
        };
        host.power
            && domain.guest.is_up(domain.run, self.now)
            && domain.guest.listens(mark.port, self.now)
    }

    /// Whether the next disk of an instance can be booted.
    pub fn next_disk_is_bad(&mut self, instance: &InstanceId) -> bool {
        match self.bad_disks.get_mut(&instance.to_string()) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Starts a domain; what a boot does to the guest is the guest's business.
    pub fn start(&mut self, host: &HostId, name: &str) {
        self.runs += 1;
        let run = self.runs;
        let domains = self.hosts.get_mut(host).map(|h| &mut h.domains);
        if let Some(domain) = domains.and_then(|d| d.get_mut(name)) {
            domain.run = Some(run);
        }
        self.boot(host, name);
    }

    /// A running domain boots, for the first time or again.
    pub fn boot(&mut self, host: &HostId, name: &str) {
        let up_at = self.now.plus(self.takes(&format!("{name} boots"), BOOT));
        let state = self.hosts.get(host).and_then(|h| h.state_of(name).cloned());
        let start = self.next_start(name, state.as_ref());
        let domains = self.hosts.get_mut(host).map(|h| &mut h.domains);
        if let Some(domain) = domains.and_then(|d| d.get_mut(name)) {
            domain.guest.boot(up_at, start);
        }
    }

    /// How the next start of the process in a domain goes, which has its files from this state of the file.
    pub fn next_start(&mut self, name: &str, state: Option<&Revision>) -> Start {
        let prefix = format!("{}-", self.desired.cluster);
        let instance = name.strip_prefix(&prefix).unwrap_or(name);
        let id = instance.parse::<InstanceId>().ok();
        if matches!((id, state), (Some(id), Some(state)) if self.bad_states.has(&id.group, state)) {
            return Start::Fails;
        }
        match self.bad_starts.get_mut(instance) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Start::Fails
            }
            Some(_) | None => Start::After(self.takes(&format!("{name} starts"), START)),
        }
    }

    /// The run of a domain ends.
    pub fn end(&mut self, host: &HostId, name: &str) {
        let domains = self.hosts.get_mut(host).map(|h| &mut h.domains);
        if let Some(domain) = domains.and_then(|d| d.get_mut(name)) {
            domain.end();
            self.ended.push((host.clone(), name.to_owned()));
            self.ended_at = self.now;
        }
    }

    /// How long something takes that usually takes `usual`.
    pub fn takes(&mut self, subject: &str, usual: Duration) -> Duration {
        let chance = self.chance.as_mut();
        chance.map_or(usual, |chance| chance.span(subject, usual))
    }

    /// The next moment at which something changes by itself.
    pub fn next_change(&self) -> Option<Timestamp> {
        let hosts = self.hosts.values().map(|h| h.up_at);
        let guests = self.domains().flat_map(|(_, _, d)| d.guest.moments());
        let guards = self.hosts.keys().filter_map(|id| self.guard_strikes(id));
        let all = hosts.chain(guests).chain(guards);
        all.filter(|at| *at > self.now).min()
    }

    /// Whether a host runs.
    pub fn is_on(&self, host: &HostState) -> bool {
        host.power && self.now >= host.up_at
    }

    /// Why the controller can't see a host.
    pub fn unseen(&self, host: &HostId) -> Option<Unseen> {
        let state = self.hosts.get(host)?;
        let unseen = |kind, message| Some(Unseen::new(kind, message));
        match (self.off_the_wire(host), state.link, state.libvirt) {
            (Some(unseen), ..) => Some(unseen),
            (None, Link::Unreachable, _) => Some(timed_out(host)),
            (None, Link::KeyChanged, _) => unseen(
                UnseenKind::HostKeyChanged,
                format!("the host key of {host} is not the known one"),
            ),
            (None, Link::Up, Libvirt::Fails) => unseen(
                UnseenKind::Broken,
                format!("libvirt on {host} does not answer"),
            ),
            (None, Link::Up, Libvirt::Works | Libvirt::Slow | Libvirt::Hangs) => None,
        }
    }

    /// Why neither a host nor its guests answer the controller.
    pub fn off_the_wire(&self, host: &HostId) -> Option<Unseen> {
        let state = self.hosts.get(host)?;
        let joined = self.wire.joins(&self.seen_by, &Node::Host(host.clone()));
        (!joined || !self.is_on(state)).then(|| timed_out(host))
    }

    /// Whether the answer to an act that was done is lost.
    pub fn loses_answer(&mut self, host: &HostId) -> Option<Unseen> {
        let drops = &mut self.hosts.get_mut(host)?.drops;
        *drops = drops.checked_sub(1)?;
        Some(Unseen::new(
            UnseenKind::Unreachable,
            format!("ssh to {host}: the connection broke"),
        ))
    }

    /// The address that a fresh guest of this base image comes up with.
    pub fn first_address(&self, base: &str, mark: &Mark) -> Ipv4Addr {
        match self.provisions.get(base) {
            Some(Provision::Ssh { bootstrap }) => *bootstrap,
            Some(Provision::CloudInit) | None => mark.address,
        }
    }

    /// Whether the image of this guest starts the service by itself, and that comes up.
    pub fn runs_by_itself(&self, mark: &Mark) -> bool {
        let (group, state) = (&mark.instance.group, &self.desired.revision);
        match self.desired.group_of(&mark.instance).map(|g| &g.role) {
            Some(Role::Service(service)) => {
                service.run.is_none() && !self.bad_states.has(group, state)
            }
            Some(Role::LoadBalancer(_)) | None => false,
        }
    }

    /// Whether an instance is one of a load balancer.
    pub fn is_balancer(&self, instance: &InstanceId) -> bool {
        self.desired
            .group_of(instance)
            .is_some_and(|g| matches!(g.role, Role::LoadBalancer(_)))
    }
}
