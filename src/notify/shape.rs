//! What a message looks like to each kind of receiver.

use serde_json::{Value, json};

use crate::model::event::{CommitStatus, Event, EventKind, EventState, Severity};
use crate::model::receiver::{Body, Format, Method, Webhook};
use crate::model::secret::Secret;
use crate::render;

/// The version of the keys of an event, and their meaning.
const FORMAT_VERSION: u32 = 1;
/// The longest description that GitHub takes; the others take more.
const DESCRIPTION: usize = 140;
/// The longest text of a chat or a mail: what is longer helps nobody.
const TEXT: usize = 4_000;

/// A request to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Where to.
    pub url: Secret,
    /// How.
    pub method: Method,
    /// All its headers.
    pub headers: Vec<(String, Secret)>,
    /// What: it may have secrets in it.
    pub body: Secret,
}

/// The request that tells of an event; or why there is none, without secrets.
pub fn request(webhook: &Webhook, event: &Event) -> Result<Request, String> {
    let (kind, own, body) = match &webhook.body {
        Body::Format(format) => formatted(*format, event),
        Body::Own(template, secrets) => {
            let text = render::event(template, event, secrets);
            (
                "application/json",
                Vec::new(),
                text.map_err(|error| error.to_string())?,
            )
        }
    };
    let given = webhook.headers.iter();
    let given: Vec<(String, Secret)> = given
        .map(|(name, value)| (name.clone(), value.fill(event)))
        .collect();
    let is_given = |name: &str| {
        given
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    let own = [("Content-Type", kind.to_owned())].into_iter().chain(own);
    let own: Vec<(String, Secret)> = own
        .filter(|(name, _)| !is_given(name))
        .map(|(name, value)| (name.to_owned(), Secret::new(value)))
        .collect();
    Ok(Request {
        url: webhook.url.fill(event),
        method: webhook.method,
        headers: own.into_iter().chain(given).collect(),
        body: Secret::new(body),
    })
}

type Shaped = (&'static str, Vec<(&'static str, String)>, String);

fn formatted(format: Format, event: &Event) -> Shaped {
    let value = match format {
        Format::Json => json(event),
        Format::Slack => json!({ "text": format!("{}{}", mark(event), escaped(&text(event))) }),
        Format::Matrix => {
            json!({ "msgtype": "m.text", "body": format!("{}{}", sign(event), text(event)) })
        }
        Format::Ntfy => return ntfy(event),
        Format::Github | Format::Gitea => status(event, "context"),
        Format::Gitlab => gitlab(event),
    };
    ("application/json", Vec::new(), value.to_string())
}

/// The event as programs get it.
pub fn json(event: &Event) -> Value {
    let mut value = json!(event);
    value["format_version"] = json!(FORMAT_VERSION);
    value["line"] = json!(event.line());
    value
}

/// <https://docs.ntfy.sh/publish/>
fn ntfy(event: &Event) -> Shaped {
    let priority = match (event.severity, event.state) {
        (_, EventState::Resolved) | (Severity::Info, _) => "3",
        (Severity::Warning, _) => "4",
        (Severity::Critical, _) => "5",
    };
    let title = format!("{}: {}", event.cluster, event.subject);
    // A header is one line of plain letters.
    let plain = |c: char| {
        if c.is_ascii_graphic() || c == ' ' {
            c
        } else {
            '?'
        }
    };
    let headers = vec![
        ("Title", title.chars().map(plain).collect()),
        ("Priority", priority.to_owned()),
    ];
    ("text/plain; charset=utf-8", headers, text(event))
}

/// <https://docs.github.com/en/rest/commits/statuses>, and Gitea's, which has the same keys.
fn status(event: &Event, name: &str) -> Value {
    let what = event.status.unwrap_or(CommitStatus::Pending);
    // A test takes no place of what became of the commit.
    let test = if event.kind == EventKind::Test {
        "/test"
    } else {
        ""
    };
    let context = format!("reconcile/{}{test}", event.cluster);
    json!({ "state": what.word(), "description": shortened(&event.text, DESCRIPTION), name: context })
}

/// <https://docs.gitlab.com/api/commits/#set-commit-pipeline-status>
fn gitlab(event: &Event) -> Value {
    let mut value = status(event, "name");
    if event.status == Some(CommitStatus::Failure) {
        value["state"] = json!("failed");
    }
    value
}

/// The text for a chat.
fn text(event: &Event) -> String {
    shortened(&event.line(), TEXT)
}

/// The subject and the text of a mail.
pub fn mail(event: &Event) -> (String, String) {
    let line = event.line();
    let commit = event.commit.as_ref();
    let commit = commit.map_or_else(String::new, |commit| {
        format!("commit    {}\n", commit.as_str())
    });
    let text = format!(
        "{}\n\nwhen      {}\ncluster   {}\nrevision  {}\n{commit}",
        shortened(&event.text, TEXT),
        event.at.to_short(),
        event.cluster,
        event.revision
    );
    let subject = line.lines().next().unwrap_or_default();
    (shortened(&render::visible(subject), DESCRIPTION), text)
}

fn mark(event: &Event) -> &'static str {
    match (event.state, event.severity) {
        (EventState::Resolved, _) => ":white_check_mark: ",
        (EventState::Opened | EventState::Happened, Severity::Critical) => ":red_circle: ",
        (EventState::Opened | EventState::Happened, Severity::Warning) => ":warning: ",
        (EventState::Opened | EventState::Happened, Severity::Info) => "",
    }
}

fn sign(event: &Event) -> &'static str {
    match (event.state, event.severity) {
        (EventState::Resolved, _) => "✅ ",
        (EventState::Opened | EventState::Happened, Severity::Critical) => "🔴 ",
        (EventState::Opened | EventState::Happened, Severity::Warning) => "⚠ ",
        (EventState::Opened | EventState::Happened, Severity::Info) => "",
    }
}

/// What would be a link, or call somebody: <https://docs.slack.dev/messaging/formatting-message-text/#escaping>.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text
            .chars()
            .take(most.saturating_sub(1))
            .chain(['…'])
            .collect(),
    }
}
