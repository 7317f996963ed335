//! Addresses that are given by name (networks, gateways, VIPs, hosts): that they fit their networks and are apart.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::spec::context::Context;
use crate::spec::problem::Problem;
use crate::spec::read::{Draft, NetworkDraft};
use crate::spec::source::{At, Span};

use super::{pools, witnesses};

/// An address that no guest may get.
pub struct Reserved {
    /// What it is reserved for.
    pub kind: Reservation,
    /// Whose it is.
    pub what: String,
    /// The place that says so.
    pub span: Span,
}

/// What an address is reserved for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    Network,
    Broadcast,
    Gateway,
    Host,
    Vip,
    Bootstrap,
}

pub fn check(cx: &Context<'_>, draft: &Draft) {
    networks_apart(cx, &draft.networks);
    let reserved = reserved(draft);
    gateways_inside(cx, &draft.networks);
    vips_inside(cx, draft);
    reservations_apart(cx, &reserved);
    pools::check(cx, draft, &reserved);
    witnesses::check(cx, draft, &reserved);
}

fn networks_apart(cx: &Context<'_>, networks: &[NetworkDraft]) {
    let mut nets: Vec<(At<Ipv4Net>, &NetworkDraft)> = networks
        .iter()
        .filter_map(|net| Some((net.cidr?, net)))
        .collect();
    // Of two networks that overlap, one contains the other; sorted like this, the larger one comes first.
    nets.sort_by_key(|(cidr, _)| (cidr.value.network(), cidr.value.prefix_len()));
    for pair in nets.windows(2) {
        let [(first, one), (second, other)] = pair else {
            continue;
        };
        if first.value.contains(&second.value) {
            let message = format!(
                "the networks `{}` and `{}` overlap",
                one.id.value, other.id.value
            );
            let (early, late) = (first.span.min(second.span), first.span.max(second.span));
            cx.push(
                Problem::new(late, message)
                    .also(early, "the other one")
                    .help("an address must belong to one network"),
            );
        }
    }
}

fn reserved(draft: &Draft) -> BTreeMap<Ipv4Addr, Vec<Reserved>> {
    let mut reserved: BTreeMap<Ipv4Addr, Vec<Reserved>> = BTreeMap::new();
    let mut add = |address: Ipv4Addr, kind, what: String, span| {
        reserved
            .entry(address)
            .or_default()
            .push(Reserved { kind, what, span });
    };
    for net in &draft.networks {
        let name = &net.id.value;
        if let Some(cidr) = net.cidr {
            add(
                cidr.value.network(),
                Reservation::Network,
                format!("the address of the network `{name}` itself"),
                cidr.span,
            );
            add(
                cidr.value.broadcast(),
                Reservation::Broadcast,
                format!("the broadcast address of the network `{name}`"),
                cidr.span,
            );
        }
        if let Some(gateway) = net.gateway {
            add(
                gateway.value,
                Reservation::Gateway,
                format!("the gateway of the network `{name}`"),
                gateway.span,
            );
        }
    }
    for host in &draft.hosts {
        let address = host
            .address
            .as_ref()
            .and_then(|at| Some((at.value.parse().ok()?, at.span)));
        if let Some((address, span)) = address {
            add(
                address,
                Reservation::Host,
                format!("the address of the host `{}`", host.id.value),
                span,
            );
        }
    }
    for image in &draft.images {
        if let Some(bootstrap) = image.bootstrap {
            add(
                bootstrap.value,
                Reservation::Bootstrap,
                format!("the bootstrap address of the image `{}`", image.id.value),
                bootstrap.span,
            );
        }
    }
    for group in &draft.groups {
        if let Some(vip) = group.balancer.as_ref().and_then(|balancer| balancer.vip) {
            add(
                vip.value.addr(),
                Reservation::Vip,
                format!("the VIP of the load balancer `{}`", group.id.value),
                vip.span,
            );
        }
    }
    reserved
}

fn gateways_inside(cx: &Context<'_>, networks: &[NetworkDraft]) {
    for net in networks {
        let (Some(cidr), Some(gateway)) = (net.cidr, net.gateway) else {
            continue;
        };
        if !cidr.value.contains(&gateway.value) {
            let message = format!(
                "the gateway of `{}` is outside of the network",
                net.id.value
            );
            let problem = Problem::new(gateway.span, message).also(cidr.span, "the network");
            cx.push(problem.help(format!(
                "guests can reach only addresses in {} directly",
                cidr.value
            )));
        }
    }
}

fn vips_inside(cx: &Context<'_>, draft: &Draft) {
    for group in &draft.groups {
        let Some(vip) = group.balancer.as_ref().and_then(|balancer| balancer.vip) else {
            continue;
        };
        let nets: Vec<At<Ipv4Net>> = draft.networks.iter().filter_map(|net| net.cidr).collect();
        if draft
            .names
            .networks
            .as_ref()
            .is_none_or(|written| nets.len() < written.len())
            || nets.is_empty()
        {
            // One of them could not be read: it may be the one.
            continue;
        }
        match nets
            .iter()
            .find(|net| net.value.contains(&vip.value.addr()))
        {
            None => outside(cx, group.id.value.as_str(), vip, &nets),
            Some(net) => prefix(cx, vip, net),
        }
    }
}

fn outside(cx: &Context<'_>, name: &str, vip: At<Ipv4Net>, nets: &[At<Ipv4Net>]) {
    let list: Vec<String> = nets
        .iter()
        .take(4)
        .map(|net| net.value.to_string())
        .collect();
    let problem = Problem::new(
        vip.span,
        format!("the VIP of `{name}` is in none of the networks"),
    );
    let problem = nets
        .iter()
        .take(4)
        .fold(problem, |problem, net| problem.also(net.span, "a network"));
    cx.push(problem.help(format!("choose an address in {}", list.join(" or "))));
}

fn prefix(cx: &Context<'_>, vip: At<Ipv4Net>, net: &At<Ipv4Net>) {
    let (own, whole) = (vip.value.prefix_len(), net.value.prefix_len());
    if own != whole && own != 32 {
        let problem = Problem::new(
            vip.span,
            format!("the VIP's prefix /{own} is not that of its network, /{whole}"),
        );
        let problem = problem.also(net.span, "the network");
        cx.push(problem.help(format!("write `{}/{whole}`", vip.value.addr())));
    }
}

/// Two that can't share an address. A host may well be the gateway, and images may share a bootstrap address; two
/// hosts are told apart elsewhere.
fn clash(one: Reservation, other: Reservation) -> bool {
    match (one, other) {
        (Reservation::Host, Reservation::Gateway) | (Reservation::Gateway, Reservation::Host) => {
            false
        }
        (Reservation::Vip, Reservation::Vip) => true,
        (one, other) => one != other,
    }
}

fn reservations_apart(cx: &Context<'_>, reserved: &BTreeMap<Ipv4Addr, Vec<Reserved>>) {
    for (address, claims) in reserved.iter().filter(|(_, claims)| claims.len() > 1) {
        for pair in claims.windows(2) {
            let [one, other] = pair else { continue };
            if clash(one.kind, other.kind) {
                let (early, late) = if one.span <= other.span {
                    (one, other)
                } else {
                    (other, one)
                };
                let message = format!("{address} is {} and {}", early.what, late.what);
                cx.push(
                    Problem::new(late.span, message)
                        .also(early.span, "the first one")
                        .help("give one of them another address"),
                );
            }
        }
    }
}
