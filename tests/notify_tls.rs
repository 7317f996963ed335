//! Messages over TLS, with the real binary: a server is told something only if its certificate is one that this machine
//! trusts, and passwords are sent only then.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// All that a server heard.
type Heard = Arc<Mutex<String>>;

/// How a server begins to encrypt.
#[derive(Clone, Copy)]
enum Begins {
    AtOnce,
    /// After these answers in the open: a greeting, an EHLO, a STARTTLS.
    After(&'static [&'static str]),
}

/// A server with a certificate of its own, which is written to `dir`. What is said in it, it answers line by line.
fn server(
    runtime: &Runtime,
    dir: &Path,
    begins: Begins,
    answer: fn(&str) -> Option<&'static str>,
    greeting: &'static str,
) -> (u16, Heard) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(dir.join("ca.pem"), cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    let hears = Arc::clone(&heard);
    runtime.spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            let Some(stream) = in_the_open(stream, begins, &hears).await else {
                continue;
            };
            // Who does not trust it ends here.
            if let Ok(stream) = acceptor.accept(stream).await {
                talk(stream, greeting, answer, &hears).await;
            }
        }
    });
    (port, heard)
}

async fn in_the_open(mut stream: TcpStream, begins: Begins, heard: &Heard) -> Option<TcpStream> {
    let Begins::After(answers) = begins else {
        return Some(stream);
    };
    let mut answers = answers.iter();
    stream.write_all(answers.next()?.as_bytes()).await.ok()?;
    for answer in answers {
        let mut line = String::new();
        BufReader::new(&mut stream)
            .read_line(&mut line)
            .await
            .ok()?;
        heard.lock().unwrap().push_str(&format!("open: {line}"));
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
    Some(stream)
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    greeting: &str,
    answer: fn(&str) -> Option<&'static str>,
    heard: &Heard,
) {
    let mut stream = BufReader::new(stream);
    stream.write_all(greeting.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        heard.lock().unwrap().push_str(&line);
        if let Some(answer) = answer(&line) {
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
        }
    }
}

fn http(line: &str) -> Option<&'static str> {
    (line == "\r\n").then_some("HTTP/1.1 204 No Content\r\n\r\n")
}

fn smtp(line: &str) -> Option<&'static str> {
    let word = line.split([' ', '\r']).next().unwrap_or_default();
    match word {
        "EHLO" => Some("250-hi\r\n250 AUTH PLAIN\r\n"),
        "AUTH" => Some("235 it is you\r\n"),
        "MAIL" | "RCPT" | "." => Some("250 ok\r\n"),
        "DATA" => Some("354 go\r\n"),
        "QUIT" => Some("221 bye\r\n"),
        _ => None,
    }
}

/// Whether the only receiver was told, and what is said of it.
fn told(dir: &Path, receiver: &str, trusted: bool) -> (bool, String) {
    let text = format!(
        "cluster: demo\nnetworks: {{ lan: {{ cidr: 10.0.0.0/24 }} }}\n\
         hosts: {{ a: {{ address: 127.0.0.1, port: 1, pool: 10.0.0.10-10.0.0.19 }} }}\n\
         secrets: {{ HUSH: {{ env: HUSH }} }}\nnotify: {{ ops: {receiver} }}\n"
    );
    std::fs::write(dir.join("cluster.yaml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconcile"));
    command.args(["notify", "test", "--output", "json", "--state-dir", "state"]);
    command
        .current_dir(dir)
        .env("HUSH", "s3cret")
        .env_remove("SSL_CERT_DIR");
    // A certificate authority of its own, that no server here has anything of.
    let other = generate_simple_self_signed(["elsewhere".to_owned()]).unwrap();
    std::fs::write(dir.join("other.pem"), other.cert.pem()).unwrap();
    let trusts = dir.join(if trusted { "ca.pem" } else { "other.pem" });
    let output = command.env("SSL_CERT_FILE", trusts).output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let one = &json["receivers"][0];
    (
        one["arrived"].as_bool().unwrap(),
        one["result"].as_str().unwrap().to_owned(),
    )
}

const NOT_TRUSTED: &str = "the server's certificate is not accepted, or it speaks no TLS";

#[test]
fn a_request_arrives_over_https_only_at_whom_this_machine_trusts() {
    let (runtime, dir) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let (port, heard) = server(&runtime, dir.path(), Begins::AtOnce, http, "");
    let receiver = format!(
        "{{ webhook: {{ url: 'https://localhost:{port}/', headers: {{ X: '{{{{secret.HUSH}}}}' }} }} }}"
    );
    assert_eq!(
        told(dir.path(), &receiver, false),
        (false, NOT_TRUSTED.to_owned())
    );
    assert_eq!(heard.lock().unwrap().as_str(), "");
    assert_eq!(
        told(dir.path(), &receiver, true),
        (true, "it was taken".to_owned())
    );
    assert!(heard.lock().unwrap().contains("x: s3cret\r\n"));
}

#[test]
fn a_mail_and_its_password_go_only_over_a_connection_that_is_trusted() {
    let (runtime, dir) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let in_the_open: &[&str] = &["220 hi\r\n", "250-hi\r\n250 STARTTLS\r\n", "220 go\r\n"];
    let ways = [
        ("tls", Begins::AtOnce, "220 hi\r\n"),
        ("starttls", Begins::After(in_the_open), ""),
    ];
    for (tls, begins, greeting) in ways {
        let (port, heard) = server(&runtime, dir.path(), begins, smtp, greeting);
        let receiver = format!(
            "{{ email: {{ server: localhost, port: {port}, tls: {tls}, user: anna, password: '{{{{secret.HUSH}}}}', from: a@b.example, to: c@d.example }} }}"
        );
        assert_eq!(
            told(dir.path(), &receiver, false),
            (false, NOT_TRUSTED.to_owned()),
            "{tls}"
        );
        assert!(!heard.lock().unwrap().contains("AUTH"), "{tls}");
        assert_eq!(
            told(dir.path(), &receiver, true),
            (true, "it was taken".to_owned()),
            "{tls}"
        );
        let heard = heard.lock().unwrap();
        assert!(
            heard.contains("AUTH PLAIN ") && heard.contains("this is a test"),
            "{heard}"
        );
        assert!(
            !heard.lines().any(|line| line.starts_with("open: AUTH")),
            "{heard}"
        );
    }
}
