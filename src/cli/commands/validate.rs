//! `reconcile validate`: the file and all it refers to, without a machine. What only work on machines needs (secrets,
//! keys, images) need not be here.

use super::{Failure, load, print};
use crate::adapters::fence_agent::FenceAgents;
use crate::cli::args::{Args, Output};
use crate::cli::exit::Exit;
use crate::cli::style::{Paint, Style};
use crate::cli::text;
use crate::controller::agents::Agents;
use crate::model::desired::Desired;
use crate::model::plan::{Notice, NoticeKind};
use crate::plan::{fencing, no_effect, quorum};

pub(super) fn run(args: &Args, style: &Style) -> Result<Exit, Failure> {
    let load::Checked {
        desired, not_here, ..
    } = load::checked(args)?;
    let agents = Agents::default().missing(&desired, &FenceAgents);
    let warnings = fencing::missing_agents(&desired, &agents);
    let warnings = warnings.chain(quorum::is_missing_with_one_host(&desired));
    let warnings = warnings.chain(no_effect::idle_failback(&desired));
    let warnings: Vec<Notice> = warnings.chain(unchecked(&desired, &not_here)).collect();
    print(&match args.global.output {
        Output::Text | Output::Markdown => valid_text(&desired, &warnings, style),
        Output::Json => valid_json(&desired, &warnings),
    })
}

fn valid_text(desired: &Desired, warnings: &[Notice], style: &Style) -> String {
    let (hosts, file) = (desired.hosts.len(), &desired.file);
    let head = format!(
        "{} {file} is valid: cluster {}, {hosts} hosts, {} instances (revision {}).\n",
        style.paint(Paint::Good, "✓"),
        desired.cluster,
        desired.instances().count(),
        desired.revision
    );
    let warned = warnings.iter().map(|warning| {
        let line = warning.line.map(|line| format!(" ({file}:{line})"));
        let text = text::clean(&format!("{}{}", warning.text, line.unwrap_or_default()));
        let help = warning.help.as_deref().map(text::clean);
        let help = help.map(|help| format!("  help: {help}\n"));
        let word = style.paint(Paint::Warn, "warning:");
        format!("{word} {text}\n{}", help.unwrap_or_default())
    });
    std::iter::once(head).chain(warned).collect()
}

fn valid_json(desired: &Desired, warnings: &[Notice]) -> String {
    let valid = serde_json::json!({
        "format_version": 1,
        "file": desired.file,
        "cluster": desired.cluster,
        "revision": desired.revision,
        "hosts": desired.hosts.len(),
        "instances": desired.instances().count(),
        "errors": [],
        "warnings": warnings,
    });
    format!("{valid}\n")
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
