//! What is in two places at once, and what of others is touched.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::vigil::{NEWS, is_stateful, running};
use super::world::World;
use crate::model::id::InstanceId;

/// All that must never be so, in words.
pub fn all(world: &World) -> BTreeSet<String> {
    let addresses = doubled_addresses(world).into_iter();
    let addresses = addresses.map(|address| format!("{address} is on two machines"));
    let runs = doubled_runs(world).into_iter();
    let runs = runs.map(|instance| format!("{instance} is stateful and runs twice"));
    let touched = world.hosts.iter().filter(|(_, h)| !h.neighbours_are_well());
    let touched = touched.map(|(id, _)| format!("guests of others on host {id} are gone"));
    addresses.chain(runs).chain(touched).collect()
}

fn doubled_runs(world: &World) -> BTreeSet<InstanceId> {
    let marks = running(world).filter_map(|(.., d)| world.ours(d));
    let stateful = marks.filter(|mark| is_stateful(world, &mark.instance));
    let mut seen = BTreeSet::new();
    let twice = stateful.filter(|mark| !seen.insert(&mark.instance));
    twice.map(|mark| mark.instance.clone()).collect()
}

/// A guest that runs holds its addresses, also while it boots and while it is frozen: it may go on any moment.
fn doubled_addresses(world: &World) -> BTreeSet<Ipv4Addr> {
    // Whoever asked before it came was told that nobody is there.
    let foreign = world.foreign.iter();
    let known = foreign.filter(|(_, stranger)| world.now.since(stranger.since) > NEWS);
    let mut seen: BTreeSet<Ipv4Addr> = known.map(|(address, _)| *address).collect();
    let held = world.domains().filter(|(_, host, _)| host.power);
    let held = held.flat_map(|(.., d)| d.guest.addresses.iter().map(|a| a.address));
    held.filter(|address| !seen.insert(*address)).collect()
}
