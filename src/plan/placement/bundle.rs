//! Groups that must be together stay so: whom a turn has to find room for beside its own, and who waits rather than leave
//! its followers behind.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::board::{Board, GroupNo, HostNo};
use super::company::{Company, Here, Member};
use super::filter::Question;
use super::reasons::Refusal;
use super::turn::Turn;
use super::{Cause, Existing, Placer};
use crate::model::id::{GroupId, InstanceId};
use crate::model::orders::Scope;
use crate::model::plan::NoticeKind;

/// Why a follower can't go with its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tie {
    /// No host has room for both.
    NoRoom,
    /// Its disk would stay behind.
    Stateful,
    /// By order.
    Paused,
    /// This run is not about it.
    NoTarget,
    /// It is worked on, or not seen.
    Busy,
}

impl<'a> Placer<'a, '_> {
    /// The turn of a group begins.
    pub(super) fn turn(&self, group: GroupNo) -> Turn<'a> {
        Turn::new(&self.board, group, self.company(group))
    }

    /// Who follows a group, as things stand.
    pub(super) fn company(&self, group: GroupNo) -> Company {
        let mut company = Company::of(group);
        if self.board.groups[group].rules.followers.is_empty() {
            return company;
        }
        for (member, follows) in self.members(group) {
            let member = self.member(&company, member, follows);
            company.members.push(member);
        }
        let hosts = self.board.hosts.iter();
        company.addresses = hosts
            .map(|room| self.addresses.left(&room.host.id))
            .collect();
        company.look_around(&self.board);
        company
    }

    /// All who follow a group, and who else has to be there for them, in the order in which they are placed.
    fn members(&self, group: GroupNo) -> Vec<(GroupNo, bool)> {
        let mut members: BTreeMap<GroupNo, bool> = BTreeMap::new();
        let mut next: Vec<GroupNo> = self.board.groups[group].rules.followers.clone();
        while let Some(follower) = next.pop() {
            if follower != group && members.insert(follower, true).is_none() {
                next.extend(&self.board.groups[follower].rules.followers);
            }
        }
        let mut next: Vec<GroupNo> = members.keys().copied().collect();
        while let Some(member) = next.pop() {
            for near in &self.board.groups[member].rules.near {
                if *near != group && !self.done[*near] && !members.contains_key(near) {
                    members.insert(*near, false);
                    next.push(*near);
                }
            }
        }
        let mut members: Vec<(GroupNo, bool)> = members.into_iter().collect();
        members.sort_by_key(|(member, _)| self.rank[*member]);
        members
    }

    fn member(&self, company: &Company, group: GroupNo, follows: bool) -> Member {
        let mut member = Member {
            group,
            follows,
            ..Member::default()
        };
        let rules = &self.board.groups[group].rules;
        if self.done[group] {
            for (host, there) in self.board.homes(group) {
                let held = there.len() as u64;
                if self.is_alone(company, group, host) {
                    member.here.insert(
                        host,
                        Here {
                            held,
                            belong: held,
                            free: 0,
                        },
                    );
                }
            }
            return member;
        }
        let is_extra = |index: u32| self.board.groups[group].group.is_extra(index);
        for missing in self
            .missing(group)
            .into_iter()
            .filter(|i| !is_extra(i.index))
        {
            match rules.pin_of(missing.index) {
                Some(pin) => self.pin(&mut member, self.board.host_no(pin)),
                None => member.coming += 1,
            }
        }
        for existing in self.existing[group].iter().filter(|e| !is_extra(e.index)) {
            self.count(company, &mut member, existing);
        }
        member
    }

    fn pin(&self, member: &mut Member, host: Option<HostNo>) {
        if let Some(host) = host {
            *member.pinned.entry(host).or_default() += 1;
        }
    }

    /// Counts one that exists, and has to leave its host, or to follow.
    fn count(&self, company: &Company, member: &mut Member, existing: &Existing<'a>) -> Option<()> {
        let at = existing.at?;
        let cause = existing.leaves.as_ref().map(|(cause, _)| *cause);
        let alone = cause.is_none() && self.is_alone(company, member.group, at);
        let emptied = cause.is_some_and(is_emptied);
        let pin = self.board.groups[member.group].rules.pin_of(existing.index);
        let tied = self.tie(member.group, existing).is_some() || pin.is_some();
        if alone || emptied {
            let here = member.here.entry(at).or_default();
            here.belong += u64::from(alone);
            match tied {
                true => here.held += 1,
                false => here.free += 1,
            }
        }
        match (pin, alone || emptied || cause.is_some()) {
            (_, false) => {}
            (None, true) => member.coming += u64::from(!tied),
            (Some(pin), true) if !(alone || emptied) => self.pin(member, self.board.host_no(pin)),
            (Some(_), true) => {}
        }
        Some(())
    }

    /// Whether one whom a group must be with is not on `host`, or leaves it.
    fn is_alone(&self, company: &Company, group: GroupNo, host: HostNo) -> bool {
        let near = &self.board.groups[group].rules.near;
        near.iter().any(|near| {
            let known = company.members.iter().find(|m| m.group == *near);
            let here = known.and_then(|m| m.here.get(&host));
            let leave = here.map_or(0, |here| here.belong);
            (known.is_some() || *near == company.group)
                && self.board.belonging(*near, host) as u64 <= leave
        })
    }

    /// Why an instance stays where it is, whatever its company does.
    fn tie(&self, group: GroupNo, existing: &Existing<'a>) -> Option<Tie> {
        let group = self.board.groups[group].group;
        let (host, orders) = (existing.host, self.orders);
        let scopes = [Scope::Group(group.id.clone()), Scope::Host(host.clone())];
        let instance = InstanceId::new(&group.id, existing.index);
        if group.stateful {
            Some(Tie::Stateful)
        } else if orders.pause_of(scopes).is_some() {
            Some(Tie::Paused)
        } else if !orders.targets.include(&instance, &[host]) {
            Some(Tie::NoTarget)
        } else {
            (!existing.movable).then_some(Tie::Busy)
        }
    }

    /// Begins the turn of a group anew for one whose followers are to move with it.
    pub(super) fn lead_on(&self, turn: &mut Turn<'a>) {
        if !turn.company.is_empty() {
            let mut company = self.company(turn.group);
            company.stays_count = false;
            *turn = Turn::new(&self.board, turn.group, company);
        }
    }

    /// The place that one has chosen who is to leave its host, unless its followers could not go with it. One that does not
    /// come up where it is goes nevertheless.
    pub(super) fn together(
        &mut self,
        turn: &Turn<'a>,
        existing: &Existing<'a>,
        (host, address): (HostNo, Ipv4Addr),
    ) -> Result<(HostNo, Ipv4Addr), Refusal> {
        let fails = matches!(existing.leaves, Some((Cause::Failing, _)));
        let from = existing.at.filter(|_| !fails);
        let torn = from.and_then(|from| {
            let torn = self.leaves_behind(turn, existing.index, (from, host))?;
            self.waits.insert((turn.group, from));
            Some(torn)
        });
        let Some((follower, tie)) = torn else {
            return Ok((host, address));
        };
        self.addresses
            .release(&self.board.hosts[host].host.id, address);
        Err(tie.refusal(&follower, &self.board.groups[turn.group].group.id))
    }

    /// Whether one that must leave stays for the sake of its company, and what is said of it then, if it is the company
    /// that waits.
    pub(super) fn waits_with(
        &mut self,
        group: GroupNo,
        existing: &Existing<'a>,
    ) -> Option<Option<Refusal>> {
        let at = existing.at?;
        let mut near = self.board.groups[group].rules.near.iter();
        if self.waits.contains(&(group, at)) {
            return Some(None);
        }
        let near = *near.find(|near| self.waits.contains(&(**near, at)))?;
        self.waits.insert((group, at));
        Some(Some(Refusal {
            kind: NoticeKind::Waiting,
            text: format!(
                "it must be with {}, which stays there",
                self.board.groups[near].group.id
            ),
            help: None,
        }))
    }

    /// Who of the followers would be without its group, and why, if one of the group left `from` for `host`. Who is without
    /// it anyway does not count.
    pub(super) fn leaves_behind(
        &self,
        turn: &Turn<'a>,
        index: u32,
        (from, host): (HostNo, HostNo),
    ) -> Option<(InstanceId, Tie)> {
        let group = turn.group;
        let members = turn.company.members.iter().filter(|m| m.follows);
        let mut there = members.filter_map(|m| self.board.present(m.group, from));
        if self.board.belonging(group, from) > 0
            || !there.any(|p| !p.belong.is_empty() || !p.leave.is_empty())
            || turn.company.has_room_for_all(&self.board, host)
        {
            return None;
        }
        let mut board = self.board.clone();
        board.settle(group, index, host);
        let torn = self.torn(board, turn, host);
        if torn.is_empty() {
            return None;
        }
        let mut board = self.board.clone();
        board.belong(group, index, from);
        let anyway = self.torn(board, turn, from);
        let more = torn.len() > anyway.len();
        let mut torn = torn.into_iter().filter(|(who, _)| {
            let same = |(other, _): &(InstanceId, Tie)| other == who;
            !anyway.iter().any(same)
        });
        torn.next().filter(|_| more)
    }

    /// The followers that exist and find no place beside their company. It is tried on `host` first.
    fn torn(&self, board: Board<'a>, turn: &Turn<'a>, host: HostNo) -> Vec<(InstanceId, Tie)> {
        let mut outlook = Outlook {
            board,
            addresses: turn.company.addresses.clone(),
            host,
        };
        let mut torn = Vec::new();
        let members = turn.company.members.iter();
        for member in members.filter(|m| !self.done[m.group]) {
            for missing in self.missing(member.group) {
                outlook.place(member.group, missing.index);
            }
            for existing in &self.existing[member.group] {
                let tie = self.follows(&mut outlook, member.group, existing);
                if let (Some(tie), true) = (tie, member.follows) {
                    let id = &self.board.groups[member.group].group.id;
                    torn.push((InstanceId::new(id, existing.index), tie));
                }
            }
        }
        torn
    }

    /// Lets one that exists follow; returns why it can't, where it has to.
    fn follows(
        &self,
        outlook: &mut Outlook<'a>,
        group: GroupNo,
        existing: &Existing<'a>,
    ) -> Option<Tie> {
        let (index, host) = (existing.index, existing.at?);
        let leaves = existing.leaves.as_ref().map(|(cause, _)| *cause);
        let ask = Question {
            group,
            index: Some(index),
            host,
        };
        let alone = outlook.board.left_alone(ask).is_some();
        let bound = !self.board.groups[group].rules.near.is_empty();
        match (leaves, alone) {
            (None, false) => return None,
            (None, true) => outlook.board.unsettle(group, index, host),
            // With nobody to follow it stays only where the one stays that it is looked at for.
            (Some(cause), false) if is_emptied(cause) && (bound || host == outlook.host) => {
                outlook.board.belong(group, index, host);
                return None;
            }
            (Some(_), _) => {}
        }
        let tie = self.tie(group, existing);
        if tie.is_none() && outlook.place(group, index) {
            return None;
        }
        outlook.board.belong(group, index, host);
        Some(tie.unwrap_or(Tie::NoRoom))
    }
}

