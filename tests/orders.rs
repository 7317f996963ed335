//! Operators' orders as operators give them: the program itself, a file, a state directory, and no machine.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use reconcile::adapters::file_store::FileStore;
use serde_json::{Value, json};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/plan/cluster.yaml");

/// A state directory, and the program over it.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Desk(tempfile::tempdir().unwrap())
    }

    /// Where the cluster's state is.
    fn state(&self) -> PathBuf {
        self.0.path().join("demo")
    }

    fn at(&self, file: &Path, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_reconcile"))
            .args(line.split(' '))
            .args(["-f".as_ref(), file.as_os_str()])
            .env("RECONCILE_STATE_DIR", self.0.path())
            .env("SUDO_USER", "anna")
            .env("TZ", "UTC")
            .output()
            .unwrap()
    }

    /// The file with hosts that refuse at once: ports of this machine where nobody listens.
    fn nowhere(&self) -> PathBuf {
        let file = self.0.path().join("nowhere.yaml");
        let mut text = fs::read_to_string(FILE).unwrap();
        for last in 2..=4 {
            let address = format!("address: 192.168.10.{last},");
            text = text.replace(&address, &format!("address: 127.0.0.{last}, port: 1,"));
        }
        fs::write(&file, text).unwrap();
        file
    }

    fn run(&self, line: &str) -> Output {
        self.at(FILE.as_ref(), line)
    }

    /// What it says when all is well.
    fn says(&self, line: &str) -> String {
        let output = self.run(line);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.says(&format!("{line} --output json"))).unwrap()
    }

    /// Why it refuses.
    fn refuses(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(1), "{line}");
        String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn an_order_is_given_once_changed_and_taken_back_and_the_history_tells() {
    let desk = Desk::new();
    let first = desk.says("drain b --reason kernel");
    assert!(first.starts_with("host b is drained: kernel.\nNo controller is running"));
    let again = desk.says("drain b");
    assert!(
        again.contains("host b is drained already, by anna@"),
        "{again}"
    );
    assert!(again.contains("Nothing was changed."), "{again}");
    let changed = desk.json("drain b --for 2h");
    assert_eq!(changed["changes"][0]["result"], "renewed");
    assert_eq!(changed["changes"][0]["reason"], "kernel");
    let orders = desk.json("orders");
    assert_eq!(orders["orders"][0]["of"], "b");
    assert!(orders["orders"][0]["until"].is_string());
    assert!(
        desk.says("undrain b")
            .starts_with("host b is drained no more.\n")
    );
    assert!(desk.says("undrain b").starts_with("host b was not drained"));
    assert_eq!(desk.says("orders"), "No order is in force.\n");
    let history = desk.says("history --output json");
    let turns: Vec<Value> = history
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["turn"].clone())
        .collect();
    assert_eq!(turns, ["given", "given", "taken_back"]);
}

#[test]
fn names_are_those_of_the_file() {
    let desk = Desk::new();
    let error = desk.refuses("pause service/randum");
    assert!(error.contains("there is no service or load balancer randum in the file"));
    assert!(error.contains("did you mean `random`?"), "{error}");
    assert!(desk.refuses("drain laptop").contains("known here: a, b, c"));
    assert!(desk.refuses("retry random-9").contains("did you mean"));
    assert!(
        desk.refuses("retry random-1")
            .contains("nothing to try again")
    );
    assert!(
        desk.refuses("pause random")
            .contains("did you mean `service/random`")
    );
    let error = desk.refuses("fence confirm z --yes");
    assert!(error.contains("there is no host z"), "{error}");
    assert!(!desk.state().join("orders.json").exists());
}

#[test]
fn what_is_past_is_no_end() {
    let desk = Desk::new();
    let error = desk.refuses("disarm --until 2020-01-01T00:00:00Z");
    assert!(error.contains("is past"), "{error}");
}

#[test]
fn a_running_controller_is_found_by_its_lock() {
    let desk = Desk::new();
    let _lock = FileStore::new(&desk.state()).lock().unwrap();
    let answer = desk.json("disarm");
    assert_eq!(answer["controller"]["running"], true);
    assert_eq!(answer["controller"]["process"], std::process::id());
    let text = desk.says("arm");
    let next = format!("The running controller (process {})", std::process::id());
    assert!(text.contains(&next), "{text}");
}

/// A controller, and the lines of its log.
struct Watch {
    child: Child,
    log: Receiver<String>,
}

