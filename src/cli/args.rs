//! The command line as types, with the help that people read. It parses and checks arguments against each other; it
//! opens no file and decides nothing.

mod adopt;
mod apply;
mod file;
mod help;
mod looks;
mod notify;
pub mod orders;
mod output;
mod rehearse;
mod watch;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use tracing::level_filters::LevelFilter;

pub use adopt::AdoptArgs;
pub use apply::{ApplyArgs, PlanArgs, SavedArgs, TargetArgs};
pub use file::{FmtArgs, SchemaArgs, ValidateArgs};
pub use looks::{HistoryArgs, RenderArgs, WhyArgs};
pub use notify::NotifyCommand;
use orders::{
    ApproveArgs, DrainArgs, FenceCommand, PauseArgs, ResumeArgs, RetryArgs, RollbackArgs,
    UndrainArgs, UnprotectArgs, When,
};
pub use output::Output;
pub use rehearse::RehearseArgs;
pub use watch::WatchArgs;
use watch::branch;

/// The whole command line.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "reconcile",
    version,
    about = "Keeps services on KVM virtual machines as cluster.yaml describes them, over SSH",
    long_about = help::LONG_ABOUT,
    after_help = help::EXAMPLES,
    after_long_help = help::long_tail(),
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Args {
    /// What to do; none: plan, ask, apply.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of the apply.
    #[command(flatten)]
    pub apply: ApplyArgs,
    /// Flags of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
}

/// Flags of every command.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// The file that describes the cluster
    #[arg(
        short,
        long,
        visible_alias = "path",
        global = true,
        value_name = "FILE",
        default_value = "cluster.yaml"
    )]
    pub file: PathBuf,

    /// Take the file from a branch of this repository: a URL, or a path
    ///
    /// The commit that `reconcile watch` has in force; FILE is the path in it.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "RECONCILE_REPO",
        hide_env_values = true
    )]
    pub repo: Option<String>,

    /// The branch of that repository
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "RECONCILE_BRANCH",
        hide_env_values = true,
        default_value = "main",
        value_parser = branch
    )]
    pub branch: String,

    /// How results are printed, on standard output
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = Output::Text)]
    pub output: Output,

    /// Where memory, orders and history are kept, those of each cluster in a directory of its name
    ///
    /// Default: $XDG_STATE_HOME/reconcile, or ~/.local/state/reconcile. Losing it loses the history and the orders,
    /// never the cluster.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "RECONCILE_STATE_DIR",
        hide_env_values = true
    )]
    pub state_dir: Option<PathBuf>,

    /// Log more, on standard error (-v what is done, -vv why, -vvv everything)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// How the log is written
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// No colours, not even on a terminal (a non-empty NO_COLOR says the same)
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Show the plan; or what one commit would do that another one does not
    #[command(long_about = help::PLAN_ABOUT, after_help = help::PLAN_EXAMPLES)]
    Plan(PlanArgs),

    /// Apply a saved plan: exactly what was shown, or nothing
    #[command(long_about = help::APPLY_ABOUT, after_help = help::APPLY_EXAMPLES)]
    Apply(SavedArgs),

    /// Keep the cluster as the file says: heal what breaks, follow edits
    #[command(long_about = help::WATCH_ABOUT, after_help = help::WATCH_EXAMPLES)]
    Watch(WatchArgs),

    /// Show what runs where, and what is wrong
    #[command(long_about = help::STATUS_ABOUT, after_help = help::STATUS_EXAMPLES)]
    Status,

    /// Show what differs from what is in force, and since when
    #[command(long_about = help::DRIFT_ABOUT, after_help = help::DRIFT_EXAMPLES)]
    Drift,

    /// Explain why an instance is on its host, or why not on another one
    #[command(long_about = help::WHY_ABOUT, after_help = help::WHY_EXAMPLES)]
    Why(WhyArgs),

    /// Check the file, without contacting any machine
    #[command(long_about = help::VALIDATE_ABOUT, after_help = help::VALIDATE_EXAMPLES)]
    Validate(ValidateArgs),

    /// Format the file and those that it includes
    #[command(long_about = help::FMT_ABOUT, after_help = help::FMT_EXAMPLES)]
    Fmt(FmtArgs),

    /// Print the JSON Schema of the file, for editors
    #[command(long_about = help::SCHEMA_ABOUT, after_help = help::SCHEMA_EXAMPLES)]
    Schema(SchemaArgs),

    /// Explain a key of the file: what it takes, its default, what it is for
    #[command(long_about = help::EXPLAIN_ABOUT, after_help = help::EXPLAIN_EXAMPLES)]
    Explain {
        /// The key, as in services.port or port; left out, the whole file
        #[arg(value_name = "KEY", default_value = "")]
        key: String,
    },

    /// Try the file on a simulated cluster: what breaks, what is done, what clients notice
    #[command(long_about = help::REHEARSE_ABOUT, after_help = help::REHEARSE_EXAMPLES)]
    Rehearse(RehearseArgs),

    /// Print a file as an instance would get it
    #[command(long_about = help::RENDER_ABOUT, after_help = help::RENDER_EXAMPLES)]
    Render(RenderArgs),

    /// Make an existing domain part of the cluster, as it is
    #[command(long_about = adopt::ABOUT, after_help = adopt::EXAMPLES)]
    Adopt(AdoptArgs),

    /// Empty a host: its guests go elsewhere, and none come
    #[command(long_about = help::DRAIN_ABOUT, after_help = help::DRAIN_EXAMPLES)]
    Drain(DrainArgs),

    /// Let a drained host have guests again
    #[command(long_about = help::UNDRAIN_ABOUT, after_help = help::UNDRAIN_EXAMPLES)]
    Undrain(UndrainArgs),

    /// Leave the cluster, a service or a host alone
    #[command(long_about = help::PAUSE_ABOUT, after_help = help::PAUSE_EXAMPLES)]
    Pause(PauseArgs),

    /// Look after what was paused again; let the brake go
    #[command(long_about = help::RESUME_ABOUT, after_help = help::RESUME_EXAMPLES)]
    Resume(ResumeArgs),

    /// Fail nothing over
    #[command(long_about = help::DISARM_ABOUT, after_help = help::DISARM_EXAMPLES)]
    Disarm(When),

    /// Fail over again
    #[command(long_about = help::ARM_ABOUT, after_help = help::ARM_EXAMPLES)]
    Arm,

    /// Try an instance again that failed for good
    #[command(long_about = help::RETRY_ABOUT, after_help = help::RETRY_EXAMPLES)]
    Retry(RetryArgs),

    /// Say that a host is off, where no device can tell; or ask whether its devices work
    #[command(subcommand, long_about = help::FENCE_ABOUT, after_help = help::FENCE_EXAMPLES)]
    Fence(FenceCommand),

    /// Try whether messages arrive
    #[command(subcommand, long_about = help::NOTIFY_ABOUT, after_help = help::NOTIFY_EXAMPLES)]
    Notify(NotifyCommand),

    /// Hold a state of the file back
    #[command(long_about = help::ROLLBACK_ABOUT, after_help = help::ROLLBACK_EXAMPLES)]
    Rollback(RollbackArgs),

    /// Apply a change that a guard holds, or a commit though the branch was rewritten
    #[command(long_about = help::APPROVE_ABOUT, after_help = help::APPROVE_EXAMPLES)]
    Approve(ApproveArgs),

    /// Let a service or load balancer go that the file has protected
    #[command(long_about = help::UNPROTECT_ABOUT, after_help = help::UNPROTECT_EXAMPLES)]
    Unprotect(UnprotectArgs),

    /// Show which orders are in force
    #[command(long_about = help::ORDERS_ABOUT, after_help = help::ORDERS_EXAMPLES)]
    Orders,

    /// Show the last actions and orders, with reason and outcome
    #[command(long_about = help::HISTORY_ABOUT, after_help = help::HISTORY_EXAMPLES)]
    History(HistoryArgs),

    /// Print the script that completes arguments in a shell
    #[command(long_about = help::COMPLETIONS_ABOUT, after_help = help::COMPLETIONS_EXAMPLES)]
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: Shell,
    },
}

