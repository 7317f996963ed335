//! Who follows a group: those that must be on its host, directly or through others, and how many of them would be with it
//! on a host. Only groups that are followed have company, so that all others cost nothing.

use std::collections::BTreeMap;

use super::board::{Board, GroupNo, HostNo, hundredths};

/// Those who follow a group, and on the way have to be placed.
#[derive(Debug, Default)]
pub struct Company {
    /// The group.
    pub group: GroupNo,
    /// In the order in which they are placed.
    pub members: Vec<Member>,
    /// Addresses that are left on each host.
    pub addresses: Vec<u64>,
    /// Whether it counts that those who are somewhere need not move.
    pub stays_count: bool,
    /// How many of each member are, or find room, on each host of the group.
    homes: BTreeMap<HostNo, Vec<u64>>,
}

/// A group that follows, or that a follower needs, too.
#[derive(Debug, Default)]
pub struct Member {
    /// The group.
    pub group: GroupNo,
    /// Whether it follows; else a follower must be with it, and one of it is enough.
    pub follows: bool,
    /// Instances that may go to any host.
    pub coming: u64,
    /// Instances that may go only to one.
    pub pinned: BTreeMap<HostNo, u64>,
    /// Instances that are on a host where they would be alone.
    pub here: BTreeMap<HostNo, Here>,
}

/// Instances on a host that those whom they must be with leave, or are not on yet.
#[derive(Debug, Default, Clone, Copy)]
pub struct Here {
    /// Those that may go elsewhere: they count as coming, too.
    pub free: u64,
    /// Those that can't.
    pub held: u64,
    /// Those of both that belong there still.
    pub belong: u64,
}

impl Member {
    fn need(&self) -> u64 {
        let held: u64 = self.here.values().map(|here| here.held).sum();
        let pinned: u64 = self.pinned.values().sum();
        self.coming + pinned + held
    }

    fn here(&self, host: HostNo) -> Here {
        self.here.get(&host).copied().unwrap_or_default()
    }
}

/// What is left of a host.
struct Left {
    memory: Option<u64>,
    cpus: Option<u64>,
    disk: Option<u64>,
    addresses: u64,
}

impl Left {
    /// How many of a group fit.
    fn fits(&self, board: &Board<'_>, group: GroupNo) -> u64 {
        let group = board.groups[group].group;
        let times = |left: Option<u64>, one: u64| left?.checked_div(one);
        let disk = group.disk.map_or(0, |disk| disk.0);
        let each = [
            times(self.memory, group.memory.0),
            times(self.cpus, hundredths(group.cpus)),
            times(self.disk, disk),
        ];
        each.into_iter().flatten().fold(self.addresses, u64::min)
    }

    fn take(&mut self, board: &Board<'_>, group: GroupNo, count: u64) {
        let group = board.groups[group].group;
        let less = |left: &mut Option<u64>, one: u64| {
            *left = left.map(|left| left.saturating_sub(one.saturating_mul(count)));
        };
        less(&mut self.memory, group.memory.0);
        less(&mut self.cpus, hundredths(group.cpus));
        less(&mut self.disk, group.disk.map_or(0, |disk| disk.0));
        self.addresses = self.addresses.saturating_sub(count);
    }
}

impl Company {
    /// Nobody follows this group, as far as is known yet.
    pub fn of(group: GroupNo) -> Self {
        Company {
            group,
            stays_count: true,
            ..Company::default()
        }
    }

    /// Whether nobody follows.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Counts what is found on the hosts that the group belongs on.
    pub fn look_around(&mut self, board: &Board<'_>) {
        let homes = board.homes(self.group).map(|(host, _)| host);
        let found = homes.map(|host| (host, self.room(board, host, 0)));
        self.homes = found.collect();
    }

    /// One more or less of the group belongs on `host`. Returns whether other hosts are judged otherwise now.
    pub fn changed(&mut self, board: &Board<'_>, host: HostNo) -> bool {
        if self.is_empty() {
            return false;
        }
        let before = self.homes.remove(&host);
        if board.belonging(self.group, host) > 0 {
            let found = self.room(board, host, 0);
            self.homes.insert(host, found);
        }
        before.as_ref() != self.homes.get(&host)
    }

    /// How many followers would be without the group, or it without them, if one more of it went to `host`.
    pub fn apart(&self, board: &Board<'_>, host: HostNo) -> u32 {
        if self.is_empty() {
            return 0;
        }
        let there = self.room(board, host, 1);
        let mut apart = 0;
        for (nth, member) in self.members.iter().enumerate() {
            let elsewhere = self.homes.iter().filter(|(home, _)| **home != host);
            let elsewhere: u64 = elsewhere.map(|(_, found)| found[nth]).sum();
            if member.follows {
                apart += member
                    .need()
                    .saturating_sub(elsewhere.saturating_add(there[nth]));
            }
        }
        let alone = !self.is_accompanied(board, host, &there);
        u32::try_from(apart + u64::from(alone)).unwrap_or(u32::MAX)
    }

