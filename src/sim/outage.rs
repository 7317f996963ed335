//! The law that nothing stays down beside somebody who could serve: where every host is in sight, nothing holds the
//! controller back, and a load balancer or an instance serves, clients wait for no boot and for no other change.

use std::collections::BTreeMap;
use std::time::Duration;

use super::laws::broken;
use super::vigil::Vigil;
use super::world::{DomainState, Rounds, World};
use crate::model::desired::LoadBalancer;
use crate::model::id::GroupId;
use crate::model::time::Timestamp;

/// How long it may take at most: to miss heartbeats, to begin a controller, to end a holder that hangs.
const MOST: Duration = Duration::from_secs(30);

/// What is down though it could be up, since when.
#[derive(Debug, Default)]
pub struct Outages(BTreeMap<String, Timestamp>);

impl Outages {
    /// Looks whether anything is down for too long.
    pub fn look(&mut self, world: &World, vigil: &Vigil) {
        let down = match is_free_to_act(world, vigil) {
            true => needless(world, vigil).collect(),
            false => Vec::new(),
        };
        let since = |what: &String| self.0.get(what).copied().unwrap_or(world.now);
        let down = down.into_iter().map(|what| (since(&what), what));
        self.0 = down.map(|(since, what)| (what, since)).collect();
        let long = |since: &Timestamp| world.now.since((*since).max(vigil.renewed)) > MOST;
        if let Some((what, since)) = self.0.iter_mut().find(|(_, since)| long(since)) {
            *since = world.now;
            broken(
                world,
                &format!("{what} is down, and somebody serves who could have it"),
            );
        }
    }
}

/// Whether a controller watches, sees everything, and nobody holds it back. A single pass carries its plan out to the end before it
/// looks again.
fn is_free_to_act(world: &World, vigil: &Vigil) -> bool {
    let watches = world.rounds != Rounds::Apart && !vigil.unattended && !world.halted;
    let attended = watches && vigil.second_since.is_none();
    let held = vigil.braked || world.unkept || world.orders.hold_back();
    let mut hosts = world.hosts.keys();
    attended && !held && hosts.all(|host| vigil.prompt.contains(host))
}

/// What is down beside somebody who serves.
fn needless<'a>(world: &'a World, vigil: &'a Vigil) -> impl Iterator<Item = String> + 'a {
    let serves = |group: &GroupId| vigil.well.keys().any(|i| i.group == *group);
    let balancers = world.desired.load_balancers();
    let balancers = balancers.filter(move |(group, _)| serves(&group.id));
    balancers.flat_map(move |(_, lb)| {
        let (vip, is_up) = (lb.vip.addr(), is_up(world, lb));
        let routes = lb.routes.iter().filter(move |route| {
            is_up && serves(&route.service) && !leads_to(world, lb, &route.service)
        });
        let routes = routes.map(move |route| format!("{} behind {vip}", route.service));
        routes.chain((!is_up).then(|| vip.to_string()))
    })
}

/// Whether somebody answers for a VIP.
fn is_up(world: &World, lb: &LoadBalancer) -> bool {
    holders(world, lb).next().is_some()
}

fn holders<'a>(world: &'a World, lb: &'a LoadBalancer) -> impl Iterator<Item = &'a DomainState> {
    let holders = world.answers(lb.vip.addr()).into_iter().map(|(_, d)| d);
    holders.filter(|d| d.guest.listens(lb.port, world.now))
}

/// Whether a request to a VIP reaches an instance of a service.
fn leads_to(world: &World, lb: &LoadBalancer, service: &GroupId) -> bool {
    let programs = holders(world, lb).filter_map(|d| Some(&d.guest.process.as_ref()?.program));
    let mut servers = programs.flat_map(|program| &program.servers);
    servers.any(|(address, port)| {
        let mut answer = world.answers(*address).into_iter();
        answer.any(|(_, d)| {
            let is_of = world.ours(d).is_some_and(|m| m.instance.group == *service);
            is_of && d.guest.listens(*port, world.now)
        })
    })
}
