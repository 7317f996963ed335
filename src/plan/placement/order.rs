//! The order in which groups are placed. Whoever can't go elsewhere comes first: pinned to a host, then bound to some, then
//! all who have to find room together, those that others must be near to before these; then the rest. Among equals those come
//! first that must be apart from others, and then the one that is hardest to place, for small ones still fit into what is left;
//! but a group comes after those that it would best be with or apart from, or it could not tell where they are.

use std::cmp::Reverse;

use super::board::{Board, GroupNo, HostNo, Stock, hundredths};

/// How large a part of the largest host an instance takes, in millionths of what it takes most of.
type Share = u64;

/// All groups in their order.
pub fn order(board: &Board<'_>) -> Vec<GroupNo> {
    let rules = |group: GroupNo| &board.groups[group].rules;
    let choice = |g: &GroupNo| {
        let pinned = rules(*g).pin.is_some_and(|pin| !pin.is_empty());
        (
            !pinned,
            rules(*g).allowed.is_none(),
            rules(*g).followers.is_empty(),
        )
    };
    let shares = shares(board);
    let all = 0..board.groups.len();
    let mut free: Vec<GroupNo> = all.filter(|g| rules(*g).near.is_empty()).collect();
    free.sort_by_key(|g| (choice(g), rivalry(board, *g), Reverse(shares[*g])));
    let mut order = Order {
        board,
        order: Vec::with_capacity(board.groups.len()),
        known: vec![false; board.groups.len()],
        shares,
    };
    let mut last = Vec::new();
    for alike in free.chunk_by(|a, b| choice(a) == choice(b)) {
        let alike = after_those_they_name(board, alike);
        match alike.first().map(choice) {
            Some((true, true, true)) => last = alike,
            Some(_) | None => alike.into_iter().for_each(|group| order.lead(group)),
        }
    }
    order.circles();
    last.into_iter().for_each(|group| order.lead(group));
    order.order
}

/// Who must be apart from others comes before all that may be anywhere; the fewest first, for they take the fewest hosts from
/// the others.
fn rivalry(board: &Board<'_>, group: GroupNo) -> (bool, u32) {
    let side = &board.groups[group];
    match side.rules.rivals.iter().any(|rival| *rival != group) {
        true => (false, side.group.replicas),
        false => (true, 0),
    }
}

/// The share of each group, by its number.
fn shares(board: &Board<'_>) -> Vec<Share> {
    let everywhere = Largest::of(board, |_| true);
    let share = |group: GroupNo| {
        let side = &board.groups[group];
        match &side.rules.allowed {
            Some(allowed) => Largest::of(board, |host| allowed[host]).share(board, group),
            None => everywhere.share(board, group),
        }
    };
    (0..board.groups.len()).map(share).collect()
}

/// The most that any host has; none: no host tells.
struct Largest {
    memory: Option<u64>,
    cpus: Option<u64>,
    disk: Option<u64>,
}

impl Largest {
    /// Among hosts that take guests, and are `eligible`.
    fn of(board: &Board<'_>, eligible: impl Fn(HostNo) -> bool) -> Self {
        let mut largest = Largest {
            memory: None,
            cpus: None,
            disk: None,
        };
        let rooms = board.hosts.iter().enumerate();
        let most = |so_far: &mut Option<u64>, stock: Stock| *so_far = (*so_far).max(stock.all);
        for (_, room) in rooms.filter(|(h, room)| room.closed.is_none() && eligible(*h)) {
            most(&mut largest.memory, room.memory);
            most(&mut largest.cpus, room.cpus);
            most(&mut largest.disk, room.disk);
        }
        largest
    }

    fn share(&self, board: &Board<'_>, group: GroupNo) -> Share {
        let group = board.groups[group].group;
        let disk = group.disk.map_or(0, |disk| disk.0);
        let parts = [
            part(group.memory.0, self.memory),
            part(hundredths(group.cpus), self.cpus),
            part(disk, self.disk),
        ];
        parts.into_iter().max().unwrap_or_default()
    }
}

fn part(of: u64, all: Option<u64>) -> Share {
    let part = all.map(|all| u128::from(of) * 1_000_000 / u128::from(all.max(1)));
    part.map_or(0, |part| Share::try_from(part).unwrap_or(Share::MAX))
}

