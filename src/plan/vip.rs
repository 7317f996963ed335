//! Who holds a VIP, once the failures are dealt with: it is handed over before its holder is worked on, given where
//! nobody has it, and taken away where it is not desired any more. It is never on two guests.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::Planner;
use super::configure::AS_IT_IS;
use super::draft::{Step, reason_at};
use super::machine::volumes;
use super::round::State;
use crate::model::action::{GuestRef, Operation, VipMove};
use crate::model::bug::Bug;
use crate::model::desired::{Group, LoadBalancer};
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::plan::{ActionId, Motive, Notice, NoticeKind, ReasonCode};

impl<'a> Planner<'a> {
    /// Adds the action.
    pub(super) fn add_vip(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        lb: &LoadBalancer,
        (motive, code, text): (Motive, ReasonCode, String),
        needs: Vec<ActionId>,
    ) -> Option<ActionId> {
        let guest = self.guest_now(instance, group)?;
        let line = self.round.desired.lines.of(&format!("{}.vip", group.key()));
        let summary = format!("{} to {instance} on host {}", lb.vip.addr(), guest.host);
        let operation = Operation::AddVip(vip_move(guest, group, lb, None));
        let step = Step::new(motive, operation, summary, reason_at(code, text, line))
            .needs(needs)
            .needs(self.ends_of_copies(group, lb))
            .needs(self.last.get(instance).copied());
        let id = self.draft.push(step);
        self.last.insert(instance.clone(), id);
        self.holders.insert(group.id.clone(), instance.clone());
        Some(id)
    }

    /// How a guest is reached at this point of the plan.
    pub(super) fn guest_now(&self, instance: &InstanceId, group: &Group) -> Option<GuestRef> {
        let seen = || {
            let (found, _) = self
                .round
                .inventory
                .all_found()
                .find(|(f, _)| f.mark.instance == *instance)?;
            Some((found.host.clone(), found.mark.clone()))
        };
        let (host, mark) = self.present_mark(instance).or_else(seen)?;
        Some(self.round.guest_ref(group, &host, &mark))
    }

    /// Before the holder is worked on or goes, another guest takes the VIP over, at a moment without open connections.
    pub(super) fn hand_over_vip(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        lb: &LoadBalancer,
        needs: &[ActionId],
    ) -> Vec<ActionId> {
        if self.holders.get(&group.id) != Some(instance) || self.hands_off(instance) {
            return Vec::new();
        }
        let other = self.heir(instance, group);
        let (Some(other), Some(guest)) = (other, self.guest_now(instance, group)) else {
            return Vec::new();
        };
        let text = match self.round.views.contains_key(instance) {
            true => format!("{instance} is worked on next"),
            false => format!("{instance} goes next"),
        };
        let line = self.round.desired.lines.of(&group.key());
        let operation = Operation::DropVip(vip_move(guest, group, lb, Some(lb.port)));
        let summary = format!("{} off {instance}", lb.vip.addr());
        let why = reason_at(ReasonCode::HolderChanges, text.clone(), line);
        let step = Step::change(operation, summary, why)
            .needs(needs.iter().copied())
            .needs(self.last.get(&other).copied())
            .after(self.last.get(instance).copied())
            .interrupts(Some(self.vip_gap(group, lb)));
        let drop = self.draft.push(step);
        self.last.insert(instance.clone(), drop);
        let add = self.add_vip(
            &other,
            group,
            lb,
            (Motive::Change, ReasonCode::HolderChanges, text),
            Some(drop)
                .into_iter()
                .filter(|_| !Bug::AddTheVipFirst.is_in())
                .collect(),
        );
        add.into_iter().collect()
    }

    /// Gives a VIP that nobody holds to a guest, and takes away those that are not desired any more.
    pub(super) fn settle_vips(&mut self) {
        for (group, lb) in self.round.desired.load_balancers() {
            match self.holders.get(&group.id).cloned() {
                None => self.give_vip(group, lb),
                Some(holder) if !self.round.views.contains_key(&holder) => {
                    self.hand_over_vip(&holder, group, lb, &[]);
                }
                Some(holder) => self.restore_after_rebuild(&holder, group, lb),
            }
            // Until the new one is held, the old one is better than none.
            if self.holders.contains_key(&group.id) {
                self.drop_stale(group, lb);
            }
        }
    }

