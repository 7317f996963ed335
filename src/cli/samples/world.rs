//! A cluster as a round sees it, and what can happen to it.

use super::*;
use crate::model::policy::{Budget, Fencing, PlacementRules, Restarts, Safety};

/// A cluster as a round sees it.
pub struct World {
    pub desired: Desired,
    pub observed: Observed,
    pub memory: Memory,
}

/// Three instances and two load balancers on three hosts, all well.
pub fn healthy_world() -> World {
    let mut world = World {
        desired: desired(),
        observed: Observed::default(),
        memory: Memory::default(),
    };
    world.observed.now = OBSERVED;
    for on in ["a", "b", "c"] {
        let facts = HostFacts {
            memory: Some(Bytes(16_333_832 << 10)),
            cpus: Some(8),
            ..HostFacts::default()
        };
        world.observed.hosts.insert(host(on), Seen::Yes(facts));
        let memory = HostMemory {
            seen: Some(OBSERVED),
            since: ago(86_400),
            ..HostMemory::default()
        };
        world.memory.hosts.insert(host(on), memory);
    }
    for (name, on) in [
        ("random-1", "a"),
        ("random-2", "b"),
        ("random-3", "c"),
        ("web-1", "a"),
        ("web-2", "b"),
    ] {
        world.add(name, on);
    }
    let vip = GuestAddress {
        address: Ipv4Addr::new(192, 168, 10, 120),
        prefix: 24,
        vip: true,
    };
    world.guest("web-1").addresses.push(vip);
    let holder = Holder {
        instance: instance("web-1"),
        generation: None,
        vip: None,
        since: ago(11_520),
    };
    world.memory.holders.insert("web".parse().unwrap(), holder);
    world
}

pub(super) fn ago(seconds: i64) -> Timestamp {
    Timestamp(OBSERVED.0 - seconds * 1_000)
}

impl World {
    fn facts(&mut self, on: &str) -> &mut HostFacts {
        match self.observed.hosts.get_mut(&host(on)) {
            Some(Seen::Yes(facts)) => facts,
            Some(Seen::No(_)) | None => panic!("{on} is not seen"),
        }
    }

    fn guest(&mut self, name: &str) -> &mut GuestFacts {
        match self.observed.guests.get_mut(&instance(name)) {
            Some(Seen::Yes(facts)) => facts,
            Some(Seen::No(_)) | None => panic!("{name} is not seen"),
        }
    }

    fn add(&mut self, name: &str, on: &str) {
        let (id, mark) = (instance(name), mark(name));
        let address = GuestAddress {
            address: mark.address,
            prefix: 24,
            vip: false,
        };
        self.memory
            .hosts
            .get_mut(&host(on))
            .unwrap()
            .guests
            .insert(id.clone(), mark.clone());
        self.facts(on).domains.push(Domain {
            name: domain(name).to_string(),
            uuid: String::new(),
            state: DomainState::Running,
            run: Some(1),
            mark: Some(mark),
        });
        let facts = GuestFacts {
            addresses: vec![address],
            ..GuestFacts::default()
        };
        self.observed.guests.insert(id.clone(), Seen::Yes(facts));
        let beat = Beat {
            last_ok: Some(OBSERVED),
            ..Beat::default()
        };
        self.observed.beats.insert(id.clone(), beat);
        let memory = GuestMemory {
            since: ago(11_600),
            healthy_since: Some(ago(11_520)),
            ..GuestMemory::default()
        };
        self.memory.guests.insert(id, memory);
    }

    fn domains_of(&mut self, name: &str) -> impl Iterator<Item = (&mut Vec<Domain>, usize)> {
        let name = domain(name).to_string();
        self.observed
            .hosts
            .values_mut()
            .filter_map(move |seen| match seen {
                Seen::Yes(facts) => {
                    let at = facts.domains.iter().position(|d| d.name == name)?;
                    Some((&mut facts.domains, at))
                }
                Seen::No(_) => None,
            })
    }

    /// Its domain is gone.
    pub fn remove(&mut self, name: &str) {
        self.domains_of(name)
            .for_each(|(domains, at)| drop(domains.remove(at)));
        self.observed.guests.remove(&instance(name));
        self.observed.beats.remove(&instance(name));
    }

