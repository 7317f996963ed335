//! The command line as people type it, and the help as they read it.

use std::time::Duration;

use super::*;
use crate::model::orders::Scope;

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
fn markdown_is_for_plans_alone() {
    assert!(read("reconcile --dry-run --output markdown").is_ok());
    for line in [
        "reconcile status --output markdown",
        "reconcile --output markdown",
    ] {
        let error = read(line).unwrap_err().to_string();
        assert!(
            error.contains("only plans have --output markdown"),
            "{error}"
        );
    }
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
fn an_order_names_what_it_is_about_where_it_is_given() {
    let command = |line| read(line).unwrap().command.unwrap();
    let Command::Pause(pause) = command("reconcile pause") else {
        panic!()
    };
    assert_eq!(pause.scope, Scope::Cluster);
    let Command::Pause(pause) = command("reconcile pause service/web --for 90m --reason x") else {
        panic!()
    };
    assert_eq!(pause.scope.to_string(), "service/web");
    assert_eq!(pause.when.span, Some(Duration::from_secs(5_400)));
    let error = read("reconcile pause web").unwrap_err().to_string();
    assert!(error.contains("`service/NAME`"), "{error}");
}

#[test]
fn an_end_is_said_once_and_a_reason_is_short() {
    assert!(read("reconcile drain b --until 22:00 --for 2h").is_err());
    assert!(read("reconcile drain b --until tomorrow").is_err());
    assert!(read("reconcile drain b --for 2").is_err());
    assert!(read("reconcile drain b --reason= ").is_err());
    let long = "x".repeat(201);
    assert!(read(&format!("reconcile drain b --reason {long}")).is_err());
    assert!(read("reconcile disarm --until 2030-01-01T00:00:00Z").is_ok());
}

#[test]
fn a_host_is_confirmed_with_yes_only_where_that_is_said() {
    let line = "reconcile fence confirm b --yes";
    let Some(Command::Fence(FenceCommand::Confirm { host, yes, force })) =
        read(line).unwrap().command
    else {
        panic!()
    };
    assert_eq!((host.as_str(), yes, force), ("b", true, false));
    assert!(read("reconcile fence b").is_err());
    assert!(read("reconcile drain b --yes").is_err());
}

#[test]
fn a_revision_is_hex() {
    assert!(read("reconcile rollback 3f2a91c04b7e").is_ok());
    assert!(read("reconcile rollback --undo").is_ok());
    assert!(read("reconcile rollback ../etc").is_err());
}

#[test]
fn each_order_explains_itself() {
    let mut command = Args::command();
    command.build();
    for name in ["drain", "pause", "fence", "rollback"] {
        let sub = command.find_subcommand(name).unwrap().clone();
        insta::assert_snapshot!(format!("help_{name}"), long_help(sub));
    }
    let fence = command.find_subcommand("fence").unwrap();
    let confirm = fence.find_subcommand("confirm").unwrap().clone();
    insta::assert_snapshot!("help_fence_confirm", long_help(confirm));
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
fn a_run_may_be_about_some_only_and_a_controller_never_is() {
    let args = read("reconcile --dry-run --target random-1 service/web --exclude host/b").unwrap();
    let targets = args.apply.targets.targets();
    assert_eq!(targets.to_string(), "random-1, service/web, but not host/b");
    assert_eq!(args.apply.plan().targets.targets(), targets);
    assert!(read("reconcile plan --target random-1 --target host/a").is_ok());
    for (line, said) in [
        ("reconcile watch --target random-1", "--target"),
        (
            "reconcile --exclude=random-1 status",
            "--exclude has no meaning",
        ),
        (
            "reconcile plan --from a --to b --target random-1",
            "cannot be used",
        ),
        ("reconcile --target random", "not an instance (as in web-1)"),
        ("reconcile --target pod/x", "`host/NAME`"),
    ] {
        let error = read(line).unwrap_err().to_string();
        assert!(error.contains(said), "{line}: {error}");
    }
}
