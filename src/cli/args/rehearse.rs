//! Arguments of `rehearse`.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::unit::parse_long_span;
use crate::rehearse::survive::AnyOf;

/// Arguments of `rehearse`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct RehearseArgs {
    /// What happens to the cluster; left out, a random instance and a random host fail
    pub scenario: Option<PathBuf>,

    /// What chance is drawn from: the same seed gives the same output
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// How long it goes on after the last event, or after each loss; with --failures, over how long they are spread
    #[arg(long = "for", value_name = "SPAN", value_parser = parse_long_span)]
    pub span: Option<Duration>,

    /// Draw the rehearsal, as a page that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// So many failures by chance: of guests, hosts, their network, libvirt, disks, answers of ssh and the controller
    #[arg(long, value_name = "N", conflicts_with = "scenario")]
    pub failures: Option<usize>,

    /// Lose each in turn, and find what mends what breaks: any-host, any-2-hosts, any-rack (a label of hosts),
    /// any-instance, any-controller
    #[arg(long, value_name = "ANY", conflicts_with_all = ["failures", "html"])]
    pub survive: Option<AnyOf>,
}
