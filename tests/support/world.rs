//! What the cluster is made of: hosts, domains, guests, the wire. Plain state and its physics (a guest boots, an
//! address falls back); who changes it and what that must not do is told elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reconcile::model::desired::{Desired, Provision, Role};
use reconcile::model::facts::{GuestAddress, HostFile};
use reconcile::model::id::{HostId, InstanceId};
use reconcile::model::mark::Mark;
use reconcile::model::orders::Orders;
use reconcile::model::time::Timestamp;
use reconcile::model::unit::Bytes;
use reconcile::plan::machine::{image_files, image_path};
use sha2::{Digest, Sha256};

/// From the start of a domain to its sshd.
pub const BOOT: Duration = Duration::from_secs(8);
/// From the start of a process to its first answer.
pub const START: Duration = Duration::from_millis(700);

/// The whole world.
pub struct World {
    pub now: Timestamp,
    pub desired: Arc<Desired>,
    pub hosts: BTreeMap<HostId, HostState>,
    /// Machines on the wire that are none of ours.
    pub foreign: BTreeMap<Ipv4Addr, String>,
    pub faults: Vec<Fault>,
    /// Instances whose next disks can't be booted, and how many.
    pub bad_disks: BTreeMap<String, usize>,
    /// Effects so far, and at which one the controller dies.
    pub effects: usize,
    pub halt_at: Option<usize>,
    pub halted: bool,
    /// What was done, in order.
    pub journal: Vec<String>,
    /// Whether every law holds: without faults, nothing voluntary may cost a request.
    pub strict: bool,
    /// Laws that were broken.
    pub broken: Mutex<Vec<String>>,
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
    Up,
    Unreachable,
    KeyChanged,
    LibvirtBroken,
}

/// One host.
pub struct HostState {
    pub link: Link,
    /// Whether it has power: without, its guests are silent too.
    pub power: bool,
    /// Whether the controller's last look failed: from then on, it must leave the host alone.
    pub known_unseen: bool,
    pub domains: BTreeMap<String, DomainState>,
    pub files: BTreeMap<String, HostFile>,
    pub volumes: BTreeSet<String>,
    pub copies: BTreeMap<String, usize>,
}

/// One domain.
pub struct DomainState {
    pub uuid: String,
    pub mark: Option<Mark>,
    pub run: Option<u32>,
    pub guest: Guest,
}

/// The machine in a domain: its disk, and its present boot.
#[derive(Default)]
pub struct Guest {
    pub mac: String,
    /// The address that a fresh disk boots with.
    pub first_address: Option<Ipv4Addr>,
    /// Its image starts its service, we don't.
    pub by_itself: bool,
    pub files: BTreeMap<String, FileState>,
    pub enabled: Option<Enabled>,
    /// Its disk can't be booted.
    pub broken: bool,

    pub started: Timestamp,
    pub frozen: bool,
    pub addresses: Vec<GuestAddress>,
    pub process: Option<Process>,
    pub fallback: Option<(Ipv4Addr, Timestamp)>,
}

/// A file in a guest.
#[derive(Debug, Clone)]
pub struct FileState {
    pub content: String,
    pub mode: u32,
    pub owner: String,
}

/// What init starts at boot.
#[derive(Debug, Clone)]
pub struct Enabled {
    pub name: String,
    pub revision: String,
    pub script: String,
    /// The files that it reads again at a reload.
    pub reloads: Vec<String>,
}

/// A process that runs, or hangs.
#[derive(Debug, Clone)]
pub struct Process {
    pub since: Timestamp,
    pub started: String,
    pub loaded: String,
    /// It was killed, and nothing starts it again.
    pub dead: bool,
    /// Its program, and its configuration as it was loaded.
    pub text: String,
}

