//! How a cluster is, as one report from which the text and the JSON are made. Pure: it says what was observed and
//! remembered, and decides nothing that the plan did not decide.
//!
//! The keys of the JSON are those of the types below, with `format_version: 1`; within one version, keys may be added
//! and none changes its meaning or goes. Moments are RFC 3339.

mod balancers;
mod conclusion;
mod hosts;
mod instances;
mod text_view;
mod wrong;

use std::net::Ipv4Addr;

use serde::Serialize;

use super::orders_view::OrderShown;
use super::tally::Tally;
use super::text;
use crate::model::commit::Commit;
use crate::model::condition::HostCondition;
use crate::model::desired::Desired;
use crate::model::facts::{Observed, UnseenKind};
use crate::model::followed::Followed;
use crate::model::id::{ClusterName, GroupId, HostId, InstanceId, ReceiverName};
use crate::model::memory::{Busy, Memory};
use crate::model::plan::Plan;
use crate::model::time::Timestamp;
use crate::model::unit::Bytes;

pub use text_view::status_text;

/// The version of the keys and their meaning.
pub const FORMAT_VERSION: u32 = 1;

/// How a cluster is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The cluster.
    pub cluster: ClusterName,
    /// The file that describes it.
    pub file: String,
    /// The state of that file.
    pub revision: String,
    /// The commit that it is from, where it is from one.
    pub commit: Option<Commit>,
    /// The branch that a controller on this machine follows for the cluster.
    pub followed: Option<Followed>,
    /// When it was observed.
    pub observed_at: Timestamp,
    /// The orders in force: see [`super::orders_view`].
    pub orders: Vec<OrderShown>,
    /// Every desired host.
    pub hosts: Vec<HostStatus>,
    /// Every desired instance, and every other one that carries the cluster's mark.
    pub instances: Vec<InstanceStatus>,
    /// Every desired load balancer.
    pub load_balancers: Vec<BalancerStatus>,
    /// Receivers that messages don't get through to: how many wait, since when and why, and what was given up in the last day.
    pub undelivered: Vec<UndeliveredStatus>,
    /// What is not as desired, from the plan.
    pub wrong: Vec<Wrong>,
    /// How many of each.
    pub counts: Tally,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostStatus {
    /// Its name.
    pub host: HostId,
    /// What it is taken for: `online`, `suspect`, `unreachable`, `fenced`, `maintenance`, `rejoining` or
    /// `leaving`.
    pub condition: HostCondition,
    /// Whether it was seen; if not, the kind of failing.
    pub state: HostState,
    /// Why it was not seen.
    pub reason: Option<String>,
    /// Since when it is in this state.
    pub since: Option<Timestamp>,
    /// Our guests on it; of an unseen host, those that were there when it was last seen, if it ever was.
    pub guests: Option<usize>,
    /// Processors.
    pub cpus: Option<u32>,
    /// Memory, in bytes.
    pub memory: Option<Bytes>,
    /// Addresses of its pool that are in use; of an unseen host, as it was last seen, if it ever was.
    pub pool_used: Option<usize>,
    /// Addresses that its pool has.
    pub pool_size: u64,
}

/// Whether a host was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HostState {
    /// It was.
    Seen,
    /// No connection.
    Unreachable,
    /// Its key is not the known one.
    HostKeyChanged,
    /// We were not let in.
    Refused,
    /// It answered nonsense, or its hypervisor did not answer.
    Broken,
}

impl From<UnseenKind> for HostState {
    fn from(kind: UnseenKind) -> Self {
        match kind {
            UnseenKind::Unreachable => HostState::Unreachable,
            UnseenKind::HostKeyChanged => HostState::HostKeyChanged,
            UnseenKind::Refused => HostState::Refused,
            UnseenKind::Broken => HostState::Broken,
        }
    }
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InstanceStatus {
    /// Its name.
    pub instance: InstanceId,
    /// Whether the file asks for it.
    pub desired: bool,
    /// The host that it is on, or was last seen on.
    pub host: Option<HostId>,
    /// Its address.
    pub address: Option<Ipv4Addr>,
    /// What its domain does.
    pub domain: DomainStatus,
    /// Its heartbeat.
    pub heartbeat: HeartbeatStatus,
    /// Since when its heartbeat is so.
    pub since: Option<Timestamp>,
    /// Whether it runs and its heartbeat is good.
    pub healthy: bool,
    /// What is being done with it now.
    pub busy: Option<BusyStatus>,
}

/// What is being done with an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BusyStatus {
    /// The kind of action.
    pub action: String,
    /// In a line.
    pub summary: String,
    /// Since when.
    pub since: Timestamp,
}

impl From<&Busy> for BusyStatus {
    fn from(busy: &Busy) -> Self {
        BusyStatus {
            action: busy.action.clone(),
            summary: busy.summary.clone(),
            since: busy.since,
        }
    }
}

