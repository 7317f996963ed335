//! `reconcile history`: what was done and ordered, why, and how it ended.

use super::{Failure, load, print};
use crate::adapters::file_store::FileStore;
use crate::cli::args::{Args, HistoryArgs, Output};
use crate::cli::exit::Exit;
use crate::cli::history_view::{history_json, history_text, select};
use crate::cli::style::Style;

pub(super) fn run(args: &Args, history: &HistoryArgs, style: &Style) -> Result<Exit, Failure> {
    let store = FileStore::new(&load::state(args, &load::cluster_name(args)?)?);
    let entries = store.records()?;
    let entries = select(&entries, history.number, history.instance.as_ref());
    print(&match args.global.output {
        Output::Text | Output::Markdown => history_text(&entries, style),
        Output::Json => history_json(&entries),
    })
}
