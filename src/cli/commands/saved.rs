//! Whether a saved plan may be applied: what is known before anybody is asked, and what a look tells.

use std::path::Path;

use super::Failure;
use crate::adapters::file_store::FileStore;
use crate::adapters::plan_file;
use crate::cli::stale::{Stale, Why};
use crate::model::desired::Desired;
use crate::model::plan::{Plan, Record};
use crate::model::saved::SavedPlan;
use crate::model::time::Timestamp;
use crate::plan::saved::{VERSION, moved};

/// Reads one.
pub(super) fn read(path: &Path) -> Result<SavedPlan, Failure> {
    plan_file::read(path).map_err(|error| {
        Failure::Other(format!(
            "can't read the saved plan {}: {error}\n  help: save one with reconcile --dry-run --out PLAN",
            path.display()
        ))
    })
}

/// What needs no look: whose it is, who made it, its time, and whether it was applied.
pub(super) fn may_be_tried(
    saved: &SavedPlan,
    desired: &Desired,
    store: &FileStore,
    now: Timestamp,
) -> Result<(), Failure> {
    if saved.cluster != desired.cluster {
        return Err(Failure::Other(format!(
            "the saved plan is of cluster {}, and {} is of {}",
            saved.cluster, desired.file, desired.cluster
        )));
    }
    let seal = &saved.saved;
    let why = if seal.made_by != VERSION {
        Some(Why::Version {
            then: seal.made_by.clone(),
            now: VERSION,
        })
    } else if now >= seal.expires_at {
        Some(Why::Expired {
            at: seal.expires_at,
        })
    } else {
        let mut records = store.records()?.into_iter();
        records.find_map(|record| match record {
            Record::Applied(applied) if applied.applied_plan == seal.id => Some(Why::Used(applied)),
            _ => None,
        })
    };
    why.map_or(Ok(()), |why| Err(stale(saved, why)))
}

/// Whether exactly the same would be done now.
pub(super) fn still_holds(saved: &SavedPlan, plan: &Plan) -> Result<(), Failure> {
    let what = moved(saved, plan);
    match what.is_empty() {
        true => Ok(()),
        false => Err(stale(saved, Why::Moved { what })),
    }
}

fn stale(saved: &SavedPlan, why: Why) -> Failure {
    Failure::Stale(Box::new(Stale {
        plan: saved.saved.id.clone(),
        observed_at: saved.observed_at,
        why,
    }))
}
