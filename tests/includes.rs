//! A file that includes others, with the real binary: every edit of one of them is followed, and told with its name.
//! There is no machine behind the host of this cluster.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything takes here on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

const MAIN: &str = "cluster: demo
include: services/*.yaml
networks: { lan: { cidr: 10.0.0.0/24, gateway: 10.0.0.1, bridge: br0 } }
hosts: { a: { address: 127.0.0.1, port: 1, pool: 10.0.0.10-10.0.0.19 } }
images: { micro: { path: /disk.qcow2 } }
";

/// A directory with a cluster's files.
struct Lab {
    dir: TempDir,
}

/// A controller that ends with this.
struct Watch(Child);

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Lab {
    fn new() -> Lab {
        let dir = tempfile::tempdir().unwrap();
        let lab = Lab { dir };
        lab.write("specs/cluster.yaml", MAIN);
        lab.service("one", 80);
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        fs::write(path, text).unwrap();
    }

    fn service(&self, name: &str, port: u16) {
        let text = format!("services:\n  {name}: {{ image: micro, port: {port}, run: /bin/x }}\n");
        self.write(&format!("specs/services/{name}.yaml"), &text);
    }

    fn reconcile(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconcile"));
        command.args(args).current_dir(self.dir.path());
        command.args(["-f", "specs/cluster.yaml", "--state-dir", "state"]);
        command
            .env("HOME", self.dir.path())
            .env_remove("RECONCILE_STATE_DIR")
            .env_remove("RECONCILE_REPO");
        command.stdin(Stdio::null());
        command
    }

    fn output(&self, args: &[&str]) -> Output {
        self.reconcile(args).output().unwrap()
    }

    fn revision(&self) -> String {
        let told = self.output(&["validate", "--output", "json"]).stdout;
        let told: Value = serde_json::from_slice(&told).unwrap();
        told["revision"].as_str().unwrap().to_owned()
    }

    fn watch(&self) -> Watch {
        let log = fs::File::create(self.path("log")).unwrap();
        Watch(self.reconcile(&["watch"]).stderr(log).spawn().unwrap())
    }

    /// Waits until the log of the controller says so.
    fn wait_log(&self, said: &str) {
        let begin = Instant::now();
        loop {
            let log = fs::read_to_string(self.path("log")).unwrap_or_default();
            if log.contains(said) {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "not said: {said}\n{log}");
            sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the state that the files have now is in force.
    fn wait_in_force(&self) -> String {
        let revision = self.revision();
        self.wait_log(&format!("the file changed revision={revision}"));
        revision
    }
}

#[test]
fn edits_and_new_and_removed_files_are_followed() {
    let lab = Lab::new();
    let _watch = lab.watch();
    lab.wait_log("watching");

    lab.service("one", 81);
    lab.wait_in_force();
    lab.service("two", 82);
    lab.wait_in_force();
    fs::remove_file(lab.path("specs/services/one.yaml")).unwrap();
    let last = lab.wait_in_force();
    assert!(
        lab.path(&format!("state/demo/revisions/{last}.json"))
            .is_file()
    );

    // A mistyped pattern, or a directory that was moved, empties no cluster.
    fs::rename(lab.path("specs/services"), lab.path("specs/srevices")).unwrap();
    lab.wait_log("no file matches");
    lab.wait_log("the last good state stays in force");
}

#[test]
fn all_files_of_a_cluster_are_formatted_and_a_broken_one_is_left_alone() {
    let lab = Lab::new();
    let check = |code| {
        let output = lab.output(&["fmt", "--check"]);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let revision = lab.revision();
    assert_eq!(check(0), "✓ 2 files: nothing to format.\n");
    let one = lab.path("specs/services/one.yaml");
    let text = fs::read_to_string(&one).unwrap();
    let ugly = text.replace("  one: { ", "      one:   {  ");
    fs::write(&one, &ugly).unwrap();
    lab.write("specs/services/two.yaml", "services: {");
    let told = check(1);
    assert!(
        told.contains("not formatted specs/services/one.yaml\n"),
        "{told}"
    );
    assert_eq!(fs::read_to_string(&one).unwrap(), ugly);

    let output = lab.output(&["fmt"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--> specs/services/two.yaml:1:11"), "{said}");
    assert_eq!(fs::read_to_string(&one).unwrap(), text);
    let two = lab.path("specs/services/two.yaml");
    assert_eq!(fs::read_to_string(&two).unwrap(), "services: {");
    fs::remove_file(two).unwrap();
    assert_eq!(lab.revision(), revision);

    let refused = lab.output(&["fmt", "--repo", "x.git"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("without --repo"));
}

#[test]
fn validate_names_the_file_of_an_error_and_of_a_warning() {
    let lab = Lab::new();
    lab.write(
        "specs/services/two.yaml",
        "services:\n  two: { image: micro, prot: 1 }\n",
    );
    let output = lab.output(&["validate"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--> specs/services/two.yaml:2:24"), "{said}");
    assert!(
        said.ends_with("error in specs/services/two.yaml\n"),
        "{said}"
    );

    let pinned = "services:\n  two:\n    image: micro\n    port: 1\n    run: x\n    placement: { failback: true }\n";
    lab.write("specs/services/two.yaml", pinned);
    let said = String::from_utf8(lab.output(&["validate"]).stdout).unwrap();
    assert!(said.contains("(specs/services/two.yaml:6)"), "{said}");
    for (strict, code) in [(&[][..], 0), (&["--strict"][..], 1)] {
        let output = lab.output(&[&["validate"], strict].concat());
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    }
    let json = lab.output(&["validate", "--output", "json"]).stdout;
    let json: Value = serde_json::from_slice(&json).unwrap();
    let warning = &json["warnings"][0];
    let place = (&warning["file"], &warning["line"]);
    assert_eq!(place, (&"specs/services/two.yaml".into(), &6.into()));
}
