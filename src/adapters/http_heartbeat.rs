//! Heartbeats over HTTP: one GET on a new connection, all of it within the heartbeat's timeout. A kept connection would
//! prove less: that one worker still lives.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};

use async_trait::async_trait;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, HOST, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::model::desired::Heartbeat;
use crate::model::unit::span;
use crate::ports::heartbeat::Heartbeats;

/// More than any heartbeat has to say.
const LONGEST_BODY: usize = 8 << 10;
/// How much of a wrong answer is shown.
const SHOWN: usize = 40;

/// Asks guests over HTTP.
#[derive(Debug, Clone, Copy, Default)]
pub struct HttpHeartbeats;

#[async_trait]
impl Heartbeats for HttpHeartbeats {
    async fn beat(&self, address: Ipv4Addr, heartbeat: &Heartbeat) -> Result<(), String> {
        let answer = tokio::time::timeout(heartbeat.timeout, ask(address, heartbeat)).await;
        answer.unwrap_or_else(|_| Err(format!("no answer within {}", span(heartbeat.timeout))))
    }
}

async fn ask(address: Ipv4Addr, heartbeat: &Heartbeat) -> Result<(), String> {
    let target = SocketAddr::from((address, heartbeat.port));
    let stream = TcpStream::connect(target)
        .await
        .map_err(|error| connecting(&error))?;
    let _ = stream.set_nodelay(true); // only speed is lost without it
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    let request = request(target, &heartbeat.path)?;
    let answer = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| broken(&error))?;
        judge(response).await
    };
    tokio::pin!(answer);
    // The connection has to be driven while the answer is awaited; whoever ends first, the answer is what counts.
    tokio::select! {
        verdict = &mut answer => verdict,
        _ = connection => answer.await,
    }
}

fn request(target: SocketAddr, path: &str) -> Result<Request<Empty<Bytes>>, String> {
    Request::get(path)
        .header(HOST, target.to_string())
        .header(USER_AGENT, concat!("reconcile/", env!("CARGO_PKG_VERSION")))
        .header(
            ACCEPT,
            "text/event-stream, application/json, text/plain, */*",
        )
        .header(CONNECTION, "close")
        .body(Empty::new())
        .map_err(|_| format!("{path:?} is no path"))
}

fn connecting(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "no way to it".to_owned(),
        _ => format!("no connection: {error}"),
    }
}

fn broken(error: &hyper::Error) -> String {
    match error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        true => "it closed the connection without an answer".to_owned(),
        false => "its answer is no HTTP".to_owned(),
    }
}

async fn judge(response: Response<Incoming>) -> Result<(), String> {
    let status = response.status();
    if status != StatusCode::OK {
        return Err(format!("HTTP {}", status.as_u16()));
    }
    let mut body = response.into_body();
    let mut text = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        text.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        // An event stream has no end: its first event is the answer.
        if let Some(event) = first_event(&String::from_utf8_lossy(&text)) {
            return verdict(&event);
        }
        if text.len() > LONGEST_BODY {
            return Err("its answer has no end".to_owned());
        }
    }
    verdict(&String::from_utf8_lossy(&text))
}

/// The data of the first server-sent event that has arrived whole
/// (<https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>).
fn first_event(text: &str) -> Option<String> {
    let complete = &text[..=text.rfind(['\n', '\r'])?];
    let data = complete
        .lines()
        .find_map(|line| line.strip_prefix("data:"))?;
    Some(data.to_owned())
}

