//! Why a host can't take an instance. Each filter looks at one thing; where that is not known, it lets pass.

use std::fmt;

use super::board::{Board, GroupNo, HostNo, Room};
use crate::model::id::{GroupId, HostId, InstanceId};
use crate::model::orders::Order;
use crate::model::unit::Bytes;
use crate::plan::machine::Size;

/// Why a host can't take an instance; the easiest to mend is the first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rejection<'a> {
    /// Its guests leave it, by order.
    Drained {
        /// Why.
        reason: Option<&'a str>,
        /// Until when, as text.
        until: Option<String>,
    },
    /// It is not in the file any more: its guests leave it.
    Leaving,
    /// It is paused: nothing is made on it.
    Paused,
    /// It is left out of this run.
    LeftOut,
    /// Its pool is used up.
    NoAddress,
    /// Too little memory.
    Memory {
        /// What is left.
        free: Bytes,
        /// What is needed.
        needed: Bytes,
    },
    /// Too few processors.
    Cpus {
        /// Virtual ones that are left.
        free: u64,
        /// Those that are needed.
        needed: u32,
    },
    /// Too little space for its disk.
    Disk {
        /// What is left.
        free: Bytes,
        /// What is needed.
        needed: Bytes,
    },
    /// Somebody is there that it must not share a host with.
    Rival(InstanceId),
    /// Somebody is about to come there that it must not share a host with.
    Kept(InstanceId),
    /// Nobody is there that it must share a host with.
    Apart(&'a GroupId),
    /// It is none of the hosts that are required.
    NotRequired,
    /// It is pinned to another one.
    Pinned(&'a HostId),
    /// Its disk is on another one.
    DiskElsewhere(&'a HostId),
    /// It came back from being lost a moment ago.
    Rejoining {
        /// How long it still has to stay.
        left: String,
    },
    /// It did not come up there, however often it was tried.
    Tried,
    /// It was not seen.
    Unseen,
}

/// What a rejection is about, without its figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// See [`Rejection::Drained`].
    Drained,
    /// See [`Rejection::Leaving`].
    Leaving,
    /// See [`Rejection::Paused`].
    Paused,
    /// See [`Rejection::LeftOut`].
    LeftOut,
    /// See [`Rejection::NoAddress`].
    NoAddress,
    /// See [`Rejection::Memory`].
    Memory,
    /// See [`Rejection::Cpus`].
    Cpus,
    /// See [`Rejection::Disk`].
    Disk,
    /// See [`Rejection::Rival`].
    Rival,
    /// See [`Rejection::Kept`].
    Kept,
    /// See [`Rejection::Apart`].
    Apart,
    /// See [`Rejection::NotRequired`].
    NotRequired,
    /// See [`Rejection::Pinned`].
    Pinned,
    /// See [`Rejection::DiskElsewhere`].
    DiskElsewhere,
    /// See [`Rejection::Rejoining`].
    Rejoining,
    /// See [`Rejection::Tried`].
    Tried,
    /// See [`Rejection::Unseen`].
    Unseen,
}

impl<'a> Rejection<'a> {
    /// That a host is drained by this order.
    pub fn drained(order: &'a Order) -> Self {
        Rejection::Drained {
            reason: order.reason.as_deref(),
            // To the second: nobody drains by milliseconds.
            until: order.until.map(|until| until.to_short()),
        }
    }

    /// What it is about.
    pub fn kind(&self) -> Kind {
        match self {
            Rejection::Drained { .. } => Kind::Drained,
            Rejection::Leaving => Kind::Leaving,
            Rejection::Paused => Kind::Paused,
            Rejection::LeftOut => Kind::LeftOut,
            Rejection::NoAddress => Kind::NoAddress,
            Rejection::Memory { .. } => Kind::Memory,
            Rejection::Cpus { .. } => Kind::Cpus,
            Rejection::Disk { .. } => Kind::Disk,
            Rejection::Rival(_) => Kind::Rival,
            Rejection::Kept(_) => Kind::Kept,
            Rejection::Apart(_) => Kind::Apart,
            Rejection::NotRequired => Kind::NotRequired,
            Rejection::Pinned(_) => Kind::Pinned,
            Rejection::DiskElsewhere(_) => Kind::DiskElsewhere,
            Rejection::Rejoining { .. } => Kind::Rejoining,
            Rejection::Tried => Kind::Tried,
            Rejection::Unseen => Kind::Unseen,
        }
    }
}

impl Kind {
    /// The kind for programs.
    pub fn code(self) -> &'static str {
        match self {
            Kind::Drained => "drained",
            Kind::Leaving => "leaving",
            Kind::Paused => "paused",
            Kind::LeftOut => "left-out",
            Kind::NoAddress => "no-address",
            Kind::Memory => "memory",
            Kind::Cpus => "cpus",
            Kind::Disk => "disk",
            Kind::Rival => "rival",
            Kind::Kept => "kept",
            Kind::Apart => "affinity",
            Kind::NotRequired => "hosts",
            Kind::Pinned => "pin",
            Kind::DiskElsewhere => "disk-elsewhere",
            Kind::Rejoining => "rejoining",
            Kind::Tried => "tried",
            Kind::Unseen => "unseen",
        }
    }

    /// What many hosts have in common: `3 are drained`.
    pub fn of_many(self, hosts: usize) -> String {
        let (one, many) = match self {
            Kind::Drained => ("is drained", "are drained"),
            Kind::Leaving => ("is leaving", "are leaving"),
            Kind::Paused => ("is paused", "are paused"),
            Kind::LeftOut => ("is left out of this run", "are left out of this run"),
            Kind::NoAddress => ("has no address left", "have no address left"),
            Kind::Memory => ("has too little memory", "have too little memory"),
            Kind::Cpus => ("has too few processors", "have too few processors"),
            Kind::Disk => ("has too little disk", "have too little disk"),
            Kind::Rival => ("has a rival", "have a rival"),
            Kind::Kept => ("is kept for a rival", "are kept for rivals"),
            Kind::Apart => ("lacks whom it must be with", "lack the one it must be with"),
            Kind::NotRequired => ("is not required", "are not among the required ones"),
            Kind::Pinned => ("is not its pin", "are not its pin"),
            Kind::DiskElsewhere => ("has not its disk", "have not its disk"),
            Kind::Rejoining => ("is back a moment ago", "are back a moment ago"),
            Kind::Tried => ("was tried in vain", "were tried in vain"),
            Kind::Unseen => ("can't be seen", "can't be seen"),
        };
        format!("{hosts} {}", if hosts == 1 { one } else { many })
    }
}

