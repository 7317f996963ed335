//! What is ours and not desired any more goes away, after the load balancers stopped sending requests to it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::Planner;
use super::adopted::STAYS_DEFINED;
use super::balancers::Obstacle;
use super::draft::{Step, reason, reason_at};
use super::inventory::Found;
use super::lost::is_life;
use super::machine::{self, DISK_ENDING, VOLUME_ENDINGS, volume_directory};
use super::round::State;
use crate::model::action::{Leaves, Operation, Removal, Sweep};
use crate::model::desired::{Group, Line, Role};
use crate::model::id::{DomainName, HostId, InstanceId};
use crate::model::mark::Stage;
use crate::model::plan::{ActionId, Motive, Notice, NoticeKind, Reason, ReasonCode};

impl<'a> Planner<'a> {
    /// Removes surplus guests, and disks that belong to none.
    pub(super) fn retire_surplus(&mut self) {
        let surplus = self.round.inventory.all_found();
        let (busy, surplus): (Vec<Found<'a>>, Vec<Found<'a>>) = surplus
            .filter(|(f, counts)| *counts && !self.round.views.contains_key(&f.mark.instance))
            .map(|(f, _)| f)
            .partition(|f| self.round.memory.busy.contains_key(&f.mark.instance));
        busy.iter()
            .for_each(|found| self.goes_later(&found.mark.instance));
        let stop_requests: Vec<ActionId> = self.rotations();
        for found in surplus.into_iter().rev() {
            let left = self.hands_off_at(&found.mark.instance, found.host);
            if !left && !self.must_stay(&found) {
                self.retire(&found, &stop_requests);
            }
        }
        self.sweep();
    }

    fn goes_later(&mut self, instance: &InstanceId) {
        let text = format!("is not desired any more; {}", self.busy_text(instance));
        self.draft.notices.push(Notice {
            kind: NoticeKind::Waiting,
            subject: instance.to_string(),
            text,
            help: None,
            line: None,
        });
    }

    /// Whether a surplus guest still has work to do. That is said.
    fn must_stay(&mut self, found: &Found<'_>) -> bool {
        let instance = &found.mark.instance;
        if found.domain.run.is_none() {
            return false;
        }
        if let Some((heir, vip)) = self.vip_without_heir(found) {
            self.waits_for_heir_of(instance, heir, vip);
            return true;
        }
        let Some(group) = self
            .round
            .desired
            .group_of(instance)
            .filter(|g| g.replicas > 0)
        else {
            return false;
        };
        let obstacle = match &group.role {
            _ if self.braked().is_some() => self.braked().map(|why| (NoticeKind::Waiting, why)),
            Role::Service(_) => self.untold(group),
            Role::LoadBalancer(lb) if self.holders.get(&group.id) == Some(instance) => Some((
                NoticeKind::Waiting,
                format!(
                    "it holds {}, and nobody can take that over yet",
                    lb.vip.addr()
                ),
            )),
            Role::LoadBalancer(_) => None,
        };
        let Some(obstacle) = obstacle else {
            return false;
        };
        let line = self
            .round
            .desired
            .lines
            .of(&format!("{}.replicas", group.key()));
        self.stays_for_now(instance, obstacle, None, line);
        true
    }

    /// That a holder stays, because nobody of the load balancer that shall have its VIP can take it.
    fn waits_for_heir_of(&mut self, instance: &InstanceId, heir: &Group, vip: Ipv4Addr) {
        let line = self.round.desired.lines.of(&heir.key());
        let text = format!("it has {vip}, and nobody of {} can take that over", heir.id);
        let (kind, text, help) = match self.comes(heir) {
            true => (NoticeKind::Waiting, format!("{text} yet"), None),
            false => {
                let (old, new) = (&instance.group, &heir.id);
                let help = format!(
                    "make room for an instance of {new} beside it, or give {vip} back to {old} in the file"
                );
                (NoticeKind::Blocked, text, Some(help))
            }
        };
        self.stays_for_now(instance, (kind, text), help, line);
    }

    /// That an instance stays until those that are left of its group serve.
    pub(super) fn say_that_it_lingers(&mut self, instance: &InstanceId, group: &Group) {
        let others = || format!("not all others of {} serve yet", group.id);
        let why = (NoticeKind::Waiting, self.braked().unwrap_or_else(others));
        let line = self
            .round
            .desired
            .lines
            .of(&format!("{}.replicas", group.key()));
        self.stays_for_now(instance, why, None, line);
    }

