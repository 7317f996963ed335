//! Instances that stand in each other's way: each has to go to where only another one, who has to go, too, takes the room,
//! the address, or must not be met. One of them ends first, so that the others can move; then it is made where it belongs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::aftermath::{Aftermath, Leaves};
use super::board::{Board, GroupNo, HostNo};
use super::filter::{Kind, Question};
use super::{Existing, Place, Placer};
use crate::model::desired::Group;
use crate::model::id::{HostId, InstanceId};
use crate::model::orders::Scope;
use crate::model::plan::{Notice, NoticeKind};

/// So many are looked at to find who ends for the others: the rest has its turn when these are gone.
const MOST: usize = 64;

/// An instance that has no place where it may be.
#[derive(Debug, Clone)]
pub struct Stuck {
    pub(super) group: GroupNo,
    pub(super) index: u32,
    /// Where it is, and can't stay; none: it is nowhere.
    pub(super) seat: Option<Seat>,
    /// Whether it may stay there once there is room.
    pub(super) stays: Stays,
    /// What is said of it, where nothing helps.
    notice: Notice,
}

/// Whether an instance that has no place may be where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    /// It may not.
    Never,
    /// When there is room for its new size, and it may go elsewhere, too.
    WithRoom,
    /// When there is room for its new size, and it goes nowhere else.
    Only,
}

/// What an instance gives back where it leaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat {
    pub host: HostNo,
    pub address: Ipv4Addr,
}

