//! How much of a group may be away for what we do of our own will: updates, drains, failback, rebalancing and VIP moves
//! all ask here.

use super::Planner;
use super::health::Health;
use super::round::State;
use crate::model::bug::Bug;
use crate::model::desired::Group;
use crate::model::id::InstanceId;
use crate::model::policy::Budget;

impl Planner<'_> {
    /// Why the group can't spare `instance` now.
    pub(super) fn over_budget(&self, instance: &InstanceId, group: &Group) -> Option<String> {
        if Bug::IgnoreTheBudget.is_in() {
            return None;
        }
        if !has_own_budget(group) {
            return self
                .not_up(instance, group)
                .map(|other| match self.kept_back.has(&other) {
                    true => {
                        format!("{other} has to come up first, and an order leaves it as it is")
                    }
                    false => format!("{other} has to come up first"),
                });
        }
        let others = self.round.views_of(group).filter(|(i, _)| *i != instance);
        let serving = others.filter(|(i, view)| match view.state {
            State::Live(Health::Healthy) => true,
            State::Hidden(..) => self.gives_heartbeats(i),
            State::Live(Health::Booting { .. } | Health::Dead(_))
            | State::Absent
            | State::Lost(..) => self.planned.contains_key(*i),
            State::Busy | State::Perhaps(_) => false,
        });
        let serving = u32::try_from(serving.count()).unwrap_or(u32::MAX);
        let needed = group.budget.min_available;
        (serving < needed).then(|| {
            format!(
                "only {serving} others of {} serve, and {needed} must",
                group.id
            )
        })
    }

    fn gives_heartbeats(&self, instance: &InstanceId) -> bool {
        let beat = self.round.observed.beats.get(instance);
        beat.is_some_and(|beat| beat.failures == 0)
    }

    /// Another instance of the group that does not serve, and that nothing in this plan brings up.
    fn not_up(&self, instance: &InstanceId, group: &Group) -> Option<InstanceId> {
        let mut others = self.round.views_of(group).filter(|(i, _)| *i != instance);
        let other = others.find(|(i, view)| match view.state {
            State::Live(Health::Booting { .. } | Health::Dead(_)) => !self.planned.contains_key(*i),
            // What can't be seen may be away for long, and what can't be placed too: others go on.
            State::Live(Health::Healthy)
            | State::Busy
            | State::Absent
            | State::Hidden(..)
            | State::Lost(..)
            | State::Perhaps(_) => false,
        });
        other.map(|(i, _)| i.clone())
    }
}

/// Whether the user gave the group a budget: one that is not the usual one, which counts only those that can be there.
fn has_own_budget(group: &Group) -> bool {
    group.budget.min_available != Budget::of(group.replicas).min_available
}
