//! Messages with the real binary, and servers that hear them: `notify test`, `validate`, and what a controller that follows a
//! branch tells. There is no machine behind the hosts of these clusters.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

/// Longer than anything takes here on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);
const SECRET: &str = "s3cret-path";

/// A server that answers all with this status. What it heard: the path of each request, and its body.
fn server(status: &'static str) -> (u16, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, heard) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut first, mut length) = (String::new(), 0);
            stream.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            let told = (path, serde_json::from_slice(&body).unwrap());
            if tell.send(told).is_err() {
                return;
            }
        }
    });
    (port, heard)
}

/// A cluster with these receivers.
fn cluster(receivers: &str) -> String {
    format!(
        "cluster: demo\nnetworks: {{ lan: {{ cidr: 10.0.0.0/24 }} }}\n\
         hosts: {{ a: {{ address: 127.0.0.1, port: 1, pool: 10.0.0.10-10.0.0.19 }} }}\n\
         secrets: {{ PATH_OF_URL: {{ env: URL_SECRET }} }}\nnotify:\n{receivers}"
    )
}

fn reconcile(dir: &Path, line: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconcile"));
    command.args(line).current_dir(dir).stdin(Stdio::null());
    command.arg("--state-dir").arg(dir.join("state"));
    command.env("HOME", dir).env("URL_SECRET", SECRET);
    command
}

fn output(dir: &Path, line: &[&str]) -> Output {
    let output = reconcile(dir, line).output().unwrap();
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(!said.contains(SECRET), "{said}");
    output
}

fn webhook(name: &str, port: u16, rest: &str) -> String {
    format!(
        "  {name}: {{ webhook: {{ url: \"http://127.0.0.1:{port}/{{{{secret.PATH_OF_URL}}}}/{rest} }}\n"
    )
}

#[test]
fn each_receiver_is_sent_a_test_and_one_that_fails_makes_the_exit_code_bad() {
    let dir = tempfile::tempdir().unwrap();
    let ((good, heard), (bad, _refused)) = (server("200 OK"), server("403 No"));
    let receivers = webhook("chat", good, "\" }") + &webhook("ops", bad, "\" }, events: [brake]");
    let receivers = receivers + &webhook("commits", good, "{{commit}}\", format: github }");
    fs::write(dir.path().join("cluster.yaml"), cluster(&receivers)).unwrap();
    let all = output(dir.path(), &["notify", "test", "--output", "json"]);
    assert_eq!(all.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&all.stdout).unwrap();
    let receivers = json["receivers"].as_array().unwrap();
    let results: Vec<(&Value, &Value)> = receivers
        .iter()
        .map(|r| (&r["receiver"], &r["arrived"]))
        .collect();
    let [yes, no] = [Value::Bool(true), Value::Bool(false)];
    let [chat, commits, ops] = ["chat", "commits", "ops"].map(Value::from);
    assert_eq!(
        results,
        [(&chat, &yes), (&commits, &Value::Null), (&ops, &no)]
    );
    assert_eq!(receivers[2]["result"], "the server answers 403");
    let (path, told) = heard.recv_timeout(PATIENCE).unwrap();
    assert_eq!(path, format!("/{SECRET}/"));
    assert_eq!(
        (told["kind"].as_str(), told["cluster"].as_str()),
        (Some("test"), Some("demo"))
    );

    let one = output(dir.path(), &["notify", "test", "chat"]);
    assert_eq!(one.status.code(), Some(0));
    let unknown = output(dir.path(), &["notify", "test", "chta"]);
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert_eq!(
        said,
        "error: there is no receiver chta in the file\n  help: did you mean `chat`?\n"
    );
}

