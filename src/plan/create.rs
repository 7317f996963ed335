//! What is desired and does not exist is created; what was begun and interrupted is finished.

use super::Planner;
use super::build::Purpose;
use super::draft::reason_at;
use super::health::Health;
use super::round::State;
use crate::model::id::{DomainName, InstanceId};
use crate::model::mark::Stage;
use crate::model::plan::{Motive, Notice, NoticeKind, ReasonCode};
use crate::model::unit::span;

impl Planner<'_> {
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
            after: Vec::new(),
            interrupts: None,
        };
        self.build(instance, purpose);
    }

    /// Guests that run and were never set up: a controller was interrupted, or they still boot.
    pub(super) fn finish_started(&mut self) {
        let booting: Vec<InstanceId> = self
            .round
            .views
            .iter()
            .filter(|(instance, view)| {
                matches!(view.state, State::Live(Health::Booting { .. }))
                    && !self.last.contains_key(*instance)
            })
            .map(|(instance, _)| instance.clone())
            .collect();
        for instance in booting {
            self.finish(&instance);
        }
    }

    fn finish(&mut self, instance: &InstanceId) -> Option<()> {
        let view = self.round.views.get(instance)?;
        let (group, found) = (view.group, view.found?);
        let (host, mark) = (found.host.clone(), found.mark.clone());
        let mut needs = Vec::new();
        if mark.stage == Stage::Bootstrap {
            let mac = self.mac_of(instance, group, &host)?;
            let domain = DomainName::new(&self.round.desired.cluster, instance);
            let why = reason_at(
                ReasonCode::Unfinished,
                "it still has the bootstrap address of its image",
                None,
            );
            let id = self.bootstrap(
                instance,
                group,
                &host,
                &mark,
                &mac,
                domain,
                Vec::new(),
                (Motive::Heal, why),
            )?;
            self.last.insert(instance.clone(), id);
            needs.push(id);
        } else if self.is_set_up(instance, group, &host, mark.address) {
            self.await_heartbeat(instance);
            return None;
        }
        self.configure_fresh(
            instance,
            group,
            &host,
            &mark,
            needs,
            self.drift_motive(instance),
        );
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
        group: &crate::model::desired::Group,
        host: &crate::model::id::HostId,
        address: std::net::Ipv4Addr,
    ) -> bool {
        let Some(group) = self.round.desired.groups.get(&group.id) else {
            return false;
        };
        let Some(config) = self.config_of(instance, group, host, address) else {
            return false;
        };
        self.drift_of(instance, &config)
            .is_some_and(|d| d.is_none())
    }
}

fn plural(n: u32) -> &'static str {
    if n == 1 {
        "instance is"
    } else {
        "instances are"
    }
}
