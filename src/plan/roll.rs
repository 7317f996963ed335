//! Changes to guests that live. What interrupts is done in one row, instance after instance: out of rotation, changed,
//! well again, back. What interrupts nobody is done at once.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::Planner;
use super::build::Purpose;
use super::configure::Setup;
use super::draft::{Step, reason_at};
use super::drift::Drift;
use super::health::Health;
use super::inventory::Found;
use super::machine::{fingerprint, fingerprint_changes};
use super::rotation::is_routed;
use super::round::State;
use crate::model::action::{Operation, Rebind, SetMark};
use crate::model::desired::{Group, Role};
use crate::model::facts::Seen;
use crate::model::id::{DomainName, InstanceId};
use crate::model::mark::Mark;
use crate::model::plan::{ActionId, Motive, Notice, NoticeKind, Reason, ReasonCode};
use crate::render;

/// How long a guest takes from its destruction to its heartbeat: an assumption until it is measured.
const REBUILD: Duration = Duration::from_secs(30);
/// How long a process takes to start anew: an assumption until it is measured.
const RESTART: Duration = Duration::from_secs(3);
/// How long a guest keeps a new address without our word that it works.
const REBIND_FALLBACK: Duration = Duration::from_secs(20);
/// How long a guest that runs may take to let us in.
const REACH: Duration = Duration::from_secs(10);

/// What a living guest needs.
enum Need {
    /// Another machine.
    Rebuild(Reason),
    /// Another address.
    Rebind(Ipv4Addr, Reason),
    /// Its process started anew.
    Restart(Drift, Reason),
    /// Files, or a reload: nobody notices.
    Quiet(Drift, Reason),
    /// Its mark says that it moves, and it does not.
    Unmark,
}

impl Need {
    fn interrupts(&self) -> bool {
        match self {
            Need::Rebuild(_) | Need::Rebind(..) | Need::Restart(..) => true,
            Need::Quiet(..) | Need::Unmark => false,
        }
    }
}

impl<'a> Planner<'a> {
    /// Brings every living guest to what is desired.
    pub(super) fn roll_changes(&mut self) {
        let mut groups: Vec<&'a Group> = self.round.desired.groups.values().collect();
        groups.sort_by_key(|g| matches!(g.role, Role::LoadBalancer(_)));
        for group in groups {
            for instance in self.rolling_order(group) {
                self.roll_one(&instance, group);
            }
        }
    }

    /// The holder of a VIP is the last of its group, so that the VIP moves once.
    fn rolling_order(&self, group: &Group) -> Vec<InstanceId> {
        let holder = self.holders.get(&group.id);
        let mut order: Vec<InstanceId> =
            self.round.views_of(group).map(|(i, _)| i.clone()).collect();
        order.sort_by_key(|i| holder == Some(i));
        order
    }

    fn roll_one(&mut self, instance: &InstanceId, group: &'a Group) -> Option<()> {
        let view = self.round.views.get(instance)?;
        let found = view.found?;
        if view.state != State::Live(Health::Healthy) {
            return None;
        }
        let need = self.need(instance, group, &found)?;
        if need.interrupts() && self.must_wait(instance, group) {
            return None;
        }
        match need {
            Need::Quiet(drift, reason) => self.quietly(instance, group, &found, drift, reason),
            Need::Unmark => self.unmark(&found),
            Need::Rebuild(reason) => self.rebuild_in_row(instance, group, reason),
            Need::Rebind(to, reason) => self.rebind_in_row(instance, group, &found, to, reason),
            Need::Restart(drift, reason) => {
                self.restart_in_row(instance, group, &found, drift, reason)
            }
        }
    }

    /// Nothing is interrupted while work of an earlier plan is in hand (it may be the row of just this change), or
    /// while another instance of the group has yet to come up: the next round goes on.
    fn must_wait(&mut self, instance: &InstanceId, group: &'a Group) -> bool {
        let busy = self.round.memory.busy.keys().find(|i| *i != instance);
        let text = match (busy, self.not_up(instance, group)) {
            (Some(busy), _) => format!("its change waits for the work on {busy} to end"),
            (None, Some(other)) => format!("its change waits for {other} to come up"),
            (None, None) => return false,
        };
        self.draft.notices.push(Notice {
            kind: NoticeKind::Waiting,
            subject: instance.to_string(),
            text,
            help: None,
            line: self.round.desired.lines.of(&group.key()),
        });
        true
    }

    /// An instance of the group that does not serve, and that nothing in this plan brings up.
    fn not_up(&self, instance: &InstanceId, group: &Group) -> Option<InstanceId> {
        let mut others = self.round.views_of(group).filter(|(i, _)| *i != instance);
        let other = others.find(|(i, view)| match view.state {
            State::Live(Health::Booting { .. } | Health::Dead(_)) => !self.last.contains_key(*i),
            State::Live(Health::Healthy)
            | State::Busy
            | State::Absent
            | State::Hidden(..)
            | State::Perhaps(_) => false,
        });
        other.map(|(i, _)| i.clone())
    }

