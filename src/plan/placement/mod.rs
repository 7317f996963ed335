//! Which host and which address each desired instance has or gets. An instance stays where it is, unless that host is
//! forbidden for it; a missing one goes to the best host that can take it. Addresses come from the pool of the host.

mod addresses;
mod admission;
mod aftermath;
mod balance;
mod board;
mod bundle;
mod choose;
mod company;
mod disks;
pub mod explain;
mod failing;
mod filter;
mod grow;
mod order;
mod pools;
mod reasons;
mod rules;
mod score;
mod spare;
mod stay;
mod swap;
mod turn;
mod wish;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::hosts::HostState;
use super::inventory::{Inventory, Whereabouts};
use super::machine::Size;
use crate::model::desired::{Desired, Host};
use crate::model::facts::{Observed, Seen};
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::memory::Memory;
use crate::model::orders::{Orders, Scope};
use crate::model::plan::Notice;
use crate::model::unit::span;
use addresses::Addresses;
pub(super) use balance::due as evening_due;
use board::{Board, GroupNo, HostNo};
use explain::Witness;
pub use filter::Kind;
use filter::Rejection;
use grow::{Measure, Passing};
use reasons::Refusal;
pub use score::{Criterion, Score};
use swap::Stuck;

/// The place of an instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Place<'a> {
    /// The host where it belongs. One that has to move and can't belongs where it is.
    pub host: &'a HostId,
    /// Its address there, as desired.
    pub address: Ipv4Addr,
    /// That it is on another host now, and why it has to leave that.
    pub moves: Option<Move<'a>>,
}

/// Why an instance leaves its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move<'a> {
    /// The host where it is.
    pub from: &'a HostId,
    /// The kind of reason.
    pub cause: Cause,
    /// The reason in words.
    pub text: String,
}

/// The kinds of reasons for a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Its host is drained.
    Drained,
    /// Its host is not in the file any more.
    Leaving,
    /// It is pinned to another host.
    Pinned,
    /// Its host is none of the required ones.
    NotRequired,
    /// A rival is on its host.
    Rival,
    /// Whom it must be with is on other hosts.
    Apart,
    /// The size that the file asks for by now does not fit there.
    Outgrown,
    /// The pool of its host has no address for it any more.
    Unaddressed,
    /// It does not come up there.
    Failing,
    /// Its host is much fuller than others.
    Uneven,
    /// A better host is back, by what is preferred.
    Failback,
}

/// All places, and why some instances have none.
#[derive(Debug, Default)]
pub struct Placement<'a> {
    /// Instances that have a place.
    pub places: BTreeMap<InstanceId, Place<'a>>,
    /// Instances without a place, and addresses that are not used, with the reasons.
    pub notices: Vec<Notice>,
    /// Who ends so that others can move, and why.
    pub yielding: BTreeMap<InstanceId, String>,
    /// Who keeps the size that it has, because there is no room for the one that the file asks for.
    pub kept_sizes: BTreeMap<InstanceId, Size>,
    /// Whether one host is much fuller than the mean, where the file asks for that to be evened out.
    pub uneven: bool,
}

/// Gives every desired instance its place.
pub fn place<'a>(
    desired: &'a Desired,
    observed: &'a Observed,
    memory: &'a Memory,
    inventory: &Inventory<'a>,
) -> Placement<'a> {
    let mut placer = Placer::new(desired, observed, memory, inventory);
    placer.place_all();
    placer.admit(memory);
    placer.untangle();
    placer.keep_sizes();
    placer.even_out(observed, memory);
    placer.check_spare();
    placer.check_promises();
    placer.into_placement()
}

/// Whether a host takes guests at all. One that is drained, or leaves, is also left by those that it has.
fn usable<'a>(host: &Host, observed: &'a Observed) -> Result<(), Rejection<'a>> {
    let order = observed.orders.drained.get(&host.id);
    match (observed.hosts.get(&host.id), order) {
        (Some(Seen::No(_)) | None, _) => Err(Rejection::Unseen),
        (Some(Seen::Yes(_)), _) if host.is_leaving() => Err(Rejection::Leaving),
        (Some(Seen::Yes(_)), Some(order)) if order.holds(observed.now) => {
            Err(Rejection::drained(order))
        }
        (Some(Seen::Yes(_)), Some(_) | None) => {
            let scope = Scope::Host(host.id.clone());
            let out = observed.orders.targets.exclude_host(&host.id);
            match observed.orders.paused.contains_key(&scope) {
                true => Err(Rejection::Paused),
                false if out => Err(Rejection::LeftOut),
                false => Ok(()),
            }
        }
    }
}

