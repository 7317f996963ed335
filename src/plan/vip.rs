//! Who holds a VIP. It is never on two guests: an old holder gives it up or is fenced before another one gets it.

use super::Planner;
use super::draft::{Step, reason, reason_at};
use super::health::Health;
use super::machine::volumes;
use super::round::State;
use crate::model::action::{GuestRef, Operation, Removal, VipMove};
use crate::model::desired::{Group, LoadBalancer};
use crate::model::facts::{Answer, DomainState};
use crate::model::id::{DomainName, InstanceId};
use crate::model::mark::Mark;
use crate::model::plan::{ActionId, Motive, Notice, NoticeKind, ReasonCode};

/// Whether a guest may hold a VIP.
#[derive(Debug, PartialEq)]
enum Hold {
    /// It was seen to hold it.
    Yes,
    /// It was seen not to, or it does not run.
    No,
    /// It can't be looked into; it is dead, so it may be fenced.
    Fenceable,
    /// It can't be looked into, and it may live.
    Perhaps(String),
}

impl<'a> Planner<'a> {
    /// Takes every VIP from a dead holder to a living guest: first of all, since users notice nothing more than this.
    pub(super) fn fail_over_vips(&mut self) {
        for (group, lb) in self.round.desired.load_balancers() {
            let holders: Vec<InstanceId> = self.holders_seen(group, lb);
            let (good, bad): (Vec<_>, Vec<_>) =
                holders.into_iter().partition(|i| self.is_healthy(i));
            if let Some(holder) = good.first() {
                self.holders.insert(group.id.clone(), holder.clone());
            }
            for surplus in good.iter().skip(1) {
                self.take_from_double(surplus, group, lb);
            }
            let dead: Vec<InstanceId> = match good.is_empty() {
                true => bad.into_iter().chain(self.fenceable(group, lb)).collect(),
                false => bad,
            };
            if !dead.is_empty() {
                self.fail_over(group, lb, &dead);
            }
        }
    }

    fn holders_seen(&self, group: &Group, lb: &LoadBalancer) -> Vec<InstanceId> {
        let seen = self.round.observed.guests.iter();
        seen.filter(|(i, _)| i.group == group.id)
            .filter(|(_, s)| {
                s.facts()
                    .is_some_and(|f| f.addresses.iter().any(|a| a.address == lb.vip.addr()))
            })
            .map(|(i, _)| i.clone())
            .collect()
    }

    fn is_healthy(&self, instance: &InstanceId) -> bool {
        let view = self.round.views.get(instance);
        view.is_some_and(|v| v.state == State::Live(Health::Healthy))
    }

    fn fenceable(&self, group: &Group, lb: &LoadBalancer) -> Vec<InstanceId> {
        let views = self.round.views_of(group);
        views
            .filter(|(i, _)| self.hold(i, group, lb) == Hold::Fenceable)
            .map(|(i, _)| i.clone())
            .collect()
    }

    fn hold(&self, instance: &InstanceId, group: &Group, lb: &LoadBalancer) -> Hold {
        let Some(view) = self.round.views.get(instance) else {
            return Hold::No;
        };
        let off = view
            .found
            .is_some_and(|f| f.domain.state == DomainState::Off);
        if off || view.state == State::Absent {
            return Hold::No;
        }
        if let Some(facts) = self.round.facts(instance) {
            let holds = facts.addresses.iter().any(|a| a.address == lb.vip.addr());
            return if holds { Hold::Yes } else { Hold::No };
        }
        // Only we hand out VIPs: a guest that did not have it when we last knew does not have it now.
        let known = self.round.memory.holders.get(&group.id);
        if known.is_some_and(|h| h.instance != *instance) {
            return Hold::No;
        }
        match &view.state {
            State::Live(Health::Dead(_)) => Hold::Fenceable,
            State::Live(Health::Healthy | Health::Booting { .. }) => {
                Hold::Perhaps("can't be looked into".to_owned())
            }
            State::Hidden(host, _) | State::Perhaps(host) => {
                Hold::Perhaps(format!("host {host} can't be seen"))
            }
            State::Busy => Hold::Perhaps("an action is at work on it".to_owned()),
            State::Absent => Hold::No,
        }
    }

    fn take_from_double(&mut self, instance: &InstanceId, group: &'a Group, lb: &LoadBalancer) {
        let Some(guest) = self.guest_now(instance, group) else {
            return;
        };
        let operation = Operation::DropVip(vip_move(guest, group, lb, None));
        let summary = format!("{} off {instance}", lb.vip.addr());
        let why = reason(ReasonCode::VipDoubled, "another guest holds it too");
        let id = self.draft.push(Step::heal(operation, summary, why));
        self.last.insert(instance.clone(), id);
    }

