//! Operators' commands in a scenario, in the words of the command line.

use super::Reader;
use crate::model::command::{Command, End, Turn};
use crate::model::desired::Revision;
use crate::model::orders::{OrderKey, Scope, reason};
use crate::model::scenario::Happening;
use crate::model::unit::parse_long_span;
use crate::spec::problem::{Problem, slip_of};
use crate::spec::source::Span;
use crate::spec::tree::Entry;
use crate::spec::words::{self, Wrong};

const VERBS: [&str; 12] = [
    "drain",
    "undrain",
    "pause",
    "resume",
    "disarm",
    "arm",
    "fence",
    "retry",
    "rollback",
    "approve",
    "unprotect",
    "reconcile",
];
const KNOWN: &str = "it can be: drain HOST, undrain HOST, pause [SCOPE], resume [SCOPE], disarm, arm, fence confirm HOST [--force], fence retract HOST, retry INSTANCE, rollback [REVISION], rollback --undo [REVISION], approve [--now] (what waits then), unprotect NAME; drain, pause and disarm with --reason TEXT and --for SPAN or --until TIME (a rehearsal begins at 00:00 UTC), rollback, approve and unprotect with --reason TEXT; as on the command line";

/// A command line in parts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Typed {
    words: Vec<String>,
    reason: Option<String>,
    ends: Option<End>,
    undo: bool,
    force: bool,
    now: bool,
}

/// What may be said with a command besides its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Options {
    None,
    /// `--reason`, `--for`, `--until`.
    When,
    /// `--yes`, `--force`.
    Yes,
    /// `--reason`, `--undo`.
    Rollback,
    /// `--reason`, `--now`.
    Approve,
    /// `--reason`.
    Unprotect,
}

impl Reader<'_> {
    /// `command: drain b --reason "new disks" --for 2h`.
    pub(super) fn command(&self, entry: &Entry) -> Option<Happening> {
        let text = self.text(entry)?;
        let typed = self.cx.convert("command", &text, typed)?.value;
        let turn = self.turn(&typed, text.span)?;
        Some(Happening::Command {
            text: text.value.to_owned(),
            command: Command {
                turn,
                reason: typed.reason,
                ends: typed.ends,
                force: typed.force,
            },
        })
    }

    fn turn(&self, typed: &Typed, span: Span) -> Option<Turn> {
        let words: Vec<&str> = typed.words.iter().map(String::as_str).collect();
        let host = |name: &str| self.host(name, span);
        Some(match words.as_slice() {
            ["drain", name] => Turn::Give(OrderKey::Drained(host(name)?)),
            ["undrain", name] => Turn::Take(OrderKey::Drained(host(name)?)),
            ["pause"] => Turn::Give(OrderKey::Paused(Scope::Cluster)),
            ["pause", scope] => Turn::Give(OrderKey::Paused(self.scope(scope, span)?)),
            ["resume"] => Turn::Resume(Scope::Cluster),
            ["resume", scope] => Turn::Resume(self.scope(scope, span)?),
            ["disarm"] => Turn::Give(OrderKey::Disarmed),
            ["arm"] => Turn::Take(OrderKey::Disarmed),
            ["retry", name] => Turn::Give(OrderKey::Retried(self.instance(name, span)?)),
            ["fence", "confirm", name] => Turn::Give(OrderKey::Confirmed(host(name)?)),
            ["fence", "retract", name] => Turn::Take(OrderKey::Confirmed(host(name)?)),
            ["approve"] => Turn::Approve { now: typed.now },
            ["unprotect", name] => Turn::Give(OrderKey::Unprotected(self.group(name, span)?)),
            ["rollback"] => rollback(typed, None),
            ["rollback", revision] => rollback(typed, Some(Revision((*revision).to_owned()))),
            _ => {
                let text = format!("{} is no command", words::quoted(&words.join(" ")));
                let verb = words.first().copied().unwrap_or_default();
                let known = VERBS.contains(&verb);
                let near = slip_of(verb, VERBS).filter(|_| !known);
                let help = near.map(|verb| format!("did you mean `{verb}`?"));
                let problem = Problem::new(span, text).help(KNOWN);
                self.cx.push(problem.help_if(help));
                return None;
            }
        })
    }

    /// The service or host that a name without its kind may mean.
    fn scope_named(&self, name: &str) -> Option<Scope> {
        let mut states = self.states.iter();
        states.find_map(|state| state.scope_named(name))
    }

    fn scope(&self, text: &str, span: Span) -> Option<Scope> {
        let wrong = |why: String| {
            let help = match self.scope_named(text) {
                Some(scope) => format!("did you mean `{scope}`?"),
                None => "a scope is `cluster`, `service/NAME` or `host/NAME`".to_owned(),
            };
            self.cx.push(Problem::new(span, why).help(help));
        };
        let scope: Scope = text.parse().map_err(wrong).ok()?;
        match &scope {
            Scope::Cluster => {}
            Scope::Host(host) => drop(self.host(host.as_str(), span)?),
            Scope::Group(group) => drop(self.group(group.as_str(), span)?),
        }
        Some(scope)
    }
}

