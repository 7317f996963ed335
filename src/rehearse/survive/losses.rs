//! What can be lost, one after the other: hosts, all hosts with one label value, instances, the controller.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::model::desired::Desired;
use crate::model::id::{HostId, InstanceId};
use crate::model::scenario::{ControllerEvent, Event, Happening, HostEvent, InstanceEvent};

/// More would take for ever.
const MOST: usize = 10_000;
/// How long a lost controller is away.
const AWAY: Duration = Duration::from_secs(300);
/// How long it is away when it dies in the middle of its work.
const BRIEFLY: Duration = Duration::from_secs(60);
/// How often the controller changes something on the machines before it dies in the middle of its work.
const EFFECTS: u32 = 2;

/// The kind of what is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyOf {
    /// So many hosts at once.
    Hosts(usize),
    /// All hosts with the same value of this label.
    Label(String),
    /// One instance.
    Instance,
    /// The controller, at rest and in the middle of its work.
    Controller,
}

/// Why nothing can be lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LossError {
    /// It is not written as it should be.
    #[error(
        "write any-host, any-2-hosts, any-instance, any-controller, or any-LABEL with a label of hosts, as in any-rack"
    )]
    Unknown,
    /// There are not so many hosts.
    #[error("the file has only {0} hosts")]
    TooFew(usize),
    /// Nobody has the label.
    #[error("no host has a label `{label}`: {help}")]
    NoLabel {
        /// The label.
        label: String,
        /// What to do.
        help: String,
    },
    /// It would take for ever.
    #[error("these are more than {MOST} losses: lose fewer at once")]
    TooMany,
}

/// One loss.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// What is lost, as the table says it.
    pub name: String,
    /// The hosts that are lost.
    pub hosts: BTreeSet<HostId>,
    /// What happens, from the moment of the loss.
    pub events: Vec<Event>,
}

impl FromStr for AnyOf {
    type Err = LossError;

    fn from_str(text: &str) -> Result<Self, LossError> {
        let what = text.strip_prefix("any-").ok_or(LossError::Unknown)?;
        let hosts = what
            .strip_suffix("-hosts")
            .or_else(|| what.strip_suffix("-host"));
        match (what, hosts.and_then(|n| n.parse().ok())) {
            ("", _) | (_, Some(0)) => Err(LossError::Unknown),
            (_, Some(hosts)) => Ok(AnyOf::Hosts(hosts)),
            ("host", None) => Ok(AnyOf::Hosts(1)),
            ("instance", None) => Ok(AnyOf::Instance),
            ("controller", None) => Ok(AnyOf::Controller),
            (label, None) => Ok(AnyOf::Label(label.to_owned())),
        }
    }
}

impl fmt::Display for AnyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AnyOf::Hosts(1) => f.write_str("any-host"),
            AnyOf::Hosts(hosts) => write!(f, "any-{hosts}-hosts"),
            AnyOf::Label(label) => write!(f, "any-{label}"),
            AnyOf::Instance => f.write_str("any-instance"),
            AnyOf::Controller => f.write_str("any-controller"),
        }
    }
}

impl AnyOf {
    /// Each loss of this kind, in order.
    pub fn losses(&self, desired: &Desired) -> Result<Vec<Loss>, LossError> {
        let losses: Vec<Loss> = match self {
            AnyOf::Hosts(number) => hosts(desired, *number)?,
            AnyOf::Label(label) => labelled(desired, label)?,
            AnyOf::Instance => desired.instances().map(|(i, _)| of_instance(i)).collect(),
            AnyOf::Controller => of_controller(desired),
        };
        match losses.len() > MOST {
            true => Err(LossError::TooMany),
            false => Ok(losses),
        }
    }

    /// The same loss in a cluster that was changed: a new host with the label is lost, too.
    pub fn again(&self, loss: &Loss, desired: &Desired) -> Loss {
        let losses = match self {
            AnyOf::Label(label) => labelled(desired, label).unwrap_or_default(),
            AnyOf::Hosts(_) | AnyOf::Instance | AnyOf::Controller => Vec::new(),
        };
        let same = losses.into_iter().find(|again| again.name == loss.name);
        same.unwrap_or_else(|| loss.clone())
    }

    /// Hosts that are never lost, because they have no such label.
    pub fn spared(&self, desired: &Desired) -> Vec<HostId> {
        match self {
            AnyOf::Label(label) => {
                let hosts = desired.hosts.values();
                let spared = hosts.filter(|host| !host.labels.contains_key(label));
                spared.map(|host| host.id.clone()).collect()
            }
            AnyOf::Hosts(_) | AnyOf::Instance | AnyOf::Controller => Vec::new(),
        }
    }
}

fn now(what: Happening) -> Event {
    Event {
        at: Duration::ZERO,
        what,
    }
}

fn of_hosts(name: String, hosts: BTreeSet<HostId>) -> Loss {
    let events = hosts.iter().cloned();
    let events = events.map(|host| now(Happening::Host(host, HostEvent::PowerOff)));
    Loss {
        name,
        events: events.collect(),
        hosts,
    }
}

