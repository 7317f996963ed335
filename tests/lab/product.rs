//! `reconcile` as a user runs it: the built binary, on the operator's machine of the lab, with a file and a state
//! directory of the test. When the test fails, what the product said, and what the guests said, is printed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::lab::{Domain, Lab, tail};
use super::spec::Spec;
use super::wait::{seconds, until};

/// One cluster and its controller.
pub struct Product {
    pub lab: Lab,
    directory: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

/// What a plan announces, or the history tells: the kind of action and its instance.
pub type Doing = (String, String);

impl Product {
    /// A controller with this file, and no memory.
    pub fn new(lab: Lab, spec: &Spec) -> Product {
        let product = Product {
            lab,
            directory: tempfile::tempdir().expect("a temporary directory"),
        };
        product.write(spec);
        product
    }

    /// The base cluster, converged.
    #[track_caller]
    pub fn converged() -> (Product, Spec) {
        let lab = Lab::any();
        let spec = Spec::base(&lab);
        let product = Product::new(lab, &spec);
        product.apply();
        (product, spec)
    }

    /// The file.
    pub fn file(&self) -> PathBuf {
        self.directory.path().join("spec/cluster.yaml")
    }

    /// A place for other files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes the file as editors do: beside it, and renamed.
    pub fn write(&self, spec: impl std::fmt::Display) {
        let file = self.file();
        std::fs::create_dir_all(file.parent().expect("it has one"))
            .expect("a directory can be made");
        let new = self.path("cluster.yaml.new");
        std::fs::write(&new, spec.to_string()).expect("the file can be written");
        std::fs::rename(new, file).expect("the file can be renamed");
    }

    fn command(&self, file: &Path, arguments: &[&str]) -> Command {
        let state = self.path("state").display().to_string();
        self.command_in(file, &[arguments, &["--state-dir", &state]].concat())
    }

    fn command_in(&self, file: &Path, arguments: &[&str]) -> Command {
        let mut command = self.lab.inside(env!("CARGO_BIN_EXE_reconcile"));
        command.args(arguments).arg("-f").arg(file);
        command
            .env("HOME", self.directory.path())
            .env_remove("RECONCILE_STATE_DIR");
        command
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(&self.file(), arguments)
    }

    #[track_caller]
    fn run_with(&self, file: &Path, arguments: &[&str]) -> Run {
        run(self.command(file, arguments), arguments)
    }

    /// Runs it as on another machine: with a state directory of its own.
    #[track_caller]
    pub fn run_elsewhere(&self, file: &Path, arguments: &[&str]) -> Run {
        let state = self.path("elsewhere").display().to_string();
        let arguments = [arguments, &["--state-dir", &state]].concat();
        run(self.command_in(file, &arguments), &arguments)
    }

    /// Starts it, and does not wait.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let log = File::create(self.path("started.log")).expect("a log can be written");
        let mut command = self.command(&self.file(), arguments);
        command
            .stderr(log.try_clone().expect("a handle"))
            .stdout(log);
        command.spawn().expect("the product starts")
    }

    /// Applies the file: all of it must succeed.
    #[track_caller]
    pub fn apply(&self) -> Run {
        let run = self.run(&["--yes"]);
        assert_eq!(run.code, 0, "{}", run.all());
        run
    }

    /// The plan for another file.
    #[track_caller]
    pub fn preview(&self, spec: &Spec) -> Vec<Doing> {
        let file = self.file().with_file_name("preview.yml");
        std::fs::write(&file, spec.to_string()).expect("the file can be written");
        let run = self.run_with(&file, &["--dry-run", "--output", "json"]);
        announced(&run.json())
    }

    /// The status, as JSON.
    #[track_caller]
    pub fn status(&self) -> Value {
        self.run(&["status", "--output", "json"]).json()
    }

    /// Nothing is left to do, and nothing is unknown.
    #[track_caller]
    pub fn assert_converged(&self) {
        let run = self.run(&["--dry-run", "--detailed-exitcode"]);
        assert_eq!(run.code, 0, "not converged:\n{}", run.all());
    }