    fn stays_for_now(
        &mut self,
        instance: &InstanceId,
        (kind, why): Obstacle,
        help: Option<String>,
        line: Option<Line>,
    ) {
        self.draft.notices.push(Notice {
            kind,
            subject: instance.to_string(),
            text: format!("it is not desired any more, and stays for now: {why}"),
            help,
            line,
        });
    }

    /// A VIP that is wanted still and that a surplus guest has or may have, with the load balancer that shall have it, where
    /// nobody of that one has it after this plan.
    fn vip_without_heir(&self, found: &Found<'_>) -> Option<(&'a Group, Ipv4Addr)> {
        if !self.may_serve(found) {
            return None;
        }
        let mut wanted = self.round.desired.load_balancers();
        let (group, lb) = wanted.find(|(group, lb)| {
            let has = match self.known_holder(group, lb) {
                Some(holder) => is_life(holder, found.mark),
                None => {
                    let may = self.is_gone(found) && !self.knows_life(found);
                    may && found.mark.port == lb.port
                }
            };
            has && self.lacks_holder(group)
        })?;
        Some((group, lb.vip.addr()))
    }

    /// Whether a guest that is not desired any more serves, as far as is known: nobody asks for its heartbeats.
    fn may_serve(&self, found: &Found<'_>) -> bool {
        let memory = self.round.memory.guests.get(&found.mark.instance);
        let well = memory.is_none_or(|m| m.healthy_since.is_some() && m.failing_since.is_none());
        well && found.mark.stage == Stage::Ready
    }

    fn is_gone(&self, found: &Found<'_>) -> bool {
        self.round.desired.group_of(&found.mark.instance).is_none()
    }

    /// The actions of this plan that change what load balancers do: a guest is only removed after all of them.
    fn rotations(&self) -> Vec<ActionId> {
        let is_balancer = |i: &InstanceId| {
            self.round.desired.groups.contains_key(&i.group) && !self.is_service(i)
        };
        self.draft
            .actions
            .iter()
            .filter(|a| a.operation.instance().is_some_and(is_balancer))
            .filter(|a| {
                matches!(
                    a.operation,
                    Operation::Configure(_) | Operation::AddVip(_) | Operation::DropVip(_)
                )
            })
            .map(|a| a.id)
            .collect()
    }

    fn retire(&mut self, found: &Found<'_>, stop_requests: &[ActionId]) {
        let instance = &found.mark.instance;
        let why = self.not_desired(instance);
        let ends = self.vip_given_up(instance);
        self.push_destroy(found, Motive::Change, why, stop_requests, ends);
    }

    /// Adds the action.
    pub(super) fn push_destroy(
        &mut self,
        found: &Found<'_>,
        motive: Motive,
        mut why: Reason,
        needs: &[ActionId],
        ends: Option<String>,
    ) -> ActionId {
        let instance = &found.mark.instance;
        let leaves = match machine::is_adopted(&found.mark.digest) {
            true => Leaves::ItsDomain,
            false => Leaves::Nothing,
        };
        let ours = leaves == Leaves::Nothing;
        let mut volumes = match ours {
            true => self.volumes_of(instance, found.host),
            false => Vec::new(),
        };
        let kept = self.kept_disk(found).filter(|_| ours);
        volumes.retain(|volume| kept.as_ref() != Some(volume));
        if !ours {
            why.text.push_str(STAYS_DEFINED);
        }
        if let Some(disk) = &kept {
            let _ = write!(
                why.text,
                "; it is stateful: its disk is kept as {disk}.kept"
            );
        }
        let operation = Operation::Destroy(Removal {
            host: found.host.clone(),
            instance: instance.clone(),
            domain: found.domain_name(),
            uuid: found.domain.uuid.clone(),
            generation: found.mark.generation.clone(),
            volumes,
            kept,
            leaves,
        });
        let summary = format!(
            "{instance} on host {} with {}",
            found.host, found.mark.address
        );
        let step = Step::new(motive, operation, summary, why)
            .needs(needs.iter().copied())
            .after(self.last.get(instance).copied())
            .ends(ends);
        let id = self.draft.push(step);
        self.last.insert(instance.clone(), id);
        id
    }

