//! VIPs whose holder is dead, or that more than one guest holds: put right first of all, since users notice nothing
//! more than this. An old holder gives a VIP up or is fenced before another one gets it.

use super::Planner;
use super::draft::{Step, reason, reason_at};
use super::health::Health;
use super::hold::Hold;
use super::inventory::Found;
use super::round::State;
use super::vip::vip_move;
use crate::model::action::{Leaves, Operation, Removal};
use crate::model::desired::{Group, LoadBalancer};
use crate::model::id::InstanceId;
use crate::model::plan::{ActionId, Motive, Reason, ReasonCode};

/// What is the matter with a guest that was seen to hold a VIP.
enum Holder {
    /// It serves.
    Well,
    /// It is dead.
    Dead,
    /// It gives no heartbeat yet, or not any more; it lets us in.
    Unwell,
    /// It is not desired any more; whether it serves is not asked.
    Surplus,
}

impl<'a> Planner<'a> {
    /// Takes every VIP from a dead holder to a living guest.
    pub(super) fn fail_over_vips(&mut self) {
        for (group, lb) in self.round.desired.load_balancers() {
            let holders = self.holders_seen(group, lb);
            let of = |kind: fn(&Holder) -> bool| {
                holders
                    .iter()
                    .filter(move |(_, h)| kind(h))
                    .map(|(i, _)| i.clone())
                    .collect::<Vec<_>>()
            };
            let well = of(|h| matches!(h, Holder::Well));
            let dead = of(|h| matches!(h, Holder::Dead));
            let unwell = of(|h| matches!(h, Holder::Unwell));
            let surplus = of(|h| matches!(h, Holder::Surplus));
            match well.first().or(surplus.first()).cloned() {
                Some(holder) => {
                    self.keep_one(&holder, holders.into_iter().map(|(i, _)| i), group, lb)
                }
                None => self.fail_over(dead, unwell, group, lb),
            }
        }
    }

    /// Guests that were seen to hold the VIP; the one that held it before is first.
    fn holders_seen(&self, group: &Group, lb: &LoadBalancer) -> Vec<(InstanceId, Holder)> {
        let known = self.known_holder(group, lb).map(|h| &h.instance);
        let holds = |i: &&InstanceId| self.has_address(i, lb.vip.addr());
        let seen = self
            .round
            .observed
            .guests
            .keys()
            .filter(|i| i.group == group.id);
        let mut holders: Vec<&InstanceId> = seen.filter(holds).collect();
        holders.sort_by_key(|i| known != Some(*i));
        holders
            .into_iter()
            .filter_map(|i| Some((i.clone(), self.holder(i)?)))
            .collect()
    }

    fn holder(&self, instance: &InstanceId) -> Option<Holder> {
        match self.round.views.get(instance).map(|v| &v.state) {
            None => Some(Holder::Surplus),
            Some(State::Live(Health::Healthy)) => Some(Holder::Well),
            Some(State::Live(Health::Dead(_))) => Some(Holder::Dead),
            Some(State::Live(Health::Booting { .. })) => Some(Holder::Unwell),
            Some(
                State::Busy
                | State::Absent
                | State::Hidden(..)
                | State::Lost(..)
                | State::Perhaps(_),
            ) => None,
        }
    }

    /// One keeps the VIP, all others lose it.
    fn keep_one(
        &mut self,
        holder: &InstanceId,
        all: impl Iterator<Item = InstanceId>,
        group: &'a Group,
        lb: &'a LoadBalancer,
    ) {
        self.holders.insert(group.id.clone(), holder.clone());
        let why = reason(ReasonCode::VipDoubled, format!("{holder} holds it too"));
        for other in all.filter(|i| i != holder) {
            match self.fence(&other, group, lb) {
                Some(_) => {}
                None => drop(self.take_vip(&other, group, lb, why.clone())),
            }
        }
    }

    fn take_vip(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        lb: &LoadBalancer,
        why: Reason,
    ) -> Option<ActionId> {
        let guest = self.guest_now(instance, group)?;
        if self.hands_off(instance) {
            return None;
        }
        let operation = Operation::DropVip(vip_move(guest, group, lb, None));
        let summary = format!("{} off {instance}", lb.vip.addr());
        let step = Step::heal(operation, summary, why).after(self.last.get(instance).copied());
        let id = self.draft.push(step);
        self.last.insert(instance.clone(), id);
        Some(id)
    }

