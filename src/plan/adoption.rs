//! Whether a domain that somebody else made can become an instance, and what the file has to say then. Looks at facts, acts on nothing.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::inventory::{Inventory, Whereabouts};
use super::machine::{as_adopted, fingerprint, is_adopted};
use crate::model::adoption::{Adoption, Amendment, Surveyed};
use crate::model::desired::{Desired, Group, Host, Role};
use crate::model::facts::{Domain, DomainState, Observed, Seen};
use crate::model::id::{DomainName, GroupId, HostId, ImageId, InstanceId};
use crate::model::mark::{Mark, Stage};
use crate::model::memory::Memory;
use crate::model::plan::Plan;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The name of the domain.
    pub domain: String,
    /// The service that it becomes an instance of.
    pub group: GroupId,
    /// Which one; none: the first that is nowhere.
    pub index: Option<u32>,
    /// Its host, where several have a domain of that name.
    pub host: Option<HostId>,
    /// Its address, where its host does not know it.
    pub address: Option<Ipv4Addr>,
    /// The image of a service that is not in the file yet.
    pub image: Option<ImageId>,
    /// The port of such a service.
    pub port: Option<u16>,
    /// The path of its heartbeat.
    pub heartbeat: Option<String>,
}

/// Why a domain is not adopted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}\n  help: {help}")]
pub struct Refused {
    /// In words.
    pub text: String,
    /// What to do about it.
    pub help: String,
}

fn refuse<T>(text: impl Into<String>, help: impl Into<String>) -> Result<T, Refused> {
    Err(Refused {
        text: text.into(),
        help: help.into(),
    })
}

/// A domain that may be adopted, as far as its host shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Where it is.
    pub host: HostId,
    /// Its name.
    pub name: DomainName,
    /// Its UUID.
    pub uuid: String,
    /// Who it becomes.
    pub instance: InstanceId,
    /// Its mark, where it was adopted before.
    pub mark: Option<Mark>,
}

/// Finds the domain.
///
/// # Errors
/// It is not there, not alone, or not one that can be adopted.
pub fn find(
    desired: &Desired,
    observed: &Observed,
    memory: &Memory,
    wish: &Wish,
) -> Result<Candidate, Refused> {
    let (host, domain) = only_one(observed, wish)?;
    let Some(name) = DomainName::found(&domain.name) else {
        let help = "rename it while it is off: virsh domrename; letters, digits, '-', '_' and '.' are plain";
        return refuse(
            format!("the name of domain {:?} is not plain", domain.name),
            help,
        );
    };
    let candidate = |instance, mark| Candidate {
        host: host.clone(),
        name: name.clone(),
        uuid: domain.uuid.clone(),
        instance,
        mark,
    };
    if let Some(mark) = &domain.mark {
        return marked(desired, wish, mark)
            .map(|()| candidate(mark.instance.clone(), Some(mark.clone())));
    }
    if domain.state != DomainState::Running {
        let help = format!("start it, so that it can be looked at: virsh start {name}");
        return refuse(format!("domain {name} on host {host} does not run"), help);
    }
    let inventory = Inventory::take(desired, observed, memory);
    let instance = instance(desired, &inventory, wish)?;
    match DomainName::instance(&desired.cluster, &domain.name) {
        Some(other) if other != instance => refuse(
            format!("domain {name} has the name of {other} of this cluster"),
            format!("adopt it as that, or rename it while it is off: virsh domrename {name}"),
        ),
        Some(_) | None => Ok(candidate(instance, None)),
    }
}

fn only_one<'a>(observed: &'a Observed, wish: &Wish) -> Result<(&'a HostId, &'a Domain), Refused> {
    let seen = observed
        .hosts
        .iter()
        .filter_map(|(id, seen)| Some((id, seen.facts()?)));
    let of_host = seen.filter(|(id, _)| wish.host.as_ref().is_none_or(|host| host == *id));
    let all = of_host.flat_map(|(id, facts)| facts.domains.iter().map(move |domain| (id, domain)));
    let found: Vec<_> = all
        .filter(|(_, domain)| domain.name == wish.domain)
        .collect();
    match found[..] {
        [found] => Ok(found),
        [] => {
            let unseen = observed
                .hosts
                .iter()
                .filter(|(_, seen)| matches!(seen, Seen::No(_)));
            let unseen: Vec<&str> = unseen.map(|(id, _)| id.as_str()).collect();
            let help = match unseen.is_empty() {
                true => "see what there is: virsh list --all".to_owned(),
                false => format!("not seen: {}; see reconcile status", unseen.join(", ")),
            };
            let place = wish
                .host
                .as_ref()
                .map_or("any host that was seen", HostId::as_str);
            refuse(
                format!("there is no domain {:?} on {place}", wish.domain),
                help,
            )
        }
        [..] => {
            let hosts: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
            let text = format!("{} is on several hosts: {}", wish.domain, hosts.join(", "));
            refuse(text, "say which one: --host HOST")
        }
    }
}

