//! What operators' orders forbid to a plan.

use super::laws::{ensure, outline};
use crate::model::action::Operation;
use crate::model::id::GroupId;
use crate::model::orders::Scope;
use crate::model::plan::{Motive, Plan, ReasonCode};
use crate::model::targets::Subject;

/// No action touches what is paused, and none fails over while that is disarmed. Only a VIP that was taken from its
/// holder for another guest is still given.
pub fn plan_obeys_orders(plan: &Plan) -> Result<(), String> {
    let paused = |scope: Scope| plan.orders.paused.contains_key(&scope);
    let disarmed = plan.orders.disarmed.is_some();
    for action in &plan.actions {
        let operation = &action.operation;
        let group = operation.instance().map(|i| Scope::Group(i.group.clone()));
        let touched = paused(Scope::Cluster)
            || paused(Scope::Host(operation.host().clone()))
            || group.is_some_and(paused);
        let given = matches!(operation, Operation::AddVip(_));
        ensure(!touched || given, || {
            format!("{} is about what is paused:\n{}", action.id, outline(plan))
        })?;
        let healing = action.motive == Motive::Heal;
        let rebuilds = matches!(operation, Operation::Recreate(_) | Operation::Create(_));
        let fences = matches!(operation, Operation::Fence(_));
        // What was ended to be moved is finished.
        let moved = action.reason.code == ReasonCode::Misplaced;
        ensure(
            !(disarmed && healing && (rebuilds || fences) && !moved),
            || {
                format!(
                    "{} fails over while that is disarmed:\n{}",
                    action.id,
                    outline(plan)
                )
            },
        )?;
    }
    plan_keeps_to_targets(plan)
}

/// Who is no target is worked on only where those who are need it: a load balancer is told of them, an image or a fence comes first,
/// one more of their group is made while they are replaced.
fn plan_keeps_to_targets(plan: &Plan) -> Result<(), String> {
    let targets = &plan.orders.targets;
    // An instance that moves may be a target by a host that the action does not name.
    let by_host = targets
        .only
        .iter()
        .any(|one| matches!(one, Subject::Host(_)));
    let has_target = |group: &GroupId| {
        let mut named = targets.only.iter();
        named.any(|one| matches!(one, Subject::Instance(i) if i.group == *group))
    };
    for action in &plan.actions {
        let Some(instance) = action.operation.instance() else {
            continue;
        };
        let hosts = [action.operation.host()];
        let more = matches!(action.operation, Operation::Create(_)) && has_target(&instance.group);
        let told = matches!(action.operation, Operation::Configure(_));
        let may = by_host || more || told || targets.include(instance, &hosts);
        ensure(may && !targets.exclude(instance, &hosts), || {
            format!("{} is about no target:\n{}", action.id, outline(plan))
        })?;
    }
    Ok(())
}
