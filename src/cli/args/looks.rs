//! What is said of commands that only look at something.

use crate::model::id::{HostId, InstanceId};

/// Arguments of `why`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct WhyArgs {
    /// The instance, as in web-1
    pub instance: InstanceId,

    /// Only about this host: why not there?
    pub host: Option<HostId>,
}

/// Arguments of `render`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct RenderArgs {
    /// A template's name, or the file's path in the guest
    pub template: String,

    /// The instance that it is rendered for, as in web-1
    #[arg(long = "for", value_name = "INSTANCE")]
    pub instance: InstanceId,
}

/// Arguments of `history`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct HistoryArgs {
    /// How many, counted from the newest; 0: all
    #[arg(short = 'n', long = "number", value_name = "N", default_value_t = 20)]
    pub number: usize,

    /// Only of this instance, as in web-1
    #[arg(long, value_name = "INSTANCE")]
    pub instance: Option<InstanceId>,
}
