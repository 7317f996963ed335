//! Bringing a guest's files and process to what is desired.

use std::cell::LazyCell;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use super::Planner;
use super::draft::{Step, reason, reason_at};
use super::drift::{self, Drift};
use super::machine::mac_of;
use super::queries;
use super::rotation::Trust;
use crate::model::action::{Configure, GuestConfig, Operation, SetMark};
use crate::model::desired::{Group, Role};
use crate::model::facts::GuestFacts;
use crate::model::id::{HostId, InstanceId};
use crate::model::mark::{Mark, Stage};
use crate::model::plan::{
    ActionId, FileChange, Interruption, Motive, Notice, NoticeKind, Reason, ReasonCode,
};

/// How long a guest that runs may take to let us in.
pub(super) const REACH: Duration = Duration::from_secs(10);

/// A load balancer is left alone where it differs only in how it lists instances that are in doubt.
pub(super) const AS_IT_IS: [Trust; 2] = [Trust::Everyone, Trust::Proven];

/// Why a guest is configured anew whose file was edited.
pub(super) const EDITED: &str = "the file asks for another configuration";

/// One configuration to be pushed onto the plan.
pub(super) struct Setup {
    pub config: Arc<GuestConfig>,
    pub motive: Motive,
    pub reason: Reason,
    pub needs: Vec<ActionId>,
    pub after: Vec<ActionId>,
    pub changes: Vec<FileChange>,
    pub summary: String,
    /// How long its sshd may take.
    pub boot: Duration,
    /// Whether its heartbeat must come afterwards.
    pub must_live: bool,
    /// Whether its process, which does not run, is started.
    pub starts: bool,
    pub interrupts: Option<Interruption>,
}

impl<'a> Planner<'a> {
    /// The configuration of a guest at this point of the plan, at this address.
    pub(super) fn config_of(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        host: &HostId,
        address: Ipv4Addr,
        trust: Trust,
    ) -> Option<Arc<GuestConfig>> {
        let upstreams = match &group.role {
            Role::Service(_) => Vec::new(),
            Role::LoadBalancer(lb) => match self.rotation.upstreams(lb, trust) {
                Ok(upstreams) => upstreams,
                Err(hidden) => {
                    let text =
                        format!("its routes lead to {hidden}, whose address can't be known now");
                    self.unknown(instance, group, text);
                    return None;
                }
            },
        };
        match self
            .round
            .config(instance, group, host, address, &upstreams)?
        {
            Ok(config) => Some(config),
            Err(error) => {
                self.block(instance, error.to_string());
                None
            }
        }
    }

    fn unknown(&mut self, instance: &InstanceId, group: &Group, text: String) {
        self.draft.notices.push(Notice {
            kind: NoticeKind::Unknown,
            subject: instance.to_string(),
            text,
            help: None,
            line: self.round.desired.lines.of(&group.key()),
        });
    }

    /// The first of the configurations by `trusts` that the guest has already, else the last of them; with what
    /// differs. None where the guest can't be looked into.
    pub(super) fn fitting(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        host: &HostId,
        address: Ipv4Addr,
        trusts: &[Trust],
    ) -> Option<(Arc<GuestConfig>, Drift)> {
        let mut last = None;
        for trust in trusts {
            let config = self.config_of(instance, group, host, address, *trust)?;
            let drift = self.drift_of(instance, &config)?;
            let fits = drift.is_none();
            last = Some((config, drift));
            if fits {
                break;
            }
        }
        last
    }

    /// What differs on a guest at this point of the plan; none where it can't be looked into.
    pub(super) fn drift_of(
        &mut self,
        instance: &InstanceId,
        config: &GuestConfig,
    ) -> Option<Drift> {
        let secrets = &self.round.desired.secrets;
        if let Some(planned) = self.planned.get(instance) {
            return Some(drift::of_planned(planned, config, secrets));
        }
        let facts = self.round.facts(instance)?;
        let asked = LazyCell::new(|| self.asked(instance));
        let mut drift = drift::of_facts(facts, || asked.as_deref(), config, secrets);
        // A change of address brings its own file along.
        if let Some(path) = self.renumbered.get(instance) {
            drift.changes.retain(|c| c.path != *path);
        }
        Some(drift)
    }

    fn asked(&self, instance: &InstanceId) -> Option<Arc<GuestConfig>> {
        let view = self.round.views.get(instance)?;
        let found = view.found?;
        queries::asked(
            &self.round,
            &self.first_rotation,
            view.group,
            found.host,
            found.mark,
        )
    }

    /// Whether a load balancer has other files than it should, whatever this plan does to those behind it.
    pub(super) fn differs_by_itself(&self, instance: &InstanceId, motive: Motive) -> bool {
        let (Some(facts), Some(asked)) = (self.round.facts(instance), self.asked(instance)) else {
            return false;
        };
        let drift = drift::of_facts(facts, || Some(&*asked), &asked, &self.round.desired.secrets);
        let moved_on = motive == Motive::Heal && drift::is_as_we_left_it(facts, &asked, &drift);
        !drift.is_none() && !moved_on
    }