    fn need(&mut self, instance: &InstanceId, group: &'a Group, found: &Found<'_>) -> Option<Need> {
        if let Some(reason) = self.machine_change(group, found) {
            return Some(Need::Rebuild(reason));
        }
        let place = self.round.place(instance)?.clone();
        if place.address != found.mark.address {
            return Some(self.address_change(group, found, place.address));
        }
        if found.mark.moving_to.is_some() {
            return Some(Need::Unmark);
        }
        let config = self.config_of(instance, group, found.host, place.address)?;
        let Some(drift) = self.drift_of(instance, &config) else {
            self.cannot_look(instance);
            return None;
        };
        if drift.is_none() && found.mark.port == group.port() {
            self.draft.unchanged += 1;
            return None;
        }
        let reason = self.drift_reason(group, &drift);
        match (drift.interrupts(), &group.role) {
            (true, _) => Some(Need::Restart(drift, reason)),
            (false, Role::Service(_)) => Some(Need::Quiet(drift, reason)),
            // Its files follow the rotation, which is only complete at the end.
            (false, Role::LoadBalancer(_)) => None,
        }
    }

    fn machine_change(&self, group: &Group, found: &Found<'_>) -> Option<Reason> {
        let (host, _) = self.round.host(found.host)?;
        let wanted = fingerprint(self.round.desired, group, self.round.image(group)?, host);
        let changes = fingerprint_changes(&found.mark.digest, &wanted);
        let (first, ..) = changes.first()?;
        let words: Vec<String> = changes
            .iter()
            .map(|(key, old, new)| format!("{key} {old} → {new}"))
            .collect();
        let line = self
            .round
            .desired
            .lines
            .of(&format!("{}.{first}", group.key()));
        Some(reason_at(
            ReasonCode::MachineChanged,
            words.join(", "),
            line,
        ))
    }

    fn address_change(&self, group: &Group, found: &Found<'_>, to: Ipv4Addr) -> Need {
        let line = self
            .round
            .desired
            .lines
            .of(&format!("hosts.{}.pool", found.host));
        let text = format!(
            "{} is not in the pool of host {} any more",
            found.mark.address, found.host
        );
        let reason = reason_at(ReasonCode::AddressChanged, text, line);
        match self.round.image(group).is_some_and(|i| i.interfaces) {
            true => Need::Rebind(to, reason),
            false => Need::Rebuild(reason),
        }
    }

    fn drift_reason(&self, group: &Group, drift: &Drift) -> Reason {
        let line = self.round.desired.lines.of(&group.key());
        reason_at(
            ReasonCode::ConfigDrift,
            format!("differs: {}", drift.words()),
            line,
        )
    }

    fn cannot_look(&mut self, instance: &InstanceId) {
        let message = match self.round.observed.guests.get(instance) {
            Some(Seen::No(unseen)) => unseen.message.clone(),
            Some(Seen::Yes(_)) | None => "it was not asked".to_owned(),
        };
        self.draft.notices.push(Notice {
            kind: NoticeKind::Unknown,
            subject: instance.to_string(),
            text: format!("its heartbeat is good, but it can't be looked into: {message}"),
            help: Some("its files are left as they are until ssh to it works".to_owned()),
            line: None,
        });
    }

    fn quietly(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        found: &Found<'_>,
        drift: Drift,
        reason: Reason,
    ) -> Option<()> {
        let setup = self.setup(instance, group, found, drift, reason, Vec::new())?;
        self.push_configure(instance, group, found.host, found.mark, setup);
        Some(())
    }

    fn setup(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        found: &Found<'_>,
        drift: Drift,
        reason: Reason,
        needs: Vec<ActionId>,
    ) -> Option<Setup> {
        let restarts = drift.interrupts();
        Some(Setup {
            config: self.config_of(instance, group, found.host, found.mark.address)?,
            motive: self.drift_motive(instance),
            reason,
            needs,
            after: Vec::new(),
            summary: format!("{instance}: {}", drift.words()),
            changes: drift.changes,
            boot: REACH,
            must_live: restarts,
            interrupts: restarts
                .then(|| self.noticed(instance, group, RESTART))
                .flatten(),
        })
    }

    fn unmark(&mut self, found: &Found<'_>) -> Option<()> {
        let operation = Operation::SetMark(SetMark {
            host: found.host.clone(),
            domain: DomainName::new(&self.round.desired.cluster, &found.mark.instance),
            mark: Mark {
                moving_to: None,
                ..found.mark.clone()
            },
        });
        let summary = format!("{} stays at {}", found.mark.instance, found.mark.address);
        let why = reason_at(
            ReasonCode::Unfinished,
            "a change of its address was begun and is not wanted any more",
            None,
        );
        self.draft.push(Step::heal(operation, summary, why));
        Some(())
    }

