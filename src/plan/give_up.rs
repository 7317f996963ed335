//! When an instance that was on a host out of sight is given up, so that it is made elsewhere: what must not run twice only
//! by a verdict on its host, the rest after a while of silence.

use super::hosts::Hosts;
use super::refusal::Refusal;
use super::verdict::Verdict;
use crate::memory::hosts::lease_due;
use crate::model::bug::Bug;
use crate::model::desired::Group;
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::{Mark, Stage};
use crate::model::memory::HostMemory;
use crate::model::orders::Scope;
use crate::model::time::Timestamp;
use crate::model::unit::span;

impl Hosts<'_> {
    /// Whether an instance that was on a host out of sight is given up, so that it may be made elsewhere.
    pub fn gives_up(
        &self,
        instance: &InstanceId,
        group: &Group,
        host: &HostId,
        mark: &Mark,
    ) -> Result<(), Refusal> {
        let verdict = self.verdict(host);
        if group.stateful && self.is_drained(host) {
            return Err(waits_for_drained(host, &verdict));
        }
        if matches!(verdict, Verdict::Ended(_)) {
            return Ok(());
        }
        if let Some(text) = self.why_not_silent(instance, group, mark) {
            return Err(Refusal {
                text,
                ..Refusal::default()
            });
        }
        match verdict {
            Verdict::Ended(_) | Verdict::Fence(..) => Ok(()),
            Verdict::No(refusal)
                if (group.stateful && !Bug::SkipTheFence.is_in())
                    || mark.stage == Stage::Bootstrap =>
            {
                Err(refusal)
            }
            Verdict::No(refusal) => self.without_evidence(instance, group, host, refusal),
        }
    }

    /// Whether somebody works on a host: it goes down and comes back as that person wants.
    fn is_drained(&self, host: &HostId) -> bool {
        let order = self.observed.orders.drained.get(host);
        order.is_some_and(|order| order.holds(self.observed.now))
    }

    /// A stateless instance may run twice for a while: with another address, nobody mistakes one for the other.
    fn without_evidence(
        &self,
        instance: &InstanceId,
        group: &Group,
        host: &HostId,
        refusal: Refusal,
    ) -> Result<(), Refusal> {
        if self.held.is_some() {
            return Err(refusal);
        }
        match self.remembered(host).map(|m| self.given_up_at(host, m)) {
            Some(at) if self.observed.now >= at || Bug::ActUnseen.is_in() => Ok(()),
            Some(at) => Err(Refusal {
                text: format!(
                    "{} if host {host} is not back in {}",
                    self.fate(instance, group, host),
                    span(at.since(self.observed.now))
                ),
                help: None,
                until: Some(at),
            }),
            None => Err(refusal),
        }
    }

    /// What becomes of an instance whose host is lost: one that is pinned or paused is not made elsewhere.
    fn fate(&self, instance: &InstanceId, group: &Group, host: &HostId) -> &'static str {
        let scopes = [
            Scope::Cluster,
            Scope::Group(group.id.clone()),
            Scope::Host(host.clone()),
        ];
        let orders = &self.observed.orders;
        let left = orders.pause_of(scopes).is_some() || !orders.targets.include(instance, &[host]);
        match left || group.placement.pin.contains_key(&instance.index) {
            true => "given up",
            false => "made elsewhere",
        }
    }

    /// When a stateless instance there is made elsewhere: after long silence, or as soon as there is evidence by a lease.
    fn given_up_at(&self, host: &HostId, memory: &HostMemory) -> Timestamp {
        let known = self.desired.hosts.get(host);
        let due = known.and_then(|host| lease_due(memory, host, self.desired, self.observed));
        let lost = self.lost_at(memory);
        let to_come = due.filter(|due| *due > self.observed.now);
        to_come.map_or(lost, |due| lost.min(due))
    }

    fn why_not_silent(&self, instance: &InstanceId, group: &Group, mark: &Mark) -> Option<String> {
        let failures = self.observed.beat_of(mark).map_or(0, |b| b.failures);
        let known = self.memory.guests.get(instance);
        let lived =
            known.is_some_and(|m| m.healthy_since.is_some() && m.run.starts_with(&mark.generation));
        let enough = if lived { group.heartbeat.retries } else { 1 };
        match failures {
            0 => Some("its heartbeat still comes".to_owned()),
            1 if enough > 1 => Some("only one heartbeat is missing".to_owned()),
            n if n < enough => Some(format!("only {n} heartbeats are missing")),
            _ => None,
        }
    }
}

/// Why a stateful guest is not given up whose host somebody works on.
fn waits_for_drained(host: &HostId, verdict: &Verdict<'_>) -> Refusal {
    let undrain = format!(
        "bring host {host} back; or, to let it begin elsewhere with an empty disk: reconcile undrain {host}"
    );
    let for_ever = matches!(verdict, Verdict::No(refusal) if refusal.until.is_none());
    Refusal {
        text: format!("host {host} is drained, and its disk is there: it is waited for"),
        help: Some(match for_ever {
            true => format!("{undrain}, and once it is off: reconcile fence confirm {host}"),
            false => undrain,
        }),
        until: None,
    }
}
