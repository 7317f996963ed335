//! Which host gets the next guest of a group: the one with the fewest of that group, then the one with the fewest
//! guests, then the first by name. Costs grow with what is placed, not with groups times hosts.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::{GroupId, HostId};

/// Hosts by what they carry.
#[derive(Debug, Default)]
pub struct Ranking<'a> {
    load: BTreeMap<&'a HostId, usize>,
    /// The hosts that can take another guest.
    by_load: BTreeSet<(usize, &'a HostId)>,
    of_group: BTreeMap<&'a GroupId, BTreeMap<&'a HostId, usize>>,
    turn: Turn<'a>,
}

/// The group whose guests are being placed.
#[derive(Debug, Default)]
struct Turn<'a> {
    group: Option<&'a GroupId>,
    /// The hosts that have it, and can take another guest: by how many they have, then by load.
    having: BTreeSet<(usize, usize, &'a HostId)>,
    /// No host is left without it.
    everywhere: bool,
}

impl<'a> Ranking<'a> {
    /// These hosts can take guests.
    pub fn of(hosts: impl Iterator<Item = &'a HostId>) -> Self {
        Ranking {
            by_load: hosts.map(|host| (0, host)).collect(),
            ..Ranking::default()
        }
    }

    /// The host for the next guest of `group`.
    pub fn best(&mut self, group: &'a GroupId) -> Option<&'a HostId> {
        if self.turn.group != Some(group) {
            self.begin_turn(group);
        }
        if !self.turn.everywhere {
            let having = self.of_group.get(group);
            let has = |host: &HostId| having.is_some_and(|hosts| hosts.contains_key(host));
            let mut hosts = self.by_load.iter().map(|(_, host)| *host);
            if let Some(host) = hosts.find(|host| !has(host)) {
                return Some(host);
            }
            self.turn.everywhere = true;
        }
        self.turn.having.first().map(|(_, _, host)| *host)
    }

    fn begin_turn(&mut self, group: &'a GroupId) {
        let having = self.of_group.get(group).into_iter().flatten();
        let ranked = having.filter_map(|(host, count)| {
            let load = self.load.get(host).copied().unwrap_or(0);
            let able = self.by_load.contains(&(load, *host));
            able.then_some((*count, load, *host))
        });
        self.turn = Turn {
            having: ranked.collect(),
            group: Some(group),
            everywhere: false,
        };
    }

    /// `host` has one more guest of `group`.
    pub fn count(&mut self, group: &'a GroupId, host: &'a HostId) {
        let load = self.load.entry(host).or_default();
        let of_group = self.of_group.entry(group).or_default();
        let of_group = of_group.entry(host).or_default();
        let able = self.by_load.remove(&(*load, host));
        if able {
            self.by_load.insert((*load + 1, host));
        }
        if self.turn.group == Some(group) {
            self.turn.having.remove(&(*of_group, *load, host));
            if able {
                self.turn.having.insert((*of_group + 1, *load + 1, host));
            }
        }
        *load += 1;
        *of_group += 1;
    }

    /// `host` gets no other guest.
    pub fn mark_full(&mut self, host: &'a HostId) {
        let load = self.load.get(host).copied().unwrap_or(0);
        self.by_load.remove(&(load, host));
        self.turn.having.retain(|(_, _, other)| *other != host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Vec<HostId> {
        ["a", "b", "c"].map(|name| name.parse().unwrap()).to_vec()
    }

    fn placed<'a>(ranking: &mut Ranking<'a>, group: &'a GroupId, times: usize) -> String {
        let next = |_| {
            let host = ranking.best(group).unwrap();
            ranking.count(group, host);
            host.as_str()
        };
        (0..times).map(next).collect()
    }

    #[test]
    fn a_group_is_spread_before_hosts_are_filled_evenly() {
        let (hosts, web, db) = (hosts(), "web".parse().unwrap(), "db".parse().unwrap());
        let mut ranking = Ranking::of(hosts.iter());
        ranking.count(&web, &hosts[0]);
        ranking.count(&web, &hosts[0]);
        assert_eq!(placed(&mut ranking, &db, 4), "bcab");
        // Two on a, none elsewhere; b has two others, c one.
        assert_eq!(placed(&mut ranking, &web, 5), "cbcba");
    }

    #[test]
    fn a_full_host_gets_nothing_more() {
        let (hosts, web) = (hosts(), "web".parse().unwrap());
        let mut ranking = Ranking::of(hosts.iter());
        assert_eq!(placed(&mut ranking, &web, 4), "abca");
        ranking.mark_full(&hosts[1]);
        assert_eq!(placed(&mut ranking, &web, 3), "cac");
    }
}
