//! What an action waits for, and why it comes after that. Pure: read off what the two are about.

use serde::Serialize;

use crate::model::action::Operation;
use crate::model::desired::{Desired, Role};
use crate::model::plan::{Action, ActionId, Plan};

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// The action.
    pub id: ActionId,
    /// What must have become of it.
    pub must: Must,
    /// Why in that order.
    pub why: String,
}

/// What must have become of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Must {
    /// It must have succeeded.
    Succeed,
    /// It must have ended, however.
    End,
}

impl Wait {
    /// `after 1 succeeded: its image must be there`
    pub fn sentence(&self) -> String {
        let must = match self.must {
            Must::Succeed => "succeeded",
            Must::End => "ended",
        };
        format!("after {} {must}: {}", self.id, self.why)
    }
}

/// All that an action waits for.
pub(super) fn of(action: &Action, plan: &Plan, desired: &Desired) -> Vec<Wait> {
    let needs = action.needs.iter().map(|id| (*id, Must::Succeed));
    let after = action.after.iter().map(|id| (*id, Must::End));
    let waits = needs.chain(after).filter_map(|(id, must)| {
        let earlier = plan.actions.iter().find(|other| other.id == id)?;
        let why = order(&earlier.operation, &action.operation, desired);
        Some(Wait { id, must, why })
    });
    waits.collect()
}

/// Why one comes before the other.
fn order(first: &Operation, then: &Operation, desired: &Desired) -> String {
    let same = first.instance().filter(|one| Some(*one) == then.instance());
    if let Some(instance) = same {
        return match (first, then) {
            (Operation::Create(_) | Operation::Recreate(_), _) => "it must be there".to_owned(),
            (Operation::Bootstrap(_) | Operation::Rebind(_), _) => {
                "it must have its address".to_owned()
            }
            (Operation::Configure(_), Operation::AddVip(_)) => {
                "it must serve before it gets requests".to_owned()
            }
            (Operation::DropVip(_), _) => "requests must go elsewhere".to_owned(),
            (_, _) => format!("one thing at a time is done to {instance}"),
        };
    }
    match (first, then) {
        (Operation::CopyImage(_), _) => "its image must be there".to_owned(),
        (Operation::FenceHost(fence), _) => {
            format!("nothing may run on host {} any more", fence.host)
        }
        (Operation::AddVip(vip), _) => format!("{} must be in safe hands", vip.vip.addr()),
        (_, Operation::AddVip(vip))
            if first.ends_a_life() || matches!(first, Operation::DropVip(_)) =>
        {
            format!("nobody else may have {}", vip.vip.addr())
        }
        (_, Operation::AddVip(vip)) => format!("who gets {} must serve", vip.vip.addr()),
        (_, Operation::DropVip(vip)) => format!("who gets {} next must serve", vip.vip.addr()),
        (Operation::Configure(told), _) if is_balancer(first, desired) => {
            format!(
                "{} must lead requests elsewhere before",
                told.guest.instance
            )
        }
        (_, Operation::Configure(_)) if is_balancer(then, desired) => {
            "requests are led there only once it serves".to_owned()
        }
        (_, _) => "what takes something out of service is done one after the other".to_owned(),
    }
}

fn is_balancer(operation: &Operation, desired: &Desired) -> bool {
    let group = operation
        .instance()
        .and_then(|instance| desired.group_of(instance));
    group.is_some_and(|group| matches!(group.role, Role::LoadBalancer(_)))
}
