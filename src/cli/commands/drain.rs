//! `reconcile drain`: a host is to be empty.

use super::desk::Desk;
use super::{Failure, load};
use crate::cli::args::Args;
use crate::cli::args::orders::DrainArgs;
use crate::cli::exit::Exit;
use crate::model::desired::Desired;
use crate::model::id::HostId;
use crate::model::orders::{OrderKey, Orders};

pub(super) fn run(args: &Args, drain: &DrainArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args)?;
    let key = OrderKey::Drained(drain.host.clone());
    desk.check_host(&drain.host, &key)?;
    let exit = desk.give(key, &drain.when)?;
    // What was ordered holds; where the file can't be read, nothing is known of other hosts.
    if let Ok(desired) = load::known(args)
        && none_is_left(&desired, &desk.in_force()?)
    {
        eprintln!("{NONE_IS_LEFT} {}", drain.host);
    }
    Ok(exit)
}

const NONE_IS_LEFT: &str = "warning: no host is left that takes guests: those that are here still have no place to go, and \
stay\n  help: add a host, or: reconcile undrain";

/// Whether every host is drained, or leaves the file.
fn none_is_left(desired: &Desired, orders: &Orders) -> bool {
    let mut hosts = desired.hosts.values();
    let drained = |id: &HostId| orders.drained.contains_key(id);
    hosts.all(|host| host.is_leaving() || drained(&host.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::healthy_world;
    use crate::model::orders::Order;
    use crate::model::time::Timestamp;

    #[test]
    fn the_last_host_that_is_drained_is_noticed() {
        let desired = healthy_world().desired;
        let mut orders = Orders::default();
        for host in desired.hosts.keys() {
            assert!(!none_is_left(&desired, &orders));
            let order = Order {
                by: "anna@ops".into(),
                at: Timestamp(1),
                reason: None,
                until: None,
            };
            orders.put(OrderKey::Drained(host.clone()), order);
        }
        assert!(none_is_left(&desired, &orders));
    }
}