/// `OK`, or JSON with a status that says so.
fn verdict(text: &str) -> Result<(), String> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let text = text.strip_prefix("data:").map_or(text, str::trim);
    let json: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let status = json.as_ref().and_then(|json| json.get("status")?.as_str());
    match status.unwrap_or(text) {
        word if word.eq_ignore_ascii_case("ok") => Ok(()),
        "" => Err("says nothing".to_owned()),
        word => Err(format!("says {:?}", shortened(word))),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn heartbeat(port: u16) -> Heartbeat {
        Heartbeat {
            path: "/heartbeat".into(),
            port,
            every: Duration::from_secs(1),
            timeout: Duration::from_millis(300),
            retries: 4,
            grace: Duration::from_secs(1),
        }
    }

    /// What follows the first part of an answer.
    #[derive(Clone, Copy, PartialEq)]
    enum Then {
        Close,
        Wait,
        Repeat,
    }

    /// Asks a server that answers everybody with `answer`.
    async fn beat_of(answer: impl Into<Vec<u8>>, then: Then) -> Result<(), String> {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(&answer).await;
            while then == Then::Repeat && stream.write_all(&answer).await.is_ok() {}
            if then == Then::Wait {
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
        });
        let result = HttpHeartbeats
            .beat(Ipv4Addr::LOCALHOST, &heartbeat(port))
            .await;
        server.abort();
        result
    }

    fn http(kind: &str, body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n{body}")
    }

    #[tokio::test]
    async fn ok_is_ok_plain_as_json_and_as_an_event() {
        let good = [
            (http("text/plain", "OK\n"), Then::Close),
            (
                http(
                    "application/json",
                    "{\"since\":3,\"Status\":1,\"status\":\"ok\"}",
                ),
                Then::Close,
            ),
            (
                http(
                    "text/event-stream",
                    ": hi\n\nevent: beat\ndata: {\"status\": \"OK\"}\n\n",
                ),
                Then::Wait,
            ),
            (
                http("text/event-stream", "data: {\"status\": \"OK\"}\n\n"),
                Then::Repeat,
            ),
            (http("text/event-stream", "data: OK\n"), Then::Wait),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n"
                    .to_owned(),
                Then::Wait,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK".to_owned(),
                Then::Wait,
            ),
        ];
        for (answer, then) in good {
            assert_eq!(beat_of(answer.clone(), then).await, Ok(()), "{answer}");
        }
    }

    #[tokio::test]
    async fn anything_else_is_an_error_in_words() {
        let long = "x".repeat(100);
        let bad = [
            (
                "HTTP/1.1 503 Busy\r\n\r\nOK".to_owned(),
                Then::Close,
                "HTTP 503",
            ),
            (
                "HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n".to_owned(),
                Then::Close,
                "HTTP 301",
            ),
            (
                http("x", "{\"status\": \"DEGRADED\"}"),
                Then::Close,
                "says \"DEGRADED\"",
            ),
            (
                http(
                    "x",
                    "data: {\"status\": \"DOWN\"}\n\ndata: {\"status\": \"OK\"}\n",
                ),
                Then::Close,
                "says \"DOWN\"",
            ),
            (http("x", ""), Then::Close, "says nothing"),
            (
                http("x", &long),
                Then::Close,
                "says \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\"",
            ),
            (
                "SSH-2.0-OpenSSH\r\n".to_owned(),
                Then::Close,
                "its answer is no HTTP",
            ),
            (
                String::new(),
                Then::Close,
                "it closed the connection without an answer",
            ),
            (String::new(), Then::Wait, "no answer within 300 ms"),
            (http("x", "O"), Then::Wait, "no answer within 300 ms"),
            (
                http("text/event-stream", "data: {\"status\""),
                Then::Wait,
                "no answer within 300 ms",
            ),
        ];
        for (answer, then, words) in bad {
            assert_eq!(
                beat_of(answer.clone(), then).await,
                Err(words.to_owned()),
                "{answer}"
            );
        }
    }

    #[tokio::test]
    async fn an_answer_without_end_is_given_up_at_its_bound() {
        let begin = Instant::now();
        let endless = beat_of(http("text/plain", &"x".repeat(4096)), Then::Repeat).await;
        assert_eq!(endless, Err("its answer has no end".to_owned()));
        let headers = format!("HTTP/1.1 200 OK\r\n{}", "A: b\r\n".repeat(500));
        assert!(beat_of(headers, Then::Repeat).await.is_err());
        assert!(begin.elapsed() < Duration::from_secs(1));
    }

    #[tokio::test]
    async fn nobody_there_is_told_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let result = HttpHeartbeats
            .beat(Ipv4Addr::LOCALHOST, &heartbeat(port))
            .await;
        assert_eq!(result, Err("connection refused".to_owned()));
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(text in "(data:|[:\r\n{}\"]|status|OK|\\PC){0,30}") {
            let _ = verdict(&text);
            let _ = first_event(&text);
        }
    }
}
