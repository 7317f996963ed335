//! `reconcile plan --from --to` with the real binary and real repositories. No host of these clusters exists, and none is
//! asked: what was seen of them is a file. And `reconcile drift`, which asks in vain.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const CLUSTER: &str = "cluster: demo
networks: { lan: { cidr: 10.0.0.0/24, gateway: 10.0.0.1, bridge: br0 } }
hosts: { a: { address: 127.0.0.1, port: 1, pool: 10.0.0.10-10.0.0.19 } }
images: { micro: { path: /disk.qcow2 } }
services:
  one:
    replicas: 1
    image: micro
    memory: 64MiB
    port: 80
    run: /bin/one
    env: { TOKEN: \"{{secret.token}}\" }
    files: [{ path: /etc/one, template: one.hbs }]
secrets: { token: { env: NOWHERE } }
";

/// Host a with nothing on it, seen at the beginning of 2026.
const SEEN: &str = r#"{ "format_version": 1, "cluster": "demo", "memory": { "hosts": {}, "guests": {}, "holders": {} },
  "observed": { "now": "2026-01-01T00:00:00Z", "hosts": { "a": { "yes": {
    "domains": [], "kvm": true, "volumes": {}, "memory": 8589934592, "cpus": 8, "free": 99999999999,
    "files": { "/disk.qcow2": { "size": 1, "sha256": null } } } } } } }"#;

/// A checkout of a repository, the file in a directory of it.
struct Checkout {
    dir: TempDir,
}

