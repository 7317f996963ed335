//! What is in hand and can't succeed any more is broken off: it would keep its guest from being made anew.

use super::Watch;
use crate::model::action::Operation;
use crate::model::facts::{HostFacts, Observed, Seen};
use crate::model::id::{HostId, InstanceId};
use crate::model::plan::Plan;

impl Watch {
    /// Whether something is in hand that is about an instance.
    pub(super) fn is_busy(&self, instance: &InstanceId) -> bool {
        self.session.watcher.memory.busy.contains_key(instance)
    }

    /// Whether an instance is only waited for, so that its end is not our own doing.
    pub(super) fn awaits(&self, instance: &InstanceId) -> bool {
        let mut in_hand = self.runner.operations();
        in_hand.any(|operation| {
            matches!(operation, Operation::Configure(_)) && operation.instance() == Some(instance)
        })
    }

    /// Breaks off what waits for a host that is lost, or for a guest that has ended.
    pub(super) fn break_off_what_is_in_vain(&mut self, plan: &Plan, observed: &Observed) {
        let is_lost = |host: &HostId| plan.hosts.get(host).is_some_and(|host| host.is_lost());
        self.runner.break_off("its host is lost", |operation, _| {
            let from_afar = matches!(operation, Operation::FenceHost(_));
            !from_afar && is_lost(operation.host())
        });
        self.runner.break_off(
            "an older copy of it is back, and ends first",
            |operation, _| {
                let waits = matches!(operation, Operation::Configure(_));
                let instance = operation.instance();
                waits && instance.is_some_and(|instance| plan.gives_way.contains(instance))
            },
        );
        // A look that began before may have seen the guest before it was started.
        self.runner
            .break_off("its domain stopped", |operation, since| {
                since < observed.now && waits_for_the_dead(operation, observed)
            });
    }
}

/// Whether an operation waits until a guest serves whose domain does not run.
fn waits_for_the_dead(operation: &Operation, observed: &Observed) -> bool {
    let Operation::Configure(configure) = operation else {
        return false;
    };
    let host = observed.hosts.get(&configure.guest.host);
    let Some(HostFacts { domains, .. }) = host.and_then(Seen::facts) else {
        return false;
    };
    let generation = Some(&configure.guest.generation);
    domains.iter().any(|domain| {
        let life = domain.mark.as_ref().map(|mark| &mark.generation);
        life == generation && domain.run.is_none()
    })
}