/// A domain with a mark was adopted before, or is none that could be.
fn marked(desired: &Desired, wish: &Wish, mark: &Mark) -> Result<(), Refused> {
    let same = mark.instance.group == wish.group
        && wish.index.is_none_or(|index| index == mark.instance.index);
    if mark.cluster == desired.cluster && same && is_adopted(&mark.digest) {
        return Ok(());
    }
    refuse(
        format!(
            "domain {} is {} of cluster {} already",
            wish.domain, mark.instance, mark.cluster
        ),
        "what has a mark of a cluster belongs to that",
    )
}

/// Who the domain becomes.
fn instance(
    desired: &Desired,
    inventory: &Inventory<'_>,
    wish: &Wish,
) -> Result<InstanceId, Refused> {
    let group = &wish.group;
    let there = match desired.groups.get(group) {
        None => 0,
        Some(known) => {
            fits(known)?;
            known.replicas
        }
    };
    let is_nowhere = |index: &u32| {
        let instance = InstanceId::new(group, *index);
        matches!(inventory.whereabouts(&instance), Whereabouts::Nowhere)
    };
    let next = there + 1;
    let index = wish
        .index
        .or_else(|| (1..=next).find(is_nowhere))
        .unwrap_or(next);
    if index == 0 || index > next {
        let text = format!("{group} has {there} instances, so there can't be a {group}-{index}");
        return refuse(text, format!("the next one is {group}-{next}"));
    }
    if !is_nowhere(&index) {
        return refuse(
            format!("{group}-{index} exists, or may exist on a host that can't be seen"),
            format!("take the next one: --as {group}-{next}; or see reconcile status"),
        );
    }
    Ok(InstanceId::new(group, index))
}

/// Whether instances of a group may be adopted.
fn fits(group: &Group) -> Result<(), Refused> {
    let id = &group.id;
    if let Role::LoadBalancer(_) = group.role {
        let text = format!("{id} is a load balancer: its guests are built by reconcile");
        return refuse(text, "adopt it as an instance of a service");
    }
    match group.stateful && group.protect {
        true => Ok(()),
        false => refuse(
            format!(
                "{id} is not stateful and protected: its guests may be ended and made anew at any time"
            ),
            format!(
                "adopt it as a service of its own; or write `stateful: true` and `protect: true` into services.{id}"
            ),
        ),
    }
}

/// What the file has to say, and where the guest answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The address of the guest.
    pub address: Ipv4Addr,
    /// The edits of the file, none where it says all already.
    pub amendments: Vec<Amendment>,
}

/// What the file has to say for a domain to be what it is.
///
/// # Errors
/// It is nothing that the file could ask for.
pub fn propose(
    desired: &Desired,
    taken: &BTreeMap<Ipv4Addr, InstanceId>,
    candidate: &Candidate,
    surveyed: &Surveyed,
    wish: &Wish,
) -> Result<Proposal, Refused> {
    let (name, instance) = (&candidate.name, &candidate.instance);
    let Some(host) = desired
        .hosts
        .get(&candidate.host)
        .filter(|host| !host.is_leaving())
    else {
        let text = format!("host {} is not in the file any more", candidate.host);
        return refuse(text, "put it back into `hosts`");
    };
    if !surveyed.is_defined {
        let help =
            format!("define it first: virsh dumpxml {name} > {name}.xml; virsh define {name}.xml");
        return refuse(
            format!("domain {name} is transient: nobody could start it again"),
            help,
        );
    }
    let address = address(desired, host, candidate, surveyed, wish)?;
    if let Some(other) = taken.get(&address).filter(|other| *other != instance) {
        let text = format!("{address} is the address of {other}");
        return refuse(
            text,
            format!("name the one that {name} has: --address ADDRESS"),
        );
    }
    let mut amendments = Vec::new();
    if !host.pool.contains(address) {
        let others = desired
            .hosts
            .values()
            .find(|other| other.pool.contains(address));
        if let Some(other) = others {
            let text = format!(
                "{address} is in the pool of host {}, and {name} is on host {}",
                other.id, host.id
            );
            return refuse(
                text,
                format!("take it out of hosts.{}.pool first", other.id),
            );
        }
        let host = host.id.clone();
        amendments.push(Amendment::Pool { host, address });
    }
    amendments.extend(match desired.groups.get(&instance.group) {
        Some(group) => of_known(group, instance, surveyed, wish)?,
        None => Some(of_new(desired, instance, surveyed, wish)?),
    });
    Ok(Proposal {
        address,
        amendments,
    })
}

