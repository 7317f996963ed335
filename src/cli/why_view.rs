//! Why an instance is where it is, as one report from which the text and the JSON are made. Pure.
//!
//! The keys of the JSON are those of the types below, with `format_version: 1`; within one version, keys may be added
//! and none changes its meaning or goes.

mod sentences;
mod text_view;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::Serialize;

use super::orders_view::OrderShown;
use super::text;
use crate::model::desired::Desired;
use crate::model::facts::Observed;
use crate::model::id::{ClusterName, GroupId, HostId, InstanceId};
use crate::model::orders::{OrderKey, Scope};
use crate::model::time::Timestamp;
use crate::plan::{Criterion, LoadUnit, Score, Stand, Verdict, Why};

pub use text_view::why_text;

/// The version of the keys and their meaning.
pub const FORMAT_VERSION: u32 = 1;

/// Why an instance is where it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WhyReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The cluster.
    pub cluster: ClusterName,
    /// The instance.
    pub instance: InstanceId,
    /// What becomes of it.
    pub state: State,
    /// The host where it is, or shall be.
    pub host: Option<HostId>,
    /// Its address there.
    pub address: Option<Ipv4Addr>,
    /// The host that it leaves.
    pub from: Option<HostId>,
    /// Why it moves, has no place, or stays where it should not be.
    pub reason: Option<String>,
    /// The smallest change by which it would have a place.
    pub help: Option<String>,
    /// The orders in force that are about it, its group, its host, or the host that was asked about.
    pub orders: Vec<OrderShown>,
    /// The hosts that were asked about, the best one first.
    pub hosts: Vec<HostVerdict>,
    /// All of them, also those that were not asked about: which one is best, and which is second.
    #[serde(skip)]
    best: Vec<HostVerdict>,
    #[serde(skip)]
    now: Timestamp,
    #[serde(skip)]
    group: GroupId,
    #[serde(skip)]
    asked: Option<HostId>,
    #[serde(skip)]
    wishes: bool,
    #[serde(skip)]
    priorities: bool,
    #[serde(skip)]
    labels: Vec<String>,
}

/// What becomes of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It exists and stays.
    Stays,
    /// It exists and goes to another host.
    Moves,
    /// It is made.
    Comes,
    /// It is on a host that can't be seen now.
    OutOfSight,
    /// It may be on a host that never was seen.
    Perhaps,
    /// It has no place.
    Nowhere,
}

/// How a host was judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostVerdict {
    /// The host.
    pub host: HostId,
    /// Why it can't take the instance; empty where it can.
    pub rejections: Vec<RejectionReport>,
    /// How good it is, where it can.
    pub score: Option<ScoreReport>,
    #[serde(skip)]
    decided: Option<Criterion>,
}

/// Why a host can't take an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectionReport {
    /// The kind.
    pub kind: &'static str,
    /// In words.
    pub text: String,
}

/// How good a host is. Criteria count in this order; less is better, but for the priority.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreReport {
    /// Instances that must be with it and could not, on this host.
    pub followers_apart: u32,
    /// Instances that must be with it and would have to move to this host.
    pub followers_led: u32,
    /// Whether it is preferred, where hosts are.
    pub preferred: bool,
    /// Preferred company that is not there.
    pub company_missed: u32,
    /// Groups there that it would best be apart from.
    pub beside: u32,
    /// Instances of the group by label to spread over, on hosts with the same value.
    pub spread: BTreeMap<String, usize>,
    /// Other instances of the group on the host.
    pub of_group: usize,
    /// The host's priority.
    pub priority: i32,
    /// How full its memory is with the instance, in percent; none where memory is not known.
    pub full_percent: Option<f64>,
    /// Guests on it, where memory is not known.
    pub guests: Option<u64>,
}

impl WhyReport {
    /// The report, of one host or of all.
    pub fn of(
        desired: &Desired,
        observed: &Observed,
        why: &Why,
        asked: Option<&HostId>,
    ) -> WhyReport {
        let all = why.hosts.iter().map(|verdict| host_verdict(why, verdict));
        let all: Vec<HostVerdict> = all.collect();
        let is_asked = |verdict: &&HostVerdict| asked.is_none_or(|host| verdict.host == *host);
        let (from, reason, help) = match &why.stand {
            Stand::Moves { from, why, .. } => (Some(from.clone()), Some(why.clone()), None),
            Stand::Nowhere(text, help) => (None, Some(text.clone()), help.clone()),
            Stand::Stays(_, _, Some((text, help))) => (None, Some(text.clone()), help.clone()),
            Stand::Stays(..) | Stand::Comes(..) | Stand::OutOfSight(..) | Stand::Perhaps(_) => {
                (None, None, None)
            }
        };
        let hosts = [why.stand.host(), from.as_ref(), asked];
        let mut orders = OrderShown::all(&observed.orders);
        orders.retain(|order| concerns(&order.key, &why.instance, hosts));
        WhyReport {
            format_version: FORMAT_VERSION,
            cluster: desired.cluster.clone(),
            instance: why.instance.clone(),
            state: state(&why.stand),
            host: why.stand.host().cloned(),
            address: address(&why.stand),
            from,
            reason,
            help,
            orders,
            now: observed.now,
            hosts: all.iter().filter(is_asked).cloned().collect(),
            best: all,
            group: why.instance.group.clone(),
            asked: asked.cloned(),
            wishes: why.wishes,
            priorities: desired.hosts.values().any(|host| host.priority != 0),
            labels: why.labels.clone(),
        }
    }

