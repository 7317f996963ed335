//! The command line as types, with the help that people read. It parses and checks arguments against each other; it
//! opens no file and decides nothing.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use tracing::level_filters::LevelFilter;

use crate::model::id::InstanceId;

const LONG_ABOUT: &str = "\
Keeps services on KVM virtual machines as cluster.yaml describes them, over SSH.

Without a command, reconcile compares cluster.yaml with what it observes on the hosts, shows the plan, asks, carries \
it out and checks the result. Nothing needs to be installed on a host but sshd and libvirt. Virtual machines that \
reconcile did not create are never touched.";

const EXAMPLES: &str = "\
Examples:
  reconcile --dry-run               show what would be done, and do nothing
  reconcile                         show the plan, ask, and do it
  reconcile --yes                   do it without asking, in scripts
  reconcile watch                   keep it so: heal what breaks, follow edits
  reconcile status                  show what runs where, and what is wrong
  reconcile --dry-run --output json --detailed-exitcode";

const EXIT_CODES: &str = "\
Exit codes:
  0  done, or nothing to do
  1  error: bad arguments or file, or nothing could be applied
  2  changes are pending (only with --dry-run --detailed-exitcode)
  3  something is blocked; the plan says why
  4  something could not be observed; nothing was decided about it
  6  applied in part: some actions succeeded, some did not";

const WATCH_ABOUT: &str = "\
Runs until it is stopped: heals what breaks, and follows edits of cluster.yaml.

It looks at once when a heartbeat is missed or the file changes, and at a steady pace otherwise. It does not ask. \
An edit that is not valid changes nothing: the last good state stays in force, and the log says so. SIGTERM or \
SIGINT (Ctrl-C) end it cleanly, after the actions in hand.";

const WATCH_EXAMPLES: &str = "\
Examples:
  reconcile watch                        in a terminal
  reconcile watch --log-format json      under systemd or another supervisor";

const STATUS_ABOUT: &str = "\
Shows hosts, instances and load balancers as they are now, and what is wrong.

It observes all hosts once and changes nothing. What the hosts can't tell (since when, what is being done) comes \
from the state directory.";

const STATUS_EXAMPLES: &str = "\
Examples:
  reconcile status
  reconcile status --output json | jq '.instances[] | select(.healthy | not)'

Exit codes: 0 shown; 1 error; 3 something is blocked; 4 something could not be observed";

const VALIDATE_ABOUT: &str = "\
Checks cluster.yaml and everything it refers to, without contacting any machine.

All errors of the file are shown at once, each with its line and how to mend it.";

const VALIDATE_EXAMPLES: &str = "\
Examples:
  reconcile validate
  reconcile validate -f specs/demo.yaml && git commit

Exit codes: 0 valid; 1 not valid";

const SCHEMA_ABOUT: &str = "\
Prints the JSON Schema of cluster.yaml, for completion and checks in editors.";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  reconcile schema > cluster.schema.json
  # then, as the first line of cluster.yaml (yaml-language-server):
  # yaml-language-server: $schema=cluster.schema.json";

const RENDER_ABOUT: &str = "\
Prints a file as an instance would get it, without contacting any machine.

TEMPLATE is the name of a template (nginx.conf) or the path that the file has in the guest (/etc/nginx/nginx.conf).";

const RENDER_EXAMPLES: &str = "\
Examples:
  reconcile render nginx.conf --for web-1
  reconcile render /etc/network/interfaces --for random-2";

const HISTORY_ABOUT: &str = "\
Shows the last actions: when, what, where, why, and how it ended. Times are in UTC.";

const HISTORY_EXAMPLES: &str = "\
Examples:
  reconcile history                      the last 20
  reconcile history -n 5 --instance web-1
  reconcile history -n 0 --output json   all, one JSON object per line";

const COMPLETIONS_ABOUT: &str = "\
Prints the script that completes reconcile's arguments in a shell.";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  reconcile completions bash > /etc/bash_completion.d/reconcile
  reconcile completions fish > ~/.config/fish/completions/reconcile.fish";

/// The whole command line.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "reconcile",
    version,
    about = "Keeps services on KVM virtual machines as cluster.yaml describes them, over SSH",
    long_about = LONG_ABOUT,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"),
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
}

/// Flags of every command.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// The file that describes the cluster
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        default_value = "cluster.yaml"
    )]
    pub file: PathBuf,

    /// How results are printed, on standard output
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = Output::Text)]
    pub output: Output,

    /// Where memory and history are kept
    ///
    /// Default: $XDG_STATE_HOME/reconcile, or ~/.local/state/reconcile. Losing it loses the history, never the
    /// cluster.
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

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// For programs, with a format_version
    Json,
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
    /// Keep the cluster as the file says: heal what breaks, follow edits
    #[command(long_about = WATCH_ABOUT, after_help = WATCH_EXAMPLES)]
    Watch,

    /// Show what runs where, and what is wrong
    #[command(long_about = STATUS_ABOUT, after_help = STATUS_EXAMPLES)]
    Status,

    /// Check the file, without contacting any machine
    #[command(long_about = VALIDATE_ABOUT, after_help = VALIDATE_EXAMPLES)]
    Validate,

    /// Print the JSON Schema of the file, for editors
    #[command(long_about = SCHEMA_ABOUT, after_help = SCHEMA_EXAMPLES)]
    Schema,

    /// Print a file as an instance would get it
    #[command(long_about = RENDER_ABOUT, after_help = RENDER_EXAMPLES)]
    Render(RenderArgs),

    /// Show the last actions, with reason and outcome
    #[command(long_about = HISTORY_ABOUT, after_help = HISTORY_EXAMPLES)]
    History(HistoryArgs),

    /// Print the script that completes arguments in a shell
    #[command(long_about = COMPLETIONS_ABOUT, after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: Shell,
    },
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