impl World {
    pub fn new(desired: Arc<Desired>, now: Timestamp) -> Self {
        let mut world = World {
            now,
            desired: Arc::clone(&desired),
            hosts: BTreeMap::new(),
            foreign: BTreeMap::new(),
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

    /// The running domain of an instance, to do something to it.
    pub fn domain_mut(&mut self, instance: &str) -> &mut DomainState {
        let cluster = self.desired.cluster.clone();
        let domains = self.hosts.values_mut().flat_map(|h| h.domains.values_mut());
        let mut found = domains.filter(|d| {
            d.mark
                .as_ref()
                .is_some_and(|m| m.cluster == cluster && m.instance.to_string() == instance)
        });
        found
            .next()
            .unwrap_or_else(|| panic!("there is no {instance}"))
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
        let domain = domain.expect("a domain that is started is defined");
        domain.run = Some(run);
        domain.guest.boot(now);
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

impl Guest {
    /// A new boot of the same disk.
    pub fn boot(&mut self, now: Timestamp) {
        self.started = now;
        self.frozen = false;
        self.fallback = None;
        let written = self.files.get("/etc/network/interfaces");
        let own = written.and_then(|f| word_after(&f.content, "address ").parse().ok());
        self.addresses.clear();
        self.addresses.extend(
            own.or(self.first_address)
                .map(|address| address_of(address, false)),
        );
        self.process = self
            .enabled
            .clone()
            .map(|enabled| self.run(&enabled, now.plus(BOOT)));
    }

    /// A process of this program, with the files as they are now.
    pub fn run(&self, enabled: &Enabled, since: Timestamp) -> Process {
        Process {
            since,
            started: enabled.revision.clone(),
            loaded: self.loads(&enabled.reloads),
            dead: false,
            text: self.text(enabled),
        }
    }

    /// What a process knows of its program and its files.
    pub fn text(&self, enabled: &Enabled) -> String {
        let files = self.files.values().map(|f| f.content.as_str());
        files.chain([enabled.script.as_str()]).collect()
    }

    /// The digest that the run script writes when it loads its files.
    pub fn loads(&self, paths: &[String]) -> String {
        let sums = paths
            .iter()
            .filter_map(|p| self.files.get(p))
            .map(|f| format!("{}  -\n", sha256(&f.content)));
        sha256(&sums.collect::<String>())
    }

    pub fn is_up(&self, run: Option<u32>, now: Timestamp) -> bool {
        run.is_some() && !self.frozen && !self.broken && now >= self.started.plus(BOOT)
    }

    pub fn holds(&self, address: Ipv4Addr) -> bool {
        self.addresses.iter().any(|a| a.address == address)
    }

    /// Whether something answers at the port. An image that starts its service by itself answers at any.
    pub fn listens(&self, port: u16, now: Timestamp) -> bool {
        match &self.process {
            Some(process) => {
                !process.dead && now >= process.since.plus(START) && process.ports().contains(&port)
            }
            None => self.by_itself,
        }
    }
}

impl Process {
    /// The ports that its program and its configuration name.
    pub fn ports(&self) -> Vec<u16> {
        let lines = self
            .text
            .lines()
            .filter(|l| !l.trim_start().starts_with('#'));
        let named = lines.flat_map(|line| {
            ["listen ", "--port ", "--port=", "PORT="]
                .into_iter()
                .filter(|key| line.contains(*key))
                .map(|key| {
                    word_after(line, key)
                        .trim_matches(['\'', '"', ';'])
                        .parse()
                        .ok()
                })
                .collect::<Vec<_>>()
        });
        named.flatten().collect()
    }

    /// Where nginx sends requests: the servers that are not `down`.
    pub fn upstreams(&self) -> BTreeSet<(Ipv4Addr, u16)> {
        let lines = self.text.lines().map(str::trim);
        lines
            .filter(|l| {
                l.starts_with("server ") && l.contains("max_fails=1") && !l.contains(" down")
            })
            .filter_map(|l| word_after(l, "server ").split_once(':'))
            .filter_map(|(address, port)| Some((address.parse().ok()?, port.parse().ok()?)))
            .collect()
    }
}

/// The word that follows `key`; empty where there is none.
pub fn word_after<'a>(text: &'a str, key: &str) -> &'a str {
    let rest = text.split_once(key).map_or("", |(_, rest)| rest);
    rest.split_whitespace().next().unwrap_or_default()
}

pub fn address_of(address: Ipv4Addr, vip: bool) -> GuestAddress {
    GuestAddress {
        address,
        prefix: 24,
        vip,
    }
}

pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}
