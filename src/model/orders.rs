//! What operators told the controller by commands of their own: `drain`, `pause`, `fence confirm`. They are no part of
//! the file, and nothing that could be observed.

mod key;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::commit::CommitId;
use super::desired::Revision;
use super::gate::ChangeId;
use super::id::{GroupId, HostId, InstanceId};
use super::targets::Targets;
use super::time::Timestamp;
pub use key::OrderKey;

/// Everything that operators ordered and did not take back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Orders {
    /// Hosts that are to be empty.
    pub drained: BTreeMap<HostId, Order>,
    /// What is left alone.
    pub paused: BTreeMap<Scope, Order>,
    /// Nothing is failed over.
    pub disarmed: Option<Order>,
    /// Hosts of which a person says that nothing runs on them any more. It is evidence for the absence in which it was
    /// given, not for the next one: what is younger than the last look that saw the host.
    pub confirmed: BTreeMap<HostId, Order>,
    /// Instances that failed for good and shall be tried again.
    pub retried: BTreeMap<InstanceId, Order>,
    /// States of the file that are not to be applied.
    pub held: BTreeMap<Revision, Order>,
    /// Commits that are applied though the branch was rewritten.
    pub approved: BTreeMap<CommitId, Order>,
    /// Changes that come into force though a guard holds them.
    pub allowed: BTreeMap<ChangeId, Order>,
    /// Changes that come into force though it is not the time for changes.
    pub hurried: BTreeMap<ChangeId, Order>,
    /// Groups that may go though the file has protected them.
    pub unprotected: BTreeMap<GroupId, Order>,
    /// A person looked at what made the brake hold, and lets it go.
    pub released: Option<Order>,
    /// What this run is about: it holds for one run of a command, and is never written down.
    #[serde(skip)]
    pub targets: Targets,
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Who gave it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until when it holds; none: until it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Of a state of the file that is held back: the one that takes its place; none: the last good one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Revision>,
}

/// Who gives an order that no person gave.
pub const OURSELVES: &str = "reconcile";

impl Orders {
    /// Every order with its key, the farthest-reaching kinds first.
    pub fn all(&self) -> impl Iterator<Item = (OrderKey, &Order)> {
        let keys = [OrderKey::Disarmed, OrderKey::Released]
            .into_iter()
            .chain(self.paused.keys().cloned().map(OrderKey::Paused))
            .chain(self.drained.keys().cloned().map(OrderKey::Drained))
            .chain(self.confirmed.keys().cloned().map(OrderKey::Confirmed))
            .chain(self.held.keys().cloned().map(OrderKey::Held))
            .chain(self.approved.keys().cloned().map(OrderKey::Approved))
            .chain(self.allowed.keys().cloned().map(OrderKey::Allowed))
            .chain(self.hurried.keys().cloned().map(OrderKey::Hurried))
            .chain(self.unprotected.keys().cloned().map(OrderKey::Unprotected))
            .chain(self.retried.keys().cloned().map(OrderKey::Retried));
        keys.filter_map(|key| self.get(&key).map(|order| (key, order)))
    }

    /// The order at a key.
    pub fn get(&self, key: &OrderKey) -> Option<&Order> {
        match key {
            OrderKey::Disarmed => self.disarmed.as_ref(),
            OrderKey::Paused(scope) => self.paused.get(scope),
            OrderKey::Drained(host) => self.drained.get(host),
            OrderKey::Confirmed(host) => self.confirmed.get(host),
            OrderKey::Held(revision) => self.held.get(revision),
            OrderKey::Approved(commit) => self.approved.get(commit),
            OrderKey::Allowed(change) => self.allowed.get(change),
            OrderKey::Hurried(change) => self.hurried.get(change),
            OrderKey::Unprotected(group) => self.unprotected.get(group),
            OrderKey::Released => self.released.as_ref(),
            OrderKey::Retried(instance) => self.retried.get(instance),
        }
    }

