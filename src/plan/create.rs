//! What is desired and does not exist is created; what was begun and interrupted is finished.

use std::net::Ipv4Addr;

use super::Planner;
use super::build::Purpose;
use super::configure::AS_IT_IS;
use super::draft::reason_at;
use super::health::Health;
use super::round::State;
use crate::model::desired::Group;
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Stage;
use crate::model::plan::{Motive, Notice, NoticeKind, ReasonCode};
use crate::model::unit::span;

impl<'a> Planner<'a> {
    /// Creates missing instances: services first, so that the load balancers' first files name them.
    pub(super) fn create_missing(&mut self) {
        let is_balancer = |i: &InstanceId| !self.is_service(i);
        let mut missing: Vec<InstanceId> = self
            .round
            .views
            .iter()
            .filter(|(instance, view)| {
                view.state == State::Absent && self.round.place(instance).is_some()
            })
            .map(|(instance, _)| instance.clone())
            .collect();
        missing.sort_by_key(is_balancer);
        for instance in missing {
            self.create(&instance);
        }
    }

    fn create(&mut self, instance: &InstanceId) {
        let Some(view) = self.round.views.get(instance) else {
            return;
        };
        let existed = self.round.memory.guests.contains_key(instance);
        let key = format!("{}.replicas", view.group.key());
        let line = self.round.desired.lines.of(&key);
        let (motive, text) = match existed {
            true => (Motive::Heal, "it existed, and is gone".to_owned()),
            false => (
                Motive::Change,
                format!(
                    "{} {} desired",
                    view.group.replicas,
                    plural(view.group.replicas)
                ),
            ),
        };
        let purpose = Purpose {
            motive,
            reason: reason_at(ReasonCode::Missing, text, line),
            needs: Vec::new(),
            interrupts: None,
        };
        self.build(instance, purpose);
    }

    /// Guests that run and were never set up: a controller was interrupted, or they still boot.
    pub(super) fn finish_started(&mut self) {
        let mut booting: Vec<InstanceId> = self
            .round
            .views
            .iter()
            .filter(|(instance, view)| {
                matches!(view.state, State::Live(Health::Booting { .. }))
                    && !self.last.contains_key(*instance)
            })
            .map(|(instance, _)| instance.clone())
            .collect();
        booting.sort_by_key(|i| !self.is_service(i));
        for instance in booting {
            self.finish(&instance);
        }
    }

    pub(super) fn finish(&mut self, instance: &InstanceId) -> Option<()> {
        let view = self.round.views.get(instance)?;
        let (group, found) = (view.group, view.found?);
        let (host, mark) = (found.host.clone(), found.mark.clone());
        if mark.stage == Stage::Bootstrap {
            self.bootstrap(
                instance,
                group,
                &host,
                &mark,
                (Motive::Heal, Self::unfinished_bootstrap()),
            )?;
        } else if self.is_set_up(instance, group, &host, mark.address) {
            self.await_heartbeat(instance);
            return None;
        }
        let reason = match self.round.facts(instance) {
            Some(_) => self.fresh_reason(),
            None => {
                let text =
                    "it runs, and gives no heartbeat yet: it is set up as soon as it lets us in";
                reason_at(ReasonCode::Unfinished, text, None)
            }
        };
        self.configure_fresh(instance, group, &host, &mark, Motive::Heal, reason);
        Some(())
    }

    fn await_heartbeat(&mut self, instance: &InstanceId) {
        let Some(view) = self.round.views.get(instance) else {
            return;
        };
        let State::Live(Health::Booting { left }) = view.state else {
            return;
        };
        self.draft.notices.push(Notice {
            kind: NoticeKind::Waiting,
            subject: instance.to_string(),
            text: format!(
                "it is set up; its first heartbeat has {} left to come",
                span(left)
            ),
            help: None,
            line: None,
        });
    }

    fn is_set_up(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        host: &HostId,
        address: Ipv4Addr,
    ) -> bool {
        self.fitting(instance, group, host, address, &AS_IT_IS)
            .is_some_and(|(_, drift)| drift.is_none())
    }
}

fn plural(n: u32) -> &'static str {
    if n == 1 {
        "instance is"
    } else {
        "instances are"
    }
}
