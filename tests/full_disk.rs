//! The real binary where nothing can be written: no file may be longer than nothing, as on a full disk. There is no machine
//! behind the host of this cluster.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tempfile::TempDir;

/// Longer than anything takes here on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the log says it.
const CANT: &str = "memory and history can't be written";

const CLUSTER: &str = "cluster: demo
networks: { lan: { cidr: 10.0.0.0/24, gateway: 10.0.0.1, bridge: br0 } }
hosts: { a: { address: 127.0.0.1, port: 1, pool: 10.0.0.10-10.0.0.19 } }
images: { micro: { path: /disk.qcow2 } }
services: { one: { replicas: 1, image: micro, memory: 64MiB, port: 80, run: /bin/one } }
";

fn lab() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("cluster.yaml"), CLUSTER).unwrap();
    dir
}

fn reconcile(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconcile"));
    in_place(&mut command, dir).args(args);
    command
}

/// The same, where no file can be written. Without the signal, writing fails as on a full disk.
fn without_room(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]);
    command.arg(env!("CARGO_BIN_EXE_reconcile"));
    in_place(&mut command, dir).args(args);
    command
}

fn in_place<'a>(command: &'a mut Command, dir: &Path) -> &'a mut Command {
    command
        .current_dir(dir)
        .env("HOME", dir)
        .env("RECONCILE_STATE_DIR", "state");
    command.stdin(Stdio::null())
}

#[test]
fn who_applies_once_is_refused_before_anything_is_done() {
    let dir = lab();
    let output = without_room(dir.path(), &["--yes"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("can't write state/demo/") && said.contains("File too large"),
        "{said}"
    );
    assert!(said.contains("help: make room"), "{said}");
    assert!(output.stdout.is_empty(), "no plan was shown");
}

#[test]
fn a_controller_goes_on_says_so_once_and_ends_when_it_is_told_to() {
    let dir = lab();
    // It knows who it is, as after any start.
    let first = reconcile(dir.path(), &["--yes"]).output().unwrap();
    assert!(
        dir.path().join("state/demo/memory.json").exists(),
        "{first:?}"
    );
    let mut watch = without_room(dir.path(), &["watch"]);
    let mut watch = watch.stderr(Stdio::piped()).spawn().unwrap();
    let lines = lines_of(watch.stderr.take().unwrap());
    let mut told = Vec::new();
    let is_last = |told: &[String], word: &str| told.last().is_some_and(|line| line.contains(word));
    while !is_last(&told, CANT) {
        told.push(lines.recv_timeout(PATIENCE).unwrap());
    }
    let pid = watch.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    while !is_last(&told, "stopped") {
        told.push(lines.recv_timeout(PATIENCE).unwrap());
    }
    assert!(watch.wait().unwrap().success(), "{told:#?}");
    let said = told.iter().filter(|line| line.contains(CANT));
    assert_eq!(said.count(), 1, "{told:#?}");
}

/// The lines of a log as they come. It is no file, which could not be written either.
fn lines_of(log: ChildStderr) -> Receiver<String> {
    let (send, lines) = channel();
    std::thread::spawn(move || {
        let mut all = BufReader::new(log).lines().map_while(Result::ok);
        all.try_for_each(|line| send.send(line))
    });
    lines
}