fn address(
    desired: &Desired,
    host: &Host,
    candidate: &Candidate,
    surveyed: &Surveyed,
    wish: &Wish,
) -> Result<Ipv4Addr, Refused> {
    let name = &candidate.name;
    let Some(network) = desired.networks.get(&host.network) else {
        return refuse(format!("host {} has no network", host.id), "give it one");
    };
    if !surveyed.bridges.contains(&network.bridge) {
        let text = format!(
            "domain {name} is not attached to bridge {} of network {}",
            network.bridge, host.network
        );
        return refuse(
            text,
            format!(
                "attach it there (virsh edit {name}), or correct networks.{}.bridge",
                host.network
            ),
        );
    }
    let within = surveyed
        .addresses
        .iter()
        .filter(|address| network.cidr.contains(*address));
    let known: Vec<Ipv4Addr> = within.copied().collect();
    let help = format!("name it: --address ADDRESS, one of {}", network.cidr);
    match (wish.address, &known[..]) {
        (Some(address), _) if network.cidr.contains(&address) => Ok(address),
        (Some(address), _) => refuse(
            format!(
                "{address} is not in network {} ({})",
                host.network, network.cidr
            ),
            help,
        ),
        (None, [only]) => Ok(*only),
        (None, []) => refuse(
            format!(
                "host {} does not know the address of domain {name}",
                host.id
            ),
            help,
        ),
        (None, [..]) => {
            let all: Vec<String> = known.iter().map(Ipv4Addr::to_string).collect();
            refuse(
                format!("domain {name} has several addresses: {}", all.join(", ")),
                "name one: --address ADDRESS",
            )
        }
    }
}

/// One more instance of a service, or one that it lacks.
fn of_known(
    group: &Group,
    instance: &InstanceId,
    surveyed: &Surveyed,
    wish: &Wish,
) -> Result<Option<Amendment>, Refused> {
    let id = &group.id;
    let said = [
        (
            wish.image
                .as_ref()
                .is_some_and(|image| *image != group.image),
            "--image",
            "image",
        ),
        (
            wish.port.is_some_and(|port| port != group.port()),
            "--port",
            "port",
        ),
        (
            wish.heartbeat
                .as_ref()
                .is_some_and(|path| *path != group.heartbeat.path),
            "--heartbeat",
            "heartbeat",
        ),
    ];
    if let Some((_, flag, key)) = said.into_iter().find(|(differs, ..)| *differs) {
        let text = format!("services.{id} is in the file, and has another `{key}`");
        return refuse(
            text,
            format!("leave {flag} out, or adopt it as a service of its own"),
        );
    }
    if (group.cpus, group.memory) != (surveyed.cpus, surveyed.memory) {
        let text = format!(
            "it has {} processors and {} of memory, and instances of {id} have {} and {}",
            surveyed.cpus, surveyed.memory, group.cpus, group.memory
        );
        return refuse(text, "adopt it as a service of its own");
    }
    Ok(
        (instance.index > group.replicas).then(|| Amendment::Replicas {
            id: id.clone(),
            replicas: instance.index,
        }),
    )
}

