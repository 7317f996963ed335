//! What would be if some left: who of those that are stuck finds a place then.

use std::collections::BTreeMap;

use super::board::{Board, HostNo};
use super::swap::{Seat, Stays, Stuck};
use crate::model::id::InstanceId;

/// Who makes room.
#[derive(Debug)]
pub(super) enum Leaves {
    /// It has left the host.
    Left(InstanceId),
    /// It is smaller.
    Shrunk(InstanceId),
}

/// What would be if some left.
#[derive(Debug)]
pub(super) struct Aftermath<'a> {
    pub board: Board<'a>,
    /// Addresses that come back to a pool that was used up.
    freed: BTreeMap<HostNo, usize>,
    /// The first one that makes room on each host.
    pub left: BTreeMap<HostNo, Leaves>,
    /// The hosts that those who were stuck find, by their numbers.
    pub found: BTreeMap<usize, HostNo>,
}

impl<'a> Aftermath<'a> {
    pub fn new(board: &Board<'a>) -> Self {
        Aftermath {
            board: board.clone(),
            freed: BTreeMap::new(),
            left: BTreeMap::new(),
            found: BTreeMap::new(),
        }
    }

    /// What one that finds a place waits for.
    pub fn whom(&self, stuck: usize) -> String {
        let host = self.found.get(&stuck);
        match host.and_then(|host| Some((self.left.get(host)?, host))) {
            Some((Leaves::Left(who), host)) => {
                format!("{who} has left host {}", self.board.hosts[*host].host.id)
            }
            Some((Leaves::Shrunk(who), _)) => format!("{who} is smaller"),
            None => "others have moved".to_owned(),
        }
    }

    /// An address of a host is free again, and the first one of those who left is remembered.
    pub fn free(&mut self, seat: Seat, instance: InstanceId) {
        let room = &mut self.board.hosts[seat.host];
        let was_spent = room.spent || self.freed.contains_key(&seat.host);
        if was_spent && room.host.pool.contains(seat.address) {
            room.spent = false;
            *self.freed.entry(seat.host).or_default() += 1;
        }
        self.left.entry(seat.host).or_insert(Leaves::Left(instance));
    }

    pub fn leave(&mut self, one: &Stuck) {
        if let Some(seat) = one.seat {
            self.board.remove(one.group, one.index, seat.host);
            self.free(seat, one.instance(&self.board));
        }
    }

    fn come(&mut self, one: &Stuck, host: HostNo) {
        self.board.settle(one.group, one.index, host);
        if let Some(freed) = self.freed.get_mut(&host) {
            *freed = freed.saturating_sub(1);
            self.board.hosts[host].spent = *freed == 0;
        }
    }

    /// Lets one after the other move, as long as one finds a place. One has left already.
    pub fn go_on(&mut self, stuck: &[Stuck], mut who: Vec<usize>, gone: Option<usize>) {
        while let Some((nth, host)) = self.next(stuck, &who, gone) {
            let number = who.remove(nth);
            if gone != Some(number) {
                self.leave(&stuck[number]);
            }
            self.come(&stuck[number], host);
            self.found.insert(number, host);
        }
    }

    /// The next one that some host takes, as a place in the list. One has left already: any host may take it.
    fn next(&self, stuck: &[Stuck], who: &[usize], gone: Option<usize>) -> Option<(usize, HostNo)> {
        let takes = |number: usize, host: &HostNo| {
            let one = &stuck[number];
            let fits = || self.board.rejections(one.asks(*host)).next().is_none();
            if gone == Some(number) && one.stays != Stays::Never {
                return fits();
            }
            match (one.seat.is_some_and(|seat| seat.host == *host), one.stays) {
                (true, Stays::Never) | (false, Stays::Only) => false,
                (true, Stays::WithRoom | Stays::Only) => {
                    let spot = (one.group, one.index, *host);
                    self.board.shortage(spot).is_empty()
                }
                (false, Stays::Never | Stays::WithRoom) => fits(),
            }
        };
        let mut all = who.iter().enumerate();
        all.find_map(|(nth, number)| {
            let host = (0..self.board.hosts.len()).find(|host| takes(*number, host))?;
            Some((nth, host))
        })
    }
}