fn hosts(desired: &Desired, number: usize) -> Result<Vec<Loss>, LossError> {
    let all: Vec<&HostId> = desired.hosts.keys().collect();
    if number > all.len() {
        return Err(LossError::TooFew(all.len()));
    }
    let mut chosen: Vec<Vec<usize>> = vec![Vec::new()];
    for taken in 0..number {
        // Only beginnings that can be completed: so there are never more of them than of losses.
        let end = all.len() - (number - taken - 1);
        let longer = chosen.iter().flat_map(|some| {
            let next = some.last().map_or(0, |last| last + 1);
            (next..end).map(|host| some.iter().copied().chain([host]).collect())
        });
        chosen = longer.take(MOST + 1).collect();
    }
    let named = chosen.into_iter().map(|hosts| {
        let hosts: BTreeSet<HostId> = hosts.into_iter().map(|n| all[n].clone()).collect();
        let names: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        let noun = if number == 1 { "host" } else { "hosts" };
        of_hosts(format!("{noun} {}", names.join(", ")), hosts)
    });
    Ok(named.collect())
}

fn labelled(desired: &Desired, label: &str) -> Result<Vec<Loss>, LossError> {
    let mut by_value: BTreeMap<&str, BTreeSet<HostId>> = BTreeMap::new();
    for host in desired.hosts.values() {
        if let Some(value) = host.labels.get(label) {
            by_value.entry(value).or_default().insert(host.id.clone());
        }
    }
    if by_value.is_empty() {
        let labels: BTreeSet<&str> = desired
            .hosts
            .values()
            .flat_map(|h| h.labels.keys().map(String::as_str))
            .collect();
        let labels: Vec<&str> = labels.into_iter().collect();
        let help = match labels.as_slice() {
            [] => format!("add `labels: {{ {label}: … }}` to the hosts"),
            known => format!("the labels are {}", known.join(", ")),
        };
        let label = label.to_owned();
        return Err(LossError::NoLabel { label, help });
    }
    let losses = by_value.into_iter();
    Ok(losses
        .map(|(value, hosts)| of_hosts(format!("{label} {value}"), hosts))
        .collect())
}

fn of_instance(instance: InstanceId) -> Loss {
    Loss {
        name: instance.to_string(),
        hosts: BTreeSet::new(),
        events: vec![now(Happening::Instance(instance, InstanceEvent::Crash))],
    }
}

/// At rest, and while it replaces an instance of each group.
fn of_controller(desired: &Desired) -> Vec<Loss> {
    let back = |after| Event {
        at: after,
        what: Happening::Controller(ControllerEvent::Restart),
    };
    let loss = |name: String, mut events: Vec<Event>, after| {
        events.push(back(after));
        Loss {
            name,
            hosts: BTreeSet::new(),
            events,
        }
    };
    let dies = |event| now(Happening::Controller(event));
    let at_rest = loss(
        "controller, at rest".to_owned(),
        vec![dies(ControllerEvent::Crash)],
        AWAY,
    );
    let groups = desired.groups.values().filter(|group| group.replicas > 0);
    let at_work = groups.map(|group| {
        let instance = InstanceId::new(&group.id, 1);
        let name = format!("controller, healing {instance}");
        let crash = now(Happening::Instance(instance, InstanceEvent::Crash));
        let dies = dies(ControllerEvent::CrashAfter(EFFECTS));
        loss(name, vec![dies, crash], BRIEFLY)
    });
    std::iter::once(at_rest).chain(at_work).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_written_as_it_is_read() {
        for text in [
            "any-host",
            "any-2-hosts",
            "any-rack",
            "any-instance",
            "any-controller",
        ] {
            assert_eq!(text.parse::<AnyOf>().unwrap().to_string(), text);
        }
        let (many, few) = (usize::MAX.to_string(), "any-1-host");
        assert!(format!("any-{many}-hosts").parse::<AnyOf>().is_ok());
        assert_eq!(few.parse(), Ok(AnyOf::Hosts(1)));
        for text in ["", "host", "any-", "any-0-hosts"] {
            assert_eq!(text.parse::<AnyOf>(), Err(LossError::Unknown), "{text}");
        }
    }

    /// A cluster with these hosts, each with its rack.
    fn with_hosts(hosts: &[(&str, &str)]) -> Desired {
        let hosts = hosts.iter().enumerate().map(|(n, (host, rack))| {
            let (own, net) = (format!("10.0.0.{}", n + 2), format!("10.0.{}", n + 1));
            let pool = format!("{net}.1-{net}.9");
            format!("  {host}: {{ address: {own}, pool: {pool}, labels: {{ rack: {rack} }} }}\n")
        });
        let text = format!(
            "cluster: demo\nnetworks:\n  lan: {{ cidr: 10.0.0.0/16, gateway: 10.0.0.1, bridge: br0 }}\nhosts:\n{}\
             images:\n  alpine: {{ path: /a.qcow2 }}\nservices:\n  api: {{ image: alpine, port: 80, run: /api }}\n",
            hosts.collect::<String>()
        );
        let parsed = crate::spec::parse("cluster.yaml", text.as_bytes(), &crate::spec::NoFiles);
        parsed.unwrap()
    }

    #[test]
    fn a_host_that_is_added_to_a_rack_is_lost_with_it() {
        let any = AnyOf::Label("rack".to_owned());
        let losses = any
            .losses(&with_hosts(&[("a", "r0"), ("b", "r1")]))
            .unwrap();
        let more = with_hosts(&[("a", "r0"), ("b", "r1"), ("new-1", "r1")]);
        let again = any.again(&losses[1], &more);
        assert_eq!(losses[1].hosts.len(), 1);
        let names: Vec<&str> = again.hosts.iter().map(HostId::as_str).collect();
        assert_eq!(names, ["b", "new-1"]);
        assert_eq!(again.events.len(), 2);
    }
}
