//! Completion in a shell: which hosts, services and instances a command line may name, as the file that it names says.
//! Contacts nothing, writes nothing, and is silent where anything is wrong: somebody is typing.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::{Command, CommandFactory};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};

use super::Failure;
use super::load::state;
use super::origin::Origin;
use crate::adapters::file_store::FileStore;
use crate::cli::args::Args;
use crate::model::id::HostId;
use crate::ports::store::StoreView;
use crate::spec::outline::{Outline, outline};

/// What a script sets where it asks.
const ASKS: &str = "RECONCILE_COMPLETE";

/// Answers a shell that asks how a command line goes on, and ends the process; returns where nobody asks.
pub fn answer() {
    let asked = || match is_flag(&words()) {
        true => command(),
        false => without_flags(command()),
    };
    CompleteEnv::with_factory(asked).var(ASKS).complete();
}

/// The script that makes a shell ask.
pub(super) fn script(shell: Shell) -> Result<String, Failure> {
    let (shells, mut script) = (Shells::builtins(), Vec::new());
    let name = "reconcile";
    let written = shells
        .completer(&shell.to_string())
        .map(|shell| shell.write_registration(ASKS, name, name, name, &mut script));
    match written {
        Some(Ok(())) => Ok(String::from_utf8_lossy(&script).into_owned()),
        Some(Err(_)) | None => Err(Failure::Other(format!(
            "there is no completion for {shell}"
        ))),
    }
}

/// The command line, with what its arguments may name.
fn command() -> Command {
    let of_hosts = |command: Command| takes(command, "host", hosts);
    let targets = |command: Command| {
        let command = takes(command, "target", subjects);
        takes(command, "exclude", subjects)
    };
    targets(Args::command())
        .mut_subcommand("plan", targets)
        .mut_subcommand("why", |why| of_hosts(takes(why, "instance", instances)))
        .mut_subcommand("render", |render| takes(render, "instance", instances))
        .mut_subcommand("history", |history| takes(history, "instance", instances))
        .mut_subcommand("retry", |retry| takes(retry, "instance", instances))
        .mut_subcommand("drain", of_hosts)
        .mut_subcommand("undrain", of_hosts)
        .mut_subcommand("pause", |pause| takes(pause, "scope", scopes))
        .mut_subcommand("resume", |resume| takes(resume, "scope", scopes))
        .mut_subcommand("fence", |fence| {
            let each = ["confirm", "test", "retract"].into_iter();
            each.fold(fence, |fence, word| fence.mut_subcommand(word, of_hosts))
        })
}

/// The same with flags only where there is nothing else to name: they would bury the names.
fn without_flags(command: Command) -> Command {
    let command = command.mut_args(|arg| {
        let is_flag = !arg.is_positional();
        arg.hide(is_flag)
    });
    let command = command.disable_help_flag(true).disable_version_flag(true);
    command.mut_subcommands(without_flags)
}

/// The command line that a shell asks about.
fn words() -> Vec<OsString> {
    let all = std::env::args_os();
    all.skip_while(|word| word != "--").skip(1).collect()
}

/// Whether the word to complete begins as a flag does. Some shells say which one that is, of the others it is the last.
fn is_flag(words: &[OsString]) -> bool {
    let said = std::env::var("_CLAP_COMPLETE_INDEX").ok();
    let said = said.and_then(|index| index.parse().ok());
    let index = said.unwrap_or(words.len().saturating_sub(1));
    let word = words.get(index).map(|word| word.to_string_lossy());
    word.is_some_and(|word| word.starts_with('-'))
}

fn takes(command: Command, arg: &'static str, names: fn() -> Vec<String>) -> Command {
    let candidates = move || names().into_iter().map(CompletionCandidate::new).collect();
    command.mut_arg(arg, |arg| arg.add(ArgValueCandidates::new(candidates)))
}

fn hosts() -> Vec<String> {
    let asked = asked();
    let (args, outline) = match &asked {
        Some((args, outline)) => (args, outline),
        None => return Vec::new(),
    };
    let leaving = outline.cluster.as_ref().and_then(|cluster| {
        let memory = FileStore::new(&state(args, cluster).ok()?).load().ok()?;
        Some(memory.hosts.into_keys())
    });
    let named = outline.hosts.iter().cloned();
    let all: BTreeSet<HostId> = named.chain(leaving.into_iter().flatten()).collect();
    all.iter().map(HostId::to_string).collect()
}

fn instances() -> Vec<String> {
    let outline = asked().map(|(_, outline)| outline).unwrap_or_default();
    outline.instances().map(|id| id.to_string()).collect()
}

/// What a run can be about.
fn subjects() -> Vec<String> {
    let scopes = scopes().into_iter().skip(1);
    instances().into_iter().chain(scopes).collect()
}

fn scopes() -> Vec<String> {
    let groups = asked()
        .map(|(_, outline)| outline.groups)
        .unwrap_or_default();
    let groups = groups.iter().map(|(group, _)| format!("service/{group}"));
    let hosts = hosts().into_iter().map(|host| format!("host/{host}"));
    std::iter::once("cluster".to_owned())
        .chain(groups)
        .chain(hosts)
        .collect()
}

/// What the command line says of the file, and the names in it.
fn asked() -> Option<(Args, Outline)> {
    let args = Args::read(about_the_file(&words())).ok()?;
    let origin = Origin::of(&args).ok()?;
    let outline = outline(&origin.name, &origin.source().ok()?, &origin.files());
    Some((args, outline))
}

/// The flags that say where the file is: the rest of the command line is not complete.
fn about_the_file(words: &[OsString]) -> Vec<OsString> {
    let mut flags = vec![OsString::from("reconcile")];
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(text) = word.to_str() else { continue };
        let name = text.split_once('=').map_or(text, |(name, _)| name);
        match name {
            "-f" | "--file" | "--path" | "--repo" | "--branch" | "--state-dir" => {
                flags.push(word.clone());
                let value = words.clone().next().filter(|_| name == text);
                flags.extend(value.cloned());
            }
            _ if text.starts_with("-f") => flags.push(word.clone()),
            _ => {}
        }
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_that_names_something_is_there() {
        command().build();
        without_flags(command()).build();
    }

    #[test]
    fn only_what_says_where_the_file_is_is_read_of_a_line_that_is_not_complete() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        let read = |line: &str| {
            let args = Args::read(about_the_file(&words(line))).unwrap();
            (args.global.file.display().to_string(), args.global.branch)
        };
        let main = "main".to_owned();
        assert_eq!(
            read("reconcile -f a.yaml drain --reason"),
            ("a.yaml".into(), main.clone())
        );
        assert_eq!(
            read("reconcile drain x --file=b.yaml --branch next "),
            ("b.yaml".into(), "next".into())
        );
        assert_eq!(
            read("reconcile -fc.yaml why web-9x --nonsense"),
            ("c.yaml".into(), main.clone())
        );
        assert_eq!(read("reconcile why "), ("cluster.yaml".into(), main));
    }

    #[test]
    fn every_shell_has_a_script_that_asks() {
        use clap::ValueEnum;
        for shell in Shell::value_variants() {
            let script = script(*shell).unwrap();
            assert!(
                script.contains(ASKS) && script.contains("reconcile"),
                "{shell}: {script}"
            );
        }
    }
}
