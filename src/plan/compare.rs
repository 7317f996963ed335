//! Two states of the file against the same observed world: what only the later one does, and what only the earlier one. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::queries::asked;
use super::rotation::Rotation;
use super::round::Round;
use super::saved::deed;
use super::{Renderer, plan};
use crate::model::desired::Desired;
use crate::model::facts::{Observed, Seen, Unseen, UnseenKind};
use crate::model::id::InstanceId;
use crate::model::memory::Memory;
use crate::model::plan::{Action, ActionId, Notice, Plan};

/// What becomes another one from one state of the file to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// What only the later state does, or says, numbered anew.
    pub plan: Plan,
    /// What only the earlier one does.
    pub dropped: Vec<Action>,
    /// How many actions both do: reality differs from the file whatever of the two it says.
    pub both: usize,
    /// How many notices both have.
    pub both_say: usize,
}

/// Plans for both states, and takes away what they have in common.
pub fn compare(from: &Desired, to: &Desired, observed: &Observed, memory: &Memory) -> Compared {
    let mut observed = observed.clone();
    tell_contents(from, &mut observed, memory);
    let of = |desired: &Desired| {
        let observed = with_hosts(desired, &observed);
        plan(desired, &observed, memory, &Renderer::default())
    };
    let (then, mut now) = (of(from), of(to));
    let mut left: BTreeMap<String, Vec<ActionId>> = BTreeMap::new();
    for action in &then.actions {
        left.entry(deed(&then, action)).or_default().push(action.id);
    }
    let deeds: Vec<String> = now
        .actions
        .iter()
        .map(|action| deed(&now, action))
        .collect();
    let (mut deeds, all) = (deeds.iter(), now.actions.len());
    now.actions = only(std::mem::take(&mut now.actions), |_| {
        let others = deeds.next().and_then(|deed| left.get_mut(deed));
        others.and_then(Vec::pop).is_none()
    });
    let left: BTreeSet<ActionId> = left.into_values().flatten().collect();
    let dropped = only(then.actions.clone(), |action| left.contains(&action.id));
    let said = now.notices.len();
    now.notices
        .retain(|notice| !then.notices.iter().any(|other| same(notice, other)));
    Compared {
        dropped,
        both: all - now.actions.len(),
        both_say: said - now.notices.len(),
        plan: now,
    }
}

/// Lines of the file move when others are added.
fn same(one: &Notice, other: &Notice) -> bool {
    (one.kind, &one.subject, &one.text, &one.help)
        == (other.kind, &other.subject, &other.text, &other.help)
}

/// Some of the actions of a plan, numbered anew. Where one waits for another one that is not among them, it waits for what
/// that one waits for.
fn only(actions: Vec<Action>, mut is_one: impl FnMut(&Action) -> bool) -> Vec<Action> {
    let mut kept: Vec<Action> = Vec::new();
    let mut stands_for: BTreeMap<ActionId, BTreeSet<ActionId>> = BTreeMap::new();
    for mut action in actions {
        let through = |ids: &BTreeSet<ActionId>| {
            let ids = ids.iter().filter_map(|id| stands_for.get(id));
            ids.flatten().copied().collect::<BTreeSet<_>>()
        };
        (action.needs, action.after) = (through(&action.needs), through(&action.after));
        let is_one = is_one(&action);
        let stand_in = match is_one {
            true => BTreeSet::from([ActionId(u32::try_from(kept.len()).unwrap_or(u32::MAX) + 1)]),
            false => action.needs.union(&action.after).copied().collect(),
        };
        stands_for.insert(action.id, stand_in.clone());
        if let (true, Some(id)) = (is_one, stand_in.first()) {
            action.id = *id;
            kept.push(action);
        }
    }
    kept
}

/// Hosts that nobody has looked at are unknown, not empty.
fn with_hosts(desired: &Desired, observed: &Observed) -> Observed {
    let mut observed = observed.clone();
    observed
        .hosts
        .retain(|id, _| desired.hosts.contains_key(id));
    for id in desired.hosts.keys() {
        let unseen = || Unseen::new(UnseenKind::Unreachable, "it was not looked at yet");
        let seen = observed.hosts.entry(id.clone());
        seen.or_insert_with(|| Seen::No(unseen()));
    }
    observed
}

/// What was seen has digests of files alone. What stands in those that are as `from` wants them is known.
fn tell_contents(from: &Desired, observed: &mut Observed, memory: &Memory) {
    let mut known: BTreeMap<(InstanceId, String), String> = BTreeMap::new();
    let seen = with_hosts(from, observed);
    let renderer = Renderer::default();
    let round = Round::new(from, &seen, memory, &renderer);
    let rotation = Rotation::present(&round);
    for (found, _) in round.inventory.all_found() {
        let instance = &found.mark.instance;
        let group = from.group_of(instance);
        let config =
            group.and_then(|group| asked(&round, &rotation, group, found.host, found.mark));
        let facts = seen.guests.get(instance).and_then(Seen::facts);
        let (Some(config), Some(facts)) = (config, facts) else {
            continue;
        };
        let daemon = config.daemon.as_ref();
        let units = daemon
            .into_iter()
            .flat_map(|d| d.units.values().chain([&d.script]));
        for file in config.files.iter().chain(units) {
            let seen = facts.files.get(&file.path);
            if seen.is_some_and(|seen| seen.sha256 == file.sha256) {
                known.insert((instance.clone(), file.path.clone()), file.content.clone());
            }
        }
    }
    for (instance, seen) in &mut observed.guests {
        let Seen::Yes(facts) = seen else { continue };
        for (path, file) in &mut facts.files {
            let known = known.get(&(instance.clone(), path.clone()));
            file.content = file.content.take().or_else(|| known.cloned());
        }
    }
}

#[cfg(test)]
mod tests;