/// An instance that exists, or that some host out of sight has.
#[derive(Debug, Clone)]
struct Existing<'a> {
    index: u32,
    host: &'a HostId,
    /// The number of its host, while that is in the file.
    at: Option<HostNo>,
    mark: &'a Mark,
    /// Whether it may be moved: it was seen, and nothing is at work on it.
    movable: bool,
    /// Why it has to leave.
    leaves: Option<(Cause, String)>,
}

struct Placer<'a, 'i> {
    desired: &'a Desired,
    orders: &'a Orders,
    inventory: &'i Inventory<'a>,
    board: Board<'a>,
    addresses: Addresses<'a>,
    /// By the number of the group.
    existing: Vec<Vec<Existing<'a>>>,
    /// The order in which groups have their turn.
    order: Vec<GroupNo>,
    /// When each group has its turn.
    rank: Vec<usize>,
    /// Whether it had its turn.
    done: Vec<bool>,
    /// Groups of which one waits for its followers, with its host.
    waits: BTreeSet<(GroupNo, HostNo)>,
    places: BTreeMap<InstanceId, Place<'a>>,
    notices: Vec<Notice>,
    /// Why nobody took the last instance of the group whose turn it is: others of it need not ask.
    refusal: Option<Refusal>,
    stuck: Vec<Stuck>,
    yielding: BTreeMap<InstanceId, String>,
    kept_sizes: BTreeMap<InstanceId, Size>,
    /// Who is about to go, with what it takes until then.
    passing: Vec<Passing>,
    measure: Measure<'a>,
    uneven: bool,
    /// Who looks on while one instance is placed.
    witness: Option<Witness<'a>>,
}

impl<'a, 'i> Placer<'a, 'i> {
    fn new(
        desired: &'a Desired,
        observed: &'a Observed,
        memory: &'a Memory,
        inventory: &'i Inventory<'a>,
    ) -> Self {
        let board = Board::new(desired, observed);
        let order = order::order(&board);
        let mut rank = vec![0; order.len()];
        for (nth, group) in order.iter().enumerate() {
            rank[*group] = nth;
        }
        let mut placer = Placer {
            desired,
            orders: &observed.orders,
            inventory,
            board,
            done: vec![false; order.len()],
            order,
            rank,
            waits: BTreeSet::new(),
            addresses: Addresses::new(desired, observed, memory, inventory.taken.clone()),
            existing: Vec::with_capacity(desired.groups.len()),
            places: BTreeMap::new(),
            notices: Vec::new(),
            refusal: None,
            stuck: Vec::new(),
            yielding: BTreeMap::new(),
            kept_sizes: BTreeMap::new(),
            passing: Vec::new(),
            measure: Measure::new(observed),
            uneven: false,
            witness: None,
        };
        placer.close_rejoining(observed);
        placer.count_surplus();
        placer.count_existing(memory);
        placer.find_failing(observed, memory);
        placer.find_disks(observed, memory);
        placer
    }

    /// A host that comes and goes gets nothing new.
    fn close_rejoining(&mut self, observed: &Observed) {
        for room in &mut self.board.hosts {
            if let (None, Some(HostState::Rejoining { until })) =
                (&room.closed, self.inventory.hosts.state(&room.host.id))
            {
                let left = span(until.since(observed.now));
                room.closed = Some(Rejection::Rejoining { left });
            }
        }
    }

    /// The order in which places are decided: who stays, then who is missing, then who moves.
    fn place_all(&mut self) {
        self.find_forbidden();
        self.find_outgrown();
        self.find_unaddressed();
        for group in 0..self.board.groups.len() {
            self.keep(group);
        }
        for nth in 0..self.order.len() {
            let group = self.order[nth];
            self.find_left_alone(group);
            self.place_group(group);
            self.done[group] = true;
        }
        self.grant_wishes();
    }

