//! The cluster as a client outside sees it.

use std::net::Ipv4Addr;

use crate::model::desired::{Desired, LoadBalancer};
use crate::model::id::{GroupId, HostId, InstanceId};
use crate::model::scenario::Node;
use crate::sim::world::{DomainState, HostState, World};

fn node(host: &HostId) -> Node {
    Node::Host(host.clone())
}

/// Whether a VIP answers a client: somebody whom clients see has it, and its nginx listens.
pub fn vip_answers(world: &World, vip: Ipv4Addr, port: u16) -> bool {
    holders(world, vip).any(|(_, domain)| domain.guest.listens(port, world.now))
}

/// Who answers clients for an address.
pub fn holders(world: &World, vip: Ipv4Addr) -> impl Iterator<Item = (&HostId, &DomainState)> {
    let answers = world.answers(vip).into_iter();
    answers.filter(|(host, _)| world.wire.joins(&Node::Clients, &node(host)))
}

/// Whether a request to a service is answered: through the VIPs that lead to it, or by one of its instances where none
/// does.
pub fn service_answers(world: &World, desired: &Desired, service: &GroupId) -> bool {
    let mut routes = desired
        .load_balancers()
        .filter(|(_, lb)| lb.routes_to(service))
        .peekable();
    match routes.peek() {
        Some(_) => routes.any(|(_, lb)| answers_through(world, lb, service)),
        None => world.domains().any(|(host, state, domain)| {
            is_of(world, domain, service)
                && world.serves(state, domain)
                && world.wire.joins(&Node::Clients, &node(host))
        }),
    }
}

/// nginx passes over upstreams that are dead: one that lives is enough.
fn answers_through(world: &World, lb: &LoadBalancer, service: &GroupId) -> bool {
    holders(world, lb.vip.addr()).any(|(host, domain)| {
        let listens = domain.guest.listens(lb.port, world.now);
        let process = domain.guest.process.as_ref().filter(|_| listens);
        let mut servers = process.iter().flat_map(|p| &p.program.servers);
        servers.any(|(address, port)| {
            let answers = world.answers(*address).into_iter();
            let mut seen = answers.filter(|(id, _)| world.wire.joins(&node(host), &node(id)));
            seen.any(|(_, d)| is_of(world, d, service) && d.guest.listens(*port, world.now))
        })
    })
}

fn is_of(world: &World, domain: &DomainState, service: &GroupId) -> bool {
    world
        .ours(domain)
        .is_some_and(|m| m.instance.group == *service)
}

/// The copy of an instance that matters: one that serves, else one that runs, else what a host still has of it.
pub fn best<'a>(
    world: &'a World,
    instance: &InstanceId,
) -> Option<(&'a HostId, &'a HostState, &'a DomainState)> {
    let worth = |host: &HostState, domain: &DomainState| match world.serves(host, domain) {
        true => 2,
        false => u8::from(domain.run.is_some()),
    };
    let copies = world.domains_of(instance);
    copies.min_by_key(|(_, host, domain)| std::cmp::Reverse(worth(host, domain)))
}

/// Whether an instance serves where clients see its host.
pub fn is_reached(world: &World, instance: &InstanceId) -> bool {
    let mut copies = world.domains_of(instance);
    copies.any(|(id, host, domain)| {
        world.serves(host, domain) && world.wire.joins(&Node::Clients, &node(id))
    })
}

/// How many instances of a group serve where clients or load balancers could see them.
pub fn serving(world: &World, group: &GroupId) -> usize {
    let of_group = |d: &DomainState| is_of(world, d, group);
    let serves = |host: &HostState, d: &DomainState| world.serves(host, d);
    let all = world.domains();
    all.filter(|(_, host, d)| of_group(d) && serves(host, d))
        .count()
}
