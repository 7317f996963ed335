//! What the file has to say for a domain to be what it is.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::{Candidate, Refused, Wish, refuse};
use crate::model::adoption::{Amendment, Surveyed};
use crate::model::desired::{Desired, Group, Host};
use crate::model::id::{ImageId, InstanceId};

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
