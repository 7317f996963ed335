//! Who stays where it is, and who has to leave: least movement. Nobody moves for the sake of balance here.

use std::net::Ipv4Addr;

use super::board::GroupNo;
use super::filter::{Question, Rejection};
use super::score::Wish;
use super::swap::Stays;
use super::turn::Turn;
use super::{Cause, Existing, Move, Place, Placer};
use crate::model::id::InstanceId;
use crate::model::plan::{Notice, NoticeKind};

impl<'a> Placer<'a, '_> {
    /// Finds those whose host is forbidden for them. Of two that must not share one, the stateless one leaves, then the
    /// one with the higher number.
    pub(super) fn find_forbidden(&mut self) {
        let stateful = |g: &GroupNo| self.board.groups[*g].group.stateful;
        let mut groups: Vec<GroupNo> = (0..self.board.groups.len()).collect();
        groups.sort_by_key(stateful);
        for group in groups {
            for number in (0..self.existing[group].len()).rev() {
                let ask = self.question(group, number);
                if let Some(why) = ask.and_then(|ask| self.board.forbids(ask)) {
                    self.leave(group, number, &why);
                }
            }
        }
    }

    /// Finds those whose company belongs on other hosts by now.
    pub(super) fn find_left_alone(&mut self, group: GroupNo) {
        if self.board.groups[group].rules.near.is_empty() {
            return;
        }
        for number in (0..self.existing[group].len()).rev() {
            let ask = self.question(group, number);
            if let Some(why) = ask.and_then(|ask| self.board.left_alone(ask)) {
                self.leave(group, number, &why);
            }
        }
    }

    /// What is asked about an instance that may be moved and was not yet found to leave.
    fn question(&self, group: GroupNo, number: usize) -> Option<Question> {
        let existing = &self.existing[group][number];
        let may_be_moved = existing.movable && existing.leaves.is_none();
        may_be_moved.then_some(Question {
            group,
            index: Some(existing.index),
            host: existing.at?,
        })
    }

    fn leave(&mut self, group: GroupNo, number: usize, why: &Rejection<'a>) {
        let existing = &self.existing[group][number];
        let (host, group_name) = (existing.host, &self.board.groups[group].group.id);
        let (cause, text) = match why {
            Rejection::DiskElsewhere(to) => (Cause::Pinned, format!("its disk is on host {to}")),
            Rejection::Pinned(to) => (Cause::Pinned, format!("it is pinned to host {to}")),
            Rejection::NotRequired => (
                Cause::NotRequired,
                format!("host {host} is none of those that {group_name} requires"),
            ),
            Rejection::Rival(rival) | Rejection::Kept(rival) => (
                Cause::Rival,
                format!("{rival} is on host {host}, too, and they must be apart"),
            ),
            Rejection::Apart(near) => (
                Cause::Apart,
                format!("it must be with {near}, which is not on host {host}"),
            ),
            Rejection::Leaving => (Cause::Leaving, format!("host {host} is {why}")),
            Rejection::Drained { .. }
            | Rejection::Paused
            | Rejection::LeftOut
            | Rejection::NoAddress
            | Rejection::Memory { .. }
            | Rejection::Cpus { .. }
            | Rejection::Disk { .. }
            | Rejection::Rejoining { .. }
            | Rejection::Tried
            | Rejection::Unseen => (Cause::Drained, format!("host {host} is {why}")),
        };
        self.must_leave(group, number, cause, text);
    }

    /// One has to leave its host: nobody counts on it there any more.
    pub(super) fn must_leave(&mut self, group: GroupNo, number: usize, cause: Cause, text: String) {
        let existing = &mut self.existing[group][number];
        existing.leaves = Some((cause, text));
        if let Some(at) = existing.at {
            self.board.unsettle(group, existing.index, at);
        }
    }

    /// Those who don't leave keep their places.
    pub(super) fn keep(&mut self, group: GroupNo) {
        for number in 0..self.existing[group].len() {
            if self.existing[group][number].leaves.is_none() {
                let existing = self.existing[group][number].clone();
                self.stay(group, &existing);
            }
        }
    }

    fn stay(&mut self, group: GroupNo, existing: &Existing<'a>) {
        let instance = InstanceId::new(&self.board.groups[group].group.id, existing.index);
        let place = Place {
            host: existing.host,
            address: self.address(&instance, existing),
            moves: None,
        };
        self.places.insert(instance, place);
    }

    /// Its own address, or a new one where that left the pool.
    fn address(&mut self, instance: &InstanceId, existing: &Existing<'a>) -> Ipv4Addr {
        let mark = existing.mark;
        let room = existing.at.map(|at| &self.board.hosts[at]);
        let Some(room) = room.filter(|room| room.is_seen()) else {
            return mark.address;
        };
        let good = |a: &Ipv4Addr| room.host.pool.contains(*a) && self.addresses.may_be_own(*a);
        let own = Some(mark.address).filter(good);
        if let Some(address) = own.or_else(|| mark.moving_to.filter(good)) {
            return address;
        }
        if let Some(address) = self.addresses.take(&room.host.id) {
            return address;
        }
        if existing.leaves.is_none() {
            self.notices.push(self.no_address(instance, existing));
        }
        mark.address
    }

    fn no_address(&self, instance: &InstanceId, existing: &Existing<'a>) -> Notice {
        Notice {
            kind: NoticeKind::Blocked,
            subject: instance.to_string(),
            text: format!("no address is free on host {}", existing.host),
            help: Some("enlarge a pool, or lower `replicas`".to_owned()),
            line: self.desired.line_of(instance),
        }
    }

    /// One that has to leave gets another place; where there is none, it stays, and that is said.
    pub(super) fn move_away(&mut self, turn: &mut Turn<'a>, existing: &Existing<'a>) {
        let group = turn.group;
        let instance = InstanceId::new(&self.board.groups[group].group.id, existing.index);
        let Some((cause, text)) = existing.leaves.clone() else {
            return;
        };
        self.be_seen(turn, &instance);
        if self.board.groups[group].group.stateful {
            return self.stay_with_disk(turn, existing, &instance, (cause, &text));
        }
        let chosen = self.choose(turn, existing.index);
        let chosen = chosen.and_then(|chosen| self.together(turn, existing, chosen));
        match chosen {
            Ok((host, address)) => {
                self.board.settle(group, existing.index, host);
                let from = existing.host;
                self.put(
                    turn,
                    host,
                    instance,
                    address,
                    Some(Move { from, cause, text }),
                );
            }
            Err(refusal) => {
                self.remain(turn, existing);
                if cause == Cause::Failing {
                    return;
                }
                let waits = self.waits_with(group, existing);
                let together = waits.is_some();
                let refusal = waits.flatten().unwrap_or(refusal);
                let company = self.bring_company(group, existing, cause);
                let help: Vec<String> = refusal.help.into_iter().chain(company).collect();
                let notice = Notice {
                    kind: refusal.kind,
                    subject: instance.to_string(),
                    text: format!("must move: {text}; but {}", refusal.text),
                    help: (!help.is_empty()).then(|| help.join("; or ")),
                    line: self.desired.line_of(&instance),
                };
                match together {
                    true => self.notices.push(notice),
                    false => {
                        let stays = match cause {
                            Cause::Outgrown => Stays::WithRoom,
                            _ => Stays::Never,
                        };
                        self.be_stuck(group, existing.index, Some((existing, stays)), notice);
                    }
                }
            }
        }
    }

    /// What helps one whose company is elsewhere, where that might come back.
    fn bring_company(
        &self,
        group: GroupNo,
        existing: &Existing<'a>,
        cause: Cause,
    ) -> Option<String> {
        let room = &self.board.hosts[existing.at?];
        let apart = cause == Cause::Apart && room.closed.is_none();
        let near = self.board.groups[group].rules.near.iter();
        let near = near.map(|near| self.board.groups[*near].group.id.as_str());
        let near: Vec<&str> = near.filter(|_| apart).collect();
        let host = existing.host;
        (!near.is_empty()).then(|| {
            format!(
                "bring an instance of {} to host {host}: its `placement.pin`",
                near.join(" and ")
            )
        })
    }

    /// One that has to leave is where it was, and belongs there.
    fn remain(&mut self, turn: &mut Turn<'a>, existing: &Existing<'a>) {
        self.stay(turn.group, existing);
        if let Some(at) = existing.at {
            self.board.belong(turn.group, existing.index, at);
            turn.came(&self.board, at);
        }
    }

    /// A stateful one stays where its disk is, whatever it should do, and those who must be with it stay, too.
    fn stay_with_disk(
        &mut self,
        turn: &mut Turn<'a>,
        existing: &Existing<'a>,
        instance: &InstanceId,
        (cause, why): (Cause, &str),
    ) {
        self.remain(turn, existing);
        let company = self.bring_company(turn.group, existing, cause);
        let own = "move its data yourself; or let it lose its disk: `stateful: false`".to_owned();
        let help: Vec<String> = company.into_iter().chain([own]).collect();
        self.waits.extend(existing.at.map(|at| (turn.group, at)));
        let rules = format!("{}.placement", self.board.groups[turn.group].group.key());
        self.notices.push(Notice {
            kind: NoticeKind::Blocked,
            subject: instance.to_string(),
            text: format!(
                "it should leave host {}: {why}; but it is stateful, and its disk would stay behind",
                existing.host
            ),
            help: Some(help.join("; or ")),
            line: self.desired.lines.of(&rules),
        });
    }

    /// Whether instances of a group may go back to better hosts.
    pub(super) fn falls_back(&self, group: GroupNo) -> bool {
        let rules = &self.board.groups[group].rules;
        let stateful = self.board.groups[group].group.stateful;
        rules.failback && !stateful && rules.has_wishes() && !self.existing[group].is_empty()
    }

    /// Those who stay go to a host that is better by what is preferred, where one can take them.
    pub(super) fn fall_back(&mut self, turn: &mut Turn<'a>) {
        for number in 0..self.existing[turn.group].len() {
            self.fall_back_one(turn, number);
        }
    }

    fn fall_back_one(&mut self, turn: &mut Turn<'a>, number: usize) -> Option<()> {
        let group = turn.group;
        let index = self.question(group, number)?.index?;
        let existing = self.existing[group][number].clone();
        let at = existing.at?;
        let is_pinned = self.board.groups[group].rules.pin_of(index).is_some();
        if is_pinned || self.board.wish(group, at) == Wish::default() {
            return None;
        }
        self.board.unsettle(group, index, at);
        let here = self.board.wish(group, at);
        turn.went(&self.board, at);
        self.lead_on(turn);
        let better = turn.best(&self.board);
        let better = better.filter(|host| {
            let torn = || self.leaves_behind(turn, index, (at, *host)).is_some();
            self.board.wish(group, *host) < here && !torn()
        });
        let there = better
            .and_then(|host| Some((host, self.addresses.take(&self.board.hosts[host].host.id)?)));
        let Some((host, address)) = there else {
            self.board.belong(group, index, at);
            turn.came(&self.board, at);
            return None;
        };
        let instance = InstanceId::new(&self.board.groups[group].group.id, index);
        let to = &self.board.hosts[host].host.id;
        let moves = Move {
            from: existing.host,
            cause: Cause::Failback,
            text: format!("host {to} is better by what is preferred, and can take it again"),
        };
        self.board.settle(group, index, host);
        self.put(turn, host, instance, address, Some(moves));
        Some(())
    }
}