    fn give_vip(&mut self, group: &'a Group, lb: &'a LoadBalancer) {
        if self.vip_stays(group, lb, &[]) {
            return;
        }
        let likely = self.likely_holder(group, lb);
        if let Some(notice) = self.why_not_yet(group, lb, likely.as_ref()) {
            // A holder that is only reloaded has it still; so has one that is only out of sight.
            let known = self.known_holder(group, lb).map(|holder| &holder.instance);
            let holds = known.is_some_and(|i| self.serves_meanwhile(i) || self.is_heard(i));
            self.draft.notices.extend(Some(notice).filter(|_| !holds));
            return;
        }
        let fresh = || {
            self.round
                .views_of(group)
                .map(|(i, _)| i)
                .find(|i| self.planned.contains_key(*i))
                .cloned()
        };
        let Some(next) = likely
            .or_else(|| self.next_holder(group, lb))
            .or_else(fresh)
        else {
            let notice = self.nobody_to_hold(group, lb);
            self.draft.notices.extend(notice);
            return;
        };
        self.lead_there_first(&next, group, lb);
        let mut fences = self.take_from_former(&next, group, lb);
        fences.extend(self.fence_hosts_of(group, lb));
        let motive = self.vip_motive(group, lb);
        let why = self.why_unheld(group, lb);
        self.add_vip(
            &next,
            group,
            lb,
            (motive, ReasonCode::VipUnheld, why),
            fences,
        );
    }

    /// A guest that takes a VIP over from another load balancer has its routes before.
    pub(super) fn lead_there_first(
        &mut self,
        next: &InstanceId,
        group: &'a Group,
        lb: &LoadBalancer,
    ) {
        let known = self.known_holder(group, lb);
        let from_other = known.is_some_and(|holder| holder.instance.group != group.id);
        if !from_other || self.planned.contains_key(next) {
            return;
        }
        let line = self.round.desired.lines.of(&group.key());
        let text = format!("it gets {} next", lb.vip.addr());
        let why = reason_at(ReasonCode::RoutesChanged, text, line);
        self.rotate_one(next, group, (Motive::Change, why), &[], &AS_IT_IS);
    }

    fn nobody_to_hold(&self, group: &'a Group, lb: &LoadBalancer) -> Option<Notice> {
        let (kind, text, help) = match (self.comes(group), self.heard_out_of_reach(group)) {
            (true, _) => (
                NoticeKind::Waiting,
                "no load balancer can take it at this moment".to_owned(),
                None,
            ),
            (false, None) => (
                NoticeKind::Blocked,
                "no load balancer lives that could hold it".to_owned(),
                None,
            ),
            (false, Some((heir, host))) => (
                NoticeKind::Blocked,
                format!("{heir} lives and could hold it, but host {host} can't be worked on"),
                Some(format!(
                    "look at host {host}: restart libvirt, which ends no guest, or mend the way there"
                )),
            ),
        };
        (group.replicas > 0).then(|| Notice {
            kind,
            subject: format!("VIP {}", lb.vip.addr()),
            text,
            help,
            line: self.round.desired.lines.of(&format!("{}.vip", group.key())),
        })
    }

    /// Whether some instance of a group lives, is worked on, or is expected back.
    pub(super) fn comes(&self, group: &Group) -> bool {
        let mut views = self.round.views_of(group);
        views.any(|(instance, view)| match view.state {
            State::Busy | State::Live(_) => true,
            State::Hidden(..) => {
                let refusal = self.round.inventory.refusal(instance);
                refusal.is_some_and(|refusal| refusal.kind() == NoticeKind::Waiting)
            }
            State::Absent | State::Lost(..) | State::Perhaps(_) => {
                self.planned.contains_key(instance) || self.is_told_to_wait(instance)
            }
        })
    }

    fn is_told_to_wait(&self, instance: &InstanceId) -> bool {
        let name = instance.to_string();
        let mut notices = self.draft.notices.iter();
        notices.any(|notice| notice.kind == NoticeKind::Waiting && notice.subject == name)
    }

    /// A holder that is rebuilt in this plan loses the VIP with its old life.
    fn restore_after_rebuild(&mut self, holder: &InstanceId, group: &'a Group, lb: &LoadBalancer) {
        let mut rebuilt = None;
        for action in self
            .draft
            .actions
            .iter()
            .filter(|a| a.operation.instance() == Some(holder))
        {
            match action.operation {
                Operation::Create(_) | Operation::Recreate(_) => rebuilt = Some(action.motive),
                Operation::AddVip(_) => rebuilt = None,
                _ => {}
            }
        }
        if let Some(motive) = rebuilt {
            let text = "its holder was rebuilt".to_owned();
            self.add_vip(
                holder,
                group,
                lb,
                (motive, ReasonCode::VipUnheld, text),
                Vec::new(),
            );
        }
    }

