//! Building a guest: the rows of actions that lead from nothing (or from a dead guest) to a configured one.

use super::Planner;
use super::draft::Step;
use super::images::Supply;
use super::machine::{has_disk, kept_disk, machine, with_image_of};
use super::rotation::Trust;
use crate::model::action::{Build, FormerDisk, Operation};
use crate::model::desired::{Group, Image, Provision};
use crate::model::facts::HostFacts;
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::{Mark, Stage};
use crate::model::memory::HostMemory;
use crate::model::plan::{ActionId, Interruption, Motive, Notice, NoticeKind, Reason};
use crate::model::unit::span;
use crate::render;

/// What a build is for.
pub(super) struct Purpose {
    /// Heal or change.
    pub motive: Motive,
    /// Why.
    pub reason: Reason,
    /// What must have succeeded before.
    pub needs: Vec<ActionId>,
    /// What users notice.
    pub interrupts: Option<Interruption>,
}

/// A build of which nothing is in the plan yet but the copy of its image: all that could stand in its way was
/// looked at.
pub(super) struct Prepared<'a> {
    pub(super) group: &'a Group,
    pub(super) image: &'a Image,
    pub(super) build: Build,
    /// The copy of its image that it needs.
    pub copy: Option<ActionId>,
    /// That an old disk is used again, in words.
    pub(super) old_disk: Option<String>,
}

impl<'a> Planner<'a> {
    /// Builds an instance at its place, makes it known under its address, and configures it. Returns the last action.
    pub(super) fn build(&mut self, instance: &InstanceId, purpose: Purpose) -> Option<ActionId> {
        if !self.is_adopted(instance) && self.round.place(instance)?.moves.is_some() {
            self.say_move(instance);
            return None;
        }
        let prepared = self.prepare(instance)?;
        self.carry_on(instance, prepared, purpose)
    }

