//! `reconcile validate`: the file and all it refers to, without a machine.

use super::{Failure, load, print};
use crate::cli::args::{Args, Output};
use crate::cli::exit::Exit;
use crate::cli::style::{Paint, Style};

pub(super) fn run(args: &Args, style: &Style) -> Result<Exit, Failure> {
    let desired = load::desired(args)?;
    let instances = desired.instances().count();
    let (hosts, file) = (desired.hosts.len(), &desired.file);
    print(&match args.global.output {
        Output::Text => format!(
            "{} {file} is valid: cluster {}, {hosts} hosts, {instances} instances (revision {}).\n",
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
            })
        ),
    })
}
