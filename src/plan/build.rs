//! Building a guest: the rows of actions that lead from nothing (or from a dead guest) to a configured one.

use super::Planner;
use super::draft::Step;
use super::images::Supply;
use super::machine::{fingerprint, machine};
use crate::model::action::{Bootstrap, Build, Operation};
use crate::model::desired::{Group, Image, Provision};
use crate::model::facts::HostFacts;
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::{Mark, Stage};
use crate::model::plan::{ActionId, Motive, Notice, NoticeKind, Reason};
use crate::render;

/// What a build is for.
pub(super) struct Purpose {
    /// Heal or change.
    pub motive: Motive,
    /// Why.
    pub reason: Reason,
    /// What must have succeeded before.
    pub needs: Vec<ActionId>,
    /// What must have ended before.
    pub after: Vec<ActionId>,
    /// What users notice.
    pub interrupts: Option<(String, std::time::Duration)>,
}

impl<'a> Planner<'a> {
    /// Builds an instance at its place, makes it known under its address, and configures it. Returns the last action.
    pub(super) fn build(&mut self, instance: &InstanceId, purpose: Purpose) -> Option<ActionId> {
        let group = self.round.views.get(instance)?.group;
        let place = self.round.place(instance)?.clone();
        let (host, facts) = self.round.host(place.host)?;
        let image = self.round.image(group)?;
        let copy = match self.image_on(image, host, facts) {
            Supply::There => None,
            Supply::Copied(copy) => Some(copy),
            Supply::Impossible => return None,
        };
        let build = self.build_of(instance, group, image, place.host, facts)?;
        let (mark, mac) = (build.mark.clone(), build.machine.mac.clone());
        let domain = build.machine.domain.clone();

        let summary = format!("{instance} on host {} with {}", place.host, place.address);
        let (motive, why) = (purpose.motive, purpose.reason.clone());
        let operation = match build.replaces {
            None => Operation::Create(Box::new(build)),
            Some(_) => Operation::Recreate(Box::new(build)),
        };
        let mut step = Step::new(motive, operation, summary, purpose.reason)
            .needs(copy)
            .needs(purpose.needs)
            .after(purpose.after)
            .after(self.last.get(instance).copied());
        if let Provision::Ssh { bootstrap } = image.provision {
            step = step.after(self.bootstraps.get(&bootstrap).copied());
        }
        if let Some((what, about)) = purpose.interrupts {
            step = step.interrupts(what, about);
        }
        let mut last = self.draft.push(step);
        if mark.stage == Stage::Bootstrap {
            last = self.bootstrap(
                instance,
                group,
                place.host,
                &mark,
                &mac,
                domain,
                vec![last],
                (motive, why.clone()),
            )?;
        }
        self.last.insert(instance.clone(), last);
        self.planned.remove(instance);
        self.configure_fresh(instance, group, place.host, &mark, vec![last], motive)
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
        let machine = machine(desired, group, image, host, facts, instance);
        let mark = Mark {
            cluster: desired.cluster.clone(),
            instance: instance.clone(),
            address,
            moving_to: None,
            port: group.port(),
            digest: fingerprint(desired, group, image, host),
            generation: format!("{instance}-{:x}", self.round.observed.now.0),
            stage: match image.provision {
                Provision::CloudInit => Stage::Ready,
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
        let found = self.round.views.get(instance)?.found;
        let replaces = found
            .filter(|f| f.host == host_id)
            .map(|f| f.mark.generation.clone());
        Some(Build {
            host: host_id.clone(),
            machine,
            mark,
            xml,
            seed,
            replaces,
        })
    }

    /// Gives a fresh guest its own address.
    #[allow(clippy::too_many_arguments)] // each one is a fact of the guest; a struct would be used once
    pub(super) fn bootstrap(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        host: &HostId,
        mark: &Mark,
        mac: &str,
        domain: crate::model::id::DomainName,
        needs: Vec<ActionId>,
        (motive, why): (Motive, Reason),
    ) -> Option<ActionId> {
        let Provision::Ssh { bootstrap } = self.round.image(group)?.provision else {
            return needs.last().copied();
        };
        let context = self.round.context(instance, group, host, mark.address)?;
        let interfaces = match render::interfaces(self.round.desired, &context) {
            Ok(file) => file,
            Err(error) => {
                self.block(instance, error.to_string());
                return None;
            }
        };
        let operation = Operation::Bootstrap(Box::new(Bootstrap {
            guest: self.round.guest_ref(group, host, mark),
            network: self.round.guest_network(host, mac)?,
            bootstrap,
            domain,
            interfaces,
            mark: Mark {
                stage: Stage::Ready,
                ..mark.clone()
            },
            grace: group.heartbeat.grace,
        }));
        let summary = format!("{instance} from {bootstrap} to {}", mark.address);
        let step = Step::new(motive, operation, summary, why)
            .needs(needs)
            .after(self.bootstraps.get(&bootstrap).copied());
        let id = self.draft.push(step);
        self.bootstraps.insert(bootstrap, id);
        Some(id)
    }

    /// Says that something can't be done to an instance.
    pub(super) fn block(&mut self, instance: &InstanceId, text: String) {
        let line = self
            .round
            .views
            .get(instance)
            .and_then(|v| self.round.desired.lines.of(&v.group.key()));
        self.draft.notices.push(Notice {
            kind: NoticeKind::Blocked,
            subject: instance.to_string(),
            text,
            help: None,
            line,
        });
    }
}