impl Tie {
    fn refusal(self, follower: &InstanceId, group: &GroupId) -> Refusal {
        let own = &follower.group;
        let apart = format!(
            "only prefer that they are together: `affinity: {{ preferred: [{group}] }}` of {own}"
        );
        let (why, help) = match self {
            Tie::NoRoom => (
                "would find no room: it waits for a host that has room for both",
                Some(format!("make room for both on one host, or {apart}")),
            ),
            Tie::Stateful => (
                "is stateful: its disk would stay behind",
                Some(format!("move the data of {follower} yourself; or {apart}")),
            ),
            Tie::Paused => (
                "is paused",
                Some("let it go on: reconcile resume".to_owned()),
            ),
            Tie::NoTarget => (
                "is no target of this run",
                Some(format!("name it, too: --target {follower}")),
            ),
            Tie::Busy => ("can't move now", None),
        };
        Refusal {
            kind: NoticeKind::Waiting,
            text: format!("{follower} must be with it, and {why}"),
            help,
        }
    }
}

/// Whether this makes all leave a host, so that they stay together as long as none of them goes.
fn is_emptied(cause: Cause) -> bool {
    matches!(cause, Cause::Drained | Cause::Leaving)
}

/// What would be if one went to a host.
struct Outlook<'a> {
    board: Board<'a>,
    addresses: Vec<u64>,
    host: HostNo,
}

impl Outlook<'_> {
    /// Finds a host for one; whether there is one.
    fn place(&mut self, group: GroupNo, index: u32) -> bool {
        let Some(to) = self.find(group, index) else {
            return false;
        };
        self.board.settle(group, index, to);
        self.addresses[to] = self.addresses[to].saturating_sub(1);
        true
    }

    fn find(&self, group: GroupNo, index: u32) -> Option<HostNo> {
        let takes = |host: &HostNo| {
            let ask = Question {
                group,
                index: Some(index),
                host: *host,
            };
            self.addresses[*host] > 0 && self.board.rejections(ask).next().is_none()
        };
        let near = self.board.groups[group].rules.near.first();
        Some(self.host).filter(takes).or_else(|| match near {
            Some(near) => self.board.homes(*near).map(|(host, _)| host).find(takes),
            None => (0..self.board.hosts.len()).find(takes),
        })
    }
}
