//! What is said of an apply: the flags of `reconcile` without a command, and the arguments of `reconcile apply`.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::unit::parse_long_span;

/// Flags that only mean something without a command.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ApplyArgs {
    /// Show the plan and do nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Apply the plan without asking
    #[arg(short, long, conflicts_with = "dry_run")]
    pub yes: bool,

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

/// Arguments of `apply`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct SavedArgs {
    /// What reconcile --dry-run --out PLAN has saved
    pub plan: PathBuf,
}

impl ApplyArgs {
    /// The first of these flags that was given.
    pub(super) fn first_given(&self) -> Option<&'static str> {
        let flags = [
            (self.dry_run, "--dry-run"),
            (self.yes, "--yes"),
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
