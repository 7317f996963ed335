//! What is desired and does not exist is created; what was begun and interrupted is finished.

use super::Planner;
use super::build::Purpose;
use super::configure::AS_IT_IS;
use super::draft::reason_at;
use super::drift::Drift;
use super::health::{Health, run_of};
use super::inventory::Found;
use super::round::State;
use crate::model::desired::Group;
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Stage;
use crate::model::plan::{ActionId, Motive, Notice, NoticeKind, Reason, ReasonCode};
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
                matches!(view.state, State::Absent | State::Lost(..))
                    && self.round.place(instance).is_some()
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
        let group = view.group;
        if group.lingers(instance.index) {
            return;
        }
        let lost = match view.state {
            State::Lost(host, _) => Some(host),
            _ => None,
        };
        let extra = group.is_extra(instance.index);
        let memory = self.round.memory.guests.get(instance).filter(|_| !extra);
        let (existed, moves) = (memory.is_some(), memory.is_some_and(|m| m.is_moving()));
        let host = self.round.place(instance).map(|place| place.host);
        let paused = host.is_some_and(|host| self.hands_off_at(instance, host));
        if paused || self.is_left_missing(instance, existed && !moves) || self.must_pause(instance)
        {
            return;
        }
        if let Some(host) = lost {
            return self.create_elsewhere(instance, group, host);
        }
        let line = self
            .round
            .desired
            .lines
            .of(&format!("{}.replicas", group.key()));
        let (motive, code, text) = match existed {
            false if extra => (
                Motive::Change,
                ReasonCode::Missing,
                format!(
                    "{}, as long as others are worked on: surge",
                    more(group.extra)
                ),
            ),
            true if moves => (
                Motive::Heal,
                ReasonCode::Misplaced,
                "it was ended to be made anew".to_owned(),
            ),
            true => (
                Motive::Heal,
                ReasonCode::Missing,
                "it existed, and is gone".to_owned(),
            ),
            false => (
                Motive::Change,
                ReasonCode::Missing,
                format!("{} {} desired", group.replicas, plural(group.replicas)),
            ),
        };
        let purpose = Purpose {
            motive,
            reason: reason_at(code, text, line),
            needs: Vec::new(),
            interrupts: None,
        };
        self.build(instance, purpose);
    }

    fn create_elsewhere(&mut self, instance: &InstanceId, group: &'a Group, host: &'a HostId) {
        if let Some((reason, mut needs)) = self.why_lost(instance, group, host) {
            let Some(ends) = self.end_copies_of(instance, &reason) else {
                return;
            };
            needs.extend(ends);
            let purpose = Purpose {
                motive: Motive::Heal,
                reason,
                needs,
                interrupts: None,
            };
            self.build(instance, purpose);
        }
    }

    /// Ends copies of earlier lives that are in sight: their last life is given up, and a new one begins. None where an
    /// order says that one that runs is left alone.
    fn end_copies_of(&mut self, instance: &InstanceId, why: &Reason) -> Option<Vec<ActionId>> {
        let found = self.round.inventory.all_found().map(|(found, _)| found);
        let copies: Vec<Found<'a>> = found.filter(|f| f.mark.instance == *instance).collect();
        let (left, ended): (Vec<_>, Vec<_>) = copies
            .into_iter()
            .partition(|f| self.hands_off_at(instance, f.host));
        let end = |found| self.push_destroy(&found, Motive::Heal, why.clone(), &[], None);
        let runs = left.iter().any(|f| f.domain.run.is_some());
        (!runs).then(|| ended.into_iter().map(end).collect())
    }

    /// Whether an order says that a missing instance is not made, or, where it is `gone`, not made again.
    fn is_left_missing(&mut self, instance: &InstanceId, gone: bool) -> bool {
        self.hands_off(instance) || (gone && self.stays_dead(instance))
    }

    /// Guests that run and were never set up: a controller was interrupted, or they still boot.
    pub(super) fn finish_started(&mut self) {
        let mut booting: Vec<InstanceId> = self
            .round
            .views
            .iter()
            .filter(|(instance, view)| {
                matches!(view.state, State::Live(Health::Booting { .. }))
                    && !self.planned.contains_key(*instance)
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
        if self.hands_off(instance) {
            return None;
        }
        if let Some(reason) = self.outdated(instance, group, &found) {
            let purpose = Purpose {
                motive: Motive::Change,
                reason,
                needs: Vec::new(),
                interrupts: None,
            };
            return self.build(instance, purpose).map(|_| ());
        }
        if mark.stage == Stage::Bootstrap {
            self.bootstrap(
                instance,
                group,
                &host,
                &mark,
                (Motive::Heal, Self::unfinished_bootstrap()),
            )?;
        }
        let seen = self.fitting(instance, group, &host, mark.address, &AS_IT_IS);
        match seen {
            Some((_, drift)) if drift.is_none() => self.await_heartbeat(instance),
            Some((config, drift)) => {
                let why = self.why_set_up(instance, group, &drift);
                self.set_up(instance, group, (&host, &mark), (config, drift), why);
            }
            None => {
                let text =
                    "it runs, and gives no heartbeat yet: it is set up as soon as it lets us in";
                let why = (Motive::Heal, reason_at(ReasonCode::Unfinished, text, None));
                self.configure_fresh(instance, group, &host, &mark, why);
            }
        }
        Some(())
    }

    /// Why a guest that we built, and that was not healthy yet, is not waited for: the file asks for another machine by
    /// now. Of a life that we do not remember from its beginning, nobody can say that.
    fn outdated(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        found: &Found<'_>,
    ) -> Option<Reason> {
        let memory = self.round.memory.guests.get(instance)?;
        let built_by_us = memory.built.as_ref() == Some(&found.mark.generation);
        let never_healthy = built_by_us && memory.run == run_of(found);
        if !never_healthy || self.is_adopted(instance) {
            return None;
        }
        self.machine_change(group, found)
    }

    fn why_set_up(&self, instance: &InstanceId, group: &Group, drift: &Drift) -> (Motive, Reason) {
        let is_fresh = self
            .round
            .facts(instance)
            .is_some_and(|f| f.daemon.is_none());
        match self.drift_motive(instance) {
            _ if is_fresh => (Motive::Heal, self.fresh_reason()),
            _ if drift.changes.is_empty() => {
                (Motive::Heal, self.drift_reason(group, drift, Motive::Heal))
            }
            motive => (motive, self.drift_reason(group, drift, motive)),
        }
    }

    fn await_heartbeat(&mut self, instance: &InstanceId) {
        let Some(view) = self.round.views.get(instance) else {
            return;
        };
        let State::Live(Health::Booting { left }) = view.state else {
            return;
        };
        self.awaited.insert(instance.clone());
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
}

fn more(number: u32) -> String {
    match number {
        1 => "one more".to_owned(),
        number => format!("{number} more"),
    }
}

fn plural(n: u32) -> &'static str {
    if n == 1 {
        "instance is"
    } else {
        "instances are"
    }
}
