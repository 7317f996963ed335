//! `reconcile undrain`: a drained host may have guests again.

use super::Failure;
use super::desk::Desk;
use crate::cli::args::Args;
use crate::cli::args::orders::UndrainArgs;
use crate::cli::exit::Exit;
use crate::model::orders::OrderKey;

pub(super) fn run(args: &Args, undrain: &UndrainArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(args)?;
    let key = OrderKey::Drained(undrain.host.clone());
    desk.check_host(&undrain.host, &key)?;
    desk.take_back(&key)
}