fn rollback(typed: &Typed, revision: Option<Revision>) -> Turn {
    match typed.undo {
        true => Turn::Undo(revision),
        false => Turn::Rollback(revision),
    }
}

/// Takes a command line apart.
fn typed(text: &str) -> Result<Typed, Wrong> {
    let mut parts = split(text)?.into_iter();
    let (mut typed, mut said) = (Typed::default(), Vec::new());
    while let Some(part) = parts.next() {
        let Some(option) = part.strip_prefix('-').map(|rest| rest.trim_matches('-')) else {
            typed.words.push(part);
            continue;
        };
        let (name, value) = option.split_once('=').unzip();
        let name = name.unwrap_or(option).to_owned();
        let mut value = || {
            let value = value.map(str::to_owned).or_else(|| parts.next());
            value.ok_or_else(|| Wrong::new(format!("`--{name}` has no value"), KNOWN))
        };
        match name.as_str() {
            "reason" => typed.reason = Some(reason(&value()?).map_err(|e| Wrong::new(e, KNOWN))?),
            "for" | "until" if typed.ends.is_some() => {
                let text = "an order ends once: `--for` or `--until`";
                return Err(Wrong::new(text, KNOWN));
            }
            "for" => typed.ends = Some(lasts(&value()?)?),
            "until" => typed.ends = Some(until(&value()?)?),
            "undo" => typed.undo = true,
            "force" => typed.force = true,
            "now" => typed.now = true,
            "yes" | "y" => {}
            _ => return Err(Wrong::new(format!("`{part}` is no option here"), KNOWN)),
        }
        said.push(name);
    }
    // As on the command line, `reconcile` itself may stand in front.
    if typed.words.first().is_some_and(|word| word == "reconcile") {
        typed.words.remove(0);
    }
    let verb = typed.words.first().map_or("", String::as_str).to_owned();
    match said.iter().find(|name| !takes(&verb, name)) {
        Some(name) => {
            let text = format!("`{verb}` takes no `--{name}`");
            Err(Wrong::new(text, KNOWN))
        }
        None => Ok(typed),
    }
}

fn takes(verb: &str, option: &str) -> bool {
    let options = match verb {
        "drain" | "pause" | "disarm" => Options::When,
        "fence" => Options::Yes,
        "rollback" => Options::Rollback,
        "approve" => Options::Approve,
        "unprotect" => Options::Unprotect,
        _ => Options::None,
    };
    match options {
        Options::None => false,
        Options::When => matches!(option, "reason" | "for" | "until"),
        Options::Yes => matches!(option, "yes" | "y" | "force"),
        Options::Rollback => matches!(option, "reason" | "undo"),
        Options::Approve => matches!(option, "reason" | "now"),
        Options::Unprotect => option == "reason",
    }
}

fn lasts(text: &str) -> Result<End, Wrong> {
    let span =
        parse_long_span(text).map_err(|error| Wrong::new(error.to_string(), "as in `90m`"))?;
    match span.is_zero() {
        true => Err(Wrong::new("`--for`: it would end at once", "as in `90m`")),
        false => Ok(End::After(span)),
    }
}

fn until(text: &str) -> Result<End, Wrong> {
    let help = "as in `--until 02:30`: a rehearsal begins at 00:00 UTC, on 2026-01-01";
    let wrong = |error: String| Wrong::new(format!("`--until`: {error}"), help);
    text.parse().map(End::At).map_err(wrong)
}

/// The words of a line; those in quotes are one.
fn split(text: &str) -> Result<Vec<String>, Wrong> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    match quote {
        Some(open) => Err(Wrong::new(
            format!("`{open}` is not closed"),
            "quote a reason as in `--reason 'new disks'`",
        )),
        None => {
            words.extend(word);
            Ok(words)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_command_is_taken_apart_as_a_shell_and_the_command_line_do() {
        let read = typed("reconcile drain b --reason 'new  disks' --for=90m").unwrap();
        assert_eq!(read.words, ["drain", "b"]);
        assert_eq!(read.reason.as_deref(), Some("new  disks"));
        assert_eq!(read.ends, Some(End::After(Duration::from_secs(5_400))));
        let read = typed("drain b --for 3d").unwrap();
        assert_eq!(read.ends, Some(End::After(Duration::from_secs(259_200))));
        assert!(typed("rollback --undo").unwrap().undo);
        assert!(typed("fence confirm b --yes --force").unwrap().force);
        let until = "22:00".parse().unwrap();
        let read = typed("pause service/web --until 22:00").unwrap();
        assert_eq!(read.ends, Some(End::At(until)));
        for wrong in [
            "drain b --reason",
            "drain b --reason 'x",
            "drain b --until soon",
            "drain b --until 22:00 --for 2h",
            "drain b --reason ' '",
            "drain b --for 0s",
            "drain b --undo",
            "resume --reason x",
            "drain b --speed 3",
        ] {
            assert!(typed(wrong).is_err(), "{wrong}");
        }
    }
}
