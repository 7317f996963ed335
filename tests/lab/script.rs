//! `tests/lab/lab` as test programs call it, and whoever takes a lab down when such a program ends. Each program has a
//! lab of its own name.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a lab.
pub fn state(lab: &str) -> PathBuf {
    root().join(".lab").join(lab)
}

/// `tests/lab/lab`, to be given its arguments.
pub fn script(lab: &str) -> Command {
    let mut command = Command::new(root().join("tests/lab/lab"));
    command.env("LAB", lab).stdin(Stdio::null());
    command
}

/// What a command printed, or why it failed.
pub fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        true => Ok(text),
        false => Err(format!(
            "{}\n{text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

/// `KEEP_LAB=1` leaves the lab as a failed test left it, to be looked at.
pub fn kept() -> bool {
    std::env::var_os("KEEP_LAB").is_some()
}

/// However this process ends, even killed, somebody takes its lab down: a process of its own that waits for the end of
/// its input. It holds a lock from here to there, so that the next run of the tests begins after it.
pub fn sit_down(lab: &str) {
    static SITTING: OnceLock<Child> = OnceLock::new();
    SITTING.get_or_init(|| {
        let last = if kept() {
            ""
        } else {
            r#"LAB=$1 "$2" down >/dev/null 2>&1"#
        };
        // Ctrl-C reaches all of this terminal's processes: this one does its work then.
        let wait = format!("trap '' INT HUP; echo ready; cat >/dev/null; {last}");
        let mut child = Command::new("flock")
            .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sitting-{lab}")))
            .args(["sh", "-c", &wait, "sh", lab])
            .arg(root().join("tests/lab/lab"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("flock is installed");
        let mut said = String::new();
        let out = child.stdout.take().expect("it was asked for");
        BufReader::new(out)
            .read_line(&mut said)
            .expect("the lock can be had");
        child
    });
}
