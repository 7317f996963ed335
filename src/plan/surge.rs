//! More instances than `replicas` while some are replaced, or do not serve: the groups that surge now, and those that shrink
//! while the ones to be left don't serve. The extra ones go as surplus when all others serve.

use std::collections::{BTreeMap, BTreeSet};

use super::Planner;
use super::health::Health;
use super::round::{Round, State};
use crate::model::desired::{Desired, Group};
use crate::model::id::{GroupId, InstanceId};

/// How many instances more than `replicas` groups have for now.
pub(super) type Extra<'a> = BTreeMap<&'a GroupId, u32>;

/// The groups that surge, or keep what they don't need any more. The round comes back as it was: where nobody does, it is
/// the one that is planned.
pub(super) fn surging(round: Round<'_>) -> (Round<'_>, Extra<'_>) {
    let left = left_over(&round);
    let groups = round.desired.groups.values();
    let may = groups.filter(|group| group.replicas > 0);
    let may = may.filter(|group| group.budget.surge > 0 || left.contains_key(&group.id));
    let may: Vec<&Group> = may.collect();
    if may.is_empty() {
        return (round, Extra::new());
    }
    let mut planner = Planner::new(round);
    let extra = may.into_iter().map(|group| {
        let left = left.get(&group.id).copied().unwrap_or(0);
        (&group.id, planner.extra(group, left))
    });
    let extra = extra.filter(|(_, extra)| *extra > 0).collect();
    (planner.round, extra)
}

/// The desired state with the extra instances of these groups.
pub(super) fn widened(desired: &Desired, extra: &Extra<'_>) -> Desired {
    let mut wider = desired.clone();
    for (id, extra) in extra {
        if let Some(group) = wider.groups.get_mut(*id) {
            group.extra = *extra;
            group.replicas = group.replicas.saturating_add(*extra);
        }
    }
    wider
}

/// How many instances each group has right beyond its `replicas`, that run and nobody works on.
fn left_over(round: &Round<'_>) -> BTreeMap<GroupId, u32> {
    let found = round.inventory.all_found().filter(|(found, counts)| {
        let busy = round.memory.busy.contains_key(&found.mark.instance);
        *counts && found.domain.run.is_some() && !busy
    });
    let there = found.map(|(found, _)| &found.mark.instance).filter(|i| {
        let group = round.desired.group_of(i);
        group.is_some_and(|group| i.index > group.replicas)
    });
    let there: BTreeSet<&InstanceId> = there.collect();
    let mut left = BTreeMap::new();
    for instance in there {
        let group = round.desired.group_of(instance);
        let known = left.entry(instance.group.clone()).or_insert(0);
        if group.is_some_and(|group| instance.index == group.replicas + *known + 1) {
            *known += 1;
        }
    }
    left.retain(|_, left| *left > 0);
    left
}

impl<'a> Planner<'a> {
    /// How many instances more a group has now. All that it may surge by, while one is to be taken out of service, or not all
    /// others serve yet; and of the `left` that it does not need any more, as many as others can't stand in for.
    fn extra(&mut self, group: &'a Group, left: u32) -> u32 {
        let instances: Vec<InstanceId> =
            self.round.views_of(group).map(|(i, _)| i.clone()).collect();
        let (mut lacking, mut interrupts) = (0, false);
        for instance in &instances {
            let view = self.round.views.get(instance).cloned();
            let healthy = view.and_then(|view| match view.state {
                State::Live(Health::Healthy) => view.found,
                State::Busy
                | State::Absent
                | State::Hidden(..)
                | State::Lost(..)
                | State::Perhaps(_)
                | State::Live(_) => None,
            });
            let Some(found) = healthy else {
                lacking += u32::from(!self.goes_on_serving(instance));
                continue;
            };
            let need = |planner: &mut Self| planner.need(instance, group, &found);
            interrupts = interrupts || need(self).is_some_and(|need| need.interrupts());
        }
        let surges = interrupts || lacking > 0 && self.has_extra(group);
        let surge = if surges { group.budget.surge } else { 0 };
        left.min(lacking + u32::from(interrupts)).max(surge)
    }

    /// Whether an instance serves though it can't be seen, or is worked on.
    fn goes_on_serving(&self, instance: &InstanceId) -> bool {
        let view = self.round.views.get(instance);
        match view.map(|view| &view.state) {
            Some(State::Hidden(..)) => self.serves(instance),
            Some(State::Busy) => self.serves_meanwhile(instance),
            Some(State::Absent | State::Lost(..) | State::Perhaps(_) | State::Live(_)) | None => {
                false
            }
        }
    }

    fn has_extra(&self, group: &Group) -> bool {
        let extra = group.replicas + 1..=group.replicas.saturating_add(group.budget.surge);
        let mut found = self
            .round
            .inventory
            .all_found()
            .map(|(found, _)| &found.mark.instance);
        found.any(|i| i.group == group.id && extra.contains(&i.index))
    }
}

impl Group {
    /// Whether an instance is not desired any more, and stays only until others serve.
    pub(super) fn lingers(&self, index: u32) -> bool {
        self.extra > self.budget.surge && self.is_extra(index)
    }
}
