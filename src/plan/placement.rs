//! Which host and which address each desired instance has or gets. An instance stays where it is; a missing one goes
//! to the host with the fewest instances of its group. Addresses come from the pool of the host.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::inventory::{Inventory, Whereabouts};
use super::ranking::Ranking;
use crate::model::desired::{Desired, Group};
use crate::model::facts::{Answer, Observed};
use crate::model::id::{DomainName, HostId, InstanceId};
use crate::model::memory::Memory;
use crate::model::plan::{Notice, NoticeKind};

/// How long an address that somebody foreign answered for is left alone before it is tried again.
const FOREIGN_FOR: std::time::Duration = std::time::Duration::from_secs(600);

/// The place of an instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Place<'a> {
    /// Its host.
    pub host: &'a HostId,
    /// Its address there, as desired: for a guest that has to move, the new one.
    pub address: Ipv4Addr,
}

/// All places, and why some instances have none.
#[derive(Debug, Default)]
pub struct Placement<'a> {
    /// Instances that have a place.
    pub places: BTreeMap<InstanceId, Place<'a>>,
    /// Addresses that are given out anew by this plan: they must be probed before use.
    pub fresh: BTreeMap<Ipv4Addr, &'a HostId>,
    /// Instances without a place, and addresses that are not used, with the reasons.
    pub notices: Vec<Notice>,
}

/// Gives every desired instance its place.
pub fn place<'a>(
    desired: &'a Desired,
    observed: &'a Observed,
    memory: &Memory,
    inventory: &Inventory<'a>,
) -> Placement<'a> {
    let mut placer = Placer::new(desired, observed, memory, inventory);
    for group in desired.groups.values() {
        placer.keep(group, inventory);
    }
    for group in desired.groups.values() {
        placer.place_missing(group, inventory);
    }
    placer.placement
}

struct Placer<'a> {
    desired: &'a Desired,
    usable: BTreeSet<&'a HostId>,
    taken: BTreeSet<Ipv4Addr>,
    ranking: Ranking<'a>,
    /// Where to go on looking in each pool: what is before was taken.
    cursor: BTreeMap<&'a HostId, u64>,
    placement: Placement<'a>,
}

impl<'a> Placer<'a> {
    fn new(
        desired: &'a Desired,
        observed: &'a Observed,
        memory: &Memory,
        inventory: &Inventory<'a>,
    ) -> Self {
        let seen = |id: &&HostId| inventory.hosts.is_usable(id);
        let mut taken = inventory.taken.clone();
        taken.extend(desired.load_balancers().map(|(_, lb)| lb.vip.addr()));
        let usable: BTreeSet<&HostId> = desired.hosts.keys().filter(seen).collect();
        let mut placer = Placer {
            desired,
            ranking: Ranking::of(usable.iter().copied()),
            usable,
            taken,
            cursor: BTreeMap::new(),
            placement: Placement::default(),
        };
        placer.avoid_foreign(observed, memory);
        placer
    }

    fn avoid_foreign(&mut self, observed: &Observed, memory: &Memory) {
        let remembered = memory
            .foreign
            .iter()
            .filter(|(address, f)| {
                !observed.probed.contains_key(address) && observed.now.since(f.seen) < FOREIGN_FOR
            })
            .map(|(address, f)| (*address, f.mac.clone()));
        let answered = observed
            .probed
            .iter()
            .filter_map(|(address, answer)| match answer {
                Answer::Taken { mac } => Some((*address, mac.clone())),
                Answer::Silence => None,
            });
        for (address, mac) in remembered.chain(answered).collect::<Vec<_>>() {
            let pool_of = self
                .desired
                .hosts
                .values()
                .find(|h| h.pool.contains(address));
            if let (Some(host), true) = (pool_of, self.taken.insert(address)) {
                self.placement.notices.push(Notice {
                    kind: NoticeKind::Warning,
                    subject: address.to_string(),
                    text: format!(
                        "{mac} answers for {address} of the pool of host {}, and is none of our guests: \
                         the address is skipped",
                        host.id
                    ),
                    help: Some("give that machine another address, or take this one out of the pool".to_owned()),
                    line: self.desired.lines.of(&format!("hosts.{}.pool", host.id)),
                });
            }
        }
    }

