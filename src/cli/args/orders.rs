//! Arguments of the commands that give orders.

use std::time::Duration;

use clap::Subcommand;

use super::help;
use crate::model::id::{GroupId, HostId, InstanceId};
use crate::model::orders::{Scope, reason};
use crate::model::unit::parse_long_span;
use crate::model::until::Until;

/// Why an order is given, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Default, clap::Args)]
pub struct When {
    /// Why: shown wherever the order is
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: Option<String>,

    /// Until when: 22:00 (today or tomorrow, local time), or a moment as in 2026-05-01T22:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "span")]
    pub until: Option<Until>,

    /// For how long, as in 90m, 2h or 3d
    #[arg(long = "for", value_name = "SPAN", value_parser = parse_long_span)]
    pub span: Option<Duration>,
}

/// Arguments of `drain`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct DrainArgs {
    /// The host that is to be empty
    pub host: HostId,

    /// Why, and until when.
    #[command(flatten)]
    pub when: When,
}

/// Arguments of `undrain`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct UndrainArgs {
    /// The host that may have guests again
    pub host: HostId,
}

/// Arguments of `pause`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct PauseArgs {
    /// What is left alone: cluster, service/NAME (a load balancer, too) or host/NAME
    #[arg(default_value = "cluster")]
    pub scope: Scope,

    /// Why, and until when.
    #[command(flatten)]
    pub when: When,
}

/// Arguments of `resume`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ResumeArgs {
    /// What is looked after again: cluster (and the brake is let go), service/NAME or host/NAME
    #[arg(default_value = "cluster")]
    pub scope: Scope,
}

/// Arguments of `retry`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct RetryArgs {
    /// The instance that is tried again, as in web-1
    pub instance: InstanceId,
}

/// Arguments of `unprotect`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct UnprotectArgs {
    /// The service or load balancer that may go
    #[arg(value_name = "NAME")]
    pub group: GroupId,

    /// Protect it again
    #[arg(long, conflicts_with = "reason")]
    pub undo: bool,

    /// Why: shown wherever the order is
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: Option<String>,
}

/// Arguments of `rollback`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct RollbackArgs {
    /// The earlier state of the file, or its commit, that is applied instead; left out, the last one with which all was as
    /// desired. With --undo: the state that is held back
    #[arg(value_parser = digits)]
    pub revision: Option<String>,

    /// Let what is held back be applied after all
    #[arg(long)]
    pub undo: bool,

    /// Why: shown wherever the order is
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: Option<String>,
}

/// Arguments of `approve`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ApproveArgs {
    /// The change, or the commit, as plans, `reconcile status` and the log of the controller name it
    #[arg(value_name = "CHANGE", value_parser = digits)]
    pub name: String,

    /// It need not wait for a window either
    #[arg(long, conflicts_with = "undo")]
    pub now: bool,

    /// Take the approval back, as long as it is not in force
    #[arg(long, conflicts_with = "reason")]
    pub undo: bool,

    /// Why: shown wherever the order is
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: Option<String>,
}

fn digits(text: &str) -> Result<String, String> {
    match is_hex(text) {
        true => Ok(text.to_owned()),
        false => Err(
            "changes, states of the file and commits are called by hex digits, at least 4 of them"
                .into(),
        ),
    }
}

/// Whether it may be the beginning of a digest.
fn is_hex(text: &str) -> bool {
    let digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    text.chars().all(digit) && (4..=64).contains(&text.len())
}

/// What is said about fencing.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum FenceCommand {
    /// Say that a host is off, or cut from network and storage
    #[command(long_about = help::FENCE_CONFIRM_ABOUT, after_help = help::FENCE_CONFIRM_EXAMPLES)]
    Confirm {
        /// The host
        host: HostId,

        /// Don't ask: a script has seen it
        #[arg(short, long)]
        yes: bool,

        /// Believe it though something accepts connections at the host's ssh port
        #[arg(long)]
        force: bool,
    },

    /// Ask the fencing devices of a host whether they work; nothing is switched
    #[command(long_about = help::FENCE_TEST_ABOUT, after_help = help::FENCE_TEST_EXAMPLES)]
    Test {
        /// The host
        host: HostId,

        /// Only this one, by its name in the file: fence_ipmilan, lease, libvirt
        #[arg(long, value_name = "NAME")]
        device: Option<String>,
    },

    /// Take such a word back
    #[command(long_about = help::FENCE_RETRACT_ABOUT, after_help = help::FENCE_RETRACT_EXAMPLES)]
    Retract {
        /// The host
        host: HostId,
    },
}
