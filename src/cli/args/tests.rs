//! The command line as people type it, and the help as they read it.

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
            help::EXIT_CODES.contains(&format!("\n  {}  ", exit.code())),
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
