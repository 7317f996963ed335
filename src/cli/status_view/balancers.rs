//! Load balancers of a status report, and who holds their VIPs. Pure.

use std::net::Ipv4Addr;

use super::{BalancerStatus, DomainStatus, InstanceStatus, RouteStatus, World};
use crate::model::desired::{Group, LoadBalancer};
use crate::model::facts::Seen;
use crate::model::id::InstanceId;

pub(super) fn statuses(world: World<'_>, instances: &[InstanceStatus]) -> Vec<BalancerStatus> {
    let balancers = world.desired.load_balancers();
    balancers
        .map(|(group, lb)| status(world, group, lb, instances))
        .collect()
}

fn status(
    world: World<'_>,
    group: &Group,
    lb: &LoadBalancer,
    instances: &[InstanceStatus],
) -> BalancerStatus {
    let mine = || {
        instances
            .iter()
            .filter(|status| status.instance.group == group.id)
    };
    let holders = holders(world, lb.vip.addr());
    let last = world.memory.holders.get(&group.id);
    let same = last.filter(|last| holders.as_slice() == std::slice::from_ref(&last.instance));
    BalancerStatus {
        load_balancer: group.id.clone(),
        vip: lb.vip.addr(),
        port: lb.port,
        since: same.map(|holder| holder.since),
        last_holder: last.map(|holder| holder.instance.clone()),
        complete: mine().all(|status| looked_into(world, status)),
        healthy: mine()
            .filter(|status| status.desired && status.healthy)
            .count(),
        replicas: group.replicas,
        routes: lb
            .routes
            .iter()
            .map(|route| RouteStatus {
                path: route.path.clone(),
                service: route.service.clone(),
            })
            .collect(),
        holders,
    }
}

/// Every guest that was seen to have the VIP, whatever group it belongs to.
fn holders(world: World<'_>, vip: Ipv4Addr) -> Vec<InstanceId> {
    let guests = world.observed.guests.iter();
    let has = |seen: &Seen<crate::model::facts::GuestFacts>| {
        let facts = seen.facts();
        facts.is_some_and(|facts| facts.addresses.iter().any(|a| a.address == vip))
    };
    guests
        .filter(|(_, seen)| has(seen))
        .map(|(id, _)| id.clone())
        .collect()
}

/// Whether it is known what a guest holds: it was looked into, or does not run.
fn looked_into(world: World<'_>, status: &InstanceStatus) -> bool {
    match status.domain {
        DomainStatus::Off | DomainStatus::Missing => true,
        DomainStatus::Running | DomainStatus::Paused | DomainStatus::Unknown => {
            let seen = world.observed.guests.get(&status.instance);
            seen.is_some_and(|seen| seen.facts().is_some())
        }
    }
}
