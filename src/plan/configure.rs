//! Bringing a guest's files and process to what is desired, and the load balancers to the rotation.

use std::sync::Arc;
use std::time::Duration;

use super::Planner;
use super::draft::{Step, reason, reason_at};
use super::drift::{self, Drift};
use super::health::Health;
use super::machine::machine;
use super::queries::usual_config;
use super::round::State;
use crate::model::action::{Configure, GuestConfig, Operation, SetMark};
use crate::model::desired::{Group, Role};
use crate::model::facts::GuestFacts;
use crate::model::id::{DomainName, HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::plan::{ActionId, FileChange, Motive, Notice, NoticeKind, Reason, ReasonCode};

/// How long a guest that runs may take to let us in.
const REACH: Duration = Duration::from_secs(10);

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
    pub interrupts: Option<(String, Duration)>,
}

impl<'a> Planner<'a> {
    /// The configuration of a guest at this point of the plan, at the place that `mark` says.
    pub(super) fn config_of(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        host: &HostId,
        address: std::net::Ipv4Addr,
    ) -> Option<Arc<GuestConfig>> {
        let upstreams = match &group.role {
            Role::Service(_) => Vec::new(),
            Role::LoadBalancer(lb) => match self.rotation.upstreams(lb) {
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

    /// The first configuration of a guest that was just built, or that never came that far.
    pub(super) fn configure_fresh(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        host: &HostId,
        mark: &Mark,
        needs: Vec<ActionId>,
        motive: Motive,
    ) -> Option<ActionId> {
        let config = self.config_of(instance, group, host, mark.address)?;
        let fresh = drift::of_facts(
            &GuestFacts::default(),
            &config,
            None,
            &self.round.desired.secrets,
        );
        let summary = format!("{instance}: {}", fresh.words());
        let setup = Setup {
            config,
            motive,
            reason: reason(ReasonCode::Fresh, "it has no configuration yet"),
            needs,
            after: Vec::new(),
            changes: fresh.changes,
            summary,
            boot: group.heartbeat.grace,
            must_live: true,
            interrupts: None,
        };
        self.rotate_in(instance, group, mark.address);
        Some(self.push_configure(instance, group, host, mark, setup))
    }

    /// From here on, requests may go to the instance at its desired port and this address.
    pub(super) fn rotate_in(
        &mut self,
        instance: &InstanceId,
        group: &Group,
        address: std::net::Ipv4Addr,
    ) {
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
        let port_moved = mark.port != group.port();
        let new_mark = port_moved.then(|| SetMark {
            host: host.clone(),
            domain: DomainName::new(&self.round.desired.cluster, instance),
            mark: Mark {
                port: group.port(),
                stage: crate::model::mark::Stage::Ready,
                ..mark.clone()
            },
        });
        let operation = Operation::Configure(Box::new(Configure {
            guest: self.round.guest_ref(group, host, mark),
            config: (*setup.config).clone(),
            boot: setup.boot,
            healthy: setup
                .must_live
                .then(|| (group.heartbeat.clone(), group.heartbeat.grace)),
            mark: new_mark,
        }));
        let mut step = Step::new(setup.motive, operation, setup.summary, setup.reason)
            .needs(setup.needs)
            .after(setup.after)
            .after(self.last.get(instance).copied())
            .changes(setup.changes);
        if let Some((what, about)) = setup.interrupts {
            step = step.interrupts(what, about);
        }
        let id = self.draft.push(step);
        self.last.insert(instance.clone(), id);
        self.planned.insert(instance.clone(), setup.config);
        id
    }

    /// What differs on a guest that can be looked into; none where it can't.
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
        let view = self.round.views.get(instance)?;
        let found = view.found?;
        let usual = usual_config(
            &self.round,
            &self.before,
            view.group,
            found.host,
            found.mark,
        );
        let usual = usual.and_then(Result::ok);
        Some(drift::of_facts(facts, config, usual.as_deref(), secrets))
    }

    /// Whether the file or reality made a guest differ: what was last applied there tells.
    pub(super) fn drift_motive(&self, instance: &InstanceId) -> Motive {
        let remembered = self.round.memory.guests.get(instance);
        match remembered.and_then(|m| m.revision.as_ref()) {
            Some(applied) if *applied == self.round.desired.revision => Motive::Heal,
            Some(_) | None => Motive::Change,
        }
    }

    /// Brings every load balancer that lives to the rotation at this point of the plan. What it adds must come after
    /// everything that was done so far to the instances it names.
    pub(super) fn rotate(&mut self, why: &Reason, needs: &[ActionId]) -> Vec<ActionId> {
        let balancers: Vec<_> = self.living_balancers();
        let mut ids = Vec::new();
        for (instance, group) in balancers {
            ids.extend(self.rotate_one(&instance, group, why, needs));
        }
        ids
    }

    fn living_balancers(&self) -> Vec<(InstanceId, &'a Group)> {
        let lives = |instance: &InstanceId, state: &State<'_>| match state {
            State::Live(Health::Healthy) => true,
            State::Live(Health::Booting { .. } | Health::Dead(_)) | State::Absent => {
                self.planned.contains_key(instance)
            }
            State::Busy | State::Hidden(..) | State::Perhaps(_) => false,
        };
        self.round
            .views
            .iter()
            .filter(|(instance, view)| {
                matches!(view.group.role, Role::LoadBalancer(_)) && lives(instance, &view.state)
            })
            .map(|(instance, view)| (instance.clone(), view.group))
            .collect()
    }

    fn rotate_one(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        why: &Reason,
        needs: &[ActionId],
    ) -> Option<ActionId> {
        let (host, mark) = self.present_mark(instance)?;
        let config = self.config_of(instance, group, &host, mark.address)?;
        let drift = self.drift_of(instance, &config)?;
        if drift.is_none() || drift.interrupts() {
            return None; // a restart is a change of its own, in the row
        }
        let setup = Setup {
            config,
            motive: if why.code == ReasonCode::ConfigDrift {
                self.drift_motive(instance)
            } else {
                Motive::Change
            },
            reason: why.clone(),
            needs: needs.to_vec(),
            after: Vec::new(),
            summary: format!("{instance}: {}", drift.words()),
            changes: drift.changes,
            boot: REACH,
            must_live: false,
            interrupts: None,
        };
        Some(self.push_configure(instance, group, &host, &mark, setup))
    }

    /// The mark that a guest has at this point of the plan, with its host.
    pub(super) fn present_mark(&self, instance: &InstanceId) -> Option<(HostId, Mark)> {
        let built = self
            .draft
            .actions
            .iter()
            .rev()
            .find_map(|action| match &action.operation {
                Operation::Create(build) | Operation::Recreate(build)
                    if build.mark.instance == *instance =>
                {
                    Some((build.host.clone(), build.mark.clone()))
                }
                Operation::Rebind(rebind) if rebind.guest.instance == *instance => {
                    Some((rebind.guest.host.clone(), rebind.moved.clone()))
                }
                Operation::Configure(configure) if configure.guest.instance == *instance => {
                    let mark = configure.mark.as_ref()?;
                    Some((mark.host.clone(), mark.mark.clone()))
                }
                _ => None,
            });
        let found = || {
            self.round
                .views
                .get(instance)?
                .found
                .map(|f| (f.host.clone(), f.mark.clone()))
        };
        built.or_else(found)
    }

    /// The last step that makes all load balancers send requests to all instances.
    pub(super) fn send_requests_to_all(&mut self) {
        let desired: std::collections::BTreeSet<InstanceId> =
            self.round.desired.instances().map(|(i, _)| i).collect();
        self.rotation.retain(|instance| desired.contains(instance));
        let built: Vec<ActionId> = self
            .last
            .iter()
            .filter(|(i, _)| self.is_service(i))
            .map(|(_, id)| *id)
            .collect();
        let line = None;
        let why = reason_at(
            ReasonCode::RoutesChanged,
            "the instances behind it or its own files changed",
            line,
        );
        let before = self.draft.actions.len();
        self.rotate(&why, &[]);
        for action in self.draft.actions.iter_mut().skip(before) {
            action.after.extend(
                built
                    .iter()
                    .copied()
                    .filter(|id| !action.needs.contains(id)),
            );
        }
    }

    pub(super) fn is_service(&self, instance: &InstanceId) -> bool {
        let group = self.round.desired.group_of(instance);
        group.is_some_and(|g| matches!(g.role, Role::Service(_)))
    }

    /// The hardware address of an instance's guest on `host`.
    pub(super) fn mac_of(
        &self,
        instance: &InstanceId,
        group: &Group,
        host: &HostId,
    ) -> Option<String> {
        let (host, facts) = self.round.host(host)?;
        let image = self.round.image(group)?;
        Some(machine(self.round.desired, group, image, host, facts, instance).mac)
    }
}
