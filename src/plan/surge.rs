//! More instances than `replicas` while some are replaced, or do not serve: the groups that surge now, and those that shrink
//! while the ones to be left don't serve. The extra ones go as surplus when all others serve.

use std::collections::BTreeMap;

use super::Planner;
use super::health::Health;
use super::round::{Round, State};
use crate::model::desired::{Desired, Group};
use crate::model::id::{GroupId, InstanceId};

/// What an action is called that ends an instance for good.
const ENDS: &str = "destroy";

/// The instances that groups have beyond `replicas` for now.
pub(super) type Extra<'a> = BTreeMap<&'a GroupId, More>;

/// How many more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct More {
    /// As far as numbers go.
    all: u32,
    /// Those that are made.
    surged: u32,
}

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
        let left = left.get(&group.id).map_or(&[][..], Vec::as_slice);
        (&group.id, planner.extra(group, left))
    });
    let extra = extra.filter(|(_, more)| more.all > 0).collect();
    (planner.round, extra)
}

/// The desired state with the extra instances of these groups.
pub(super) fn widened(desired: &Desired, extra: &Extra<'_>) -> Desired {
    let mut wider = desired.clone();
    for (id, more) in extra {
        if let Some(group) = wider.groups.get_mut(*id) {
            (group.extra, group.surged) = (more.all, more.surged);
            group.replicas = group.replicas.saturating_add(more.all);
        }
    }
    wider
}

/// The instances of each group beyond its `replicas` that run and are not being ended, in order.
fn left_over(round: &Round<'_>) -> BTreeMap<GroupId, Vec<InstanceId>> {
    let ends = |instance: &InstanceId| {
        let busy = round.memory.busy.get(instance);
        busy.is_some_and(|busy| busy.action == ENDS)
    };
    let found = round.inventory.all_found().filter(|(found, counts)| {
        *counts && found.domain.run.is_some() && !ends(&found.mark.instance)
    });
    let mut left: BTreeMap<GroupId, Vec<InstanceId>> = BTreeMap::new();
    for instance in found.map(|(found, _)| &found.mark.instance) {
        let group = round.desired.group_of(instance);
        if group.is_some_and(|group| instance.index > group.replicas) {
            let known = left.entry(instance.group.clone()).or_default();
            known.push(instance.clone());
        }
    }
    left.values_mut().for_each(|left| left.sort());
    left
}

impl<'a> Planner<'a> {
    /// How many instances more a group has now. All that it may surge by, while one is to be taken out of service, or not all
    /// others serve yet; and of those that are `left`, the first that serve, as many as others can't stand in for. While nothing
    /// may be ended, all of them.
    fn extra(&mut self, group: &'a Group, left: &[InstanceId]) -> More {
        let instances: Vec<InstanceId> =
            self.round.views_of(group).map(|(i, _)| i.clone()).collect();
        let is_target = |i: &InstanceId| !self.round.is_no_target(i, None);
        let instances: Vec<InstanceId> = instances.into_iter().filter(is_target).collect();
        let (mut lacking, mut interrupts) = (0, false);
        for instance in &instances {
            let view = self.round.views.get(instance).cloned();
            let healthy = view.and_then(|view| match view.state {
                State::Live(Health::Healthy) if self.serves(instance) => view.found,
                State::Busy
                | State::Absent
                | State::Hidden(..)
                | State::Lost(..)
                | State::Perhaps(_)
                | State::Live(_) => None,
            });
            let Some(found) = healthy else {
                lacking += usize::from(!self.goes_on_serving(instance));
                continue;
            };
            let need = |planner: &mut Self| planner.need(instance, group, &found);
            interrupts = interrupts || need(self).is_some_and(|need| need.interrupts());
        }
        let surges = interrupts || lacking > 0 && self.has_extra(group);
        let surged = if surges { group.budget.surge } else { 0 };
        let serving = left.iter().filter(|instance| self.serves(instance));
        let last = match self.braked() {
            Some(_) => left.last(),
            None => serving.take(lacking + usize::from(interrupts)).last(),
        };
        let lingering = last.map_or(0, |last| last.index - group.replicas);
        More {
            all: surged.max(lingering),
            surged,
        }
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
        index > (self.replicas - self.extra).saturating_add(self.surged)
    }
}
