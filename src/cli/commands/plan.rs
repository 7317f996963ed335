//! `reconcile plan`: the plan of now, or what one commit does that another one does not. It contacts no host for the latter.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dry_run::{self, detail, new_files};
use super::load::{self, Checked};
use super::origin::{Origin, followed_store};
use super::{Failure, print};
use crate::adapters::git::Revisions;
use crate::adapters::sight_file;
use crate::adapters::system_clock::SystemClock;
use crate::cli::args::{Args, Output, PlanArgs};
use crate::cli::compared_view::{Comparison, compared_json, compared_markdown, compared_text};
use crate::cli::exit::Exit;
use crate::cli::grounds::World;
use crate::cli::style::Style;
use crate::memory::leaving::with_leaving;
use crate::model::desired::Desired;
use crate::model::sight::Sight;
use crate::plan::compare::compare;
use crate::ports::clock::Clock;

pub(super) async fn run(args: &Args, how: &PlanArgs, style: &Style) -> Result<Exit, Failure> {
    match (&how.from, &how.to) {
        (Some(from), Some(to)) => compare_commits(args, how, (from, to), style).await,
        (None, _) | (_, None) => dry_run::run(args, how, style).await,
    }
}

async fn compare_commits(
    args: &Args,
    how: &PlanArgs,
    (from, to): (&str, &str),
    style: &Style,
) -> Result<Exit, Failure> {
    let (revisions, path) = revisions(args).await?;
    let from = read(&revisions, &path, from).await?.desired;
    let Checked {
        desired: to,
        snapshot,
        not_here,
    } = read(&revisions, &path, to).await?;
    if from.cluster != to.cluster {
        return Err(Failure::Other(format!(
            "the file is of cluster {} in the earlier commit, and of {} in the later one: there is nothing to compare",
            from.cluster, to.cluster
        )));
    }
    let sight = sight(args, how, &to)?;
    let with = |desired: &Arc<Desired>| with_leaving(desired, &sight.memory, desired);
    let (from, to) = (with(&Arc::new(from)), with(&Arc::new(to)));
    let compared = compare(&from, &to, &sight.observed, &sight.memory);
    let world = World {
        desired: &to,
        observed: &sight.observed,
        memory: &sight.memory,
        source: Some(snapshot.source()),
    };
    let comparison = Comparison {
        grounds: how.why.then(|| world.grounds(&compared.plan)),
        compared,
        from: from.commit.clone(),
        not_here,
        now: SystemClock.now(),
    };
    print(&match args.global.output {
        Output::Text => compared_text(&comparison, new_files(args), style),
        Output::Json => compared_json(&comparison),
        Output::Markdown => compared_markdown(&comparison),
    })?;
    Ok(Exit::of_plan(&comparison.compared.plan, detail(how)))
}

/// The commits to choose from, and the path of the file in them.
async fn revisions(args: &Args) -> Result<(Revisions, PathBuf), Failure> {
    let file = &args.global.file;
    let found = match followed_store(args)? {
        Some(store) => {
            let revisions = Revisions::fetched(&store.directory).await;
            revisions.map(|revisions| (revisions, file.clone()))
        }
        None => Revisions::around(file).await,
    };
    found.map_err(|error| {
        Failure::Other(format!(
            "can't read the repository of {}: {error}\n  help: name a file in a checkout with -f FILE; or, with --repo, \
             one that `reconcile watch` has fetched on this machine",
            file.display()
        ))
    })
}

/// The file as of a commit.
async fn read(revisions: &Revisions, path: &Path, name: &str) -> Result<Checked, Failure> {
    let (commit, files) = revisions.commit(name).await.map_err(|error| {
        Failure::Other(format!(
            "can't read commit {name}: {error}\n  help: `git log --all` has those that are here; a CI job may have to fetch more \
             of them"
        ))
    })?;
    let shown = format!("{}:{}", commit.id, path.display());
    let origin = Origin {
        name: shown,
        ..Origin::of_commit(path, &files, commit)
    };
    let mut checked = load::checked_of(&origin, origin.files())?;
    checked.desired.file = path.display().to_string();
    Ok(checked)
}

/// What was seen of the cluster last.
fn sight(args: &Args, how: &PlanArgs, to: &Desired) -> Result<Sight<'static>, Failure> {
    let path = match &how.observed {
        Some(path) => path.clone(),
        None => sight_file::of_state(&load::state(args, &to.cluster)?),
    };
    let sight = sight_file::read(&path).map_err(|error| {
        Failure::Other(format!(
            "can't read what was last seen of cluster {}: {}: {error}\n  help: a controller (`reconcile watch`, or an apply) keeps \
             it in its state directory; name a copy with --observed FILE. Without it, nobody knows what a change would do",
            to.cluster,
            path.display()
        ))
    })?;
    match sight.cluster == to.cluster {
        true => Ok(sight),
        false => Err(Failure::Other(format!(
            "{} is of cluster {}, and the file of {}",
            path.display(),
            sight.cluster,
            to.cluster
        ))),
    }
}
