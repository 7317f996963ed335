//! Which instances the load balancers send requests to, as the plan goes on: an instance that is about to be worked
//! on is taken out first and put back when it is well again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::health::Health;
use super::round::{Round, State};
use crate::model::desired::{Desired, LoadBalancer, Role};
use crate::model::id::{GroupId, InstanceId};
use crate::model::plan::ActionId;
use crate::render::{Server, Upstream};

/// The rotation at one point of the plan.
#[derive(Debug, Clone, Default)]
pub struct Rotation {
    servers: BTreeMap<GroupId, BTreeMap<InstanceId, Server>>,
    /// Instances that are not known to be well now.
    doubts: BTreeMap<InstanceId, Doubt>,
    /// Instances whose address can't be known now: configurations that name their service are not touched.
    unknown: BTreeMap<GroupId, InstanceId>,
}

/// Why an instance is in doubt, and what ends that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Doubt {
    /// Whether it existed, or was tried, before this plan.
    known: bool,
    /// The action of this plan after whose success it is well.
    well_after: Option<ActionId>,
}

/// Which of the instances in doubt get requests.
///
/// nginx passes over an instance that does not answer, so one that died may stay in its list: a load balancer is not
/// touched for that alone. One that was taken out stays out until it is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// All of them.
    Everyone,
    /// Those that this plan makes well.
    Promised,
    /// None.
    Proven,
}

impl Rotation {
    /// As it is before the plan: existing instances at the addresses and ports where they answer now.
    pub fn present(round: &Round<'_>) -> Self {
        let mut rotation = Rotation::default();
        for (instance, view) in &round.views {
            if matches!(view.group.role, Role::LoadBalancer(_)) {
                continue;
            }
            let mark = match (&view.state, view.found) {
                (_, Some(found)) => found.mark,
                (State::Hidden(_, mark) | State::Lost(_, mark), None) => mark,
                (State::Perhaps(_), None) => {
                    rotation
                        .unknown
                        .insert(view.group.id.clone(), instance.clone());
                    continue;
                }
                (State::Busy | State::Absent | State::Live(_), None) => continue,
            };
            rotation.put(instance, mark.address, mark.port);
            if is_in_doubt(&view.state) {
                rotation.doubts.insert(
                    instance.clone(),
                    Doubt {
                        known: true,
                        well_after: None,
                    },
                );
            }
        }
        rotation
    }

    /// Puts an instance that is well into the rotation, at this address and port.
    pub fn put(&mut self, instance: &InstanceId, address: Ipv4Addr, port: u16) {
        let server = Server {
            instance: instance.clone(),
            address,
            port,
            down: false,
        };
        self.servers
            .entry(instance.group.clone())
            .or_default()
            .insert(instance.clone(), server);
        self.doubts.remove(instance);
    }

    /// Puts in an instance that is well once an action of this plan has succeeded.
    pub fn promise(
        &mut self,
        instance: &InstanceId,
        address: Ipv4Addr,
        port: u16,
        known: bool,
        well_after: ActionId,
    ) {
        self.put(instance, address, port);
        self.doubts.insert(
            instance.clone(),
            Doubt {
                known,
                well_after: Some(well_after),
            },
        );
    }

    /// Those of a group that this plan makes well count as well from here on: what comes next needs their actions.
    pub fn rely_on(&mut self, group: &GroupId) {
        self.doubts
            .retain(|instance, doubt| instance.group != *group || doubt.well_after.is_none());
    }

    /// Takes an instance out, so that it gets no new requests; it stays listed.
    pub fn take_out(&mut self, instance: &InstanceId) {
        let servers = self.servers.get_mut(&instance.group);
        if let Some(server) = servers.and_then(|s| s.get_mut(instance)) {
            server.down = true;
        }
    }

    /// The upstreams of one load balancer, or the instance that hides one of them.
    pub fn upstreams(
        &self,
        balancer: &LoadBalancer,
        trust: Trust,
    ) -> Result<Vec<Upstream>, &InstanceId> {
        let services: BTreeSet<&GroupId> = balancer.routes.iter().map(|r| &r.service).collect();
        services
            .into_iter()
            .map(|service| match self.unknown.get(service) {
                Some(hidden) => Err(hidden),
                None => Ok(Upstream {
                    service: service.clone(),
                    servers: self.servers_of(service, trust),
                }),
            })
            .collect()
    }

    /// Whether somebody who is well gets the requests of each route of a load balancer.
    pub fn serves(&self, balancer: &LoadBalancer) -> bool {
        let upstreams = self.upstreams(balancer, Trust::Proven);
        upstreams.is_ok_and(|upstreams| {
            let mut each = upstreams.iter().map(|upstream| &upstream.servers);
            each.all(|servers| servers.iter().any(|server| !server.down))
        })
    }

    fn servers_of(&self, service: &GroupId, trust: Trust) -> Vec<Server> {
        let servers = self
            .servers
            .get(service)
            .into_iter()
            .flat_map(BTreeMap::values);
        servers
            .map(|server| Server {
                down: server.down || !self.is_trusted(&server.instance, trust),
                ..server.clone()
            })
            .collect()
    }

    fn is_trusted(&self, instance: &InstanceId, trust: Trust) -> bool {
        match (self.doubts.get(instance), trust) {
            (None, _) | (_, Trust::Everyone) => true,
            (Some(doubt), Trust::Promised) => doubt.well_after.is_some(),
            (Some(_), Trust::Proven) => false,
        }
    }

    /// The actions after which the instances that this plan makes well are so, as far as `balancer` is concerned.
    pub fn promises(&self, balancer: &LoadBalancer) -> BTreeSet<ActionId> {
        self.doubts_of(balancer)
            .filter_map(|doubt| doubt.well_after)
            .collect()
    }

    /// Whether all that is in doubt behind `balancer` is new, so that there is nothing to settle before it is well.
    pub fn only_news(&self, balancer: &LoadBalancer) -> bool {
        let mut doubts = self.doubts_of(balancer).peekable();
        doubts.peek().is_some() && doubts.all(|doubt| !doubt.known)
    }

    fn doubts_of<'b>(&'b self, balancer: &'b LoadBalancer) -> impl Iterator<Item = &'b Doubt> {
        self.doubts
            .iter()
            .filter(|(instance, _)| balancer.routes_to(&instance.group))
            .map(|(_, doubt)| doubt)
    }
}

fn is_in_doubt(state: &State<'_>) -> bool {
    match state {
        State::Busy | State::Lost(..) | State::Live(Health::Booting { .. } | Health::Dead(_)) => {
            true
        }
        // Of what can't be seen nothing is known: it is left as it is.
        State::Absent | State::Hidden(..) | State::Perhaps(_) | State::Live(Health::Healthy) => {
            false
        }
    }
}

/// Whether any load balancer sends requests to `service`.
pub fn is_routed(desired: &Desired, service: &GroupId) -> bool {
    desired
        .load_balancers()
        .any(|(_, lb)| lb.routes_to(service))
}
