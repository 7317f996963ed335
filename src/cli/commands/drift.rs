//! `reconcile drift`: what differs from what is in force. It is handed nothing that could change anything.

use super::origin::Origin;
use super::{Failure, load, print};
use crate::cli::args::{Args, Output};
use crate::cli::drift_view::{DriftReport, drift_text};
use crate::cli::exit::Exit;
use crate::cli::style::Style;
use crate::controller::look::Beats;

pub(super) async fn run(args: &Args, style: &Style) -> Result<Exit, Failure> {
    let mut reading = load::reading_to_go_on(args, &Origin::of(args)?)?;
    let round = reading.watcher.round(&Beats::Ask).await;
    let watcher = &reading.watcher;
    let now = watcher.eyes.clock.now();
    let report = DriftReport::of(&round.plan, &round.observed, &watcher.memory);
    print(&match args.global.output {
        Output::Text | Output::Markdown => drift_text(&report, &round.plan, now, style),
        Output::Json => report.json(),
    })?;
    Ok(match report.drift.is_empty() {
        true => Exit::of_notices(&round.plan),
        false => Exit::Pending,
    })
}
