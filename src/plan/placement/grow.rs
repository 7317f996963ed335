//! Guests that the file wants to be of another size than they are: who gets the room for that where it is, who goes to a
//! host that has it, and who stays as it is because none has. A host is never promised to more than it has for: what is
//! there counts by the larger of the size that it has and the one that it is given.

use super::board::{GroupNo, HostNo, Spot, Stock};
use super::reasons::{remedies, words};
use super::swap::Stays;
use super::{Cause, Placer};
use crate::model::facts::{Observed, Seen};
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::plan::{Notice, NoticeKind};
use crate::model::unit::Bytes;
use crate::plan::machine::{DISK_ENDING, Size};

/// A guest that goes soon, and takes no part in what is placed.
#[derive(Debug)]
pub struct Passing {
    /// Its group, where that is in the file.
    pub group: Option<GroupNo>,
    /// The guest.
    pub instance: InstanceId,
    /// Where it is.
    pub host: HostNo,
    /// How large it is.
    pub size: Size,
}

/// Reads the sizes of guests off their marks. Those of a group are mostly alike.
#[derive(Debug)]
pub struct Measure<'a> {
    observed: &'a Observed,
    last: Option<(GroupNo, &'a str, Size)>,
}

impl<'a> Measure<'a> {
    /// With nothing measured yet.
    pub fn new(observed: &'a Observed) -> Self {
        Measure {
            observed,
            last: None,
        }
    }

    fn size(&mut self, group: GroupNo, mark: &'a Mark, otherwise: Size) -> Size {
        match self.last {
            Some((of, digest, size)) if of == group && digest == mark.digest => size,
            Some(_) | None => {
                let size = Size::built(&mark.digest, otherwise);
                self.last = Some((group, &mark.digest, size));
                size
            }
        }
    }

    /// What the disk of a guest uses on its host now.
    fn used(&self, instance: &InstanceId, host: &HostId) -> u64 {
        let facts = self.observed.hosts.get(host).and_then(Seen::facts);
        let used = facts.and_then(|facts| facts.volumes.get(&format!("{instance}.{DISK_ENDING}")));
        used.map_or(0, |used| used.0)
    }
}