impl fmt::Display for Rejection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::Drained { reason, until } => {
                let until = until.as_ref().map(|until| format!("until {until}"));
                let said = [reason.map(str::to_owned), until];
                let said: Vec<String> = said.into_iter().flatten().collect();
                match said.is_empty() {
                    true => f.write_str("drained"),
                    false => write!(f, "drained ({})", said.join(", ")),
                }
            }
            Rejection::Leaving => f.write_str("not in the file any more"),
            Rejection::Paused => f.write_str("paused"),
            Rejection::LeftOut => f.write_str("left out of this run"),
            Rejection::NoAddress => f.write_str("no address is free"),
            Rejection::Memory { free, needed } => {
                write!(f, "memory {} free, {needed} needed", whole(*free))
            }
            Rejection::Cpus { free, needed } => {
                write!(f, "processors {free} free, {needed} needed")
            }
            Rejection::Disk { free, needed } => {
                write!(f, "disk {} free, {needed} needed", whole(*free))
            }
            Rejection::Rival(instance) => write!(f, "rival {instance} is there"),
            Rejection::Kept(instance) => write!(f, "kept for rival {instance}"),
            Rejection::Apart(group) => write!(f, "no {group} is there"),
            Rejection::NotRequired => f.write_str("not a required host"),
            Rejection::Pinned(host) => write!(f, "pinned to {host}"),
            Rejection::DiskElsewhere(host) => write!(f, "its disk is on host {host}"),
            Rejection::Rejoining { left } => write!(f, "back a moment ago, takes guests in {left}"),
            Rejection::Tried => f.write_str("it did not come up there"),
            Rejection::Unseen => f.write_str("can't be seen"),
        }
    }
}

/// In whole MiB, rounded down: what is free on a host is never a round number.
pub fn whole(bytes: Bytes) -> Bytes {
    match bytes.0 >> 20 {
        0 => bytes,
        mib => Bytes(mib << 20),
    }
}

/// What a filter is asked: of which group, which instance where that matters, and which host.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The group.
    pub group: GroupNo,
    /// The instance; none: any of them that is not pinned.
    pub index: Option<u32>,
    /// The host.
    pub host: HostNo,
}

type Filter<'a> = fn(&Board<'a>, Question) -> Option<Rejection<'a>>;

impl<'a> Board<'a> {
    /// Whether a host can take another instance of a group, one that is not pinned.
    pub fn accepts(&self, group: GroupNo, host: HostNo) -> bool {
        let any = Question {
            group,
            index: None,
            host,
        };
        self.rejections(any).next().is_none()
    }

