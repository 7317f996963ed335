//! What operators ordered to leave alone. The steps ask before they act on something; who is left as it is because of
//! an order, and would have been worked on, is said once for each order.

use std::collections::{BTreeMap, BTreeSet};

use super::Planner;
use super::round::{Round, State};
use crate::model::bug::Bug;
use crate::model::desired::{Desired, Group, LoadBalancer, Role};
use crate::model::id::{HostId, InstanceId};
use crate::model::orders::{Order, OrderKey, Orders, Scope};
use crate::model::plan::{Notice, NoticeKind};
use crate::model::unit::span;

/// How many are named where an order keeps work back.
const NAMED: usize = 5;

/// What is kept back: the instances, by what does.
#[derive(Debug, Default)]
pub(super) struct KeptBack(BTreeMap<LeftBy, BTreeSet<String>>);

/// What leaves something as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LeftBy {
    /// An order.
    Order(OrderKey),
    /// This run is not about it.
    Targets,
}

impl LeftBy {
    /// What is said of who is left.
    pub(super) fn words(&self) -> &'static str {
        match self {
            LeftBy::Order(_) => "is paused",
            LeftBy::Targets => "is no target of this run",
        }
    }
}

impl KeptBack {
    /// Whether anything keeps it back.
    pub(super) fn has(&self, instance: &InstanceId) -> bool {
        let has = |names: &BTreeSet<String>| names.contains(&instance.to_string());
        self.0.values().any(has)
    }
}

impl Round<'_> {
    /// The widest pause that an instance is under.
    fn pause_of(&self, instance: &InstanceId) -> Option<Scope> {
        if self.observed.orders.paused.is_empty() {
            return None;
        }
        let group = Scope::Group(instance.group.clone());
        let host = self.host_of(instance).cloned().map(Scope::Host);
        let scopes = [Some(Scope::Cluster), Some(group), host];
        self.observed.orders.pause_of(scopes.into_iter().flatten())
    }

    /// What leaves an instance as it is: the widest pause that it is under, or that this run is not about it.
    pub(super) fn left_by(&self, instance: &InstanceId) -> Option<LeftBy> {
        let paused = self
            .pause_of(instance)
            .filter(|_| !Bug::IgnoreAPause.is_in());
        let paused = paused.map(|scope| LeftBy::Order(OrderKey::Paused(scope)));
        paused.or_else(|| self.is_no_target(instance, None).then_some(LeftBy::Targets))
    }

    /// Whether this run is not about an instance, or what is of it on the host `also`.
    pub(super) fn is_no_target(&self, instance: &InstanceId, also: Option<&HostId>) -> bool {
        let targets = &self.observed.orders.targets;
        if targets.is_all() {
            return false;
        }
        let hosts: Vec<&HostId> = self.host_of(instance).into_iter().chain(also).collect();
        // One more for a while comes for the others of its group.
        let group = self.views.get(instance).map(|view| view.group);
        let extra =
            group.is_some_and(|group| group.is_extra(instance.index) && self.has_target(group));
        match extra {
            true => targets.exclude(instance, &hosts),
            false => !targets.include(instance, &hosts),
        }
    }

    /// Whether this run is about some instance of a group.
    fn has_target(&self, group: &Group) -> bool {
        let mut own = self.views_of(group).map(|(instance, _)| instance);
        own.any(|i| !group.is_extra(i.index) && !self.is_no_target(i, None))
    }

    /// Where an instance is, was, or would be.
    fn host_of(&self, instance: &InstanceId) -> Option<&HostId> {
        let view = self.views.get(instance);
        match view.map(|view| (&view.state, view.found)) {
            Some((_, Some(found))) => Some(found.host),
            Some((State::Hidden(host, _) | State::Lost(host, _) | State::Perhaps(host), None)) => {
                Some(host)
            }
            Some((State::Busy | State::Absent | State::Live(_), None)) => {
                self.place(instance).map(|place| place.host)
            }
            None => {
                let mut found = self.inventory.all_found();
                let found = found.find(|(found, _)| found.mark.instance == *instance);
                found.map(|(found, _)| found.host)
            }
        }
    }

    /// Whether a VIP was taken from its holder so that another guest gets it, and none has it yet.
    pub(super) fn is_handed_over(&self, group: &Group, lb: &LoadBalancer) -> bool {
        self.memory.handing_over.get(&group.id) == Some(&lb.vip.addr())
    }

    /// Whether an instance is left as it is.
    pub(super) fn is_left_alone(&self, instance: &InstanceId) -> bool {
        self.left_by(instance).is_some()
    }
}

