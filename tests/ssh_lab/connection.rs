//! Connections that break, and what is left of them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reconcile::adapters::ssh_reader::SshReader;
use reconcile::model::facts::{Seen, UnseenKind};
use reconcile::ports::hypervisor::Hypervisor;

use super::fixture::Lab;
use super::machine::{host, query};

#[tokio::test]
async fn a_connection_that_broke_is_opened_again() {
    let (lab, b) = (Lab::new(), host("b"));
    lab.facts(&b).await;
    // All of sshd's sessions on the host, as a reboot would end them.
    lab.on("b", &["pkill", "-KILL", "-f", "sshd: root"]);
    lab.facts(&b).await;
}

#[tokio::test]
async fn a_libvirt_that_hangs_is_no_empty_host() {
    let (lab, b) = (Lab::new(), host("b"));
    lab.on("b", &["pkill", "-STOP", "-x", "libvirtd"]);
    let seen = Hypervisor::observe(&*lab.reader, &b, &query()).await;
    lab.on("b", &["pkill", "-CONT", "-x", "libvirtd"]);
    let Seen::No(unseen) = seen else { panic!() };
    assert_eq!(unseen.kind, UnseenKind::Broken);
}

#[tokio::test]
async fn a_host_whose_cable_is_cut_holds_nobody_up() {
    let (lab, b) = (Lab::new(), host("b"));
    lab.facts(&b).await;
    lab.lab(&["cut", "b"]);
    let begin = Instant::now();
    let first = Hypervisor::observe(&*lab.reader, &b, &query()).await;
    let second = Hypervisor::observe(&*lab.reader, &b, &query()).await;
    let took = begin.elapsed();
    lab.lab(&["mend", "b"]);
    assert!(first.facts().is_none() && second.facts().is_none());
    assert!(took < Duration::from_secs(28), "{took:?}");
    lab.facts(&b).await;
}

#[tokio::test]
async fn a_killed_process_leaves_no_connection_to_the_next_one() {
    let _lab = Lab::new();
    let base = tempfile::tempdir().unwrap();
    let mut holding = holder(base.path());
    let mut child = holding.env("RECONCILE_HOLD", "1").spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("held")));
    assert_eq!(connections(base.path()), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(connections(base.path()), 1, "ssh outlives its process");

    assert!(holder(base.path()).status().unwrap().success());
    let begin = Instant::now();
    while connections(base.path()) > 0 {
        assert!(begin.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0);
}

/// Not a test, but the process that is killed, and the next one. It does not touch the lab, which is its parent's.
#[tokio::test]
#[ignore = "is started by a_killed_process_leaves_no_connection_to_the_next_one"]
async fn hold_a_connection() {
    let state = tempfile::tempdir().unwrap();
    let reader = SshReader::new(&Lab::access(), state.path()).unwrap();
    if std::env::var_os("RECONCILE_HOLD").is_some() {
        let seen = Hypervisor::observe(&reader, &host("a"), &query()).await;
        assert!(seen.facts().is_some());
        println!("held");
        std::future::pending::<()>().await;
    }
}

/// This program, as a process whose connections are in `base`.
fn holder(base: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--nocapture", "--exact"]);
    command.arg("connection::hold_a_connection");
    command.env("XDG_RUNTIME_DIR", base).stdout(Stdio::piped());
    command
}

/// How many ssh processes keep a connection in `base`.
fn connections(base: &Path) -> usize {
    let pattern = format!("ssh .*{}", base.display());
    let found = Command::new("pgrep").args(["-f", &pattern]).output();
    String::from_utf8(found.unwrap().stdout)
        .unwrap()
        .lines()
        .count()
}
