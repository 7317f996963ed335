//! Wishes of groups that were placed before those that they are about: harder rules came first, or they name each other.
//! Who is only to be made goes to the better host at once, rather than being moved there as soon as it serves.

use super::board::{GroupNo, HostNo};
use super::order::is_too_early;
use super::turn::Turn;
use super::{Place, Placer};
use crate::model::id::InstanceId;

impl<'a> Placer<'a, '_> {
    /// Looks again at those who are new and were placed too early. Where somebody found no place, nobody changes his: that
    /// would make room when all have been asked.
    pub(super) fn grant_wishes(&mut self) {
        if !self.stuck.is_empty() {
            return;
        }
        for nth in 0..self.order.len() {
            let group = self.order[nth];
            let rules = &self.board.groups[group].rules;
            let is_alone = rules.near.is_empty() && rules.followers.is_empty();
            if is_alone && is_too_early(&self.board, &self.rank, group) {
                self.place_better(group);
            }
        }
    }

    fn place_better(&mut self, group: GroupNo) {
        let homes = self.board.homes(group);
        let all = homes.flat_map(|(host, who)| who.iter().map(move |index| (*index, host)));
        let mut new: Vec<(u32, HostNo)> = all
            .filter(|(index, _)| self.is_new(group, *index))
            .collect();
        if new.is_empty() {
            return;
        }
        new.sort_unstable();
        let mut turn = self.turn(group);
        for (index, at) in new {
            self.place_one_better(&mut turn, index, at);
        }
    }

    /// Whether an instance does not exist yet, and may go to any host.
    fn is_new(&self, group: GroupNo, index: u32) -> bool {
        let side = &self.board.groups[group];
        let exists = self.existing[group].iter().any(|e| e.index == index);
        let bound = side.rules.pin_of(index).is_some() || side.group.is_extra(index);
        !exists && !bound && !self.board.tried.contains_key(&(group, index))
    }

    fn place_one_better(&mut self, turn: &mut Turn<'a>, index: u32, at: HostNo) {
        let group = turn.group;
        let instance = InstanceId::new(&self.board.groups[group].group.id, index);
        self.board.remove(group, index, at);
        turn.went(&self.board, at);
        let here = self.board.wish(group, at);
        let better = turn.best(&self.board);
        let better = better.filter(|host| self.board.wish(group, *host) < here);
        if better.is_some() {
            self.be_seen(turn, &instance);
        }
        let host = better.and_then(|host| self.go(&instance, at, host));
        let host = host.unwrap_or(at);
        self.board.settle(group, index, host);
        turn.came(&self.board, host);
    }

    /// Gives an instance an address on another host.
    fn go(&mut self, instance: &InstanceId, from: HostNo, to: HostNo) -> Option<HostNo> {
        let (old, new) = (self.board.hosts[from].host, self.board.hosts[to].host);
        let address = self.addresses.take(&new.id)?;
        let place = Place {
            host: &new.id,
            address,
            moves: None,
        };
        let former = self.places.insert(instance.clone(), place)?;
        self.addresses.release(&old.id, former.address);
        self.board.hosts[from].spent = false;
        Some(to)
    }
}
