//! Which instances the load balancers send requests to, as the plan goes on: an instance that is about to be worked
//! on is taken out first and put back when it is well again.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::round::{Round, State};
use crate::model::desired::{Desired, LoadBalancer, Role};
use crate::model::id::{GroupId, InstanceId};
use crate::render::{Server, Upstream};

/// The rotation at one point of the plan.
#[derive(Debug, Default)]
pub struct Rotation {
    servers: BTreeMap<GroupId, BTreeMap<InstanceId, Server>>,
    /// Instances whose address can't be known now: configurations that name their service are not touched.
    unknown: BTreeMap<GroupId, InstanceId>,
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
                (State::Hidden(_, mark), None) => mark,
                (State::Perhaps(_), None) => {
                    rotation
                        .unknown
                        .insert(view.group.id.clone(), instance.clone());
                    continue;
                }
                (State::Busy | State::Absent | State::Live(_), None) => continue,
            };
            rotation.put(instance, mark.address, mark.port);
        }
        rotation
    }

    /// Puts an instance into the rotation, at this address and port.
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
    }

    /// Takes an instance out, so that it gets no new requests; it stays listed.
    pub fn take_out(&mut self, instance: &InstanceId) {
        let servers = self.servers.get_mut(&instance.group);
        if let Some(server) = servers.and_then(|s| s.get_mut(instance)) {
            server.down = true;
        }
    }

    /// Keeps only the instances that `keep` wants.
    pub fn retain(&mut self, keep: impl Fn(&InstanceId) -> bool) {
        for servers in self.servers.values_mut() {
            servers.retain(|instance, _| keep(instance));
        }
    }

    /// The upstreams of one load balancer, or the instance that hides one of them.
    pub fn upstreams(&self, balancer: &LoadBalancer) -> Result<Vec<Upstream>, &InstanceId> {
        let mut upstreams: Vec<Upstream> = Vec::new();
        for route in &balancer.routes {
            if let Some(hidden) = self.unknown.get(&route.service) {
                return Err(hidden);
            }
            if upstreams.iter().any(|u| u.service == route.service) {
                continue;
            }
            let servers = self.servers.get(&route.service);
            upstreams.push(Upstream {
                service: route.service.clone(),
                servers: servers
                    .map(|s| s.values().cloned().collect())
                    .unwrap_or_default(),
            });
        }
        upstreams.sort_by(|a, b| a.service.cmp(&b.service));
        Ok(upstreams)
    }
}

/// Whether any load balancer sends requests to `service`.
pub fn is_routed(desired: &Desired, service: &GroupId) -> bool {
    desired
        .load_balancers()
        .any(|(_, lb)| lb.routes.iter().any(|r| r.service == *service))
}