    /// Finds out whether an instance can be built. If not, that is said.
    pub(super) fn prepare(&mut self, instance: &InstanceId) -> Option<Prepared<'a>> {
        if self.is_adopted(instance) {
            return self.prepare_as_it_is(instance);
        }
        let group = self.round.views.get(instance)?.group;
        let place = self.round.place(instance)?.clone();
        let (host, facts) = self.round.host(place.host)?;
        let image = self.round.image(group)?;
        if !self.may_bootstrap(instance, image) {
            return None;
        }
        self.config_of(instance, group, place.host, place.address, Trust::Everyone)?;
        let build = self.build_of(instance, group, image, place.host, facts)?;
        let copy = match self.image_on(image, host, facts) {
            Supply::There => None,
            Supply::Copied(copy) => Some(copy),
            Supply::Impossible => return None,
        };
        let old_disk = self.old_disk(instance, &build, facts);
        let old_disk = old_disk.or_else(|| self.disk_of_earlier_life(instance, &build));
        Some(Prepared {
            group,
            image,
            build,
            copy,
            old_disk,
        })
    }

    /// Adds the actions of a build.
    pub(super) fn carry_on(
        &mut self,
        instance: &InstanceId,
        prepared: Prepared<'a>,
        purpose: Purpose,
    ) -> Option<ActionId> {
        let Prepared {
            group,
            image,
            build,
            copy,
            old_disk,
        } = prepared;
        let mut purpose = purpose;
        purpose.reason.text += old_disk.as_deref().unwrap_or_default();
        let (host, mark) = (build.host.clone(), build.mark.clone());
        let summary = format!("{instance} on host {host} with {}", mark.address);
        let (motive, why) = (purpose.motive, purpose.reason.clone());
        let operation = match build.replaces {
            None => Operation::Create(Box::new(build)),
            Some(_) => Operation::Recreate(Box::new(build)),
        };
        let mut step = Step::new(motive, operation, summary, purpose.reason)
            .needs(copy)
            .needs(purpose.needs)
            .interrupts(purpose.interrupts)
            .after(self.last.get(instance).copied());
        if let Provision::Ssh { bootstrap } = image.provision {
            step = step.needs(self.bootstraps.get(&bootstrap).copied());
        }
        let id = self.draft.push(step);
        self.arrivals.insert(instance.clone(), id);
        self.last.insert(instance.clone(), id);
        self.marks
            .insert(instance.clone(), (host.clone(), mark.clone()));
        self.planned.remove(instance);
        if mark.stage == Stage::Bootstrap {
            self.bootstrap(instance, group, &host, &mark, (motive, why))?;
        }
        let why = (motive, self.fresh_reason());
        self.configure_fresh(instance, group, &host, &mark, why)
    }

    /// What is stateful goes on with a disk that it had on this host some time ago: how old that is must be known.
    fn old_disk(&self, instance: &InstanceId, build: &Build, facts: &HostFacts) -> Option<String> {
        let used = build.machine.former_disk == FormerDisk::Used && build.replaces.is_none();
        let written = kept_disk(facts, instance).filter(|_| used)?;
        let ago = span(self.round.observed.now.since(written));
        Some(format!(
            "; it goes on with the disk that it left on host {}, last written {ago} ago",
            build.host
        ))
    }

    /// A copy that came back may be older than the last life, which was lost with its host: so is what is on its disk.
    fn disk_of_earlier_life(&self, instance: &InstanceId, build: &Build) -> Option<String> {
        let memory = self.round.memory;
        let last = memory.guests.get(instance)?.built.as_ref()?;
        let used = build.machine.former_disk == FormerDisk::Used;
        build
            .replaces
            .as_ref()
            .filter(|life| used && *life != last)?;
        let had = |host: &HostMemory| {
            let mark = host.guests.get(instance);
            mark.is_some_and(|mark| mark.generation == *last)
        };
        let lost = memory.hosts.iter().find(|(_, host)| had(host));
        let lost = lost.map(|(host, _)| format!(": what its last one wrote stays on host {host}"));
        Some(format!(
            "; it goes on with the disk of an earlier life on host {}{}",
            build.host,
            lost.unwrap_or_default()
        ))
    }

    fn build_of(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        image: &'a Image,
        host_id: &HostId,
        facts: &HostFacts,
    ) -> Option<Build> {
        let desired = self.round.desired;
        let host = desired.hosts.get(host_id)?;
        let address = self.round.place(instance)?.address;
        let found = self.round.views.get(instance)?.found;
        let before = found.filter(|f| f.host == host_id).map(|f| f.mark);
        let sized = self.sized(instance, group);
        let mut machine = machine(desired, &sized, image, host, facts, instance);
        machine.former_disk = former_disk(group, image, before);
        if before.is_some() && machine.former_disk == FormerDisk::Used && !has_disk(facts, instance)
        {
            // That is said of all whose disks are elsewhere.
            return None;
        }
        let wanted = self.fingerprint_of(instance, group, host)?;
        let digest = match before.filter(|_| machine.former_disk == FormerDisk::Used) {
            Some(before) => with_image_of(&before.digest, &wanted),
            None => wanted.to_string(),
        };
        let mark = Mark {
            cluster: desired.cluster.clone(),
            instance: instance.clone(),
            address,
            moving_to: None,
            port: group.port(),
            digest,
            generation: format!("{instance}-{:x}", self.round.observed.now.0),
            stage: match image.provision {
                Provision::CloudInit => Stage::Ready,
                // A disk that was set up before boots with its own address.
                Provision::Ssh { .. } if machine.former_disk == FormerDisk::Used => Stage::Ready,
                Provision::Ssh { .. } => Stage::Bootstrap,
            },
        };
        let xml = match render::domain_xml(desired, &machine, &mark) {
            Ok(xml) => xml,
            Err(error) => {
                self.block(instance, error.to_string());
                return None;
            }
        };
        let context = self.round.context(instance, group, host_id, address)?;
        let seed = machine
            .seed
            .is_some()
            .then(|| render::seed(desired, &context, &machine, &mark));
        let replaces = before.map(|mark| mark.generation.clone());
        Some(Build {
            host: host_id.clone(),
            machine,
            mark,
            xml,
            seed,
            replaces,
        })
    }

    /// Says that an instance belongs on another host, and is moved when it is well: a second copy must never run.
    fn say_move(&mut self, instance: &InstanceId) {
        let place = self.round.place(instance);
        let Some((place, moves)) = place.and_then(|p| Some((p, p.moves.as_ref()?))) else {
            return;
        };
        let notice = Notice {
            kind: NoticeKind::Waiting,
            subject: instance.to_string(),
            text: format!("it moves to host {}: {}", place.host, moves.text),
            help: None,
            line: self.round.desired.line_of(instance),
        };
        self.draft.notices.push(notice);
    }

    /// Says that something can't be done to an instance.
    pub(super) fn block(&mut self, instance: &InstanceId, text: String) {
        let line = self.round.desired.line_of(instance);
        self.draft.notices.push(Notice {
            kind: NoticeKind::Blocked,
            subject: instance.to_string(),
            text,
            help: None,
            line,
        });
    }
}

/// What becomes of the disk of an earlier life, which has `before` as its mark where it is still there. One that was set
/// up over ssh boots with the address that it had: it is used only by the guest that has it still.
fn former_disk(group: &Group, image: &Image, before: Option<&Mark>) -> FormerDisk {
    match (image.provision, before.map(|mark| mark.stage)) {
        _ if !group.stateful => FormerDisk::Replaced,
        (Provision::CloudInit, _) | (Provision::Ssh { .. }, Some(Stage::Ready)) => FormerDisk::Used,
        // Nothing was ever on it.
        (Provision::Ssh { .. }, Some(Stage::Bootstrap)) => FormerDisk::Replaced,
        (Provision::Ssh { .. }, None) => FormerDisk::PutAside,
    }
}
