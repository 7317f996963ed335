//! One file per subcommand: what it reads, what it prints, and its exit code.

mod adopt;
mod apply;
mod approve;
mod arm;
pub mod complete;
mod desk;
mod disarm;
mod drain;
mod drift;
mod dry_run;
mod explain;
mod fence;
mod fence_test;
mod fmt;
mod history;
mod load;
mod notify;
mod orders;
mod origin;
mod pause;
mod plan;
mod rehearse;
mod render;
mod resume;
mod retry;
mod rollback;
mod saved;
mod status;
mod undrain;
mod unprotect;
mod validate;
mod watch;
mod why;

use super::args::{Args, Command, Output, SchemaArgs};
use super::exit::Exit;
use super::progress::Screen;
use super::stale::Stale;
use std::io::ErrorKind;

use super::style::{Colour, Style};
use crate::model::gate::Gate;
use crate::spec::SpecErrors;

/// Why a command ended early. What is there has been said to the user in full when it is printed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The desired state can't be had.
    #[error("{errors}")]
    Spec {
        /// The file, as the user named it.
        file: String,
        /// What is wrong with it.
        errors: SpecErrors,
    },
    /// Memory or history can't be read or written.
    #[error("{error}{}{}", cause(.error), make_room(.error))]
    Store {
        /// What went wrong.
        #[from]
        error: crate::ports::store::StoreError,
    },
    /// A saved plan does not hold any more.
    #[error("{0}")]
    Stale(Box<Stale>),
    /// Guards keep a change from coming into force.
    #[error("{}", held(.0))]
    Held(Box<Gate>),
    /// Anything else that the user has to know.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// In a line: of several errors of a file, the first one.
    fn brief(&self) -> String {
        let Failure::Spec { file, errors } = self else {
            let text = self.to_string();
            return text.lines().next().unwrap_or_default().to_owned();
        };
        let errors = errors.errors();
        let Some(first) = errors.first() else {
            return format!("{file} is not valid");
        };
        let more = match errors.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let file = first.file.as_ref().unwrap_or(file);
        format!(
            "{file}:{}:{}: {}{more}",
            first.line, first.column, first.message
        )
    }

    fn exit(&self) -> Exit {
        match self {
            Failure::Stale(_) => Exit::Stale,
            Failure::Held(_) => Exit::Blocked,
            Failure::Spec { .. } | Failure::Store { .. } | Failure::Other(_) => Exit::Error,
        }
    }
}

fn held(gate: &Gate) -> String {
    let guards = gate.held_by().map(|guard| {
        let help = guard.help.as_ref().map(|help| format!("\n  help: {help}"));
        let (word, text) = (guard.guard.word(), super::text::clean(&guard.text));
        format!("\n  {word}: {text}{}", help.unwrap_or_default())
    });
    let guards: String = guards.collect();
    format!(
        "change {} is held, nothing was applied:{guards}",
        gate.change
    )
}

fn cause(error: &dyn std::error::Error) -> String {
    error
        .source()
        .map_or_else(String::new, |source| format!(": {source}"))
}

/// What helps where nothing can be written.
fn make_room(error: &crate::ports::store::StoreError) -> &'static str {
    match error.source.kind() {
        ErrorKind::StorageFull
        | ErrorKind::QuotaExceeded
        | ErrorKind::FileTooLarge
        | ErrorKind::ReadOnlyFilesystem => {
            "\n  help: make room on that disk, or let it be written to; or name another directory: --state-dir DIR"
        }
        _ => "",
    }
}