/// The first instance of a service.
fn of_new(
    desired: &Desired,
    instance: &InstanceId,
    surveyed: &Surveyed,
    wish: &Wish,
) -> Result<Amendment, Refused> {
    let id = &instance.group;
    let image = wish
        .image
        .as_ref()
        .and_then(|image| desired.images.get(image));
    let (Some(image), Some(port)) = (image, wish.port) else {
        let known: Vec<&str> = desired.images.keys().map(ImageId::as_str).collect();
        return refuse(
            format!("services.{id} is not in the file, and needs an image of the file and a port"),
            format!(
                "--image (known here: {}) and --port; the image says whom to log in as",
                known.join(", ")
            ),
        );
    };
    if image.interfaces {
        let text = format!(
            "/etc/network/interfaces of guests of image {} is written by reconcile",
            image.id
        );
        let help = format!(
            "make another image with the same `path` and `interfaces: false`, and name that: --image {}-adopted",
            image.id
        );
        return refuse(text, help);
    }
    let mut keys = vec![
        ("image", image.id.to_string()),
        ("cpus", surveyed.cpus.to_string()),
        ("memory", surveyed.memory.to_string()),
        ("port", port.to_string()),
    ];
    keys.extend(
        wish.heartbeat
            .as_ref()
            .map(|path| ("heartbeat", format!("{{ path: {path:?} }}"))),
    );
    keys.extend([
        ("stateful", "true".to_owned()),
        ("protect", "true".to_owned()),
    ]);
    let keys = keys.into_iter().map(|(key, value)| (key.to_owned(), value));
    Ok(Amendment::Service {
        id: id.clone(),
        keys: keys.collect(),
    })
}

/// The adoption itself, as the file asks for it by then. None: the file does not ask for that instance.
pub fn adoption(
    desired: &Desired,
    observed: &Observed,
    candidate: &Candidate,
    address: Ipv4Addr,
) -> Option<Adoption> {
    let instance = &candidate.instance;
    let group = desired
        .group_of(instance)
        .filter(|group| instance.index <= group.replicas)?;
    let (host, image) = (
        desired.hosts.get(&candidate.host)?,
        desired.images.get(&group.image)?,
    );
    let mark = Mark {
        cluster: desired.cluster.clone(),
        instance: instance.clone(),
        address,
        moving_to: None,
        port: group.port(),
        digest: as_adopted(&fingerprint(desired, group, image, host)),
        generation: format!("{instance}-{:x}", observed.now.0),
        stage: Stage::Ready,
    };
    Some(Adoption {
        host: candidate.host.clone(),
        domain: candidate.name.clone(),
        uuid: candidate.uuid.clone(),
        mark,
    })
}

/// What would be amiss right after an adoption, as a round saw and planned it as if that were done: then it is not done.
///
/// # Errors
/// There is something that reconcile would do to the instance, or does not know of it.
pub fn leaves_it_alone(
    desired: &Desired,
    observed: &Observed,
    plan: &Plan,
    mark: &Mark,
) -> Result<(), Refused> {
    let instance = &mark.instance;
    let beat = observed.beats.get(instance);
    if let (Some(group), true) = (
        desired.group_of(instance),
        beat.is_none_or(|beat| beat.failures > 0),
    ) {
        let why = beat
            .and_then(|beat| beat.error.as_deref())
            .unwrap_or("no answer");
        let (address, asked) = (mark.address, group.heartbeat.asked_at());
        let text = format!(
            "it gives no heartbeat at http://{address}:{}{}: {why}",
            asked.port, asked.path
        );
        return refuse(
            text,
            "it has to answer 200 and OK there; another place: --port, --heartbeat, --address",
        );
    }
    let mut actions = plan
        .actions
        .iter()
        .filter(|action| action.operation.instance() == Some(instance));
    if let Some(action) = actions.next() {
        let text = format!(
            "reconcile would not leave it as it is: {} {}: {}",
            action.operation.kind(),
            action.summary,
            action.reason.text
        );
        return refuse(text, "nothing was changed; mend that, and run this again");
    }
    let name = instance.to_string();
    let mut notices = plan.notices.iter().filter(|notice| notice.subject == name);
    match notices.next() {
        Some(notice) => refuse(
            format!("reconcile could not look after it: {}", notice.text),
            notice
                .help
                .clone()
                .unwrap_or_else(|| "nothing was changed; mend that, and run this again".to_owned()),
        ),
        None => Ok(()),
    }
}

/// Which addresses instances have, as far as it is known.
pub fn taken(observed: &Observed, desired: &Desired) -> BTreeMap<Ipv4Addr, InstanceId> {
    let marks = observed.domains_of(&desired.cluster).map(|(_, mark)| mark);
    marks
        .flat_map(|mark| {
            mark.addresses()
                .map(|address| (address, mark.instance.clone()))
        })
        .collect()
}