impl Checkout {
    fn new() -> Checkout {
        let checkout = Checkout {
            dir: tempfile::tempdir().unwrap(),
        };
        checkout.git(&["init", "--quiet", "-b", "main"]);
        checkout.write("sites/one.hbs", "hello");
        checkout.write("observed.json", SEEN);
        checkout
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn git(&self, args: &[&str]) -> String {
        let who = ["-c", "user.name=Anna", "-c", "user.email=anna@example.org"];
        let mut git = Command::new("git");
        git.args(who).args(args).current_dir(self.dir.path());
        let output = git.env("HOME", self.dir.path()).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, text: &str, subject: &str) -> String {
        self.write("sites/cluster.yaml", text);
        self.git(&["add", "sites"]);
        self.git(&["commit", "--quiet", "-m", subject]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn plan(&self, args: &[&str]) -> Output {
        self.run("plan", args)
    }

    fn run(&self, subcommand: &str, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconcile"));
        let file = ["-f", "sites/cluster.yaml", "--state-dir", "state"];
        command
            .arg(subcommand)
            .args(file)
            .args(args)
            .current_dir(self.dir.path());
        command.env("HOME", self.dir.path());
        command.env_remove("RECONCILE_STATE_DIR");
        command.env_remove("RECONCILE_REPO");
        command.stdin(Stdio::null()).output().unwrap()
    }

    fn told(&self, args: &[&str]) -> String {
        let output = self.plan(&[args, &["--observed", "observed.json"]].concat());
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{said}{:?}",
            String::from_utf8(output.stderr)
        );
        said
    }
}

fn three() -> String {
    CLUSTER.replace("replicas: 1", "replicas: 3")
}

#[test]
fn a_branch_shows_what_it_adds_and_what_both_do_is_one_line() {
    let checkout = Checkout::new();
    checkout.commit(CLUSTER, "one");
    checkout.git(&["checkout", "--quiet", "-b", "more"]);
    let later = checkout.commit(&three(), "two more, for the @sale");
    let json = checkout.told(&["--from", "main", "--to", "more", "--output", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let actions = json["actions"].as_array().unwrap().iter();
    let done: Vec<_> = actions
        .map(|a| format!("{} {}", a["kind"], a["instance"]))
        .collect();
    assert_eq!(
        done,
        [
            r#""create" "one-2""#,
            r#""create" "one-3""#,
            r#""configure" "one-2""#,
            r#""configure" "one-3""#
        ]
    );
    assert_eq!(json["commit"]["id"], later);
    assert_eq!(json["compared"]["from"]["subject"], "one");
    assert_eq!(json["compared"]["both"], 2);
    assert_eq!(json["file"], "sites/cluster.yaml");
    let text = checkout.told(&["--from", "main", "--to", "more"]);
    let prose = text.replace('\n', " ");
    assert!(
        prose.contains("as of what was seen ") && prose.contains(" ago. No host was asked."),
        "{text}"
    );
    assert!(text.contains("With either commit: 2 actions"), "{text}");
    let comment = checkout.told(&["--from", "main", "--to", "more", "--output", "markdown"]);
    assert!(
        comment.starts_with("<!-- reconcile:plan demo -->\n**demo: 2 to create, 2 to change.**")
    );
    assert!(comment.contains(" ago. No host was asked."), "{comment}");
    assert!(!comment.contains("@sale"), "{comment}");
}

#[test]
fn the_other_way_round_it_is_what_is_not_done_any_more() {
    let checkout = Checkout::new();
    checkout.commit(CLUSTER, "one");
    checkout.commit(&three(), "three");
    let text = checkout.told(&["--from", "HEAD", "--to", "HEAD~1"]);
    assert!(
        text.contains("No longer: create one-3 on host a with 10.0.0.12"),
        "{text}"
    );
    let exit = |from| {
        let observed = ["--observed", "observed.json", "--detailed-exitcode"];
        let output = checkout.plan(&[&["--from", from, "--to", "main"][..], &observed].concat());
        output.status.code()
    };
    assert_eq!((exit("HEAD"), exit("HEAD~1")), (Some(0), Some(2)));
}

#[test]
fn files_are_those_of_the_commits_and_nothing_in_the_checkout_changes() {
    let checkout = Checkout::new();
    checkout.commit(CLUSTER, "one");
    checkout.write("sites/one.hbs", "hello\nworld");
    let same = checkout.commit(CLUSTER, "another template");
    checkout.write("sites/cluster.yaml", "broken: [");
    let before = checkout.git(&["status", "--porcelain"]);
    let json = checkout.told(&["--from", "main~1", "--to", &same, "--output", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(
        json["actions"][0]["changes"].to_string().contains("world"),
        "{json}"
    );
    assert_eq!(checkout.git(&["status", "--porcelain"]), before);
    assert!(!checkout.path("state").exists());
}

#[test]
fn what_can_not_be_compared_is_an_error_that_helps() {
    let checkout = Checkout::new();
    checkout.commit(CLUSTER, "one");
    checkout.commit("cluster: demo\nhosts: 3\n", "broken");
    checkout.commit(
        &CLUSTER.replace("cluster: demo", "cluster: other"),
        "renamed",
    );
    let refused = |args: &[&str]| {
        let output = checkout.plan(args);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let seen = ["--observed", "observed.json"];
    let none = refused(&["--from", "HEAD~2", "--to", "HEAD~2"]);
    assert!(
        none.contains("observed.json") && none.contains("help: a controller"),
        "{none}"
    );
    let unknown = refused(&[&["--from", "nowhere", "--to", "HEAD"][..], &seen].concat());
    assert!(
        unknown.contains("can't read commit nowhere: the repository has none"),
        "{unknown}"
    );
    let broken = refused(&[&["--from", "HEAD~2", "--to", "HEAD~1"][..], &seen].concat());
    assert!(broken.contains(":sites/cluster.yaml:2"), "{broken}");
    let other = refused(&[&["--from", "HEAD~2", "--to", "HEAD"][..], &seen].concat());
    assert!(
        other.contains("of cluster demo in the earlier commit"),
        "{other}"
    );
    let other = refused(&[&["--from", "HEAD", "--to", "HEAD"][..], &seen].concat());
    assert!(
        other.contains("is of cluster demo, and the file of other"),
        "{other}"
    );
    assert!(refused(&["--from", "HEAD"]).contains("--to"));
    assert!(refused(&["--from=--all", "--to", "x"]).contains("no name of a commit"));
}

#[test]
fn hooks_and_filters_of_the_repository_do_not_run() {
    let checkout = Checkout::new();
    checkout.commit(CLUSTER, "one");
    checkout.write("sites/.gitattributes", "*.hbs filter=evil\n");
    checkout.commit(&three(), "three");
    let evil = "touch \"$(git rev-parse --git-common-dir)/../evil\"; cat";
    checkout.git(&["config", "filter.evil.smudge", evil]);
    for hook in ["post-checkout", "post-index-change"] {
        let path = format!(".git/hooks/{hook}");
        checkout.write(&path, "#!/bin/sh\ntouch evil\n");
        let all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(checkout.path(&path), all).unwrap();
    }
    checkout.told(&["--from", "main~1", "--to", "main"]);
    let touched = walk(checkout.dir.path());
    assert!(!touched.iter().any(|name| name == "evil"), "{touched:?}");
}

#[test]
fn where_no_host_can_be_seen_nobody_says_that_nothing_differs_there() {
    let checkout = Checkout::new();
    let without_secret = CLUSTER.replace("env: NOWHERE", "env: HOME");
    checkout.commit(&without_secret, "one");
    let output = checkout.run("drift", &["--output", "json"]);
    let drift: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(4), "{drift}");
    assert_eq!(drift["drift"], Value::Array(Vec::new()));
    assert_eq!(drift["notices"][0]["subject"], "host a", "{drift}");
    let text = checkout.run("drift", &[]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("on 0 of 1 host."), "{text}");
}

/// The names of all files below a directory.
fn walk(dir: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    let names = entries.flat_map(|entry| match entry.file_type().unwrap().is_dir() {
        true => walk(&entry.path()),
        false => vec![entry.file_name().into_string().unwrap()],
    });
    names.collect()
}
