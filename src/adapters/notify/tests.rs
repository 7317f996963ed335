//! Real servers on this machine that take, refuse, hang and hang up; programs that fail and hang.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::model::desired::{Engine, Revision, Template};
use crate::model::event::{CommitStatus, EventKind, EventState, Severity};
use crate::model::receiver::{Body, Email, Filled, Format, Method, Piece, Rate, Tls, Webhook};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::ports::notifier::Again;

const COMMIT: &str = "daa85f87f8b307dd5d64832c1b7494559ce8d8f5";

fn event() -> Event {
    Event {
        kind: EventKind::Host,
        severity: Severity::Critical,
        state: EventState::Opened,
        subject: "host b".into(),
        text: "host b is <unreachable>: \"no way\"".into(),
        commit: Some(COMMIT.parse().unwrap()),
        ..Event::test(
            "demo".parse().unwrap(),
            Revision("3f2a91c04b7e".into()),
            Timestamp(1_700_000_000_000),
        )
    }
}

fn receiver(means: Means) -> Receiver {
    Receiver {
        means,
        events: EventKind::ALL.into(),
        severity: Severity::Info,
        repeat: Duration::ZERO,
        rate: Rate {
            most: 9,
            within: Duration::from_secs(1),
        },
        timeout: Duration::from_secs(5),
    }
}

fn text(text: String) -> Piece {
    Piece::Text(text)
}

fn webhook(port: u16, body: Body) -> Webhook {
    let token = vec![
        text("Bearer ".into()),
        Piece::Secret(Secret::new("s3cret-token")),
    ];
    Webhook {
        url: Filled(vec![
            text(format!("http://127.0.0.1:{port}/s/")),
            Piece::Commit,
            text("?id=".into()),
            Piece::Id,
        ]),
        method: Method::Post,
        headers: BTreeMap::from([("Authorization".to_owned(), Filled(token))]),
        body,
    }
}

/// A server that hears one request, and answers with this, word for word; none: not at all.
async fn server(answer: Option<&'static str>) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = request(&mut stream).await;
        match answer {
            Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            None => std::future::pending().await,
        }
        request
    });
    (port, heard)
}

async fn request(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&heard).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.unwrap();
        heard.extend(&part[..read]);
    }
}

