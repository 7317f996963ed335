//! One thing that happens.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::Reader;
use super::verbs::{ADDRESS, CONTROLLER, HOST, INSTANCE, SERVICE, Verb, verb};
use crate::model::id::{GroupId, HostId, InstanceId};
use crate::model::policy::Witness;
use crate::model::scenario::{Happening, HostEvent, Node as Party};
use crate::spec::problem::Problem;
use crate::spec::source::Span;
use crate::spec::tree::{Entry, Kind, Node};
use crate::spec::words;

const KNOWN: &str = "an event has `at`, and `host NAME`, `instance NAME`, `service NAME`, `address A.B.C.D`, `partition`, `controller`, `edit`, `command` or `expect`";

impl Reader<'_> {
    /// What a key of an event says.
    pub(super) fn happening(&mut self, entry: &Entry) -> Option<Happening> {
        match entry.key.split_once(' ').unwrap_or((&entry.key, "")) {
            ("host", name) => {
                let host = self.host(name.trim(), entry.span);
                let event = self.verb(entry, &HOST)?;
                self.has_what_it_takes(host.as_ref()?, event, entry.span)?;
                Some(Happening::Host(host?, event))
            }
            ("instance", name) => {
                let instance = self.instance(name.trim(), entry.span);
                let event = self.verb(entry, &INSTANCE)?;
                Some(Happening::Instance(instance?, event))
            }
            ("service", name) => {
                let group = self.group(name.trim(), entry.span);
                let event = self.verb(entry, &SERVICE)?;
                Some(Happening::Service(group?, event))
            }
            ("address", text) => {
                let address = self.address(text.trim(), entry.span);
                let event = self.verb(entry, &ADDRESS)?;
                Some(Happening::Address(address?, event))
            }
            ("controller", "") => Some(Happening::Controller(self.verb(entry, &CONTROLLER)?)),
            ("partition", "") => self.partition(entry),
            ("edit", "") => self.edit(entry),
            ("expect", "") => Some(Happening::Expect(self.expectations(entry))),
            ("command", "") => self.command(entry),
            _ => {
                let text = format!("{} can't happen", words::quoted(&entry.key));
                self.wrong(entry.span, text, KNOWN)
            }
        }
    }

    /// A device does nothing where there is none.
    fn has_what_it_takes(&self, host: &HostId, event: HostEvent, span: Span) -> Option<()> {
        let of_device = matches!(
            event,
            HostEvent::DeviceLies | HostEvent::DeviceWorks | HostEvent::DeviceFails(_)
        );
        let mut states = self.states.iter().filter_map(|state| state.hosts.get(host));
        if of_device && !states.any(|host| host.agents().next().is_some()) {
            let text = format!("host {host} has no fencing device");
            let help = format!("give it one in the cluster's file: `hosts.{host}.fencing`");
            self.wrong(span, text, &help)?;
        }
        Some(())
    }

    fn verb<T: Copy>(&self, entry: &Entry, known: &[Verb<T>]) -> Option<T> {
        let text = self.text(entry)?;
        let said = self.cx.convert(&entry.key, &text, |text| verb(text, known));
        said.map(|at| at.value)
    }

    /// A service or load balancer of any state of the file so far.
    pub(super) fn group(&self, name: &str, span: Span) -> Option<GroupId> {
        let groups = self.states.iter().flat_map(|state| state.groups.keys());
        let known: BTreeSet<&GroupId> = groups.collect();
        let found = known.iter().find(|group| group.as_str() == name);
        if found.is_none() {
            let help = self.cx.did_you_mean(name, known.iter().map(|g| g.as_str()));
            let text = format!(
                "there is no service or load balancer {}",
                words::quoted(name)
            );
            self.cx.push(Problem::new(span, text).help_if(help));
        }
        found.map(|group| (*group).clone())
    }

    /// An address of the pool of any host: no other one is asked for on the wire.
    fn address(&self, text: &str, span: Span) -> Option<Ipv4Addr> {
        let address: Option<Ipv4Addr> = text.parse().ok();
        let mut hosts = self.states.iter().flat_map(|state| state.hosts.values());
        let found = address.filter(|address| hosts.any(|host| host.pool.contains(*address)));
        if found.is_none() {
            let text = format!("{} is in the pool of no host", words::quoted(text));
            let help = "write an address of a pool, as in `address 10.0.0.15: foreign`";
            self.cx.push(Problem::new(span, text).help(help));
        }
        found
    }

    /// An instance of any state of the file so far.
    pub(super) fn instance(&self, name: &str, span: Span) -> Option<InstanceId> {
        let known = self.states.iter().flat_map(|s| s.instances());
        let known: BTreeSet<InstanceId> = known.map(|(instance, _)| instance).collect();
        let found = name.parse().ok().filter(|i| known.contains(i));
        if found.is_none() {
            let names: Vec<String> = known.iter().map(ToString::to_string).collect();
            let help = self.cx.did_you_mean(name, names.iter().map(String::as_str));
            let text = format!("there is no instance {}", words::quoted(name));
            self.cx.push(Problem::new(span, text).help_if(help));
        }
        found
    }

    fn partition(&self, entry: &Entry) -> Option<Happening> {
        let how = "write the sides as `[[controller, a], [b, c]]`, or `none`; whoever is not named is on the first side, who is named on two sees both";
        let sides = match &entry.value.kind {
            Kind::Scalar(text, _) if text == "none" => return Some(Happening::Partition(vec![])),
            Kind::List(sides) => sides,
            Kind::Nothing | Kind::Scalar(..) | Kind::Map(_) => {
                let text = "`partition` must be a list of sides, or `none`".to_owned();
                return self.wrong(entry.value.span, text, how);
            }
        };
        let mut read = Vec::new();
        for side in sides {
            let Kind::List(members) = &side.kind else {
                let text = "a side of `partition` must be a list".to_owned();
                return self.wrong(side.span, text, how);
            };
            let members: Option<BTreeSet<Party>> = members.iter().map(|n| self.party(n)).collect();
            read.push(members?);
        }
        match read.len() {
            0 | 1 => {
                let text = "a partition has two sides or more".to_owned();
                self.wrong(entry.span, text, how)
            }
            _ => Some(Happening::Partition(read)),
        }
    }

    fn party(&self, node: &Node) -> Option<Party> {
        let text = self
            .cx
            .scalar_node("partition", "a name", node, node.span)?;
        let mut hosts = self.states.iter().flat_map(|state| state.hosts.keys());
        let host_second = hosts.any(|host| host.as_str() == "second");
        match text.value {
            "controller" => Some(Party::Controller),
            "second" if !host_second => Some(Party::Second),
            "clients" => Some(Party::Clients),
            name => match self.witness(name) {
                Some(witness) => Some(Party::Witness(witness)),
                None => self.host(name, node.span).map(Party::Host),
            },
        }
    }

    /// A witness that the file names, as a partition says it: `gateway` is that of the first network.
    fn witness(&self, name: &str) -> Option<Witness> {
        let gateways = self.states.iter().flat_map(|s| s.networks.values());
        let gateway = gateways.filter_map(|network| network.gateway).next();
        let named = match (name, gateway) {
            ("gateway", Some(gateway)) => gateway.to_string(),
            (name, _) => name.to_owned(),
        };
        let all = self.states.iter().flat_map(|s| &s.safety.witnesses);
        let mut all = all.filter(|witness| witness.to_string() == named);
        all.next().cloned()
    }
}
