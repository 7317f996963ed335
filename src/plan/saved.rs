//! Whether a plan that was saved is still the one that would be made. Pure. Only that is applied: so exactly what was
//! shown is done, from the present file and the present world, and a saved plan needs to hold no secret.

use std::fmt::Write;
use std::time::Duration;

use crate::model::plan::{Action, Plan};
use crate::model::saved::{Moved, SavedAction, SavedPlan, Seal};
use crate::render::sha256;

/// Another version may do otherwise what reads the same.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How many hex digits a saved plan is called by.
const ID_DIGITS: usize = 12;

/// Seals a plan: for so long it may be applied, if it still holds.
pub fn seal(plan: &Plan, lasts: Duration) -> Seal {
    let fingerprints = fingerprints(plan);
    let all = format!(
        "{} {} {} {} {}",
        plan.cluster,
        plan.revision,
        plan.observed_at,
        plan.orders.targets,
        fingerprints.join(" ")
    );
    let mut id = sha256(&all);
    id.truncate(ID_DIGITS);
    Seal {
        id,
        made_by: VERSION.to_owned(),
        expires_at: plan.observed_at.plus(lasts),
        fingerprints,
    }
}

/// What moved since a plan was saved: nothing, if the one that is made now does exactly the same.
pub fn moved(saved: &SavedPlan, plan: &Plan) -> Vec<Moved> {
    let mut moved = Vec::new();
    if saved.revision != plan.revision {
        moved.push(Moved::File {
            then: saved.revision.clone(),
            now: plan.revision.clone(),
        });
    }
    let prints = fingerprints(plan);
    let mut now: Vec<_> = SavedAction::all(plan).into_iter().zip(prints).collect();
    let mut then: Vec<_> = saved
        .actions
        .iter()
        .zip(&saved.saved.fingerprints)
        .collect();
    then.retain(|(_, print)| take(&mut now, |(_, other)| other == *print).is_none());
    for (then, _) in then {
        let same = |now: &SavedAction| {
            (&now.kind, &now.instance) == (&then.kind, &then.instance)
                && (now.instance.is_some() || now.host == then.host)
        };
        let then = then.clone();
        moved.push(match take(&mut now, |(now, _)| same(now)) {
            Some((now, _)) => Moved::Changed { then, now },
            None => Moved::Gone { then },
        });
    }
    moved.extend(now.into_iter().map(|(now, _)| Moved::New { now }));
    moved
}

fn take<T>(all: &mut Vec<T>, is_it: impl Fn(&T) -> bool) -> Option<T> {
    let at = all.iter().position(is_it)?;
    Some(all.remove(at))
}

fn fingerprints(plan: &Plan) -> Vec<String> {
    let actions = plan.actions.iter();
    actions.map(|action| fingerprint(plan, action)).collect()
}

/// Of all that an action would do, and of what it would do it to; but for when it was decided.
fn fingerprint(plan: &Plan, action: &Action) -> String {
    let (needs, after) = (&action.needs, &action.after);
    sha256(&format!("{needs:?} {after:?} {}", deed(plan, action)))
}

/// All that an action would do, whatever it waits for.
pub(super) fn deed(plan: &Plan, action: &Action) -> String {
    let (why, what) = (action.reason.code, &action.operation);
    let mut text = format!("{why} {what:?}");
    for change in &action.changes {
        let _ = write!(text, " {change:?}");
    }
    // What is made now is called after now.
    let made_now = format!("-{:x}", plan.observed_at.0);
    text.replace(&made_now, "-now")
}
