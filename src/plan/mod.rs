//! The planner: desired, observed and memory → a plan. Pure: no I/O, no clock, no randomness; the same input gives
//! the same plan. The top function is its table of contents; each step is a file.

mod adopted;
pub mod adoption;
mod balancers;
mod bootstraps;
mod brake;
mod budget;
mod build;
mod circles;
pub mod compare;
mod configure;
mod create;
mod draft;
mod drift;
mod failover;
pub mod fencing;
mod former;
mod gap;
mod gate;
mod give_up;
mod health;
mod hold;
pub mod hosts;
mod images;
mod inventory;
pub mod lint;
mod lost;
pub mod machine;
mod need;
mod notices;
mod old_copies;
mod orders;
mod placement;
mod process;
pub mod queries;
pub mod quorum;
mod recover;
mod refusal;
mod relocate;
mod renderer;
mod retire;
mod rivals;
mod roll;
mod rotation;
mod round;
mod row;
pub mod saved;
mod surge;
mod trials;
mod verdict;
mod vip;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use crate::memory::guests;
use crate::model::action::GuestConfig;
use crate::model::desired::{Desired, Group, Host, Role};
use crate::model::facts::Observed;
use crate::model::id::{GroupId, HostId, ImageId, InstanceId, NetworkId};
use crate::model::mark::Mark;
use crate::model::memory::Memory;
use crate::model::orders::{Order, Orders};
use crate::model::plan::{ActionId, Plan};
use crate::render::Upstream;
use bootstraps::Occupants;
use draft::Draft;
pub use health::run_of;
pub use inventory::{Found, Inventory};
pub use placement::explain::{LoadUnit, Stand, Verdict, Why, why};
pub use placement::{Cause, Criterion, Kind, Move, Place, Score};
pub use renderer::Renderer;
pub use rivals::{HELP as RIVAL_HELP, rivals_text};
use rotation::{Rotation, Trust};
use round::Round;

/// Decides what to do in this round.
///
/// Guarantees: actions come in an order in which they can run one by one; nothing without our mark is touched; what
/// is unknown is neither created nor destroyed; right after a plan was carried out, the next one is empty.
pub fn plan(desired: &Desired, observed: &Observed, memory: &Memory, renderer: &Renderer) -> Plan {
    let (round, gate) = gate::judge(Round::new(desired, observed, memory, renderer));
    let (round, extra) = surge::surging(round);
    if extra.is_empty() {
        return Plan {
            gate,
            ..plan_round(round)
        };
    }
    let wider = surge::widened(desired, &extra);
    let round = Round::new(&wider, observed, memory, renderer);
    Plan {
        gate,
        ..plan_round(round)
    }
}

fn plan_round(round: Round<'_>) -> Plan {
    let mut planner = Planner::new(round);
    planner.notices();
    planner.end_old_copies();
    planner.fail_over_vips();
    planner.finish_bootstraps();
    planner.recover_dead();
    planner.create_missing();
    planner.finish_started();
    // Load balancers first: one that is due for a restart can't be told to lead requests elsewhere.
    planner.roll(|group| matches!(group.role, Role::LoadBalancer(_)));
    // Users wait for a VIP that is away; nobody waits for what comes after it.
    planner.settle_vips();
    planner.roll(|group| matches!(group.role, Role::Service(_)));
    planner.send_requests_to_all();
    planner.say_who_is_asked_elsewhere();
    planner.retire_surplus();
    planner.look_again_at_hosts();
    planner.say_orders();
    planner.say_rivals();
    planner.say_what_is_pending();
    planner.say_what_was_rolled_back();
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
    rotation
        .upstreams(balancer, Trust::Everyone)
        .unwrap_or_default()
}

/// The plan in the making, with what its steps must know of each other.
struct Planner<'a> {
    round: Round<'a>,
    draft: Draft,
    /// Who gets requests at this point of the plan.
    rotation: Rotation,
    /// Who got them before it.
    first_rotation: Rotation,
    /// What must have succeeded before the load balancers are told of all instances.
    before_rotation: BTreeSet<ActionId>,
    /// The marks that earlier actions of this plan gave to guests, with their hosts.
    marks: BTreeMap<InstanceId, (HostId, Mark)>,
    /// The action by which each guest gets the address where later actions reach it.
    arrivals: BTreeMap<InstanceId, ActionId>,
    /// Guests that get another address in this plan, with the file that it is written to.
    renumbered: BTreeMap<InstanceId, String>,
    /// What earlier actions of this plan have made of a guest.
    planned: BTreeMap<InstanceId, Arc<GuestConfig>>,
    /// The last action on each guest.
    last: BTreeMap<InstanceId, ActionId>,
    /// The end of the row of actions that must not run side by side because each takes something out of service.
    row: Option<ActionId>,
    /// Services with the reason why requests can't be led elsewhere, where that was asked.
    untold: BTreeMap<GroupId, Option<balancers::Obstacle>>,
    /// Groups that have been worked on in the row.
    in_row: BTreeSet<GroupId>,
    /// What guests are built from, by group and bridge.
    fingerprints: BTreeMap<(&'a GroupId, &'a NetworkId), Rc<str>>,
    /// Base images on hosts, where a guest needs them.
    supplies: BTreeMap<(HostId, ImageId), images::Supply>,
    /// The ends of copies that were made elsewhere meanwhile.
    old_copies: BTreeMap<(InstanceId, HostId), ActionId>,
    /// Instances whose first heartbeat has yet to come.
    awaited: BTreeSet<InstanceId>,
    /// Instances that are worked on, and an older copy of which has to end first.
    gives_way: BTreeSet<InstanceId>,
    /// Hosts that are switched off in this plan.
    fenced_hosts: BTreeMap<HostId, ActionId>,
    /// Who holds each VIP at this point of the plan.
    holders: BTreeMap<GroupId, InstanceId>,
    /// The last action of each image's bootstrap address.
    bootstraps: BTreeMap<std::net::Ipv4Addr, ActionId>,
    /// Who is at each bootstrap address at this point of the plan.
    occupants: Occupants,
    /// What is not done because of an order.
    kept_back: orders::KeptBack,
}

