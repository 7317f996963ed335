//! `reconcile rehearse`: what would happen, on a simulated cluster. Contacts no machine, and writes nothing but what is
//! asked for with `--html`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::origin::Origin;
use super::{Failure, print};
use crate::cli::args::{Args, Output, RehearseArgs};
use crate::cli::exit::Exit;
use crate::cli::progress::{Counter, Screen};
use crate::cli::rehearsal_html::rehearsal_html;
use crate::cli::rehearsal_view::{rehearsal_json, rehearsal_text};
use crate::cli::style::Style;
use crate::cli::survival_view::{survival_json, survival_text};
use crate::model::desired::Desired;
use crate::model::scenario::{Event, Happening, Scenario};
use crate::rehearse::survive::{Question, WITHIN, survive};
use crate::rehearse::{AFTERWARDS, DEFAULT_FAILURES, failures, rehearse};
use crate::spec::scenario::{Cluster, edited, parse_scenario};
use crate::spec::{SpecErrors, parse};

/// Where nobody says how long failures are spread.
const A_DAY: Duration = Duration::from_secs(86_400);

pub(super) fn run(
    args: &Args,
    rehearsal: &RehearseArgs,
    style: &Style,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let origin = Origin::of(args)?;
    let (name, bytes) = (origin.name.clone(), origin.source()?);
    let files = origin.files().with_stand_ins();
    let desired = parse(&name, &bytes, &files).map(Arc::new);
    let desired = desired.map_err(|errors| wrong(&name, errors))?;
    let cluster = Cluster {
        name: &name,
        bytes: &bytes,
        files: &files,
        desired: Arc::clone(&desired),
    };
    let scenario = match &rehearsal.scenario {
        Some(file) => read(file, &cluster)?,
        None if rehearsal.survive.is_some() => Scenario::default(),
        None => by_chance(&desired, rehearsal),
    };
    let seed = rehearsal.seed.or(scenario.seed).unwrap_or(1);
    match &rehearsal.survive {
        Some(any) => {
            unedited(&scenario)?;
            let question = Question {
                desired: &desired,
                scenario: &scenario,
                any,
                seed,
                within: rehearsal.span.or(scenario.lasts).unwrap_or(WITHIN),
                told: &|_| {},
            };
            survived(question, &cluster, args, style, screen)
        }
        None => rehearsed(&desired, &scenario, seed, rehearsal, args, style),
    }
}

/// What would mend a loss is a change of the file: there is only one.
fn unedited(scenario: &Scenario) -> Result<(), Failure> {
    let is_edit = |event: &Event| matches!(event.what, Happening::Edit(..));
    match scenario.events.iter().any(is_edit) {
        true => Err(other(
            "a scenario with an `edit` can't come before losses: write the edit into the file",
        )),
        false => Ok(()),
    }
}

/// What happens in a scenario.
fn rehearsed(
    desired: &Arc<Desired>,
    scenario: &Scenario,
    seed: u64,
    rehearsal: &RehearseArgs,
    args: &Args,
    style: &Style,
) -> Result<Exit, Failure> {
    let asked = rehearsal.span.filter(|_| rehearsal.failures.is_none());
    let afterwards = asked.or(scenario.lasts).unwrap_or(AFTERWARDS);
    let found = rehearse(desired, scenario, seed, afterwards).map_err(other)?;
    if let Some(file) = &rehearsal.html {
        std::fs::write(file, rehearsal_html(&found))
            .map_err(|error| Failure::Other(format!("can't write {}: {error}", file.display())))?;
    }
    print(&match args.global.output {
        Output::Text | Output::Markdown => rehearsal_text(&found, style),
        Output::Json => rehearsal_json(&found),
    })?;
    Ok(verdict(found.is_good()))
}

/// What becomes of losses.
fn survived(
    question: Question<'_>,
    cluster: &Cluster<'_>,
    args: &Args,
    style: &Style,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let counter = Counter::new(screen, Style::of_stderr(args.global.no_color));
    let told = |number| counter.at(number);
    let question = Question {
        told: &told,
        ..question
    };
    let found = survive(&question, &|changes| edited(cluster, changes).map(Arc::new));
    counter.finish();
    let found = found.map_err(other)?;
    print(&match args.global.output {
        Output::Text | Output::Markdown => survival_text(&found, style),
        Output::Json => survival_json(&found),
    })?;
    Ok(verdict(found.is_good()))
}

fn verdict(good: bool) -> Exit {
    match good {
        true => Exit::Done,
        false => Exit::Error,
    }
}

fn other(error: impl std::fmt::Display) -> Failure {
    Failure::Other(error.to_string())
}

fn read(file: &Path, cluster: &Cluster<'_>) -> Result<Scenario, Failure> {
    let name = file.display().to_string();
    let bytes = std::fs::read(file)
        .map_err(|error| Failure::Other(format!("can't read the scenario {name}: {error}")))?;
    parse_scenario(&name, &bytes, cluster).map_err(|errors| wrong(&name, errors))
}

fn by_chance(desired: &Desired, rehearsal: &RehearseArgs) -> Scenario {
    let seed = rehearsal.seed.unwrap_or(1);
    match rehearsal.failures {
        None => failures(desired, seed, DEFAULT_FAILURES, None),
        Some(number) => {
            let over = rehearsal.span.unwrap_or(A_DAY);
            failures(desired, seed, number, Some(over))
        }
    }
}

fn wrong(name: &str, errors: SpecErrors) -> Failure {
    Failure::Spec {
        file: name.to_owned(),
        errors,
    }
}