/// What a domain does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainStatus {
    /// Its processors run.
    Running,
    /// They stand still.
    Paused,
    /// It exists and does not run.
    Off,
    /// It does not exist: every host was seen.
    Missing,
    /// Nobody knows: some host was not seen.
    Unknown,
}

/// What a heartbeat tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum HeartbeatStatus {
    /// The last one was good.
    Ok,
    /// So many in a row were not.
    Failing {
        /// How many.
        failures: u32,
        /// How many make it dead.
        retries: u32,
        /// What went wrong at the last one.
        error: Option<String>,
    },
    /// It was not yet good since its start, and still has time.
    Booting,
    /// It was not asked, or did not answer yet.
    Unknown,
}

/// One load balancer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BalancerStatus {
    /// Its name.
    pub load_balancer: GroupId,
    /// Its VIP.
    pub vip: Ipv4Addr,
    /// Its port.
    pub port: u16,
    /// The guests that were seen to hold the VIP: one, when all is well.
    pub holders: Vec<InstanceId>,
    /// Who held it when that was last seen.
    pub last_holder: Option<InstanceId>,
    /// Since when the holder holds it.
    pub since: Option<Timestamp>,
    /// Whether every guest of it was looked into: if not, one of them may hold the VIP unseen.
    pub complete: bool,
    /// Its healthy instances.
    pub healthy: usize,
    /// Its desired instances.
    pub replicas: u32,
    /// What goes where: `/random → random`.
    pub routes: Vec<RouteStatus>,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteStatus {
    /// The start of a request's path.
    pub path: String,
    /// The service that answers.
    pub service: GroupId,
}

/// A receiver that messages don't get through to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UndeliveredStatus {
    /// Its name.
    pub receiver: ReceiverName,
    /// How many messages wait.
    pub waiting: usize,
    /// Since when tries fail; none: none fails now.
    pub since: Option<Timestamp>,
    /// How many were given up in the last day.
    pub given_up: usize,
    /// Why the last try failed.
    pub why: String,
}

/// Something that is not as desired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wrong {
    /// Which kind.
    pub kind: WrongKind,
    /// What it is about.
    pub subject: String,
    /// The kinds of actions that the plan has for it.
    pub actions: Vec<&'static str>,
    /// Why.
    pub reason: String,
    /// What would help, where that is known.
    pub help: Option<String>,
}

/// The kinds of not being as desired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WrongKind {
    /// Reality changed, and will be brought back.
    Heal,
    /// The file changed, and reality will follow.
    Change,
    /// It should be done and can't be.
    Blocked,
    /// It could not be observed.
    Unknown,
    /// It is done later.
    Waiting,
    /// Worth knowing.
    Warning,
}

/// All that a report is made from.
#[derive(Clone, Copy)]
struct World<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    memory: &'a Memory,
}

impl StatusReport {
    /// The report of one round: what is wanted, what was seen, what is remembered, and what was decided.
    pub fn of(
        desired: &Desired,
        observed: &Observed,
        memory: &Memory,
        plan: &Plan,
    ) -> StatusReport {
        let world = World {
            desired,
            observed,
            memory,
        };
        let instances = instances::statuses(world);
        StatusReport {
            format_version: FORMAT_VERSION,
            cluster: desired.cluster.clone(),
            file: desired.file.clone(),
            revision: desired.revision.0.clone(),
            commit: desired.commit.clone(),
            followed: None,
            observed_at: observed.now,
            orders: OrderShown::all(&plan.orders),
            hosts: hosts::statuses(world, &plan.hosts),
            load_balancers: balancers::statuses(world, &instances),
            instances,
            undelivered: Vec::new(),
            wrong: wrong::of(plan, observed),
            counts: Tally::of(plan),
        }
    }

    /// The same, with the branch that a controller on this machine follows, and what is wrong with that.
    pub fn following(mut self, followed: Option<Followed>) -> StatusReport {
        let wrong = followed
            .iter()
            .flat_map(|followed| wrong::of_followed(followed, self.observed_at));
        self.wrong.extend(wrong.collect::<Vec<_>>());
        self.wrong.sort_by_key(|wrong| wrong.kind);
        self.followed = followed;
        self
    }

    /// The same, with what could not be told to receivers.
    pub fn telling(mut self, undelivered: Vec<UndeliveredStatus>) -> StatusReport {
        let now = self.observed_at;
        self.wrong.extend(
            undelivered
                .iter()
                .map(|one| wrong::of_undelivered(one, now)),
        );
        self.wrong.sort_by_key(|wrong| wrong.kind);
        self.undelivered = undelivered;
        self
    }

    /// The report as JSON, ending in a line break.
    pub fn json(&self) -> String {
        text::json(self)
    }
}

#[cfg(test)]
mod tests;
