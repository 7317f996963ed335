//! `reconcile rollback`: a state of the file is not applied.

use super::desk::Desk;
use super::{Failure, load};
use crate::cli::args::Args;
use crate::cli::args::orders::{RollbackArgs, When};
use crate::cli::exit::Exit;
use crate::model::desired::Revision;
use crate::model::orders::OrderKey;
use crate::ports::store::StoreView;

pub(super) fn run(args: &Args, rollback: &RollbackArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args)?;
    if let (true, Some(revision)) = (rollback.undo, &rollback.revision) {
        return desk.take_back(&OrderKey::Held(revision.clone()));
    }
    let present = || load::desired(args).map(|desired| desired.revision);
    let revision = match &rollback.revision {
        Some(revision) if is_known(&desk, revision)? => revision.clone(),
        Some(revision) if present()? == *revision => revision.clone(),
        Some(revision) => return Err(unknown(revision, &present()?)),
        None => present()?,
    };
    let key = OrderKey::Held(revision.clone());
    if rollback.undo {
        return desk.take_back(&key);
    }
    let mut orders = desk.in_force()?;
    orders.put(key.clone(), desk.order(&When::default())?);
    if revision == present()? && load::last_good(&desk.state, &orders)?.is_none() {
        return Err(Failure::Other(load::nothing_before(&revision)));
    }
    let when = When {
        reason: rollback.reason.clone(),
        ..When::default()
    };
    desk.give(key, &when)
}

/// Whether anything was ever done for this state of the file, or it is held already.
fn is_known(desk: &Desk<'_>, revision: &Revision) -> Result<bool, Failure> {
    let memory = desk.store.load()?;
    let applied = memory.guests.values().flat_map(|g| [&g.revision, &g.tried]);
    let applied = applied.flatten().any(|known| known == revision);
    let mut history = desk.store.history()?.into_iter();
    let key = OrderKey::Held(revision.clone());
    Ok(applied
        || history.any(|entry| entry.revision == *revision)
        || desk.in_force()?.get(&key).is_some())
}

fn unknown(revision: &Revision, present: &Revision) -> Failure {
    Failure::Other(format!(
        "revision {revision} is not known: nothing was ever done for it\n  help: the present one is {present}; \
         `reconcile history --output json` has those before it"
    ))
}