/// Groups, each after those of them that it would best be with or apart from; else in the order in which they are. Of
/// those that wait for each other, the first by name is the first.
fn after_those_they_name(board: &Board<'_>, groups: &[GroupNo]) -> Vec<GroupNo> {
    let mut rest = groups.to_vec();
    if groups.iter().all(|g| named(board, *g).next().is_none()) {
        return rest;
    }
    let mut open = vec![false; board.groups.len()];
    rest.iter().for_each(|group| open[*group] = true);
    let mut sorted = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let is_free = |group: &GroupNo| named(board, *group).all(|other| !open[other]);
        let free = rest.iter().position(is_free);
        let next = free.or_else(|| {
            let first = first_of_circle(board, &open)?;
            rest.iter().position(|group| *group == first)
        });
        let next = rest.remove(next.unwrap_or(0));
        open[next] = false;
        sorted.push(next);
    }
    sorted
}

/// The first group by name of some that wait for each other.
fn first_of_circle(board: &Board<'_>, open: &[bool]) -> Option<GroupNo> {
    let mut path: Vec<GroupNo> = Vec::new();
    let mut next = open.iter().position(|open| *open)?;
    while !path.contains(&next) {
        path.push(next);
        next = named(board, next).find(|other| open[*other])?;
    }
    path.into_iter().skip_while(|group| *group != next).min()
}

/// The other groups that a group would best be with or apart from, by its own word.
fn named<'b>(board: &'b Board<'_>, group: GroupNo) -> impl Iterator<Item = GroupNo> + 'b {
    let side = &board.groups[group];
    let apart = side.group.placement.anti_affinity.preferred.iter();
    let apart = apart.filter_map(|other| board.group_no(other));
    let near = side.rules.near_wished.iter().copied();
    near.chain(apart).filter(move |other| *other != group)
}

/// Whether a group had to be placed before one that it would best be with or apart from.
pub fn is_too_early(board: &Board<'_>, rank: &[usize], group: GroupNo) -> bool {
    named(board, group).any(|other| rank[other] > rank[group])
}

/// The order of groups, as far as it is known.
struct Order<'b, 'a> {
    board: &'b Board<'a>,
    order: Vec<GroupNo>,
    known: Vec<bool>,
    shares: Vec<Share>,
}

impl Order<'_, '_> {
    /// A group comes, and after it all followers who wait for nobody else, the hardest to place first.
    fn lead(&mut self, group: GroupNo) {
        let mut next = vec![group];
        while let Some(group) = next.pop() {
            self.push(group);
            let rules = &self.board.groups[group].rules;
            let waits = |g: &&GroupNo| {
                let near = &self.board.groups[**g].rules.near;
                !self.known[**g] && near.iter().all(|near| self.known[*near])
            };
            let mut followers: Vec<GroupNo> =
                rules.followers.iter().filter(waits).copied().collect();
            followers.sort_by_key(|g| Reverse(self.shares[*g]));
            next.extend(followers.into_iter().rev());
        }
    }

    fn push(&mut self, group: GroupNo) {
        if !std::mem::replace(&mut self.known[group], true) {
            self.order.push(group);
        }
    }

    /// Of groups that require each other, the smaller one is first, so that the larger one finds all its hosts.
    fn circles(&mut self) {
        let (board, size) = (self.board, |g: GroupNo| self.board.groups[g].group.replicas);
        let near = |group: GroupNo| &board.groups[group].rules.near;
        let all = 0..board.groups.len();
        let bound = all.filter(|g| !near(*g).is_empty() && !self.known[*g]);
        let mut bound: Vec<GroupNo> = bound.collect();
        bound.sort_by_key(|g| (Reverse(size(*g)), *g));
        let mut visited = self.known.clone();
        for group in bound {
            let mut path = vec![(group, false)];
            while let Some((group, done)) = path.pop() {
                if done {
                    self.push(group);
                } else if !std::mem::replace(&mut visited[group], true) {
                    path.push((group, true));
                    path.extend(near(group).iter().map(|g| (*g, false)));
                }
            }
        }
    }
}