    fn rebuild_in_row(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        reason: Reason,
    ) -> Option<()> {
        let needs = self.step_aside(instance, group, &reason);
        let interrupts = self.noticed(instance, group, REBUILD);
        let purpose = Purpose {
            motive: Motive::Change,
            reason,
            needs,
            after: Vec::new(),
            interrupts,
        };
        self.row = Some(self.build(instance, purpose)?);
        Some(())
    }

    fn restart_in_row(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        found: &Found<'_>,
        drift: Drift,
        reason: Reason,
    ) -> Option<()> {
        let needs = self.step_aside(instance, group, &reason);
        let setup = self.setup(instance, group, found, drift, reason, needs)?;
        self.row = Some(self.push_configure(instance, group, found.host, found.mark, setup));
        self.rotate_in(instance, group, found.mark.address);
        Some(())
    }

    fn rebind_in_row(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        found: &Found<'_>,
        to: Ipv4Addr,
        reason: Reason,
    ) -> Option<()> {
        let context = self.round.context(instance, group, found.host, to)?;
        let interfaces = match render::interfaces(self.round.desired, &context) {
            Ok(file) => file,
            Err(error) => {
                self.block(instance, error.to_string());
                return None;
            }
        };
        let needs = self.step_aside(instance, group, &reason);
        let mac = self.mac_of(instance, group, found.host)?;
        let operation = Operation::Rebind(Box::new(Rebind {
            guest: self.round.guest_ref(group, found.host, found.mark),
            domain: DomainName::new(&self.round.desired.cluster, instance),
            to,
            network: self.round.guest_network(found.host, &mac)?,
            interfaces,
            moving: Mark {
                moving_to: Some(to),
                ..found.mark.clone()
            },
            moved: Mark {
                address: to,
                moving_to: None,
                ..found.mark.clone()
            },
            fallback: REBIND_FALLBACK,
            healthy: (group.heartbeat.clone(), group.heartbeat.grace),
        }));
        let summary = format!("{instance} from {} to {to}", found.mark.address);
        let mut step = Step::change(operation, summary, reason.clone())
            .needs(needs)
            .after(self.last.get(instance).copied());
        if let Some((what, about)) = self.noticed(instance, group, RESTART) {
            step = step.interrupts(what, about);
        }
        let id = self.draft.push(step);
        self.last.insert(instance.clone(), id);
        self.row = Some(id);
        self.rotate_in(instance, group, to);
        self.follow_address(instance, group, found, to, id, reason)
    }

    /// After a change of address, files that name it follow.
    fn follow_address(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        found: &Found<'_>,
        to: Ipv4Addr,
        rebind: ActionId,
        reason: Reason,
    ) -> Option<()> {
        let config = self.config_of(instance, group, found.host, to)?;
        let mut drift = self.drift_of(instance, &config)?;
        drift
            .changes
            .retain(|c| c.path != "/etc/network/interfaces");
        if drift.is_none() || matches!(group.role, Role::LoadBalancer(_)) {
            return Some(());
        }
        let mark = Mark {
            address: to,
            ..found.mark.clone()
        };
        let moved = Found {
            mark: &mark,
            ..*found
        };
        let setup = self.setup(instance, group, &moved, drift, reason, vec![rebind])?;
        self.row = Some(self.push_configure(instance, group, found.host, &mark, setup));
        Some(())
    }

    /// Makes room before `instance` is taken out of service: it gets no requests, and no VIP, any more. Returns what
    /// the work on it needs.
    fn step_aside(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        reason: &Reason,
    ) -> Vec<ActionId> {
        let mut needs: Vec<ActionId> = self.row.into_iter().collect();
        let healed = self
            .last
            .iter()
            .filter(|(i, _)| i.group == group.id && *i != instance)
            .map(|(_, id)| *id);
        needs.extend(healed.collect::<Vec<_>>());
        needs.sort_unstable();
        needs.dedup();
        match &group.role {
            Role::Service(_)
                if self.others_live(instance, group)
                    && is_routed(self.round.desired, &group.id) =>
            {
                self.rotation.take_out(instance);
                let why = Reason {
                    text: format!("{instance} is worked on next: {}", reason.text),
                    ..reason.clone()
                };
                let rotated = self.rotate(&why, &needs);
                needs.extend(rotated);
            }
            Role::Service(_) => {}
            Role::LoadBalancer(lb) => needs.extend(self.hand_over_vip(instance, group, lb, &needs)),
        }
        needs
    }

    /// Whether another instance of the group serves meanwhile.
    pub(super) fn others_live(&self, instance: &InstanceId, group: &Group) -> bool {
        self.round.views_of(group).any(|(other, view)| {
            other != instance
                && (view.state == State::Live(Health::Healthy) || self.planned.contains_key(other))
        })
    }

    fn noticed(
        &self,
        instance: &InstanceId,
        group: &Group,
        about: Duration,
    ) -> Option<(String, Duration)> {
        (!self.others_live(instance, group)).then(|| {
            (
                format!("{} (its only instance that serves)", group.id),
                about,
            )
        })
    }
}
