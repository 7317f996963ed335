//! Healing: a dead guest is destroyed and made anew, with the same address.

use super::Planner;
use super::build::Purpose;
use super::configure::AS_IT_IS;
use super::health::Health;
use super::machine::volume_directory;
use super::placement::Cause;
use super::quorum;
use super::round::{Round, State};
use super::trials::Trials;
use crate::model::desired::Group;
use crate::model::id::{HostId, InstanceId};
use crate::model::memory::NotBuilt;
use crate::model::plan::{Motive, Notice, NoticeKind, Reason, ReasonCode};
use crate::model::unit::span;

/// What every system says of a full disk (ENOSPC), but for capitals.
const DISK_FULL: &str = "no space left on device";
const LOOK_INTO_IT: &str = "look at its console and its service: virsh console, `run`, `heartbeat`";

impl Planner<'_> {
    /// Rebuilds what is dead.
    pub(super) fn recover_dead(&mut self) {
        let mut dead: Vec<(InstanceId, Reason)> = self
            .round
            .views
            .iter()
            .filter_map(|(instance, view)| match &view.state {
                State::Live(Health::Dead(reason)) => Some((instance.clone(), reason.clone())),
                State::Live(Health::Healthy | Health::Booting { .. })
                | State::Busy
                | State::Absent
                | State::Hidden(..)
                | State::Lost(..)
                | State::Perhaps(_) => None,
            })
            .collect();
        dead.sort_by_key(|(instance, _)| !self.occupies(instance));
        let braked = self.braked().is_some();
        for (instance, reason) in dead {
            // What libvirt itself says is down is no silence that could deceive us.
            let held = braked && reason.code != ReasonCode::NotRunning;
            let left = self.hands_off(&instance) || self.stays_dead(&instance);
            let left = left || self.may_be_elsewhere(&instance, &reason);
            if held && !left {
                self.start_what_ended(&instance);
            } else if !left && (self.goes_elsewhere(&instance) || !self.must_pause(&instance)) {
                self.recover(&instance, reason);
            }
        }
    }

    /// Whether it is one more for a while that was tried often enough where it is: it ends, and the next one comes elsewhere.
    fn goes_elsewhere(&self, instance: &InstanceId) -> bool {
        let Some(view) = self.round.views.get(instance) else {
            return false;
        };
        let memory = self.round.memory.guests.get(instance);
        let trials = Trials::of(view.group, memory).zip(view.found);
        let enough = trials.is_some_and(|(trials, found)| {
            trials.is_enough(found.host) && !trials.done_with().is_empty()
        });
        enough && view.group.is_extra(instance.index)
    }

    /// Starts a process that is seen not to run, whatever the brake holds: that ends nothing.
    fn start_what_ended(&mut self, instance: &InstanceId) -> Option<()> {
        let view = self.round.views.get(instance)?;
        let (group, found) = (view.group, view.found?);
        if !self.is_stopped(instance) {
            return None;
        }
        let address = found.mark.address;
        let (config, drift) = self.fitting(instance, group, found.host, address, &AS_IT_IS)?;
        let starts = drift.starts();
        starts.then(|| self.quietly(instance, group, &found, config, drift))?
    }

    /// Whether something stateful that does not run may have been made elsewhere, by another controller that has the majority.
    /// That is said.
    fn may_be_elsewhere(&mut self, instance: &InstanceId, reason: &Reason) -> bool {
        let Round {
            desired,
            observed,
            memory,
            ..
        } = &self.round;
        let group = desired.group_of(instance);
        let stateful = group.is_some_and(|group| group.stateful);
        if !stateful || reason.code != ReasonCode::NotRunning {
            return false;
        }
        let found = self.round.views.get(instance).and_then(|view| view.found);
        let host = found.map(|found| found.host);
        let Some(refusal) = quorum::others_may_have_it(desired, observed, memory, host) else {
            return false;
        };
        self.draft.notices.push(Notice {
            kind: NoticeKind::Blocked,
            subject: instance.to_string(),
            text: format!(
                "{}, and another controller may have made it elsewhere: {}",
                reason.text, refusal.text
            ),
            help: refusal.help,
            line: desired.line_of(instance),
        });
        true
    }

    fn recover(&mut self, instance: &InstanceId, mut reason: Reason) {
        reason.line = self.round.desired.line_of(instance);
        let Some(view) = self.round.views.get(instance) else {
            return;
        };
        let (group, found) = (view.group, view.found);
        if let (Some(found), true) = (found, group.is_extra(instance.index)) {
            // What is there only for a while is no reason to stay where it dies: the next one comes where it is best.
            self.push_destroy(&found, Motive::Heal, reason, &[], None);
            return;
        }
        let place = self.round.place(instance);
        let place = place.filter(|_| !self.is_adopted(instance));
        let leaves = place.and_then(|place| self.relocation(group, place));
        if let (Some(found), Some((_, why))) = (found, leaves) {
            let fails = self.how_it_fails(instance, group, found.host);
            reason.text = format!("{}; {}", reason.text, fails.unwrap_or(why.text));
            self.relocate_dead(instance, &found, reason);
            return;
        }
        let purpose = Purpose {
            motive: Motive::Heal,
            reason,
            needs: Vec::new(),
            interrupts: None,
        };
        self.build(instance, purpose);
    }

    /// How an instance fails on its host, where it leaves because of that.
    fn how_it_fails(&self, instance: &InstanceId, group: &Group, host: &HostId) -> Option<String> {
        let moves = self.round.place(instance)?.moves.as_ref()?;
        let memory = self.round.memory.guests.get(instance);
        let trials = Trials::of(group, memory).filter(|_| moves.cause == Cause::Failing)?;
        Some(trials.words_of(host))
    }

    /// A guest that does not come up however often it is built is built ever more rarely.
    pub(super) fn must_pause(&mut self, instance: &InstanceId) -> bool {
        let memory = self.round.memory.guests.get(instance);
        let (Some(group), Some(place)) = (
            self.round.desired.group_of(instance),
            self.round.place(instance),
        ) else {
            return false;
        };
        let (now, host) = (self.round.observed.now, place.host);
        let Some(trials) = Trials::of(group, memory).filter(|t| t.due(host) > now) else {
            return false;
        };
        let due = trials.due(host);
        let again = span(due.since(now));
        let text = format!("{}: tried again in {again}", trials.words());
        let look = self.look_into(trials.not_built);
        let (kind, text, help) = match trials.is_enough(host) {
            true => (
                NoticeKind::Blocked,
                format!("failed: {text}"),
                format!("{look}; then: reconcile retry {instance}"),
            ),
            false => (NoticeKind::Waiting, text, look),
        };
        self.draft.notices.push(Notice {
            kind,
            subject: instance.to_string(),
            text,
            help: Some(help),
            line: self.round.desired.line_of(instance),
        });
        self.draft.look_again_at(due);
        true
    }

    /// What to do about a guest that does not come up. One that could not even be built has no console.
    fn look_into(&self, not_built: Option<&NotBuilt>) -> String {
        let Some(NotBuilt { host, why }) = not_built else {
            return LOOK_INTO_IT.to_owned();
        };
        let known = self.round.desired.hosts.get(host);
        let full = known.filter(|_| why.to_lowercase().contains(DISK_FULL));
        full.map_or(format!("mend that on host {host}"), |known| {
            let directory = volume_directory(self.round.desired, known);
            format!("free space on the disk of host {host} that {directory} is on")
        })
    }
}