    /// Its domain does not run.
    pub fn stop(&mut self, name: &str) {
        self.domains_of(name)
            .for_each(|(domains, at)| domains[at].state = DomainState::Off);
        self.observed.guests.remove(&instance(name));
        self.observed.beats.remove(&instance(name));
    }

    /// Its heartbeats fail.
    pub fn fail(&mut self, name: &str, failures: u32, error: &str) {
        let beat = Beat {
            failures,
            last_ok: Some(ago(3)),
            error: Some(error.to_owned()),
            ..Beat::default()
        };
        self.observed.beats.insert(instance(name), beat);
        self.memory
            .guests
            .get_mut(&instance(name))
            .unwrap()
            .failing_since = Some(ago(2));
    }

    /// A host can't be seen, nor what is on it.
    pub fn lose_host(&mut self, on: &str, why: &str) {
        let unseen = Unseen::new(UnseenKind::Unreachable, why.to_owned());
        self.observed.hosts.insert(host(on), Seen::No(unseen));
        let memory = self.memory.hosts.get_mut(&host(on)).unwrap();
        (memory.seen, memory.since) = (Some(ago(130)), ago(129));
        for id in memory.guests.keys() {
            self.observed.guests.remove(id);
            self.observed.beats.remove(id);
        }
    }

    /// Something is being done with it.
    pub fn busy(&mut self, name: &str, action: &str) {
        let busy = Busy {
            action: action.to_owned(),
            summary: format!("{action} {name}"),
            since: ago(4),
            host: host("a"),
            mark: None,
            service: crate::model::memory::Serving::Pauses,
            revision: None,
        };
        self.memory.busy.insert(instance(name), busy);
    }
}

fn desired() -> Desired {
    let host_at = |(name, last): (&str, u8)| Host {
        id: host(name),
        address: format!("192.168.10.{last}"),
        port: None,
        user: None,
        network: "lan".parse().unwrap(),
        pool: Pool(vec![(
            Ipv4Addr::new(192, 168, 10, 10),
            Ipv4Addr::new(192, 168, 10, 19),
        )]),
        accelerator: Accelerator::Auto,
        storage: "/var/lib/reconcile".into(),
        labels: BTreeMap::new(),
        priority: 0,
        reserve: Bytes(0),
        overcommit: Host::OVERCOMMIT,
        fencing: vec![Fencing::Manual],
        membership: crate::model::desired::Membership::Member,
    };
    let hosts = [("a", 2), ("b", 3), ("c", 4)].map(host_at);
    let service = Role::Service(Service {
        port: 8080,
        run: None,
    });
    let balancer = Role::LoadBalancer(LoadBalancer {
        vip: "192.168.10.120/24".parse().unwrap(),
        port: 80,
        routes: vec![Route {
            path: "/random".into(),
            service: "random".parse().unwrap(),
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
        }],
    });
    let groups = [group("random", 3, service), group("web", 2, balancer)];
    Desired {
        cluster: "demo".parse().unwrap(),
        file: "cluster.yaml".into(),
        revision: Revision("3f2a91c04b7e".into()),
        commit: None,
        networks: BTreeMap::new(),
        hosts: hosts
            .into_iter()
            .map(|host| (host.id.clone(), host))
            .collect(),
        images: BTreeMap::new(),
        groups: groups
            .into_iter()
            .map(|group| (group.id.clone(), group))
            .collect(),
        safety: Safety::default(),
        changes: crate::model::policy::Changes::default(),
        rebalance: None,
        ssh: SshAccess::default(),
        templates: BTreeMap::new(),
        secrets: BTreeMap::new(),
        notify: BTreeMap::new(),
        lines: Lines::default(),
    }
}

fn group(name: &str, replicas: u32, role: Role) -> Group {
    Group {
        id: name.parse().unwrap(),
        replicas,
        image: "alpine".parse().unwrap(),
        cpus: 1,
        memory: Bytes(512 << 20),
        disk: None,
        heartbeat: Heartbeat {
            path: "/heartbeat".into(),
            port: 8080,
            every: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            retries: 4,
            grace: Duration::from_secs(60),
        },
        files: Vec::new(),
        env: BTreeMap::new(),
        stateful: false,
        protect: false,
        placement: PlacementRules::default(),
        budget: Budget::of(replicas),
        extra: 0,
        surged: 0,
        restarts: Restarts::default(),
        role,
    }
}
