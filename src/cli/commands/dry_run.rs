//! `reconcile --dry-run`: looks and plans. It is handed nothing that could change anything.

use std::path::Path;
use std::time::Duration;

use super::{Failure, load, print};
use crate::adapters::plan_file;
use crate::adapters::snapshots::Snapshot;
use crate::cli::args::{Args, Output, PlanArgs};
use crate::cli::exit::{Detail, Exit};
use crate::cli::grounds::World;
use crate::cli::moment::{self, Zone};
use crate::cli::plan_json::{plan_json_with, saved_json};
use crate::cli::plan_markdown::plan_markdown_with;
use crate::cli::plan_text::{Extras, NewFiles, plan_text_with};
use crate::cli::style::Style;
use crate::controller::look::Beats;
use crate::model::plan::Plan;
use crate::model::saved::Seal;
use crate::model::time::Timestamp;
use crate::plan::saved::seal;

/// How long a saved plan may be applied, where nothing else is said.
const EXPIRES: Duration = Duration::from_secs(3600);

pub(super) async fn run(args: &Args, how: &PlanArgs, style: &Style) -> Result<Exit, Failure> {
    let mut reading = load::reading_about(args, how.targets.targets())?;
    let round = reading.watcher.round(&Beats::Ask).await;
    let now = reading.watcher.eyes.clock.now();
    let snapshot = reading.in_force.snapshot.as_ref();
    let world = World {
        desired: &reading.watcher.desired,
        observed: &round.observed,
        memory: &reading.watcher.memory,
        source: snapshot.map(Snapshot::source),
    };
    let grounds = how.why.then(|| world.grounds(&round.plan));
    let extras = Extras {
        grounds: grounds.as_ref(),
        notes: None,
    };
    let told = shown_with(args, &round.plan, now, style, extras);
    match &how.out {
        None => print(&told)?,
        Some(path) => save(args, how, &round.plan, (path, now), &told)?,
    };
    Ok(Exit::of_plan(&round.plan, detail(how)))
}

/// How much the exit code says.
pub(super) fn detail(how: &PlanArgs) -> Detail {
    match how.detailed_exitcode {
        true => Detail::Detailed,
        false => Detail::Plain,
    }
}

/// Shows the plan, and saves what is shown.
fn save(
    args: &Args,
    how: &PlanArgs,
    plan: &Plan,
    (path, now): (&Path, Timestamp),
    told: &str,
) -> Result<Exit, Failure> {
    let seal = seal(plan, how.expires.unwrap_or(EXPIRES));
    let saved = saved_json(plan, &seal);
    match args.global.output {
        Output::Json => print(&saved)?,
        Output::Text | Output::Markdown => print(told)?,
    };
    plan_file::write(path, &saved).map_err(|error| {
        Failure::Other(format!(
            "can't save the plan as {}: {error}",
            path.display()
        ))
    })?;
    match args.global.output {
        // What is printed goes elsewhere as it is.
        Output::Json | Output::Markdown => Ok(Exit::Done),
        Output::Text => print(&where_it_is(&seal, path, now)),
    }
}

fn where_it_is(seal: &Seal, path: &Path, now: Timestamp) -> String {
    let until = moment::told(seal.expires_at, now, Zone::Local);
    let (path, id) = (path.display(), &seal.id);
    format!(
        "Saved as {path} (plan {id}, until {until}). To do exactly this: reconcile apply {path}\n"
    )
}

/// A plan in the format that was asked for.
pub(super) fn shown(args: &Args, plan: &Plan, now: Timestamp, style: &Style) -> String {
    shown_with(args, plan, now, style, Extras::default())
}

fn shown_with(
    args: &Args,
    plan: &Plan,
    now: Timestamp,
    style: &Style,
    extras: Extras<'_>,
) -> String {
    match args.global.output {
        Output::Text => plan_text_with(plan, now, new_files(args), style, extras),
        Output::Json => plan_json_with(plan, extras),
        Output::Markdown => plan_markdown_with(plan, now, extras),
    }
}

/// How much of new files is shown.
pub(super) fn new_files(args: &Args) -> NewFiles {
    match args.global.verbose {
        0 => NewFiles::Counted,
        1.. => NewFiles::Shown,
    }
}