impl<'a> Planner<'a> {
    fn new(round: Round<'a>) -> Self {
        let rotation = Rotation::present(&round);
        Planner {
            first_rotation: rotation.clone(),
            rotation,
            occupants: Occupants::present(&round),
            round,
            before_rotation: BTreeSet::new(),
            marks: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            renumbered: BTreeMap::new(),
            untold: BTreeMap::new(),
            in_row: BTreeSet::new(),
            draft: Draft::default(),
            planned: BTreeMap::new(),
            last: BTreeMap::new(),
            row: None,
            fingerprints: BTreeMap::new(),
            supplies: BTreeMap::new(),
            old_copies: BTreeMap::new(),
            awaited: BTreeSet::new(),
            gives_way: BTreeSet::new(),
            fenced_hosts: BTreeMap::new(),
            holders: BTreeMap::new(),
            bootstraps: BTreeMap::new(),
            kept_back: orders::KeptBack::default(),
        }
    }

    /// What a guest of `group` on `host` is built from.
    fn fingerprint(&mut self, group: &'a Group, host: &'a Host) -> Option<Rc<str>> {
        let (desired, image) = (self.round.desired, self.round.image(group)?);
        let known = self.fingerprints.entry((&group.id, &host.network));
        let wanted =
            known.or_insert_with(|| machine::fingerprint(desired, group, image, host).into());
        Some(Rc::clone(wanted))
    }

    /// What `instance` is built from on `host`: with the size that it has, where it keeps that.
    fn fingerprint_of(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        host: &'a Host,
    ) -> Option<Rc<str>> {
        match self.sized(instance, group) {
            Cow::Borrowed(group) => self.fingerprint(group, host),
            Cow::Owned(group) => {
                let (desired, image) = (self.round.desired, self.round.image(&group)?);
                Some(machine::fingerprint(desired, &group, image, host).into())
            }
        }
    }

    /// The group of an instance, with the size that this is built with.
    fn sized(&self, instance: &InstanceId, group: &'a Group) -> Cow<'a, Group> {
        match self.round.placement.kept_sizes.get(instance) {
            Some(size) => Cow::Owned(size.resize(group)),
            None => Cow::Borrowed(group),
        }
    }

    /// The orders in force; to try something again is over when that was done.
    fn open_orders(&self) -> Orders {
        let mut orders = self.round.observed.orders.clone();
        let known = &self.round.memory.guests;
        let is_open = |instance: &InstanceId, order: &Order| {
            known
                .get(instance)
                .is_none_or(|guest| guests::is_open(order, guest))
        };
        orders
            .retried
            .retain(|instance, order| is_open(instance, order));
        orders
    }

    fn into_plan(self) -> Plan {
        let Round {
            desired, observed, ..
        } = self.round;
        let is_left = |i: &&InstanceId| self.kept_back.has(i) || self.round.is_no_target(i, None);
        let instances = observed.guests.keys().filter(is_left);
        let left_alone = instances.cloned().collect();
        let mut notices = self.draft.notices.clone();
        notices.sort();
        notices.dedup();
        Plan {
            cluster: desired.cluster.clone(),
            file: desired.file.clone(),
            revision: desired.revision.clone(),
            commit: desired.commit.clone(),
            observed_at: observed.now,
            hosts: self.round.inventory.hosts.conditions(),
            notices,
            unchanged: self.draft.unchanged,
            brake: self.round.inventory.hosts.brake.clone(),
            look_again: self.draft.look_again,
            uneven: self.round.placement.uneven,
            gate: None,
            orders: self.open_orders(),
            left_alone,
            in_hand: self.round.memory.busy.keys().cloned().collect(),
            adopted: self.round.inventory.adopted(),
            awaited: self.awaited,
            gives_way: self.gives_way,
            actions: self.draft.in_waves(),
        }
    }
}