    fn into_placement(mut self) -> Placement<'a> {
        self.notices.append(&mut self.addresses.notices);
        Placement {
            places: self.places,
            notices: self.notices,
            yielding: self.yielding,
            kept_sizes: self.kept_sizes,
            uneven: self.uneven,
        }
    }

    /// Guests that are not desired, or are there twice, take room as long as they are there.
    fn count_surplus(&mut self) {
        for (found, counts) in self.inventory.all_found() {
            let instance = &found.mark.instance;
            let Some(host) = self.board.host_no(found.host) else {
                continue;
            };
            let group = self.board.group_no(&instance.group);
            let replicas = group.map(|group| self.board.groups[group].group.replicas);
            if replicas.is_some_and(|all| counts && (1..=all).contains(&instance.index)) {
                continue;
            }
            self.pass(group, host, found.mark);
        }
    }

    fn count_existing(&mut self, memory: &'a Memory) {
        for group in 0..self.board.groups.len() {
            let mut existing = Vec::new();
            for index in 1..=self.board.groups[group].group.replicas {
                let instance = InstanceId::new(&self.board.groups[group].group.id, index);
                let whereabouts = self.inventory.whereabouts(&instance);
                let busy = memory.busy.get(&instance);
                let given = busy.and_then(|busy| Some((&busy.host, busy.mark.as_ref()?)));
                let (host, mark, seen) = match (given, whereabouts) {
                    // It is being made there; a copy elsewhere only takes room.
                    (Some((host, mark)), Whereabouts::On(found)) if found.host != host => {
                        if let Some(at) = self.board.host_no(found.host) {
                            self.pass(Some(group), at, found.mark);
                        }
                        (host, mark, false)
                    }
                    (_, Whereabouts::On(found)) => (found.host, found.mark, true),
                    (Some((host, mark)), _) | (None, Whereabouts::Hidden { host, mark }) => {
                        (host, mark, false)
                    }
                    (
                        None,
                        Whereabouts::Lost { .. }
                        | Whereabouts::Perhaps { .. }
                        | Whereabouts::Nowhere,
                    ) => continue,
                };
                let at = self.board.host_no(host);
                // Nobody chooses a place for the sake of one that goes soon.
                let extra = self.board.groups[group].group.is_extra(index);
                if let Some(at) = at {
                    let made = busy.and_then(|busy| busy.mark.as_ref());
                    self.take_measure((group, index, at), [Some(mark), made]);
                    match extra {
                        true => self.board.surplus(group, index, at),
                        false => self.board.house(group, index, at),
                    }
                }
                existing.push(Existing {
                    index,
                    host,
                    at,
                    mark,
                    movable: seen && !extra && !memory.busy.contains_key(&instance),
                    leaves: None,
                });
            }
            self.existing.push(existing);
        }
    }

    /// Gives a place to those of a group who have none, then to those who leave theirs.
    fn place_group(&mut self, group: GroupNo) {
        self.refusal = None;
        let mut missing = self.missing(group);
        // Who can be on one host only comes before those who may take it.
        let rules = &self.board.groups[group].rules;
        missing.sort_by_key(|instance| rules.pin_of(instance.index).is_none());
        let leaving: Vec<Existing<'a>> = self.existing[group]
            .iter()
            .filter(|e| e.leaves.is_some())
            .cloned()
            .collect();
        let falls_back = self.falls_back(group);
        if missing.is_empty() && leaving.is_empty() && !falls_back {
            return;
        }
        let mut turn = self.turn(group);
        let is_extra = |i: &InstanceId| self.board.groups[group].group.is_extra(i.index);
        let (extra, missing): (Vec<_>, Vec<_>) = missing.into_iter().partition(is_extra);
        for instance in missing {
            self.place_missing(&mut turn, instance);
        }
        for existing in &leaving {
            self.move_away(&mut turn, existing);
        }
        if falls_back {
            self.fall_back(&mut turn);
        }
        for instance in extra {
            self.place_missing(&mut turn, instance);
        }
    }
}