impl<'a> Planner<'a> {
    /// Whether an instance must be left as it is because it is paused, or no target. To be asked where there is something to
    /// do; that it is not done is said.
    pub(super) fn hands_off(&mut self, instance: &InstanceId) -> bool {
        let left = self.round.left_by(instance);
        self.keeps_back(left, instance)
    }

    /// The same of a load balancer that is only told where to send requests.
    pub(super) fn hands_off_routes(&mut self, instance: &InstanceId, group: &Group) -> bool {
        !self.may_be_told(instance, group) && self.hands_off(instance)
    }

    /// Whether a load balancer that is no target is told of instances that are, because these need it: where it gets nothing else by
    /// that, and is not left out by name.
    pub(super) fn may_be_told(&self, instance: &InstanceId, group: &Group) -> bool {
        let (round, Role::LoadBalancer(lb)) = (&self.round, &group.role) else {
            return false;
        };
        let targets = &round.observed.orders.targets;
        let hosts: Vec<&HostId> = round.host_of(instance).into_iter().collect();
        let mut services = lb
            .routes
            .iter()
            .filter_map(|r| round.desired.groups.get(&r.service));
        round.left_by(instance) == Some(LeftBy::Targets)
            && !targets.exclude(instance, &hosts)
            && services.any(|service| round.has_target(service))
            && !self.differs_by_itself(instance, self.drift_motive(instance))
    }

    /// The same of what is left of an instance on a host, where the instance itself may be elsewhere.
    pub(super) fn hands_off_at(&mut self, instance: &InstanceId, host: &HostId) -> bool {
        let targeted = !self.round.is_no_target(instance, Some(host));
        let left = self.round.left_by(instance);
        // Of somebody elsewhere, what is left on a host that is a target is worked on.
        let left = left.filter(|left| *left != LeftBy::Targets || !targeted);
        let left = left.or_else(|| (!targeted).then_some(LeftBy::Targets));
        let left = left.or_else(|| self.pause_at(host).map(LeftBy::Order));
        self.keeps_back(left, instance)
    }

    fn keeps_back(&mut self, left: Option<LeftBy>, instance: &InstanceId) -> bool {
        let is_left = left.is_some();
        left.into_iter()
            .for_each(|left| self.keep_back(left, instance));
        is_left
    }

    /// The pause of a host, where it is paused.
    fn pause_at(&self, host: &HostId) -> Option<OrderKey> {
        let here = Scope::Host(host.clone());
        let paused = self.round.observed.orders.paused.contains_key(&here);
        paused.then_some(OrderKey::Paused(here))
    }

    /// Whether an instance that is dead, or gone, must stay so because failover is disarmed. That is said.
    pub(super) fn stays_dead(&mut self, instance: &InstanceId) -> bool {
        let disarmed = self.round.observed.orders.disarmed.is_some();
        if disarmed {
            self.keep_back(LeftBy::Order(OrderKey::Disarmed), instance);
        }
        disarmed
    }

    fn keep_back(&mut self, by: LeftBy, what: impl ToString) {
        let kept = self.kept_back.0.entry(by).or_default();
        kept.insert(what.to_string());
    }

