//! What each host has, what of it is taken, and whose guests are there: the state that places are chosen on. Hosts and
//! groups go by their numbers in the order of their names.

use std::collections::{BTreeMap, BTreeSet};

use super::filter::Rejection;
use super::rules::Rules;
use crate::model::desired::{Desired, Group, Host};
use crate::model::facts::{HostFacts, Observed, Seen};
use crate::model::id::{GroupId, HostId};

/// A host, by its number in the order of names.
pub type HostNo = usize;
/// A group, by its number in the order of names.
pub type GroupNo = usize;

/// Every host and every group.
#[derive(Debug, Clone)]
pub struct Board<'a> {
    /// The hosts.
    pub hosts: Vec<Room<'a>>,
    /// The groups.
    pub groups: Vec<Side<'a>>,
    /// Whether every host that was seen told its memory: else guests are counted.
    weighs: bool,
    /// Hosts on which an instance was tried often enough.
    pub tried: BTreeMap<(GroupNo, u32), BTreeSet<HostNo>>,
    host_numbers: BTreeMap<&'a HostId, HostNo>,
    group_numbers: BTreeMap<&'a GroupId, GroupNo>,
}

/// A host, and what is taken of it.
#[derive(Debug, Clone)]
pub struct Room<'a> {
    /// The host.
    pub host: &'a Host,
    /// Why it takes nobody, whoever it is.
    pub closed: Option<Rejection<'a>>,
    /// No address is left in its pool.
    pub spent: bool,
    /// Memory in bytes, without what is reserved; none where it is not known.
    pub memory: Stock,
    /// Virtual processors, in hundredths.
    pub cpus: Stock,
    /// Space for disks, in bytes.
    pub disk: Stock,
    guests: u64,
}

/// Something that runs out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stock {
    /// How much there is; none where that is not known.
    pub all: Option<u64>,
    /// How much of it is taken.
    pub taken: u64,
}

impl Stock {
    /// What is left, where that is known.
    pub fn left(self) -> Option<u64> {
        self.all.map(|all| all.saturating_sub(self.taken))
    }

    /// Whether `more` fits, as far as that is known.
    pub fn has(self, more: u64) -> bool {
        self.left().is_none_or(|left| more <= left)
    }
}

/// A group, with its rules and its instances.
#[derive(Debug, Clone)]
pub struct Side<'a> {
    /// The group.
    pub group: &'a Group,
    /// Where it may be.
    pub rules: Rules<'a>,
    /// Its instances that belong on some host.
    pub placed: usize,
    present: BTreeMap<HostNo, Present>,
}

/// The instances of a group on a host, by their numbers.
#[derive(Debug, Clone, Default)]
pub struct Present {
    /// Those that belong there.
    pub belong: Vec<u32>,
    /// Those that are there and shall not be: surplus, or about to move.
    pub leave: Vec<u32>,
}

impl<'a> Board<'a> {
    /// The hosts as they were seen, with nobody on them yet.
    pub fn new(desired: &'a Desired, observed: &'a Observed) -> Self {
        let numbers = desired.hosts.keys().enumerate().map(|(n, id)| (id, n));
        let host_numbers: BTreeMap<_, _> = numbers.collect();
        let numbers = desired.groups.keys().enumerate().map(|(n, id)| (id, n));
        let group_numbers: BTreeMap<_, _> = numbers.collect();
        let rules = Rules::compile(desired, &host_numbers, &group_numbers);
        let sides = desired.groups.values().zip(rules);
        let sides = sides.map(|(group, rules)| Side {
            group,
            rules,
            placed: 0,
            present: BTreeMap::new(),
        });
        let rooms = desired.hosts.values().map(|host| Room::new(host, observed));
        let seen = |facts: &Seen<HostFacts>| facts.facts().map(|f| f.memory.is_some());
        Board {
            hosts: rooms.collect(),
            groups: sides.collect(),
            weighs: observed.hosts.values().filter_map(seen).all(|known| known),
            tried: BTreeMap::new(),
            host_numbers,
            group_numbers,
        }
    }

    /// The memory of each host that guests take which go soon: surplus, or extra for a while.
    pub fn leaving(&self) -> Vec<u64> {
        let mut leaving = vec![0; self.hosts.len()];
        for side in &self.groups {
            for (host, present) in &side.present {
                leaving[*host] += side.group.memory.0 * present.leave.len() as u64;
            }
        }
        leaving
    }

    /// The number of a host that is in the file.
    pub fn host_no(&self, host: &HostId) -> Option<HostNo> {
        self.host_numbers.get(host).copied()
    }

    /// The number of a group that is in the file.
    pub fn group_no(&self, group: &GroupId) -> Option<GroupNo> {
        self.group_numbers.get(group).copied()
    }

