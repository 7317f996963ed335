//! Rules of groups that change nothing, or that leave nobody to answer.

use std::collections::BTreeSet;

use super::{fits, hosts_of, listed, warning};
use crate::model::desired::{Desired, Group};
use crate::model::plan::Notice;
use crate::model::policy::Fencing;

pub fn rules(desired: &Desired) -> impl Iterator<Item = Notice> {
    let of_groups = desired.groups.values().flat_map(|group| {
        let found = spread(desired, group);
        let found = found.into_iter().chain(preferred(desired, group));
        found.chain(impatient(desired, group))
    });
    let found = of_groups.chain(empty_routes(desired));
    found
        .chain(idle_lease(desired))
        .chain(idle_rebalance(desired))
}

/// Labels to spread over that have one value on all hosts that count.
fn spread(desired: &Desired, group: &Group) -> Vec<Notice> {
    let hosts = hosts_of(desired, group);
    if hosts.len() < 2 || group.replicas < 2 {
        return Vec::new();
    }
    let value = |label: &str| {
        let values = hosts.iter().filter_map(|id| desired.hosts.get(*id));
        let values = values.map(|host| host.labels.get(label));
        let values: BTreeSet<_> = values.collect();
        (values.len() == 1)
            .then(|| values.into_iter().next().flatten())
            .flatten()
    };
    let labels = group.placement.spread.iter();
    let idle = labels.filter_map(|label| Some((label, value(label)?)));
    let told = idle.map(|(label, value)| {
        let text = format!(
            "spreading {} over `{label}` does nothing: all hosts that it may have are in {label}={value}",
            group.id
        );
        let help = format!("give hosts other values of `{label}`, or remove it from `spread`");
        let key = format!("{}.placement.spread", group.key());
        warning(desired, &key, &group.id, text, help)
    });
    told.collect()
}

/// Hosts that are preferred and may not be taken.
fn preferred(desired: &Desired, group: &Group) -> Option<Notice> {
    let wished = &group.placement.hosts.preferred;
    let may = hosts_of(desired, group);
    let fit = desired.hosts.values();
    let fit = fit.filter(|host| wished.iter().any(|choice| fits(choice, host)));
    let never: Vec<_> = fit
        .map(|host| &host.id)
        .filter(|id| !may.contains(id))
        .collect();
    if never.is_empty() {
        return None;
    }
    let text = format!(
        "{} prefers {}, where none of its instances may be",
        group.id,
        listed(&never)
    );
    let help = "remove it from `preferred`, or let the group have it: `required`, its pins, the network of its VIP";
    let key = format!("{}.placement.hosts.preferred", group.key());
    Some(warning(desired, &key, &group.id, text, help))
}

/// One lost answer is nothing unusual.
fn impatient(desired: &Desired, group: &Group) -> Option<Notice> {
    (group.heartbeat.retries == 1).then(|| {
        let text = format!(
            "{} counts as dead after a single heartbeat without answer",
            group.id
        );
        let key = format!("{}.heartbeat.retries", group.key());
        warning(desired, &key, &group.id, text, "write `retries: 2` or more")
    })
}

/// Routes to services without instances.
fn empty_routes(desired: &Desired) -> impl Iterator<Item = Notice> {
    let routes = desired.load_balancers();
    let routes = routes.flat_map(|(group, lb)| lb.routes.iter().map(move |route| (group, route)));
    routes.filter_map(|(group, route)| {
        let service = desired.groups.get(&route.service)?;
        let text = format!(
            "nobody answers requests to {} of {}: {} has no replicas",
            route.path, group.id, service.id
        );
        let help = format!("remove the route, or raise {}.replicas", service.key());
        let key = format!("{}.routes.{}", group.key(), route.path);
        (service.replicas == 0).then(|| warning(desired, &key, &group.id, text, help))
    })
}

/// How leases are given, where no host is fenced by one.
fn idle_lease(desired: &Desired) -> Option<Notice> {
    let written = desired.lines.0.contains_key("safety.lease");
    let mut devices = desired.hosts.values().flat_map(|host| &host.fencing);
    if !written || devices.any(|device| *device == Fencing::Lease) {
        return None;
    }
    let text = "`safety.lease` does nothing: no host is fenced by `lease`".to_owned();
    let help = "add `fencing: lease` to hosts, or remove it";
    Some(warning(desired, "safety.lease", "safety", text, help))
}

fn idle_rebalance(desired: &Desired) -> Option<Notice> {
    let idle = desired.rebalance.is_some() && desired.hosts.len() == 1;
    idle.then(|| {
        let text = "`rebalance` does nothing: there is only one host".to_owned();
        warning(
            desired,
            "rebalance",
            "rebalance",
            text,
            "remove it, or add hosts",
        )
    })
}
