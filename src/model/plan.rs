//! A plan: actions with their reasons and their order, and what is not done and why. Every output shows this one
//! object; the executor runs it as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::action::Operation;
use super::commit::Commit;
use super::condition::HostCondition;
use super::desired::{Line, Revision, line_or_null};
use super::event::Undelivered;
use super::gate::Gate;
use super::id::{ClusterName, HostId, InstanceId};
use super::memory::Brake;
use super::orders::{OrderEntry, Orders};
use super::saved::Applied;
use super::targets::Targets;
use super::time::Timestamp;

/// What one round decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The cluster.
    pub cluster: ClusterName,
    /// The file that it carries out.
    pub file: String,
    /// The state of that file.
    pub revision: Revision,
    /// The commit that it is from, where it is from one.
    pub commit: Option<Commit>,
    /// When the world was observed.
    pub observed_at: Timestamp,
    /// What each host is taken for.
    pub hosts: BTreeMap<HostId, HostCondition>,
    /// What to do. An action only depends on actions before it.
    pub actions: Vec<Action>,
    /// What is not done, or not known, and why.
    pub notices: Vec<Notice>,
    /// Things that are as desired.
    pub unchanged: usize,
    /// The brake, where it holds.
    pub brake: Option<Brake>,
    /// The next moment at which the decision may be another one by nothing but time.
    pub look_again: Option<Timestamp>,
    /// Whether one host is much fuller than the others, where the file asks for that to be evened out.
    pub uneven: bool,
    /// What the guards say of it, where the state of the file is not in force yet.
    pub gate: Option<Gate>,
    /// What operators ordered, as far as it was in force.
    pub orders: Orders,
    /// Guests that were looked into and are left as they are because of an order, though there is something to do.
    pub left_alone: BTreeSet<InstanceId>,
    /// Instances that actions of earlier plans are at work on.
    pub in_hand: BTreeSet<InstanceId>,
    /// Instances that are set up, and whose first heartbeat has yet to come.
    pub awaited: BTreeSet<InstanceId>,
    /// Of those at work on, those of which an older copy is back, which ends before they are waited for.
    pub gives_way: BTreeSet<InstanceId>,
    /// Instances of which an earlier life counts, since the last one is given up with its host.
    pub adopted: BTreeMap<InstanceId, String>,
}

impl Plan {
    /// Whether the world is as desired, as far as it can be seen, and nothing waits.
    pub fn converged(&self) -> bool {
        let nothing_to_do = self.actions.is_empty() && self.in_hand.is_empty();
        nothing_to_do
            && !self.is_held()
            && self.notices.iter().all(|n| n.kind == NoticeKind::Warning)
    }

    /// Whether a guard keeps the state of the file from coming into force.
    pub fn is_held(&self) -> bool {
        self.gate.as_ref().is_some_and(Gate::holds)
    }

    /// Whether time alone will bring what is missing. What an order keeps back waits for a person.
    pub fn comes_by_itself(&self) -> bool {
        let waits = self.notices_of(NoticeKind::Waiting).next().is_some();
        self.actions.is_empty() && waits && !self.orders.hold_back()
    }

    /// How many hosts were seen, of how many.
    pub fn hosts_seen(&self) -> (usize, usize) {
        let seen = self.hosts.values().filter(|host| host.is_seen());
        (seen.count(), self.hosts.len())
    }

    /// The notices of one kind.
    pub fn notices_of(&self, kind: NoticeKind) -> impl Iterator<Item = &Notice> {
        self.notices.iter().filter(move |n| n.kind == kind)
    }
}

/// The number of an action in its plan, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActionId(pub u32);

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its number.
    pub id: ActionId,
    /// Whether reality changed, or the file.
    pub motive: Motive,
    /// What to do.
    pub operation: Operation,
    /// What it is, in a line: `random-2 on host b with 192.168.10.20`.
    pub summary: String,
    /// Why.
    pub reason: Reason,
    /// What users of the cluster notice of it; none: nothing.
    pub interrupts: Option<Interruption>,
    /// Actions that must have succeeded before.
    pub needs: BTreeSet<ActionId>,
    /// Actions that must have ended before, however.
    pub after: BTreeSet<ActionId>,
    /// The files that it changes.
    pub changes: Vec<FileChange>,
}

/// Why there is an action at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Motive {
    /// Reality changed: it is brought back.
    Heal,
    /// The file changed: reality follows.
    Change,
    /// Guests leave their hosts: an operator asked for it, or they are better off elsewhere.
    Move,
}

/// A reason that a program and a person can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The kind of reason.
    pub code: ReasonCode,
    /// The reason in words, with what was observed.
    pub text: String,
    /// The line of `cluster.yaml` that asks for it.
    #[serde(flatten, with = "line_or_null")]
    pub line: Option<Line>,
}

