//! Instances that don't come up where they are: after enough trials they are tried on other hosts, best first.

use super::board::{GroupNo, HostNo};
use super::turn::Turn;
use super::{Cause, Placer};
use crate::model::facts::Observed;
use crate::model::id::InstanceId;
use crate::model::memory::{GuestMemory, Memory};
use crate::plan::health::{Health, classify};
use crate::plan::inventory::{Found, Whereabouts};
use crate::plan::trials::Trials;

impl<'a> Placer<'a, '_> {
    /// Finds those that were tried often enough on some host. Those that are dead there leave it.
    pub(super) fn find_failing(&mut self, observed: &Observed, memory: &'a Memory) {
        let tried = memory.guests.iter().filter(|(_, g)| !g.trials.is_empty());
        for (instance, guest) in tried {
            let Some(group) = self.board.group_no(&instance.group) else {
                continue;
            };
            let side = &self.board.groups[group];
            let done_with = Trials::of(side.group, Some(guest)).map(|t| t.done_with());
            let done_with = done_with.filter(|hosts| !hosts.is_empty());
            let pinned = side.rules.pin_of(instance.index).is_some();
            let stays = pinned || (side.group.stateful && self.has_a_disk(instance));
            let Some(hosts) = done_with.filter(|_| !stays) else {
                continue;
            };
            let hosts = hosts.into_iter().filter_map(|h| self.board.host_no(h));
            let key = (group, instance.index);
            self.board.tried.insert(key, hosts.collect());
            self.leave_dead(group, instance, guest, observed);
        }
    }

    /// Whether an instance is somewhere, or may be. One that could not even be built where it should go has no disk there.
    fn has_a_disk(&self, instance: &InstanceId) -> bool {
        match self.inventory.whereabouts(instance) {
            Whereabouts::On(_) | Whereabouts::Hidden { .. } | Whereabouts::Perhaps { .. } => true,
            Whereabouts::Lost { .. } | Whereabouts::Nowhere => false,
        }
    }

    fn leave_dead(
        &mut self,
        group: GroupNo,
        instance: &InstanceId,
        guest: &GuestMemory,
        observed: &Observed,
    ) -> Option<()> {
        let Whereabouts::On(found) = self.inventory.whereabouts(instance) else {
            return None;
        };
        let at = self.board.host_no(found.host)?;
        let tried = self.board.tried.get(&(group, instance.index))?;
        let dead = self.is_dead(group, &found, guest, observed);
        let mut all = self.existing[group].iter();
        let number = all.position(|e| e.index == instance.index)?;
        let existing = &self.existing[group][number];
        if !tried.contains(&at) || !dead || !existing.movable || existing.leaves.is_some() {
            return None;
        }
        let text = format!("it does not come up on host {}", existing.host);
        self.must_leave(group, number, Cause::Failing, text);
        Some(())
    }

    fn is_dead(
        &self,
        group: GroupNo,
        found: &Found<'a>,
        guest: &GuestMemory,
        observed: &Observed,
    ) -> bool {
        let beat = observed.beat_of(found.mark);
        let group = self.board.groups[group].group;
        let health = classify(group, found, beat, Some(guest), observed.now);
        matches!(health, Health::Dead(_))
    }

    /// The best host on which an instance was not tried often enough yet.
    pub(super) fn best_untried(&self, turn: &Turn<'a>, index: u32) -> Option<HostNo> {
        let hosts = 0..self.board.hosts.len();
        let fit = hosts.filter_map(|host| self.acceptable(turn.group, index, Some(host)));
        fit.min_by_key(|host| (turn.score(&self.board, *host), *host))
    }
}
