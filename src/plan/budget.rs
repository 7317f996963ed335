//! How much of a group may be away for what we do of our own will: updates, drains, failback, rebalancing and VIP moves
//! all ask here.

use super::Planner;
use super::balancers::Obstacle;
use super::health::Health;
use super::hosts::HostState;
use super::round::State;
use crate::model::bug::Bug;
use crate::model::desired::Group;
use crate::model::id::{HostId, InstanceId};
use crate::model::plan::NoticeKind;
use crate::model::unit::span;

impl Planner<'_> {
    /// Why the group can't spare `instance` now.
    pub(super) fn over_budget(&mut self, instance: &InstanceId, group: &Group) -> Option<Obstacle> {
        if Bug::IgnoreTheBudget.is_in() {
            return None;
        }
        self.unsettled(instance, group)
            .or_else(|| Some((NoticeKind::Waiting, self.too_few(instance, group)?)))
    }

    /// An instance that does not come up with this state of the file: no other one may follow it. That is said also while
    /// it is tried again.
    pub(super) fn halted(&self, instance: &InstanceId, group: &Group) -> Option<Obstacle> {
        if Bug::IgnoreTheBudget.is_in() || self.has_this_state(instance) {
            return None;
        }
        let others = self.round.views_of(group).filter(|(i, _)| *i != instance);
        let mut tried = others.filter_map(|(i, view)| {
            let memory = self.round.memory.guests.get(i)?;
            let now = memory.tried.as_ref() == Some(&self.round.desired.revision);
            let tries = memory.trials.values().sum::<u32>();
            (now && tries > 0).then_some((i, &view.state, tries))
        });
        tried.find_map(|(other, state, tries)| {
            let again = self.planned.contains_key(other);
            let holds = match state {
                State::Live(Health::Healthy) => false,
                State::Live(Health::Dead(_)) if !again => true,
                _ => tries > 1,
            };
            let good = &self.round.memory.good;
            let text = match good.is_empty() || good.contains(&self.round.desired.revision) {
                // There is no better state to go back to.
                true => format!("{other} does not come up: mend it"),
                false => format!(
                    "{other} does not come up with this state of the file: mend it, or go back: reconcile rollback"
                ),
            };
            // That it is tried again does not mend the file: a person is needed.
            holds.then_some((NoticeKind::Blocked, text))
        })
    }

    /// Whether an instance is as the file says already: to move it spreads no state that may be a bad one.
    fn has_this_state(&self, instance: &InstanceId) -> bool {
        let memory = self.round.memory.guests.get(instance);
        memory.is_some_and(|guest| guest.revision.as_ref() == Some(&self.round.desired.revision))
    }

    /// Another instance was worked on a moment ago, or is in this plan: it must be well for a while first.
    fn unsettled(&mut self, instance: &InstanceId, group: &Group) -> Option<Obstacle> {
        let settle = group.budget.settle;
        if settle.is_zero() {
            return None;
        }
        if self.in_row.contains(&group.id) {
            let text = format!("one after the other, each well for {} first", span(settle));
            return Some((NoticeKind::Waiting, text));
        }
        if let Some(other) = self.comes_in_this_plan(instance, group) {
            let text = format!("{other} has to be well for {} first", span(settle));
            return Some((NoticeKind::Waiting, text));
        }
        let others = self.round.views_of(group).filter(|(i, _)| *i != instance);
        let back = others.filter_map(|(i, _)| {
            let memory = self.round.memory.guests.get(i)?;
            Some((memory.worked_on.max(memory.healthy_since)?, i.clone()))
        });
        let (back, last) = back.max()?;
        let (due, now) = (back.plus(settle), self.round.observed.now);
        if due <= now {
            return None;
        }
        self.draft.look_again_at(due);
        let text = format!("{last} has to be well for {} more", span(due.since(now)));
        Some((NoticeKind::Waiting, text))
    }

    /// Another instance that does not serve, and that this plan brings up.
    fn comes_in_this_plan(&self, instance: &InstanceId, group: &Group) -> Option<InstanceId> {
        let mut others = self.round.views_of(group).filter(|(i, _)| *i != instance);
        let other = others.find(|(i, view)| {
            let healthy = view.state == State::Live(Health::Healthy);
            !healthy && self.planned.contains_key(*i)
        });
        other.map(|(i, _)| i.clone())
    }

    fn too_few(&self, instance: &InstanceId, group: &Group) -> Option<String> {
        let given = group.budget.given;
        let not_up = self.not_up(instance, group).filter(|_| !given);
        if let Some(other) = not_up {
            return Some(match self.kept_back.has(&other) {
                true if self.round.is_no_target(&other, None) => {
                    format!("{other} has to come up first, and is no target of this run")
                }
                true => format!("{other} has to come up first, and an order leaves it as it is"),
                false => format!("{other} has to come up first"),
            });
        }
        let serving = self.others_serving(instance, group);
        let least = group.budget.min_available;
        // Those who can't be there are nobody's promise, but somebody has to serve.
        let needed = if given { least } else { least.min(1) };
        (serving < needed).then(|| match serving {
            0 => format!("no other of {} serves, and {needed} must", group.id),
            1 => format!("only 1 other of {} serves, and {needed} must", group.id),
            _ => format!(
                "only {serving} others of {} serve, and {needed} must",
                group.id
            ),
        })
    }

    /// How many of the others serve, or will when this plan is done with them.
    fn others_serving(&self, instance: &InstanceId, group: &Group) -> u32 {
        let others = self.round.views_of(group).filter(|(i, _)| *i != instance);
        let serving = others.filter(|(i, view)| match view.state {
            State::Live(Health::Healthy) | State::Hidden(..) => self.serves(i),
            State::Live(Health::Booting { .. } | Health::Dead(_))
            | State::Absent
            | State::Lost(..) => self.planned.contains_key(*i),
            State::Busy | State::Perhaps(_) => false,
        });
        u32::try_from(serving.count()).unwrap_or(u32::MAX)
    }

    /// Whether a host fell silent a moment ago, so that nobody knows yet what becomes of its guests.
    fn is_suspect(&self, host: &HostId) -> bool {
        let state = self.round.inventory.hosts.state(host);
        matches!(state, Some(HostState::Suspect { .. }))
    }

    /// Whether it answers requests, as far as is known.
    pub(super) fn serves(&self, instance: &InstanceId) -> bool {
        self.gives_heartbeats(instance) && !self.is_stopped(instance)
    }

    /// Whether no heartbeat is missing, and one came since its process was started, or since something was tried with it in
    /// vain: that may have ended it. One that is asked elsewhere since an edit answered before that.
    fn gives_heartbeats(&self, instance: &InstanceId) -> bool {
        let beat = self.round.beat(instance);
        let memory = self.round.memory.guests.get(instance);
        if self.is_asked_elsewhere(instance) {
            return true;
        }
        let doubted = memory.and_then(|memory| memory.failed.max(memory.started));
        let last_ok = beat
            .filter(|beat| beat.failures == 0)
            .and_then(|beat| beat.last_ok);
        last_ok.is_some_and(|ok| doubted.is_none_or(|doubted| ok >= doubted))
    }

    fn is_asked_elsewhere(&self, instance: &InstanceId) -> bool {
        let view = self.round.views.get(instance);
        let asked = view.and_then(|v| Some(v.group.heartbeat_of(v.found?.mark.port)));
        let memory = self.round.memory.guests.get(instance);
        memory
            .zip(asked)
            .is_some_and(|(memory, asked)| memory.is_asked_elsewhere(&asked))
    }

    /// Another instance of the group that does not serve, and that nothing in this plan brings up.
    fn not_up(&self, instance: &InstanceId, group: &Group) -> Option<InstanceId> {
        let mut others = self.round.views_of(group).filter(|(i, _)| *i != instance);
        let other = others.find(|(i, view)| match view.state {
            State::Live(Health::Booting { .. } | Health::Dead(_)) => !self.planned.contains_key(*i),
            State::Live(Health::Healthy) => !self.serves(i),
            State::Hidden(host, _) => !self.gives_heartbeats(i) && self.is_suspect(host),
            // What can't be seen may be away for long, and what can't be placed too: others go on.
            State::Busy | State::Absent | State::Lost(..) | State::Perhaps(_) => false,
        });
        other.map(|(i, _)| i.clone())
    }
}
