//! A request to a server, over HTTP or HTTPS. Redirections are not followed: a message goes where the file says.

use std::sync::OnceLock;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;

use super::words::in_words;
use crate::adapters::system_clock::SystemClock;
use crate::model::event::Event;
use crate::model::receiver::{self, Webhook};
use crate::notify::shape;
use crate::ports::clock::Clock as _;
use crate::ports::notifier::{Again, Failure};

/// More than any server has to say to a message.
const LONGEST_ANSWER: usize = 64 << 10;

type Client<C> = hyper_util::client::legacy::Client<C, Full<Bytes>>;

/// The clients, each made when it is first needed.
#[derive(Default)]
pub struct Clients {
    open: OnceLock<Client<HttpConnector>>,
    encrypted: OnceLock<Client<HttpsConnector<HttpConnector>>>,
}

impl Clients {
    fn open(&self) -> &Client<HttpConnector> {
        self.open.get_or_init(|| client(HttpConnector::new()))
    }

    /// The one that trusts whom this machine trusts.
    fn encrypted(&self) -> Result<&Client<HttpsConnector<HttpConnector>>, Failure> {
        if let Some(known) = self.encrypted.get() {
            return Ok(known);
        }
        let https = HttpsConnectorBuilder::new().with_native_roots();
        let https = https.map_err(|_| {
            Failure::later("no certificate authority is known on this machine, so none is trusted")
        })?;
        let https = https.https_only().enable_http1().build();
        Ok(self.encrypted.get_or_init(|| client(https)))
    }
}

/// Messages are few: no connection is kept.
fn client<C: Connect + Clone>(connector: C) -> Client<C> {
    let mut builder = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
    builder.pool_max_idle_per_host(0).build(connector)
}

/// Sends the request for an event.
pub async fn tell(clients: &Clients, webhook: &Webhook, event: &Event) -> Result<(), Failure> {
    let request = request(webhook, event)?;
    let answer = match request.uri().scheme_str() {
        Some("https") => clients.encrypted()?.request(request).await,
        Some(_) | None => clients.open().request(request).await,
    };
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
