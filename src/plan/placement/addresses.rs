//! Addresses from the pools of hosts: each is given out once, and none that somebody foreign answered for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::model::bug::Bug;
use crate::model::desired::Desired;
use crate::model::facts::{Answer, Observed};
use crate::model::id::HostId;
use crate::model::memory::Memory;
use crate::model::plan::{Notice, NoticeKind};

/// How long an address that somebody foreign answered for is left alone before it is tried again.
const FOREIGN_FOR: std::time::Duration = std::time::Duration::from_secs(600);

/// The addresses of all pools.
#[derive(Debug)]
pub struct Addresses<'a> {
    desired: &'a Desired,
    /// Those of load balancers: no guest has one as its own.
    vips: BTreeSet<Ipv4Addr>,
    taken: BTreeSet<Ipv4Addr>,
    /// Those that no guest of ours can have: VIPs, and what somebody foreign answered for.
    barred: BTreeSet<Ipv4Addr>,
    /// Where to go on looking in each pool: what is before was taken.
    cursor: BTreeMap<&'a HostId, u64>,
    /// Those that are not used, and why.
    pub notices: Vec<Notice>,
}

impl<'a> Addresses<'a> {
    /// The addresses that are left when these are taken.
    pub fn new(
        desired: &'a Desired,
        observed: &Observed,
        memory: &Memory,
        mut taken: BTreeSet<Ipv4Addr>,
    ) -> Self {
        let vips: BTreeSet<Ipv4Addr> = desired
            .load_balancers()
            .map(|(_, lb)| lb.vip.addr())
            .collect();
        taken.retain(|_| !Bug::ReuseAnAddress.is_in());
        taken.extend(&vips);
        let mut addresses = Addresses {
            desired,
            barred: vips.clone(),
            vips,
            taken,
            cursor: BTreeMap::new(),
            notices: Vec::new(),
        };
        addresses.avoid_foreign(observed, memory);
        addresses
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
        for (address, mac) in remembered.chain(answered) {
            let mut hosts = self.desired.hosts.values();
            let pool_of = hosts.find(|h| h.pool.contains(address));
            if let (Some(host), true) = (pool_of, self.taken.insert(address)) {
                self.barred.insert(address);
                self.notices.push(self.foreign(address, &mac, &host.id));
            }
        }
    }

    fn foreign(&self, address: Ipv4Addr, mac: &str, host: &HostId) -> Notice {
        Notice {
            kind: NoticeKind::Warning,
            subject: address.to_string(),
            text: format!(
                "{mac} answers for {address} of the pool of host {host}, and is none of our guests: \
                 the address is skipped"
            ),
            help: Some(
                "give that machine another address, or take this one out of the pool".to_owned(),
            ),
            line: self.desired.lines.of(&format!("hosts.{host}.pool")),
        }
    }

    /// Whether a guest may have this address as its own.
    pub fn may_be_own(&self, address: Ipv4Addr) -> bool {
        !self.vips.contains(&address)
    }

    /// The next free address of a host's pool; none: it is used up.
    pub fn take(&mut self, host: &'a HostId) -> Option<Ipv4Addr> {
        let address = self.next(host)?;
        *self.cursor.entry(host).or_default() += 1;
        self.taken.insert(address);
        Some(address)
    }

    /// An address of a host's pool is free again.
    pub fn release(&mut self, host: &'a HostId, address: Ipv4Addr) {
        self.taken.remove(&address);
        self.cursor.remove(host);
    }

    /// How many addresses of a host's pool are free.
    pub fn left(&self, host: &HostId) -> u64 {
        self.without(host, &self.taken)
    }

    /// How many guests find an address in a host's pool, with those that are there.
    pub fn room(&self, host: &HostId) -> u64 {
        self.without(host, &self.barred)
    }

    fn without(&self, host: &HostId, these: &BTreeSet<Ipv4Addr>) -> u64 {
        let pool = self.desired.hosts.get(host).map(|host| &host.pool);
        let ranges = pool.into_iter().flat_map(|pool| &pool.0);
        let these = ranges.map(|(first, last)| these.range(*first..=*last).count() as u64);
        let these: u64 = these.sum();
        pool.map_or(0, |pool| pool.size().saturating_sub(these))
    }

    /// The address that the next guest on a host would get.
    pub fn next(&mut self, host: &'a HostId) -> Option<Ipv4Addr> {
        let pool = &self.desired.hosts.get(host)?.pool;
        let cursor = self.cursor.entry(host).or_default();
        while *cursor < pool.size() {
            let address = pool.nth(*cursor)?;
            if !self.taken.contains(&address) {
                return Some(address);
            }
            *cursor += 1;
        }
        None
    }
}