    /// The first configuration of a guest that was just built. Of the files that its former life had too, it is told
    /// what differs.
    pub(super) fn configure_fresh(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        host: &HostId,
        mark: &Mark,
        why: (Motive, Reason),
    ) -> Option<ActionId> {
        let config = self.config_of(instance, group, host, mark.address, Trust::Everyone)?;
        let secrets = &self.round.desired.secrets;
        let mut fresh = drift::of_facts(&GuestFacts::default(), || None, &config, secrets);
        if let Some(facts) = self.round.facts(instance) {
            let asked = LazyCell::new(|| self.asked(instance));
            let former = drift::of_facts(facts, || asked.as_deref(), &config, secrets);
            fresh.tell_as(former);
        }
        Some(self.set_up(instance, group, (host, mark), (config, fresh), why))
    }

    /// Configures a guest that does not serve yet, and waits until it does.
    pub(super) fn set_up(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        (host, mark): (&HostId, &Mark),
        (config, drift): (Arc<GuestConfig>, Drift),
        (motive, reason): (Motive, Reason),
    ) -> ActionId {
        let setup = Setup {
            config,
            motive,
            reason,
            needs: Vec::new(),
            after: Vec::new(),
            summary: format!("{instance}: {}", drift.words()),
            starts: drift.starts(),
            changes: drift.changes,
            boot: group.heartbeat.grace,
            must_live: true,
            interrupts: None,
        };
        let id = self.push_configure(instance, group, host, mark, setup);
        if let Role::Service(service) = &group.role {
            let known = self.is_known(instance);
            self.rotation
                .promise(instance, mark.address, service.port, known, id);
        }
        id
    }

    /// Whether an instance exists, or was tried before.
    fn is_known(&self, instance: &InstanceId) -> bool {
        let exists = self
            .round
            .views
            .get(instance)
            .is_some_and(|v| v.found.is_some());
        exists
            || self
                .round
                .memory
                .guests
                .get(instance)
                .is_some_and(|m| !m.trials.is_empty())
    }

    /// From here on, requests may go to the instance at its desired port and this address.
    pub(super) fn rotate_in(&mut self, instance: &InstanceId, group: &Group, address: Ipv4Addr) {
        if let Role::Service(service) = &group.role {
            self.rotation.put(instance, address, service.port);
        }
    }

    /// Adds the action.
    pub(super) fn push_configure(
        &mut self,
        instance: &InstanceId,
        group: &Group,
        host: &HostId,
        mark: &Mark,
        setup: Setup,
    ) -> ActionId {
        let new_mark = Mark {
            port: group.port(),
            stage: Stage::Ready,
            ..mark.clone()
        };
        let set_mark = (mark.port != group.port()).then(|| SetMark {
            host: host.clone(),
            domain: self.domain_name(instance, mark),
            mark: new_mark.clone(),
        });
        let operation = Operation::Configure(Box::new(Configure {
            guest: self.round.guest_ref(group, host, mark),
            config: Arc::clone(&setup.config),
            boot: setup.boot,
            healthy: setup
                .must_live
                .then(|| (group.heartbeat.clone(), group.heartbeat.grace)),
            starts: setup.starts,
            mark: set_mark,
        }));
        let last = self.last.get(instance).copied();
        // Where the plan brings the guest to its address, nothing reaches it before.
        let arrived = last.filter(|_| self.arrivals.contains_key(instance));
        let step = Step::new(setup.motive, operation, setup.summary, setup.reason)
            .needs(setup.needs)
            .needs(arrived)
            .after(setup.after)
            .after(last)
            .changes(setup.changes)
            .interrupts(setup.interrupts);
        let id = self.draft.push(step);
        self.last.insert(instance.clone(), id);
        self.planned.insert(instance.clone(), setup.config);
        self.marks
            .insert(instance.clone(), (host.clone(), new_mark));
        id
    }

    /// Whether the file or reality made a guest differ: what was last applied there tells.
    pub(super) fn drift_motive(&self, instance: &InstanceId) -> Motive {
        let remembered = self.round.memory.guests.get(instance);
        match remembered.and_then(|m| m.revision.as_ref()) {
            Some(applied) if *applied == self.round.desired.revision => Motive::Heal,
            Some(_) | None => Motive::Change,
        }
    }

    /// Why a guest's files or process are worked on.
    pub(super) fn drift_reason(&self, group: &Group, drift: &Drift, motive: Motive) -> Reason {
        let line = self.round.desired.lines.of(&group.key());
        if drift.is_none() {
            let text = "it is set up, and its mark does not say so yet";
            return reason_at(ReasonCode::Unfinished, text, line);
        }
        let text = match motive {
            Motive::Heal if drift.restart && !drift.running => "its process does not run",
            Motive::Heal => "it was changed on the guest",
            Motive::Change | Motive::Move => EDITED,
        };
        reason_at(ReasonCode::ConfigDrift, text, line)
    }

    /// Why a guest is configured that never was.
    pub(super) fn fresh_reason(&self) -> Reason {
        reason(ReasonCode::Fresh, "it has no configuration yet")
    }

    /// The mark that a guest has at this point of the plan, with its host.
    pub(super) fn present_mark(&self, instance: &InstanceId) -> Option<(HostId, Mark)> {
        let found = || {
            self.round
                .views
                .get(instance)?
                .found
                .map(|f| (f.host.clone(), f.mark.clone()))
        };
        self.marks.get(instance).cloned().or_else(found)
    }

    pub(super) fn is_service(&self, instance: &InstanceId) -> bool {
        let group = self.round.desired.group_of(instance);
        group.is_some_and(|g| matches!(g.role, Role::Service(_)))
    }

    /// The hardware address of an instance.
    pub(super) fn mac_of(&self, instance: &InstanceId) -> String {
        mac_of(&self.round.desired.cluster, instance)
    }
}
