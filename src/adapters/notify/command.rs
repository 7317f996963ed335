//! A program of this machine, with the event as JSON on its standard input. No shell is in between. What takes too long is
//! killed with all that it started.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::model::event::Event;
use crate::notify::shape;
use crate::ports::notifier::Failure;

/// How much of what a program complains of is shown.
const SHOWN: usize = 300;

/// Kills a program with its group when it is not waited for any more.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL); // it has ended, then
        }
    }
}

/// Runs the program for an event. Exit status 0: it arrived.
pub async fn tell(argv: &[String], event: &Event) -> Result<(), Failure> {
    let [program, arguments @ ..] = argv else {
        return Err(Failure::never("no program is named"));
    };
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    let mut child =
        child.map_err(|error| Failure::later(format!("{program} can't be run: {error}")))?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    let mut group = Group(pid.and_then(Pid::from_raw));
    if let Some(mut input) = child.stdin.take() {
        // A program that does not read says by its exit status what it thinks of it.
        let _ = input
            .write_all(format!("{}\n", shape::json(event)).as_bytes())
            .await;
    }
    let output = child.wait_with_output().await;
    // What it left running on purpose is its own business.
    group.0 = None;
    let output = output
        .map_err(|error| Failure::later(format!("{program} can't be waited for: {error}")))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(Failure::later(format!(
            "{program}: {}{}",
            output.status,
            complaint(&output.stderr)
        ))),
    }
}

/// The last line with something in it, without control characters.
fn complaint(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let line = said.lines().rev().find(|line| !line.trim().is_empty());
    let line = line.map(|line| line.chars().filter(|c| !c.is_control()).take(SHOWN));
    line.map_or_else(String::new, |line| {
        format!(": {}", line.collect::<String>().trim())
    })
}
