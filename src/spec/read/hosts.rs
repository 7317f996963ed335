//! `hosts:`.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::desired::{Host, Membership, Pool};
use crate::model::id::HostId;
use crate::model::policy::{Fencing, Percent};
use crate::model::unit::Bytes;
use crate::spec::fields::{Fields, Named, Single};
use crate::spec::keys::HOST;
use crate::spec::problem::Problem;
use crate::spec::source::At;
use crate::spec::words::{self, Wrong};

use super::fencing::fencing;
use super::secrets::Secrets;
use super::{HostDraft, Names, id};

/// All hosts whose name is one.
pub fn hosts(root: &Fields<'_>, names: &Names, secrets: &Secrets) -> Vec<HostDraft> {
    root.names("hosts")
        .iter()
        .filter_map(|entry| host(root, entry, names, secrets))
        .collect()
}

fn host(
    root: &Fields<'_>,
    entry: &Named<'_>,
    names: &Names,
    secrets: &Secrets,
) -> Option<HostDraft> {
    let id = id::<HostId>(root.cx, entry);
    let fields = entry.fields(root.cx, &HOST)?;
    let address = fields.get("address", words::machine);
    let port = fields.number::<u16>("port").map(|port| port.value);
    let user = fields.get("user", words::user);
    let network = network(&fields, names);
    let ranges: Vec<_> = fields
        .list("pool", Single::Allowed)
        .iter()
        .map(|item| item.get(root.cx, words::range))
        .collect();
    let accelerator = fields.choice("accelerator");
    let storage = fields.get("storage", words::host_directory);
    let labels = labels(&fields);
    let priority = fields.number::<i32>("priority");
    let reserve = fields.get("reserve", |text| words::size(text, Bytes(0)));
    let overcommit = fields.get("overcommit", overcommit);
    let fencing = fencing(&fields, secrets);
    let mut methods = fencing.iter().flatten();
    let lease = methods.find(|at| at.value == Fencing::Lease);
    let lease = lease.map(|at| at.span);
    let pool: Vec<_> = ranges.iter().flatten().copied().collect();
    if fields.is_empty("pool") {
        let problem = Problem::new(
            fields.span_of("pool"),
            format!("`{}` has no address", fields.path_of("pool")),
        );
        fields.push(problem.help("give it a range, as in `192.168.10.10-192.168.10.19`"));
    }
    let id = id?;
    let built = || {
        Some(Host {
            id: id.value.clone(),
            address: address.as_ref()?.value.clone(),
            port,
            user: user.map(|user| user.value),
            network: network.as_ref()?.value.parse().ok()?,
            pool: Pool(
                ranges
                    .into_iter()
                    .map(|range| Some(range?.value))
                    .collect::<Option<_>>()?,
            ),
            accelerator: accelerator?.value,
            storage: storage?.value,
            labels: labels.clone()?,
            priority: priority?.value,
            reserve: reserve?.value,
            overcommit: overcommit?.value,
            fencing: match fencing {
                Some(written) => written.into_iter().map(|at| at.value).collect(),
                None => Host::usual_fencing(names.hosts.as_ref().map_or(0, BTreeSet::len)),
            },
            membership: Membership::Member,
        })
    };
    let built = built();
    Some(HostDraft {
        id,
        address,
        port,
        network,
        pool,
        labels,
        lease,
        built,
    })
}

/// Whoever writes a number without `%` means so many to one.
fn overcommit(text: &str) -> Result<Percent, Wrong> {
    words::percent(text, 1, 10_000).map_err(|wrong| match text.parse::<u32>() {
        Ok(times @ 1..=100) => Wrong {
            help: Some(format!(
                "write `{}%` for {times} virtual processors to each of the host's",
                times * 100
            )),
            ..wrong
        },
        Ok(_) | Err(_) => wrong,
    })
}

fn labels(fields: &Fields<'_>) -> Option<BTreeMap<String, String>> {
    let read = |entry: &Named<'_>| {
        let name = fields.cx.convert(&entry.path, &entry.name, words::label);
        let value = entry.get(fields.cx, words::label);
        Some((name?.value, value?.value))
    };
    let read: Vec<_> = fields.names("labels").iter().map(read).collect();
    read.into_iter().collect()
}

/// The network of the pool: the one that is named, or else the only one.
fn network(fields: &Fields<'_>, names: &Names) -> Option<At<String>> {
    if fields.entry("network").is_some() {
        return fields.get("network", |text| Ok(text.to_owned()));
    }
    let names = names.networks.as_ref()?;
    let problem = |message: String| Problem::new(fields.span, message);
    match (names.first(), names.len()) {
        (Some(only), 1) => {
            return Some(At {
                value: only.clone(),
                span: fields.span,
            });
        }
        (None, _) => fields.push(
            problem(format!(
                "there is no network for the pool of `{}`",
                fields.path
            ))
            .help("add `networks: { lan: { cidr: 192.168.10.0/24 } }`"),
        ),
        (Some(_), _) => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            fields.push(
                problem(format!(
                    "`{}` has no `network`, and there are several",
                    fields.path
                ))
                .help(format!("add `network:` with one of {}", names.join(", "))),
            );
        }
    }
    None
}
