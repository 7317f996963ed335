//! VIPs that another group had before: a load balancer that gave its VIP to another one, or that left the file. Whoever
//! has the VIP still loses it before the next one gets it.

use std::net::Ipv4Addr;

use super::Planner;
use super::draft::{Step, reason, reason_at};
use super::inventory::Found;
use super::lost::is_life;
use super::refusal::Refusal;
use super::vip::vip_move;
use crate::model::action::{Operation, VipMove};
use crate::model::desired::{Group, LoadBalancer, Role};
use crate::model::id::InstanceId;
use crate::model::memory::Holder;
use crate::model::plan::{ActionId, Motive, ReasonCode};

impl<'a> Planner<'a> {
    /// Guests that are not desired any more and hold the VIP, or may.
    pub(super) fn former_holders(&self, group: &Group, lb: &LoadBalancer) -> Vec<Found<'a>> {
        let known = self.known_holder(group, lb);
        let gone = |i: &InstanceId| !self.round.desired.groups.contains_key(&i.group);
        let same_group_unseen = |i: &InstanceId| {
            i.group == group.id
                && !self.round.views.contains_key(i)
                && self.round.facts(i).is_none()
        };
        let found = self
            .round
            .inventory
            .all_found()
            .map(|(f, _)| f)
            .filter(|f| f.domain.run.is_some());
        found
            .filter(|f| gone(&f.mark.instance) || same_group_unseen(&f.mark.instance))
            .filter(|f| match known {
                Some(holder) => is_life(holder, f.mark),
                None => !self.knows_life(f),
            })
            .collect()
    }

    /// A guest of another load balancer that had the VIP before, and can't be told to give it up.
    pub(super) fn holder_of_before(
        &self,
        group: &Group,
        lb: &LoadBalancer,
    ) -> Option<(InstanceId, Refusal)> {
        let Some(holder) = self.known_holder(group, lb) else {
            return self.unlooked_balancer(group);
        };
        let instance = &holder.instance;
        // It may be one that is not desired any more.
        let life = self.life_of(holder).filter(|f| f.domain.run.is_some());
        let stays = life.is_some_and(|life| self.end_of(life.mark).is_none());
        let wanted = self.round.desired.groups.contains_key(&instance.group);
        let left = self.round.left_by(instance);
        let left = left.map(|left| format!("it {}", left.words()));
        let text = match self.round.facts(instance) {
            _ if instance.group == group.id || !stays || !wanted => return None,
            None => "it can't be looked into".to_owned(),
            Some(_) if self.round.memory.busy.contains_key(instance) && left.is_none() => {
                "it is worked on".to_owned()
            }
            Some(_) => left?,
        };
        let refusal = Refusal {
            text,
            ..Refusal::default()
        };
        Some((instance.clone(), refusal))
    }

    /// The life that held a VIP, where it is in sight.
    fn life_of(&self, holder: &Holder) -> Option<Found<'a>> {
        let mut found = self.round.inventory.all_found().map(|(found, _)| found);
        found.find(|found| is_life(holder, found.mark))
    }

    /// Where nobody knows who had a VIP: a guest of another load balancer that can't be looked into, and whose life we don't know.
    fn unlooked_balancer(&self, group: &Group) -> Option<(InstanceId, Refusal)> {
        let found = self.round.inventory.all_found().map(|(found, _)| found);
        let mut others = found.filter(|f| {
            let other = self.round.desired.group_of(&f.mark.instance);
            let balances =
                other.is_some_and(|g| g.id != group.id && matches!(g.role, Role::LoadBalancer(_)));
            balances && f.domain.run.is_some() && self.round.facts(&f.mark.instance).is_none()
        });
        let found = others.find(|found| !self.knows_life(found))?;
        let refusal = Refusal {
            text: "it can't be looked into".to_owned(),
            ..Refusal::default()
        };
        Some((found.mark.instance.clone(), refusal))
    }

    /// Whoever had the VIP before, and is none of its load balancer: those that are gone from the file end first, and one of
    /// another load balancer gives it up.
    pub(super) fn take_from_former(
        &mut self,
        next: &InstanceId,
        group: &'a Group,
        lb: &LoadBalancer,
    ) -> Vec<ActionId> {
        let mut needs = self.fence_former(next, group, lb);
        needs.extend(self.take_from_other(next, group, lb));
        needs
    }

    fn take_from_other(
        &mut self,
        next: &InstanceId,
        group: &'a Group,
        lb: &LoadBalancer,
    ) -> Option<ActionId> {
        let known = self.known_holder(group, lb)?;
        let holder = &known.instance;
        let other = self.round.desired.group_of(holder)?;
        let Role::LoadBalancer(others) = &other.role else {
            return None;
        };
        if other.id == group.id {
            return None;
        }
        // It loses what it has with its old life.
        let end = self.life_of(known).and_then(|life| self.end_of(life.mark));
        if end.is_some() || !self.has_address(holder, lb.vip.addr()) {
            return end;
        }
        let gone = VipMove {
            vip: lb.vip,
            ..vip_move(self.guest_now(holder, other)?, other, others, Some(lb.port))
        };
        let line = self.round.desired.lines.of(&format!("{}.vip", group.key()));
        let text = format!("it is the VIP of {} now", group.id);
        let why = reason_at(ReasonCode::VipStale, text, line);
        let summary = format!("{} off {holder}", lb.vip.addr());
        let step = Step::change(Operation::DropVip(gone), summary, why)
            .needs(self.last.get(next).copied())
            .after(self.last.get(holder).copied());
        let id = self.draft.push(step);
        self.last.insert(holder.clone(), id);
        Some(id)
    }

    /// A VIP that a guest has and that is one of another load balancer now.
    pub(super) fn vip_of_another(&self, instance: &InstanceId, group: &Group) -> Option<Ipv4Addr> {
        let others = self.round.desired.load_balancers();
        let mut vips = others
            .filter(|(other, _)| other.id != group.id && other.replicas > 0)
            .map(|(_, lb)| lb.vip.addr());
        vips.find(|vip| self.has_address(instance, *vip))
    }

    /// Guests of groups that are gone from the file may hold the VIP still: they end first.
    fn fence_former(
        &mut self,
        next: &InstanceId,
        group: &'a Group,
        lb: &LoadBalancer,
    ) -> Vec<ActionId> {
        let former: Vec<Found<'a>> = self.former_holders(group, lb);
        let ready = self.last.get(next).copied();
        let fence = |found: Found<'a>| {
            let text = format!(
                "it holds or may hold {}, and is not desired any more",
                lb.vip.addr()
            );
            let id = self.push_fence(&found, Motive::Change, reason(ReasonCode::FenceFirst, text));
            // Not before there is somebody to take over.
            if let (Some(action), Some(ready)) = (self.draft.actions.last_mut(), ready) {
                action.needs.insert(ready);
            }
            id
        };
        former.into_iter().map(fence).collect()
    }

    /// Whether this plan takes a VIP from it already.
    pub(super) fn loses(&self, instance: &InstanceId, vip: Ipv4Addr) -> bool {
        let mut actions = self.draft.actions.iter();
        actions.any(|a| match &a.operation {
            Operation::DropVip(gone) => gone.guest.instance == *instance && gone.vip.addr() == vip,
            _ => false,
        })
    }
}
