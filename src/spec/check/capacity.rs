//! That there is an address for every guest.

use std::net::Ipv4Addr;

use crate::spec::context::Context;
use crate::spec::problem::Problem;
use crate::spec::read::{Draft, GroupDraft, HostDraft};
use crate::spec::source::{At, Span};

/// The pools that are shown with a problem; more would bury it.
const SHOWN: usize = 4;

pub fn check(cx: &Context<'_>, draft: &Draft) {
    let read = draft
        .hosts
        .iter()
        .filter(|host| host.built.is_some())
        .count();
    if draft
        .names
        .hosts
        .as_ref()
        .is_none_or(|written| read < written.len())
    {
        // What couldn't be read may hold the addresses that seem to be missing.
        return;
    }
    let all: Vec<&HostDraft> = draft.hosts.iter().collect();
    enough(
        cx,
        &draft.groups.iter().collect::<Vec<_>>(),
        &all,
        "the pools",
    );
    for net in &draft.networks {
        let Some(cidr) = net.cidr else { continue };
        let inside = |group: &&GroupDraft| {
            let vip = group.balancer.as_ref().and_then(|balancer| balancer.vip);
            vip.is_some_and(|vip| cidr.value.contains(&vip.value.addr()))
        };
        let balancers: Vec<&GroupDraft> = draft.groups.iter().filter(inside).collect();
        let named = |host: &&&HostDraft| {
            host.network
                .as_ref()
                .is_some_and(|name| name.value == net.id.value.as_str())
        };
        let hosts: Vec<&HostDraft> = all.iter().filter(named).copied().collect();
        // With a single network this says the same as above.
        if hosts.len() < all.len() {
            enough(
                cx,
                &balancers,
                &hosts,
                &format!("the pools of the network `{}`", net.id.value),
            );
        }
    }
}

fn enough(cx: &Context<'_>, groups: &[&GroupDraft], hosts: &[&HostDraft], whose: &str) {
    let wanted: u64 = groups.iter().map(|group| replicas(group)).sum();
    let there: u64 = hosts.iter().map(|host| size(host)).sum();
    if wanted <= there {
        return;
    }
    let Some(largest) = groups.iter().max_by_key(|group| replicas(group)) else {
        return;
    };
    let message = match there {
        0 => format!("there are {wanted} instances, and no host to run them"),
        _ => format!("there are {wanted} instances, and only {there} addresses in {whose}"),
    };
    let problem =
        Problem::new(place(largest), message).label(format!("{} of them", replicas(largest)));
    let pools = hosts
        .iter()
        .filter_map(|host| Some((host.pool.first()?.span, size(host))))
        .take(SHOWN);
    let problem = pools.fold(problem, |problem, (span, size)| {
        problem.also(span, format!("{size} addresses"))
    });
    cx.push(match there {
        0 => problem.help("add `hosts: { NAME: { address: …, pool: … } }`"),
        _ => problem.help(format!(
            "make the pools larger by {}, or have fewer replicas",
            wanted - there
        )),
    });
}

fn place(group: &GroupDraft) -> Span {
    group
        .replicas
        .map_or(group.id.span, |replicas| replicas.span)
}

fn replicas(group: &GroupDraft) -> u64 {
    group
        .replicas
        .map_or(0, |replicas| u64::from(replicas.value))
}

fn size(host: &HostDraft) -> u64 {
    let count = |range: &At<(Ipv4Addr, Ipv4Addr)>| {
        u64::from(u32::from(range.value.1)) - u64::from(u32::from(range.value.0)) + 1
    };
    host.pool.iter().map(count).sum()
}
