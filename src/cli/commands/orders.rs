//! `reconcile orders`: what is in force.

use super::desk::Desk;
use super::{Failure, print};
use crate::cli::args::{Args, Output};
use crate::cli::exit::Exit;
use crate::cli::orders_view::{OrderShown, orders_json, orders_text};
use crate::cli::style::Style;

pub(super) fn run(args: &Args, style: &Style) -> Result<Exit, Failure> {
    let desk = Desk::open(args)?;
    let orders = OrderShown::all(&desk.in_force()?);
    print(&match args.global.output {
        Output::Text | Output::Markdown => orders_text(&orders, desk.now, style),
        Output::Json => orders_json(&orders),
    })
}
