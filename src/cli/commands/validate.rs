//! `reconcile validate`: the file and all it refers to, without a machine. What only work on machines needs (secrets,
//! keys, images) need not be here.

use super::{Failure, load, print};
use crate::cli::args::{Args, Output};
use crate::cli::exit::Exit;
use crate::cli::style::{Paint, Style};

pub(super) fn run(args: &Args, style: &Style) -> Result<Exit, Failure> {
    let (desired, missing) = load::checked(args)?;
    let warning = not_here(&missing);
    let instances = desired.instances().count();
    let (hosts, file) = (desired.hosts.len(), &desired.file);
    print(&match args.global.output {
        Output::Text => format!(
            "{}{} {file} is valid: cluster {}, {hosts} hosts, {instances} instances (revision {}).\n",
            warned(warning.as_deref(), style),
            style.paint(Paint::Good, "✓"),
            desired.cluster,
            desired.revision
        ),
        Output::Json => format!(
            "{}\n",
            serde_json::json!({
                "format_version": 1,
                "file": file,
                "cluster": desired.cluster,
                "revision": desired.revision,
                "hosts": hosts,
                "instances": instances,
                "errors": [],
                "warnings": Vec::from_iter(warning),
            })
        ),
    })
}

/// What could not be looked at, in one line.
fn not_here(missing: &[String]) -> Option<String> {
    let names = missing.join(", ");
    let text = format!("not here, so not checked and not in the revision: {names}");
    (!missing.is_empty()).then_some(text)
}

fn warned(warning: Option<&str>, style: &Style) -> String {
    let line = warning.map(|text| format!("{}\n", style.paint(Paint::Warn, format!("! {text}"))));
    line.unwrap_or_default()
}
