//! Changes of `cluster.yaml` that might mend what a loss breaks, the smallest first. Only proposals: whether one helps is
//! found out by rehearsing the loss with it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::Serialize;

use super::judge::{Finding, Trouble};
use super::losses::Loss;
use crate::model::desired::{Desired, Group, Host, Provision};
use crate::model::id::{GroupId, HostId, InstanceId};
use crate::model::policy::{Fencing, HostChoice, PlacementRules};

/// At most so many addresses are added to a pool.
const MOST_ADDRESSES: usize = 8;
/// At most so many hosts get more addresses, each alone.
const MOST_HOSTS: usize = 8;
/// Addresses of the pool of one more host.
const NEW_POOL: usize = 10;

/// A change of `cluster.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mend {
    /// In words.
    pub text: String,
    /// Keys by their dotted paths, and their new values as they are written; nothing removes the key.
    pub changes: BTreeMap<String, String>,
}

impl Mend {
    fn new(text: impl Into<String>, changes: impl IntoIterator<Item = (String, String)>) -> Mend {
        Mend {
            text: text.into(),
            changes: changes.into_iter().collect(),
        }
    }

    fn and(&self, other: &Mend) -> Mend {
        let changes = self.changes.iter().chain(&other.changes);
        Mend {
            text: format!("{}, and {}", self.text, other.text),
            changes: changes.map(|(k, v)| (k.clone(), v.clone())).collect(),
        }
    }
}

/// What might mend it, the smallest first.
pub fn proposals(desired: &Desired, loss: &Loss, finding: &Finding) -> Vec<Mend> {
    let trouble = Facts::of(desired, loss, finding);
    let room = [trouble.addresses(), trouble.reserves()].concat();
    let rules = trouble.rules();
    let replicas = trouble.replicas(1);
    let evidence = trouble.evidence();
    let (host, hosts) = (trouble.hosts(1), trouble.hosts(2));
    let brake = trouble.brake();
    let singly = [
        room,
        rules.clone(),
        replicas.clone(),
        evidence.clone(),
        brake.clone(),
        host.clone(),
    ];
    let together = [
        both(&rules, &replicas),
        both(&evidence, &brake),
        both(&replicas, &evidence),
        both(&replicas, &host),
        both(&evidence, &host),
        hosts.clone(),
        both(&replicas, &hosts),
        both(&trouble.replicas(2), &hosts),
        trouble.promises(),
    ];
    let mut proposals: Vec<Mend> = singly.concat();
    proposals.extend(together.concat());
    let mut seen = BTreeSet::new();
    proposals.retain(|mend| seen.insert(mend.changes.clone()));
    proposals
}

fn both(some: &[Mend], others: &[Mend]) -> Vec<Mend> {
    let pairs = some
        .iter()
        .flat_map(|one| others.iter().map(|other| one.and(other)));
    pairs.collect()
}

/// What is wrong, as far as it tells what might help.
struct Facts<'a> {
    desired: &'a Desired,
    loss: &'a Loss,
    /// Groups of which too few served, or some are missing, or that are out of reach.
    groups: BTreeSet<GroupId>,
    /// Instances that have no place.
    missing: usize,
    /// Something waits for somebody to decide it: a VIP, an instance.
    open: bool,
}

impl<'a> Facts<'a> {
    fn of(desired: &'a Desired, loss: &'a Loss, finding: &Finding) -> Self {
        let mut facts = Facts {
            desired,
            loss,
            groups: BTreeSet::new(),
            missing: 0,
            open: false,
        };
        for found in &finding.breaks {
            match &found.trouble {
                Trouble::Short(group) => drop(facts.groups.insert(group.clone())),
                Trouble::Missing(group, count) => {
                    facts.groups.insert(group.clone());
                    facts.missing += *count as usize;
                    facts.open = true;
                }
                Trouble::Unheld(vip) => {
                    let mut all = desired.load_balancers();
                    let of_vip = all.find(|(_, lb)| lb.vip.addr() == *vip);
                    facts
                        .groups
                        .extend(of_vip.map(|(group, _)| group.id.clone()));
                    facts.open = true;
                }
                Trouble::Unreached(group) => drop(facts.groups.insert(group.clone())),
                Trouble::Left | Trouble::Broken => facts.open = true,
            }
        }
        facts
    }

