//! Everything that one round's decisions read: desired, observed and remembered, sorted per instance.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::health::{self, Health};
use super::inventory::{Found, Inventory, Whereabouts};
use super::placement::{self, Place, Placement};
use super::renderer::Renderer;
use crate::model::action::{GuestConfig, GuestNetwork, GuestRef};
use crate::model::desired::{Desired, Group, Host, Image, Network};
use crate::model::facts::{Beat, GuestFacts, HostFacts, Observed};
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::memory::Memory;
use crate::render::{GuestContext, RenderError, Upstream};

/// One round's input, sorted.
pub struct Round<'a> {
    /// What is wanted.
    pub desired: &'a Desired,
    /// What was seen.
    pub observed: &'a Observed,
    /// What is remembered.
    pub memory: &'a Memory,
    /// Turns templates into files.
    pub renderer: &'a Renderer,
    /// Who is where.
    pub inventory: Inventory<'a>,
    /// Who belongs where.
    pub placement: Placement<'a>,
    /// Every desired instance.
    pub views: BTreeMap<InstanceId, View<'a>>,
}

/// One desired instance.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// Its group.
    pub group: &'a Group,
    /// Its domain, where one was found.
    pub found: Option<Found<'a>>,
    /// What is the matter with it.
    pub state: State<'a>,
}

/// What is the matter with an instance.
#[derive(Debug, Clone, PartialEq)]
pub enum State<'a> {
    /// An action is at work on it.
    Busy,
    /// It does not exist.
    Absent,
    /// It was on this host, which can't be seen now.
    Hidden(&'a HostId, &'a Mark),
    /// It was on this host, which can't be seen, and it is given up.
    Lost(&'a HostId, &'a Mark),
    /// It may be on this host, which never was seen.
    Perhaps(&'a HostId),
    /// It exists.
    Live(Health),
}

impl<'a> Round<'a> {
    /// Sorts the input.
    pub fn new(
        desired: &'a Desired,
        observed: &'a Observed,
        memory: &'a Memory,
        renderer: &'a Renderer,
    ) -> Self {
        let inventory = Inventory::take(desired, observed, memory);
        let placement = placement::place(desired, observed, memory, &inventory);
        let mut round = Round {
            desired,
            observed,
            memory,
            renderer,
            inventory,
            placement,
            views: BTreeMap::new(),
        };
        round.views = desired
            .instances()
            .map(|(instance, group)| {
                let view = round.view(&instance, group);
                (instance, view)
            })
            .collect();
        round
    }

    fn view(&self, instance: &InstanceId, group: &'a Group) -> View<'a> {
        let whereabouts = self.inventory.whereabouts(instance);
        let found = match whereabouts {
            Whereabouts::On(found) => Some(found),
            Whereabouts::Hidden { .. }
            | Whereabouts::Lost { .. }
            | Whereabouts::Perhaps { .. }
            | Whereabouts::Nowhere => None,
        };
        let state = match whereabouts {
            _ if self.memory.busy.contains_key(instance) => State::Busy,
            Whereabouts::On(found) => State::Live(health::classify(
                group,
                &found,
                self.observed.beat_of(found.mark),
                self.memory.guests.get(instance),
                self.observed.now,
            )),
            Whereabouts::Hidden { host, mark } => State::Hidden(host, mark),
            Whereabouts::Lost { host, mark } => State::Lost(host, mark),
            Whereabouts::Perhaps { host } => State::Perhaps(host),
            Whereabouts::Nowhere => State::Absent,
        };
        View {
            group,
            found,
            state,
        }
    }

    /// The heartbeat of an instance, as far as that copy of it was asked which counts.
    pub fn beat(&self, instance: &InstanceId) -> Option<&'a Beat> {
        let mark = match self.inventory.whereabouts(instance) {
            Whereabouts::On(found) => found.mark,
            Whereabouts::Hidden { mark, .. } | Whereabouts::Lost { mark, .. } => mark,
            Whereabouts::Perhaps { .. } | Whereabouts::Nowhere => return None,
        };
        self.observed.beat_of(mark)
    }

    /// The instances of a group, in order.
    pub fn views_of(&self, group: &Group) -> impl Iterator<Item = (&InstanceId, &View<'a>)> {
        let first = InstanceId::new(&group.id, 0);
        let last = InstanceId::new(&group.id, u32::MAX);
        self.views.range(first..=last)
    }

    /// The place of an instance.
    pub fn place(&self, instance: &InstanceId) -> Option<&Place<'a>> {
        self.placement.places.get(instance)
    }

    /// A host as desired, with what was seen of it.
    pub fn host(&self, id: &HostId) -> Option<(&'a Host, &'a HostFacts)> {
        let facts = self.observed.hosts.get(id)?.facts()?;
        Some((self.desired.hosts.get(id)?, facts))
    }

    /// A group's image.
    pub fn image(&self, group: &Group) -> Option<&'a Image> {
        self.desired.images.get(&group.image)
    }

    /// The network of a host's guests.
    pub fn network(&self, host: &HostId) -> Option<&'a Network> {
        self.desired
            .networks
            .get(&self.desired.hosts.get(host)?.network)
    }

    /// What was seen inside an instance.
    pub fn facts(&self, instance: &InstanceId) -> Option<&'a GuestFacts> {
        self.observed.guests.get(instance)?.facts()
    }

    /// How the instance with this mark on this host is reached.
    pub fn guest_ref(&self, group: &Group, host: &HostId, mark: &Mark) -> GuestRef {
        GuestRef {
            instance: mark.instance.clone(),
            host: host.clone(),
            address: mark.address,
            user: self
                .image(group)
                .map_or_else(|| "root".to_owned(), |i| i.user.clone()),
            generation: mark.generation.clone(),
        }
    }

    /// What its interface is set up with.
    pub fn guest_network(&self, host: &HostId, mac: &str) -> Option<GuestNetwork> {
        let network = self.network(host)?;
        Some(GuestNetwork {
            prefix: network.cidr.prefix_len(),
            gateway: network.gateway,
            mac: mac.to_owned(),
        })
    }

    /// What things are rendered for.
    pub fn context<'b>(
        &self,
        instance: &'b InstanceId,
        group: &'b Group,
        host: &'b HostId,
        address: Ipv4Addr,
    ) -> Option<GuestContext<'b>>
    where
        'a: 'b,
    {
        Some(GuestContext {
            instance,
            group,
            image: self.image(group)?,
            network: self.network(host)?,
            host,
            address,
        })
    }

    /// The files and the process that an instance shall have at this place.
    pub fn config(
        &self,
        instance: &InstanceId,
        group: &Group,
        host: &HostId,
        address: Ipv4Addr,
        upstreams: &[Upstream],
    ) -> Option<Result<Arc<GuestConfig>, RenderError>> {
        let context = self.context(instance, group, host, address)?;
        Some(
            self.renderer
                .guest_config(self.desired, &context, upstreams),
        )
    }
}