async fn send(webhook: Webhook) -> Result<(), Failure> {
    Messenger::default()
        .tell(&receiver(Means::Webhook(webhook)), &event())
        .await
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The request as the server heard it, without what differs from run to run.
async fn heard(body: Body) -> String {
    let (port, heard) = server(Some(OK)).await;
    send(webhook(port, body)).await.unwrap();
    let heard = heard.await.unwrap().replace(&port.to_string(), "PORT");
    heard
        .replace('\r', "")
        .replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[tokio::test]
async fn each_kind_of_server_gets_what_it_takes() {
    let mut all = String::new();
    for format in [Format::Json, Format::Slack, Format::Matrix, Format::Ntfy] {
        all += &format!("{format:?}\n{}\n\n", heard(Body::Format(format)).await);
    }
    insta::assert_snapshot!("formats", all);
}

#[test]
fn commits_get_a_status_and_a_test_has_a_place_of_its_own() {
    let mut all = String::new();
    for format in [Format::Github, Format::Gitlab, Format::Gitea] {
        for status in [
            CommitStatus::Pending,
            CommitStatus::Success,
            CommitStatus::Failure,
        ] {
            let event = Event {
                kind: EventKind::Commit,
                status: Some(status),
                text: "x".repeat(200),
                ..event()
            };
            let request =
                crate::notify::shape::request(&webhook(1, Body::Format(format)), &event).unwrap();
            all += &format!("{format:?} {}\n", request.body.reveal());
            assert!(request.url.reveal().contains(COMMIT));
        }
    }
    insta::assert_snapshot!("statuses", all);
    let test = Event {
        kind: EventKind::Test,
        ..event()
    };
    let request = crate::notify::shape::request(&webhook(1, Body::Format(Format::Github)), &test);
    assert!(
        request
            .unwrap()
            .body
            .reveal()
            .contains("reconcile/demo/test")
    );
}

#[tokio::test]
async fn a_body_of_ones_own_has_secrets_in_it_and_quotes_what_it_is_told() {
    let template = Template {
        name: "body".into(),
        text: "{\"key\": \"{{secret.KEY}}\", \"says\": {{json text}}}".into(),
        engine: Engine::Handlebars,
    };
    let secrets = BTreeMap::from([("KEY".to_owned(), Secret::new("k3y"))]);
    let heard = heard(Body::Own(template, secrets)).await;
    let body = heard.split_once("\n\n").unwrap().1;
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({ "key": "k3y", "says": event().text })
    );
}

#[tokio::test]
async fn what_a_server_answers_says_whether_to_try_again() {
    let cases = [
        ("500 Oops", "", "the server answers 500", Again::Later),
        (
            "429 Slowly",
            "Retry-After: 7\r\n",
            "the server answers 429",
            Again::After(Duration::from_secs(7)),
        ),
        (
            "503 Busy",
            "Retry-After: soon\r\n",
            "the server answers 503",
            Again::Later,
        ),
        ("404 Gone", "", "the server answers 404", Again::Never),
        (
            "302 Found",
            "Location: http://127.0.0.1:1/\r\n",
            "the server answers 302: it sends us elsewhere",
            Again::Never,
        ),
    ];
    for (status, header, why, again) in cases {
        let answer = format!("HTTP/1.1 {status}\r\n{header}Content-Length: 12\r\n\r\ns3cret-token");
        let (port, _heard) = server(Some(answer.leak())).await;
        let failure = send(webhook(port, Body::Format(Format::Json)))
            .await
            .unwrap_err();
        assert_eq!((failure.why.as_str(), failure.again), (why, again));
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_or_talks_nonsense_or_is_not_there_is_tried_again() {
    let cases = [
        (Some(""), "it closed the connection without an answer"),
        (
            Some("HTTP/1.1 200"),
            "it closed the connection without an answer",
        ),
        (
            Some("220 mail.example ESMTP\r\n\r\n"),
            "its answer is no HTTP",
        ),
    ];
    for (answer, why) in cases {
        let (port, _heard) = server(answer).await;
        assert_eq!(
            send(webhook(port, Body::Format(Format::Json))).await,
            Err(Failure::later(why))
        );
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refused = send(webhook(port, Body::Format(Format::Json))).await;
    assert_eq!(refused, Err(Failure::later("connection refused")));
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_so_and_its_name_is_not_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let _server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 No\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let mut secret = webhook(port, Body::Format(Format::Json));
    secret.url = Filled(vec![Piece::Secret(Secret::new(format!(
        "https://127.0.0.1:{port}/hush"
    )))]);
    let why = "the server's certificate is not accepted, or it speaks no TLS";
    assert_eq!(send(secret).await, Err(Failure::later(why)));
}

#[tokio::test]
async fn what_is_no_url_is_refused_and_not_repeated() {
    let mut wrong = webhook(1, Body::Format(Format::Json));
    for url in ["hush", "ftp://hush/", "/hush", "http://hush hush/", ""] {
        wrong.url = Filled(vec![Piece::Secret(Secret::new(url))]);
        let failure = send(wrong.clone()).await.unwrap_err();
        assert_eq!(
            failure,
            Failure::never("its URL can't be sent: is it what was meant?")
        );
    }
    let mut wrong = webhook(1, Body::Format(Format::Json));
    wrong.headers.insert(
        "X".into(),
        Filled(vec![Piece::Secret(Secret::new("a\r\nEvil: 1"))]),
    );
    assert_eq!(send(wrong).await.unwrap_err().again, Again::Never);
}

/// A small server for mail, and what it heard. Each step has an answer of its own; it hangs up where there is none.
async fn mail_server(answers: &'static [&'static str]) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let (mut heard, mut is_mail) = (String::new(), false);
        let mut answers = answers.iter();
        let Some(greeting) = answers.next() else {
            return heard;
        };
        stream.write_all(greeting.as_bytes()).await.unwrap();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return heard;
            }
            heard += &line;
            if is_mail && line != ".\r\n" {
                continue;
            }
            is_mail = line == "DATA\r\n";
            match answers.next() {
                Some(&"hangs") => std::future::pending().await,
                Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                None => return heard,
            }
        }
    });
    (port, heard)
}

fn mail(port: u16) -> Receiver {
    receiver(Means::Email(Email {
        server: "127.0.0.1".into(),
        port,
        tls: Tls::None,
        login: None,
        from: "reconcile@example.org".into(),
        to: vec!["ops@example.org".into(), "anna@example.org".into()],
    }))
}

#[tokio::test]
async fn a_mail_says_in_its_subject_what_is_the_matter() {
    let (port, heard) = mail_server(&[
        "220 hi\r\n",
        "250 hi\r\n",
        "250 ok\r\n",
        "250 ok\r\n",
        "250 ok\r\n",
        "354 go\r\n",
        "250 taken\r\n",
        "221 bye\r\n",
    ])
    .await;
    Messenger::default()
        .tell(&mail(port), &event())
        .await
        .unwrap();
    let heard = heard.await.unwrap().replace('\r', "");
    let volatile = regex::Regex::new("(?m)^(EHLO|Date:) .*$").unwrap();
    insta::assert_snapshot!("mail", volatile.replace_all(&heard, "$1 …"));
}

