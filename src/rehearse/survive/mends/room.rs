//! Room for guests that have none: addresses, memory, hosts.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::{Facts, MOST_HOSTS, Mend};
use crate::model::desired::{Host, Provision};
use crate::model::id::HostId;
use crate::model::unit::Bytes;

/// At most so many addresses are added to a pool.
const MOST_ADDRESSES: usize = 8;
/// Addresses of the pool of one more host.
const NEW_POOL: usize = 10;

impl Facts<'_> {
    /// More addresses in the pool of a host that is left: one, two, as many as are missing.
    pub(super) fn addresses(&self) -> Vec<Mend> {
        let most = self.missing.min(MOST_ADDRESSES);
        // A pool that has an address for everybody is not what is missing.
        let all = self.desired.instances().count() as u64;
        let more = (1..=most).flat_map(|count| {
            let hosts = self.survivors().filter(|host| host.pool.size() < all);
            let hosts = hosts.take(MOST_HOSTS);
            hosts.filter_map(move |host| self.larger_pool(host, count))
        });
        more.collect()
    }

    fn larger_pool(&self, host: &Host, count: usize) -> Option<Mend> {
        let (_, last) = host.pool.0.last()?;
        let (behind, before): (Vec<_>, Vec<_>) = self
            .free(host)
            .into_iter()
            .partition(|address| address > last);
        let new: Vec<Ipv4Addr> = behind.into_iter().chain(before).take(count).collect();
        let ranges = host
            .pool
            .0
            .iter()
            .copied()
            .chain(new.iter().map(|a| (*a, *a)));
        let text = match count {
            1 => format!("one more address for host {}", host.id),
            count => format!("{count} more addresses for host {}", host.id),
        };
        let change = (format!("hosts.{}.pool", host.id), pool(ranges));
        (new.len() == count).then(|| Mend::new(text, [change]))
    }

    /// Addresses of the network of a host that nobody has.
    pub(super) fn free(&self, host: &Host) -> Vec<Ipv4Addr> {
        let Some(network) = self.desired.networks.get(&host.network) else {
            return Vec::new();
        };
        let hosts = self.desired.hosts.values();
        let named = hosts.clone().filter_map(|h| h.address.parse().ok());
        let vips = self.desired.load_balancers().map(|(_, lb)| lb.vip.addr());
        let images = self.desired.images.values();
        let first = images.filter_map(|image| match image.provision {
            Provision::Ssh { bootstrap } => Some(bootstrap),
            Provision::CloudInit => None,
        });
        let dns = network.dns.iter().copied();
        let taken: BTreeSet<Ipv4Addr> = named
            .chain(vips)
            .chain(first)
            .chain(network.gateway)
            .chain(dns)
            .collect();
        let is_free =
            |a: &Ipv4Addr| !taken.contains(a) && !hosts.clone().any(|host| host.pool.contains(*a));
        network.cidr.hosts().filter(is_free).take(1_024).collect()
    }

    /// A smaller reserve of a host that is left, where memory is what is missing: else it would only move others about.
    pub(super) fn reserves(&self) -> Vec<Mend> {
        let hosts = self
            .survivors()
            .filter(|host| self.lacks_memory && host.reserve.0 > 0);
        let half = |host: &Host| {
            let half = Bytes(host.reserve.0 / 2);
            let text = format!("half the reserve of memory of host {}", host.id);
            Mend::new(
                text,
                [(format!("hosts.{}.reserve", host.id), half.to_string())],
            )
        };
        hosts.take(MOST_HOSTS).map(half).collect()
    }

    /// More hosts like one that is left.
    pub(super) fn hosts(&self, more: usize) -> Vec<Mend> {
        let mut alike: Vec<&Host> = Vec::new();
        for host in self.survivors() {
            // One of each kind: what its labels say, and its network.
            if !alike
                .iter()
                .any(|a| (&a.labels, &a.network) == (&host.labels, &host.network))
            {
                alike.push(host);
            }
        }
        alike
            .iter()
            .take(MOST_HOSTS)
            .filter_map(|host| self.like(host, more))
            .collect()
    }

    fn like(&self, model: &Host, more: usize) -> Option<Mend> {
        let free = self.free(model);
        let mut blocks = free.chunk_by(|a, b| u32::from(*a) + 1 == u32::from(*b));
        let block: &[Ipv4Addr] = blocks.find(|b| b.len() >= more * NEW_POOL)?;
        let mut single = free
            .iter()
            .filter(|a| !block[..more * NEW_POOL].contains(a));
        let mut changes = Vec::new();
        for pool in block.chunks(NEW_POOL).take(more) {
            let names: BTreeSet<&HostId> = self.desired.hosts.keys().collect();
            let name = (1..)
                .map(|n| format!("new-{n}"))
                .filter(|n| !names.iter().any(|h| h.as_str() == n));
            let name = name.into_iter().nth(changes.len())?;
            let value = self.host_text(model, single.next()?, pool);
            changes.push((format!("hosts.{name}"), value));
        }
        let text = match more {
            1 => format!("one more host like {}", model.id),
            more => format!("{more} more hosts like {}", model.id),
        };
        Some(Mend::new(text, changes))
    }

    fn host_text(&self, model: &Host, address: &Ipv4Addr, pool: &[Ipv4Addr]) -> String {
        let (first, last) = (pool[0], pool[pool.len() - 1]);
        let mut text = format!("{{ address: {address}, pool: {first}-{last}");
        if self.desired.networks.len() > 1 {
            text += &format!(", network: {}", model.network);
        }
        if !model.labels.is_empty() {
            let labels = model
                .labels
                .iter()
                .map(|(name, value)| format!("{name}: {value}"));
            text += &format!(", labels: {{ {} }}", labels.collect::<Vec<_>>().join(", "));
        }
        text + " }"
    }
}

/// A pool as it is written: ranges that touch become one.
fn pool(ranges: impl Iterator<Item = (Ipv4Addr, Ipv4Addr)>) -> String {
    let mut joined: Vec<(Ipv4Addr, Ipv4Addr)> = Vec::new();
    for (first, last) in ranges {
        match joined.last_mut() {
            Some((_, end)) if u32::from(*end) + 1 == u32::from(first) => *end = last,
            Some(_) | None => joined.push((first, last)),
        }
    }
    let written = joined.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    let written: Vec<String> = written.collect();
    match written.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_written_as_short_as_can_be() {
        let ip = |n| Ipv4Addr::new(10, 0, 0, n);
        let written = |ranges: &[(u8, u8)]| pool(ranges.iter().map(|(a, b)| (ip(*a), ip(*b))));
        assert_eq!(written(&[(1, 3), (4, 4)]), "10.0.0.1-10.0.0.4");
        assert_eq!(written(&[(1, 1), (9, 9)]), "[10.0.0.1, 10.0.0.9]");
    }
}