    /// Existing guests stay on their hosts; one whose address left the pool gets a new one there.
    fn keep(&mut self, group: &'a Group, inventory: &Inventory<'a>) {
        for index in 1..=group.replicas {
            let instance = InstanceId::new(&group.id, index);
            let (host, mark) = match inventory.whereabouts(&instance) {
                Whereabouts::On(found) => (found.host, found.mark),
                Whereabouts::Hidden { host, mark } => (host, mark),
                Whereabouts::Lost { .. } | Whereabouts::Perhaps { .. } | Whereabouts::Nowhere => {
                    continue;
                }
            };
            self.ranking.count(&group.id, host);
            let address = self.address_of_existing(&instance, host, mark);
            self.placement
                .places
                .insert(instance, Place { host, address });
        }
    }

    fn address_of_existing(
        &mut self,
        instance: &InstanceId,
        host: &'a HostId,
        mark: &crate::model::mark::Mark,
    ) -> Ipv4Addr {
        let desired = self.desired;
        let Some(pool) = desired.hosts.get(host).map(|h| &h.pool) else {
            return mark.address;
        };
        let good = |address: &Ipv4Addr| pool.contains(*address) && !self.is_reserved(*address);
        if !self.usable.contains(host) || good(&mark.address) {
            return mark.address;
        }
        if let Some(target) = mark.moving_to.filter(|a| good(a)) {
            return target;
        }
        self.take_address(host).unwrap_or_else(|| {
            self.placement
                .notices
                .push(self.no_address(instance, &format!("on host {host}")));
            mark.address
        })
    }

    fn is_reserved(&self, address: Ipv4Addr) -> bool {
        self.desired
            .load_balancers()
            .any(|(_, lb)| lb.vip.addr() == address)
    }

    fn place_missing(&mut self, group: &'a Group, inventory: &Inventory<'a>) {
        for index in 1..=group.replicas {
            let instance = InstanceId::new(&group.id, index);
            match inventory.whereabouts(&instance) {
                Whereabouts::Lost { .. } | Whereabouts::Nowhere => {
                    self.place_one(group, instance, inventory);
                }
                Whereabouts::On(_) | Whereabouts::Hidden { .. } | Whereabouts::Perhaps { .. } => {}
            }
        }
    }

    fn place_one(&mut self, group: &'a Group, instance: InstanceId, inventory: &Inventory<'a>) {
        let domain = DomainName::new(&self.desired.cluster, &instance);
        if let Some(host) = inventory.clash(&domain) {
            self.placement
                .notices
                .push(self.clash(&instance, &domain, host));
            return;
        }
        while let Some(host) = self.ranking.best(&group.id) {
            let Some(address) = self.take_address(host) else {
                self.ranking.mark_full(host);
                continue;
            };
            self.ranking.count(&group.id, host);
            self.placement
                .places
                .insert(instance, Place { host, address });
            return;
        }
        self.placement
            .notices
            .push(self.no_address(&instance, "on any host that can be seen"));
    }

    fn take_address(&mut self, host: &'a HostId) -> Option<Ipv4Addr> {
        let pool = &self.desired.hosts.get(host)?.pool;
        let cursor = self.cursor.entry(host).or_default();
        while *cursor < pool.size() {
            let address = pool.nth(*cursor)?;
            *cursor += 1;
            if self.taken.insert(address) {
                self.placement.fresh.insert(address, host);
                return Some(address);
            }
        }
        None
    }

    fn no_address(&self, instance: &InstanceId, place: &str) -> Notice {
        Notice {
            kind: NoticeKind::Blocked,
            subject: instance.to_string(),
            text: format!("no address is free {place}"),
            help: Some("enlarge a pool, or lower `replicas`".to_owned()),
            line: self.desired.line_of(instance),
        }
    }

    fn clash(&self, instance: &InstanceId, domain: &DomainName, host: &HostId) -> Notice {
        Notice {
            kind: NoticeKind::Blocked,
            subject: instance.to_string(),
            text: format!("host {host} has a domain named {domain} that is not ours"),
            help: Some(format!(
                "rename the group or the cluster; or shut that domain down and rename it: virsh domrename {domain} NEW-NAME"
            )),
            line: self.desired.line_of(instance),
        }
    }
}