impl<'a> Placer<'a, '_> {
    /// Takes down how large a guest is: what it was found with, or what is being made of it.
    pub(super) fn take_measure(&mut self, spot: Spot, marks: [Option<&'a Mark>; 2]) {
        let (group, index, host) = spot;
        if !self.board.hosts[host].is_seen() {
            return;
        }
        let side = self.board.groups[group].group;
        let sizes = marks.into_iter().flatten();
        let sizes = sizes.map(|mark| self.measure.size(group, mark, Size::of(side)));
        let Some(size) = sizes.reduce(Size::max) else {
            return;
        };
        let used = match size.disk {
            Some(_) => {
                let instance = InstanceId::new(&side.id, index);
                let host = &self.board.hosts[host].host.id;
                self.measure.used(&instance, host)
            }
            None => 0,
        };
        self.board.find(spot, size, used);
    }

    /// A guest takes room as long as it is there, and is not desired there.
    pub(super) fn pass(&mut self, group: Option<GroupNo>, host: HostNo, mark: &'a Mark) {
        let instance = mark.instance.clone();
        let nothing = Size {
            memory: Bytes(0),
            cpus: 0,
            disk: None,
        };
        let mut size = Size::built(&mark.digest, nothing);
        match group {
            Some(group) => {
                self.take_measure((group, instance.index, host), [Some(mark), None]);
                self.board.surplus(group, instance.index, host);
                size = self.board.size((group, instance.index, host));
            }
            None => self.board.hosts[host].take(size),
        }
        self.passing.push(Passing {
            group,
            instance,
            host,
            size,
        });
    }

    /// Gives those who are to be larger the room for that where they are, first those who can't go anywhere else. For whom
    /// it is not there leaves.
    pub(super) fn find_outgrown(&mut self) {
        if self.board.resized().next().is_none() {
            return;
        }
        for bound in [true, false] {
            for group in self.order.clone() {
                for number in 0..self.existing[group].len() {
                    self.grow_one(group, number, bound);
                }
            }
        }
    }

    fn grow_one(&mut self, group: GroupNo, number: usize, bound: bool) -> Option<()> {
        let side = &self.board.groups[group];
        let existing = &self.existing[group][number];
        let (at, index) = (existing.at?, existing.index);
        let is_bound =
            side.group.stateful || side.rules.pin_of(index).is_some() || !existing.movable;
        if existing.leaves.is_some() || side.group.is_extra(index) || is_bound != bound {
            return None;
        }
        let short = self.board.shortage((group, index, at));
        if short.is_empty() {
            self.board.grow((group, index, at));
            return None;
        }
        let host = existing.host;
        let text = format!(
            "host {host} has no room for its new size: {}",
            words(&short)
        );
        match (existing.movable, bound) {
            (false, _) => {}
            (true, true) => {
                let existing = existing.clone();
                let instance = InstanceId::new(&side.group.id, index);
                let help = remedies(&self.board, &instance, host.as_str(), &short);
                let notice = self.stays_small(&instance, text, help);
                self.be_stuck(group, index, Some((&existing, Stays::Only)), notice);
            }
            (true, false) => self.must_leave(group, number, Cause::Outgrown, text),
        }
        Some(())
    }

    fn stays_small(&self, instance: &InstanceId, text: String, help: Option<String>) -> Notice {
        Notice {
            kind: NoticeKind::Blocked,
            subject: instance.to_string(),
            text,
            help,
            line: self.desired.line_of(instance),
        }
    }

    /// The instance in a spot.
    pub(super) fn instance_at(&self, (group, index, _): Spot) -> InstanceId {
        InstanceId::new(&self.board.groups[group].group.id, index)
    }

    /// Finds out who stays, and has to keep the size that it has.
    pub(super) fn keep_sizes(&mut self) {
        let resized: Vec<(Spot, Size)> = self.board.resized().collect();
        for (spot, size) in resized {
            let instance = self.instance_at(spot);
            let host = &self.board.hosts[spot.2].host.id;
            let place = self.places.get(&instance);
            if place.is_none_or(|place| place.moves.is_some() || place.host != host) {
                continue;
            }
            match self.board.shortage(spot).is_empty() {
                true => self.board.grow(spot),
                false => drop(self.kept_sizes.insert(instance, size)),
            }
        }
    }

    /// Says where guests were promised more than there is by now: nobody moves for that.
    pub(super) fn check_promises(&mut self) {
        let over = |stock: Stock| stock.all.is_some_and(|all| all < stock.taken);
        let mut hosts = self.board.hosts.iter();
        if !hosts.any(|room| over(room.memory) || over(room.cpus)) {
            return;
        }
        let leaving = self.board.leaving();
        let mut notices = Vec::new();
        for (room, leaving) in self.board.hosts.iter().zip(leaving) {
            let host = &room.host.id;
            let staying = room.memory.taken.saturating_sub(leaving);
            if let Some(all) = room.memory.all.filter(|all| *all < staying) {
                let (has, all) = (Bytes(staying), Bytes(all));
                let text = format!("its guests have {has} of memory, and {all} are there for them");
                notices.push(self.too_much(host, "reserve", text, "lower `reserve`"));
            }
            if let Some(all) = room.cpus.all.filter(|all| *all < room.cpus.taken) {
                let (has, all) = (room.cpus.taken / 100, all / 100);
                let text =
                    format!("its guests have {has} processors, and {all} are there for them");
                notices.push(self.too_much(host, "overcommit", text, "raise `overcommit`"));
            }
        }
        self.notices.append(&mut notices);
    }

    fn too_much(&self, host: &HostId, key: &str, text: String, remedy: &str) -> Notice {
        let help = format!(
            "{remedy} of host {host}, or let guests have less or go elsewhere; none is moved for that"
        );
        Notice {
            kind: NoticeKind::Warning,
            subject: format!("host {host}"),
            text,
            help: Some(help),
            line: self.desired.lines.of(&format!("hosts.{host}.{key}")),
        }
    }
}