    fn fail_over(&mut self, group: &'a Group, lb: &LoadBalancer, dead: &[InstanceId]) {
        let fences: Vec<ActionId> = dead
            .iter()
            .filter_map(|i| self.fence(i, group, lb))
            .collect();
        if fences.len() < dead.len() || self.holders.contains_key(&group.id) {
            return;
        }
        let Some(next) = self.next_holder(group) else {
            return;
        };
        let text = format!(
            "its holder {} is dead",
            dead.first().map(ToString::to_string).unwrap_or_default()
        );
        let id = self.add_vip(
            &next,
            group,
            lb,
            Motive::Heal,
            ReasonCode::VipUnheld,
            text,
            fences,
        );
        for instance in dead {
            self.last.extend(id.map(|id| (instance.clone(), id)));
        }
    }

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
        let line = self.round.desired.lines.of(&group.key());
        let operation = Operation::Fence(Removal {
            host: found.host.clone(),
            instance: instance.clone(),
            domain: DomainName::new(&self.round.desired.cluster, instance),
            uuid: found.domain.uuid.clone(),
            generation: found.mark.generation.clone(),
            volumes: Vec::new(),
        });
        let summary = format!("{instance} on host {}", found.host);
        let step = Step::heal(
            operation,
            summary,
            reason_at(ReasonCode::FenceFirst, text, line),
        );
        let id = self.draft.push(step);
        self.last.insert(instance.clone(), id);
        Some(id)
    }

    /// A living, configured guest that can take the VIP now.
    fn next_holder(&self, group: &Group) -> Option<InstanceId> {
        let mut views = self.round.views_of(group);
        views
            .find(|(i, _)| self.is_healthy(i) && self.round.facts(i).is_some())
            .map(|(i, _)| i.clone())
    }

    #[allow(clippy::too_many_arguments)] // the parts of one sentence: who, what, why, after what
    fn add_vip(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        lb: &LoadBalancer,
        motive: Motive,
        code: ReasonCode,
        text: String,
        needs: Vec<ActionId>,
    ) -> Option<ActionId> {
        let guest = self.guest_now(instance, group)?;
        let line = self.round.desired.lines.of(&format!("{}.vip", group.key()));
        let summary = format!("{} to {instance} on host {}", lb.vip.addr(), guest.host);
        let operation = Operation::AddVip(vip_move(guest, group, lb, None));
        let step = Step::new(motive, operation, summary, reason_at(code, text, line))
            .needs(needs)
            .needs(self.last.get(instance).copied());
        let id = self.draft.push(step);
        self.last.insert(instance.clone(), id);
        self.holders.insert(group.id.clone(), instance.clone());
        Some(id)
    }

    /// How a guest is reached at this point of the plan.
    fn guest_now(&self, instance: &InstanceId, group: &Group) -> Option<GuestRef> {
        let seen = || {
            let (found, _) = self
                .round
                .inventory
                .all_found()
                .find(|(f, _)| f.mark.instance == *instance)?;
            Some((found.host.clone(), found.mark.clone()))
        };
        let (host, mark): (_, Mark) = self.present_mark(instance).or_else(seen)?;
        Some(self.round.guest_ref(group, &host, &mark))
    }

    /// Before the holder is worked on, another guest takes the VIP over, at a moment without open connections.
    pub(super) fn hand_over_vip(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        lb: &LoadBalancer,
        needs: &[ActionId],
    ) -> Vec<ActionId> {
        if self.holders.get(&group.id) != Some(instance) {
            return Vec::new();
        }
        let other = self
            .round
            .views_of(group)
            .map(|(i, _)| i.clone())
            .find(|i| {
                i != instance
                    && (self.planned.contains_key(i)
                        || (self.is_healthy(i) && self.round.facts(i).is_some()))
            });
        let (Some(other), Some(guest)) = (other, self.guest_now(instance, group)) else {
            return Vec::new();
        };
        let text = format!("{instance} is worked on next");
        let operation = Operation::DropVip(vip_move(guest, group, lb, Some(lb.port)));
        let summary = format!("{} off {instance}", lb.vip.addr());
        let mut needs = needs.to_vec();
        needs.extend(self.last.get(&other).copied());
        let step = Step::change(
            operation,
            summary,
            reason(ReasonCode::HolderChanges, text.clone()),
        )
        .needs(needs);
        let drop = self.draft.push(step);
        let add = self.add_vip(
            &other,
            group,
            lb,
            Motive::Change,
            ReasonCode::HolderChanges,
            text,
            vec![drop],
        );
        add.into_iter().collect()
    }

    /// Gives a VIP that nobody holds to a guest, and takes away those that are not desired any more.
    pub(super) fn settle_vips(&mut self) {
        for (group, lb) in self.round.desired.load_balancers() {
            match self.holders.get(&group.id).cloned() {
                None => self.give_vip(group, lb),
                Some(holder) => self.restore_after_rebuild(&holder, group, lb),
            }
            self.drop_stale(group, lb);
        }
    }

    fn give_vip(&mut self, group: &'a Group, lb: &LoadBalancer) {
        let line = self.round.desired.lines.of(&format!("{}.vip", group.key()));
        let subject = format!("VIP {}", lb.vip.addr());
        if let Some(notice) = self.why_not_yet(group, lb, &subject, line) {
            self.draft.notices.push(notice);
            return;
        }
        let fresh = || {
            self.round
                .views_of(group)
                .map(|(i, _)| i)
                .find(|i| self.planned.contains_key(*i))
                .cloned()
        };
        let Some(next) = self.next_holder(group).or_else(fresh) else {
            if group.replicas > 0 {
                let text = "no load balancer lives that could hold it".to_owned();
                self.draft.notices.push(Notice {
                    kind: NoticeKind::Waiting,
                    subject,
                    text,
                    help: None,
                    line,
                });
            }
            return;
        };
        let known = self.round.memory.holders.contains_key(&group.id);
        let motive = if known { Motive::Heal } else { Motive::Change };
        self.add_vip(
            &next,
            group,
            lb,
            motive,
            ReasonCode::VipUnheld,
            "nobody holds it".to_owned(),
            Vec::new(),
        );
    }

    fn why_not_yet(
        &self,
        group: &Group,
        lb: &LoadBalancer,
        subject: &str,
        line: Option<u32>,
    ) -> Option<Notice> {
        let vip = lb.vip.addr();
        if let Some(Answer::Taken { mac }) = self.round.observed.probed.get(&vip) {
            return Some(Notice {
                kind: NoticeKind::Blocked,
                subject: subject.to_owned(),
                text: format!(
                    "{mac} answers for it, and is none of our guests that were seen to hold it"
                ),
                help: Some("give that machine another address, or choose another VIP".to_owned()),
                line,
            });
        }
        let perhaps =
            self.round
                .views_of(group)
                .find_map(|(i, _)| match self.hold(i, group, lb) {
                    Hold::Perhaps(why) if !self.planned.contains_key(i) => Some((i, why)),
                    Hold::Perhaps(_) | Hold::Yes | Hold::No | Hold::Fenceable => None,
                })?;
        let busy = self.round.memory.busy.contains_key(perhaps.0);
        Some(Notice {
            kind: if busy {
                NoticeKind::Waiting
            } else {
                NoticeKind::Unknown
            },
            subject: subject.to_owned(),
            text: format!("{} may hold it: {}", perhaps.0, perhaps.1),
            help: Some("it is not given to another guest before that is known".to_owned()),
            line,
        })
    }

    /// A holder that is rebuilt in this plan loses the VIP with its old life.
    fn restore_after_rebuild(&mut self, holder: &InstanceId, group: &'a Group, lb: &LoadBalancer) {
        let mut rebuilt = false;
        for action in self
            .draft
            .actions
            .iter()
            .filter(|a| a.operation.instance() == Some(holder))
        {
            match action.operation {
                Operation::Recreate(_) => rebuilt = true,
                Operation::AddVip(_) => rebuilt = false,
                _ => {}
            }
        }
        if rebuilt {
            let text = "its holder was rebuilt".to_owned();
            self.add_vip(
                holder,
                group,
                lb,
                Motive::Change,
                ReasonCode::VipUnheld,
                text,
                Vec::new(),
            );
        }
    }

    fn drop_stale(&mut self, group: &'a Group, lb: &LoadBalancer) {
        let stale: Vec<(InstanceId, crate::model::facts::GuestAddress)> = self
            .round
            .observed
            .guests
            .iter()
            .filter(|(i, _)| i.group == group.id && self.is_healthy(i))
            .filter_map(|(i, s)| Some((i, s.facts()?)))
            .flat_map(|(i, f)| f.addresses.iter().map(move |a| (i.clone(), a.clone())))
            .filter(|(_, a)| a.vip && a.address != lb.vip.addr())
            .collect();
        for (instance, address) in stale {
            let Some(guest) = self.guest_now(&instance, group) else {
                continue;
            };
            let Ok(old) = ipnet::Ipv4Net::new(address.address, address.prefix) else {
                continue;
            };
            let mut gone = vip_move(guest, group, lb, Some(lb.port));
            gone.vip = old;
            let line = self.round.desired.lines.of(&format!("{}.vip", group.key()));
            let why = reason_at(
                ReasonCode::VipStale,
                format!("the VIP is {} now", lb.vip.addr()),
                line,
            );
            let summary = format!("{} off {instance}", address.address);
            let needs = self.holder_action(group);
            let step = Step::change(Operation::DropVip(gone), summary, why)
                .needs(needs)
                .after(self.last.get(&instance).copied());
            let id = self.draft.push(step);
            self.last.insert(instance, id);
        }
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
    pub(super) fn volumes_of(
        &self,
        instance: &InstanceId,
        host: &crate::model::id::HostId,
    ) -> Vec<String> {
        let host = self.round.desired.hosts.get(host);
        host.map(|h| volumes(self.round.desired, h, instance))
            .unwrap_or_default()
    }
}

fn vip_move(guest: GuestRef, group: &Group, lb: &LoadBalancer, quiet_port: Option<u16>) -> VipMove {
    VipMove {
        guest,
        balancer: group.id.clone(),
        vip: lb.vip,
        quiet_port,
    }
}