    /// Instance `index` of `group` is on `host`, and belongs there.
    pub fn settle(&mut self, group: GroupNo, index: u32, host: HostNo) {
        self.occupy(group, host);
        self.belong(group, index, host);
    }

    /// It belongs on `host`, where it is counted already.
    pub fn belong(&mut self, group: GroupNo, index: u32, host: HostNo) {
        let side = &mut self.groups[group];
        let present = side.present.entry(host).or_default();
        present.leave.retain(|i| *i != index);
        present.belong.push(index);
        side.placed += 1;
    }

    /// A guest of `group` is on `host`, and shall not be.
    pub fn surplus(&mut self, group: GroupNo, index: u32, host: HostNo) {
        self.occupy(group, host);
        let present = self.groups[group].present.entry(host).or_default();
        present.leave.push(index);
    }

    /// It still is on `host`, and does not belong there any more.
    pub fn unsettle(&mut self, group: GroupNo, index: u32, host: HostNo) {
        let side = &mut self.groups[group];
        let present = side.present.entry(host).or_default();
        present.belong.retain(|i| *i != index);
        present.leave.push(index);
        side.placed -= 1;
    }

    /// It is gone from `host`, with all that it took.
    pub fn remove(&mut self, group: GroupNo, index: u32, host: HostNo) {
        self.unsettle(group, index, host);
        self.vacate(group, index, host);
    }

    /// What was left of it on `host` is gone, with all that it took.
    pub fn vacate(&mut self, group: GroupNo, index: u32, host: HostNo) {
        let side = &mut self.groups[group];
        if let Some(present) = side.present.get_mut(&host) {
            present.leave.retain(|i| *i != index);
        }
        let (size, room) = (side.group, &mut self.hosts[host]);
        room.memory.taken -= size.memory.0;
        room.cpus.taken -= hundredths(size.cpus);
        room.guests -= 1;
    }

    fn occupy(&mut self, group: GroupNo, host: HostNo) {
        let (size, room) = (self.groups[group].group, &mut self.hosts[host]);
        room.memory.taken += size.memory.0;
        room.cpus.taken += hundredths(size.cpus);
        room.guests += 1;
    }

    /// The instances of `group` on `host`.
    pub fn present(&self, group: GroupNo, host: HostNo) -> Option<&Present> {
        self.groups[group].present.get(&host)
    }

    /// How many instances of `group` belong on `host`.
    pub fn belonging(&self, group: GroupNo, host: HostNo) -> usize {
        self.present(group, host).map_or(0, |p| p.belong.len())
    }

    /// The hosts that instances of `group` belong on, with how many.
    pub fn homes(&self, group: GroupNo) -> impl Iterator<Item = (HostNo, &[u32])> {
        let present = self.groups[group].present.iter();
        let homes = present.filter(|(_, p)| !p.belong.is_empty());
        homes.map(|(host, p)| (*host, p.belong.as_slice()))
    }

    /// How full `host` is with one more of `group`: in millionths of its memory, or in guests.
    pub fn load(&self, group: GroupNo, host: HostNo) -> u64 {
        let room = &self.hosts[host];
        match (self.weighs, room.memory.all) {
            (true, Some(all)) => {
                let taken = room.memory.taken + self.groups[group].group.memory.0;
                // In KiB, so that no size that exists overflows.
                (taken >> 10).saturating_mul(1_000_000) / (all >> 10).max(1)
            }
            (false, _) | (_, None) => room.guests,
        }
    }

    /// Whether loads are parts of memory; else they are numbers of guests.
    pub fn weighs(&self) -> bool {
        self.weighs
    }
}

impl<'a> Room<'a> {
    fn new(host: &'a Host, observed: &'a Observed) -> Self {
        let facts = observed.hosts.get(&host.id).and_then(Seen::facts);
        let memory = facts.and_then(|f| f.memory);
        let cpus = facts.and_then(|f| f.cpus);
        Room {
            host,
            closed: super::usable(host, observed).err(),
            spent: false,
            memory: Stock {
                all: memory.map(|m| m.0.saturating_sub(host.reserve.0)),
                taken: 0,
            },
            cpus: Stock {
                all: cpus.map(|c| u64::from(c) * u64::from(host.overcommit.0)),
                taken: 0,
            },
            disk: Stock {
                all: facts.and_then(|f| f.free).map(|f| f.0),
                taken: 0,
            },
            guests: 0,
        }
    }

    /// Whether the host was seen.
    pub fn is_seen(&self) -> bool {
        !matches!(self.closed, Some(Rejection::Unseen))
    }
}

/// Virtual processors, in hundredths.
pub fn hundredths(cpus: u32) -> u64 {
    u64::from(cpus) * 100
}
