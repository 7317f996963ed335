//! Addresses, networks, ranges.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use super::{Wrong, quoted};

/// An IPv4 address that a machine can have.
pub fn address(text: &str) -> Result<Ipv4Addr, Wrong> {
    let address: Ipv4Addr = text.trim().parse().map_err(|_| not_an_address(text))?;
    let unusable = address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || address.is_broadcast();
    match unusable {
        true => Err(Wrong::new(
            format!("{address} can't be the address of a machine"),
            "write one of your network's addresses",
        )),
        false => Ok(address),
    }
}

fn not_an_address(text: &str) -> Wrong {
    match text.parse::<IpAddr>() {
        Ok(_) => Wrong::new(
            format!("{text} is an IPv6 address"),
            "networks of guests are IPv4",
        ),
        Err(_) if text.contains('/') => Wrong::new(
            format!("{} is not an IPv4 address", quoted(text)),
            "write the address only, without `/PREFIX`",
        ),
        Err(_) => Wrong::new(
            format!("{} is not an IPv4 address", quoted(text)),
            "write four numbers from 0 to 255, as in `192.168.10.1`",
        ),
    }
}

/// An address with the length of its prefix.
pub fn address_with_prefix(text: &str) -> Result<Ipv4Net, Wrong> {
    let Some((host, prefix)) = text.split_once('/') else {
        let help = format!("write the length of the network's prefix behind it, as in `{text}/24`");
        return Err(address(text)
            .err()
            .unwrap_or_else(|| Wrong::new("the prefix is missing", help)));
    };
    let host = address(host)?;
    let prefix: u8 = prefix.parse().map_err(|_| bad_prefix(prefix))?;
    Ipv4Net::new(host, prefix).map_err(|_| bad_prefix(&prefix.to_string()))
}

fn bad_prefix(prefix: &str) -> Wrong {
    Wrong::new(
        format!("/{prefix} is no length of a prefix"),
        "it is a number up to 32, as in `10.0.0.0/24`",
    )
}

/// A network: the address of it, not one in it.
pub fn network(text: &str) -> Result<Ipv4Net, Wrong> {
    let net = address_with_prefix(text)?;
    if !(8..=30).contains(&net.prefix_len()) {
        return Err(Wrong::new(
            format!("a network of prefix /{} can't be used", net.prefix_len()),
            "from /8 to /30 is possible",
        ));
    }
    match net.addr() == net.network() {
        true => Ok(net),
        false => Err(Wrong::new(
            format!(
                "{} is an address in the network, not the network",
                net.addr()
            ),
            format!("write `{}`", net.trunc()),
        )),
    }
}

/// A range of addresses: `A-B`, `A/PREFIX` or `A`.
pub fn range(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), Wrong> {
    if let Some((first, last)) = text.split_once('-') {
        return ordered(address(first)?, whole(first, last)?);
    }
    if text.contains('/') {
        let net = address_with_prefix(text)?;
        let whole = net.addr() == net.network();
        let help = || {
            format!(
                "write `{}` for the whole network, or `{}` for the one address",
                net.trunc(),
                net.addr()
            )
        };
        return match whole {
            true => Ok((net.network(), net.broadcast())),
            false => Err(Wrong::new(
                format!("{text} is an address in the network {}", net.trunc()),
                help(),
            )),
        };
    }
    address(text).map(|only| (only, only))
}

fn whole(first: &str, last: &str) -> Result<Ipv4Addr, Wrong> {
    address(last).map_err(
        |wrong| match (last.trim().parse::<u8>(), first.rsplit_once('.')) {
            (Ok(number), Some((start, _))) => Wrong::new(
                wrong.message,
                format!(
                    "write the whole address: `{}-{}.{number}`",
                    first.trim(),
                    start.trim()
                ),
            ),
            _ => wrong,
        },
    )
}

fn ordered(first: Ipv4Addr, last: Ipv4Addr) -> Result<(Ipv4Addr, Ipv4Addr), Wrong> {
    match first <= last {
        true => Ok((first, last)),
        false => Err(Wrong::new(
            "the range ends before it starts",
            format!("write `{last}-{first}`"),
        )),
    }
}
