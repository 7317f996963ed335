//! Hosts that can't be seen, and what was on them: switched off where something must not run twice, and old copies ended
//! once they come back.

use std::collections::BTreeSet;

use super::Planner;
use super::draft::{Step, reason_at};
use super::hold::Hold;
use super::hosts::HostState;
use super::placement::evening_due;
use super::refusal::Refusal;
use super::round::Round;
use super::verdict::Verdict;
use crate::model::action::{FenceHost, Operation};
use crate::model::bug::Bug;
use crate::model::desired::{Group, LoadBalancer, Role};
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::memory::Holder;
use crate::model::plan::{ActionId, Notice, NoticeKind, Reason, ReasonCode};
use crate::model::time::Timestamp;
use crate::model::unit::span;

impl<'a> Planner<'a> {
    /// Says that the brake holds.
    pub(super) fn brake_notice(&mut self) {
        let hosts = &self.round.inventory.hosts;
        let Some(brake) = &hosts.brake else {
            return;
        };
        let minority = hosts.minority();
        let minority = minority.map_or_else(String::new, |m| format!("; and {}", m.text));
        self.draft.notices.push(Notice {
            kind: NoticeKind::Blocked,
            subject: "the brake".to_owned(),
            text: format!(
                "{}: nothing is ended or moved until that is cleared up{minority}",
                brake.text
            ),
            help: Some(
                "look at the network and at what fell silent, then: reconcile resume".to_owned(),
            ),
            line: self.round.desired.lines.of("safety.brake"),
        });
    }

    /// Why nothing that runs may be ended now.
    pub(super) fn braked(&self) -> Option<String> {
        self.round.inventory.hosts.braked()
    }

    /// Switches a host off; once in a plan. `for_what` must not be twice.
    pub(super) fn fence_host(&mut self, host: &HostId, for_what: &str) -> Option<ActionId> {
        if let Some(id) = self.fenced_hosts.get(host) {
            return Some(*id);
        }
        let Verdict::Fence(device, agent) = self.round.inventory.hosts.verdict(host) else {
            return None;
        };
        let since = match self.round.inventory.hosts.state(host) {
            Some(HostState::Suspect { since } | HostState::Unreachable { since }) => *since,
            Some(HostState::Online | HostState::Rejoining { .. } | HostState::Fenced(_)) | None => {
                self.round.observed.now
            }
        };
        let text = format!(
            "it can't be seen for {}, and {for_what}",
            span(self.round.observed.now.since(since))
        );
        let line = self
            .round
            .desired
            .lines
            .of(&format!("hosts.{host}.fencing"));
        let operation = Operation::FenceHost(FenceHost {
            host: host.clone(),
            device,
            agent: agent.clone(),
        });
        let summary = format!("{host} by {}", agent.program);
        let why = reason_at(ReasonCode::FenceFirst, text, line);
        let id = self.draft.push(Step::heal(operation, summary, why));
        self.fenced_hosts.insert(host.clone(), id);
        Some(id)
    }

    /// Why an instance is made anew whose host is lost, and what must come before.
    pub(super) fn why_lost(
        &mut self,
        instance: &InstanceId,
        group: &Group,
        host: &'a HostId,
    ) -> Option<(Reason, Vec<ActionId>)> {
        let (text, needs) = match self.round.inventory.hosts.verdict(host) {
            Verdict::Ended(evidence) => (
                format!("host {host} is gone: {}", evidence.text),
                Vec::new(),
            ),
            Verdict::Fence(..) if group.stateful => {
                let once = format!("{instance} must not run twice");
                let fence = self.fence_host(host, &once)?;
                (format!("host {host} is switched off first"), vec![fence])
            }
            Verdict::Fence(..) | Verdict::No(_) => (
                format!("host {host} can't be seen, and its heartbeat is missing"),
                Vec::new(),
            ),
        };
        let text = match group.stateful {
            true => format!("{text}; the disk that it had stays on host {host}"),
            false => text,
        };
        let needs = self.fence_other_lives(instance, group, host, needs)?;
        let line = self.round.desired.line_of(instance);
        Some((reason_at(ReasonCode::HostLost, text, line), needs))
    }

    /// Where nobody knows which copy was the last life, all of their hosts are switched off that may run one.
    fn fence_other_lives(
        &mut self,
        instance: &InstanceId,
        group: &Group,
        host: &HostId,
        mut needs: Vec<ActionId>,
    ) -> Option<Vec<ActionId>> {
        let inventory = &self.round.inventory;
        let copies = inventory.lives_out_of_sight(instance, group).iter();
        let others = copies
            .map(|(other, _)| *other)
            .filter(|other| *other != host);
        let open: Vec<&HostId> = others.filter(|h| !inventory.hosts.has_ended(h)).collect();
        for other in open.into_iter().filter(|_| group.stateful) {
            needs.push(self.fence_host(other, &format!("{instance} must not run twice"))?);
        }
        Some(needs)
    }

    /// Whether a guest that can't be seen may hold the VIP.
    pub(super) fn hold_of_copy(&self, host: &HostId, mark: &Mark, known: Option<&Holder>) -> Hold {
        if Bug::TakeTheVip.is_in() || known.is_some_and(|holder| !is_life(holder, mark)) {
            return Hold::No;
        }
        match self.round.inventory.hosts.verdict(host) {
            Verdict::Ended(_) => Hold::No,
            Verdict::Fence(..) => Hold::Fenceable,
            Verdict::No(refusal) => Hold::Perhaps(refusal),
        }
    }