    /// Gives an order; the one that it replaces.
    pub fn put(&mut self, key: OrderKey, order: Order) -> Option<Order> {
        match key {
            OrderKey::Disarmed => self.disarmed.replace(order),
            OrderKey::Paused(scope) => self.paused.insert(scope, order),
            OrderKey::Drained(host) => self.drained.insert(host, order),
            OrderKey::Confirmed(host) => self.confirmed.insert(host, order),
            OrderKey::Held(revision) => self.held.insert(revision, order),
            OrderKey::Approved(commit) => self.approved.insert(commit, order),
            OrderKey::Allowed(change) => self.allowed.insert(change, order),
            OrderKey::Hurried(change) => self.hurried.insert(change, order),
            OrderKey::Unprotected(group) => self.unprotected.insert(group, order),
            OrderKey::Released => self.released.replace(order),
            OrderKey::Retried(instance) => self.retried.insert(instance, order),
        }
    }

    /// Takes an order back.
    pub fn take(&mut self, key: &OrderKey) -> Option<Order> {
        match key {
            OrderKey::Disarmed => self.disarmed.take(),
            OrderKey::Paused(scope) => self.paused.remove(scope),
            OrderKey::Drained(host) => self.drained.remove(host),
            OrderKey::Confirmed(host) => self.confirmed.remove(host),
            OrderKey::Held(revision) => self.held.remove(revision),
            OrderKey::Approved(commit) => self.approved.remove(commit),
            OrderKey::Allowed(change) => self.allowed.remove(change),
            OrderKey::Hurried(change) => self.hurried.remove(change),
            OrderKey::Unprotected(group) => self.unprotected.remove(group),
            OrderKey::Released => self.released.take(),
            OrderKey::Retried(instance) => self.retried.remove(instance),
        }
    }

    /// Those that hold at this moment.
    pub fn in_force(self, now: Timestamp) -> Orders {
        self.only(|order| order.holds(now))
    }

    /// Those of which this holds.
    pub fn only(mut self, keep: impl Fn(&Order) -> bool) -> Orders {
        let others = self.all().filter(|(_, order)| !keep(order));
        let others: Vec<OrderKey> = others.map(|(key, _)| key).collect();
        for key in &others {
            self.take(key);
        }
        self
    }

    /// The first of these scopes that is paused.
    pub fn pause_of(&self, scopes: impl IntoIterator<Item = Scope>) -> Option<Scope> {
        let mut scopes = scopes.into_iter();
        scopes.find(|scope| self.paused.contains_key(scope))
    }

    /// The state of the file that takes the place of a held one: the one that was named, or the first `good` one that is `kept`
    /// and not held itself.
    pub fn instead_of<'r>(
        &'r self,
        held: &Revision,
        good: &'r [Revision],
        kept: impl Fn(&Revision) -> bool,
    ) -> Option<&'r Revision> {
        let named = self.held.get(held).and_then(|order| order.to.as_ref());
        let mut all = named.into_iter().chain(good);
        all.find(|revision| !self.held.contains_key(*revision) && kept(revision))
    }

    /// Whether an order keeps things as they are that would otherwise be put right.
    pub fn hold_back(&self) -> bool {
        self.disarmed.is_some() || !self.paused.is_empty()
    }
}

/// What became of an order: one line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEntry {
    /// When.
    pub at: Timestamp,
    /// Who gave it, or took it back.
    pub by: String,
    /// Which.
    #[serde(flatten)]
    pub key: OrderKey,
    /// Given, or taken back.
    pub turn: Turn,
    /// Why, where that was said.
    pub reason: Option<String>,
    /// Until when it was to hold; none: until it is taken back.
    pub until: Option<Timestamp>,
}

/// What a person does with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// It is given, or given again with another reason or end.
    Given,
    /// It is taken back.
    TakenBack,
}

impl Order {
    /// One that no person gave, until it is taken back.
    pub fn our_own(at: Timestamp, why: &str) -> Order {
        Order {
            by: OURSELVES.to_owned(),
            at,
            reason: Some(why.to_owned()),
            until: None,
            to: None,
        }
    }

    /// Whether it holds at this moment.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether it can be meant for an absence of which we know since then. It may be older: a dry run remembers nothing.
    /// What is older than a day was said of another one, by somebody whose memory was lost.
    pub fn is_about(&self, since: Timestamp) -> bool {
        self.at.plus(WORD_BEFORE) >= since
    }
}

/// How much older than the first sign of an absence a person's word on it may be.
const WORD_BEFORE: Duration = Duration::from_secs(86_400);

/// The longest reason: one line of a terminal or two, not a letter.
const MAX_REASON: usize = 200;

