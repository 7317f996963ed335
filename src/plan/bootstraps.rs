//! Bootstrap addresses: every fresh guest of an image has the same one, so only one of them may be there at a time.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::Planner;
use super::draft::{Step, reason_at};
use super::health::Health;
use super::refusal::confirm;
use super::round::{Round, State};
use crate::model::action::{Bootstrap, Operation};
use crate::model::desired::{Group, Image, Provision};
use crate::model::id::{DomainName, HostId, InstanceId};
use crate::model::mark::{Mark, Stage};
use crate::model::plan::{ActionId, Motive, Notice, NoticeKind, Reason, ReasonCode};
use crate::render;

/// Guests that are at a bootstrap address, or may be. At which is not asked: their image may be another one in the file
/// by now, or none.
#[derive(Debug, Default)]
pub struct Occupants {
    /// All of them; whoever gets its own address in this plan is none any more.
    there: BTreeSet<InstanceId>,
    /// Those of which a copy that is out of sight may be there: nobody can end it.
    hidden: BTreeSet<InstanceId>,
}

impl Occupants {
    /// As it is before the plan.
    pub fn present(round: &Round<'_>) -> Self {
        let running = round
            .inventory
            .all_found()
            .filter(|(f, _)| f.domain.run.is_some())
            .map(|(f, _)| f.mark);
        // Whoever was given up without evidence may come back with it.
        let hosts = &round.inventory.hosts;
        let hidden = round.inventory.all_out_of_sight();
        let hidden = hidden.filter(|(_, host, _)| !hosts.has_ended(host));
        let hidden = hidden.map(|(_, _, mark)| mark);
        let hidden = at_bootstrap(hidden);
        // One that is being built may not be seen yet.
        let busy = round.memory.busy.values();
        let built = busy.filter_map(|busy| busy.mark.as_ref());
        let mut there = at_bootstrap(running.chain(built));
        there.extend(hidden.iter().cloned());
        Occupants { there, hidden }
    }

    /// Somebody else than `instance`.
    fn other(&self, instance: &InstanceId) -> Option<&InstanceId> {
        self.there.iter().find(|i| *i != instance)
    }

    /// Whether `instance` is at a bootstrap address.
    fn has(&self, instance: &InstanceId) -> bool {
        self.there.contains(instance)
    }

    /// `instance` leaves its bootstrap address.
    fn leave(&mut self, instance: &InstanceId) {
        self.there.remove(instance);
    }
}

fn at_bootstrap<'m>(marks: impl Iterator<Item = &'m Mark>) -> BTreeSet<InstanceId> {
    let there = marks.filter(|mark| mark.stage == Stage::Bootstrap);
    there.map(|mark| mark.instance.clone()).collect()
}

impl<'a> Planner<'a> {
    /// Guests that are at a bootstrap address leave it before others come.
    pub(super) fn finish_bootstraps(&mut self) {
        let there: Vec<InstanceId> = self
            .round
            .views
            .iter()
            .filter(|(i, view)| {
                matches!(view.state, State::Live(Health::Booting { .. })) && self.occupants.has(i)
            })
            .map(|(instance, _)| instance.clone())
            .collect();
        for instance in there {
            self.finish(&instance);
        }
    }

    /// The instance itself, where a copy of it that is out of sight may still be at the bootstrap address.
    fn left_behind<'i>(&self, instance: &'i InstanceId) -> Option<&'i InstanceId> {
        let busy = self.round.memory.busy.contains_key(instance);
        (self.occupants.hidden.contains(instance) && !busy).then_some(instance)
    }

    /// Whether `instance` stands in the way of others.
    pub(super) fn occupies(&self, instance: &InstanceId) -> bool {
        self.occupants.has(instance)
    }

    /// Whether a guest of this image can be built now. If not, that is said.
    pub(super) fn may_bootstrap(&mut self, instance: &InstanceId, image: &Image) -> bool {
        let Provision::Ssh { bootstrap } = image.provision else {
            return true;
        };
        let other = self.occupants.other(instance);
        let other = other.or_else(|| self.left_behind(instance));
        let Some(other) = other else {
            return !self.may_be_unknown(instance, image, bootstrap);
        };
        let hidden = self.round.inventory.all_out_of_sight();
        let hidden = hidden
            .filter(|(i, ..)| *i == other)
            .map(|(_, host, _)| host);
        let hidden = hidden
            .last()
            .filter(|_| !self.round.memory.busy.contains_key(other));
        self.draft.notices.push(Notice {
            kind: match hidden {
                Some(_) => NoticeKind::Unknown,
                None => NoticeKind::Waiting,
            },
            subject: instance.to_string(),
            text: format!(
                "{other} has the bootstrap address {bootstrap} of its image, or may have it"
            ),
            help: hidden.map(confirm),
            line: self.round.desired.lines.of(&format!("images.{}", image.id)),
        });
        false
    }

    /// Whether somebody may be at the bootstrap address on a host that we don't know. That is said.
    fn may_be_unknown(&mut self, instance: &InstanceId, image: &Image, at: Ipv4Addr) -> bool {
        let Some(host) = self.round.inventory.unknown() else {
            return false;
        };
        self.draft.notices.push(Notice {
            kind: NoticeKind::Unknown,
            subject: instance.to_string(),
            text: format!(
                "a guest on {}, which can't be seen, may have the bootstrap address {at} of its image",
                self.round.inventory.words_of_unknown(host)
            ),
            help: Some(confirm(host)),
            line: self.round.desired.lines.of(&format!("images.{}", image.id)),
        });
        true
    }

    /// Gives a fresh guest its own address.
    pub(super) fn bootstrap(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        host: &HostId,
        mark: &Mark,
        (motive, why): (Motive, Reason),
    ) -> Option<ActionId> {
        let Provision::Ssh { bootstrap } = self.round.image(group)?.provision else {
            return None;
        };
        let context = self.round.context(instance, group, host, mark.address)?;
        let interfaces = match render::interfaces(self.round.desired, &context) {
            Ok(file) => file,
            Err(error) => {
                self.block(instance, error.to_string());
                return None;
            }
        };
        let ready = Mark {
            stage: Stage::Ready,
            ..mark.clone()
        };
        let operation = Operation::Bootstrap(Box::new(Bootstrap {
            guest: self.round.guest_ref(group, host, mark),
            network: self.round.guest_network(host, &self.mac_of(instance))?,
            bootstrap,
            domain: DomainName::new(&self.round.desired.cluster, instance),
            interfaces,
            mark: ready.clone(),
            grace: group.heartbeat.grace,
        }));
        let summary = format!("{instance} from {bootstrap} to {}", mark.address);
        let step = Step::new(motive, operation, summary, why)
            .needs(self.arrivals.get(instance).copied())
            .needs(self.bootstraps.get(&bootstrap).copied())
            .after(self.last.get(instance).copied());
        let id = self.draft.push(step);
        self.bootstraps.insert(bootstrap, id);
        self.occupants.leave(instance);
        self.arrivals.insert(instance.clone(), id);
        self.last.insert(instance.clone(), id);
        self.marks.insert(instance.clone(), (host.clone(), ready));
        Some(id)
    }

    /// Why a guest still has to be given its address.
    pub(super) fn unfinished_bootstrap() -> Reason {
        reason_at(
            ReasonCode::Unfinished,
            "it still has the bootstrap address of its image",
            None,
        )
    }
}