    /// Whether all followers find room on one host of the group, if one more of it went to `host`.
    pub fn has_room_for_all(&self, board: &Board<'_>, host: HostNo) -> bool {
        let there = self.room(board, host, 1);
        let elsewhere = self.homes.iter().filter(|(home, _)| **home != host);
        let mut homes = elsewhere.map(|(_, found)| found).chain([&there]);
        homes.any(|found| {
            let mut followers = self.members.iter().zip(found).filter(|(m, _)| m.follows);
            followers.all(|(m, found)| *found >= m.need())
        })
    }

    /// How many that are somewhere would have to move after it, if it went to `host`.
    pub fn led(&self, host: HostNo) -> u32 {
        if !self.stays_count {
            return 0;
        }
        let elsewhere = |at: &HostNo| *at != host && !self.homes.contains_key(at);
        let here = self
            .members
            .iter()
            .filter(|m| m.follows)
            .flat_map(|m| &m.here);
        let led = here
            .filter(|(at, _)| elsewhere(at))
            .map(|(_, here)| here.free);
        u32::try_from(led.sum::<u64>()).unwrap_or(u32::MAX)
    }

    /// Whether those whom it must be with, and who come after it, can be on `host`, too: there is room, and there are as
    /// many of them as the group has hosts.
    fn is_accompanied(&self, board: &Board<'_>, host: HostNo, there: &[u64]) -> bool {
        let near = &board.groups[self.group].rules.near;
        let later = self.members.iter().zip(there);
        let mut later = later.filter(|(m, _)| near.contains(&m.group));
        let homes = self.homes.len() + usize::from(!self.homes.contains_key(&host));
        later.all(|(m, found)| {
            let enough = board.groups[m.group].group.replicas as usize >= homes;
            board.belonging(m.group, host) > 0 || (*found > 0 && enough)
        })
    }

    /// How many of each member are, or find room, on `host` when so many more of the group are there.
    fn room(&self, board: &Board<'_>, host: HostNo, more: u64) -> Vec<u64> {
        let room = &board.hosts[host];
        let mut left = Left {
            memory: room.memory.left(),
            cpus: room.cpus.left(),
            disk: room.disk.left(),
            addresses: self.addresses.get(host).copied().unwrap_or(0),
        };
        left.take(board, self.group, more);
        let mut there: Vec<u64> = Vec::with_capacity(self.members.len());
        for member in &self.members {
            let count = match self.may_be(board, member, host, &there) {
                true => {
                    let here = member.here(host);
                    let come = self
                        .comes(board, member, host, &there)
                        .min(left.fits(board, member.group));
                    left.take(board, member.group, come);
                    here.free + here.held + come
                }
                false => 0,
            };
            there.push(count);
        }
        there
    }

    /// Whether those whom a member must be with are on `host`.
    fn may_be(&self, board: &Board<'_>, member: &Member, host: HostNo, there: &[u64]) -> bool {
        board.groups[member.group].rules.near.iter().all(|near| {
            let mut known = self.members.iter().zip(there);
            let found = known.find(|(m, _)| m.group == *near);
            let leave = found.map_or(0, |(m, _)| m.here(host).belong);
            let stay = board.belonging(*near, host) as u64 > leave;
            let nobody = found.is_none() && board.groups[*near].placed == 0;
            *near == self.group || found.is_some_and(|(_, count)| *count > 0) || stay || nobody
        })
    }

    /// How many more of a member might come to `host`, if there was room.
    fn comes(&self, board: &Board<'_>, member: &Member, host: HostNo, there: &[u64]) -> u64 {
        let rules = &board.groups[member.group].rules;
        let allowed = rules.allowed.as_ref().is_none_or(|allowed| allowed[host]);
        let present = |rival: &GroupNo| {
            let known = self
                .members
                .iter()
                .zip(there)
                .any(|(m, n)| m.group == *rival && *n > 0);
            let found = board.present(*rival, host);
            known
                || *rival == self.group
                || found.is_some_and(|p| !p.belong.is_empty() || !p.leave.is_empty())
        };
        if board.hosts[host].closed.is_some() || !allowed || rules.rivals.iter().any(present) {
            return 0;
        }
        let here = member.here(host);
        let pinned = member.pinned.get(&host).copied().unwrap_or(0);
        let all = member.coming.saturating_sub(here.free) + pinned;
        let most = match (member.follows, rules.rivals.contains(&member.group)) {
            (true, false) => u64::MAX,
            (false, _) | (true, true) => 1,
        };
        all.min(most)
    }
}