    /// Whether a VIP stays where it is, or without a holder, because somebody who has it or may have it is left alone,
    /// or because taking it from the dead is failover. That is said.
    pub(super) fn vip_stays(
        &mut self,
        group: &'a Group,
        lb: &'a LoadBalancer,
        may_hold: &[&InstanceId],
    ) -> bool {
        let Some(by) = self.why_vip_stays(group, lb, may_hold) else {
            return false;
        };
        self.keep_back(by, format!("VIP {}", lb.vip.addr()));
        true
    }

    fn why_vip_stays(
        &self,
        group: &'a Group,
        lb: &'a LoadBalancer,
        may_hold: &[&InstanceId],
    ) -> Option<LeftBy> {
        let left = |instance: &InstanceId| self.round.left_by(instance);
        let all_left = |by: &LeftBy| {
            let mut mine = self.round.views_of(group).map(|(i, _)| left(i)).peekable();
            mine.peek().is_some() && mine.all(|other| other.as_ref() == Some(by))
        };
        if all_left(&LeftBy::Targets) {
            return Some(LeftBy::Targets);
        }
        let former = self.former_holders(group, lb);
        // Nobody has it because we took it: that is finished.
        if self.round.is_handed_over(group, lb) && former.is_empty() && may_hold.is_empty() {
            return None;
        }
        let mut mine = self.round.views_of(group).map(|(i, _)| i).peekable();
        let first = mine.peek().and_then(|i| left(i));
        if first.is_some() && mine.all(|i| self.round.is_left_alone(i)) {
            return first;
        }
        // Of two copies, the one that had it may be on another host than the one that counts.
        let former = former.iter().find_map(|f| {
            left(&f.mark.instance).or_else(|| self.pause_at(f.host).map(LeftBy::Order))
        });
        let kept = may_hold.iter().copied().find_map(left).or(former);
        // One that was lost while its holder lives was not lost by a failure.
        let failed = !may_hold.is_empty() || self.is_last_holder_lost(group, lb);
        let disarmed = self.round.observed.orders.disarmed.is_some() && failed;
        kept.or(disarmed.then_some(LeftBy::Order(OrderKey::Disarmed)))
    }

    /// Whether who held a VIP last does not live.
    fn is_last_holder_lost(&self, group: &Group, lb: &LoadBalancer) -> bool {
        let holder = self.known_holder(group, lb);
        holder.is_some_and(|holder| !self.is_healthy(&holder.instance))
    }

    /// Why nobody can take a VIP over from `holder` before it is worked on: the others are left alone.
    pub(super) fn heirs_are_left(&self, holder: &InstanceId, group: &Group) -> Option<String> {
        if self.holders.get(&group.id) != Some(holder) {
            return None;
        }
        let others = || self.round.views_of(group).filter(|(i, _)| *i != holder);
        let heir = others().any(|(i, _)| !self.round.is_left_alone(i));
        let (other, _) = others()
            .find(|(i, _)| self.is_healthy(i))
            .filter(|_| !heir)?;
        let words = self.round.left_by(other)?.words();
        Some(format!("it holds the VIP, and {other} {words}"))
    }

    /// What hinders those that this run is not about is not said.
    fn only_of_targets(&mut self) {
        let round = &self.round;
        if round.observed.orders.targets.is_all() {
            return;
        }
        let instances = round.views.keys().filter(|i| round.is_no_target(i, None));
        let names: BTreeSet<String> = instances.map(InstanceId::to_string).collect();
        self.draft
            .notices
            .retain(|notice| !names.contains(&notice.subject));
    }

