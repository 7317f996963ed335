//! Evening out the load of hosts, where the file asks for that: one guest at a time, only when all else is at rest, and
//! only where it is clearly better afterwards. So it never moves anything to and fro.

use super::board::{GroupNo, HostNo};
use super::turn::Turn;
use super::{Cause, Existing, Move, Placer};
use crate::model::facts::Observed;
use crate::model::id::InstanceId;
use crate::model::memory::Memory;
use crate::model::policy::Rebalance;
use crate::model::time::Timestamp;

/// A part of a host's memory: in hundredths of a percent.
type Load = u64;

/// A guest that might move, with how full the fuller one of the two hosts is afterwards.
struct Candidate {
    after: Load,
    group: GroupNo,
    index: u32,
    to: HostNo,
}

/// When a guest may be moved, if the load is uneven since then.
pub fn due(rules: &Rebalance, uneven_since: Timestamp, memory: &Memory) -> Timestamp {
    let held = uneven_since.plus(rules.hold);
    let cooled = memory.evened_out.map(|at| at.plus(rules.cooldown));
    cooled.map_or(held, |cooled| cooled.max(held))
}

impl<'a> Placer<'a, '_> {
    /// Finds out whether the load is uneven; if it is for long, one guest is moved.
    pub(super) fn even_out(&mut self, observed: &Observed, memory: &Memory) -> Option<()> {
        let rules = self.desired.rebalance.as_ref()?;
        let staying = self.staying();
        let fullest = self.fullest(&staying).filter(|_| self.is_at_rest(memory));
        let (fullest, load, mean) = fullest?;
        self.uneven = load > mean + hundredths(rules.threshold.0);
        let since = memory.uneven_since.filter(|_| self.uneven)?;
        if observed.now < due(rules, since, memory) {
            return None;
        }
        let best = self.best_move(fullest, &staying)?;
        (best.after + hundredths(rules.margin.0) <= load).then_some(())?;
        let text = format!(
            "host {} is {} % full, and the mean is {} %",
            self.board.hosts[fullest].host.id,
            load / 100,
            mean / 100
        );
        self.move_one(&best, fullest, text)
    }

    /// Nobody is missing, moves, or is worked on, and every host takes guests.
    fn is_at_rest(&self, memory: &Memory) -> bool {
        let whole = |(group, existing): (GroupNo, &Vec<Existing<'_>>)| {
            let group = self.board.groups[group].group;
            let stay = existing.iter().filter(|e| !group.is_extra(e.index));
            stay.count() == (group.replicas - group.extra) as usize
        };
        !memory.busy.keys().any(|instance| self.stays(instance))
            && self.board.weighs()
            && self.board.hosts.iter().all(|room| room.closed.is_none())
            && self.existing.iter().enumerate().all(whole)
            && self.places.values().all(|place| place.moves.is_none())
    }

    /// Whether an instance is neither surplus nor extra for a while.
    fn stays(&self, instance: &InstanceId) -> bool {
        let group = self.desired.group_of(instance);
        group.is_some_and(|g| instance.index <= g.replicas && !g.is_extra(instance.index))
    }

    /// The memory that is taken on each host by those who stay.
    fn staying(&self) -> Vec<u64> {
        let taken = self.board.hosts.iter().map(|room| room.memory.taken);
        let both = taken.zip(self.board.leaving());
        let both = both.map(|(taken, leaving)| taken.saturating_sub(leaving));
        let mut staying: Vec<u64> = both.collect();
        // Nor does who comes for a while, by `surge`: it would hide what it comes for.
        for (number, side) in self.board.groups.iter().enumerate() {
            for (host, who) in self.board.homes(number).filter(|_| side.group.extra > 0) {
                let extra = who.iter().filter(|index| side.group.is_extra(**index));
                let extra = extra.map(|index| self.board.size((number, *index, host)).memory.0);
                staying[host] = staying[host].saturating_sub(extra.sum::<u64>());
            }
        }
        staying
    }

    /// The fullest host, how full it is, and the mean.
    fn fullest(&self, taken: &[u64]) -> Option<(HostNo, Load, Load)> {
        let loads = taken
            .iter()
            .enumerate()
            .map(|(h, taken)| self.load(h, *taken));
        let loads = loads.collect::<Option<Vec<Load>>>()?;
        let mean = loads.iter().sum::<Load>() / (loads.len() as u64).max(1);
        let fullest = (0..loads.len()).max_by_key(|h| (loads[*h], std::cmp::Reverse(*h)))?;
        Some((fullest, loads[fullest], mean))
    }

    /// How full a host is with so many bytes taken.
    fn load(&self, host: HostNo, taken: u64) -> Option<Load> {
        let all = u128::from(self.board.hosts[host].memory.all?.max(1));
        Load::try_from(u128::from(taken) * 10_000 / all).ok()
    }

    fn best_move(&mut self, fullest: HostNo, taken: &[u64]) -> Option<Candidate> {
        let mut best: Option<Candidate> = None;
        for group in 0..self.board.groups.len() {
            for candidate in self.moves_of(group, fullest, taken) {
                if best
                    .as_ref()
                    .is_none_or(|best| candidate.after < best.after)
                {
                    best = Some(candidate);
                }
            }
        }
        best
    }

    /// Where each instance of a group on `from` might go without losing anything that its placement asks for.
    fn moves_of(&mut self, group: GroupNo, from: HostNo, taken: &[u64]) -> Vec<Candidate> {
        let side = self.board.groups[group].group;
        let here = self.existing[group]
            .iter()
            .find(|e| e.at == Some(from) && e.movable);
        // Evenness is worth no outage.
        let alone = side.replicas - side.extra <= 1 && side.budget.surge == 0;
        let Some(index) = here.map(|e| e.index).filter(|_| !side.stateful && !alone) else {
            return Vec::new();
        };
        if self.board.groups[group].rules.pin_of(index).is_some() {
            return Vec::new();
        }
        self.board.unsettle(group, index, from);
        if self.strands(group, from) {
            self.board.belong(group, index, from);
            return Vec::new();
        }
        let turn = self.turn(group);
        let worth = |turn: &Turn<'a>, host: HostNo| {
            let score = turn.score(&self.board, host);
            (
                score.wish,
                score.spread,
                score.rest.of_group,
                score.rest.priority,
            )
        };
        let stays = worth(&turn, from);
        let memory = side.memory.0;
        let hosts = (0..self.board.hosts.len()).filter(|host| *host != from);
        let hosts = hosts.filter(|host| self.acceptable(group, index, Some(*host)).is_some());
        let hosts = hosts.filter(|host| worth(&turn, *host) <= stays);
        let hosts: Vec<HostNo> = hosts.collect();
        let hosts: Vec<HostNo> = hosts
            .into_iter()
            .filter(|host| self.has_room_beside(group, index, *host))
            .collect();
        let moves = hosts.into_iter().filter_map(|to| {
            let less = self.load(from, taken[from].saturating_sub(memory))?;
            let after = less.max(self.load(to, taken[to] + memory)?);
            Some(Candidate {
                after,
                group,
                index,
                to,
            })
        });
        let moves = moves.collect();
        self.board.belong(group, index, from);
        moves
    }

    /// Whether a group that surges finds room for one more while an instance is on its way to `to`: without, it would be
    /// made and ended again and again for a move that does not come.
    fn has_room_beside(&mut self, group: GroupNo, index: u32, to: HostNo) -> bool {
        let side = self.board.groups[group].group;
        if side.budget.surge == 0 || side.surged > 0 {
            return true;
        }
        self.board.settle(group, index, to);
        let fits = (0..self.board.hosts.len()).any(|host| self.board.accepts(group, host));
        self.board.remove(group, index, to);
        fits
    }

    /// Whether followers of a group are on a host on which none of it is.
    fn strands(&self, group: GroupNo, host: HostNo) -> bool {
        let mut followers = self.board.groups[group].rules.followers.iter();
        self.board.belonging(group, host) == 0
            && followers.any(|follower| self.board.belonging(*follower, host) > 0)
    }

    fn move_one(&mut self, best: &Candidate, from: HostNo, text: String) -> Option<()> {
        let to = &self.board.hosts[best.to].host.id;
        let address = self.addresses.take(to)?;
        let instance = InstanceId::new(&self.board.groups[best.group].group.id, best.index);
        let moves = Move {
            from: &self.board.hosts[from].host.id,
            cause: Cause::Uneven,
            text,
        };
        self.board.unsettle(best.group, best.index, from);
        self.board.settle(best.group, best.index, best.to);
        let mut turn = self.turn(best.group);
        self.put(&mut turn, best.to, instance, address, Some(moves));
        Some(())
    }
}

fn hundredths(percent: u32) -> Load {
    u64::from(percent) * 100
}
