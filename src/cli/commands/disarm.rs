//! `reconcile disarm`: nothing is failed over.

use super::Failure;
use super::desk::Desk;
use crate::cli::args::Args;
use crate::cli::args::orders::When;
use crate::cli::exit::Exit;
use crate::model::orders::OrderKey;

pub(super) fn run(args: &Args, when: &When) -> Result<Exit, Failure> {
    Desk::open(args)?.give(OrderKey::Disarmed, when)
}
