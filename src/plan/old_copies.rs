//! Older copies of guests, on hosts that came back: they end first of all, but for one that may have a VIP which nobody else can
//! have yet.

use super::Planner;
use super::draft::reason;
use super::inventory::Found;
use super::lost::is_life;
use super::refusal::Refusal;
use crate::model::bug::Bug;
use crate::model::desired::{Group, LoadBalancer};
use crate::model::id::InstanceId;
use crate::model::memory::Holder;
use crate::model::plan::{ActionId, Motive, Notice, NoticeKind, ReasonCode};

impl<'a> Planner<'a> {
    /// Copies of guests that were made elsewhere meanwhile end before anything else, whatever they may still hold.
    pub(super) fn end_old_copies(&mut self) {
        if self.braked().is_some() || Bug::KeepTheOldCopy.is_in() {
            return;
        }
        let busy = &self.round.memory.busy;
        let old: Vec<Found<'a>> = self
            .round
            .inventory
            .all_found()
            .filter(|(_, counts)| !counts)
            .filter(|(found, _)| self.round.inventory.best(&found.mark.instance).is_some())
            .map(|(found, _)| found)
            .collect();
        for found in old {
            if self.hands_off_at(&found.mark.instance, found.host) || self.stays(&found) {
                continue;
            }
            if busy.contains_key(&found.mark.instance) {
                self.gives_way.insert(found.mark.instance.clone());
                continue;
            }
            let why = reason(ReasonCode::Surplus, "it also exists on another host");
            let id = self.push_destroy(&found, Motive::Heal, why, &[], None);
            let copy = (found.mark.instance.clone(), found.host.clone());
            self.old_copies.insert(copy, id);
        }
    }

    /// Whether an older copy is left for now, since it may have a VIP that nobody else can get. That is said.
    fn stays(&mut self, copy: &Found<'_>) -> bool {
        let Some(why) = self.is_needed(copy) else {
            return false;
        };
        self.draft.notices.push(Notice {
            kind: NoticeKind::Waiting,
            subject: copy.mark.instance.to_string(),
            text: format!(
                "an older copy of it on host {} stays for now: {why}",
                copy.host
            ),
            help: None,
            line: self.round.desired.line_of(&copy.mark.instance),
        });
        true
    }

    /// Why an older copy that may have a VIP is not ended yet: nobody else could get it.
    fn is_needed(&self, copy: &Found<'_>) -> Option<String> {
        copy.domain.run?;
        let mut balancers = self.round.desired.load_balancers();
        balancers.find_map(|(group, lb)| {
            let why = self
                .may_have(copy, group, lb)
                .then(|| self.why_nobody_else(group, lb))??;
            Some(format!("it may have {}, and {why}", lb.vip.addr()))
        })
    }

    /// Whether a copy may have a VIP: it had it last; or nobody knows who did, and it is not known to have another one.
    fn may_have(&self, copy: &Found<'_>, group: &Group, lb: &LoadBalancer) -> bool {
        let memory = self.round.memory;
        let mut known = memory
            .holders
            .values()
            .chain(memory.former_holders.values());
        match self.known_holder(group, lb) {
            Some(holder) => is_life(holder, copy.mark),
            None => {
                let is_balancer = copy.mark.instance.group == group.id;
                is_balancer && !known.any(|holder| is_life(holder, copy.mark))
            }
        }
    }

    fn why_nobody_else(&self, group: &'a Group, lb: &'a LoadBalancer) -> Option<String> {
        let mut instances = self.round.views_of(group).map(|(instance, _)| instance);
        if instances.any(|instance| self.has_address(instance, lb.vip.addr())) {
            return None;
        }
        let unseen = self.unseen_holder(group, lb);
        let elsewhere = unseen.or_else(|| self.unknown_copy(group, self.known_holder(group, lb)));
        match (elsewhere, self.next_holder(group, lb)) {
            (Some((other, why)), _) => Some(format!("{other} may have it, too: {}", why.text)),
            (None, None) => Some("nobody else can have it yet".to_owned()),
            (None, Some(_)) => None,
        }
    }

    /// The actions that end copies which do not count any more, of the group and of whoever held its VIP last.
    pub(super) fn ends_of_copies(&self, group: &Group, lb: &LoadBalancer) -> Vec<ActionId> {
        let held = self.known_holder(group, lb).map(|holder| &holder.instance);
        let may = |i: &InstanceId| i.group == group.id || held == Some(i);
        let ends = self.old_copies.iter();
        let ends = ends.filter(|((instance, _), _)| may(instance));
        ends.map(|(_, end)| *end).collect()
    }

    /// A guest that may hold the VIP in a copy that runs, does not count, and is not ended now: nobody looks into that one.
    pub(super) fn older_copy(
        &self,
        group: &Group,
        known: Option<&Holder>,
    ) -> Option<(InstanceId, Refusal)> {
        let inventory = &self.round.inventory;
        let (copy, _) = inventory.all_found().find(|(f, counts)| {
            let held = known.is_some_and(|holder| is_life(holder, f.mark));
            let runs = (f.mark.instance.group == group.id || held) && f.domain.run.is_some();
            let copy = || (f.mark.instance.clone(), f.host.clone());
            let stays = runs && !counts && !self.old_copies.contains_key(&copy());
            stays && known.is_none_or(|holder| is_life(holder, f.mark))
        })?;
        let text = format!("an older copy of it runs on host {}", copy.host);
        let refusal = inventory.refusal(&copy.mark.instance).cloned();
        let refusal = Refusal {
            text,
            ..refusal.unwrap_or_default()
        };
        Some((copy.mark.instance.clone(), refusal))
    }
}
