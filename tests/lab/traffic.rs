//! Users: the load generator at work while things break.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;

use super::lab::Lab;
use super::wait::millis;

/// Requests that are being sent. Stopped when dropped.
pub struct Traffic {
    child: Option<Child>,
}

/// How it went.
#[derive(Debug)]
pub struct Report {
    pub total: u64,
    pub failed: u64,
    pub gap_ms: f64,
    /// Moments, in seconds since 1970: when the first good answer came, and when the first and the last request was
    /// sent that failed.
    pub first_good: Option<f64>,
    pub first_failed: Option<f64>,
    pub last_failed: Option<f64>,
    /// Who answered how often.
    pub instances: Vec<String>,
    /// All there is.
    pub all: Value,
}

impl Traffic {
    /// So many requests a second, each with a timeout of two seconds, or more on a slow machine.
    pub fn start(lab: &Lab, url: &str, rate: u32) -> Traffic {
        let mut command = lab.inside(program());
        let timeout = format!("{}ms", millis(2000));
        command.args([url, "--rate", &rate.to_string(), "--timeout", &timeout]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Traffic {
            child: Some(command.spawn().expect("the load generator starts")),
        }
    }

    /// Ends it and tells how it went.
    pub fn stop(mut self) -> Report {
        let mut child = self.child.take().expect("it is stopped once");
        drop(child.stdin.take()); // the sign to stop
        let output = child.wait_with_output().expect("the load generator ends");
        let all: Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
        let began = all["began_ms"].as_f64().unwrap_or_default();
        let moment = |value: &Value| value.as_f64().map(|at| (began + at) / 1000.0);
        let instances = all["instances"]
            .as_object()
            .map(|o| o.keys().cloned().collect());
        Report {
            total: all["total"].as_u64().unwrap_or_default(),
            failed: all["failed"].as_u64().unwrap_or(u64::MAX),
            gap_ms: all["gap"]["ms"].as_f64().unwrap_or(f64::MAX),
            first_good: moment(&all["first_good_ms"]),
            first_failed: moment(&all["failures"][0]["at_ms"]),
            last_failed: moment(&all["last_failed_ms"]),
            instances: instances.unwrap_or_default(),
            all,
        }
    }
}

impl Report {
    /// Users noticed nothing.
    #[track_caller]
    pub fn assert_nothing_failed(&self) {
        println!(
            "traffic: {} requests, {} failed, longest gap {} ms",
            self.total, self.failed, self.gap_ms
        );
        assert!(
            self.total > 0 && self.failed == 0,
            "requests failed: {:#}",
            self.all
        );
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// It is built beside the product, by `cargo build --examples`.
pub fn program() -> PathBuf {
    let product = Path::new(env!("CARGO_BIN_EXE_reconcile"));
    let program = product.with_file_name("examples").join("load");
    assert!(
        program.exists(),
        "the load generator is not built: cargo build --example load"
    );
    program
}
