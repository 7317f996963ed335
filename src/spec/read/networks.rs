//! `networks:`.

use std::net::Ipv4Addr;

use crate::model::desired::Network;
use crate::spec::fields::{Fields, Named, Single};
use crate::spec::keys::NETWORK;
use crate::spec::words;

use super::{NetworkDraft, id};

/// All networks whose name is one.
pub fn networks(root: &Fields<'_>) -> Vec<NetworkDraft> {
    root.names("networks")
        .iter()
        .filter_map(|entry| network(root, entry))
        .collect()
}

fn network(root: &Fields<'_>, entry: &Named<'_>) -> Option<NetworkDraft> {
    let id = id(root.cx, entry);
    let fields = entry.fields(root.cx, &NETWORK)?;
    let cidr = fields.get("cidr", words::network);
    let gateway = fields.get("gateway", words::address);
    let bridge = fields.get("bridge", words::bridge);
    let dns: Vec<Option<Ipv4Addr>> = fields
        .list("dns", Single::Refused)
        .iter()
        .map(|item| item.get(root.cx, words::address).map(|at| at.value))
        .collect();
    let built = || {
        Some(Network {
            cidr: cidr?.value,
            gateway: gateway.map(|gateway| gateway.value),
            bridge: bridge?.value,
            dns: dns.into_iter().collect::<Option<_>>()?,
        })
    };
    Some(NetworkDraft {
        id: id?,
        cidr,
        gateway,
        built: built(),
    })
}
