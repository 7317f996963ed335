//! How good a host is for another instance of a group. Criteria count one after the other; less is better.

use std::cmp::Reverse;

use super::board::{Board, GroupNo, HostNo};

/// What would not be had: first who must be with the group, then what is preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Wish {
    /// Followers that would not be with the group, for want of room most of all.
    pub apart: u32,
    /// Followers that would have to move after it.
    pub led: u32,
    /// It is none of the preferred hosts.
    pub hosts: u32,
    /// Preferred company that is not there.
    pub affinity: u32,
    /// Whom it would best not share a host with, and who is there.
    pub anti_affinity: u32,
}

/// What counts between hosts that are as good by preferences and by labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rest {
    /// Instances of the group on the host.
    pub of_group: usize,
    /// The host's priority: the higher, the better.
    pub priority: Reverse<i32>,
    /// How full it is: see [`Board::load`].
    pub load: u64,
}

/// All criteria in their order. Hosts that are still equal go by their names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score {
    /// What is preferred.
    pub wish: Wish,
    /// Instances of the group on hosts with the same value, for each label to spread over.
    pub spread: Vec<usize>,
    /// What else counts.
    pub rest: Rest,
}

/// A criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Criterion {
    /// Who must be with it.
    Followers,
    /// Preferred hosts.
    Hosts,
    /// Preferred company.
    Affinity,
    /// Preferred solitude.
    AntiAffinity,
    /// The spread over this label, by its number.
    Spread(usize),
    /// The spread over hosts.
    OfGroup,
    /// The host's priority.
    Priority,
    /// How full it is.
    Load,
    /// The order of names.
    Name,
}

impl Score {
    /// The criterion by which this one is better or worse than another.
    pub fn decides(&self, other: &Score) -> Criterion {
        let label = || (0..self.spread.len()).find(|n| self.spread[*n] != other.spread[*n]);
        let followers = |score: &Score| (score.wish.apart, score.wish.led);
        if followers(self) != followers(other) {
            Criterion::Followers
        } else if self.wish.hosts != other.wish.hosts {
            Criterion::Hosts
        } else if self.wish.affinity != other.wish.affinity {
            Criterion::Affinity
        } else if self.wish.anti_affinity != other.wish.anti_affinity {
            Criterion::AntiAffinity
        } else if let Some(label) = label() {
            Criterion::Spread(label)
        } else if self.rest.of_group != other.rest.of_group {
            Criterion::OfGroup
        } else if self.rest.priority != other.rest.priority {
            Criterion::Priority
        } else if self.rest.load != other.rest.load {
            Criterion::Load
        } else {
            Criterion::Name
        }
    }
}

impl Board<'_> {
    /// What of the preferences of `group` would not be had on `host`.
    pub fn wish(&self, group: GroupNo, host: HostNo) -> Wish {
        let rules = &self.groups[group].rules;
        let preferred = rules.preferred.as_ref();
        let there = |other: &&GroupNo| self.belonging(**other, host) > 0;
        let count = |groups: usize| u32::try_from(groups).unwrap_or(u32::MAX);
        let near = rules.near_wished.iter().filter(there).count();
        Wish {
            apart: 0,
            led: 0,
            hosts: u32::from(preferred.is_some_and(|preferred| !preferred[host])),
            affinity: count(rules.near_wished.len() - near),
            anti_affinity: count(rules.rivals_wished.iter().filter(there).count()),
        }
    }

    /// What else counts on `host`.
    pub fn rest(&self, group: GroupNo, host: HostNo) -> Rest {
        Rest {
            of_group: self.belonging(group, host),
            priority: Reverse(self.hosts[host].host.priority),
            load: self.load(group, host),
        }
    }
}
