//! Whether a domain that somebody else made can become an instance, and what the file has to say then. Looks at facts, acts on nothing.

mod propose;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::inventory::{Inventory, Whereabouts};
use super::machine::{as_adopted, fingerprint, is_adopted};
use crate::model::adoption::Adoption;
use crate::model::desired::{Desired, Group, Role};
use crate::model::facts::{Domain, DomainState, Observed, Seen};
use crate::model::id::{DomainName, GroupId, HostId, ImageId, InstanceId};
use crate::model::mark::{Mark, Stage};
use crate::model::memory::Memory;
use crate::model::plan::Plan;
pub use propose::{Proposal, propose};

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
