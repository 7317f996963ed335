//! A plan that was saved, to be applied later exactly as it was shown. It holds what people read of each action, and a
//! fingerprint of all that the action would do; never what it would write: secrets stay where they are.

use serde::{Deserialize, Serialize};

use super::desired::Revision;
use super::id::{ClusterName, HostId, InstanceId};
use super::plan::{Action, ActionId, Plan, Reason};
use super::targets::Targets;
use super::time::Timestamp;

/// What makes a plan a saved one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// What it is called: digits that no other plan has.
    pub id: String,
    /// The version of `reconcile` that made it. Another one may do the same otherwise.
    pub made_by: String,
    /// From then on it is not applied any more.
    pub expires_at: Timestamp,
    /// A fingerprint of each action, in order.
    pub fingerprints: Vec<String>,
}

/// As much of a saved plan as is read again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SavedPlan {
    /// Its cluster.
    pub cluster: ClusterName,
    /// The state of the file that it carries out.
    pub revision: Revision,
    /// When the world was observed for it.
    pub observed_at: Timestamp,
    /// What it does, for people.
    pub actions: Vec<SavedAction>,
    /// What it is about, where that is not everything.
    #[serde(default)]
    pub targets: Option<Targets>,
    /// What holds it to that.
    pub saved: Seal,
}

/// An action as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedAction {
    /// Its number.
    pub id: ActionId,
    /// `create`, `add-vip`, …
    pub kind: String,
    /// The instance that it is about, where it is about one.
    pub instance: Option<InstanceId>,
    /// Where it happens.
    pub host: HostId,
    /// What it is, in a line.
    pub summary: String,
    /// Why.
    pub reason: Reason,
}

/// What is another one by now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "moved", rename_all = "snake_case")]
pub enum Moved {
    /// The file.
    File {
        /// The state that the plan was made for.
        then: Revision,
        /// The present one.
        now: Revision,
    },
    /// An action that is not needed any more.
    Gone {
        /// As it was shown.
        then: SavedAction,
    },
    /// An action that was not needed then.
    New {
        /// As it would be done.
        now: SavedAction,
    },
    /// An action that would be done otherwise.
    Changed {
        /// As it was shown.
        then: SavedAction,
        /// As it would be done.
        now: SavedAction,
    },
}

/// A saved plan was applied: it is not applied again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// When it began.
    pub at: Timestamp,
    /// Which: [`Seal::id`].
    pub applied_plan: String,
    /// How many actions it has.
    pub actions: usize,
    /// Who did it.
    pub by: String,
}

impl SavedAction {
    /// All actions of a plan.
    pub fn all(plan: &Plan) -> Vec<SavedAction> {
        SavedAction::of(&plan.actions)
    }

    /// Some actions.
    pub fn of(actions: &[Action]) -> Vec<SavedAction> {
        let shown = actions.iter().map(|action| SavedAction {
            id: action.id,
            kind: action.operation.kind().to_owned(),
            instance: action.operation.instance().cloned(),
            host: action.operation.host().clone(),
            summary: action.summary.clone(),
            reason: action.reason.clone(),
        });
        shown.collect()
    }
}
