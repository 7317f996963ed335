//! The row: what takes an instance out of service is done to one after the other. Out of rotation, changed, well
//! again, back.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use super::Planner;
use super::build::Purpose;
use super::configure::AS_IT_IS;
use super::draft::Step;
use super::drift::Drift;
use super::gap::Gap;
use super::health::Health;
use super::inventory::Found;
use super::rotation::is_routed;
use super::round::State;
use crate::model::action::{GuestConfig, Operation, Rebind};
use crate::model::desired::{Group, Role};
use crate::model::id::InstanceId;
use crate::model::mark::Mark;
use crate::model::plan::{ActionId, Motive, Reason};
use crate::render;

/// How long a guest keeps a new address without our word that it works.
const REBIND_FALLBACK: Duration = Duration::from_secs(20);

impl<'a> Planner<'a> {
    pub(super) fn rebuild_in_row(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        reason: Reason,
    ) -> Option<()> {
        let prepared = self.prepare(instance)?;
        // Nobody is taken out of rotation while an image is still on its way.
        let needs = self.step_aside(instance, group, (Motive::Change, &reason), prepared.copy);
        let interrupts = self.noticed(instance, group, Gap::Rebuild);
        let purpose = Purpose {
            motive: Motive::Change,
            reason,
            needs,
            interrupts,
        };
        let end = self.carry_on(instance, prepared, purpose)?;
        self.back_in_row(instance, group, self.round.place(instance)?.address, end);
        Some(())
    }

    pub(super) fn restart_in_row(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        found: &Found<'_>,
        config: Arc<GuestConfig>,
        drift: Drift,
    ) -> Option<()> {
        let motive = self.drift_motive(instance);
        let reason = self.drift_reason(group, &drift, motive);
        let needs = self.step_aside(instance, group, (motive, &reason), None);
        let setup = self.setup(instance, group, config, drift, needs);
        let end = self.push_configure(instance, group, found.host, found.mark, setup);
        self.back_in_row(instance, group, found.mark.address, end);
        Some(())
    }

    /// The work on an instance is done: it is in service again, and the next one may follow.
    pub(super) fn back_in_row(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        address: Ipv4Addr,
        end: ActionId,
    ) {
        self.row = Some(end);
        self.rotate_in(instance, group, address);
    }

    pub(super) fn rebind_in_row(
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
        let network = self
            .round
            .guest_network(found.host, &self.mac_of(instance))?;
        let needs = self.step_aside(instance, group, (Motive::Change, &reason), None);
        let moved = Mark {
            address: to,
            moving_to: None,
            ..found.mark.clone()
        };
        let path = interfaces.path.clone();
        let operation = Operation::Rebind(Box::new(Rebind {
            guest: self.round.guest_ref(group, found.host, found.mark),
            domain: found.domain_name(),
            to,
            network,
            interfaces,
            moving: Mark {
                moving_to: Some(to),
                ..found.mark.clone()
            },
            moved: moved.clone(),
            fallback: REBIND_FALLBACK,
            healthy: (group.heartbeat_of(found.mark.port), group.heartbeat.grace),
        }));
        let summary = format!("{instance} from {} to {to}", found.mark.address);
        let step = Step::change(operation, summary, reason)
            .needs(needs)
            .interrupts(self.noticed(instance, group, Gap::Rebind))
            .after(self.last.get(instance).copied());
        let id = self.draft.push(step);
        self.last.insert(instance.clone(), id);
        self.arrivals.insert(instance.clone(), id);
        self.renumbered.insert(instance.clone(), path);
        self.marks
            .insert(instance.clone(), (found.host.clone(), moved.clone()));
        self.follow_address(
            instance,
            group,
            Found {
                mark: &moved,
                ..*found
            },
            id,
        )
    }

    /// After a change of address, files that name it follow.
    fn follow_address(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        moved: Found<'_>,
        rebind: ActionId,
    ) -> Option<()> {
        let address = moved.mark.address;
        self.back_in_row(instance, group, address, rebind);
        let (config, drift) = self.fitting(instance, group, moved.host, address, &AS_IT_IS)?;
        if drift.is_none() || (matches!(group.role, Role::LoadBalancer(_)) && !drift.interrupts()) {
            return Some(());
        }
        let setup = self.setup(instance, group, config, drift, Vec::new());
        let end = self.push_configure(instance, group, moved.host, moved.mark, setup);
        self.back_in_row(instance, group, address, end);
        Some(())
    }

    /// Makes room before `instance` is taken out of service: it gets no requests, and no VIP, any more. Returns what
    /// the work on it needs.
    pub(super) fn step_aside(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        (motive, reason): (Motive, &Reason),
        copy: Option<ActionId>,
    ) -> Vec<ActionId> {
        let mut needs: Vec<ActionId> = self.row.into_iter().chain(copy).collect();
        if self.in_row.insert(group.id.clone()) {
            let heals = self
                .last
                .iter()
                .filter(|(i, _)| i.group == group.id && *i != instance);
            needs.extend(heals.map(|(_, id)| *id));
        }
        match &group.role {
            Role::Service(_)
                if self.others_live(instance, group)
                    && is_routed(self.round.desired, &group.id) =>
            {
                self.rotation.rely_on(&group.id);
                self.rotation.take_out(instance);
                let why = Reason {
                    text: format!("{instance} is worked on next: {}", reason.text),
                    ..reason.clone()
                };
                let told = self.rotate(motive, &why, &needs);
                either(told, needs)
            }
            Role::Service(_) => needs,
            Role::LoadBalancer(lb) => {
                either(self.hand_over_vip(instance, group, lb, &needs), needs)
            }
        }
    }

    /// Whether another instance of the group serves meanwhile.
    pub(super) fn others_live(&self, instance: &InstanceId, group: &Group) -> bool {
        self.round.views_of(group).any(|(other, view)| {
            other != instance
                && (view.state == State::Live(Health::Healthy) || self.planned.contains_key(other))
        })
    }
}

/// What was done to make room needs all that had to come before, so that need not be said again.
fn either(room: Vec<ActionId>, needs: Vec<ActionId>) -> Vec<ActionId> {
    if room.is_empty() { needs } else { room }
}