    /// Guests of the group that are, or were, on hosts out of sight.
    pub(super) fn copies_out_of_sight(
        &self,
        group: &'a Group,
    ) -> impl Iterator<Item = (&'a InstanceId, &'a HostId, &'a Mark)> + '_ {
        let all = self.round.inventory.all_out_of_sight();
        all.filter(|(instance, host, _)| {
            // What an action is at work on is looked at as that; what it leaves behind elsewhere is out of sight, and so is
            // what is not desired any more.
            let busy = self.round.memory.busy.get(*instance);
            let at_work = busy.is_some_and(|busy| busy.host == **host);
            let desired = self.round.views.contains_key(*instance);
            instance.group == group.id && !(at_work && desired)
        })
    }

    /// Guests out of sight that may hold the VIP of the group: its own, and those of other load balancers, or of groups that
    /// left the file, that had it before; also where that is not known, since we did not see their host since we took over.
    pub(super) fn may_hold_out_of_sight(
        &self,
        group: &'a Group,
        known: Option<&'a Holder>,
    ) -> impl Iterator<Item = (&'a InstanceId, &'a HostId, &'a Mark)> + '_ {
        let (desired, memory) = (self.round.desired, self.round.memory);
        let all = self.round.inventory.all_out_of_sight();
        let others = all.filter(move |(instance, host, mark)| {
            let other = desired.groups.get(&instance.group);
            let balances = other.is_none_or(|g| matches!(g.role, Role::LoadBalancer(_)));
            let seen = memory.hosts.get(*host).and_then(|host| host.seen);
            let may = match known {
                Some(holder) => is_life(holder, mark),
                None => balances && seen < memory.took_over,
            };
            may && instance.group != group.id
        });
        self.copies_out_of_sight(group).chain(others)
    }

    /// Why nobody holds a VIP, where its holder went with its host: with the evidence.
    pub(super) fn why_unheld(&self, group: &'a Group, lb: &LoadBalancer) -> String {
        let lost = self.known_holder(group, lb).and_then(|known| {
            let mut copies = self.may_hold_out_of_sight(group, Some(known));
            copies.find_map(|(instance, host, mark)| {
                let hosts = &self.round.inventory.hosts;
                match hosts.verdict(host) {
                    Verdict::Ended(evidence) if is_life(known, mark) => Some(format!(
                        "{instance} held it on host {host}, which is gone: {}",
                        evidence.text
                    )),
                    Verdict::Ended(_) | Verdict::Fence(..) | Verdict::No(_) => None,
                }
            })
        });
        lost.unwrap_or_else(|| "nobody holds it".to_owned())
    }

    /// Switches off the hosts out of sight where the VIP may be.
    pub(super) fn fence_hosts_of(&mut self, group: &'a Group, lb: &LoadBalancer) -> Vec<ActionId> {
        let known = self.known_holder(group, lb);
        let copies = self.may_hold_out_of_sight(group, known);
        let fenceable = copies
            .filter(|(_, host, mark)| self.hold_of_copy(host, mark, known) == Hold::Fenceable)
            .map(|(_, host, _)| host);
        // Where nobody knows who has it, it may be anywhere that we don't know.
        let unknown = self.round.inventory.unknown_hosts();
        let unknown = unknown.filter(|_| known.is_none());
        let hosts: BTreeSet<&HostId> = fenceable.chain(unknown).collect();
        let vip = format!("{} must not be on two guests", lb.vip.addr());
        let fences = hosts.into_iter().map(|host| self.fence_host(host, &vip));
        fences.flatten().collect()
    }

    /// When time alone may change what was decided about hosts.
    pub(super) fn look_again_at_hosts(&mut self) {
        let hosts = &self.round.inventory.hosts;
        let mut moments = Vec::new();
        for host in self.round.desired.hosts.keys() {
            match hosts.state(host) {
                Some(HostState::Rejoining { until }) => moments.push(*until),
                Some(HostState::Suspect { .. } | HostState::Unreachable { .. }) => {
                    if let Verdict::No(Refusal {
                        until: Some(until), ..
                    }) = hosts.verdict(host)
                    {
                        moments.push(until);
                    }
                }
                Some(HostState::Online | HostState::Fenced(_)) | None => {}
            }
        }
        moments.extend(
            self.round
                .inventory
                .refusals()
                .filter_map(|refusal| refusal.until),
        );
        moments.extend(self.evening_due());
        moments
            .into_iter()
            .for_each(|at| self.draft.look_again_at(at));
    }
}

impl Planner<'_> {
    /// When a guest may be moved to even out the load.
    fn evening_due(&self) -> Option<Timestamp> {
        let Round {
            desired,
            observed,
            memory,
            placement,
            ..
        } = &self.round;
        let rules = desired.rebalance.as_ref().filter(|_| placement.uneven)?;
        let since = memory.uneven_since.unwrap_or(observed.now);
        Some(evening_due(rules, since, memory)).filter(|at| *at > observed.now)
    }
}

/// Whether this life is the one that held the VIP, as far as that is known.
pub(super) fn is_life(holder: &Holder, mark: &Mark) -> bool {
    let same_life = holder
        .generation
        .as_ref()
        .is_none_or(|life| *life == mark.generation);
    holder.instance == mark.instance && same_life
}
