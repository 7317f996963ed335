//! A request to a server, over HTTP or HTTPS. Redirections are not followed: a message goes where the file says.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::adapters::system_clock::SystemClock;
use crate::model::event::Event;
use crate::model::receiver::{self, Webhook};
use crate::notify::shape;
use crate::ports::clock::Clock as _;
use crate::ports::notifier::{Again, Failure};

/// More than any server has to say to a message.
const LONGEST_ANSWER: usize = 64 << 10;

pub type Client = hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client that trusts whom this machine trusts.
pub fn client() -> Result<Client, String> {
    let https = HttpsConnectorBuilder::new().with_native_roots();
    let https = https.map_err(|_| "no certificate authority is known on this machine")?;
    let https = https.https_or_http().enable_http1().build();
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
    Ok({ client }.pool_max_idle_per_host(0).build(https))
}

/// Sends the request for an event.
pub async fn tell(client: &Client, webhook: &Webhook, event: &Event) -> Result<(), Failure> {
    let request = request(webhook, event)?;
    let answer = client.request(request).await;
    let answer = answer.map_err(|error| Failure::later(in_words(&error)))?;
    let verdict = judge(&answer);
    drain(answer).await;
    verdict
}

fn request(webhook: &Webhook, event: &Event) -> Result<Request<Full<Bytes>>, Failure> {
    let shaped = shape::request(webhook, event).map_err(Failure::never)?;
    // What is wrong with it is not told in other words: they may quote it.
    let wrong = |what: &str| Failure::never(format!("{what} can't be sent: is it what was meant?"));
    let method = match shaped.method {
        receiver::Method::Post => Method::POST,
        receiver::Method::Put => Method::PUT,
    };
    let mut headers = HeaderMap::new();
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("reconcile/", env!("CARGO_PKG_VERSION"))),
    );
    for (name, value) in &shaped.headers {
        let value = HeaderValue::from_str(value.reveal().trim());
        let name = HeaderName::from_bytes(name.as_bytes());
        match (name, value) {
            (Ok(name), Ok(value)) => headers.insert(name, value),
            (Ok(_), Err(_)) | (Err(_), _) => return Err(wrong("a header")),
        };
    }
    let uri: hyper::Uri = shaped
        .url
        .reveal()
        .trim()
        .parse()
        .map_err(|_| wrong("its URL"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("its URL"));
    }
    let body = Full::new(Bytes::from(shaped.body.reveal().to_owned()));
    let mut request = Request::new(body);
    (
        *request.method_mut(),
        *request.uri_mut(),
        *request.headers_mut(),
    ) = (method, uri, headers);
    Ok(request)
}

fn judge(answer: &Response<Incoming>) -> Result<(), Failure> {
    let status = answer.status();
    let why = format!("the server answers {}", status.as_u16());
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => {
            Err(later(why, answer))
        }
        status if status.is_server_error() => Err(later(why, answer)),
        status if status.is_redirection() => {
            Err(Failure::never(format!("{why}: it sends us elsewhere")))
        }
        _ => Err(Failure::never(why)),
    }
}

fn later(why: String, answer: &Response<Incoming>) -> Failure {
    let asked = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let asked = asked.and_then(|text| retry_after(text, SystemClock.now().0));
    Failure {
        why,
        again: asked.map_or(Again::Later, Again::After),
    }
}

/// A number of seconds, or a moment: <https://www.rfc-editor.org/rfc/rfc9110#name-retry-after>.
fn retry_after(text: &str, now_ms: i64) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    let left = at.timestamp().as_millisecond().saturating_sub(now_ms);
    Some(Duration::from_millis(u64::try_from(left).unwrap_or(0)))
}

/// Reads the answer to its end, so that a server is not cut off in the middle of a word; one without an end is.
async fn drain(answer: Response<Incoming>) {
    let (mut body, mut length) = (answer.into_body(), 0);
    while let Some(Ok(frame)) = body.frame().await {
        length += frame.data_ref().map_or(0, Bytes::len);
        if length > LONGEST_ANSWER {
            return;
        }
    }
}

/// What went wrong, in our own words: those of libraries may have the server's name in them, and that may be a secret.
fn in_words(error: &(dyn Error + 'static)) -> String {
    let mut cause = Some(error);
    let mut words = "the connection broke";
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            words = match kind_of(error) {
                ErrorKind::ConnectionRefused => "connection refused",
                ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "no way to it",
                ErrorKind::TimedOut => "no answer in time",
                ErrorKind::InvalidData => {
                    "the server's certificate is not accepted, or it speaks no TLS"
                }
                ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                    "it closed the connection without an answer"
                }
                _ => words,
            };
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            words = match error.is_incomplete_message() || error.is_closed() || error.is_canceled()
            {
                true => "it closed the connection without an answer",
                false if error.is_parse() => "its answer is no HTTP",
                false => words,
            };
        }
        if error.to_string() == "dns error" {
            words = "its name is not known";
        }
        cause = error.source();
    }
    words.to_owned()
}

/// The kind of the error that others were wrapped around.
fn kind_of(error: &std::io::Error) -> ErrorKind {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    inner.map_or_else(|| error.kind(), kind_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_that_is_asked_for_is_a_number_or_a_moment() {
        let asked = |text| retry_after(text, 784_111_777_000 - 90_000);
        assert_eq!(asked("120"), Some(Duration::from_secs(120)));
        assert_eq!(
            asked("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::from_secs(90))
        );
        assert_eq!(asked("Tue, 06 Nov 1984 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!((asked("soon"), asked("-1")), (None, None));
    }
}
