//! What each host has, what of it is taken, and whose guests are there: the state that places are chosen on. Hosts and
//! groups go by their numbers in the order of their names.

use std::collections::{BTreeMap, BTreeSet};

use super::filter::Rejection;
use super::rules::Rules;
use crate::model::desired::{Desired, Group, Host};
use crate::model::facts::{HostFacts, Observed, Seen};
use crate::model::id::{GroupId, HostId};
use crate::model::unit::Bytes;
use crate::plan::machine::Size;

/// A host, by its number in the order of names.
pub type HostNo = usize;
/// A group, by its number in the order of names.
pub type GroupNo = usize;

/// A guest of a group, by its number, on a host.
pub type Spot = (GroupNo, u32, HostNo);

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
    /// The sizes of guests that were built with another one than the file asks for by now.
    sizes: BTreeMap<Spot, Size>,
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
    /// Space for disks, in bytes: what is free, and what the disks use that are taken from it at their full size.
    pub disk: Stock,
    /// Whether nothing at all can be written to its disk any more.
    full: bool,
    guests: u64,
}

/// What every guest writes as soon as it begins, whatever its disk may become.
const LEAST_DISK: Bytes = Bytes(1 << 20);

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
    /// Those that were found, by their numbers, and where.
    found: Vec<(u32, HostNo)>,
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
            found: Vec::new(),
        });
        let rooms = desired.hosts.values().map(|host| Room::new(host, observed));
        let seen = |facts: &Seen<HostFacts>| facts.facts().map(|f| f.memory.is_some());
        Board {
            hosts: rooms.collect(),
            groups: sides.collect(),
            weighs: observed.hosts.values().filter_map(seen).all(|known| known),
            tried: BTreeMap::new(),
            sizes: BTreeMap::new(),
            host_numbers,
            group_numbers,
        }
    }

    /// The memory of each host that guests take which go soon: surplus, or extra for a while.
    pub fn leaving(&self) -> Vec<u64> {
        let mut leaving = vec![0; self.hosts.len()];
        for (group, side) in self.groups.iter().enumerate() {
            for (host, present) in &side.present {
                let own = |index: &u32| self.size((group, *index, *host)).memory.0;
                leaving[*host] += present.leave.iter().map(own).sum::<u64>();
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

    /// A guest was found on `host`, built with this size; so much of the host's disk is used by its own.
    pub fn find(&mut self, (group, index, host): Spot, size: Size, used: u64) {
        if size != Size::of(self.groups[group].group) {
            self.sizes.insert((group, index, host), size);
        }
        let disk = &mut self.hosts[host].disk;
        disk.all = disk.all.map(|all| all.saturating_add(used));
    }

    /// How large the guest in a spot is, or will be.
    pub fn size(&self, spot: Spot) -> Size {
        let own = self.sizes.get(&spot).copied();
        own.unwrap_or_else(|| Size::of(self.groups[spot.0].group))
    }

    /// The guests that have another size than the file asks for by now.
    pub fn resized(&self) -> impl Iterator<Item = (Spot, Size)> + '_ {
        self.sizes.iter().map(|(spot, size)| (*spot, *size))
    }

    /// The guest in a spot gets the size that the file asks for.
    pub fn resize(&mut self, spot: Spot) {
        let size = Size::of(self.groups[spot.0].group);
        self.take_as(spot, size);
    }

    /// The guest in a spot keeps what it has, and is promised what more the file asks for.
    pub fn grow(&mut self, spot: Spot) {
        let larger = self.size(spot).max(Size::of(self.groups[spot.0].group));
        self.take_as(spot, larger);
    }

    fn take_as(&mut self, spot: Spot, size: Size) {
        let room = &mut self.hosts[spot.2];
        let has = self.sizes.remove(&spot);
        let wants = Size::of(self.groups[spot.0].group);
        room.give_back(has.unwrap_or(wants));
        room.take(size);
        if size != wants {
            self.sizes.insert(spot, size);
        }
    }

    /// What is missing for the guest in a spot to have the size that the file asks for; none where it has that already.
    pub fn shortage(&self, spot: Spot) -> Vec<Rejection<'a>> {
        let (has, wants) = (self.size(spot), Size::of(self.groups[spot.0].group));
        let mut room = self.hosts[spot.2].clone();
        room.give_back(has);
        let grows = (
            wants.memory > has.memory,
            wants.cpus > has.cpus,
            wants.disk > has.disk,
        );
        let short = [
            grows.0.then(|| room.lacks_memory(wants)).flatten(),
            grows.1.then(|| room.lacks_cpus(wants)).flatten(),
            grows.2.then(|| room.lacks_disk(wants)).flatten(),
        ];
        short.into_iter().flatten().collect()
    }

    /// Instance `index` of `group` was found on `host`, and belongs there. Those of a group come in order.
    pub fn house(&mut self, group: GroupNo, index: u32, host: HostNo) {
        self.settle(group, index, host);
        self.groups[group].found.push((index, host));
    }

    /// Whether an instance that belongs on `host` is there already.
    pub fn is_there(&self, (group, index, host): Spot) -> bool {
        let found = &self.groups[group].found;
        let own = found.binary_search_by_key(&index, |(index, _)| *index);
        own.is_ok_and(|own| found[own].1 == host)
    }

    /// Instance `index` of `group` comes to `host`, and belongs there.
    pub fn settle(&mut self, group: GroupNo, index: u32, host: HostNo) {
        self.occupy((group, index, host));
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
        self.occupy((group, index, host));
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
        let size = self.size((group, index, host));
        self.sizes.remove(&(group, index, host));
        self.hosts[host].give_back(size);
        self.hosts[host].guests -= 1;
    }

    fn occupy(&mut self, spot: Spot) {
        let size = self.size(spot);
        self.hosts[spot.2].take(size);
        self.hosts[spot.2].guests += 1;
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
            full: facts.is_some_and(|f| f.free.is_some_and(|free| free < LEAST_DISK)),
            guests: 0,
        }
    }

    /// A guest is promised this.
    pub fn take(&mut self, size: Size) {
        self.memory.taken += size.memory.0;
        self.cpus.taken += hundredths(size.cpus);
        self.disk.taken += size.disk.map_or(0, |disk| disk.0);
    }

    /// What a guest was promised is free again. Two domains may claim to be the same guest: nobody gives more than is taken.
    pub fn give_back(&mut self, size: Size) {
        let disk = size.disk.map_or(0, |disk| disk.0);
        let less = |stock: &mut Stock, by: u64| stock.taken = stock.taken.saturating_sub(by);
        less(&mut self.memory, size.memory.0);
        less(&mut self.cpus, hundredths(size.cpus));
        less(&mut self.disk, disk);
    }

    /// That the memory left is too little.
    pub fn lacks_memory(&self, size: Size) -> Option<Rejection<'a>> {
        let needed = size.memory;
        (!self.memory.has(needed.0)).then(|| Rejection::Memory {
            free: Bytes(self.memory.left().unwrap_or(0)),
            needed,
        })
    }

    /// That the processors left are too few.
    pub fn lacks_cpus(&self, size: Size) -> Option<Rejection<'a>> {
        let needed = size.cpus;
        (!self.cpus.has(hundredths(needed))).then(|| Rejection::Cpus {
            free: self.cpus.left().unwrap_or(0) / 100,
            needed,
        })
    }

    /// That the space left for disks is too little.
    pub fn lacks_disk(&self, size: Size) -> Option<Rejection<'a>> {
        let lacks = size.disk.map_or(self.full, |disk| !self.disk.has(disk.0));
        lacks.then(|| Rejection::Disk {
            free: Bytes(self.disk.left().unwrap_or(0)),
            needed: size.disk.unwrap_or(LEAST_DISK),
        })
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
