//! Pools that are enough on a good day only: too few addresses on the hosts that groups may have, for one more by surge, or
//! when a host is lost. What is too little in any case is an error, which `spec` finds.

use std::collections::{BTreeMap, BTreeSet};

use super::{hosts_of, listed, warning};
use crate::model::desired::{Desired, Group};
use crate::model::id::HostId;
use crate::model::plan::Notice;

/// More sets of hosts are not looked at.
const MAX_SETS: usize = 500;

pub fn addresses(desired: &Desired) -> impl Iterator<Item = Notice> {
    let found = on_their_hosts(desired);
    if !found.is_empty() {
        return found.into_iter();
    }
    let found = for_surge(desired).into_iter().chain(after_a_loss(desired));
    found.collect::<Vec<_>>().into_iter()
}

fn size<'a>(desired: &Desired, hosts: impl IntoIterator<Item = &'a HostId>) -> u64 {
    let hosts = hosts.into_iter().filter_map(|id| desired.hosts.get(id));
    hosts.map(|host| host.pool.size()).sum()
}

fn replicas<'g>(groups: impl IntoIterator<Item = &'g Group>) -> u64 {
    let counts = groups.into_iter().map(|group| u64::from(group.replicas));
    counts.sum()
}

/// Groups that may have only some hosts, whose pools are too small for all who may only have these.
fn on_their_hosts(desired: &Desired) -> Vec<Notice> {
    let mut sets: BTreeMap<BTreeSet<&HostId>, Vec<&Group>> = BTreeMap::new();
    for group in desired.groups.values() {
        sets.entry(hosts_of(desired, group))
            .or_default()
            .push(group);
    }
    // Each is compared with each: no cluster has so many, but a hostile file may.
    let told = sets.iter().take(MAX_SETS).filter_map(|(hosts, own)| {
        if hosts.is_empty() {
            return None;
        }
        let inside = sets.iter().filter(|(other, _)| other.is_subset(hosts));
        let groups: Vec<&Group> = inside.flat_map(|(_, groups)| groups).copied().collect();
        let (wanted, there) = (
            replicas(groups.iter().copied()),
            size(desired, hosts.iter().copied()),
        );
        let largest = own.iter().max_by_key(|group| group.replicas)?;
        let text = format!(
            "{wanted} instances of {} may only be on {}, where {there} addresses are",
            listed(groups.iter().map(|group| &group.id)),
            listed(hosts)
        );
        let help = format!(
            "make the pools larger by {}, let one of them have other hosts, or lower its replicas",
            wanted.saturating_sub(there)
        );
        let key = format!("{}.placement", largest.key());
        (wanted > there).then(|| warning(desired, &key, &largest.id, text, help))
    });
    told.collect()
}

/// One more by surge needs an address of its own.
fn for_surge(desired: &Desired) -> Option<Notice> {
    let (wanted, there) = (
        replicas(desired.groups.values()),
        size(desired, desired.hosts.keys()),
    );
    let surging = desired.groups.values().filter(|group| group.replicas > 0);
    let most = surging.max_by_key(|group| group.budget.surge)?;
    let more = u64::from(most.budget.surge);
    (wanted + more > there).then(|| {
        let text = format!(
            "the pools have {there} addresses for {wanted} instances: {} more by `surge` of {} find none",
            wanted + more - there,
            most.id
        );
        let help = format!("make the pools larger by {}", wanted + more - there);
        warning(desired, &format!("{}.surge", most.key()), &most.id, text, help)
    })
}

/// The guests of a host that is lost need addresses of the others. What is stateful or pinned stays where it is.
fn after_a_loss(desired: &Desired) -> Option<Notice> {
    if desired.hosts.len() < 2 {
        return None;
    }
    let all = size(desired, desired.hosts.keys());
    let groups = || desired.groups.values().filter(|group| !group.stateful);
    let staying = |group: &Group, host: &HostId| {
        let pins = group.placement.pin.iter();
        pins.filter(|(index, at)| **index <= group.replicas && *at == host)
            .count()
    };
    let lost = desired.hosts.values().filter_map(|host| {
        let wanted: u64 = groups()
            .map(|group| u64::from(group.replicas) - staying(group, &host.id) as u64)
            .sum();
        let there = all - host.pool.size();
        (wanted > there).then(|| (wanted - there, host, there, wanted))
    });
    let (short, host, there, wanted) = lost.max_by_key(|(short, host, ..)| (*short, &host.id))?;
    let text = format!(
        "when host {} is lost, the other pools have {there} addresses for {wanted} instances",
        host.id
    );
    let help = format!("make the pools of other hosts larger by {short}");
    let key = format!("hosts.{}.pool", host.id);
    Some(warning(desired, &key, &host.id, text, help))
}
