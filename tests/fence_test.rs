//! `reconcile fence test`, with programs that act as fence agents: they are asked, and switch nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A cluster whose host `a`, which nobody answers for, has these programs as its devices.
fn cluster(dir: &Path, agents: &[&str]) {
    let device = |agent: &&str| {
        format!("      - {{ agent: {agent}, with: {{ passwd: s3cret, plug: a }} }}\n")
    };
    let devices: String = agents.iter().map(device).collect();
    let text = format!(
        "cluster: demo\nnetworks:\n  lan: {{ cidr: 10.0.0.0/16 }}\nhosts:\n  a:\n    address: 127.0.0.1\n    port: 1\n    \
         pool: 10.0.1.1-10.0.1.9\n    fencing:\n{devices}      - manual\nimages:\n  alpine: {{ path: /a.qcow2 }}\n\
         services:\n  api: {{ replicas: 1, image: alpine, memory: 128MiB, port: 80, run: x }}\n"
    );
    fs::write(dir.join("cluster.yaml"), text).unwrap();
}

/// A program that notes what it is asked, and ends so.
fn program(dir: &Path, name: &str, end: &str) -> String {
    let path = dir.join(name);
    let text = format!(
        "#!/bin/sh\nwhile read -r line; do echo \"$line\" >> {}/asked; done\n{end}\n",
        dir.display()
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn reconcile(dir: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconcile"));
    command.args(line.split(' ')).current_dir(dir);
    command.arg("--state-dir").arg(dir.join("state"));
    command.output().unwrap()
}

#[test]
fn every_device_is_asked_for_its_status_and_for_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let good = program(dir.path(), "fence_good", "exit 0");
    cluster(dir.path(), &[&good]);
    let output = reconcile(dir.path(), "fence test a");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("✓  host a is on"), "{text}");
    assert!(text.contains("Nothing was switched."), "{text}");
    let asked = fs::read_to_string(dir.path().join("asked")).unwrap();
    let actions: Vec<&str> = asked.lines().filter(|l| l.starts_with("action=")).collect();
    assert_eq!(actions, ["action=status"]);
}

#[test]
fn one_that_fails_gives_a_bad_exit_code_and_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let good = program(dir.path(), "fence_good", "exit 0");
    let bad = program(dir.path(), "fence_bad", "echo s3cret is wrong >&2; exit 1");
    cluster(dir.path(), &[&good, &bad, "fence_nowhere"]);
    let output = reconcile(dir.path(), "fence test a --output json");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    let json: Value = serde_json::from_str(&text).unwrap();
    let answers = |n: usize| json["devices"][n]["answers"].clone();
    assert_eq!((answers(0), answers(1)), (true.into(), false.into()));
    let missing = json["devices"][2]["answer"].as_str().unwrap();
    assert!(missing.contains("it is not on PATH"), "{missing}");
    for name in [good.as_str(), "fence_good"] {
        let one = reconcile(dir.path(), &format!("fence test a --device {name}"));
        assert!(one.status.success(), "{name}");
    }
}

#[test]
fn one_that_ends_without_a_word_is_told_by_its_exit_status() {
    let dir = tempfile::tempdir().unwrap();
    let mute = program(dir.path(), "fence_mute", "exit 77");
    cluster(dir.path(), &[&mute]);
    let output = reconcile(dir.path(), "fence test a --output json");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let answer = json["devices"][0]["answer"].as_str().unwrap();
    let told = "it ended with exit status 77, and wrote no word about why";
    assert!(answer.ends_with(told), "{answer}");
}

#[test]
fn an_agent_that_is_not_installed_is_warned_of_with_its_line_before_it_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    cluster(dir.path(), &["fence_nowhere"]);
    for line in ["validate", "--dry-run --no-color"] {
        let output = reconcile(dir.path(), line);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("fence_nowhere is not installed"), "{text}");
        assert!(text.contains("it is not on PATH"), "{text}");
        assert!(!text.contains("fence-agents-nowhere"), "{text}");
        assert!(text.contains("cluster.yaml:9"), "{text}");
    }
    let output = reconcile(dir.path(), "validate --output json");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["warnings"][0]["line"], 9);
}