#[tokio::test]
async fn a_server_for_mail_that_refuses_hangs_or_hangs_up_is_told_apart() {
    let tell = async |answers| {
        let (port, _heard) = mail_server(answers).await;
        let receiver = mail(port);
        let told = tokio::time::timeout(Duration::from_millis(500), async move {
            Messenger::default().tell(&receiver, &event()).await
        });
        told.await
            .unwrap_or_else(|_| Err(Failure::later("broken off")))
    };
    let refuses = tell(&["220 hi\r\n", "250 hi\r\n", "550 not you\r\n", "221 bye\r\n"]).await;
    assert_eq!(refuses, Err(Failure::never("the server answers 550")));
    let later = tell(&["220 hi\r\n", "250 hi\r\n", "451 later\r\n", "221 bye\r\n"]).await;
    assert_eq!(later, Err(Failure::later("the server answers 451")));
    let hangs_up = tell(&["220 hi\r\n", "250 hi\r\n"]).await.unwrap_err();
    assert_eq!(hangs_up.again, Again::Later);
    let at_once = tell(&[]).await.unwrap_err();
    assert_eq!(at_once.again, Again::Later);
    let nonsense = tell(&["HTTP/1.1 400 Bad\r\n\r\n"]).await.unwrap_err();
    assert_eq!(nonsense.again, Again::Later);
    assert_eq!(
        tell(&["220 hi\r\n", "hangs"]).await,
        Err(Failure::later("broken off"))
    );
}

#[tokio::test]
async fn without_encryption_nothing_is_said_where_it_was_asked_for() {
    let (port, heard) = mail_server(&["220 hi\r\n", "250 hi\r\n", "221 bye\r\n"]).await;
    let mut receiver = mail(port);
    if let Means::Email(email) = &mut receiver.means {
        email.tls = Tls::Starttls;
        email.login = Some(("anna".into(), Secret::new("hush")));
    }
    let failure = Messenger::default()
        .tell(&receiver, &event())
        .await
        .unwrap_err();
    assert_eq!(
        failure.why,
        "the server does not offer what is needed: TLS, or a login"
    );
    assert!(!heard.await.unwrap().contains("AUTH"));
}

/// A program with this text.
fn program(dir: &std::path::Path, text: &str) -> Vec<String> {
    let path = dir.join("page");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    vec![path.display().to_string(), "$(touch x); --now".to_owned()]
}

#[tokio::test]
async fn a_program_gets_the_event_on_its_input_and_its_arguments_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let argv = program(
        dir.path(),
        &format!(
            "cat > {0}/event; echo \"$1\" > {0}/argument",
            dir.path().display()
        ),
    );
    Messenger::default()
        .tell(&receiver(Means::Command(argv)), &event())
        .await
        .unwrap();
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let told: serde_json::Value = serde_json::from_str(&read("event")).unwrap();
    assert_eq!(
        (told["subject"].as_str(), told["format_version"].as_u64()),
        (Some("host b"), Some(1))
    );
    assert_eq!(read("argument"), "$(touch x); --now\n");
}

#[tokio::test]
async fn a_program_that_fails_says_why_and_one_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let argv = program(
        dir.path(),
        "echo first >&2; printf 'no \\033[1mline\\n' >&2; exit 3",
    );
    let failure = Messenger::default()
        .tell(&receiver(Means::Command(argv)), &event())
        .await
        .unwrap_err();
    assert!(
        failure.why.ends_with("page: exit status: 3: no [1mline"),
        "{failure}"
    );
    let absent = receiver(Means::Command(vec!["/nonexistent/page".into()]));
    let failure = Messenger::default()
        .tell(&absent, &event())
        .await
        .unwrap_err();
    assert!(
        failure.why.starts_with("/nonexistent/page can't be run: "),
        "{failure}"
    );
}

#[tokio::test]
async fn a_program_that_hangs_is_killed_with_all_that_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let argv = program(
        dir.path(),
        &format!(
            "sleep 600 & echo $! > {0}/new; mv {0}/new {0}/pid; wait",
            dir.path().display()
        ),
    );
    let (messenger, receiver, event) = (
        Messenger::default(),
        receiver(Means::Command(argv)),
        event(),
    );
    let child = async {
        while !dir.path().join("pid").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        told = messenger.tell(&receiver, &event) => panic!("{told:?}"),
        () = child => {}
    }
    let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
    let state = format!("/proc/{}/stat", pid.trim());
    let is_dead = || std::fs::read_to_string(&state).map_or(true, |stat| stat.contains(") Z "));
    let begin = Instant::now();
    while !is_dead() {
        assert!(begin.elapsed() < Duration::from_secs(5), "its child lives");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
