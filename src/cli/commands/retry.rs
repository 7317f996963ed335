//! `reconcile retry`: an instance that failed for good is tried again.

use super::Failure;
use super::desk::Desk;
use super::resume::ONCE;
use crate::cli::args::Args;
use crate::cli::args::orders::{RetryArgs, When};
use crate::cli::exit::Exit;
use crate::model::memory::GuestMemory;
use crate::model::orders::OrderKey;
use crate::ports::store::StoreView;

pub(super) fn run(args: &Args, retry: &RetryArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args)?;
    desk.check_instance(&retry.instance)?;
    let memory = desk.store.load()?;
    let known = memory.guests.get(&retry.instance);
    if !known.is_some_and(GuestMemory::was_in_vain) {
        return Err(Failure::Other(format!(
            "{} was not tried in vain: there is nothing to try again",
            retry.instance
        )));
    }
    let when = When {
        span: Some(ONCE),
        ..When::default()
    };
    desk.give(OrderKey::Retried(retry.instance.clone()), &when)
}