    /// Every reason why not.
    pub fn rejections(&self, ask: Question) -> impl Iterator<Item = Rejection<'a>> {
        let filters: [Filter<'a>; 10] = [
            |board, ask| board.hosts[ask.host].closed.clone(),
            Board::pinned,
            Board::not_required,
            Board::tried_in_vain,
            Board::rival,
            Board::apart,
            Board::memory,
            Board::cpus,
            Board::disk,
            |board, ask| board.hosts[ask.host].spent.then_some(Rejection::NoAddress),
        ];
        filters
            .into_iter()
            .filter_map(move |filter| filter(self, ask))
    }

    fn pinned(&self, ask: Question) -> Option<Rejection<'a>> {
        let (rules, index) = (&self.groups[ask.group].rules, ask.index?);
        let here = &self.hosts[ask.host].host.id;
        let pin = rules.is_pinned_elsewhere(index, here);
        let disk = rules.disk_of(index).filter(|disk| *disk != here);
        let disk = disk.map(Rejection::DiskElsewhere);
        disk.or_else(|| pin.map(Rejection::Pinned))
    }

    fn tried_in_vain(&self, ask: Question) -> Option<Rejection<'a>> {
        let hosts = self.tried.get(&(ask.group, ask.index?))?;
        hosts.contains(&ask.host).then_some(Rejection::Tried)
    }

    fn not_required(&self, ask: Question) -> Option<Rejection<'a>> {
        let allowed = self.groups[ask.group].rules.allowed.as_ref()?;
        (!allowed[ask.host]).then_some(Rejection::NotRequired)
    }

    /// Also one that is about to leave is there; nobody is a rival of its own. Who is there is told rather than who comes.
    fn rival(&self, ask: Question) -> Option<Rejection<'a>> {
        let rivals = &self.groups[ask.group].rules.rivals;
        let others = rivals.iter().copied().flat_map(|rival| {
            let present = self.present(rival, ask.host);
            let all = present.into_iter().flat_map(move |p| {
                let comes = move |index: &u32| !self.is_there((rival, *index, ask.host));
                let belong = p.belong.iter().map(move |i| (comes(i), rival, *i));
                belong.chain(p.leave.iter().map(move |i| (false, rival, *i)))
            });
            all.filter(move |(_, rival, index)| *rival != ask.group || Some(*index) != ask.index)
        });
        let (comes, rival, index) = others.min()?;
        let who = InstanceId::new(&self.groups[rival].group.id, index);
        Some(match comes {
            true => Rejection::Kept(who),
            false => Rejection::Rival(who),
        })
    }

    fn rival_named(&self, rival: GroupNo, index: u32) -> Rejection<'a> {
        Rejection::Rival(InstanceId::new(&self.groups[rival].group.id, index))
    }

    fn apart(&self, ask: Question) -> Option<Rejection<'a>> {
        let near = self.groups[ask.group].rules.near.iter();
        let mut missed =
            near.filter(|g| self.groups[**g].placed > 0 && self.belonging(**g, ask.host) == 0);
        missed
            .next()
            .map(|g| Rejection::Apart(&self.groups[*g].group.id))
    }

    fn room_and_size(&self, ask: Question) -> (&Room<'a>, Size) {
        let size = Size::of(self.groups[ask.group].group);
        (&self.hosts[ask.host], size)
    }

    fn memory(&self, ask: Question) -> Option<Rejection<'a>> {
        let (room, size) = self.room_and_size(ask);
        room.lacks_memory(size)
    }

    fn cpus(&self, ask: Question) -> Option<Rejection<'a>> {
        let (room, size) = self.room_and_size(ask);
        room.lacks_cpus(size)
    }

    fn disk(&self, ask: Question) -> Option<Rejection<'a>> {
        let (room, size) = self.room_and_size(ask);
        room.lacks_disk(size)
    }

    /// Why an instance that is on a host, and belongs there, may not stay. What is full may stay full, and a host that
    /// takes nobody else keeps what it has.
    pub fn forbids(&self, ask: Question) -> Option<Rejection<'a>> {
        let closed = self.hosts[ask.host].closed.as_ref();
        let emptied = closed.filter(|why| matches!(why.kind(), Kind::Drained | Kind::Leaving));
        let rules = &self.groups[ask.group].rules;
        emptied.cloned().or_else(|| {
            let forbidden = || self.pinned(ask).or_else(|| self.not_required(ask));
            rules
                .any
                .then(|| forbidden().or_else(|| self.rival_stays(ask)))?
        })
    }

    /// A rival that stays, too.
    fn rival_stays(&self, ask: Question) -> Option<Rejection<'a>> {
        let rivals = self.groups[ask.group].rules.rivals.iter();
        let mut there = rivals.filter_map(|rival| {
            let present = self.present(*rival, ask.host)?;
            let other = |i: &&u32| *rival != ask.group || Some(**i) != ask.index;
            Some((rival, *present.belong.iter().find(other)?))
        });
        let (rival, index) = there.next()?;
        Some(self.rival_named(*rival, index))
    }

    /// Why an instance may not stay where it is, of those whom it must be with.
    pub fn left_alone(&self, ask: Question) -> Option<Rejection<'a>> {
        let own = |group: GroupNo| usize::from(group == ask.group);
        let near = self.groups[ask.group].rules.near.iter();
        let mut missed = near.filter(|g| {
            self.groups[**g].placed > own(**g) && self.belonging(**g, ask.host) == own(**g)
        });
        missed
            .next()
            .map(|g| Rejection::Apart(&self.groups[*g].group.id))
    }
}
