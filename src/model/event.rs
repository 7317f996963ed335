//! What happened, or is the matter, as people are told of it elsewhere: in a chat, a mail, beside a commit.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::commit::CommitId;
use super::desired::Revision;
use super::id::{ClusterName, ReceiverName};
use super::time::Timestamp;

/// One thing to be told. It holds no secret: its texts are those of plans and of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What no other event of this controller is called: who gets it twice can tell.
    pub id: String,
    /// What it is about.
    pub kind: EventKind,
    /// How bad it is; of what is over, how bad it was.
    pub severity: Severity,
    /// Whether it goes on.
    pub state: EventState,
    /// Whom or what it is about: `host b`, `random-2`.
    pub subject: String,
    /// In a sentence that needs no other one.
    pub text: String,
    /// The cluster.
    pub cluster: ClusterName,
    /// The state of the file.
    pub revision: Revision,
    /// The commit that this is from, or that the event is about.
    pub commit: Option<CommitId>,
    /// What became of the commit, where the event is about one.
    pub status: Option<CommitStatus>,
    /// When.
    pub at: Timestamp,
    /// How long it lasted, in milliseconds, where it is over.
    pub after_ms: Option<u64>,
}

impl Event {
    /// One that says nothing but that it arrived.
    pub fn test(cluster: ClusterName, revision: Revision, at: Timestamp) -> Event {
        Event {
            id: format!("test-{}", at.0),
            kind: EventKind::Test,
            severity: Severity::Info,
            state: EventState::Happened,
            subject: "test".to_owned(),
            text: "this is a test, nothing happened".to_owned(),
            cluster,
            revision,
            commit: None,
            status: None,
            at,
            after_ms: None,
        }
    }

    /// In a line, with how bad it is: `[critical] demo: host b is unreachable`.
    pub fn line(&self) -> String {
        let mark = match (self.state, self.status) {
            (_, Some(status)) => status.word(),
            (EventState::Resolved, None) => "resolved",
            (EventState::Opened | EventState::Happened, None) => self.severity.word(),
        };
        format!("[{mark}] {}: {}", self.cluster, self.text)
    }
}

/// What an event is about. A new variant also goes into [`EventKind::ALL`] and the table of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An instance that served does not any more, or serves again.
    Instance,
    /// A host is out of sight, given up, or back.
    Host,
    /// A VIP has another holder.
    Vip,
    /// The brake holds, or is off.
    Brake,
    /// An action failed.
    Action,
    /// What the file changed is carried out: it began, halted, or is done.
    Change,
    /// A commit of the branch came into force, is carried out, or is not.
    Commit,
    /// The file changed, and is not applied.
    Edit,
    /// A controller began, ended, or went on after another one.
    Controller,
    /// Something should be done and can't be.
    Blocked,
    /// An operator gave an order, or it is over.
    Order,
    /// Nothing: somebody tries whether messages arrive.
    Test,
}

impl EventKind {
    /// All that a receiver can choose.
    pub const ALL: [EventKind; 11] = [
        EventKind::Instance,
        EventKind::Host,
        EventKind::Vip,
        EventKind::Brake,
        EventKind::Action,
        EventKind::Change,
        EventKind::Commit,
        EventKind::Edit,
        EventKind::Controller,
        EventKind::Blocked,
        EventKind::Order,
    ];

    /// As it is written in the file.
    pub fn word(self) -> &'static str {
        match self {
            EventKind::Instance => "instance",
            EventKind::Host => "host",
            EventKind::Vip => "vip",
            EventKind::Brake => "brake",
            EventKind::Action => "action",
            EventKind::Change => "change",
            EventKind::Commit => "commit",
            EventKind::Edit => "edit",
            EventKind::Controller => "controller",
            EventKind::Blocked => "blocked",
            EventKind::Order => "order",
            EventKind::Test => "test",
        }
    }
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something is wrong, and is healed, or can wait for a person.
    Warning,
    /// The service is at stake, or a person is needed now.
    Critical,
}

impl Severity {
    /// As it is written in the file.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// Whether what is told goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventState {
    /// It goes on, until the same subject is resolved.
    Opened,
    /// It is over.
    Resolved,
    /// It happened, and that is all.
    Happened,
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitStatus {
    /// It is in force, and being carried out.
    Pending,
    /// All is as it says.
    Success,
    /// It is refused, was rolled back, or its change halted.
    Failure,
}

impl CommitStatus {
    /// As programs are told.
    pub fn word(self) -> &'static str {
        match self {
            CommitStatus::Pending => "pending",
            CommitStatus::Success => "success",
            CommitStatus::Failure => "failure",
        }
    }
}

/// A message that could not be delivered, and is not tried again: one line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undelivered {
    /// When it was given up.
    pub at: Timestamp,
    /// The receiver.
    pub undelivered_to: ReceiverName,
    /// What it was about.
    pub subject: String,
    /// What it said.
    pub text: String,
    /// How often it was tried.
    pub tries: u32,
    /// Why it was given up, without secrets.
    pub why: String,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