impl<'a> Placer<'a, '_> {
    /// Remembers an instance that has no place, until all were asked.
    pub(super) fn be_stuck(
        &mut self,
        group: GroupNo,
        index: u32,
        existing: Option<(&Existing<'a>, Stays)>,
        notice: Notice,
    ) {
        let stays = existing.map_or(Stays::Never, |(_, stays)| stays);
        let seat = existing.and_then(|(existing, _)| {
            Some(Seat {
                host: existing.at?,
                address: existing.mark.address,
            })
        });
        self.stuck.push(Stuck {
            group,
            index,
            seat,
            stays,
            notice,
        });
    }

    /// Finds who goes on as soon as others have left, and who has to end so that others can move. Of the rest it is said
    /// that they can't.
    pub(super) fn untangle(&mut self) {
        let mut stuck = std::mem::take(&mut self.stuck);
        if stuck.is_empty() {
            return;
        }
        let moved = self.after_the_moves(&stuck);
        for number in moved.found.keys() {
            stuck[*number].wait_for(moved.whom(*number));
        }
        let mut rest: Vec<usize> = (0..stuck.len()).collect();
        rest.retain(|n| !moved.found.contains_key(n) && self.may_change_places(&stuck[*n]));
        // One that ended already has its turn first: of its group, another one would be missed, too.
        let under_way = moved.found.keys().any(|n| stuck[*n].seat.is_none());
        let mut used: BTreeSet<GroupNo> = BTreeSet::new();
        let mut board = self.board.clone();
        while let Some((yields, after)) = who_yields(&board, &stuck, &rest, is_spared) {
            board = after.board;
            rest.retain(|n| !after.found.contains_key(n));
            let later = under_way || !used.insert(stuck[yields].group);
            let (who, why) = self.yielding(&stuck, yields, &after.found);
            for number in after.found.into_keys() {
                stuck[number].wait_for(match later {
                    true => "others have changed places".to_owned(),
                    false => format!("{who} has ended"),
                });
            }
            if !later {
                self.yielding.insert(who, why);
            }
        }
        tell_of_budgets(&board, &mut stuck, &rest);
        let yields = |one: &Stuck| self.yielding.contains_key(&one.instance(&self.board));
        stuck.retain(|one| !yields(one));
        self.notices.extend(stuck.into_iter().map(|one| one.notice));
    }

    /// Whether no order leaves it as it is, nor would leave it dead. A stateful one stays with its disk.
    fn may_change_places(&self, stuck: &Stuck) -> bool {
        let group = self.board.groups[stuck.group].group;
        let host = stuck.seat.map(|seat| &self.board.hosts[seat.host].host.id);
        let scopes = [Scope::Cluster, Scope::Group(group.id.clone())];
        let scopes = scopes.into_iter().chain(host.cloned().map(Scope::Host));
        let instance = stuck.instance(&self.board);
        let hosts: Vec<&HostId> = host.into_iter().collect();
        let target = self.orders.targets.include(&instance, &hosts);
        let left_alone = !target || self.orders.pause_of(scopes).is_some();
        let bound = group.stateful || stuck.stays == Stays::Only;
        !left_alone && self.orders.disarmed.is_none() && !bound
    }

    /// Who ends, and why.
    fn yielding(
        &self,
        stuck: &[Stuck],
        yields: usize,
        all: &BTreeMap<usize, HostNo>,
    ) -> (InstanceId, String) {
        let others = all.keys().filter(|number| **number != yields);
        let others = others.map(|number| stuck[*number].instance(&self.board).to_string());
        let others: Vec<String> = others.collect();
        let others = others.join(" and ");
        let text = format!("it and {others} have to change places: it ends first");
        (stuck[yields].instance(&self.board), text)
    }

    /// Who finds a place when those have left who move by this plan, or are surplus, and others are smaller.
    fn after_the_moves(&self, stuck: &[Stuck]) -> Aftermath<'a> {
        let mut aftermath = Aftermath::new(&self.board);
        for (instance, place) in &self.places {
            if let Some((group, seat)) = self.left_behind(instance, place) {
                aftermath.board.vacate(group, instance.index, seat.host);
                aftermath.free(seat, instance.clone());
            }
        }
        self.those_pass(&mut aftermath);
        self.those_shrink(&mut aftermath);
        if !aftermath.left.is_empty() {
            aftermath.go_on(stuck, (0..stuck.len().min(MOST)).collect(), None);
        }
        aftermath
    }

    fn those_pass(&self, aftermath: &mut Aftermath<'a>) {
        for passing in &self.passing {
            let (instance, host) = (&passing.instance, passing.host);
            match passing.group {
                Some(group) => aftermath.board.vacate(group, instance.index, host),
                None => aftermath.board.hosts[host].give_back(passing.size),
            }
            aftermath
                .left
                .entry(host)
                .or_insert(Leaves::Left(instance.clone()));
        }
    }

    fn those_shrink(&self, aftermath: &mut Aftermath<'a>) {
        for (spot, _) in self.board.resized() {
            let instance = self.instance_at(spot);
            let host = &self.board.hosts[spot.2].host.id;
            let stays = |place: &Place<'a>| place.moves.is_none() && place.host == host;
            let stays = self.places.get(&instance).is_some_and(stays);
            if stays && self.board.shortage(spot).is_empty() {
                aftermath.board.resize(spot);
                aftermath
                    .left
                    .entry(spot.2)
                    .or_insert(Leaves::Shrunk(instance));
            }
        }
    }

    /// The seat that one leaves by this plan.
    fn left_behind(&self, instance: &InstanceId, place: &Place<'a>) -> Option<(GroupNo, Seat)> {
        let from = place.moves.as_ref()?.from;
        let group = self.board.group_no(&instance.group)?;
        let mut existing = self.existing[group].iter();
        let own = existing.find(|e| e.index == instance.index)?;
        let seat = Seat {
            host: self.board.host_no(from)?,
            address: own.mark.address,
        };
        Some((group, seat))
    }
}