#[test]
fn validate_says_what_would_keep_messages_from_arriving_and_sends_none() {
    let dir = tempfile::tempdir().unwrap();
    let (port, heard) = server("200 OK");
    let receivers = webhook("chat", port, "\" }")
        + "  pager: { command: [/nonexistent/page] }\n  odd: { webhook: { url: \"{{secret.PATH_OF_URL}}\" } }\n";
    fs::write(dir.path().join("cluster.yaml"), cluster(&receivers)).unwrap();
    let said = output(dir.path(), &["validate"]);
    assert!(said.status.success());
    let said = String::from_utf8(said.stdout).unwrap();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for warning in [
        "receiver chat: its secrets go over the network in the open (cluster.yaml:6) help: use https://, if the server can",
        "receiver odd: the secret is no URL (cluster.yaml:8) help: it begins with https://",
        "receiver pager: /nonexistent/page is not installed on this machine (cluster.yaml:7) help: it is run on the machine",
        "with 3 warnings",
    ] {
        assert!(said.contains(warning), "{said}");
    }
    assert!(heard.try_recv().is_err());
}

/// A controller that ends with this.
struct Watch(Child);

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Watch {
    fn start(dir: &Path) -> Watch {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(dir.join("log"));
        let mut command = reconcile(dir, &["watch", "--repo", "work", "--every", "1s"]);
        Watch(command.stderr(log.unwrap()).spawn().unwrap())
    }

    fn stop(mut self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

fn git(dir: &Path, line: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args([
        "-C",
        "work",
        "-c",
        "user.name=Anna",
        "-c",
        "user.email=anna@example.org",
    ]);
    let output = command
        .args(line)
        .current_dir(dir)
        .env("HOME", dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(dir: &Path, text: &str) -> String {
    fs::write(dir.join("work/cluster.yaml"), text).unwrap();
    git(dir, &["add", "--all"]);
    git(dir, &["commit", "--quiet", "-m", "an edit"]);
    git(dir, &["rev-parse", "HEAD"])
}

#[test]
fn who_commits_reads_beside_the_commit_what_became_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::create_dir(dir.join("work")).unwrap();
    git(dir, &["init", "--quiet", "-b", "main"]);
    let ((port, statuses), (chat, lines)) = (server("201 Created"), server("200 OK"));
    let receivers = webhook("commits", port, "{{commit}}\", format: github }")
        + &webhook(
            "chat",
            chat,
            "\", format: slack }, events: [commit, controller], severity: info",
        );
    let good = commit(dir, &cluster(&receivers));
    let watch = Watch::start(dir);
    let status = || {
        let (path, told) = statuses.recv_timeout(PATIENCE).unwrap();
        assert_eq!(told["context"], "reconcile/demo");
        (
            path.rsplit('/').next().unwrap().to_owned(),
            told["state"].as_str().unwrap().to_owned(),
        )
    };
    // Its only host does not answer: nothing is as desired, and nothing is refused.
    assert_eq!(status(), (good.clone(), "pending".to_owned()));
    let bad = commit(dir, &format!("{}nonsense: 1\n", cluster(&receivers)));
    assert_eq!(status(), (bad, "failure".to_owned()));
    watch.stop();

    let again = Watch::start(dir);
    let better = commit(dir, &format!("# better\n{}", cluster(&receivers)));
    assert_eq!(
        status(),
        (better, "pending".to_owned()),
        "and nothing is told again"
    );
    again.stop();
    let told: Vec<String> = lines
        .try_iter()
        .map(|(_, told)| told["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told[0], "[info] demo: the controller began");
    assert!(
        told[1].starts_with(&format!("[pending] demo: commit {} by Anna", &good[..9])),
        "{told:?}"
    );
    assert!(
        told[2].contains("is not applied: cluster.yaml:8:1: unknown key `nonsense`"),
        "{told:?}"
    );
    assert!(told[3].contains("the controller was stopped"), "{told:?}");
    let log = fs::read_to_string(dir.join("log")).unwrap();
    let kept = fs::read_to_string(dir.join("state/demo/notify.json")).unwrap();
    assert!(!log.contains(SECRET) && !kept.contains(SECRET), "{log}");
}
