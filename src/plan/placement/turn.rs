//! The turn of one group: the hosts that can take its instances, best first, while these are placed one by one.
//! Placing one costs the logarithm of the number of hosts, and one look at each value of the labels to spread over.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::board::{Board, GroupNo, HostNo};
use super::score::{Rest, Score, Wish};

/// The turn of a group.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The group.
    pub group: GroupNo,
    racks: Vec<Rack>,
    /// The rack of each host.
    rack_of: Vec<usize>,
    /// Instances of the group by label and value.
    counts: BTreeMap<(usize, Option<&'a str>), usize>,
    /// The values of each rack, by label.
    values: Vec<Vec<Option<&'a str>>>,
}

/// Hosts that are alike in all labels to spread over: which of them is better does not depend on the spread.
#[derive(Debug, Default)]
struct Rack {
    /// Entries that are not true any more are dropped when they come to the top.
    best: BinaryHeap<Reverse<(Wish, Rest, HostNo)>>,
}

impl<'a> Turn<'a> {
    /// The turn of `group` begins.
    pub fn new(board: &Board<'a>, group: GroupNo) -> Self {
        let mut turn = Turn {
            group,
            racks: Vec::new(),
            rack_of: Vec::with_capacity(board.hosts.len()),
            counts: BTreeMap::new(),
            values: Vec::new(),
        };
        turn.sort_into_racks(board);
        let mut entries: Vec<Vec<_>> = vec![Vec::new(); turn.racks.len()];
        for host in (0..board.hosts.len()).filter(|host| board.accepts(group, *host)) {
            let entry = (board.wish(group, host), board.rest(group, host), host);
            entries[turn.rack_of[host]].push(Reverse(entry));
        }
        for (rack, entries) in turn.racks.iter_mut().zip(entries) {
            rack.best = BinaryHeap::from(entries);
        }
        for (host, instances) in board.homes(group) {
            turn.count(host, |count| *count += instances.len());
        }
        turn
    }

    fn sort_into_racks(&mut self, board: &Board<'a>) {
        let labels = board.groups[self.group].rules.spread;
        let mut known: BTreeMap<Vec<Option<&'a str>>, usize> = BTreeMap::new();
        for room in &board.hosts {
            let value = |label| room.host.labels.get(label).map(String::as_str);
            let values: Vec<Option<&str>> = labels.iter().map(value).collect();
            let rack = *known.entry(values.clone()).or_insert(self.values.len());
            if rack == self.values.len() {
                self.values.push(values);
                self.racks.push(Rack::default());
            }
            self.rack_of.push(rack);
        }
    }

    fn count(&mut self, host: HostNo, change: impl Fn(&mut usize)) {
        for (label, value) in self.values[self.rack_of[host]].iter().enumerate() {
            change(self.counts.entry((label, *value)).or_default());
        }
    }

    /// The host for the next instance; none: nobody can take it.
    pub fn best(&mut self, board: &Board<'a>) -> Option<HostNo> {
        let group = self.group;
        let mut best: Option<(Score, HostNo)> = None;
        for rack in 0..self.racks.len() {
            let Some((wish, rest, host)) = self.racks[rack].top(board, group) else {
                continue;
            };
            let spread = self.spread(host);
            let candidate = (Score { wish, spread, rest }, host);
            if best.as_ref().is_none_or(|best| candidate < *best) {
                best = Some(candidate);
            }
        }
        best.map(|(_, host)| host)
    }

    /// How good `host` is.
    pub fn score(&self, board: &Board<'a>, host: HostNo) -> Score {
        Score {
            wish: board.wish(self.group, host),
            spread: self.spread(host),
            rest: board.rest(self.group, host),
        }
    }

    fn spread(&self, host: HostNo) -> Vec<usize> {
        let values = self.values[self.rack_of[host]].iter().enumerate();
        let count = |(label, value): (usize, &Option<&'a str>)| {
            self.counts.get(&(label, *value)).copied().unwrap_or(0)
        };
        values.map(count).collect()
    }

    /// One more instance of the group belongs on `host`.
    pub fn came(&mut self, board: &Board<'a>, host: HostNo) {
        self.count(host, |count| *count += 1);
        self.touch(board, host);
    }

    /// One instance of the group less belongs on `host`.
    pub fn went(&mut self, board: &Board<'a>, host: HostNo) {
        self.count(host, |count| *count = count.saturating_sub(1));
        self.touch(board, host);
    }

    fn touch(&mut self, board: &Board<'a>, host: HostNo) {
        let entry = (
            board.wish(self.group, host),
            board.rest(self.group, host),
            host,
        );
        self.racks[self.rack_of[host]].best.push(Reverse(entry));
    }
}

impl Rack {
    fn top(&mut self, board: &Board<'_>, group: GroupNo) -> Option<(Wish, Rest, HostNo)> {
        while let Some(Reverse(entry)) = self.best.peek() {
            let (wish, rest, host) = *entry;
            let is_true = (board.wish(group, host), board.rest(group, host)) == (wish, rest);
            if is_true && board.accepts(group, host) {
                return Some((wish, rest, host));
            }
            self.best.pop();
        }
        None
    }
}