/// A reason as it may be given, without blanks around it; or what is wrong with it.
pub fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("a reason can't be empty: leave --reason out instead".to_owned()),
        1..=MAX_REASON => Ok(text.to_owned()),
        long => Err(format!(
            "a reason has at most {MAX_REASON} characters, this one has {long}"
        )),
    }
}

/// What is left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everything.
    Cluster,
    /// A service or a load balancer.
    Group(GroupId),
    /// A host and the guests on it.
    Host(HostId),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Cluster => f.pad("cluster"),
            Scope::Group(group) => f.pad(&format!("service/{group}")),
            Scope::Host(host) => f.pad(&format!("host/{host}")),
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |e: &dyn fmt::Display| format!("{text}: {e}");
        match text.split_once('/') {
            None if text == "cluster" => Ok(Scope::Cluster),
            Some(("service", name)) => Ok(Scope::Group(name.parse().map_err(|e| wrong(&e))?)),
            Some(("host", name)) => Ok(Scope::Host(name.parse().map_err(|e| wrong(&e))?)),
            None if text.parse::<GroupId>().is_ok() => Err(wrong(&format!(
                "not `cluster`, `service/NAME` or `host/NAME`: did you mean `service/{text}` or `host/{text}`?"
            ))),
            Some(_) | None => Err(wrong(&"not `cluster`, `service/NAME` or `host/NAME`")),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(until: Option<i64>) -> Order {
        Order {
            by: "anna@ops".into(),
            at: Timestamp(1),
            reason: Some("kernel update".into()),
            until: until.map(Timestamp),
            to: None,
        }
    }

    fn keys() -> [OrderKey; 12] {
        [
            OrderKey::Disarmed,
            OrderKey::Released,
            OrderKey::Paused(Scope::Cluster),
            OrderKey::Paused("service/random".parse().unwrap()),
            OrderKey::Drained("b".parse().unwrap()),
            OrderKey::Confirmed("b".parse().unwrap()),
            OrderKey::Held(Revision("3f2a91c04b7e".into())),
            OrderKey::Approved("daa85f87f8b307dd5d64832c1b7494559ce8d8f5".parse().unwrap()),
            OrderKey::Allowed(ChangeId("3f2a91c04b7e".into())),
            OrderKey::Hurried(ChangeId("3f2a91c04b7e".into())),
            OrderKey::Unprotected("random".parse().unwrap()),
            OrderKey::Retried("random-2".parse().unwrap()),
        ]
    }

    #[test]
    fn every_order_is_found_where_it_was_put_and_gone_when_it_was_taken() {
        let mut orders = Orders::default();
        for key in keys() {
            assert_eq!(orders.put(key.clone(), order(None)), None);
            assert_eq!(orders.get(&key), Some(&order(None)));
        }
        assert_eq!(orders.all().map(|(key, _)| key).collect::<Vec<_>>(), keys());
        for key in keys() {
            assert_eq!(orders.take(&key), Some(order(None)));
        }
        assert_eq!(orders, Orders::default());
    }

    #[test]
    fn orders_read_back_as_they_were_written() {
        let mut orders = Orders::default();
        for key in keys() {
            orders.put(key, order(Some(9)));
        }
        let text = serde_json::to_string(&orders).unwrap();
        assert_eq!(serde_json::from_str::<Orders>(&text).unwrap(), orders);
    }

    #[test]
    fn what_has_ended_is_not_in_force() {
        let mut orders = Orders::default();
        orders.put(OrderKey::Disarmed, order(Some(10)));
        orders.put(OrderKey::Paused(Scope::Cluster), order(None));
        assert!(orders.clone().in_force(Timestamp(9)).disarmed.is_some());
        let left = orders.in_force(Timestamp(10));
        assert!(left.disarmed.is_none() && left.hold_back());
    }

    #[test]
    fn a_line_of_the_history_reads_back_whatever_it_is_about() {
        for key in keys() {
            let entry = OrderEntry {
                at: Timestamp(1),
                by: "anna@ops".into(),
                key,
                turn: Turn::TakenBack,
                reason: None,
                until: None,
            };
            let text = serde_json::to_string(&entry).unwrap();
            assert_eq!(serde_json::from_str::<OrderEntry>(&text).unwrap(), entry);
        }
    }
}