    fn survivors(&self) -> impl Iterator<Item = &'a Host> {
        let lost = &self.loss.hosts;
        let hosts = self.desired.hosts.values();
        hosts.filter(|host| !lost.contains(&host.id))
    }

    fn troubled(&self) -> impl Iterator<Item = &'a Group> {
        let groups = self.desired.groups.values();
        groups.filter(|group| self.groups.contains(&group.id))
    }

    fn is_written(&self, path: &str) -> bool {
        self.desired.lines.0.contains_key(path)
    }

    /// More addresses in the pool of a host that is left: one, two, as many as are missing.
    fn addresses(&self) -> Vec<Mend> {
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
    fn free(&self, host: &Host) -> Vec<Ipv4Addr> {
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

    /// A smaller reserve of a host that is left.
    fn reserves(&self) -> Vec<Mend> {
        let hosts = self
            .survivors()
            .filter(|host| self.missing > 0 && host.reserve.0 > 0);
        let half = |host: &Host| {
            let half = crate::model::unit::Bytes(host.reserve.0 / 2);
            let text = format!("half the reserve of memory of host {}", host.id);
            Mend::new(
                text,
                [(format!("hosts.{}.reserve", host.id), half.to_string())],
            )
        };
        hosts.take(MOST_HOSTS).map(half).collect()
    }

    /// Looser rules of placement, and instances farther apart.
    fn rules(&self) -> Vec<Mend> {
        let groups = self.troubled();
        let rules = groups.flat_map(|group| {
            let wider = self.wider(group);
            let apart = self.apart(group);
            let further = both(&wider, &apart);
            [wider, apart, further].concat()
        });
        rules.collect()
    }

    /// Hosts that the rules of a group leave out may be taken too.
    fn wider(&self, group: &Group) -> Vec<Mend> {
        let rules = &group.placement;
        let written = |choices: Vec<String>| format!("[{}]", choices.join(", "));
        let key = |name: &str| format!("{}.placement.{name}", group.key());
        let mut mends: Vec<Mend> = self.other_pins(group, rules).collect();
        if !rules.pin.is_empty() {
            mends.push(Mend::new(
                format!("no pins for {}", group.id),
                [(key("pin"), String::new())],
            ));
        }
        let wishes = [
            ("anti_affinity", &rules.anti_affinity, "apart"),
            ("affinity", &rules.affinity, "together"),
        ];
        for (name, wish, what) in wishes
            .iter()
            .filter(|(_, wish, _)| !wish.required.is_empty())
        {
            let all = wish.required.union(&wish.preferred);
            let all = written(all.map(ToString::to_string).collect());
            let text = format!("{} only preferred {what}", group.id);
            mends.push(Mend::new(
                text,
                [(key(name), format!("{{ preferred: {all} }}"))],
            ));
        }
        if !rules.hosts.required.is_empty() {
            mends.extend(self.left_out(rules).into_iter().map(|choice| {
                let all = rules
                    .hosts
                    .required
                    .iter()
                    .chain([&choice])
                    .map(choice_text);
                let text = format!("{} may also be on {}", group.id, choice_text(&choice));
                Mend::new(text, [(key("hosts"), written(all.collect()))])
            }));
        }
        mends
    }

    /// Another host for a pinned instance.
    fn other_pins(&self, group: &Group, rules: &PlacementRules) -> impl Iterator<Item = Mend> {
        let lost = &self.loss.hosts;
        let pins = rules.pin.iter().filter(|(_, host)| lost.contains(*host));
        let mends = pins.flat_map(|(index, _)| {
            let hosts = self.survivors().take(MOST_HOSTS);
            hosts.map(move |host| {
                let key = format!("{}.placement.pin.{index}", group.key());
                let text = format!("{} on host {}", InstanceId::new(&group.id, *index), host.id);
                Mend::new(text, [(key, host.id.to_string())])
            })
        });
        mends.collect::<Vec<_>>().into_iter()
    }

    /// What could be added to the hosts that may be taken: other values of the labels that are named, or other hosts.
    fn left_out(&self, rules: &PlacementRules) -> BTreeSet<HostChoice> {
        let named = &rules.hosts.required;
        let labels: BTreeSet<&String> = named
            .iter()
            .filter_map(|choice| match choice {
                HostChoice::Label(name, _) => Some(name),
                HostChoice::Host(_) => None,
            })
            .collect();
        let choices = self.survivors().flat_map(|host| {
            let values = host.labels.iter().filter(|(name, _)| labels.contains(name));
            let values = values.map(|(name, value)| HostChoice::Label(name.clone(), value.clone()));
            let itself = labels.is_empty().then(|| HostChoice::Host(host.id.clone()));
            values.chain(itself).collect::<Vec<_>>()
        });
        choices.filter(|choice| !named.contains(choice)).collect()
    }

    /// Instances spread over the label whose value was lost.
    fn apart(&self, group: &Group) -> Vec<Mend> {
        let labels: BTreeSet<&String> = self
            .desired
            .hosts
            .values()
            .flat_map(|host| host.labels.keys())
            .filter(|label| !group.placement.spread.contains(*label))
            .filter(|label| self.lost_as_one(label))
            .collect();
        let spread = labels.into_iter().map(|label| {
            let all = [std::slice::from_ref(label), &group.placement.spread].concat();
            let key = format!("{}.placement.spread", group.key());
            let text = format!("{} spread over the values of {label}", group.id);
            Mend::new(text, [(key, format!("[{}]", all.join(", ")))])
        });
        spread.collect()
    }

    /// Whether the lost hosts are all those with one value of a label.
    fn lost_as_one(&self, label: &str) -> bool {
        let value = |host: &HostId| self.desired.hosts.get(host)?.labels.get(label);
        let mut values = self.loss.hosts.iter().map(value);
        let first = values.next().flatten();
        first.is_some() && values.all(|value| value == first)
    }

    /// More instances of one group, which keeps what it promises.
    fn replicas(&self, more: u32) -> Vec<Mend> {
        let groups = self.troubled().map(|group| {
            let (key, promise) = (
                group.key(),
                group.budget.min_available.max(1).min(group.replicas),
            );
            let mut changes = vec![(
                format!("{key}.replicas"),
                (group.replicas + more).to_string(),
            )];
            if !self.is_written(&format!("{key}.min_available")) {
                changes.push((format!("{key}.min_available"), promise.to_string()));
            }
            if self.is_written(&format!("{key}.max_unavailable")) {
                changes.push((format!("{key}.max_unavailable"), String::new()));
            }
            let text = match more {
                1 => format!("one more instance of {}", group.id),
                more => format!("{more} more instances of {}", group.id),
            };
            Mend::new(text, changes)
        });
        let each: Vec<Mend> = groups.collect();
        let all = each
            .iter()
            .skip(1)
            .fold(each.first().cloned(), |all, one| Some(all?.and(one)));
        each.into_iter().chain(all).collect()
    }

    /// Who shows whether it is us who are cut off, and what makes sure that a lost host is off.
    fn evidence(&self) -> Vec<Mend> {
        if !self.open || self.loss.hosts.is_empty() {
            return Vec::new();
        }
        let (witness, fence) = (self.witness(), self.fencing());
        let together = both(witness.as_slice(), &fence);
        [Vec::from_iter(witness), fence, together].concat()
    }

    fn witness(&self) -> Option<Mend> {
        if !self.desired.safety.witnesses.is_empty() {
            return None;
        }
        let gateway = self
            .desired
            .networks
            .values()
            .any(|net| net.gateway.is_some());
        let value = match gateway {
            true => "gateway".to_owned(),
            // Whoever answers pings and is none of ours.
            false => self
                .free(self.desired.hosts.values().next()?)
                .last()?
                .to_string(),
        };
        let text = "a witness outside of the hosts, which answers pings";
        Some(Mend::new(text, [("safety.witnesses".to_owned(), value)]))
    }

    /// The guard, or a device, for all hosts that were lost.
    fn fencing(&self) -> Vec<Mend> {
        let lost = self
            .loss
            .hosts
            .iter()
            .filter_map(|host| self.desired.hosts.get(host));
        let lost: Vec<&Host> = lost.collect();
        let by = |text: &str, value: &str| {
            let names: Vec<&str> = lost.iter().map(|host| host.id.as_str()).collect();
            let changes = lost
                .iter()
                .map(|host| (format!("hosts.{}.fencing", host.id), value.to_owned()));
            Mend::new(format!("{text} {}", names.join(" and ")), changes)
        };
        let (lease, agent) = (
            by("the guard (a lease) on host", "lease"),
            by("a fencing device for host", "{ agent: fence_ipmilan }"),
        );
        let has_agent = |host: &&Host| host.fencing.iter().any(|f| matches!(f, Fencing::Agent(_)));
        let mut mends = Vec::new();
        if !lost
            .iter()
            .all(|host| host.fencing.contains(&Fencing::Lease))
        {
            mends.push(lease);
        }
        if !lost.iter().all(has_agent) {
            mends.push(agent);
        }
        mends
    }

    /// A brake that lets so many hosts fail at once.
    fn brake(&self) -> Vec<Mend> {
        let brake = self.desired.safety.brake.0;
        if !self.open || brake >= 100 || self.loss.hosts.len() < 2 {
            return Vec::new();
        }
        let all = u32::try_from(self.desired.hosts.len())
            .unwrap_or(u32::MAX)
            .max(1);
        let lost = u32::try_from(self.loss.hosts.len()).unwrap_or(all);
        let enough = (lost * 100).div_ceil(all).clamp(brake, 100);
        let value = format!("{enough}%");
        let text = format!("a brake that lets {lost} of {all} hosts fail at once");
        vec![Mend::new(text, [("safety.brake".to_owned(), value)])]
    }

    /// More hosts like one that is left.
    fn hosts(&self, more: usize) -> Vec<Mend> {
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

    /// What is left of a promise that nobody wrote down.
    fn promises(&self) -> Vec<Mend> {
        let short = self.troubled().filter(|group| {
            let keys = ["min_available", "max_unavailable"];
            let written = keys.map(|key| self.is_written(&format!("{}.{key}", group.key())));
            group.budget.min_available > 1 && written == [false, false]
        });
        let less = short.flat_map(|group| {
            (1..group.budget.min_available).rev().take(4).map(|least| {
                let text = format!("a smaller promise for {}", group.id);
                Mend::new(
                    text,
                    [(format!("{}.min_available", group.key()), least.to_string())],
                )
            })
        });
        less.collect()
    }
}

fn choice_text(choice: &HostChoice) -> String {
    match choice {
        HostChoice::Host(host) => host.to_string(),
        HostChoice::Label(name, value) => format!("{name}={value}"),
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
