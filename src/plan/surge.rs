//! More instances than `replicas` while some are replaced: the groups that surge now. The extra ones go as surplus when
//! all others serve.

use super::Planner;
use super::health::Health;
use super::round::{Round, State};
use crate::model::desired::{Desired, Group};
use crate::model::id::{GroupId, InstanceId};

/// The groups that surge. The round comes back as it was: where nobody surges, it is the one that is planned.
pub(super) fn surging(round: Round<'_>) -> (Round<'_>, Vec<&GroupId>) {
    let groups = round.desired.groups.values();
    let may = groups.filter(|group| group.budget.surge > 0 && group.replicas > 0);
    let may: Vec<&Group> = may.collect();
    if may.is_empty() {
        return (round, Vec::new());
    }
    let mut planner = Planner::new(round);
    let surging = may.into_iter().filter(|group| planner.surges(group));
    let surging = surging.map(|group| &group.id).collect();
    (planner.round, surging)
}

/// The desired state with the extra instances of these groups.
pub(super) fn widened(desired: &Desired, surging: &[&GroupId]) -> Desired {
    let mut wider = desired.clone();
    for id in surging {
        if let Some(group) = wider.groups.get_mut(*id) {
            group.extra = group.budget.surge;
            group.replicas = group.replicas.saturating_add(group.extra);
        }
    }
    wider
}

impl<'a> Planner<'a> {
    /// Whether an instance of the group is to be taken out of service; or the extra ones are there, and not all others
    /// serve yet.
    fn surges(&mut self, group: &'a Group) -> bool {
        let mut whole = true;
        let instances: Vec<InstanceId> =
            self.round.views_of(group).map(|(i, _)| i.clone()).collect();
        for instance in &instances {
            let view = self.round.views.get(instance).cloned();
            let Some((found, State::Live(Health::Healthy))) =
                view.and_then(|view| Some((view.found?, view.state)))
            else {
                whole = false;
                continue;
            };
            let need = self.need(instance, group, &found);
            if need.is_some_and(|need| need.interrupts()) {
                return true;
            }
        }
        !whole && self.has_extra(group)
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
