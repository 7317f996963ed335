//! `reconcile watch --repo` with the real binary and real repositories: which commit comes into force. There is no machine
//! behind the hosts of these clusters: what is done on machines, the lab tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything takes here on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

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
    files: [{ path: /etc/one, template: files/one.hbs }]
";

/// A repository, somebody's checkout of it, and a state directory.
struct Lab {
    dir: TempDir,
}

/// A controller that ends with this.
struct Watch {
    child: Child,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Lab {
    fn new() -> Lab {
        let lab = Lab {
            dir: tempfile::tempdir().unwrap(),
        };
        lab.run("git", &["init", "--quiet", "--bare", "origin.git"]);
        lab.run("git", &["init", "--quiet", "-b", "main", "work"]);
        lab.write("files/one.hbs", "hello");
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.dir.path())
            .env("HOME", self.dir.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{program} {args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn git(&self, args: &[&str]) -> String {
        let who = [
            "-C",
            "work",
            "-c",
            "user.name=Anna",
            "-c",
            "user.email=anna@example.org",
        ];
        self.run("git", &[&who, args].concat())
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path("work").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits this as the file, and pushes it. The name of the commit.
    fn commit(&self, text: &str, options: &[&str]) -> String {
        self.write("cluster.yaml", text);
        self.git(&["add", "--all"]);
        self.git(
            &[
                options,
                &["commit", "--quiet", "--allow-empty", "-m", "an edit"],
            ]
            .concat(),
        );
        self.push();
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    fn push(&self) {
        self.git(&["push", "--quiet", "--force", "../origin.git", "HEAD:main"]);
    }

    fn reconcile(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconcile"));
        command.args(args).current_dir(self.dir.path());
        command.args(["--repo", "origin.git", "--state-dir", "state"]);
        command
            .env("HOME", self.dir.path())
            .env_remove("RECONCILE_STATE_DIR");
        command.stdin(Stdio::null());
        command
    }

    fn output(&self, args: &[&str]) -> Output {
        self.reconcile(args).output().unwrap()
    }

    fn watch(&self, args: &[&str]) -> Watch {
        let log = fs::File::create(self.path("log")).unwrap();
        let mut command = self.reconcile(&[&["watch", "--every", "1s"], args].concat());
        Watch {
            child: command.stderr(log).spawn().unwrap(),
        }
    }

    /// What is known of the branch; null where nothing is.
    fn followed(&self) -> Value {
        let directories = fs::read_dir(self.path("state/repositories"))
            .into_iter()
            .flatten();
        let files = directories.filter_map(|entry| Some(entry.ok()?.path().join("followed.json")));
        let texts = files.filter_map(|file| fs::read(file).ok());
        texts
            .filter_map(|text| serde_json::from_slice(&text).ok())
            .next()
            .unwrap_or_default()
    }

    fn wait(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let begin = Instant::now();
        loop {
            let followed = self.followed();
            if is_so(&followed) {
                return followed;
            }
            let log = fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(
                begin.elapsed() < PATIENCE,
                "not {what}: {followed:#}\n{log}"
            );
            sleep(Duration::from_millis(50));
        }
    }

    fn wait_applied(&self, commit: &str) -> Value {
        self.wait(&format!("{commit} in force"), |f| {
            f["applied"]["id"] == *commit
        })
    }

    fn wait_refused(&self, commit: &str) -> Value {
        self.wait(&format!("{commit} refused"), |f| {
            f["refused"]["commit"]["id"] == *commit
        })
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// An ssh key, the options that sign with it, and a file in which it is allowed.
    fn signer(&self, name: &str) -> (Vec<String>, PathBuf) {
        let key = self.path(name);
        let key = key.to_str().unwrap();
        self.run(
            "ssh-keygen",
            &["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key],
        );
        let public = fs::read_to_string(format!("{key}.pub")).unwrap();
        let allowed = self.path("allowed_signers");
        fs::write(&allowed, format!("{name}@example.org {public}")).unwrap();
        let signs = [
            "-c",
            "gpg.format=ssh",
            "-c",
            &format!("user.signingKey={key}"),
            "-c",
            "commit.gpgSign=true",
        ];
        (signs.map(str::to_owned).to_vec(), allowed)
    }
}

fn edited(replicas: u32) -> String {
    CLUSTER.replace("replicas: 1", &format!("replicas: {replicas}"))
}

#[test]
fn each_commit_comes_into_force_as_a_whole_and_a_bad_one_changes_nothing() {
    let lab = Lab::new();
    let first = lab.commit(CLUSTER, &[]);
    let _watch = lab.watch(&[]);
    lab.wait_applied(&first);

    // Its template is part of it, and gone from the checkout by now: never half of a commit.
    lab.write("files/one.hbs", "hello again");
    let second = lab.commit(&edited(2), &[]);
    lab.wait_applied(&second);

    let broken = lab.commit("cluster: demo\nhosts: nonsense\n", &[]);
    let followed = lab.wait_refused(&broken);
    assert_eq!(followed["applied"]["id"], second);
    let why = followed["refused"]["why"].as_str().unwrap();
    assert!(
        why.contains("cluster.yaml:2:8") && why.contains("must be a mapping"),
        "{why}"
    );
    lab.wait("what stays is said", |_| {
        lab.log().contains("the last good state stays in force")
    });

    let emptied = lab.commit("", &[]);
    lab.wait_refused(&emptied);
    let mended = lab.commit(&edited(3), &[]);
    let followed = lab.wait_applied(&mended);
    assert_eq!(followed["refused"], Value::Null);
    assert_eq!(followed["cluster"], "demo");
}

#[test]
fn what_is_in_force_stays_so_while_the_repository_is_away_and_over_restarts() {
    let lab = Lab::new();
    let first = lab.commit(CLUSTER, &[]);
    let watch = lab.watch(&[]);
    lab.wait_applied(&first);
    fs::rename(lab.path("origin.git"), lab.path("away.git")).unwrap();
    let away = lab.wait("unreachable", |f| f["unreachable"] != Value::Null);
    assert_eq!(away["applied"]["id"], first);
    drop(watch);

    let _watch = lab.watch(&[]);
    lab.wait("watching", |_| lab.log().contains("watching"));
    assert!(lab.log().contains(&first[..9]), "{}", lab.log());
    fs::rename(lab.path("away.git"), lab.path("origin.git")).unwrap();
    let second = lab.commit(&edited(2), &[]);
    let back = lab.wait_applied(&second);
    assert_eq!(back["unreachable"], Value::Null);
}

#[test]
fn only_commits_with_a_signature_that_counts_are_applied() {
    let lab = Lab::new();
    let (signs, allowed) = lab.signer("anna");
    let signs: Vec<&str> = signs.iter().map(String::as_str).collect();
    let first = lab.commit(CLUSTER, &signs);
    let _watch = lab.watch(&["--allowed-signers", allowed.to_str().unwrap()]);
    let followed = lab.wait_applied(&first);
    let signature = serde_json::json!({ "state": "good", "by": "anna@example.org" });
    assert_eq!(followed["applied"]["signature"], signature);

    let unsigned = lab.commit(&edited(2), &[]);
    let followed = lab.wait_refused(&unsigned);
    assert_eq!(
        (&followed["applied"]["id"], &followed["refused"]["why"]),
        (&first.into(), &"it is not signed".into())
    );

    // Whoever signs on top of it answers for what is in it.
    let signed = lab.commit(&edited(3), &signs);
    lab.wait_applied(&signed);

    // Whose name is taken off the list is none any more; what he did before stays.
    fs::write(&allowed, "").unwrap();
    let late = lab.commit(&edited(2), &signs);
    let followed = lab.wait_refused(&late);
    assert_eq!(followed["applied"]["id"], signed);
    assert!(
        followed["refused"]["why"]
            .as_str()
            .unwrap()
            .contains("unknown key")
    );
}

#[test]
fn a_rewritten_branch_waits_for_a_person() {
    let lab = Lab::new();
    lab.commit(CLUSTER, &[]);
    let second = lab.commit(&edited(2), &[]);
    let _watch = lab.watch(&[]);
    lab.wait_applied(&second);
    lab.git(&["reset", "--quiet", "--hard", "HEAD^"]);
    let rewritten = lab.commit(&edited(3), &[]);
    let followed = lab.wait_refused(&rewritten);
    assert_eq!(followed["applied"]["id"], second);
    let status = lab.output(&["status", "--output", "json"]);
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["commit"]["id"], second);
    let wrong = status["wrong"]
        .as_array()
        .unwrap()
        .iter()
        .find(|w| w["subject"] == format!("commit {}", &rewritten[..9]));
    assert_eq!(
        wrong.unwrap()["help"],
        format!("if that is meant: reconcile approve {}", &rewritten[..9])
    );

    let other = lab.output(&["approve", "12345678"]);
    assert!(!other.status.success());
    let approved = lab.output(&["approve", &rewritten[..9]]);
    assert!(approved.status.success(), "{approved:?}");
    lab.wait_applied(&rewritten);
}

#[test]
fn a_branch_that_is_emptied_changes_nothing_and_is_followed_again_when_it_is_back() {
    let lab = Lab::new();
    let first = lab.commit(CLUSTER, &[]);
    let _watch = lab.watch(&[]);
    lab.wait_applied(&first);
    lab.run(
        "git",
        &["-C", "origin.git", "update-ref", "-d", "refs/heads/main"],
    );
    let gone = lab.wait("gone", |f| f["unreachable"] != Value::Null);
    assert_eq!(gone["applied"]["id"], first);
    let why = gone["unreachable"]["why"].as_str().unwrap();
    assert!(why.contains("refs/heads/main"), "{why}");
    // What is in force is healed on: a host that does not answer is still told of.
    let status = lab.output(&["status", "--output", "json"]);
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["commit"]["id"], first);
    let second = lab.commit(&edited(2), &[]);
    let back = lab.wait_applied(&second);
    assert_eq!(back["unreachable"], Value::Null);
}

#[test]
fn a_commit_that_moves_all_addresses_or_asks_for_too_much_comes_into_force_as_a_whole_or_not_at_all()
 {
    let lab = Lab::new();
    let first = lab.commit(CLUSTER, &[]);
    let _watch = lab.watch(&[]);
    lab.wait_applied(&first);
    // More guests than the pool has addresses: it parses, and can't be.
    let too_many = lab.commit(&edited(11), &[]);
    let followed = lab.wait_refused(&too_many);
    assert_eq!(followed["applied"]["id"], first);
    let why = followed["refused"]["why"].as_str().unwrap();
    assert!(why.starts_with("cluster.yaml:"), "{why}");
    let moved = CLUSTER.replace("10.0.0.", "10.9.9.");
    let moved = lab.commit(&moved, &[]);
    lab.wait_applied(&moved);
}

#[test]
fn two_commits_in_quick_succession_end_with_the_second_and_a_hangup_asks_at_once() {
    let lab = Lab::new();
    let first = lab.commit(CLUSTER, &[]);
    let mut command = lab.reconcile(&["watch", "--every", "1h"]);
    let log = fs::File::create(lab.path("log")).unwrap();
    let watch = Watch {
        child: command.stderr(log).spawn().unwrap(),
    };
    lab.wait_applied(&first);
    lab.wait("watching", |_| lab.log().contains("watching"));
    lab.commit(&edited(2), &[]);
    let last = lab.commit(&edited(3), &[]);
    lab.run("kill", &["-HUP", &watch.child.id().to_string()]);
    lab.wait_applied(&last);
}

#[test]
fn what_lies_outside_of_the_commit_is_not_read() {
    let lab = Lab::new();
    let first = lab.commit(CLUSTER, &[]);
    let _watch = lab.watch(&[]);
    lab.wait_applied(&first);
    fs::write(lab.path("secret"), "hush").unwrap();
    std::os::unix::fs::symlink(lab.path("secret"), lab.path("work/files/leads-out.hbs")).unwrap();
    let bad = lab.commit(
        &CLUSTER.replace("files/one.hbs", "files/leads-out.hbs"),
        &[],
    );
    let followed = lab.wait_refused(&bad);
    let why = followed["refused"]["why"].as_str().unwrap();
    assert!(
        why.contains("outside of the commit") && !why.contains("hush"),
        "{why}"
    );
}

#[test]
fn included_files_are_those_of_the_commit_and_none_leads_out_of_it() {
    let lab = Lab::new();
    let (main, services) = CLUSTER.split_at(CLUSTER.find("services:").unwrap());
    let main = format!("include: 'services/*.yaml'\n{main}");
    lab.write(
        "services/one.yaml",
        &services.replace("files/", "../files/"),
    );
    let first = lab.commit(&main, &[]);
    let _watch = lab.watch(&[]);
    lab.wait_applied(&first);

    // Not in the commit: what lies in the checkout counts for nothing, also when the next commit is read.
    lab.write("services/one.yaml", "services: { one: nonsense }");
    lab.write(".gitignore", "services/two.yaml");
    lab.write("services/two.yaml", "services: { two: nonsense }");
    let broken = lab.commit(&main, &[]);
    let followed = lab.wait_refused(&broken);
    let why = followed["refused"]["why"].as_str().unwrap();
    assert!(why.starts_with("services/one.yaml:1:18"), "{why}");

    fs::write(lab.path("secret"), "services: { hush: {} }").unwrap();
    fs::remove_file(lab.path("work/services/one.yaml")).unwrap();
    std::os::unix::fs::symlink(lab.path("secret"), lab.path("work/services/one.yaml")).unwrap();
    let link = lab.commit(&main, &[]);
    let followed = lab.wait_refused(&link);
    let why = followed["refused"]["why"].as_str().unwrap();
    assert!(
        why.contains("outside of the commit") && !why.contains("hush"),
        "{why}"
    );
    assert_eq!(followed["applied"]["id"], first);

    fs::remove_file(lab.path("work/services/one.yaml")).unwrap();
    lab.write("services/one.yaml", services);
    lab.write("services/files/one.hbs", "paths start here");
    let mended = lab.commit(&main, &[]);
    lab.wait_applied(&mended);
}

#[test]
fn a_command_without_a_controller_says_that_nothing_is_in_force() {
    let lab = Lab::new();
    lab.commit(CLUSTER, &[]);
    let output = lab.output(&["status"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("nothing of cluster.yaml on branch main")
            && said.contains("reconcile watch --repo"),
        "{said}"
    );
    assert!(!Path::new(&lab.path("state")).exists());
}

#[test]
fn what_a_controller_saw_last_tells_what_a_commit_would_do_without_asking_anybody() {
    let lab = Lab::new();
    lab.commit(CLUSTER, &[]);
    let second = lab.commit(&edited(2), &[]);
    let watch = lab.watch(&[]);
    lab.wait_applied(&second);
    lab.wait("seen", |_| lab.path("state/demo/observed.json").is_file());
    drop(watch);
    let args = [
        "plan", "--from", "main~1", "--to", "main", "--output", "json",
    ];
    let output = lab.output(&args);
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["commit"]["id"], second, "{plan}");
    assert_eq!(plan["hosts"]["seen"], 0);
    assert_eq!(plan["notices"][0]["subject"], "one-2", "{plan}");
}
