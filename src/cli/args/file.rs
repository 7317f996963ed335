//! Arguments of commands about the file itself.

use std::path::PathBuf;

/// Arguments of `validate`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ValidateArgs {
    /// Exit with 1 where there is a warning, too
    #[arg(long)]
    pub strict: bool,
}

/// Arguments of `fmt`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct FmtArgs {
    /// These files; left out, the cluster's file and those that it includes
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Write nothing; exit with 1 where a file is not formatted
    #[arg(long)]
    pub check: bool,

    /// Write nothing; show what would change
    #[arg(long)]
    pub diff: bool,
}

/// Arguments of `schema`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct SchemaArgs {
    /// The schema of scenarios for rehearse instead
    #[arg(long)]
    pub scenario: bool,

    /// The schema of files that cluster.yaml includes instead
    #[arg(long, conflicts_with = "scenario")]
    pub included: bool,

    /// The schema of plans as --output json prints them instead
    #[arg(long, conflicts_with_all = ["scenario", "included"])]
    pub plan: bool,
}
