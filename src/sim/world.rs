//! What the cluster is made of: hosts, domains, guests, the wire. Plain state and its physics (a guest boots, an
//! address falls back); who changes it and what that must not do is told elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use super::vm::Guest;
use crate::model::desired::{Desired, Provision, Role};
use crate::model::facts::HostFile;
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::orders::Orders;
use crate::model::time::Timestamp;
use crate::model::unit::Bytes;
use crate::plan::machine::{image_files, image_path};
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
    pub foreign: BTreeMap<Ipv4Addr, String>,
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
    /// What was done, in order.
    pub journal: Vec<String>,
    /// Whether every law holds: without faults, nothing voluntary may cost a request.
    pub strict: bool,
    /// Laws that were broken.
    pub broken: Mutex<Vec<String>>,
    /// Starts of domains so far.
    pub runs: u32,
    /// What operators ordered.
    pub orders: Orders,
}

/// An action that fails.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The step of the action: `build.start`.
    pub step: String,
    /// The instance or host that it is about.
    pub subject: String,
    /// How often still.
    pub times: usize,
}

/// How a host can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It answers.
    Up,
    /// Its network is cut.
    Unreachable,
    /// Another host key answers.
    KeyChanged,
    /// Its libvirt does not answer.
    LibvirtBroken,
}

fn nowhere(id: &HostId) -> ActError {
    ActError::Failed(format!("there is no host {id}"))
}

/// One host.
pub struct HostState {
    /// How it can be reached.
    pub link: Link,
    /// Whether it has power: without, its guests are silent too.
    pub power: bool,
    /// Whether the controller's last look failed: from then on, it must leave the host alone.
    pub known_unseen: bool,
    /// Every domain that its libvirt knows, by name.
    pub domains: BTreeMap<String, DomainState>,
    /// Base images and kernels by path.
    pub files: BTreeMap<String, HostFile>,
    /// Disks by path.
    pub volumes: BTreeSet<String>,
    /// How often each file was copied to it.
    pub copies: BTreeMap<String, usize>,
}

/// One domain.
pub struct DomainState {
    /// Its UUID.
    pub uuid: String,
    /// Our mark in its definition; none: it is foreign.
    pub mark: Option<Mark>,
    /// The number of its present run; none: it does not run.
    pub run: Option<u32>,
    /// The machine in it.
    pub guest: Guest,
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
            journal: Vec::new(),
            strict: true,
            broken: Mutex::default(),
            runs: 0,
            orders: Orders::default(),
        };
        world.follow(desired);
        world
    }

    /// Another desired state: hosts that are new to it get their machines, with the images that need no copying.
    pub fn follow(&mut self, desired: Arc<Desired>) {
        for (id, host) in &desired.hosts {
            let state = self.hosts.entry(id.clone()).or_insert_with(HostState::new);
            for file in desired
                .images
                .values()
                .flat_map(image_files)
                .filter(|f| f.source.is_none())
            {
                let there = HostFile {
                    size: Bytes(64 << 20),
                    sha256: None,
                };
                state.files.entry(image_path(host, file)).or_insert(there);
            }
        }
        self.desired = desired;
    }

    /// Lets time pass: addresses that nobody confirmed fall back.
    pub fn tick(&mut self, now: Timestamp) {
        self.now = now;
        for domain in self.hosts.values_mut().flat_map(|h| h.domains.values_mut()) {
            if let Some((address, at)) = domain.guest.fallback
                && now >= at
            {
                domain.guest.addresses.retain(|a| a.address != address);
                domain.guest.fallback = None;
            }
        }
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
        let (run, now) = (self.runs, self.now);
        let domain = self
            .hosts
            .get_mut(host)
            .and_then(|h| h.domains.get_mut(name));
        if let Some(domain) = domain {
            domain.run = Some(run);
            domain.guest.boot(now);
        }
    }

    /// The address that a fresh guest with this mark comes up with.
    pub fn first_address(&self, mark: &Mark) -> Ipv4Addr {
        let group = self.desired.group_of(&mark.instance);
        let image = group.and_then(|g| self.desired.images.get(&g.image));
        match image.map(|i| i.provision) {
            Some(Provision::Ssh { bootstrap }) => bootstrap,
            Some(Provision::CloudInit) | None => mark.address,
        }
    }

    /// Whether the image of this guest starts the service by itself.
    pub fn runs_by_itself(&self, mark: &Mark) -> bool {
        match self.desired.group_of(&mark.instance).map(|g| &g.role) {
            Some(Role::Service(service)) => service.run.is_none(),
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

impl HostState {
    fn new() -> Self {
        HostState {
            link: Link::Up,
            power: true,
            known_unseen: false,
            domains: BTreeMap::new(),
            files: BTreeMap::new(),
            volumes: BTreeSet::new(),
            copies: BTreeMap::new(),
        }
    }
}

impl DomainState {
    /// Ends it, as `virsh destroy` and `kill -9` do.
    pub fn end(&mut self) {
        self.run = None;
        self.guest.addresses.clear();
        self.guest.process = None;
        self.guest.fallback = None;
        self.guest.frozen = false;
    }
}
