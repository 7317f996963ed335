//! `reconcile watch --repo https://…` with the real binary, git's own server program behind TLS on loopback, and the password of a
//! credential helper of the user.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Longer than anything takes here on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// `anna:s3cret`, as a browser would say it.
const ANNA: &str = "authorization: basic yw5uytpzm2nyzxq=";

const CLUSTER: &str = "cluster: demo
networks: { lan: { cidr: 10.0.0.0/24, gateway: 10.0.0.1, bridge: br0 } }
hosts: { a: { address: 127.0.0.1, port: 1, pool: 10.0.0.10-10.0.0.19 } }
images: { micro: { path: /disk.qcow2 } }
services: { one: { replicas: 1, image: micro, memory: 64MiB, port: 80, run: /bin/one } }
";

/// A controller that ends with this.
struct Watch(Child);

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A repository with one commit, in the home of a user.
fn lab() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "--quiet", "-b", "main", "work"]);
    fs::write(dir.path().join("work/cluster.yaml"), CLUSTER).unwrap();
    git(dir.path(), &["-C", "work", "add", "cluster.yaml"]);
    let who = ["-c", "user.name=Anna", "-c", "user.email=anna@example.org"];
    let commit = ["-C", "work", "commit", "--quiet", "-m", "all of it"];
    git(dir.path(), &[&who[..], &commit].concat());
    let args = ["clone", "--quiet", "--bare", "work", "origin.git"];
    git(dir.path(), &args);
    dir
}

fn git(dir: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.args(args).current_dir(dir).env("HOME", dir);
    assert!(command.status().unwrap().success(), "{args:?}");
}

/// A helper that knows this password, in the user's own configuration of git.
fn knows(dir: &Path, password: &str) {
    let helper = format!("!f() {{ echo username=anna; echo password={password}; }}; f");
    let args = ["config", "--global", "credential.helper", &helper];
    git(dir, &args);
}

/// Serves the repositories in `dir` to anna; the port. Its certificate is written there.
fn server(runtime: &Runtime, dir: &Path) -> u16 {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(dir.join("ca.pem"), cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![cert.der().clone()], key);
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let root = dir.to_owned();
    runtime.spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                let mut stream = BufReader::new(stream);
                let answer = answer(&mut stream, &root).await;
                // Who has seen enough is gone.
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    port
}

/// What git's server program says to one request; nothing of it to others than anna.
async fn answer(stream: &mut (impl AsyncBufReadExt + Unpin), root: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap_or(0);
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        let lower = |line: &String| line.to_lowercase().starts_with(&format!("{name}:"));
        let found = head.iter().find(|line| lower(line));
        found.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
    };
    let length = header("content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.unwrap();
    if !head.iter().any(|line| line.to_lowercase() == ANNA) {
        let refused = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\n\
                       Content-Length: 0\r\nConnection: close\r\n\r\n";
        return refused.into();
    }
    let mut words = head[0].split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut command = tokio::process::Command::new("git");
    command.arg("http-backend").env("GIT_PROJECT_ROOT", root);
    command.env("GIT_HTTP_EXPORT_ALL", "1").env("HOME", root);
    command.env("REQUEST_METHOD", method).env("PATH_INFO", path);
    command
        .env("QUERY_STRING", query)
        .env("REMOTE_USER", "anna");
    let headers = [
        ("CONTENT_TYPE", "content-type"),
        ("CONTENT_LENGTH", "content-length"),
        ("HTTP_GIT_PROTOCOL", "git-protocol"),
        ("HTTP_CONTENT_ENCODING", "content-encoding"),
    ];
    for (variable, name) in headers {
        command.env(variable, header(name).unwrap_or_default());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&body).await.unwrap();
    let said = child.wait_with_output().await.unwrap().stdout;
    [b"HTTP/1.1 200 OK\r\nConnection: close\r\n", said.as_slice()].concat()
}

fn watch(dir: &Path, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconcile"));
    let url = format!("https://localhost:{port}/origin.git");
    command.args(["watch", "--repo", &url, "--state-dir", "state"]);
    command.current_dir(dir).env("HOME", dir);
    command.env("GIT_SSL_CAINFO", dir.join("ca.pem"));
    command.stdin(Stdio::null());
    command
}

#[test]
fn a_commit_comes_over_https_with_the_password_of_the_users_helper() {
    let (runtime, dir) = (Runtime::new().unwrap(), lab());
    let port = server(&runtime, dir.path());
    knows(dir.path(), "s3cret");
    let log = fs::File::create(dir.path().join("log")).unwrap();
    let _watch = Watch(watch(dir.path(), port).stderr(log).spawn().unwrap());
    let told = || fs::read_to_string(dir.path().join("log")).unwrap();
    let begin = Instant::now();
    while !told().contains("watching") {
        assert!(begin.elapsed() < PATIENCE, "{}", told());
        sleep(Duration::from_millis(50));
    }
    assert!(!told().contains("s3cret"), "{}", told());
}

#[test]
fn a_wrong_password_is_told_without_it() {
    let (runtime, dir) = (Runtime::new().unwrap(), lab());
    let port = server(&runtime, dir.path());
    knows(dir.path(), "hush-hush");
    let output = watch(dir.path(), port).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Authentication failed for"), "{said}");
    assert!(!said.contains("hush-hush"), "{said}");
    // Nor where the server is none that this machine trusts: it is asked for nothing.
    let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(dir.path().join("ca.pem"), other.cert.pem()).unwrap();
    knows(dir.path(), "s3cret");
    let output = watch(dir.path(), port).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("certificate") && !said.contains("s3cret"),
        "{said}"
    );
}
