//! `reconcile status`: what runs where, and what is wrong.

use super::{Failure, load, print};
use crate::cli::args::{Args, Output};
use crate::cli::exit::Exit;
use crate::cli::status_view::{StatusReport, status_text};
use crate::cli::style::Style;
use crate::controller::look::Beats;

pub(super) async fn run(args: &Args, style: &Style) -> Result<Exit, Failure> {
    let mut reading = load::reading(args)?;
    let round = reading.watcher.round(&Beats::Ask).await;
    let watcher = &reading.watcher;
    let report = StatusReport::of(
        &watcher.desired,
        &round.observed,
        &watcher.memory,
        &round.plan,
    );
    let report = report.following(load::followed(args, &watcher.desired.cluster)?);
    print(&match args.global.output {
        Output::Text | Output::Markdown => status_text(&report, style),
        Output::Json => report.json(),
    })?;
    Ok(Exit::of_notices(&round.plan))
}
