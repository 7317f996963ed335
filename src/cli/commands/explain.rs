//! `reconcile explain KEY`: what the file may say, from the table that the reader works with.

use super::{Failure, print};
use crate::cli::args::{Args, Output};
use crate::cli::exit::Exit;
use crate::cli::explain_view::{explain_json, explain_text};
use crate::cli::style::Style;
use crate::spec::explain::{Unknown, explain};

pub(super) fn run(args: &Args, key: &str, style: &Style) -> Result<Exit, Failure> {
    let places = explain(key).map_err(unknown)?;
    print(&match args.global.output {
        Output::Text | Output::Markdown => explain_text(&places, style),
        Output::Json => explain_json(&places),
    })
}

fn unknown(unknown: Unknown) -> Failure {
    let below = match unknown.below.as_str() {
        "" => "in the file".to_owned(),
        below => format!("in `{below}`"),
    };
    let help = unknown.help.map(|help| format!("\n  help: {help}"));
    Failure::Other(format!(
        "there is no key `{}` {below}{}",
        unknown.word,
        help.unwrap_or_default()
    ))
}
