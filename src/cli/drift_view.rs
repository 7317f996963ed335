//! What differs from the state that is in force: the part of a plan that heals, told as what happened and since when. Pure.
//!
//! The keys of the JSON are those of the types below, with `format_version: 1`; within one version, keys may be added and none
//! changes its meaning or goes.

mod reversed;
mod text_view;

use serde::Serialize;

use super::text;
use crate::model::action::Operation;
use crate::model::desired::Revision;
use crate::model::facts::{Observed, Seen};
use crate::model::id::{ClusterName, HostId, InstanceId};
use crate::model::memory::Memory;
use crate::model::plan::{
    Action, ChangeKind, FileChange, Motive, Notice, NoticeKind, Plan, Reason, ReasonCode,
};
use crate::model::time::Timestamp;

pub use text_view::drift_text;

/// The version of the keys and their meaning.
pub const FORMAT_VERSION: u32 = 1;

/// What differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The cluster.
    pub cluster: ClusterName,
    /// The state of the file that it is compared to.
    pub revision: Revision,
    /// When the world was observed.
    pub observed_at: Timestamp,
    /// Each thing that differs.
    pub drift: Vec<Drift>,
    /// Changes of that file that are not applied yet: they are no drift.
    pub not_applied: usize,
    /// What could not be observed, or can't be mended now.
    pub notices: Vec<Notice>,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// The instance, where it is about one.
    pub instance: Option<InstanceId>,
    /// The host.
    pub host: HostId,
    /// What differs, and what was observed.
    pub reason: Reason,
    /// Since when, as far as that can be told: by memory, or by the clock of the guest.
    pub since: Option<Timestamp>,
    /// Files that differ.
    pub files: Vec<FileDrift>,
    /// What heals it: the kind of action, and that in a line.
    pub heals: Heals,
}

/// What heals it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Heals {
    /// The kind of action.
    pub kind: &'static str,
    /// In a line.
    pub summary: String,
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileDrift {
    /// Its path in the guest.
    pub path: String,
    /// How it differs: `new` is one that is gone.
    pub kind: ChangeKind,
    /// When it was last written, by the clock of the guest.
    pub since: Option<Timestamp>,
    /// What somebody changed, as a unified diff from what was applied to what is there; secrets hidden.
    pub diff: String,
}

impl DriftReport {
    /// The drift that a plan heals.
    pub fn of(plan: &Plan, observed: &Observed, memory: &Memory) -> DriftReport {
        let mut drift: Vec<Drift> = Vec::new();
        let heals = plan.actions.iter().filter(|a| a.motive == Motive::Heal);
        for action in heals.filter(|a| is_drift(a.reason.code)) {
            let one = Drift::of(action, observed, memory);
            // Several actions may be needed to heal one thing.
            let same = |other: &Drift| {
                one.instance.is_some()
                    && (&other.instance, other.reason.code) == (&one.instance, one.reason.code)
            };
            if !drift.iter().any(same) {
                drift.push(one);
            }
        }
        let changes = plan.actions.iter().filter(|a| a.motive == Motive::Change);
        let open = plan
            .notices
            .iter()
            .filter(|n| n.kind != NoticeKind::Warning);
        DriftReport {
            format_version: FORMAT_VERSION,
            cluster: plan.cluster.clone(),
            revision: plan.revision.clone(),
            observed_at: plan.observed_at,
            drift,
            not_applied: changes.count(),
            notices: open.cloned().collect(),
        }
    }

    /// The report as JSON, ending in a line break.
    pub fn json(&self) -> String {
        text::json(self)
    }
}

impl Drift {
    fn of(action: &Action, observed: &Observed, memory: &Memory) -> Drift {
        let instance = action.operation.instance().cloned();
        let changes = action.changes.iter().filter(|_| edits(action));
        let files = changes.map(|change| FileDrift::of(change, instance.as_ref(), observed));
        let files: Vec<FileDrift> = files.collect();
        let written = files.iter().filter_map(|file| file.since).max();
        let guest = instance
            .as_ref()
            .and_then(|instance| memory.guests.get(instance));
        let since = match action.reason.code {
            ReasonCode::HostLost => memory.hosts.get(action.operation.host()).map(|h| h.since),
            ReasonCode::HeartbeatLost | ReasonCode::NeverCameUp => {
                guest.and_then(|g| g.failing_since)
            }
            _ => written,
        };
        Drift {
            host: action.operation.host().clone(),
            reason: action.reason.clone(),
            since,
            files,
            heals: Heals {
                kind: action.operation.kind(),
                summary: action.summary.clone(),
            },
            instance,
        }
    }
}

/// Whether the files of an action are what differs, not what is written to a guest that is made anew.
fn edits(action: &Action) -> bool {
    matches!(action.operation, Operation::Configure(_))
}

impl FileDrift {
    fn of(change: &FileChange, instance: Option<&InstanceId>, observed: &Observed) -> FileDrift {
        let guest = instance.and_then(|instance| observed.guests.get(instance));
        let file = guest
            .and_then(Seen::facts)
            .and_then(|facts| facts.files.get(&change.path));
        let written = match change.kind {
            ChangeKind::Content | ChangeKind::Hidden => file.and_then(|file| file.changed),
            // That is not written into the file.
            ChangeKind::New | ChangeKind::Attributes => None,
        };
        FileDrift {
            path: change.path.clone(),
            kind: change.kind,
            since: written,
            diff: match change.kind {
                ChangeKind::Content => reversed::reversed(&change.diff),
                ChangeKind::New | ChangeKind::Hidden | ChangeKind::Attributes => String::new(),
            },
        }
    }
}

/// Whether it is something that happened, not a step on the way of healing that.
fn is_drift(code: ReasonCode) -> bool {
    match code {
        ReasonCode::Missing
        | ReasonCode::Surplus
        | ReasonCode::HeartbeatLost
        | ReasonCode::NotRunning
        | ReasonCode::NeverCameUp
        | ReasonCode::MachineChanged
        | ReasonCode::AddressChanged
        | ReasonCode::ConfigDrift
        | ReasonCode::VipUnheld
        | ReasonCode::VipDoubled
        | ReasonCode::VipStale
        | ReasonCode::Unfinished
        | ReasonCode::Leftover
        | ReasonCode::HostLost
        | ReasonCode::Misplaced => true,
        ReasonCode::Fresh
        | ReasonCode::RoutesChanged
        | ReasonCode::HolderChanges
        | ReasonCode::FenceFirst
        | ReasonCode::ImageMissing
        | ReasonCode::Uneven => false,
    }
}

#[cfg(test)]
mod tests;