    fn drop_stale(&mut self, group: &'a Group, lb: &LoadBalancer) {
        let stale: Vec<(InstanceId, Ipv4Net)> = self
            .round
            .observed
            .guests
            .iter()
            .filter(|(i, _)| i.group == group.id)
            .filter_map(|(i, s)| Some((i, s.facts()?)))
            .flat_map(|(i, f)| f.addresses.iter().map(move |a| (i, a)))
            .filter(|(_, a)| a.vip && a.address != lb.vip.addr() && !self.waits_for_heir(a.address))
            .filter_map(|(i, a)| Some((i.clone(), Ipv4Net::new(a.address, a.prefix).ok()?)))
            .filter(|(i, old)| !self.ends(i) && !self.loses(i, old.addr()))
            .collect();
        for (instance, old) in stale {
            self.drop_one(&instance, old, group, lb);
        }
    }

    /// Whether a VIP is that of another load balancer now, and nobody of that one can take it over yet.
    fn waits_for_heir(&self, vip: Ipv4Addr) -> bool {
        let mut wanted = self.round.desired.load_balancers();
        wanted.any(|(group, lb)| lb.vip.addr() == vip && self.lacks_holder(group))
    }

    /// Whether nobody of a load balancer that is wanted has its VIP at this point of the plan.
    pub(super) fn lacks_holder(&self, group: &Group) -> bool {
        group.replicas > 0 && !self.holders.contains_key(&group.id)
    }

    fn ends(&self, instance: &InstanceId) -> bool {
        let found = self.round.inventory.best(instance);
        found.is_some_and(|found| self.end_of(found.mark).is_some())
    }

    /// What ends this life in this plan, first. The end of another copy says nothing of it.
    pub(super) fn end_of(&self, mark: &Mark) -> Option<ActionId> {
        let mut actions = self.draft.actions.iter();
        let end = actions.find(|action| match &action.operation {
            Operation::Recreate(build) => {
                build.mark.instance == mark.instance
                    && build.replaces.as_ref() == Some(&mark.generation)
            }
            Operation::Fence(removal) | Operation::Destroy(removal) => {
                (&removal.instance, &removal.generation) == (&mark.instance, &mark.generation)
            }
            _ => false,
        });
        end.map(|action| action.id)
    }

    fn drop_one(
        &mut self,
        instance: &InstanceId,
        old: Ipv4Net,
        group: &'a Group,
        lb: &LoadBalancer,
    ) {
        let Some(guest) = self.guest_now(instance, group) else {
            return;
        };
        if self.hands_off(instance) {
            return;
        }
        let gone = VipMove {
            vip: old,
            ..vip_move(guest, group, lb, Some(lb.port))
        };
        let line = self.round.desired.lines.of(&format!("{}.vip", group.key()));
        let why = reason_at(
            ReasonCode::VipStale,
            format!("the VIP is {} now", lb.vip.addr()),
            line,
        );
        let summary = format!("{} off {instance}", old.addr());
        let step = Step::change(Operation::DropVip(gone), summary, why)
            .needs(self.holder_action(group))
            .after(self.last.get(instance).copied());
        let id = self.draft.push(step);
        self.last.insert(instance.clone(), id);
    }

    fn holder_action(&self, group: &Group) -> Option<ActionId> {
        let holder = self.holders.get(&group.id)?;
        self.draft
            .actions
            .iter()
            .rev()
            .find(|a| {
                matches!(a.operation, Operation::AddVip(_))
                    && a.operation.instance() == Some(holder)
            })
            .map(|a| a.id)
    }

    /// The files of an instance on its host, for its removal.
    pub(super) fn volumes_of(&self, instance: &InstanceId, host: &HostId) -> Vec<String> {
        let host = self.round.desired.hosts.get(host);
        host.map(|h| volumes(self.round.desired, h, instance))
            .unwrap_or_default()
    }
}

/// A VIP that comes to a guest, or leaves it.
pub(super) fn vip_move(
    guest: GuestRef,
    group: &Group,
    lb: &LoadBalancer,
    quiet_port: Option<u16>,
) -> VipMove {
    VipMove {
        guest,
        balancer: group.id.clone(),
        vip: lb.vip,
        quiet_port,
    }
}
