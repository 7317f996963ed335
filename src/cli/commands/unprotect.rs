//! `reconcile unprotect`: what the file has protected may go.

use super::Failure;
use super::desk::Desk;
use super::resume::ONCE;
use crate::cli::args::Args;
use crate::cli::args::orders::{UnprotectArgs, When};
use crate::cli::exit::Exit;
use crate::model::memory::HostMemory;
use crate::model::orders::OrderKey;
use crate::ports::store::StoreView as _;

pub(super) fn run(args: &Args, unprotect: &UnprotectArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args)?;
    let key = OrderKey::Unprotected(unprotect.group.clone());
    if unprotect.undo {
        return desk.take_back(&key);
    }
    // Its block may be gone by now: then only its guests are known.
    let memory = desk.store.load()?;
    let has_one = |host: &HostMemory| host.guests.keys().any(|i| i.group == unprotect.group);
    if !memory.hosts.values().any(has_one) {
        desk.check_group(&unprotect.group, &key)?;
    }
    let when = When {
        span: Some(ONCE),
        reason: unprotect.reason.clone(),
        ..When::default()
    };
    desk.give(key, &when)
}