/// Runs the command that `args` name.
pub async fn run(args: Args, screen: Screen) -> Exit {
    let style = Style::of_stdout(args.global.no_color);
    let result = match &args.command {
        None if args.apply.dry_run => dry_run::run(&args, &args.apply.plan(), &style).await,
        None => apply::run(&args, &style, &screen).await,
        Some(Command::Plan(how)) => plan::run(&args, how, &style).await,
        Some(Command::Apply(saved)) => apply::run_saved(&args, saved, &style, &screen).await,
        Some(Command::Adopt(how)) => adopt::run(&args, how, &style).await,
        Some(Command::Watch(how)) => watch::run(&args, how).await,
        Some(Command::Status) => status::run(&args, &style).await,
        Some(Command::Drift) => drift::run(&args, &style).await,
        Some(Command::Why(asked)) => why::run(&args, asked, &style).await,
        Some(Command::Validate(how)) => validate::run(&args, how, &style),
        Some(Command::Fmt(how)) => fmt::run(&args, how, &style),
        Some(Command::Schema(which)) => print(&format!("{:#}\n", schema(which))),
        Some(Command::Explain { key }) => explain::run(&args, key, &style),
        Some(Command::Rehearse(rehearsal)) => rehearse::run(&args, rehearsal, &style, &screen),
        Some(Command::Render(render)) => render::run(&args, render),
        Some(Command::Drain(drain)) => drain::run(&args, drain),
        Some(Command::Undrain(undrain)) => undrain::run(&args, undrain),
        Some(Command::Pause(pause)) => pause::run(&args, pause),
        Some(Command::Resume(resume)) => resume::run(&args, resume),
        Some(Command::Disarm(when)) => disarm::run(&args, when),
        Some(Command::Arm) => arm::run(&args),
        Some(Command::Retry(retry)) => retry::run(&args, retry),
        Some(Command::Fence(fence)) => fence::run(&args, fence, &style).await,
        Some(Command::Rollback(rollback)) => rollback::run(&args, rollback),
        Some(Command::Approve(commit)) => approve::run(&args, commit),
        Some(Command::Unprotect(unprotect)) => unprotect::run(&args, unprotect),
        Some(Command::Notify(notify)) => notify::run(&args, notify, &style).await,
        Some(Command::Orders) => orders::run(&args, &style),
        Some(Command::History(history)) => history::run(&args, history, &style),
        Some(Command::Completions { shell }) => {
            complete::script(*shell).and_then(|script| print(&script))
        }
    };
    result.unwrap_or_else(|failure| {
        match args.global.output {
            // Programs read results, and this is one.
            Output::Json => println!("{}", failure_json(&failure)),
            Output::Text | Output::Markdown => {
                eprintln!("{}", failure_text(&failure, args.global.no_color))
            }
        }
        failure.exit()
    })
}

fn schema(which: &SchemaArgs) -> serde_json::Value {
    match (which.scenario, which.included, which.plan) {
        (true, ..) => crate::spec::scenario::schema::json_schema(),
        (_, true, _) => crate::spec::schema::included_schema(),
        (.., true) => super::plan_schema::json_schema(),
        (false, false, false) => crate::spec::schema::json_schema(),
    }
}

fn failure_json(failure: &Failure) -> serde_json::Value {
    match failure {
        Failure::Spec { file, errors } => {
            serde_json::json!({ "format_version": 1, "file": file, "errors": errors.errors() })
        }
        Failure::Stale(stale) => {
            serde_json::json!({ "format_version": 1, "stale": stale, "errors": [{ "message": failure.to_string() }] })
        }
        Failure::Held(gate) => {
            serde_json::json!({ "format_version": 1, "gate": gate, "errors": [{ "message": failure.to_string() }] })
        }
        Failure::Store { .. } | Failure::Other(_) => {
            serde_json::json!({ "format_version": 1, "errors": [{ "message": failure.to_string() }] })
        }
    }
}

fn failure_text(failure: &Failure, no_color: bool) -> String {
    match failure {
        // Its renderer has said what, where and how to mend it.
        Failure::Spec { errors, .. } => {
            errors.render(Style::of_stderr(no_color).colour == Colour::On)
        }
        Failure::Stale(_) | Failure::Held(_) | Failure::Store { .. } | Failure::Other(_) => {
            format!("error: {failure}")
        }
    }
}

/// Prints a result. A reader that has seen enough (`| head`) is no error.
fn print(text: &str) -> Result<Exit, Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Other(format!("can't write the output: {error}")))
        }
        Ok(()) | Err(_) => Ok(Exit::Done),
    }
}