impl Args {
    /// Reads a command line, the program's name first. The error prints itself ([`clap::Error::print`]); what the
    /// shell is told of it says [`super::exit::Exit::of_usage`].
    pub fn read(
        line: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Args, clap::Error> {
        let args = Args::try_parse_from(line)?;
        match (&args.command, args.apply.first_given()) {
            (Some(command), Some(flag)) => Err(misplaced(flag, command.name())),
            (Some(_), None) | (None, _) => Ok(args),
        }
    }

    /// How much is logged: warnings by default; what is done, too, where nobody else tells of it.
    pub fn log_level(&self) -> LevelFilter {
        let louder = u8::from(self.command == Some(Command::Watch));
        match self.global.verbose.saturating_add(louder) {
            0 => LevelFilter::WARN,
            1 => LevelFilter::INFO,
            2 => LevelFilter::DEBUG,
            3.. => LevelFilter::TRACE,
        }
    }
}

impl ApplyArgs {
    fn first_given(&self) -> Option<&'static str> {
        let flags = [
            (self.dry_run, "--dry-run"),
            (self.yes, "--yes"),
            (self.detailed_exitcode, "--detailed-exitcode"),
        ];
        flags
            .iter()
            .find(|(given, _)| *given)
            .map(|(_, flag)| *flag)
    }
}

impl Command {
    /// Its name on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Watch => "watch",
            Command::Status => "status",
            Command::Validate => "validate",
            Command::Schema => "schema",
            Command::Render(_) => "render",
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

/// The script that completes arguments in `shell`.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "reconcile", &mut script);
    script
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
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Args, clap::Error> {
        Args::read(line.split_whitespace())
    }

    fn long_help(mut command: clap::Command) -> String {
        command = command.term_width(80);
        command.render_long_help().to_string()
    }

    #[test]
    fn the_help_tells_a_stranger_enough() {
        insta::assert_snapshot!("help", long_help(Args::command()));
    }

    #[test]
    fn each_command_explains_itself_with_examples() {
        let mut command = Args::command();
        command.build();
        for sub in command.get_subcommands() {
            let help = long_help(sub.clone());
            assert!(help.contains("Examples:\n  reconcile "), "{help}");
            assert!(sub.get_long_about().is_some(), "{help}");
        }
    }

    #[test]
    fn the_help_of_history_reads_well() {
        let mut command = Args::command();
        command.build();
        let history = command.find_subcommand("history").unwrap().clone();
        insta::assert_snapshot!("help_history", long_help(history));
    }

    #[test]
    fn every_exit_code_is_in_the_help() {
        use crate::cli::exit::Exit::*;
        for exit in [Done, Error, Pending, Blocked, Unseen, Partial] {
            assert!(
                EXIT_CODES.contains(&format!("\n  {}  ", exit.code())),
                "{exit:?}"
            );
        }
    }

    #[test]
    fn global_flags_stand_before_or_behind_the_command() {
        for line in [
            "reconcile -f x.yaml --output json status",
            "reconcile status -f x.yaml --output json",
        ] {
            let args = read(line).unwrap();
            assert_eq!(args.command, Some(Command::Status));
            assert_eq!(args.global.file, PathBuf::from("x.yaml"));
            assert_eq!(args.global.output, Output::Json);
        }
    }

    #[test]
    fn flags_of_the_apply_are_refused_with_a_command() {
        let error = read("reconcile --dry-run status").unwrap_err().to_string();
        assert!(
            error.contains("--dry-run has no meaning for 'status'"),
            "{error}"
        );
        assert!(read("reconcile status --yes").is_err());
    }

    #[test]
    fn contradicting_flags_are_refused() {
        assert!(read("reconcile --dry-run --yes").is_err());
        assert!(read("reconcile --detailed-exitcode").is_err());
        assert!(read("reconcile --dry-run --detailed-exitcode").is_ok());
    }

    #[test]
    fn an_instance_is_checked_where_it_is_named() {
        let args = read("reconcile render nginx.conf --for web-1").unwrap();
        let Some(Command::Render(render)) = args.command else {
            panic!()
        };
        assert_eq!(render.instance.to_string(), "web-1");
        assert!(read("reconcile render nginx.conf --for web").is_err());
    }

    #[test]
    fn watch_logs_what_it_does_without_being_asked() {
        assert_eq!(read("reconcile").unwrap().log_level(), LevelFilter::WARN);
        assert_eq!(
            read("reconcile -vv").unwrap().log_level(),
            LevelFilter::DEBUG
        );
        assert_eq!(
            read("reconcile watch").unwrap().log_level(),
            LevelFilter::INFO
        );
    }

    #[test]
    fn the_state_directory_follows_the_basedir_specification() {
        let env = |name: &str| match name {
            "HOME" => Some("/home/u".into()),
            "XDG_STATE_HOME" => Some("relative".into()),
            other => panic!("{other} was asked for"),
        };
        let expected = PathBuf::from("/home/u/.local/state/reconcile");
        assert_eq!(state_dir(None, env), Some(expected));
        assert_eq!(state_dir(Some("x".into()), env), Some("x".into()));
        assert_eq!(state_dir(None, |_| None), None);
    }

    #[test]
    fn completions_name_every_command() {
        let script = String::from_utf8(completions(Shell::Bash)).unwrap();
        assert!(script.contains("watch") && script.contains("--detailed-exitcode"));
    }
}
