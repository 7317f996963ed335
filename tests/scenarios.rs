//! Scenarios: every directory of `fixtures/plan` tells in steps.txt what happens to a cluster, and in plan.txt what the
//! user is shown and what becomes of it. The real planner, executor and controller run over a cluster in memory.
//! `BLESS=1 cargo test --test scenarios` writes what is shown now; read it as somebody at 3 a.m. would.
//! `CASE=name` runs the cases with that in their names.

#[path = "support/cases.rs"]
mod cases;
mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cases::{cases, is_written_down};
use support::script::Script;

/// The case's own file, or the one that cases share.
fn yaml(case: &Path) -> String {
    let shared = || fs::read_to_string(case.parent().unwrap().join("cluster.yaml"));
    fs::read_to_string(case.join("cluster.yaml"))
        .or_else(|_| shared())
        .unwrap()
}

/// Runs one case on a clock of its own. An error is what made it end early.
fn shown(case: &Path) -> Result<String, String> {
    let steps = fs::read_to_string(case.join("steps.txt")).unwrap();
    let run = std::panic::catch_unwind(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(Script::new(&yaml(case), case).run(&steps))
    });
    run.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap_or_default()
    })
}

#[test]
fn every_scenario_is_planned_as_written_down_and_converges() {
    let mut wrong = String::new();
    for case in cases("plan", 30) {
        let name = case.file_name().unwrap_or_default().to_string_lossy();
        let shown = match shown(&case) {
            Ok(shown) => shown,
            Err(panic) => {
                let _ = writeln!(wrong, "--- {name}\n{panic}");
                continue;
            }
        };
        if !is_written_down(&case.join("plan.txt"), &shown) {
            let _ = writeln!(wrong, "--- {name}\n{shown}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
