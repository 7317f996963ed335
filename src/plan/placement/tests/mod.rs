//! Places of small clusters, written as `web-1@a web-2@b`.

mod filters;
mod moves;
mod property;
mod scores;
mod sizes;
mod spare;
mod swaps;
mod together;

use std::net::Ipv4Addr;

use super::explain::{Stand, Why, why};
use super::*;
use crate::model::facts::{Domain, DomainState, HostFacts, Unseen, UnseenKind};
use crate::model::mark::Stage;
use crate::model::orders::Order;
use crate::model::plan::NoticeKind;
use crate::model::time::Timestamp;
use crate::model::unit::Bytes;
use crate::spec::{NoFiles, parse};

pub struct World {
    pub desired: Desired,
    pub observed: Observed,
    pub memory: Memory,
}

/// Instances with host and address.
type Addressed = BTreeMap<InstanceId, (String, Ipv4Addr)>;

/// Hosts as `a`, or `a priority: 1, labels: { rack: r1 }`; groups as `web 3 placement: { … }`. Every host has room for
/// 16 guests of 512 MiB, and 90 addresses.
pub fn world(hosts: &[&str], groups: &[&str]) -> World {
    let mut yaml = String::from(
        "cluster: demo\nnetworks:\n  lan: { cidr: 10.0.0.0/16, gateway: 10.0.255.254 }\n\
         images:\n  alpine: { path: /alpine.qcow2 }\nhosts:\n",
    );
    for (number, host) in hosts.iter().enumerate() {
        let (name, more) = host.split_once(' ').unwrap_or((host, ""));
        let more = if more.is_empty() {
            String::new()
        } else {
            format!(", {more}")
        };
        let pool = format!("10.0.{number}.10-10.0.{number}.99");
        yaml += &format!(
            "  {name}: {{ address: 10.1.0.{number}, pool: {pool}, fencing: manual{more} }}\n"
        );
    }
    yaml += "services:\n";
    for group in groups {
        let mut words = group.splitn(3, ' ');
        let (name, replicas) = (words.next().unwrap(), words.next().unwrap());
        let more = words
            .next()
            .map_or_else(String::new, |more| format!(", {more}"));
        yaml += &format!("  {name}: {{ replicas: {replicas}, image: alpine, port: 8080{more} }}\n");
    }
    let desired =
        parse("cluster.yaml", yaml.as_bytes(), &NoFiles).unwrap_or_else(|e| panic!("{e}"));
    let facts = HostFacts {
        memory: Some(Bytes((8 << 30) + (512 << 20))),
        cpus: Some(16),
        ..HostFacts::default()
    };
    let seen = |id: &HostId| (id.clone(), Seen::Yes(facts.clone()));
    let hosts = desired.hosts.keys().map(seen).collect();
    World {
        desired,
        observed: Observed {
            now: Timestamp(1_700_000_000_000),
            hosts,
            ..Observed::default()
        },
        memory: Memory::default(),
    }
}

impl World {
    pub fn facts(&mut self, host: &str) -> &mut HostFacts {
        match self.observed.hosts.get_mut(&host.parse().unwrap()) {
            Some(Seen::Yes(facts)) => facts,
            Some(Seen::No(_)) | None => panic!("{host} is not seen"),
        }
    }

    /// Memory for guests.
    pub fn memory(&mut self, host: &str, mib: u64) {
        self.facts(host).memory = Some(Bytes((mib + 512) << 20));
    }

    pub fn runs(&mut self, all: &str) {
        self.runs_with("d", all);
    }

    /// They were built with this: `memory=1GiB cpus=2 disk=9GiB`.
    pub fn runs_with(&mut self, built: &str, all: &str) {
        for one in all.split_whitespace() {
            let (instance, host) = one.split_once('@').unwrap();
            let pool = &self.desired.hosts[&host.parse::<HostId>().unwrap()].pool;
            let address = self.free_address(pool);
            let instance: InstanceId = instance.parse().unwrap();
            let mark = Mark {
                cluster: "demo".parse().unwrap(),
                instance: instance.clone(),
                address,
                moving_to: None,
                port: 8080,
                digest: built.into(),
                generation: "g".into(),
                stage: Stage::Ready,
            };
            self.facts(host).domains.push(Domain {
                name: format!("demo-{instance}"),
                uuid: String::new(),
                state: DomainState::Running,
                run: Some(1),
                mark: Some(mark),
            });
        }
    }