/// The kinds of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonCode {
    /// It is desired and does not exist.
    Missing,
    /// It exists, marked as ours, and is not desired.
    Surplus,
    /// Its heartbeat failed too often.
    HeartbeatLost,
    /// Its domain does not run.
    NotRunning,
    /// It was not up within its grace time.
    NeverCameUp,
    /// Its hardware or its image differs from what is desired.
    MachineChanged,
    /// Its address is not in the pool of its host any more.
    AddressChanged,
    /// Its files or its process differ from what is desired.
    ConfigDrift,
    /// It is fresh and has no configuration yet.
    Fresh,
    /// The instances that it sends requests to changed.
    RoutesChanged,
    /// Nobody holds the VIP.
    VipUnheld,
    /// More than one guest holds the VIP.
    VipDoubled,
    /// The VIP is not desired any more.
    VipStale,
    /// The VIP moves because its holder is about to be worked on.
    HolderChanges,
    /// The old holder must be gone before the VIP is added elsewhere.
    FenceFirst,
    /// It was interrupted and is finished now.
    Unfinished,
    /// Files that belong to no guest.
    Leftover,
    /// A base image that the host lacks.
    ImageMissing,
    /// The host that it ran on is lost.
    HostLost,
    /// It is on a host where it may not be, or is better off elsewhere.
    Misplaced,
    /// Its host is much fuller than the others.
    Uneven,
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_value(self).ok();
        f.pad(text.as_ref().and_then(|v| v.as_str()).unwrap_or_default())
    }
}

/// What users notice of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interruption {
    /// What is interrupted.
    pub what: String,
    /// For about how long; None: for good.
    pub about: Option<Duration>,
    /// How often that was measured on this cluster; None: it is an assumption, or for good.
    pub measured: Option<usize>,
}

/// A file that an action changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Its path in the guest.
    pub path: String,
    /// How it changes.
    pub kind: ChangeKind,
    /// A unified diff, secrets hidden. Empty where the content stays, or must not be shown.
    pub diff: String,
}

/// How a file changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It does not exist yet.
    New,
    /// Its content changes.
    Content,
    /// Its content changes, and must not be shown.
    Hidden,
    /// Only its mode or owner changes.
    Attributes,
}

/// Something that is not done, or not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Notice {
    /// Which of these.
    pub kind: NoticeKind,
    /// What it is about: an instance, a host, a VIP, an address.
    pub subject: String,
    /// Why.
    pub text: String,
    /// The smallest change that would make it possible, where there is one.
    pub help: Option<String>,
    /// The line of `cluster.yaml` that it is about.
    #[serde(flatten, with = "line_or_null")]
    pub line: Option<Line>,
}

/// The kinds of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// It should be done and can't be: a person is needed.
    Blocked,
    /// It could not be observed, so nothing is decided about it.
    Unknown,
    /// It goes on by itself, later: something must come first.
    Waiting,
    /// Nothing to decide, but worth knowing.
    Warning,
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Changed,
    /// It was so already.
    AlreadyDone,
    /// It was not tried, and why.
    Skipped(String),
    /// It was tried, and why it failed.
    Failed(String),
}

impl Outcome {
    /// Whether what depends on it may go on.
    pub fn is_good(&self) -> bool {
        match self {
            Outcome::Changed | Outcome::AlreadyDone => true,
            Outcome::Skipped(_) | Outcome::Failed(_) => false,
        }
    }
}

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When the action ended.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The state of the file that it served.
    pub revision: Revision,
    /// The commit that this was from, where it was from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// What the run was about that did it, where that was not everything.
    #[serde(default, skip_serializing_if = "Targets::is_all")]
    pub targets: Targets,
    /// The kind of action.
    pub action: String,
    /// Heal or change.
    pub motive: Motive,
    /// The instance, where it was about one.
    pub instance: Option<InstanceId>,
    /// The host.
    pub host: HostId,
    /// What, in a line.
    pub summary: String,
    /// Why.
    pub reason: Reason,
    /// How it ended.
    pub outcome: Outcome,
}

/// A controller went on where another one had ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeOver {
    /// When.
    pub at: Timestamp,
    /// Who the other one was, for people.
    pub took_over_from: String,
    /// How long it was waited for, in milliseconds.
    pub waited_ms: u64,
}

/// One record of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Record {
    /// An action that ended.
    Action(Box<HistoryEntry>),
    /// An order that was given or taken back.
    Order(OrderEntry),
    /// A controller went on where another one had ended.
    TakeOver(TakeOver),
    /// A saved plan was applied.
    Applied(Applied),
    /// A message could not be delivered.
    Undelivered(Undelivered),
}

impl Record {
    /// When.
    pub fn at(&self) -> Timestamp {
        match self {
            Record::Action(entry) => entry.at,
            Record::Order(entry) => entry.at,
            Record::TakeOver(entry) => entry.at,
            Record::Applied(entry) => entry.at,
            Record::Undelivered(entry) => entry.at,
        }
    }

    /// The instance, where it was about one.
    pub fn instance(&self) -> Option<&InstanceId> {
        match self {
            Record::Action(entry) => entry.instance.as_ref(),
            Record::Order(entry) => entry.key.instance(),
            Record::TakeOver(_) | Record::Applied(_) | Record::Undelivered(_) => None,
        }
    }
}