/// Of those who are stuck, the one by whose end others can move, so that it has a place, too, in the end.
fn who_yields<'a>(
    board: &Board<'a>,
    stuck: &[Stuck],
    rest: &[usize],
    spares: impl Fn(&Group, u32) -> bool,
) -> Option<(usize, Aftermath<'a>)> {
    let group = |n: usize| board.groups[stuck[n].group].group;
    let rest: Vec<usize> = rest.iter().copied().take(MOST).collect();
    let mut candidates = in_each_others_way(board, stuck, &rest);
    // Rather one of many than one that serves alone; of equals, the last one.
    candidates.sort_by_key(|n| (group(*n).replicas <= 1, std::cmp::Reverse(*n)));
    candidates.into_iter().find_map(|yields| {
        let mut aftermath = Aftermath::new(board);
        aftermath.leave(&stuck[yields]);
        aftermath.go_on(stuck, rest.clone(), Some(yields));
        let placed = aftermath.found.contains_key(&yields) && aftermath.found.len() > 1;
        let spared = spares(group(yields), away(stuck, yields, &aftermath.found));
        (placed && spared).then_some((yields, aftermath))
    })
}

/// Where only a budget forbids that one ends for others, that is the help.
fn tell_of_budgets(board: &Board<'_>, stuck: &mut [Stuck], rest: &[usize]) {
    let Some((yields, after)) = who_yields(board, stuck, rest, |_, _| true) else {
        return;
    };
    let group = board.groups[stuck[yields].group].group;
    let away = away(stuck, yields, &after.found);
    let (least, id) = (group.replicas.saturating_sub(away), &group.id);
    for number in after.found.keys() {
        stuck[*number].notice.help = Some(format!(
            "say `min_available: {least}` of {id}: then they change places, one after the other"
        ));
    }
}

/// How many of its group are away at once when one ends for others: itself, and those who move while it is not back.
fn away(stuck: &[Stuck], yields: usize, found: &BTreeMap<usize, HostNo>) -> u32 {
    let own = |number: &&usize| stuck[**number].group == stuck[yields].group;
    u32::try_from(found.keys().filter(own).count()).unwrap_or(u32::MAX)
}

/// Whether its budget lets so many of a group be away.
fn is_spared(group: &Group, away: u32) -> bool {
    away <= group.replicas.saturating_sub(group.budget.min_available)
}

/// Those who want to where somebody stuck is, and are where somebody stuck wants to. Mostly there is nobody.
fn in_each_others_way(board: &Board<'_>, stuck: &[Stuck], rest: &[usize]) -> Vec<usize> {
    let seat = |n: &usize| stuck[*n].seat.map(|seat| seat.host);
    let mut seats: Vec<HostNo> = rest.iter().filter_map(seat).collect();
    seats.sort_unstable();
    seats.dedup();
    let mut wanted = vec![false; board.hosts.len()];
    let mut wants = Vec::new();
    for number in rest {
        let other = |host: &&HostNo| seat(number) != Some(**host);
        let may = |host: &&HostNo| only_others_are_in_the_way(board, &stuck[*number], **host);
        let hosts: Vec<HostNo> = seats.iter().filter(other).filter(may).copied().collect();
        hosts.iter().for_each(|host| wanted[*host] = true);
        if seat(number).is_some() && !hosts.is_empty() {
            wants.push(*number);
        }
    }
    wants.retain(|n| seat(n).is_some_and(|host| wanted[host]));
    wants
}

fn only_others_are_in_the_way(board: &Board<'_>, stuck: &Stuck, host: HostNo) -> bool {
    let mut why = board.rejections(stuck.asks(host));
    why.all(|why| {
        matches!(
            why.kind(),
            Kind::Rival
                | Kind::Kept
                | Kind::Apart
                | Kind::Memory
                | Kind::Cpus
                | Kind::Disk
                | Kind::NoAddress
        )
    })
}

impl Stuck {
    pub(super) fn instance(&self, board: &Board<'_>) -> InstanceId {
        InstanceId::new(&board.groups[self.group].group.id, self.index)
    }

    pub(super) fn asks(&self, host: HostNo) -> Question {
        Question {
            group: self.group,
            index: Some(self.index),
            host,
        }
    }

    fn wait_for(&mut self, what: String) {
        self.notice.kind = NoticeKind::Waiting;
        self.notice.text = format!("it goes on as soon as {what}");
        self.notice.help = None;
    }
}
