//! `reconcile validate`: the file and all it refers to, without a machine. What only work on machines needs (secrets,
//! keys, images) need not be here.

use super::{Failure, load, notify, print};
use crate::adapters::fence_agent::FenceAgents;
use crate::cli::args::{Args, Output, ValidateArgs};
use crate::cli::exit::Exit;
use crate::cli::style::Style;
use crate::cli::validate_view::{valid_json, valid_text};
use crate::controller::agents::Agents;
use crate::model::desired::Desired;
use crate::model::plan::{Notice, NoticeKind};
use crate::plan::lint::lints;
use crate::plan::{fencing, quorum};

pub(super) fn run(args: &Args, how: &ValidateArgs, style: &Style) -> Result<Exit, Failure> {
    let load::Checked {
        desired, not_here, ..
    } = load::checked(args)?;
    let agents = Agents::default().missing(&desired, &FenceAgents);
    let warnings = lints(&desired).into_iter();
    let warnings = warnings.chain(fencing::missing_agents(&desired, &agents));
    let warnings = warnings.chain(quorum::is_missing_with_one_host(&desired));
    let warnings = warnings.chain(notify::warnings(&desired));
    let warnings: Vec<Notice> = warnings.chain(unchecked(&desired, &not_here)).collect();
    print(&match args.global.output {
        Output::Text | Output::Markdown => valid_text(&desired, &warnings, how.strict, style),
        Output::Json => valid_json(&desired, &warnings),
    })?;
    Ok(match how.strict && !warnings.is_empty() {
        true => Exit::Error,
        false => Exit::Done,
    })
}

/// What could not be looked at.
fn unchecked(desired: &Desired, missing: &[String]) -> Option<Notice> {
    let names = missing.join(", ");
    (!missing.is_empty()).then(|| Notice {
        kind: NoticeKind::Warning,
        subject: desired.file.clone(),
        text: format!("not here, so not checked and not in the revision: {names}"),
        help: None,
        line: None,
    })
}
