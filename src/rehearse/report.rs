//! What a rehearsal found, as data. Times are milliseconds from its start.

use std::fmt;
use std::net::Ipv4Addr;

use serde::Serialize;

use super::lanes::Lane;
use crate::model::condition::HostCondition;
use crate::model::id::{GroupId, HostId};
use crate::model::plan::{NoticeKind, Outcome};

/// A whole rehearsal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rehearsal {
    /// The cluster's name.
    pub cluster: String,
    /// What the scenario is about.
    pub about: Option<String>,
    /// What chance was drawn from.
    pub seed: u64,
    /// Hosts of the file, at first.
    pub hosts: usize,
    /// Instances of the file, at first.
    pub instances: usize,
    /// How long it lasted.
    pub lasted_ms: u64,
    /// What happened, in order.
    pub timeline: Vec<Entry>,
    /// What clients had of services and VIPs.
    pub targets: Vec<Target>,
    /// How hosts, instances and VIPs were over time.
    pub lanes: Vec<Lane>,
    /// Each failure, and what followed from it.
    pub failures: Vec<Failure>,
    /// Where everything is at the end.
    pub placement: Vec<Placed>,
    /// What the controller's last plan left to do, and why.
    pub left: Vec<What>,
    /// What was expected and was not so.
    pub unmet: Vec<Unmet>,
    /// Expectations that were looked at.
    pub expectations: usize,
    /// Laws that were broken.
    pub broken: Vec<String>,
}

impl Rehearsal {
    /// Whether all that was expected is so, and no law was broken.
    pub fn is_good(&self) -> bool {
        self.unmet.is_empty() && self.broken.is_empty()
    }
}

/// One line of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// When.
    pub at_ms: u64,
    /// Whose doing it is.
    pub by: Who,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// Whose doing something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The scenario's, or nature's.
    World,
    /// The controller's.
    Controller,
    /// The second controller's.
    Second,
}

/// What can be in the timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// Something happens to the cluster.
    Happens {
        /// As the scenario says it.
        text: String,
        /// Whether it makes something worse.
        failure: bool,
    },
    /// The controller plans something that it did not plan before.
    Decides {
        /// What, and why.
        actions: Vec<Decision>,
    },
    /// It says something that it did not say before.
    Says {
        /// Blocked, unknown, waiting, warning.
        notice: NoticeKind,
        /// About what.
        subjects: Vec<String>,
        /// Why.
        text: String,
        /// What would help.
        help: Option<String>,
    },
    /// An action ended.
    Did {
        /// Its kind.
        action: String,
        /// What it was, in a line.
        summary: String,
        /// How it ended.
        outcome: Outcome,
        /// How long it took.
        took_ms: u64,
    },
    /// Clients get no answer any more.
    Down {
        /// From whom.
        subject: Subject,
    },
    /// They get answers, for the first time or again.
    Up {
        /// From whom.
        subject: Subject,
        /// After so long without; none: for the first time.
        after_ms: Option<u64>,
    },
    /// The controller takes a host for something else.
    Host {
        /// Which.
        host: HostId,
        /// For what.
        state: HostCondition,
    },
    /// The controller finds that all is as desired.
    Converged,
    /// A command is refused.
    Refused {
        /// As it was typed.
        text: String,
        /// Why, and what to do.
        why: String,
    },
    /// A law is broken.
    Broken {
        /// Which, and how it came to that.
        law: String,
    },
    /// Something was expected now.
    Expected {
        /// What.
        text: String,
        /// What was instead; none: it is so.
        but: Option<String>,
    },
}

/// One kind of action for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The kind of action.
    pub action: String,
    /// On which instances, or hosts.
    pub on: Vec<String>,
    /// Why.
    pub reason: String,
}

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A service: a request of a client is answered.
    Service(GroupId),
    /// A VIP: its holder answers.
    Vip(Ipv4Addr),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Service(group) => f.pad(&format!("service {group}")),
            Subject::Vip(address) => f.pad(&format!("vip {address}")),
        }
    }
}

/// What clients had of a service or VIP.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// Of which.
    pub subject: Subject,
    /// Since when it is measured: its first answer; none: there was none.
    pub since_ms: Option<u64>,
    /// How long it was measured.
    pub measured_ms: u64,
    /// The part of that in which it answered, in percent.
    pub availability: f64,
    /// How long it did not.
    pub down_ms: u64,
    /// The longest time in a row in which it did not.
    pub longest_ms: u64,
    /// When it did not.
    pub outages: Vec<Outage>,
}

/// A time without answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Outage {
    /// From when.
    pub from_ms: u64,
    /// Until when; none: to the end.
    pub to_ms: Option<u64>,
}

/// A failure, and what followed from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// When.
    pub at_ms: u64,
    /// What.
    pub what: String,
    /// What clients noticed of it.
    pub hit: Vec<Hit>,
    /// When every service and VIP that it disturbed served again (RTO): each answers, and of each group as many serve as
    /// its `min_available` promises, at least one.
    pub serves_again: Again,
    /// When every replica that can be was there again, and all of the above.
    pub whole_again: Again,
    /// Replicas that it took, and that the controller finds no way to build before the end.
    pub short: Vec<String>,
}

/// When something was back after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    /// Nothing was disturbed.
    Undisturbed,
    /// So many milliseconds after the failure.
    AfterMs(u64),
    /// Not before the end.
    Never,
}

/// What a failure took away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// From whom.
    pub subject: Subject,
    /// How long after the failure it was back (RTO); none: not before the end.
    pub back_after_ms: Option<u64>,
}

/// Where an instance is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Placed {
    /// The instance.
    pub instance: String,
    /// Its host; none: it is nowhere.
    pub host: Option<String>,
    /// Its address.
    pub address: Option<Ipv4Addr>,
    /// VIPs on it.
    pub vips: Vec<Ipv4Addr>,
    /// Whether it serves.
    pub serves: bool,
}

/// An expectation that was not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unmet {
    /// When.
    pub at_ms: u64,
    /// The line of the scenario; none: nobody wrote it.
    pub line: Option<u32>,
    /// What was expected.
    pub expected: String,
    /// What was.
    pub but: String,
}
