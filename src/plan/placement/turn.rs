//! The turn of one group: the hosts that can take its instances, best first, while these are placed one by one.
//! Placing one costs the logarithm of the number of hosts, and one look at each value of the labels to spread over.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::board::{Board, GroupNo, HostNo};
use super::company::Company;
use super::score::{Rest, Score, Wish};

/// The turn of a group.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The group.
    pub group: GroupNo,
    /// Who follows it.
    pub company: Company,
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
    pub fn new(board: &Board<'a>, group: GroupNo, company: Company) -> Self {
        let mut turn = Turn {
            group,
            company,
            racks: Vec::new(),
            rack_of: Vec::with_capacity(board.hosts.len()),
            counts: BTreeMap::new(),
            values: Vec::new(),
        };
        turn.sort_into_racks(board);
        turn.judge_all(board);
        for (host, instances) in board.homes(group) {
            turn.count(host, |count| *count += instances.len());
        }
        turn
    }

    fn judge_all(&mut self, board: &Board<'a>) {
        let mut entries: Vec<Vec<_>> = vec![Vec::new(); self.racks.len()];
        for host in (0..board.hosts.len()).filter(|host| board.accepts(self.group, *host)) {
            entries[self.rack_of[host]].push(Reverse(self.entry(board, host)));
        }
        for (rack, entries) in self.racks.iter_mut().zip(entries) {
            rack.best = BinaryHeap::from(entries);
        }
    }

    fn entry(&self, board: &Board<'a>, host: HostNo) -> (Wish, Rest, HostNo) {
        (self.wish(board, host), board.rest(self.group, host), host)
    }

    /// What would not be had on `host`.
    fn wish(&self, board: &Board<'a>, host: HostNo) -> Wish {
        Wish {
            apart: self.company.apart(board, host),
            led: self.company.led(host),
            ..board.wish(self.group, host)
        }
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
        let mut best: Option<(Score, HostNo)> = None;
        for rack in 0..self.racks.len() {
            let Some((wish, rest, host)) = self.top(board, rack) else {
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
            wish: self.wish(board, host),
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

    /// One more belongs there, and took an address.
    pub fn came_with_address(&mut self, board: &Board<'a>, host: HostNo) {
        if let Some(left) = self.company.addresses.get_mut(host) {
            *left = left.saturating_sub(1);
        }
        self.came(board, host);
    }

    /// One instance of the group less belongs on `host`.
    pub fn went(&mut self, board: &Board<'a>, host: HostNo) {
        self.count(host, |count| *count = count.saturating_sub(1));
        self.touch(board, host);
    }

    /// Where followers find room on one host, others are as good without room for them.
    fn touch(&mut self, board: &Board<'a>, host: HostNo) {
        if self.company.changed(board, host) {
            return self.judge_all(board);
        }
        let entry = self.entry(board, host);
        self.racks[self.rack_of[host]].best.push(Reverse(entry));
    }

    fn top(&mut self, board: &Board<'a>, rack: usize) -> Option<(Wish, Rest, HostNo)> {
        while let Some(Reverse(entry)) = self.racks[rack].best.peek() {
            let (entry, host) = (*entry, entry.2);
            if self.entry(board, host) == entry && board.accepts(self.group, host) {
                return Some(entry);
            }
            self.racks[rack].best.pop();
        }
        None
    }
}
