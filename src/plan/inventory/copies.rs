//! Of several copies of an instance, in sight or out of it, the one that counts.

use std::collections::BTreeMap;

use super::{Found, Inventory};
use crate::model::desired::Group;
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::memory::Memory;

impl<'a> Inventory<'a> {
    pub(super) fn settle_best(&mut self) {
        let mut found = std::mem::take(&mut self.found);
        for (instance, copies) in &mut found {
            copies.best = self.choose(instance, &copies.all);
        }
        self.found = found;
    }

    /// The domain that counts: of the life that we built last, then one that runs, then the first host by name. None
    /// does while the life that we built last is out of sight and not given up.
    pub(super) fn choose(&self, instance: &InstanceId, found: &[Found<'a>]) -> Option<usize> {
        let rank = |f: &Found<'a>| (!is_latest(self.memory, f.mark), f.domain.run.is_none());
        let (number, best) = found
            .iter()
            .enumerate()
            .min_by_key(|(_, f)| (rank(f), f.host))?;
        let counts = is_latest(self.memory, best.mark)
            || !(self.awaits_latest(instance) || self.may_run_unseen(instance, best));
        counts.then_some(number)
    }

    /// Whether something stateful that does not run here may run out of sight, on a host that we know or not: where this is
    /// not the life that we built last, we don't know whether it is its last one.
    pub(super) fn may_run_unseen(&self, instance: &InstanceId, found: &Found<'_>) -> bool {
        let copies = self.hidden.get(instance).into_iter().flatten();
        let mut known = copies.filter(|_| !self.memory.busy.contains_key(instance));
        let mut is_open = || known.any(|(host, _)| !self.hosts.has_ended(host));
        let waits = self.is_stateful(instance) && found.domain.run.is_none();
        waits && (self.unknown().is_some() || is_open())
    }

    pub(super) fn sort_copies(&mut self) {
        let memory = self.memory;
        for copies in self.hidden.values_mut() {
            copies.sort_by_key(|(host, mark)| (!is_latest(memory, mark), *host));
        }
    }

    /// The copies out of sight that may be the last life: all of them, where something is stateful and none is the one that
    /// we built last.
    pub fn lives_out_of_sight(
        &self,
        instance: &InstanceId,
        group: &Group,
    ) -> &[(&'a HostId, &'a Mark)] {
        let copies = self.hidden.get(instance).map_or(&[][..], Vec::as_slice);
        let is_known = copies
            .first()
            .is_none_or(|(_, mark)| is_latest(self.memory, mark));
        match is_known || !group.stateful {
            true => &copies[..copies.len().min(1)],
            false => copies,
        }
    }

    /// Earlier lives that count though the one that we built last is there, or may be: that one is given up with its host.
    pub fn adopted(&self) -> BTreeMap<InstanceId, String> {
        let best = self.all_found().filter(|(_, counts)| *counts);
        let older = best.filter_map(|(found, _)| {
            let instance = &found.mark.instance;
            let built = self.memory.guests.get(instance)?.built.as_ref()?;
            let hidden = self.hidden.get(instance).into_iter().flatten();
            let seen = self.found.get(instance).into_iter().flat_map(|c| &c.all);
            let mut lives = hidden.map(|(_, mark)| *mark).chain(seen.map(|f| f.mark));
            let is_older = found.mark.generation != *built;
            let other = is_older && lives.any(|mark| mark.generation == *built);
            other.then(|| (instance.clone(), found.mark.generation.clone()))
        });
        older.collect()
    }

    /// Whether the life that we built last is out of sight, and may go on: what is stateful must have ended for certain.
    pub(super) fn awaits_latest(&self, instance: &InstanceId) -> bool {
        let copies = self.hidden.get(instance).into_iter().flatten();
        let mut latest = copies.filter(|(_, mark)| is_latest(self.memory, mark));
        let stateful = self.is_stateful(instance);
        let lives = |host| {
            self.refusals.contains_key(instance) || (stateful && !self.hosts.has_ended(host))
        };
        latest.any(|(host, _)| lives(host)) && !self.memory.busy.contains_key(instance)
    }
}

/// Whether this is the life of the instance that counts: an older copy does not.
fn is_latest(memory: &Memory, mark: &Mark) -> bool {
    let known = memory.guests.get(&mark.instance);
    known.is_some_and(|m| m.latest() == Some(&mark.generation))
}
