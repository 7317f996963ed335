//! The sections of the file, one module each: what was written → drafts. A draft holds what the checks across
//! sections need, with its places, and the finished thing where every part of it could be read.

mod access;
mod balancers;
mod changes;
mod fencing;
mod files;
mod groups;
mod hosts;
mod images;
mod networks;
mod notify;
mod placement;
mod policies;
mod secrets;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;

use ipnet::Ipv4Net;

use crate::model::desired::{Group, Host, Image, Network};
use crate::model::id::{ClusterName, GroupId, HostId, ImageId, NetworkId, ReceiverName};
use crate::model::policy::{Changes, Rebalance};
use crate::model::receiver::Receiver;

use super::context::Context;
use super::fields::{Fields, Named};
use super::source::{At, Span};
use super::words;

pub use access::Access;
pub use placement::PlacementDraft;
pub use policies::{BudgetDraft, SafetyDraft};

/// The whole file, read.
pub struct Draft {
    /// The cluster's name.
    pub cluster: Option<At<ClusterName>>,
    /// The networks that could be read.
    pub networks: Vec<NetworkDraft>,
    /// The hosts.
    pub hosts: Vec<HostDraft>,
    /// The images.
    pub images: Vec<ImageDraft>,
    /// Services, then load balancers.
    pub groups: Vec<GroupDraft>,
    /// How careful the controller is.
    pub safety: SafetyDraft,
    /// How edits come into force.
    pub changes: Option<Changes>,
    /// When guests are moved only to even out the load.
    pub rebalance: Option<Rebalance>,
    /// Who is told what happens.
    pub notify: BTreeMap<ReceiverName, Receiver>,
    /// Keys, secrets, templates.
    pub access: Access,
    /// All the names that the file gives, whether or not what they name could be read.
    pub names: Names,
}

/// The names that the file gives, by section; none where the section is no mapping.
#[derive(Debug, Default)]
pub struct Names {
    /// Of networks.
    pub networks: Option<BTreeSet<String>>,
    /// Of hosts.
    pub hosts: Option<BTreeSet<String>>,
    /// Of images.
    pub images: Option<BTreeSet<String>>,
    /// Of services.
    pub services: Option<BTreeSet<String>>,
    /// Of load balancers.
    pub balancers: Option<BTreeSet<String>>,
}

/// A network.
pub struct NetworkDraft {
    /// Its name.
    pub id: At<NetworkId>,
    /// Its addresses.
    pub cidr: Option<At<Ipv4Net>>,
    /// Its default route.
    pub gateway: Option<At<Ipv4Addr>>,
    /// The finished thing.
    pub built: Option<Network>,
}

/// A host.
pub struct HostDraft {
    /// Its name.
    pub id: At<HostId>,
    /// What ssh connects to.
    pub address: Option<At<String>>,
    /// The port of its sshd.
    pub port: Option<u16>,
    /// The network of its pool.
    pub network: Option<At<String>>,
    /// The ranges of its pool.
    pub pool: Vec<At<(Ipv4Addr, Ipv4Addr)>>,
    /// What is said of it, where all of that could be read.
    pub labels: Option<BTreeMap<String, String>>,
    /// Where it says that it is fenced by a lease.
    pub lease: Option<Span>,
    /// The finished thing.
    pub built: Option<Host>,
}

/// An image.
pub struct ImageDraft {
    /// Its name.
    pub id: At<ImageId>,
    /// Its bootstrap address.
    pub bootstrap: Option<At<Ipv4Addr>>,
    /// The files that are copied to hosts.
    pub copies: Vec<CopyDraft>,
    /// The finished thing.
    pub built: Option<Image>,
}

/// A file that is copied to hosts.
pub struct CopyDraft {
    /// Where it goes, at the place that says so.
    pub to: At<String>,
    /// The local file.
    pub from: PathBuf,
    /// Its digest.
    pub sha256: String,
}

/// A service or a load balancer.
pub struct GroupDraft {
    /// Its name.
    pub id: At<GroupId>,
    /// How many instances.
    pub replicas: Option<At<u32>>,
    /// The name of its image.
    pub image: Option<At<String>>,
    /// Where its instances may be.
    pub placement: PlacementDraft,
    /// How many of them may be away.
    pub budget: BudgetDraft,
    /// Where its files go.
    pub files: Vec<At<String>>,
    /// What only a load balancer has.
    pub balancer: Option<BalancerDraft>,
    /// The finished thing.
    pub built: Option<Group>,
}

/// What only a load balancer has.
pub struct BalancerDraft {
    /// The public address.
    pub vip: Option<At<Ipv4Net>>,
    /// The paths that it routes.
    pub routes: Vec<RouteDraft>,
    /// The path of its heartbeat, where that is served on the port of the routes.
    pub heartbeat: Option<At<String>>,
}

/// A route.
pub struct RouteDraft {
    /// The start of the request's path.
    pub path: Option<At<String>>,
    /// The name of its service.
    pub service: Option<At<String>>,
}

/// Reads all sections.
pub fn read(root: &Fields<'_>) -> Draft {
    let names = Names {
        networks: root.written_names("networks"),
        hosts: root.written_names("hosts"),
        images: root.written_names("images"),
        services: root.written_names("services"),
        balancers: root.written_names("load_balancers"),
    };
    let networks = networks::networks(root);
    let secrets = secrets::Secrets {
        names: root.written_names("secrets"),
        values: access::secrets(root),
    };
    let mut groups = groups::services(root);
    groups.extend(balancers::balancers(root));
    Draft {
        cluster: root.get("cluster", words::name),
        safety: policies::safety(root, &networks, &names),
        changes: changes::changes(root),
        rebalance: policies::rebalance(root),
        networks,
        hosts: hosts::hosts(root, &names, &secrets),
        images: images::images(root),
        groups,
        notify: notify::receivers(root, &secrets),
        access: access::access(root, secrets.values),
        names,
    }
}

/// The name of an entry as one of the name types.
fn id<T>(cx: &Context<'_>, entry: &Named<'_>) -> Option<At<T>>
where
    T: std::str::FromStr<Err = crate::model::id::NameError>,
{
    cx.convert(&entry.path, &entry.name, words::name)
}

/// Where a value stands, or what it belongs to.
fn place<T>(value: &Option<At<T>>, or: Span) -> Span {
    value.as_ref().map_or(or, |value| value.span)
}
