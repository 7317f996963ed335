//! What is said of an apply: the flags of `reconcile` without a command, and the arguments of `reconcile apply`.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::targets::{Subject, Targets};
use crate::model::unit::parse_long_span;

/// What a run is about, where it is not about everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, clap::Args)]
pub struct TargetArgs {
    /// Only these: an instance (web-1), service/NAME or host/NAME; everything else is left as it is
    #[arg(long, value_name = "SUBJECT", num_args = 1..)]
    pub target: Vec<Subject>,

    /// All but these
    #[arg(long, value_name = "SUBJECT", num_args = 1..)]
    pub exclude: Vec<Subject>,
}

impl TargetArgs {
    /// The same as a set.
    pub fn targets(&self) -> Targets {
        Targets {
            only: self.target.iter().cloned().collect(),
            except: self.exclude.iter().cloned().collect(),
        }
    }
}

/// Flags that only mean something without a command.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ApplyArgs {
    /// Show the plan and do nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Apply the plan without asking
    #[arg(short, long, conflicts_with = "dry_run")]
    pub yes: bool,

    /// What it is about.
    #[command(flatten)]
    pub targets: TargetArgs,

    /// With --dry-run: tell the grounds of each action
    #[arg(long, requires = "dry_run")]
    pub why: bool,

    /// With --dry-run: exit with 2 when changes are pending
    #[arg(long, requires = "dry_run")]
    pub detailed_exitcode: bool,

    /// With --dry-run: save the plan, for reconcile apply PLAN
    #[arg(long, value_name = "PLAN", requires = "dry_run")]
    pub out: Option<PathBuf>,

    /// With --out: for how long it may be applied (default: 1h)
    #[arg(long, value_name = "SPAN", requires = "out", value_parser = parse_long_span)]
    pub expires: Option<Duration>,
}

/// Arguments of `plan`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct PlanArgs {
    /// Compare two commits: what the file of --to does that the file of this one does not. No host is asked
    #[arg(long, value_name = "REV", requires = "to", conflicts_with_all = ["target", "exclude"], value_parser = revision)]
    pub from: Option<String>,

    /// The later commit: a branch, a tag, digits, HEAD~1
    #[arg(long, value_name = "REV", requires = "from", value_parser = revision)]
    pub to: Option<String>,

    /// With --from: what was last seen of the cluster (default: the observed.json of the state directory)
    #[arg(long, value_name = "FILE", requires = "from")]
    pub observed: Option<PathBuf>,

    /// What it is about.
    #[command(flatten)]
    pub targets: TargetArgs,

    /// Tell the grounds of each action: line, evidence, order, the hosts that were not taken
    #[arg(long)]
    pub why: bool,

    /// Exit with 2 when changes are pending
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Save the plan, for reconcile apply PLAN
    #[arg(long, value_name = "PLAN", conflicts_with = "from")]
    pub out: Option<PathBuf>,

    /// With --out: for how long it may be applied (default: 1h)
    #[arg(long, value_name = "SPAN", requires = "out", value_parser = parse_long_span)]
    pub expires: Option<Duration>,
}

/// The name of a commit, that git takes for nothing else.
fn revision(text: &str) -> Result<String, String> {
    let odd = |c: char| c.is_control() || c.is_whitespace();
    match text.is_empty() || text.starts_with('-') || text.contains(odd) {
        true => Err("that is no name of a commit".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// Arguments of `apply`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct SavedArgs {
    /// What reconcile --dry-run --out PLAN has saved
    pub plan: PathBuf,
}

impl ApplyArgs {
    /// How a plan is shown, where it is only shown.
    pub fn plan(&self) -> PlanArgs {
        PlanArgs {
            from: None,
            to: None,
            observed: None,
            targets: self.targets.clone(),
            why: self.why,
            detailed_exitcode: self.detailed_exitcode,
            out: self.out.clone(),
            expires: self.expires,
        }
    }

    /// The first of these flags that was given.
    pub(super) fn first_given(&self) -> Option<&'static str> {
        let flags = [
            (self.dry_run, "--dry-run"),
            (self.yes, "--yes"),
            (!self.targets.target.is_empty(), "--target"),
            (!self.targets.exclude.is_empty(), "--exclude"),
            (self.why, "--why"),
            (self.detailed_exitcode, "--detailed-exitcode"),
            (self.out.is_some(), "--out"),
            (self.expires.is_some(), "--expires"),
        ];
        flags
            .iter()
            .find(|(given, _)| *given)
            .map(|(_, flag)| *flag)
    }
}
