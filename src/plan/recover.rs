//! Healing: a dead guest is destroyed and made anew, with the same address.

use std::time::Duration;

use super::Planner;
use super::build::Purpose;
use super::health::Health;
use super::round::State;
use crate::model::id::InstanceId;
use crate::model::plan::{Motive, Notice, NoticeKind, Reason, ReasonCode};
use crate::model::unit::span;

/// The pause after the first rebuild that brought no health; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// The longest pause between two rebuilds.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

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
            if !held && !left && !self.must_pause(&instance) {
                self.recover(&instance, reason);
            }
        }
    }

    fn recover(&mut self, instance: &InstanceId, mut reason: Reason) {
        reason.line = self.round.desired.line_of(instance);
        let found = self.round.views.get(instance).and_then(|view| view.found);
        let leaves = self.relocation(instance).is_some();
        if let Some(found) = found.filter(|_| leaves) {
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

    /// A guest that does not come up however often it is rebuilt is rebuilt ever more rarely.
    fn must_pause(&mut self, instance: &InstanceId) -> bool {
        let Some(memory) = self.round.memory.guests.get(instance) else {
            return false;
        };
        let (Some(last), attempts) = (memory.last_attempt, memory.attempts) else {
            return false;
        };
        // Another state of the file may be the remedy.
        if attempts == 0 || memory.tried.as_ref() != Some(&self.round.desired.revision) {
            return false;
        }
        let pause = pause_after(attempts);
        let passed = self.round.observed.now.since(last);
        if passed >= pause {
            return false;
        }
        let line = self.round.desired.line_of(instance);
        self.draft.notices.push(Notice {
            kind: NoticeKind::Waiting,
            subject: instance.to_string(),
            text: format!(
                "rebuilt {attempts} times and never healthy: tried again in {}",
                span(pause - passed)
            ),
            help: Some(
                "look at its console and its service: virsh console, `run`, `heartbeat`".to_owned(),
            ),
            line,
        });
        true
    }
}

/// The pause after this many rebuilds in a row without health.
pub fn pause_after(attempts: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(
        1u32.checked_shl(attempts.saturating_sub(1))
            .unwrap_or(u32::MAX),
    );
    doubled.min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_ten_minutes() {
        let pauses: Vec<u64> = [1, 2, 3, 7, 40].map(|n| pause_after(n).as_secs()).to_vec();
        assert_eq!(pauses, [10, 20, 40, 600, 600]);
    }
}
