//! `reconcile arm`: failover goes on.

use super::Failure;
use super::desk::Desk;
use crate::cli::args::Args;
use crate::cli::exit::Exit;
use crate::model::orders::OrderKey;

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    Desk::open(args)?.take_back(&OrderKey::Disarmed)
}