impl Watch {
    fn start(desk: &Desk) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_reconcile"))
            .args(["watch".as_ref(), "-f".as_ref(), desk.nowhere().as_os_str()])
            .env("RECONCILE_STATE_DIR", desk.0.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (send, log) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|l| send.send(l)));
        Watch { child, log }
    }

    /// Waits until it says something of this.
    fn says(&self, what: &str) {
        let mut said = String::new();
        while let Ok(line) = self.log.recv_timeout(Duration::from_secs(8)) {
            said += &format!("{line}\n");
            if line.contains(what) {
                return;
            }
        }
        panic!("it did not say {what:?} in time:\n{said}");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_controller_hears_of_an_order_at_once_and_keeps_it_when_the_file_breaks() {
    let desk = Desk::new();
    let watch = Watch::start(&desk);
    watch.says("watching");
    let answer = desk.json("disarm");
    assert_eq!(answer["controller"]["process"], watch.child.id());
    watch.says("the orders changed");
    fs::write(desk.state().join("orders.json"), "{").unwrap();
    watch.says("those that were read last stay in force");
}

#[test]
fn resume_lets_the_brake_go_and_says_what_is_paused_still() {
    let desk = Desk::new();
    desk.says("pause service/web");
    let nothing = desk.says("resume");
    assert!(nothing.contains("The brake does not hold"), "{nothing}");
    let brake =
        json!({ "since": "2026-01-01T00:00:00.000Z", "text": "2 of 3 hosts fell silent at once" });
    let memory = json!({ "hosts": {}, "guests": {}, "holders": {}, "brake": brake });
    fs::write(desk.state().join("memory.json"), memory.to_string()).unwrap();
    let text = desk.says("resume");
    assert!(text.contains("The cluster was not paused"), "{text}");
    assert!(text.contains("The brake is let go"), "{text}");
    assert!(text.contains("`reconcile resume service/web`"), "{text}");
    assert_eq!(desk.json("orders")["orders"][0]["order"], "released");
}

#[test]
fn only_a_kept_state_of_the_file_is_gone_back_to() {
    let desk = Desk::new();
    let error = desk.refuses("rollback 123456789abc");
    assert!(error.contains("123456789abc is not kept here"), "{error}");
    let nowhere_to_go = desk.refuses("rollback");
    assert!(
        nowhere_to_go.contains("no state of the file to go back to"),
        "{nowhere_to_go}"
    );
}

/// A state of the file with which all was as desired, as a controller leaves it behind.
fn was_good(desk: &Desk, file: &Path) -> String {
    let said = desk.at(file, "validate --output json").stdout;
    let revision = serde_json::from_slice::<Value>(&said).unwrap()["revision"].clone();
    let revision = revision.as_str().unwrap().to_owned();
    let snapshot = json!({ "source": fs::read_to_string(file).unwrap(), "includes": {} });
    fs::create_dir_all(desk.state().join("revisions")).unwrap();
    let kept = desk.state().join(format!("revisions/{revision}.json"));
    fs::write(kept, snapshot.to_string()).unwrap();
    let memory = json!({ "hosts": {}, "guests": {}, "holders": {}, "good": [revision] });
    fs::write(desk.state().join("memory.json"), memory.to_string()).unwrap();
    revision
}

#[test]
fn rollback_goes_back_to_the_last_good_state_until_the_file_is_edited() {
    let desk = Desk::new();
    let file = desk.nowhere();
    let good = was_good(&desk, &file);
    let text = fs::read_to_string(&file).unwrap();
    let applied = || -> String {
        let said = desk.at(&file, "--dry-run --output json").stdout;
        let plan = serde_json::from_slice::<Value>(&said).unwrap();
        plan["revision"].as_str().unwrap().to_owned()
    };
    fs::write(&file, text.replace("replicas: 3", "replicas: 4")).unwrap();
    let bad = applied();
    assert_ne!(bad, good);

    let held = desk.at(&file, "rollback --output json").stdout;
    let held: Value = serde_json::from_slice(&held).unwrap();
    assert_eq!(held["changes"][0]["of"], bad.as_str());
    assert_eq!(applied(), good, "the good one is applied");
    let undone = desk.at(&file, &format!("rollback --undo {bad}"));
    assert!(undone.status.success());
    assert_eq!(applied(), bad);
    let present = desk.at(&file, &format!("rollback {bad}"));
    assert_eq!(
        present.status.code(),
        Some(1),
        "it is the present one, or not kept"
    );

    let named = desk.at(&file, &format!("rollback {} --output json", &good[..6]));
    let named: Value = serde_json::from_slice(&named.stdout).unwrap();
    assert_eq!(named["changes"][0]["to"], good.as_str());
    assert_eq!(applied(), good, "the one that was named is applied");
    fs::write(&file, text.replace("replicas: 3", "replicas: 5")).unwrap();
    let third = applied();
    assert!(third != good && third != bad, "an edit is applied");
}

#[test]
fn with_a_broken_file_orders_are_still_shown_given_and_taken_back() {
    let desk = Desk::new();
    desk.says("pause service/random");
    let broken = desk.0.path().join("broken.yaml");
    fs::write(&broken, "cluster: demo\nhosts: 3\n").unwrap();
    for line in ["orders", "pause", "disarm", "resume service/random", "arm"] {
        let output = desk.at(&broken, line);
        assert!(output.status.success(), "{line}: {output:?}");
    }
    assert_eq!(desk.at(&broken, "drain b").status.code(), Some(1));
}

#[test]
fn with_broken_orders_nothing_begins_and_the_file_is_named() {
    let desk = Desk::new();
    desk.says("disarm");
    let orders = desk.state().join("orders.json");
    fs::write(&orders, "{ \"disarmed\": tru").unwrap();
    for line in ["status", "--dry-run", "--yes", "watch", "orders", "arm"] {
        let error = desk.refuses(line);
        assert!(error.contains("can't read the orders in"), "{error}");
        assert!(error.contains("demo/orders.json"), "{error}");
        assert!(
            error.contains("help: mend the file, or remove it"),
            "{error}"
        );
    }
    let kept = fs::read_to_string(&orders).unwrap();
    assert_eq!(kept, "{ \"disarmed\": tru");
}

#[test]
fn nobody_is_taken_at_a_word_that_nobody_gave() {
    let desk = Desk::new();
    let file = desk.nowhere();
    let refused = desk.at(&file, "fence confirm b");
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(error.contains("nobody can be asked"), "{error}");
    let given = desk.at(&file, "fence confirm b --yes");
    let text = String::from_utf8_lossy(&given.stdout);
    assert!(
        text.starts_with("host b is confirmed to be off"),
        "{given:?}"
    );
    let warned = "still answers, with a refusal: something there has power";
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(warned), "{text}");
    let json = desk.at(&file, "fence confirm b --yes --output json");
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(
        json["warnings"][0].as_str().unwrap().contains(warned),
        "{json}"
    );
    let back = desk.at(&file, "fence retract b");
    assert!(back.status.success());
}

