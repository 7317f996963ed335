//! How results are printed, and which commands have which form.

use clap::ValueEnum;

use super::{Args, Command};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// For programs, with a format_version
    Json,
    /// For a comment at a pull request; only of plans
    Markdown,
}

/// Why what was asked for has no such form.
pub(super) fn refused(args: &Args) -> Option<String> {
    match (args.global.output, &args.command) {
        (Output::Json, Some(command @ (Command::Render(_) | Command::Completions { .. }))) => {
            let name = command.name();
            Some(format!("'{name}' prints text: it has no --output json"))
        }
        (Output::Text | Output::Json, _) => None,
        (Output::Markdown, Some(Command::Plan(_))) => None,
        (Output::Markdown, None) if args.apply.dry_run => None,
        (Output::Markdown, command) => {
            let name = command.as_ref().map_or("an apply", Command::name);
            Some(format!(
                "only plans have --output markdown, and '{name}' shows none: try reconcile plan --output markdown"
            ))
        }
    }
}
