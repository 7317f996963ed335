//! Arguments of commands about the file itself.

/// Arguments of `schema`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct SchemaArgs {
    /// The schema of scenarios for rehearse instead
    #[arg(long)]
    pub scenario: bool,

    /// The schema of files that cluster.yaml includes instead
    #[arg(long, conflicts_with = "scenario")]
    pub included: bool,
}
