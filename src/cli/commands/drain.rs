//! `reconcile drain`: a host is to be empty.

use super::desk::Desk;
use super::{Failure, load};
use crate::cli::args::Args;
use crate::cli::args::orders::DrainArgs;
use crate::cli::exit::Exit;
use crate::model::desired::Desired;
use crate::model::id::{HostId, InstanceId};
use crate::model::memory::Memory;
use crate::model::orders::{OrderKey, Orders};
use crate::ports::store::StoreView;

pub(super) fn run(args: &Args, drain: &DrainArgs) -> Result<Exit, Failure> {
    let mut desk = Desk::open(args)?;
    let key = OrderKey::Drained(drain.host.clone());
    desk.check_host(&drain.host, &key)?;
    // Where the file can't be read, nothing is known of other hosts.
    if let Ok(desired) = load::known(args) {
        let mut orders = desk.in_force()?;
        orders.put(key.clone(), desk.order(&drain.when)?);
        let stays = staying(&desired, &desk.store.load()?, &drain.host);
        let none_is_left = none_is_left(&desired, &orders);
        desk.warnings.extend(stays);
        desk.warnings.extend(none_is_left);
    }
    desk.give(key, &drain.when)
}

/// Stateful guests do not leave with the others.
fn staying(desired: &Desired, memory: &Memory, host: &HostId) -> Option<String> {
    let guests = memory.hosts.get(host)?.guests.keys();
    let is_stateful = |i: &&InstanceId| desired.group_of(i).is_some_and(|group| group.stateful);
    let staying: Vec<String> = guests
        .filter(is_stateful)
        .map(ToString::to_string)
        .collect();
    let (them, they) = match staying.len() {
        0 => return None,
        1 => ("is", "it"),
        _ => ("are", "they"),
    };
    Some(format!(
        "{} {them} stateful, and can't leave without the disk: while host {host} is down, {they} will be, too",
        staying.join(", "),
    ))
}

/// Said where every host is drained, or leaves the file.
fn none_is_left(desired: &Desired, orders: &Orders) -> Option<String> {
    let mut hosts = desired.hosts.values();
    let drained = |id: &HostId| orders.drained.contains_key(id);
    let text = "no host is left that takes guests: those that are here still have no place to go, and stay; add a host, or undrain one";
    hosts
        .all(|host| host.is_leaving() || drained(&host.id))
        .then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{healthy_world, mark};
    use crate::model::orders::Order;
    use crate::model::time::Timestamp;

    #[test]
    fn a_stateful_guest_on_the_host_is_noticed() {
        let mut world = healthy_world();
        let (instance, group) = world
            .desired
            .instances()
            .next()
            .map(|(i, g)| (i, g.id.clone()))
            .unwrap();
        let host: HostId = "a".parse().unwrap();
        let mut memory = Memory::default();
        let known = memory.hosts.entry(host.clone()).or_default();
        known
            .guests
            .insert(instance.clone(), mark(&instance.to_string()));
        assert_eq!(staying(&world.desired, &memory, &host), None);
        world.desired.groups.get_mut(&group).unwrap().stateful = true;
        let said = staying(&world.desired, &memory, &host).unwrap();
        assert!(
            said.starts_with(&format!("{instance} is stateful")),
            "{said}"
        );
    }

    #[test]
    fn the_last_host_that_is_drained_is_noticed() {
        let desired = healthy_world().desired;
        let mut orders = Orders::default();
        for host in desired.hosts.keys() {
            assert_eq!(none_is_left(&desired, &orders), None);
            let order = Order {
                by: "anna@ops".into(),
                at: Timestamp(1),
                reason: None,
                until: None,
                to: None,
            };
            orders.put(OrderKey::Drained(host.clone()), order);
        }
        assert!(none_is_left(&desired, &orders).is_some());
    }
}
