//! What is right in a file and still hardly meant: warnings of `validate`. Pure; no warning keeps anything from being applied,
//! and none is part of a plan. `tests/warnings.rs` has a case of each.

mod addresses;
mod failback;
mod rules;
mod unused;

use std::collections::BTreeSet;

use crate::model::desired::{Desired, Group, Host, Role};
use crate::model::id::HostId;
use crate::model::plan::{Notice, NoticeKind};
use crate::model::policy::HostChoice;

/// All warnings about the file alone, in the order of its lines.
pub fn lints(desired: &Desired) -> Vec<Notice> {
    let mut found: Vec<Notice> = unused::unused(desired)
        .chain(failback::idle_failback(desired))
        .chain(rules::rules(desired))
        .chain(addresses::addresses(desired))
        .collect();
    found.sort_by_key(|notice| {
        let line = notice.line.clone();
        line.map(|line| (line.file, line.line))
    });
    found
}

/// A warning about what stands at `key`.
fn warning(
    desired: &Desired,
    key: &str,
    subject: impl ToString,
    text: String,
    help: impl Into<String>,
) -> Notice {
    Notice {
        kind: NoticeKind::Warning,
        subject: subject.to_string(),
        text,
        help: Some(help.into()),
        line: desired.lines.of(key),
    }
}

fn fits(choice: &HostChoice, host: &Host) -> bool {
    match choice {
        HostChoice::Host(id) => host.id == *id,
        HostChoice::Label(name, value) => host.labels.get(name) == Some(value),
    }
}

/// Whether rules, the VIP and pins leave a host to a group.
fn may_be_on(desired: &Desired, group: &Group, host: &Host) -> bool {
    let required = &group.placement.hosts.required;
    let allowed = required.is_empty() || required.iter().any(|choice| fits(choice, host));
    let pinned = (1..=group.replicas).all(|index| group.placement.pin.contains_key(&index));
    let named = || group.placement.pin.values().any(|id| *id == host.id);
    let reachable = match &group.role {
        Role::Service(_) => true,
        Role::LoadBalancer(balancer) => {
            let network = desired.networks.get(&host.network);
            network.is_some_and(|network| network.cidr.contains(&balancer.vip.addr()))
        }
    };
    allowed && reachable && (!pinned || named())
}

/// The hosts that a group may have.
fn hosts_of<'d>(desired: &'d Desired, group: &Group) -> BTreeSet<&'d HostId> {
    let hosts = desired.hosts.values();
    let may = hosts.filter(|host| may_be_on(desired, group, host));
    may.map(|host| &host.id).collect()
}

fn listed(names: impl IntoIterator<Item = impl ToString>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    names.join(", ")
}