    /// Says what orders keep back, and which of them are about nothing.
    pub(super) fn say_orders(&mut self) {
        let (round, orders) = (&self.round, &self.round.observed.orders);
        let now = round.observed.now;
        let kept = self.kept_back.0.iter().filter_map(|(by, names)| {
            let LeftBy::Order(key) = by else {
                return Some(in_part(names));
            };
            let order = orders.get(key)?;
            Some(Notice {
                kind: NoticeKind::Waiting,
                subject: key.subject(),
                text: format!("{} {}; {}", key.word(), told(order, now), left(names)),
                help: key.undo().map(|undo| format!("`{undo}`")),
                line: None,
            })
        });
        let unread = round.observed.orders_unread.as_deref().map(unreadable);
        let lost = about_nothing(orders, round.desired);
        let said: Vec<Notice> = kept.chain(unread).chain(lost).collect();
        self.only_of_targets();
        self.draft.notices.extend(said);
        let ends: Vec<_> = orders.all().filter_map(|(_, order)| order.until).collect();
        ends.into_iter().for_each(|at| self.draft.look_again_at(at));
    }
}

/// What would be worked on, were it a target.
fn in_part(names: &BTreeSet<String>) -> Notice {
    Notice {
        kind: NoticeKind::Warning,
        subject: "targets".to_owned(),
        text: format!(
            "a part of the file is applied, and the rest is not; {}",
            left(names)
        ),
        help: Some(
            "to bring the file into force, run it without --target and --exclude".to_owned(),
        ),
        line: None,
    }
}

/// `by anna@ops 10m00s ago, for 2h00m more: kernel update`
fn told(order: &Order, now: crate::model::time::Timestamp) -> String {
    let ago = match now.since(order.at) {
        passed if passed.as_secs() == 0 => "just now".to_owned(),
        passed => format!("{} ago", span(passed)),
    };
    let ends = order
        .until
        .map(|end| format!(", for {} more", span(end.since(now))));
    let reason = order.reason.as_ref().map(|reason| format!(": {reason}"));
    let rest = ends.into_iter().chain(reason).collect::<String>();
    format!("by {} {ago}{rest}", order.by)
}

/// `left as it is: random-1`
fn left(names: &BTreeSet<String>) -> String {
    let mut named: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("{more} more"));
    named.extend(more.as_deref());
    format!("left as it is: {}", named.join(", "))
}

fn unreadable(error: &str) -> Notice {
    let (why, help) = match error.split_once("\n  help: ") {
        Some((why, help)) => (why, Some(help.to_owned())),
        None => (error, None),
    };
    Notice {
        kind: NoticeKind::Blocked,
        subject: "orders".to_owned(),
        text: format!("those that were read last stay in force: {why}"),
        help,
        line: None,
    }
}

/// Orders about what is not in the file, or not any more.
fn about_nothing<'o>(
    orders: &'o Orders,
    desired: &'o Desired,
) -> impl Iterator<Item = Notice> + 'o {
    let lost = orders.all().filter(|(key, _)| !is_in_file(key, desired));
    lost.map(|(key, order)| Notice {
        kind: NoticeKind::Warning,
        subject: key.subject(),
        text: format!("{} by {}, but not in the file", key.word(), order.by),
        help: key.undo().map(|undo| format!("`{undo}` takes it back")),
        line: None,
    })
}

fn is_in_file(key: &OrderKey, desired: &Desired) -> bool {
    match key {
        OrderKey::Paused(Scope::Group(group)) => desired.groups.contains_key(group),
        OrderKey::Paused(Scope::Host(host)) | OrderKey::Drained(host) => {
            desired.hosts.contains_key(host)
        }
        OrderKey::Retried(instance) => {
            let group = desired.group_of(instance);
            group.is_some_and(|group| (1..=group.replicas).contains(&instance.index))
        }
        // That a host is off is often said because it leaves: then it has done its work.
        OrderKey::Confirmed(_)
        | OrderKey::Disarmed
        | OrderKey::Paused(Scope::Cluster)
        | OrderKey::Held(_)
        | OrderKey::Approved(_)
        | OrderKey::Allowed(_)
        | OrderKey::Hurried(_)
        | OrderKey::Unprotected(_)
        | OrderKey::Released => true,
    }
}