    /// What decided for the host, in a sentence; none where no host can take it.
    pub fn decision(&self) -> Option<String> {
        Some(sentences::decision(self)).filter(|told| !told.is_empty())
    }

    /// The hosts that it does not go to, and why not.
    pub fn not_taken(&self) -> impl Iterator<Item = (HostId, String)> + '_ {
        let others = self.best.iter();
        let others = others.filter(|verdict| self.host.as_ref() != Some(&verdict.host));
        others.map(|verdict| {
            let why: Vec<&str> = verdict.rejections.iter().map(|r| r.text.as_str()).collect();
            let why = match why.is_empty() {
                true => sentences::note(self, verdict),
                false => why.join("; "),
            };
            (verdict.host.clone(), why)
        })
    }

    /// The report as JSON, ending in a line break.
    pub fn json(&self) -> String {
        text::json(self)
    }
}

/// Whether an order is about an instance, its group, or one of these hosts.
fn concerns(key: &OrderKey, instance: &InstanceId, hosts: [Option<&HostId>; 3]) -> bool {
    match key {
        OrderKey::Disarmed | OrderKey::Paused(Scope::Cluster) => true,
        OrderKey::Paused(Scope::Group(group)) => *group == instance.group,
        OrderKey::Retried(retried) => retried == instance,
        OrderKey::Paused(Scope::Host(host))
        | OrderKey::Drained(host)
        | OrderKey::Confirmed(host) => hosts.contains(&Some(host)),
        OrderKey::Held(_)
        | OrderKey::Approved(_)
        | OrderKey::Allowed(_)
        | OrderKey::Hurried(_)
        | OrderKey::Unprotected(_)
        | OrderKey::Released => false,
    }
}

fn state(stand: &Stand) -> State {
    match stand {
        Stand::Stays(..) => State::Stays,
        Stand::Moves { .. } => State::Moves,
        Stand::Comes(..) => State::Comes,
        Stand::OutOfSight(..) => State::OutOfSight,
        Stand::Perhaps(_) => State::Perhaps,
        Stand::Nowhere(..) => State::Nowhere,
    }
}

fn address(stand: &Stand) -> Option<Ipv4Addr> {
    match stand {
        Stand::Stays(_, address, _)
        | Stand::Moves { address, .. }
        | Stand::Comes(_, address)
        | Stand::OutOfSight(_, address) => Some(*address),
        Stand::Perhaps(_) | Stand::Nowhere(..) => None,
    }
}

fn host_verdict(why: &Why, verdict: &Verdict) -> HostVerdict {
    let rejections = verdict.rejections.iter();
    HostVerdict {
        host: verdict.host.clone(),
        rejections: rejections
            .map(|(kind, text)| RejectionReport {
                kind: kind.code(),
                text: text.clone(),
            })
            .collect(),
        score: verdict.score.as_ref().map(|score| score_report(why, score)),
        decided: verdict.decided.clone(),
    }
}

fn score_report(why: &Why, score: &Score) -> ScoreReport {
    let load = score.rest.load;
    // Loads are small: in hundredths of a percent they are exact.
    let percent = || f64::from(u32::try_from(load / 100).unwrap_or(u32::MAX)) / 100.0;
    let (full_percent, guests) = match why.load {
        LoadUnit::Memory => (Some(percent()), None),
        LoadUnit::Guests => (None, Some(load)),
    };
    ScoreReport {
        followers_apart: score.wish.apart,
        followers_led: score.wish.led,
        preferred: score.wish.hosts == 0,
        company_missed: score.wish.affinity,
        beside: score.wish.anti_affinity,
        spread: why
            .labels
            .iter()
            .cloned()
            .zip(score.spread.iter().copied())
            .collect(),
        of_group: score.rest.of_group,
        priority: score.rest.priority.0,
        full_percent,
        guests,
    }
}

#[cfg(test)]
mod tests;
