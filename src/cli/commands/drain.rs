//! `reconcile drain`: a host is to be empty.

use super::Failure;
use super::desk::Desk;
use crate::cli::args::Args;
use crate::cli::args::orders::DrainArgs;
use crate::cli::exit::Exit;
use crate::model::orders::OrderKey;

pub(super) fn run(args: &Args, drain: &DrainArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args)?;
    let key = OrderKey::Drained(drain.host.clone());
    desk.check_host(&drain.host, &key)?;
    desk.give(key, &drain.when)
}
