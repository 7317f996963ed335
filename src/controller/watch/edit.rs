//! Another state of the file comes into force.

use std::sync::Arc;

use tracing::info;

use super::Watch;
use crate::execute::Hands;
use crate::model::action::Operation;
use crate::model::desired::Desired;

impl Watch {
    /// Another state of the file than the `former` one is in force from now on, with these hands. What is in hand goes on, but
    /// for waiting until a guest serves that shall not be so any more: a mistake is taken back at once.
    pub(super) fn follow(&mut self, former: &Desired, mut hands: Hands) {
        hands.permit = self.claims.permit().clone();
        let desired = Arc::clone(&self.session.watcher.desired);
        info!(
            revision = %desired.revision, commit = desired.commit.as_ref().map(|c| c.id.short()), "the file changed"
        );
        self.progress = Arc::clone(&hands.progress);
        self.runner.break_off("the file changed", |operation, _| {
            let configures = matches!(operation, Operation::Configure(_));
            configures && is_outdated(operation, former, &desired)
        });
        self.reach_hosts(hands);
        self.let_go_unseen(former);
    }
}

/// Whether the guest of an operation is desired otherwise now, or not any more.
fn is_outdated(operation: &Operation, former: &Desired, desired: &Desired) -> bool {
    operation.instance().is_some_and(|instance| {
        let group = desired.group_of(instance);
        let stays = group.is_some_and(|group| instance.index <= group.replicas);
        !stays || group != former.group_of(instance)
    })
}