#[test]
fn a_host_that_accepts_connections_and_hangs_is_not_confirmed() {
    let (desk, hangs) = (
        Desk::new(),
        std::net::TcpListener::bind("127.0.0.9:0").unwrap(),
    );
    left_the_file_at(&desk, "z", hangs.local_addr().unwrap().port());
    let file = desk.nowhere();
    let refused = desk.at(&file, "fence confirm z --yes");
    let error = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{error}");
    assert!(
        error.contains("accepts connections and then hangs"),
        "{error}"
    );
    assert!(error.contains("fence confirm z --force"), "{error}");
    let forced = desk.at(&file, "fence confirm z --yes --force");
    let text = String::from_utf8_lossy(&forced.stdout);
    assert!(
        text.starts_with("host z is confirmed to be off"),
        "{forced:?}"
    );
    assert!(text.contains("still accepts connections"), "{text}");
}

/// What a controller remembers of a host that left the file, and that refuses at once.
fn left_the_file(desk: &Desk, host: &str) {
    left_the_file_at(desk, host, 1);
}

fn left_the_file_at(desk: &Desk, host: &str, port: u16) {
    let definition = json!({
        "id": host, "address": "127.0.0.9", "port": port, "user": null, "network": "lan",
        "pool": [["192.168.10.90", "192.168.10.99"]], "accelerator": "auto", "storage": "/var/lib/libvirt/images",
        "labels": {}, "priority": 0, "reserve": 0, "overcommit": 800
    });
    let known = json!({ "seen": "2026-01-01T00:00:00Z", "since": "2026-01-01T00:00:00Z", "guests": {}, "definition": definition });
    let memory = json!({ "hosts": { host: known }, "guests": {}, "holders": {} });
    fs::create_dir_all(desk.state()).unwrap();
    fs::write(desk.state().join("memory.json"), memory.to_string()).unwrap();
}

#[test]
fn a_host_that_left_the_file_is_confirmed_and_paused_like_any_other() {
    let desk = Desk::new();
    let file = desk.nowhere();
    let refused = desk.at(&file, "fence confirm z --yes");
    assert_eq!(refused.status.code(), Some(1));
    left_the_file(&desk, "z");
    for line in ["fence confirm z --yes", "fence retract z", "pause host/z"] {
        let output = desk.at(&file, line);
        assert!(output.status.success(), "{line}: {output:?}");
    }
}
