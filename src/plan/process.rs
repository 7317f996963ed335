//! Processes of living guests that do not run: they are started at once, but not again and again.

use std::time::Duration;

use super::Planner;
use crate::model::desired::Role;
use crate::model::id::InstanceId;
use crate::model::plan::{Notice, NoticeKind};
use crate::model::unit::span;

/// From one start of a process to the next. One that ends again at once is soon missed by its heartbeats, and its guest made
/// anew.
const AGAIN: Duration = Duration::from_secs(5);

impl Planner<'_> {
    /// Whether its process was seen not to run: no heartbeat may be missing yet.
    pub(super) fn is_stopped(&self, instance: &InstanceId) -> bool {
        let group = self.round.desired.group_of(instance);
        let managed = group.is_some_and(|group| match &group.role {
            Role::Service(service) => service.run.is_some(),
            Role::LoadBalancer(_) => true,
        });
        let facts = self.round.facts(instance).filter(|_| managed);
        let daemon = facts.and_then(|facts| facts.daemon.as_ref());
        daemon.is_some_and(|daemon| !daemon.running)
    }

    /// Whether a process that does not run was started a moment ago, and has ended again. That is said.
    pub(super) fn ended_again(&mut self, instance: &InstanceId) -> bool {
        let memory = self.round.memory.guests.get(instance);
        let started = memory.and_then(|memory| memory.started);
        let now = self.round.observed.now;
        let due = started.map(|at| at.plus(AGAIN)).filter(|due| *due > now);
        let Some(due) = due else {
            return false;
        };
        self.draft.look_again_at(due);
        self.draft.notices.push(Notice {
            kind: NoticeKind::Waiting,
            subject: instance.to_string(),
            text: format!(
                "its process ended right after its start: started again in {}",
                span(due.since(now))
            ),
            help: None,
            line: self.round.desired.line_of(instance),
        });
        true
    }
}
