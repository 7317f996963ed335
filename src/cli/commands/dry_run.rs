//! `reconcile --dry-run`: looks and plans. It is handed nothing that could change anything.

use super::{Failure, load, print};
use crate::cli::args::{Args, Output};
use crate::cli::exit::{Detail, Exit};
use crate::cli::plan_json::plan_json;
use crate::cli::plan_text::{NewFiles, plan_text};
use crate::cli::style::Style;
use crate::controller::look::Beats;
use crate::model::plan::Plan;
use crate::model::time::Timestamp;

pub(super) async fn run(args: &Args, style: &Style) -> Result<Exit, Failure> {
    let mut reading = load::reading(args)?;
    let round = reading.watcher.round(&Beats::Ask).await;
    let now = reading.watcher.eyes.clock.now();
    print(&shown(args, &round.plan, now, style))?;
    let detail = if args.apply.detailed_exitcode {
        Detail::Detailed
    } else {
        Detail::Plain
    };
    Ok(Exit::of_plan(&round.plan, detail))
}

/// A plan in the format that was asked for.
pub(super) fn shown(args: &Args, plan: &Plan, now: Timestamp, style: &Style) -> String {
    match args.global.output {
        Output::Text => {
            let new_files = if args.global.verbose > 0 {
                NewFiles::Shown
            } else {
                NewFiles::Counted
            };
            plan_text(plan, now, new_files, style)
        }
        Output::Json => plan_json(plan),
    }
}
