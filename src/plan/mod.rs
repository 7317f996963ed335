//! The planner: desired, observed and memory → a plan. Pure: no I/O, no clock, no randomness; the same input gives
//! the same plan. The top function is its table of contents; each step is a file.

mod build;
mod configure;
mod create;
mod draft;
mod drift;
mod health;
mod images;
mod inventory;
pub mod machine;
mod notices;
mod placement;
pub mod queries;
mod recover;
mod renderer;
mod retire;
mod roll;
mod rotation;
mod round;
mod vip;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::action::GuestConfig;
use crate::model::desired::{Desired, Group, Role};
use crate::model::facts::Observed;
use crate::model::id::{GroupId, HostId, ImageId, InstanceId};
use crate::model::memory::Memory;
use crate::model::plan::{ActionId, Plan};
use crate::render::Upstream;
use draft::Draft;
pub use health::run_of;
pub use inventory::{Found, Inventory};
pub use renderer::Renderer;
use rotation::Rotation;
use round::Round;

/// Decides what to do in this round.
///
/// Guarantees: actions come in an order in which they can run one by one; nothing without our mark is touched; what
/// is unknown is neither created nor destroyed; right after a plan was carried out, the next one is empty.
pub fn plan(desired: &Desired, observed: &Observed, memory: &Memory, renderer: &Renderer) -> Plan {
    let mut planner = Planner::new(Round::new(desired, observed, memory, renderer));
    planner.notices();
    planner.fail_over_vips();
    planner.recover_dead();
    planner.create_missing();
    planner.finish_started();
    planner.roll_changes();
    planner.send_requests_to_all();
    planner.settle_vips();
    planner.retire_surplus();
    planner.into_plan()
}

/// Where each desired instance is, or would be placed.
pub fn places(desired: &Desired, observed: &Observed, memory: &Memory) -> Places {
    let inventory = Inventory::take(desired, observed, memory);
    let placement = placement::place(desired, observed, memory, &inventory);
    let places = placement.places.into_iter();
    places
        .map(|(instance, place)| (instance, (place.host.clone(), place.address)))
        .collect()
}

/// Instances with their hosts and addresses.
pub type Places = BTreeMap<InstanceId, (HostId, std::net::Ipv4Addr)>;

/// The upstreams of a load balancer when every instance serves at its place.
pub fn upstreams_at(desired: &Desired, group: &Group, places: &Places) -> Vec<Upstream> {
    let Role::LoadBalancer(balancer) = &group.role else {
        return Vec::new();
    };
    let mut rotation = Rotation::default();
    for (instance, (_, address)) in places {
        if let Some(Role::Service(service)) = desired.group_of(instance).map(|g| &g.role) {
            rotation.put(instance, *address, service.port);
        }
    }
    rotation.upstreams(balancer).unwrap_or_default()
}

/// The plan in the making, with what its steps must know of each other.
struct Planner<'a> {
    round: Round<'a>,
    draft: Draft,
    /// Who gets requests at this point of the plan.
    rotation: Rotation,
    /// Who got requests before the plan.
    before: Rotation,
    /// What earlier actions of this plan have made of a guest.
    planned: BTreeMap<InstanceId, Arc<GuestConfig>>,
    /// The last action on each guest.
    last: BTreeMap<InstanceId, ActionId>,
    /// The end of the row of actions that must not run side by side because each takes something out of service.
    row: Option<ActionId>,
    /// Base images on hosts, where a guest needs them.
    supplies: BTreeMap<(HostId, ImageId), images::Supply>,
    /// Who holds each VIP at this point of the plan.
    holders: BTreeMap<GroupId, InstanceId>,
    /// The last action of each image's bootstrap address.
    bootstraps: BTreeMap<std::net::Ipv4Addr, ActionId>,
}

impl<'a> Planner<'a> {
    fn new(round: Round<'a>) -> Self {
        Planner {
            rotation: Rotation::present(&round),
            before: Rotation::present(&round),
            round,
            draft: Draft::default(),
            planned: BTreeMap::new(),
            last: BTreeMap::new(),
            row: None,
            supplies: BTreeMap::new(),
            holders: BTreeMap::new(),
            bootstraps: BTreeMap::new(),
        }
    }

    fn into_plan(self) -> Plan {
        let Round {
            desired, observed, ..
        } = self.round;
        let seen = observed
            .hosts
            .values()
            .filter(|h| h.facts().is_some())
            .count();
        let mut notices = self.draft.notices.clone();
        notices.sort();
        notices.dedup();
        Plan {
            cluster: desired.cluster.clone(),
            file: desired.file.clone(),
            revision: desired.revision.clone(),
            observed_at: observed.now,
            hosts_seen: (seen, desired.hosts.len()),
            notices,
            unchanged: self.draft.unchanged,
            actions: self.draft.in_waves(),
        }
    }
}