impl Args {
    /// Reads a command line, the program's name first. The error prints itself ([`clap::Error::print`]); what the
    /// shell is told of it says [`super::exit::Exit::of_usage`].
    pub fn read(
        line: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Args, clap::Error> {
        let line: Vec<OsString> = line.into_iter().map(Into::into).collect();
        let color = match line.iter().any(|word| word == "--no-color") {
            true => ColorChoice::Never,
            false => ColorChoice::Auto,
        };
        let args =
            Args::from_arg_matches(&Args::command().color(color).try_get_matches_from(line)?)?;
        if let (Some(command), Some(flag)) = (&args.command, args.apply.first_given()) {
            return Err(misplaced(flag, command.name()));
        }
        match output::refused(&args) {
            Some(why) => Err(Args::command().error(ErrorKind::ArgumentConflict, why)),
            None => Ok(args),
        }
    }

    /// How much is logged: warnings by default; what is done, too, where nobody else tells of it.
    pub fn log_level(&self) -> LevelFilter {
        let louder = u8::from(matches!(self.command, Some(Command::Watch(_))));
        match self.global.verbose.saturating_add(louder) {
            0 => LevelFilter::WARN,
            1 => LevelFilter::INFO,
            2 => LevelFilter::DEBUG,
            3.. => LevelFilter::TRACE,
        }
    }
}

impl Command {
    /// Its name on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Plan(_) => "plan",
            Command::Apply(_) => "apply",
            Command::Watch(_) => "watch",
            Command::Status => "status",
            Command::Drift => "drift",
            Command::Why(_) => "why",
            Command::Validate(_) => "validate",
            Command::Fmt(_) => "fmt",
            Command::Schema(_) => "schema",
            Command::Explain { .. } => "explain",
            Command::Rehearse(_) => "rehearse",
            Command::Render(_) => "render",
            Command::Adopt(_) => "adopt",
            Command::Drain(_) => "drain",
            Command::Undrain(_) => "undrain",
            Command::Pause(_) => "pause",
            Command::Resume(_) => "resume",
            Command::Disarm(_) => "disarm",
            Command::Arm => "arm",
            Command::Retry(_) => "retry",
            Command::Fence(_) => "fence",
            Command::Notify(_) => "notify",
            Command::Rollback(_) => "rollback",
            Command::Approve(_) => "approve",
            Command::Unprotect(_) => "unprotect",
            Command::Orders => "orders",
            Command::History(_) => "history",
            Command::Completions { .. } => "completions",
        }
    }
}

fn misplaced(flag: &str, command: &str) -> clap::Error {
    let message =
        format!("{flag} has no meaning for '{command}': it belongs to reconcile without a command");
    Args::command().error(ErrorKind::ArgumentConflict, message)
}

/// Where memory and history are kept: what the user said, else below `XDG_STATE_HOME`, else below the home directory
/// (<https://specifications.freedesktop.org/basedir-spec/latest/>). None where there is nothing of these.
pub fn state_dir(said: Option<PathBuf>, env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| {
        env(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let xdg = || absolute("XDG_STATE_HOME").map(|dir| dir.join("reconcile"));
    let home = || absolute("HOME").map(|dir| dir.join(".local/state/reconcile"));
    said.or_else(xdg).or_else(home)
}

#[cfg(test)]
mod tests;
