//! Pools: that they lie in their networks, are apart, and hold nothing that belongs to somebody else.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::spec::context::Context;
use crate::spec::problem::Problem;
use crate::spec::read::{Draft, HostDraft, NetworkDraft};
use crate::spec::source::At;

use super::addresses::Reserved;

type Range = (Ipv4Addr, Ipv4Addr);

/// More addresses that are taken aren't listed one by one.
const MAX_LISTED: usize = 8;

pub fn check(cx: &Context<'_>, draft: &Draft, reserved: &BTreeMap<Ipv4Addr, Vec<Reserved>>) {
    inside(cx, draft);
    apart(cx, &draft.hosts);
    for host in &draft.hosts {
        host.pool
            .iter()
            .for_each(|range| free(cx, host, range, reserved));
    }
}

fn inside(cx: &Context<'_>, draft: &Draft) {
    for host in &draft.hosts {
        let named = |net: &&NetworkDraft| {
            host.network
                .as_ref()
                .is_some_and(|name| name.value == net.id.value.as_str())
        };
        let Some(cidr) = draft.networks.iter().find(named).and_then(|net| net.cidr) else {
            continue;
        };
        for range in &host.pool {
            let (first, last) = range.value;
            if !cidr.value.contains(&first) || !cidr.value.contains(&last) {
                let problem = Problem::new(
                    range.span,
                    format!("the pool of `{}` is outside of its network", host.id.value),
                );
                cx.push(
                    problem
                        .also(cidr.span, "the network")
                        .help(format!("choose addresses in {}", cidr.value)),
                );
            }
        }
    }
}

fn apart(cx: &Context<'_>, hosts: &[HostDraft]) {
    let mut ranges: Vec<(At<Range>, &HostDraft)> = hosts
        .iter()
        .flat_map(|host| host.pool.iter().map(move |range| (*range, host)))
        .collect();
    ranges.sort_by_key(|(range, _)| range.value);
    let mut reaching: Option<(At<Range>, &HostDraft)> = None;
    for (range, host) in ranges {
        if let Some((other, owner)) = reaching.filter(|(other, _)| other.value.1 >= range.value.0) {
            overlap(cx, (other, owner), (range, host));
        }
        let further = reaching.is_none_or(|(other, _)| range.value.1 > other.value.1);
        reaching = if further {
            Some((range, host))
        } else {
            reaching
        };
    }
}

fn overlap(cx: &Context<'_>, one: (At<Range>, &HostDraft), other: (At<Range>, &HostDraft)) {
    let (early, late) = if one.0.span <= other.0.span {
        (one, other)
    } else {
        (other, one)
    };
    let first = early.0.value.0.max(late.0.value.0);
    let last = early.0.value.1.min(late.0.value.1);
    let message = match early.1.id.value == late.1.id.value {
        true => format!(
            "the pool of `{}` has {} twice",
            early.1.id.value,
            show(first, last)
        ),
        false => format!(
            "the pools of `{}` and `{}` overlap: both have {}",
            early.1.id.value,
            late.1.id.value,
            show(first, last)
        ),
    };
    let problem = Problem::new(late.0.span, message).also(early.0.span, "the other one");
    cx.push(match early.1.id.value == late.1.id.value {
        true => problem.help("write every address once"),
        false => problem.help("an address must belong to one host: make one of them smaller"),
    });
}

fn show(first: Ipv4Addr, last: Ipv4Addr) -> String {
    match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    }
}

fn free(
    cx: &Context<'_>,
    host: &HostDraft,
    range: &At<Range>,
    reserved: &BTreeMap<Ipv4Addr, Vec<Reserved>>,
) {
    let (first, last) = range.value;
    let taken: Vec<_> = reserved.range(first..=last).take(MAX_LISTED + 1).collect();
    let owner = &host.id.value;
    let message = match taken.as_slice() {
        [] => return,
        [(address, claims)] => {
            let whose: Vec<&str> = claims.iter().map(|claim| claim.what.as_str()).collect();
            format!(
                "{address} is {}, and in the pool of `{owner}`",
                whose.join(" and ")
            )
        }
        some if some.len() > MAX_LISTED => {
            format!("the pool of `{owner}` has more than {MAX_LISTED} addresses that are taken")
        }
        some => format!(
            "the pool of `{owner}` has {} addresses that are taken",
            some.len()
        ),
    };
    let claims = taken.iter().flat_map(|(_, claims)| claims.iter());
    let problem = claims.fold(Problem::new(range.span, message), |problem, claim| {
        problem.also(claim.span, claim.what.clone())
    });
    let addresses: Vec<Ipv4Addr> = taken.iter().map(|(address, _)| **address).collect();
    cx.push(problem.help(match taken.len() > MAX_LISTED {
        true => "choose other addresses for the pool".to_owned(),
        false => without(range.value, &addresses),
    }));
}

/// The pool with some addresses, in order, left out.
fn without((first, last): Range, addresses: &[Ipv4Addr]) -> String {
    let mut parts = Vec::new();
    let mut from = u64::from(u32::from(first));
    let ends = addresses
        .iter()
        .map(|address| u64::from(u32::from(*address)));
    for end in ends.chain([u64::from(u32::from(last)) + 1]) {
        if from < end {
            parts.push(show(address(from), address(end - 1)));
        }
        from = end + 1;
    }
    match parts.as_slice() {
        [] => "choose other addresses for the pool".to_owned(),
        [only] => format!("write `{only}` in its place"),
        several => format!("write `[{}]` in its place", several.join(", ")),
    }
}

fn address(number: u64) -> Ipv4Addr {
    Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_left_out_of_the_pool() {
        let ip = |n| Ipv4Addr::new(10, 0, 0, n);
        let left = |taken: &[u8]| {
            without(
                (ip(1), ip(5)),
                &taken.iter().map(|n| ip(*n)).collect::<Vec<_>>(),
            )
        };
        assert_eq!(left(&[1]), "write `10.0.0.2-10.0.0.5` in its place");
        assert_eq!(left(&[5]), "write `10.0.0.1-10.0.0.4` in its place");
        assert_eq!(
            left(&[2, 3]),
            "write `[10.0.0.1, 10.0.0.4-10.0.0.5]` in its place"
        );
        assert_eq!(
            left(&[1, 2, 3, 4, 5]),
            "choose other addresses for the pool"
        );
    }
}
