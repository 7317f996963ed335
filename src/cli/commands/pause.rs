//! `reconcile pause`: something is left alone.

use super::Failure;
use super::desk::Desk;
use crate::cli::args::Args;
use crate::cli::args::orders::PauseArgs;
use crate::cli::exit::Exit;
use crate::model::orders::OrderKey;

pub(super) fn run(args: &Args, pause: &PauseArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args)?;
    desk.check_scope(&pause.scope)?;
    desk.give(OrderKey::Paused(pause.scope.clone()), &pause.when)
}