    fn free_address(&self, pool: &crate::model::desired::Pool) -> Ipv4Addr {
        let seen = self.observed.hosts.values().filter_map(Seen::facts);
        let marks = seen
            .flat_map(|f| &f.domains)
            .filter_map(|d| d.mark.as_ref());
        let taken: Vec<Ipv4Addr> = marks.map(|m| m.address).collect();
        pool.addresses().find(|a| !taken.contains(a)).unwrap()
    }

    pub fn order(&self) -> Order {
        Order {
            by: "eva".into(),
            at: self.observed.now,
            reason: Some("kernel update".into()),
            until: None,
            to: None,
        }
    }

    pub fn drain(&mut self, host: &str) {
        let order = self.order();
        self.observed
            .orders
            .drained
            .insert(host.parse().unwrap(), order);
    }

    pub fn unseen(&mut self, host: &str) {
        let unseen = Unseen::new(UnseenKind::Unreachable, "no route");
        self.observed
            .hosts
            .insert(host.parse().unwrap(), Seen::No(unseen));
        let memory = self.memory.hosts.entry(host.parse().unwrap()).or_default();
        memory.seen = Some(self.observed.now);
    }

    pub fn placement(&self) -> (Addressed, Vec<Notice>, Vec<String>) {
        let inventory = Inventory::take(&self.desired, &self.observed, &self.memory);
        let placement = place(&self.desired, &self.observed, &self.memory, &inventory);
        let moves = placement.places.iter().filter_map(|(instance, place)| {
            let moves = place.moves.as_ref()?;
            let (from, to) = (moves.from, place.host);
            Some(format!(
                "{instance} {from}→{to} {:?}: {}",
                moves.cause, moves.text
            ))
        });
        let moves = moves.collect();
        let places = placement.places.into_iter();
        let places = places.map(|(i, p)| (i, (p.host.to_string(), p.address)));
        (places.collect(), placement.notices, moves)
    }

    /// `web-1@a web-2@b`.
    pub fn places(&self) -> String {
        let places = self.placement().0.into_iter();
        let places: Vec<String> = places.map(|(i, (host, _))| format!("{i}@{host}")).collect();
        places.join(" ")
    }

    pub fn moves(&self) -> Vec<String> {
        self.placement().2
    }

    /// The notices, each with its help.
    pub fn notices(&self) -> Vec<String> {
        let notices = self.placement().1.into_iter();
        let help = |n: &Notice| {
            n.help
                .clone()
                .map_or_else(String::new, |h| format!(" | {h}"))
        };
        notices
            .map(|n| format!("{}: {}{}", n.subject, n.text, help(&n)))
            .collect()
    }

    pub fn why(&self, instance: &str) -> Why {
        let instance = instance.parse().unwrap();
        why(&self.desired, &self.observed, &self.memory, &instance).unwrap()
    }

    /// Why a host can't take an instance.
    pub fn why_not(&self, instance: &str, host: &str) -> String {
        let why = self.why(instance);
        let verdict = why.hosts.iter().find(|v| v.host.as_str() == host).unwrap();
        let words: Vec<&str> = verdict
            .rejections
            .iter()
            .map(|(_, text)| text.as_str())
            .collect();
        words.join(", ")
    }

    pub fn ends(&mut self, instance: &InstanceId) {
        for seen in self.observed.hosts.values_mut() {
            if let Seen::Yes(facts) = seen {
                let is = |d: &Domain| d.mark.as_ref().is_some_and(|m| m.instance == *instance);
                facts.domains.retain(|d| !is(d));
            }
        }
    }

    /// What was decided becomes what is seen.
    pub fn carry_out(&mut self) {
        let (places, ..) = self.placement();
        let seen: Vec<String> = self.desired.hosts.keys().map(ToString::to_string).collect();
        for host in seen {
            if let Some(Seen::Yes(facts)) = self.observed.hosts.get_mut(&host.parse().unwrap()) {
                facts.domains.retain(|d| d.mark.is_none());
            }
        }
        for (instance, (host, _)) in places {
            self.runs(&format!("{instance}@{host}"));
        }
    }
}
