//! Hosts whose pool became too small for those who are there: some of those that it left go to other hosts.

use std::collections::BTreeMap;

use super::board::{GroupNo, HostNo};
use super::{Cause, Existing, Placer};

impl Placer<'_, '_> {
    /// Finds those for whom no address will ever be free where they are: the stateless ones leave, from the highest number
    /// on. Where others only have to give their addresses back first, nobody leaves.
    pub(super) fn find_unaddressed(&mut self) {
        let mut strangers: BTreeMap<HostNo, Vec<(GroupNo, usize)>> = BTreeMap::new();
        for (host, who) in self.strangers() {
            strangers.entry(host).or_default().push(who);
        }
        if strangers.is_empty() {
            return;
        }
        let there = self.stay_on_hosts();
        for (host, strangers) in strangers {
            let id = &self.board.hosts[host].host.id;
            let text = format!("no address of the pool of host {id} is left for it");
            let room = usize::try_from(self.addresses.room(id)).unwrap_or(usize::MAX);
            let too_many = there[host].saturating_sub(room);
            for (group, number) in strangers.into_iter().rev().take(too_many) {
                self.must_leave(group, number, Cause::Unaddressed, text.clone());
            }
        }
    }

    /// Those that may be moved, and whose address is none of their host's pool any more, with their hosts; stateful ones are
    /// not among them.
    fn strangers(&self) -> impl Iterator<Item = (HostNo, (GroupNo, usize))> + '_ {
        let groups = self.existing.iter().enumerate();
        let groups = groups.filter(|(group, _)| !self.board.groups[*group].group.stateful);
        groups.flat_map(move |(group, existing)| {
            let own = existing.iter().enumerate();
            own.filter_map(move |(number, e)| Some((self.strange_to(e)?, (group, number))))
        })
    }

    /// The host of one that may be moved and is a stranger there.
    fn strange_to(&self, existing: &Existing<'_>) -> Option<HostNo> {
        let at = existing
            .at
            .filter(|_| existing.movable && existing.leaves.is_none())?;
        let room = &self.board.hosts[at];
        let strange = room.is_seen() && !room.host.pool.contains(existing.mark.address);
        strange.then_some(at)
    }

    /// How many do not leave, by host.
    fn stay_on_hosts(&self) -> Vec<usize> {
        let mut there = vec![0; self.board.hosts.len()];
        let staying = self.existing.iter().flatten();
        let staying = staying.filter(|existing| existing.leaves.is_none());
        staying
            .filter_map(|existing| existing.at)
            .for_each(|at| there[at] += 1);
        there
    }
}
