//! The rules of each group, in numbers: which hosts it may have, whom it must or must not share one with. Who must not
//! share a host with a group is a rival of it, and the group a rival of theirs, whichever of them says so.

use std::collections::BTreeMap;

use super::board::{GroupNo, HostNo};
use crate::model::desired::Desired;
use crate::model::id::{GroupId, HostId};
use crate::model::policy::{HostChoice, PlacementRules};

/// The rules of one group.
#[derive(Debug, Clone, Default)]
pub struct Rules<'a> {
    /// Whether it has any.
    pub any: bool,
    /// The hosts that may be taken; none: all.
    pub allowed: Option<Vec<bool>>,
    /// The hosts that would best be taken; none: all are as good.
    pub preferred: Option<Vec<bool>>,
    /// Groups that must be on its host.
    pub near: Vec<GroupNo>,
    /// Groups that must be on a host of this one.
    pub followers: Vec<GroupNo>,
    /// Groups that would best be on its host.
    pub near_wished: Vec<GroupNo>,
    /// Groups that must not be on its host.
    pub rivals: Vec<GroupNo>,
    /// Groups that would best not be on its host.
    pub rivals_wished: Vec<GroupNo>,
    /// The hosts of single instances.
    pub pin: Option<&'a BTreeMap<u32, HostId>>,
    /// The hosts that have the disks of single instances.
    pub disks: BTreeMap<u32, &'a HostId>,
    /// Labels to spread over.
    pub spread: &'a [String],
    /// Whether its instances go back to better hosts.
    pub failback: bool,
}

impl<'a> Rules<'a> {
    /// The rules of every group, in the order of their names.
    pub fn compile(
        desired: &'a Desired,
        hosts: &BTreeMap<&'a HostId, HostNo>,
        groups: &BTreeMap<&'a GroupId, GroupNo>,
    ) -> Vec<Rules<'a>> {
        let rules = desired.groups.values().map(|group| &group.placement);
        let mut all: Vec<Rules<'a>> = rules
            .map(|rules| Rules::of(rules, desired, hosts, groups))
            .collect();
        for (number, group) in desired.groups.values().enumerate() {
            let apart = &group.placement.anti_affinity;
            for rival in numbers(&apart.required, groups) {
                all[number].rivals.push(rival);
                all[rival].rivals.push(number);
            }
            for rival in numbers(&apart.preferred, groups) {
                all[number].rivals_wished.push(rival);
                all[rival].rivals_wished.push(number);
            }
        }
        for follower in 0..all.len() {
            for near in all[follower].near.clone() {
                all[near].followers.push(follower);
            }
        }
        all.iter_mut().for_each(Rules::finish);
        all
    }

    fn of(
        rules: &'a PlacementRules,
        desired: &Desired,
        hosts: &BTreeMap<&'a HostId, HostNo>,
        groups: &BTreeMap<&'a GroupId, GroupNo>,
    ) -> Self {
        let chosen = |choices: &std::collections::BTreeSet<HostChoice>| {
            (!choices.is_empty()).then(|| {
                let mut chosen = vec![false; hosts.len()];
                choices
                    .iter()
                    .for_each(|choice| choose(&mut chosen, choice, desired, hosts));
                chosen
            })
        };
        Rules {
            any: false,
            allowed: chosen(&rules.hosts.required),
            preferred: chosen(&rules.hosts.preferred),
            near: numbers(&rules.affinity.required, groups),
            followers: Vec::new(),
            near_wished: numbers(&rules.affinity.preferred, groups),
            rivals: Vec::new(),
            rivals_wished: Vec::new(),
            pin: (!rules.pin.is_empty()).then_some(&rules.pin),
            disks: BTreeMap::new(),
            spread: &rules.spread,
            failback: rules.failback,
        }
    }

    fn finish(&mut self) {
        for rivals in [&mut self.rivals, &mut self.rivals_wished] {
            rivals.sort_unstable();
            rivals.dedup();
        }
        self.any = self.allowed.is_some()
            || self.pin.is_some()
            || !self.near.is_empty()
            || !self.rivals.is_empty();
    }

    /// The host that an instance is bound to: it has its disk there, or else is pinned to it.
    pub fn pin_of(&self, index: u32) -> Option<&'a HostId> {
        let pin = self.pin.and_then(|pin| pin.get(&index));
        self.disk_of(index).or(pin)
    }

    /// The host that has the disk of an instance that is nowhere.
    pub fn disk_of(&self, index: u32) -> Option<&'a HostId> {
        self.disks.get(&index).copied()
    }

    /// Whether an instance is pinned to another host.
    pub fn is_pinned_elsewhere(&self, index: u32, host: &HostId) -> Option<&'a HostId> {
        let pin = self.pin.and_then(|pin| pin.get(&index));
        pin.filter(|pin| *pin != host)
    }

    /// An instance has its disk on a host.
    pub fn bind(&mut self, index: u32, host: &'a HostId) {
        self.disks.insert(index, host);
        self.any = true;
    }

    /// Whether one host may be better than another by what is preferred.
    pub fn has_wishes(&self) -> bool {
        self.preferred.is_some() || !self.near_wished.is_empty() || !self.rivals_wished.is_empty()
    }
}

fn numbers(
    names: &std::collections::BTreeSet<GroupId>,
    groups: &BTreeMap<&GroupId, GroupNo>,
) -> Vec<GroupNo> {
    names
        .iter()
        .filter_map(|name| groups.get(name).copied())
        .collect()
}

fn choose(
    chosen: &mut [bool],
    choice: &HostChoice,
    desired: &Desired,
    hosts: &BTreeMap<&HostId, HostNo>,
) {
    match choice {
        HostChoice::Host(host) => {
            if let Some(number) = hosts.get(host) {
                chosen[*number] = true;
            }
        }
        HostChoice::Label(label, value) => {
            let labelled = desired.hosts.values().zip(chosen);
            for (host, chosen) in labelled {
                *chosen |= host.labels.get(label) == Some(value);
            }
        }
    }
}
