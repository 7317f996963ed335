//! Who is told what happens, and by which means: `notify:` of the file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::desired::Template;
use super::event::{Event, EventKind, Severity};
use super::secret::Secret;
use super::time::Timestamp;

/// Somebody who is told what happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// By which means.
    pub means: Means,
    /// Of which kinds of events.
    pub events: BTreeSet<EventKind>,
    /// Of what is at least so bad.
    pub severity: Severity,
    /// How long the same is not told again, however often it comes and goes.
    pub repeat: Duration,
    /// How much is told at most.
    pub rate: Rate,
    /// How long one try may take.
    pub timeout: Duration,
}

/// At most so many messages within a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub most: u32,
    /// Within which span.
    pub within: Duration,
}

/// How somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// By a request to a server.
    Webhook(Webhook),
    /// By mail.
    Email(Email),
    /// By a program on the machine of the controller, with the event as JSON on its standard input. Not by a shell.
    Command(Vec<String>),
}

impl Means {
    /// Whether it tells nothing but what became of commits.
    pub fn tells_only_commits(&self) -> bool {
        match self {
            Means::Webhook(Webhook {
                body: Body::Format(format),
                ..
            }) => format.is_commit_status(),
            Means::Webhook(_) | Means::Email(_) | Means::Command(_) => false,
        }
    }

    /// The secrets that it is given.
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Means::Webhook(hook) => {
                let texts = std::iter::once(&hook.url).chain(hook.headers.values());
                let body = match &hook.body {
                    Body::Own(_, secrets) => secrets.values().collect(),
                    Body::Format(_) => Vec::new(),
                };
                texts.flat_map(Filled::secrets).chain(body).collect()
            }
            Means::Email(mail) => mail.login.iter().map(|(_, password)| password).collect(),
            Means::Command(_) => Vec::new(),
        }
    }

    /// In a word, as it is written in the file.
    pub fn word(&self) -> &'static str {
        match self {
            Means::Webhook(_) => "webhook",
            Means::Email(_) => "email",
            Means::Command(_) => "command",
        }
    }
}

/// A request to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where to. It may be a secret as a whole.
    pub url: Filled,
    /// How.
    pub method: Method,
    /// Headers besides those that the body needs.
    pub headers: BTreeMap<String, Filled>,
    /// What.
    pub body: Body,
}

/// How a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Method {
    /// `POST`.
    #[serde(rename = "POST")]
    Post,
    /// `PUT`.
    #[serde(rename = "PUT")]
    Put,
}

/// What a request has in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// What a known kind of server takes.
    Format(Format),
    /// What the user's own template makes of the event, and the secrets that it names.
    Own(Template, BTreeMap<String, Secret>),
}

/// The known kinds of servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Anything that takes the event as it is.
    Json,
    /// Slack, Mattermost and whatever takes the same.
    Slack,
    /// A room of Matrix.
    Matrix,
    /// ntfy.
    Ntfy,
    /// The commit statuses of GitHub.
    Github,
    /// Those of GitLab.
    Gitlab,
    /// Those of Gitea and Forgejo.
    Gitea,
}

impl Format {
    /// Whether it tells nothing but what became of commits.
    pub fn is_commit_status(self) -> bool {
        match self {
            Format::Github | Format::Gitlab | Format::Gitea => true,
            Format::Json | Format::Slack | Format::Matrix | Format::Ntfy => false,
        }
    }
}

/// A server for mail, and who gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// The server.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept from being read.
    pub tls: Tls,
    /// User and password; none: nobody logs in.
    pub login: Option<(String, Secret)>,
    /// Who it is from.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
}

/// How a connection is kept from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// It begins in the open, and goes on only when it is encrypted.
    Starttls,
    /// It is encrypted from its beginning.
    Tls,
    /// Not at all.
    None,
}

/// A text with gaps, which are filled when it is used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filled(pub Vec<Piece>);

/// A part of a text with gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it is.
    Text(String),
    /// What nobody may see.
    Secret(Secret),
    /// The whole name of the event's commit.
    Commit,
    /// What the event is called.
    Id,
}

impl Filled {
    /// The text for an event: a secret, wherever it has one in it.
    pub fn fill(&self, event: &Event) -> Secret {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Secret(secret) => secret.reveal().to_owned(),
            Piece::Commit => event
                .commit
                .as_ref()
                .map_or_else(String::new, |commit| commit.as_str().to_owned()),
            Piece::Id => event.id.clone(),
        };
        Secret::new(self.0.iter().map(piece).collect::<String>())
    }

    /// The secrets in it.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Secret(secret) => Some(secret),
            Piece::Text(_) | Piece::Commit | Piece::Id => None,
        })
    }
}

/// A message that is not delivered yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// What it says.
    pub event: Event,
    /// How often it was tried.
    pub tries: u32,
}

/// What is not delivered yet to one receiver.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Queue {
    /// The oldest first.
    pub letters: VecDeque<Letter>,
    /// Why the last try failed, and when; none: it did not.
    pub failing: Option<Failing>,
}

/// That messages don't get through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// Since when.
    pub since: Timestamp,
    /// Why, without secrets.
    pub why: String,
}