    /// Waits until nothing is left to do.
    #[track_caller]
    pub fn wait_converged(&self, limit: Duration) {
        let mut last = String::new();
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            let run = self.run(&["--dry-run", "--detailed-exitcode"]);
            if run.code == 0 {
                return;
            }
            last = run.all();
            // A look logs in to every guest: on a machine that is slow with that, guests would do little else.
            std::thread::sleep(run.took * 2);
        }
        panic!("not converged within {} s:\n{last}", limit.as_secs());
    }

    /// Waits until a guest that was killed runs in another life.
    #[track_caller]
    pub fn wait_remade(&self, victim: &Domain, limit: Duration) {
        until(&format!("{} is made anew", victim.instance), limit, || {
            let mut now = self.lab.domains().into_iter();
            let now = now.find(|d| d.instance == victim.instance)?;
            (now.generation != victim.generation && now.run.is_some()).then_some(())
        });
    }

    /// All that was done, oldest first.
    #[track_caller]
    pub fn history(&self) -> Vec<Value> {
        let mut command = self.command(&self.file(), &["history", "-n", "0", "--output", "json"]);
        let text = super::lab::output(&mut command).expect("the history can be read");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a line of the history is JSON"))
            .collect()
    }

    /// What was done and changed something, since there were `from` entries.
    #[track_caller]
    pub fn done_since(&self, from: usize) -> Vec<Doing> {
        let history = self.history();
        let changed = history[from..]
            .iter()
            .filter(|entry| entry["outcome"] != "already_done");
        changed
            .map(|entry| (word(&entry["action"]), word(&entry["instance"])))
            .collect()
    }

    /// Starts the controller, and waits until it knows all guests: what breaks from then on, it has seen whole.
    #[track_caller]
    pub fn watch(&self) -> Watch<'_> {
        self.watch_without("")
    }

    /// The same, where the guests of one host can't be heard.
    #[track_caller]
    pub fn watch_without(&self, silent: &str) -> Watch<'_> {
        let log = self.path("watch.log");
        let out = File::create(&log).expect("a log can be written");
        let mut command = self.command(&self.file(), &["watch", "-v"]);
        command
            .stderr(out.try_clone().expect("a handle"))
            .stdout(out)
            .stdin(Stdio::null());
        let child = command.spawn().expect("the product starts");
        let watch = Watch {
            product: self,
            child,
        };
        let domains = self.lab.domains().into_iter();
        for guest in domains.filter(|d| !d.instance.is_empty() && d.host != silent) {
            let came = format!("heartbeat came instance={}\n", guest.instance);
            watch.wait_for(&came, seconds(30));
        }
        watch
    }

    /// Starts a controller that follows the branch `main` of a repository.
    pub fn watch_repository(&self, repository: &Path) -> Watch<'_> {
        let log = self.path("watch.log");
        let out = File::create(&log).expect("a log can be written");
        let url = repository.display().to_string();
        let arguments = ["watch", "-v", "--repo", &url, "--every", "1s"];
        let mut command = self.command(Path::new("cluster.yaml"), &arguments);
        command
            .stderr(out.try_clone().expect("a handle"))
            .stdout(out)
            .stdin(Stdio::null());
        let child = command.spawn().expect("the product starts");
        Watch {
            product: self,
            child,
        }
    }

    fn post_mortem(&self) {
        self.lab.wake();
        for log in ["watch.log", "started.log"] {
            let text = std::fs::read_to_string(self.path(log)).unwrap_or_default();
            println!("--- {log}\n{}", tail(&text, 80));
        }
        println!(
            "--- cluster.yaml\n{}",
            std::fs::read_to_string(self.file()).unwrap_or_default()
        );
        let status = self.command(&self.file(), &["status"]).output();
        let said = status
            .map(|o| [o.stdout, o.stderr].concat())
            .unwrap_or_default();
        println!("--- status\n{}", String::from_utf8_lossy(&said));
        for domain in self.lab.domains() {
            let console = self.lab.console(&domain.host, &domain.name);
            println!("--- {domain:?}\n{console}");
            if domain.run.is_some() && !domain.instance.is_empty() {
                let script = "tail -n 20 /var/log/*.log; uptime";
                let logs = self.lab.try_in_guest(&domain.address, script);
                println!("{}", logs.unwrap_or_else(|error| error));
            }
        }
    }
}

/// Runs it to its end, and says so.
#[track_caller]
fn run(mut command: Command, arguments: &[&str]) -> Run {
    let begin = Instant::now();
    let output = command.output().expect("the product starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let run = Run {
        code: output.status.code().unwrap_or(-1),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        took: begin.elapsed(),
    };
    println!(
        "$ reconcile {}  # {} in {:.1} s",
        arguments.join(" "),
        run.code,
        run.took.as_secs_f64()
    );
    run
}

impl Drop for Product {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // A second panic here would hide the first one.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.post_mortem()));
        }
    }
}

impl Run {
    /// What it printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON: {error}\n{}", self.all()))
    }

    /// Everything that it printed, without the line breaks of a narrow screen.
    pub fn words(&self) -> String {
        self.all().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Everything that it printed.
    pub fn all(&self) -> String {
        format!("exit code {}\n{}{}", self.code, self.stdout, self.stderr)
    }
}

/// A controller at work. Stopped when dropped.
pub struct Watch<'a> {
    product: &'a Product,
    child: Child,
}

impl Watch<'_> {
    /// Everything that it has said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.product.path("watch.log")).unwrap_or_default()
    }

    /// Waits until it says something.
    #[track_caller]
    pub fn wait_for(&self, text: &str, limit: Duration) {
        until(&format!("{text:?} in the controller's log"), limit, || {
            self.log().contains(text).then_some(())
        });
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end: it must, with 0, within the time that it promises.
    #[track_caller]
    pub fn stop(mut self) {
        signal(self.pid(), "TERM");
        let status = until("the controller ends", seconds(30), || {
            self.child.try_wait().expect("it is our child")
        });
        assert!(status.success(), "the controller ended with {status}");
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Sends a signal.
pub fn signal(pid: u32, name: &str) {
    let kill = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status();
    assert!(
        kill.is_ok_and(|status| status.success()),
        "process {pid} is not there"
    );
}

/// What a plan, as JSON, announces.
pub fn announced(plan: &Value) -> Vec<Doing> {
    let actions = plan["actions"].as_array().expect("a plan has actions");
    let doings = actions.iter();
    doings
        .map(|a| (word(&a["kind"]), word(&a["instance"])))
        .collect()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