    /// The disk of a stateful guest, also of one whose group left the file.
    fn kept_disk(&self, found: &Found<'_>) -> Option<String> {
        let (desired, instance) = (self.round.desired, &found.mark.instance);
        let stateful = self.stateful(instance);
        let stateful = stateful.unwrap_or_else(|| machine::is_stateful(&found.mark.digest));
        // Nothing is on it before it was set up.
        let keeps = stateful && found.mark.stage == Stage::Ready;
        let host = desired.hosts.get(found.host).filter(|_| keeps)?;
        Some(machine::disk_of(desired, host, instance))
    }

    /// The VIP that goes for good with this guest.
    fn vip_given_up(&self, instance: &InstanceId) -> Option<String> {
        let memory = &self.round.memory;
        let mut held = memory
            .holders
            .values()
            .chain(memory.former_holders.values());
        let vip = held.find(|h| h.instance == *instance)?.vip?;
        let mut desired = self.round.desired.load_balancers();
        let wanted = desired.any(|(group, lb)| group.replicas > 0 && lb.vip.addr() == vip);
        (!wanted).then(|| format!("requests to {vip}"))
    }

    fn not_desired(&self, instance: &InstanceId) -> Reason {
        match self.round.desired.group_of(instance) {
            None => reason(
                ReasonCode::Surplus,
                format!("{} is not in the file any more", instance.group),
            ),
            Some(group) => {
                let line = self
                    .round
                    .desired
                    .lines
                    .of(&format!("{}.replicas", group.key()));
                let desired = group.replicas - group.extra;
                reason_at(ReasonCode::Surplus, format!("{desired} desired"), line)
            }
        }
    }

    fn sweep(&mut self) {
        let mut leftovers: BTreeMap<&HostId, Vec<(String, InstanceId)>> = BTreeMap::new();
        for (id, seen) in &self.round.observed.hosts {
            let (Some(facts), Some(host)) = (seen.facts(), self.round.desired.hosts.get(id)) else {
                continue;
            };
            let directory = volume_directory(self.round.desired, host);
            for name in facts.volumes.keys() {
                let stateful = |i: &InstanceId| self.stateful(i) == Some(true);
                let keeps = |i: &InstanceId| name.ends_with(DISK_ENDING) && stateful(i);
                let owner = owner(name).filter(|i| self.is_leftover(i, id) && !keeps(i));
                if let Some(instance) = owner {
                    leftovers
                        .entry(id)
                        .or_default()
                        .push((format!("{directory}/{name}"), instance));
                }
            }
        }
        for (host, mut files) in leftovers {
            files.retain(|(_, instance)| !self.hands_off_at(instance, host));
            if files.is_empty() {
                continue;
            }
            let domains = files
                .iter()
                .map(|(_, i)| DomainName::new(&self.round.desired.cluster, i))
                .collect();
            let summary = format!("{} files on host {host}", files.len());
            let volumes = files.into_iter().map(|(path, _)| path).collect();
            let operation = Operation::Sweep(Sweep {
                host: host.clone(),
                volumes,
                domains,
            });
            let why = reason(ReasonCode::Leftover, "they belong to no guest");
            self.draft.push(Step::heal(operation, summary, why));
        }
    }

    /// Whether the file says that an instance is stateful; none where it says nothing of it.
    fn stateful(&self, instance: &InstanceId) -> Option<bool> {
        let group = self.round.desired.group_of(instance);
        group.map(|group| group.stateful)
    }

    fn is_leftover(&self, instance: &InstanceId, host: &HostId) -> bool {
        let has_domain = self.round.inventory.is_on(instance, host);
        let is_placed = self.round.place(instance).is_some_and(|p| p.host == host);
        let is_busy = self
            .round
            .views
            .get(instance)
            .is_some_and(|v| v.state == State::Busy);
        // Of what an order leaves dead, the disk stays too.
        let is_left = self.kept_back.has(instance);
        !has_domain
            && !is_placed
            && !is_busy
            && !is_left
            && !self.round.memory.busy.contains_key(instance)
    }
}

/// The instance that a file in our directory belongs to; none for a file that is not of our making.
fn owner(name: &str) -> Option<InstanceId> {
    let (instance, ending) = name.rsplit_once('.')?;
    VOLUME_ENDINGS
        .contains(&ending)
        .then(|| instance.parse().ok())
        .flatten()
}
