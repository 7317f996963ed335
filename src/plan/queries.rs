//! What has to be looked at, so that the next plan is well founded: which files of a host, which guests, and which
//! addresses on the wire before they are used.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use super::machine::{image_files, image_path, volume_directory};
use super::renderer::Renderer;
use super::rotation::{Rotation, Trust};
use super::round::Round;
use crate::model::action::{Build, GuestConfig, GuestRef, Operation};
use crate::model::desired::{Accelerator, Desired, Group, Heartbeat, Host, Role};
use crate::model::facts::Observed;
use crate::model::id::HostId;
use crate::model::mark::{Mark, Stage};
use crate::model::memory::Memory;
use crate::model::plan::{Plan, ReasonCode};
use crate::ports::guest::GuestQuery;
use crate::ports::hypervisor::HostQuery;

/// A guest to look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// How it is reached.
    pub guest: GuestRef,
    /// Where else it may answer: at the address that it moves to, or at the port that the file says by now.
    pub or_at: Option<SocketAddrV4>,
    /// What to ask inside; none: it is not asked (its host can't be seen, or it has no address of its own yet).
    pub query: Option<GuestQuery>,
    /// The heartbeat to ask for, at the port where it serves now.
    pub heartbeat: Heartbeat,
}

/// What is asked of a host.
pub fn host_query(desired: &Desired, host: &Host) -> HostQuery {
    let files: BTreeSet<String> = desired
        .images
        .values()
        .flat_map(image_files)
        .map(|file| image_path(host, file))
        .collect();
    HostQuery {
        files,
        volumes: volume_directory(desired, host),
        cluster: Some(desired.cluster.clone()),
        probe_kvm: host.accelerator == Accelerator::Auto,
        peers: BTreeMap::new(),
    }
}

/// The guests to look at, once the hosts are seen.
pub fn looks(
    desired: &Desired,
    observed: &Observed,
    memory: &Memory,
    renderer: &Renderer,
) -> Vec<Look> {
    let round = Round::new(desired, observed, memory, renderer);
    let rotation = Rotation::present(&round);
    let mut looks = Vec::new();
    for (found, counts) in round
        .inventory
        .all_found()
        .filter(|(f, _)| f.domain.run.is_some())
    {
        let Some(group) = desired.group_of(&found.mark.instance).filter(|_| counts) else {
            continue;
        };
        let query = (found.mark.stage == Stage::Ready)
            .then(|| query_of(&round, &rotation, group, found.host, found.mark));
        looks.push(look(&round, group, found.host, found.mark, query));
    }
    for (instance, host, mark) in round.inventory.all_hidden() {
        if let Some(group) = desired.group_of(instance) {
            looks.push(look(&round, group, host, mark, None));
        }
    }
    looks
}

fn look(
    round: &Round<'_>,
    group: &Group,
    host: &HostId,
    mark: &Mark,
    query: Option<GuestQuery>,
) -> Look {
    // Who was interrupted while it was moved, or set up for another port, may be there already.
    let (address, to) = (mark.address, mark.moving_to.unwrap_or(mark.address));
    let heartbeat = group.heartbeat_of(mark.port);
    let (port, wanted) = (heartbeat.port, group.heartbeat.port);
    let or_at = (to, wanted) != (address, port);
    Look {
        guest: round.guest_ref(group, host, mark),
        or_at: or_at.then(|| SocketAddrV4::new(to, wanted)),
        query,
        heartbeat,
    }
}

fn query_of(
    round: &Round<'_>,
    rotation: &Rotation,
    group: &Group,
    host: &HostId,
    mark: &Mark,
) -> GuestQuery {
    match asked(round, rotation, group, host, mark) {
        Some(config) => guest_query(&config),
        None => GuestQuery::default(),
    }
}

/// The configuration that a guest is asked about: that of its present place, with everybody in rotation.
pub(super) fn asked(
    round: &Round<'_>,
    rotation: &Rotation,
    group: &Group,
    host: &HostId,
    mark: &Mark,
) -> Option<Arc<GuestConfig>> {
    let upstreams = match &group.role {
        Role::Service(_) => Vec::new(),
        Role::LoadBalancer(lb) => rotation.upstreams(lb, Trust::Everyone).unwrap_or_default(),
    };
    round
        .config(&mark.instance, group, host, mark.address, &upstreams)?
        .ok()
}

/// What to ask a guest that shall have this configuration.
pub fn guest_query(config: &GuestConfig) -> GuestQuery {
    let daemon_files = config
        .daemon
        .iter()
        .flat_map(|d| std::iter::once(&d.script).chain(d.units.values()));
    GuestQuery {
        files: config
            .files
            .iter()
            .chain(daemon_files)
            .map(|f| (f.path.clone(), f.sha256.clone()))
            .collect(),
        daemon: config.daemon.as_ref().map(|d| d.name.clone()),
    }
}

/// Addresses that a plan is about to use and that nobody has probed: by the host that asks on the wire.
pub fn unprobed(
    plan: &Plan,
    observed: &Observed,
    memory: &Memory,
) -> BTreeMap<HostId, Vec<Ipv4Addr>> {
    let mut wanted: BTreeMap<HostId, Vec<Ipv4Addr>> = BTreeMap::new();
    for action in &plan.actions {
        let address = match &action.operation {
            Operation::Create(build) => Some(build.mark.address),
            Operation::Recreate(build) => {
                (!had_address(memory, build)).then_some(build.mark.address)
            }
            Operation::Rebind(rebind) if rebind.guest.address != rebind.to => Some(rebind.to),
            Operation::AddVip(vip) if action.reason.code == ReasonCode::VipUnheld => {
                let known = memory
                    .holders
                    .get(&vip.balancer)
                    .is_some_and(|h| h.vip == Some(vip.vip.addr()));
                (!known).then(|| vip.vip.addr())
            }
            _ => None,
        };
        let Some(address) = address.filter(|a| !observed.probed.contains_key(a)) else {
            continue;
        };
        wanted
            .entry(action.operation.host().clone())
            .or_default()
            .push(address);
    }
    wanted
}

/// Whether the guest that is made anew had the same address: then it is its own.
fn had_address(memory: &Memory, build: &Build) -> bool {
    let remembered = memory.hosts.get(&build.host);
    let mark = remembered.and_then(|host| host.guests.get(&build.mark.instance));
    mark.is_some_and(|mark| mark.addresses().any(|a| a == build.mark.address))
}