    /// Nobody who serves holds the VIP.
    fn fail_over(
        &mut self,
        dead: Vec<InstanceId>,
        unwell: Vec<InstanceId>,
        group: &'a Group,
        lb: &'a LoadBalancer,
    ) {
        // Who is dead and lets us in only seems to be so, while the brake holds.
        let spared = self.braked().is_some() && !dead.is_empty();
        let lost: Vec<InstanceId> = dead.into_iter().chain(self.fenceable(group, lb)).collect();
        let may_hold: Vec<&InstanceId> = unwell.iter().chain(&lost).collect();
        if self.vip_stays(group, lb, &may_hold) || spared {
            let holder = may_hold.first().map(|holder| (*holder).clone());
            self.holders
                .extend(holder.map(|holder| (group.id.clone(), holder)));
            return;
        }
        let fences: Vec<ActionId> = lost
            .iter()
            .filter_map(|i| self.fence(i, group, lb))
            .collect();
        let next = self
            .next_holder(group, lb)
            .filter(|_| fences.len() == lost.len());
        let next = next.filter(|_| self.why_not_yet(group, lb, None).is_none());
        let hosts = match next {
            Some(_) => self.fence_hosts_of(group, lb),
            None => Vec::new(),
        };
        let Some(next) = next else {
            // Better a holder that perhaps does not serve than none: it may only be slow.
            self.holders.extend(
                unwell
                    .into_iter()
                    .next()
                    .map(|holder| (group.id.clone(), holder)),
            );
            return;
        };
        let why = reason(
            ReasonCode::VipUnheld,
            format!("it gives no heartbeat, and {next} does"),
        );
        let drops: Vec<ActionId> = unwell
            .iter()
            .filter_map(|i| self.take_vip(i, group, lb, why.clone()))
            .collect();
        if drops.len() < unwell.len() {
            return;
        }
        let text = match lost.first().or(unwell.first()) {
            Some(old) => format!("its holder {old} does not serve any more"),
            None if !hosts.is_empty() => "the host of its holder is lost".to_owned(),
            None => self.why_unheld(group, lb),
        };
        let motive = match lost.is_empty() && unwell.is_empty() {
            true => self.vip_motive(group, lb),
            false => Motive::Heal,
        };
        self.lead_there_first(&next, group, lb);
        let former = self.take_from_former(&next, group, lb);
        let needs = fences
            .into_iter()
            .chain(drops)
            .chain(former)
            .chain(hosts)
            .collect();
        let id = self.add_vip(
            &next,
            group,
            lb,
            (motive, ReasonCode::VipUnheld, text),
            needs,
        );
        // Users wait for the VIP, nobody waits for the rest.
        for instance in lost {
            self.last.extend(id.map(|id| (instance, id)));
        }
    }

    fn fenceable(&self, group: &'a Group, lb: &'a LoadBalancer) -> Vec<InstanceId> {
        let views = self.round.views_of(group);
        views
            .filter(|(_, view)| matches!(view.state, State::Live(Health::Dead(_))))
            .filter(|(i, _)| self.hold(i, group, lb) == Hold::Fenceable)
            .map(|(i, _)| i.clone())
            .collect()
    }

    /// Makes sure that a dead guest does not hold the VIP any more; not while the brake holds, for it may live.
    fn fence(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        lb: &LoadBalancer,
    ) -> Option<ActionId> {
        let view = self.round.views.get(instance)?;
        let State::Live(Health::Dead(dead)) = &view.state else {
            return None;
        };
        let found = view.found?;
        let text = format!("it holds or may hold {}, and {}", lb.vip.addr(), dead.text);
        if self.braked().is_some() || self.hands_off(instance) || self.stays_dead(instance) {
            return None;
        }
        let line = self.round.desired.lines.of(&group.key());
        Some(self.push_fence(
            &found,
            Motive::Heal,
            reason_at(ReasonCode::FenceFirst, text, line),
        ))
    }

    /// Adds the action.
    pub(super) fn push_fence(
        &mut self,
        found: &Found<'_>,
        motive: Motive,
        why: Reason,
    ) -> ActionId {
        let instance = &found.mark.instance;
        let operation = Operation::Fence(Removal {
            host: found.host.clone(),
            instance: instance.clone(),
            domain: found.domain_name(),
            uuid: found.domain.uuid.clone(),
            generation: found.mark.generation.clone(),
            volumes: Vec::new(),
            kept: None,
            leaves: Leaves::ItsDomain,
        });
        let step = Step::new(
            motive,
            operation,
            format!("{instance} on host {}", found.host),
            why,
        )
        .after(self.last.get(instance).copied());
        let id = self.draft.push(step);
        self.last.insert(instance.clone(), id);
        id
    }
}
