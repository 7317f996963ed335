//! What waits while nothing can be written down, not even that the memory on the disk is not true any more.

use std::collections::BTreeSet;

use super::Session;
use super::keeper::Trouble;
use crate::model::action::Operation;
use crate::model::desired::Desired;
use crate::model::plan::{Action, ActionId, Notice, NoticeKind, Plan};

const HELP: &str = "make room on the disk of the controller, or let it be written to; nothing has to be started anew";

impl Session {
    /// From now on, the work goes on when memory and history can't be written.
    pub fn endure(&mut self) {
        self.keeper.endure();
    }

    /// Why memory and history can't be written, while that is so.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.keeper.trouble()
    }

    /// A plan is about to be carried out: it says that memory can't be written, and what has to wait for that waits.
    pub fn heed_trouble(&mut self, plan: &mut Plan) {
        let Some(trouble) = self.keeper.trouble() else {
            return;
        };
        tell(plan, trouble);
        if !plan.actions.is_empty() && self.keeper.set_aside().is_err() {
            hold(plan, &self.watcher.desired);
        }
    }
}

/// Whether whoever comes later has to know of an operation: by an old memory, it would start a second one of what must not be
/// twice.
pub(super) fn must_be_kept(operation: &Operation, desired: &Desired) -> bool {
    let single = |group| desired.is_single(group);
    match operation.instance() {
        // Of a group that is not desired any more, nobody knows.
        Some(instance) => desired.group_of(instance).is_none_or(single),
        None => matches!(operation, Operation::FenceHost(_)),
    }
}

/// A plan says that nothing can be written.
pub(super) fn tell(plan: &mut Plan, trouble: &Trouble) {
    plan.notices.push(Notice {
        kind: NoticeKind::Warning,
        subject: "memory and history".to_owned(),
        text: format!(
            "can't be written: {}: since {}",
            trouble.why,
            trouble.since.to_short()
        ),
        help: Some(HELP.to_owned()),
        line: None,
    });
}

/// Takes out of a plan what must be kept, with all that hangs together with it: half of that may be worse than nothing.
pub(super) fn hold(plan: &mut Plan, desired: &Desired) {
    let held = held(&plan.actions, desired);
    if held.is_empty() {
        return;
    }
    plan.actions.retain(|action| !held.contains(&action.id));
    plan.notices.push(Notice {
        kind: NoticeKind::Waiting,
        subject: "what must not be twice".to_owned(),
        text: format!(
            "it waits until memory can be written, else a controller that starts later could start it a second time: {} of \
             the plan's actions",
            held.len()
        ),
        help: Some(HELP.to_owned()),
        line: None,
    });
}

fn held(actions: &[Action], desired: &Desired) -> BTreeSet<ActionId> {
    let kept = actions
        .iter()
        .filter(|action| must_be_kept(&action.operation, desired));
    let mut held: BTreeSet<ActionId> = kept.map(|action| action.id).collect();
    loop {
        let before = held.len();
        for action in actions {
            let others = || action.needs.iter().chain(&action.after);
            if held.contains(&action.id) {
                held.extend(others().copied());
            } else if others().any(|other| held.contains(other)) {
                held.insert(action.id);
            }
        }
        if held.len() == before {
            return held;
        }
    }
}
