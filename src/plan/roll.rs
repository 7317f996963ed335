//! Changes to guests that live. What interrupts is done in one row, instance after instance: out of rotation, changed,
//! well again, back. What interrupts nobody is done at once.

use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::Arc;

use super::Planner;
use super::balancers::Obstacle;
use super::configure::{AS_IT_IS, REACH, Setup};
use super::draft::{Step, reason_at};
use super::drift::Drift;
use super::gap::Gap;
use super::health::Health;
use super::inventory::Found;
use super::machine::{fingerprint_changes, flags_changed, is_same_machine, like};
use super::need::Need;
use super::rotation::is_routed;
use super::round::State;
use crate::model::action::{GuestConfig, Operation, SetMark};
use crate::model::desired::{Group, Role};
use crate::model::facts::Seen;
use crate::model::id::InstanceId;
use crate::model::mark::{Mark, Stage};
use crate::model::plan::{ActionId, Motive, Notice, NoticeKind, Reason, ReasonCode};

impl<'a> Planner<'a> {
    /// Brings every living instance of these groups to what is desired.
    pub(super) fn roll(&mut self, which: fn(&Group) -> bool) {
        let groups = self.round.desired.groups.values();
        for group in groups.filter(|group| which(group)) {
            for instance in self.rolling_order(group) {
                if group.lingers(instance.index) {
                    self.say_that_it_lingers(&instance, group);
                    continue;
                }
                self.roll_one(&instance, group);
            }
        }
    }

    /// Whose process does not run is the first of its group: the others can't be spared before. The holder of a VIP is the
    /// last, so that the VIP moves once.
    fn rolling_order(&self, group: &Group) -> Vec<InstanceId> {
        let holder = self.holders.get(&group.id);
        let mut order: Vec<InstanceId> =
            self.round.views_of(group).map(|(i, _)| i.clone()).collect();
        order.sort_by_key(|i| (!self.is_stopped(i), holder == Some(i)));
        order
    }

    fn roll_one(&mut self, instance: &InstanceId, group: &'a Group) -> Option<()> {
        let view = self.round.views.get(instance)?;
        let found = view.found?;
        match &view.state {
            State::Live(Health::Healthy) => {}
            State::Live(Health::Booting { .. }) => return self.later(instance, group, &found),
            State::Live(Health::Dead(_))
            | State::Busy
            | State::Absent
            | State::Hidden(..)
            | State::Lost(..)
            | State::Perhaps(_) => return None,
        }
        let need = self.need(instance, group, &found)?;
        if self.hands_off(instance) {
            return None;
        }
        if let (Need::Rebind(to, _), Some(host)) = (&need, self.round.inventory.unknown()) {
            // A pool may be another host's by now; who is out of sight knows nothing of that.
            let hosts = self.round.inventory.words_of_unknown(host);
            let why = format!("{hosts} can't be seen, and a guest there may have {to}");
            self.say_later(instance, group, (NoticeKind::Unknown, why));
            return None;
        }
        let mends = need.changes_files() && self.drift_motive(instance) == Motive::Heal;
        if mends && self.goes_in_circles(instance, group) {
            return None;
        }
        if need.interrupts() && self.must_wait(instance, group) {
            return None;
        }
        match need {
            Need::Quiet(config, drift) => self.quietly(instance, group, &found, config, drift),
            Need::Mark(mark) => self.mark_anew(&found, mark),
            Need::Move(motive, reason) => {
                self.relocate_in_row(instance, group, &found, (motive, reason))
            }
            Need::Yield(reason) => self.yield_in_row(instance, group, &found, reason),
            Need::Rebuild(reason) => self.rebuild_in_row(instance, group, reason),
            Need::Rebind(to, reason) => self.rebind_in_row(instance, group, &found, to, reason),
            Need::Restart(config, drift) => {
                self.restart_in_row(instance, group, &found, config, drift)
            }
        }
    }

    /// A guest that is still coming up is set up first as it is.
    fn later(&mut self, instance: &InstanceId, group: &'a Group, found: &Found<'_>) -> Option<()> {
        let rebuilt = self.arrivals.contains_key(instance) && found.mark.stage == Stage::Ready;
        let moves = self.round.place(instance)?.address != found.mark.address;
        let changes = moves || self.machine_change(group, found).is_some();
        if changes && !rebuilt {
            let why = (NoticeKind::Waiting, "it has to come up first".to_owned());
            self.say_later(instance, group, why);
        }
        None
    }

    /// Whether `instance` must be left in service for now. That is said; the next round goes on.
    fn must_wait(&mut self, instance: &InstanceId, group: &'a Group) -> bool {
        let Some((kind, why)) = self.obstacle(instance, group) else {
            return false;
        };
        self.say_later(instance, group, (kind, why));
        true
    }

    fn say_later(&mut self, instance: &InstanceId, group: &Group, (kind, why): Obstacle) {
        let stands = match kind {
            NoticeKind::Blocked => "is held back",
            NoticeKind::Unknown | NoticeKind::Waiting | NoticeKind::Warning => "waits",
        };
        self.draft.notices.push(Notice {
            kind,
            subject: instance.to_string(),
            text: format!("its change {stands}: {why}"),
            help: None,
            line: self.round.desired.lines.of(&group.key()),
        });
    }

    /// Why an instance may not be taken out of service now. Work of an earlier plan may be the row of just this change;
    /// another one of its group may be out already; or requests can't be led elsewhere.
    fn obstacle(&mut self, instance: &InstanceId, group: &'a Group) -> Option<Obstacle> {
        if let Some(why) = self.braked() {
            return Some((NoticeKind::Waiting, why));
        }
        let halted = self.halted(instance, group);
        if halted.is_some() {
            return halted;
        }
        let mut busy = self.round.memory.busy.keys();
        if let Some(busy) = busy.find(|i| *i != instance) {
            return Some((NoticeKind::Waiting, format!("{busy} is being worked on")));
        }
        if let Some(why) = self.over_budget(instance, group) {
            return Some(why);
        }
        match &group.role {
            Role::Service(_) if is_routed(self.round.desired, &group.id) => self.untold(group),
            Role::Service(_) => None,
            Role::LoadBalancer(lb) => {
                if let Some(vip) = self.vip_of_another(instance, group) {
                    let why = format!("it gives {vip} to another load balancer first");
                    return Some((NoticeKind::Waiting, why));
                }
                let left = self.heirs_are_left(instance, group);
                let left = left.map(|why| (NoticeKind::Waiting, why));
                let away = self.holder_out_of_sight(group, lb);
                away.or(left)
                    .or_else(|| self.has_no_heir(instance, group, lb))
            }
        }
    }

    /// What it needs, if its domain is ours.
    pub(super) fn need_of_ours(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        found: &Found<'_>,
    ) -> Option<Need> {
        let place = self.round.place(instance).cloned();
        let leaves = place.as_ref().and_then(|p| self.relocation(group, p));
        if let Some((motive, reason)) = leaves {
            return Some(Need::Move(motive, reason));
        }
        if let Some(reason) = self.yields(instance, group) {
            return Some(Need::Yield(reason));
        }
        let wanted = self.built_otherwise(group, found);
        let change = wanted
            .as_deref()
            .and_then(|wanted| self.rebuilt(group, found, wanted));
        if let Some(reason) = change {
            return Some(Need::Rebuild(reason));
        }
        let place = place?;
        if place.address != found.mark.address {
            return Some(self.address_change(group, found, place.address));
        }
        // Nothing of it has to be rebuilt, though its mark says something else of its machine than the file does.
        let digest = wanted.filter(|wanted| is_same_machine(&found.mark.digest, wanted));
        if found.mark.moving_to.is_some() || digest.is_some() {
            return Some(Need::Mark(Mark {
                moving_to: None,
                digest: digest.map_or_else(|| found.mark.digest.clone(), |d| d.to_string()),
                ..found.mark.clone()
            }));
        }
        if self.round.facts(instance).is_none() {
            self.cannot_look(instance);
            return None;
        }
        let (config, drift) =
            self.fitting(instance, group, found.host, place.address, &AS_IT_IS)?;
        if drift.is_none() && found.mark.port == group.port() {
            self.draft.unchanged += 1;
            return None;
        }
        match (drift.interrupts(), &group.role) {
            (true, _) => Some(Need::Restart(config, drift)),
            (false, Role::Service(_)) => Some(Need::Quiet(config, drift)),
            // Its files follow the rotation, which is only complete at the end.
            (false, Role::LoadBalancer(_)) => None,
        }
    }

    pub(super) fn machine_change(&mut self, group: &'a Group, found: &Found<'_>) -> Option<Reason> {
        let wanted = self.built_otherwise(group, found)?;
        self.rebuilt(group, found, &wanted)
    }

    /// Why a guest is rebuilt from what is `wanted`.
    fn rebuilt(&mut self, group: &Group, found: &Found<'_>, wanted: &str) -> Option<Reason> {
        let changes = fingerprint_changes(&found.mark.digest, wanted);
        let (first, ..) = changes.first()?;
        if group.stateful && changes.iter().any(|(key, ..)| key == "image") {
            self.say_disk_has_its_image(group, found);
            return None;
        }
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

    fn say_disk_has_its_image(&mut self, group: &Group, found: &Found<'_>) {
        self.draft.notices.push(Notice {
            kind: NoticeKind::Blocked,
            subject: found.mark.instance.to_string(),
            text: "it should get another image; but it is stateful, and its disk is made from the old one".to_owned(),
            help: Some(format!(
                "update it from within; or make another service with the new image, move the data, and remove {}",
                group.id
            )),
            line: self.round.desired.lines.of(&format!("{}.image", group.key())),
        });
    }

    /// What it would be built from by now, where that is not what its mark says.
    fn built_otherwise(&mut self, group: &'a Group, found: &Found<'_>) -> Option<Rc<str>> {
        let (host, _) = self.round.host(found.host)?;
        let wanted = self.fingerprint_of(&found.mark.instance, group, host)?;
        let wanted = like(&found.mark.digest, wanted);
        (*wanted != *found.mark.digest).then_some(wanted)
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

    fn cannot_look(&mut self, instance: &InstanceId) {
        let message = match self.round.observed.guests.get(instance) {
            Some(Seen::No(unseen)) => unseen.message.clone(),
            Some(Seen::Yes(_)) | None => "it was not asked".to_owned(),
        };
        let beat = self.round.beat(instance);
        let (text, until) = match beat.map_or(0, |beat| beat.failures) {
            0 => (
                format!("its heartbeat is good, but it can't be looked into: {message}"),
                "ssh to it works",
            ),
            1 => (
                "a heartbeat is missing, not enough to call it dead".to_owned(),
                "its heartbeat is back",
            ),
            missing => (
                format!("{missing} heartbeats are missing, not enough to call it dead"),
                "its heartbeat is back",
            ),
        };
        self.draft.notices.push(Notice {
            kind: NoticeKind::Unknown,
            subject: instance.to_string(),
            text,
            help: Some(format!("its files are left as they are until {until}")),
            line: None,
        });
    }

    pub(super) fn quietly(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        found: &Found<'_>,
        config: Arc<GuestConfig>,
        drift: Drift,
    ) -> Option<()> {
        if drift.starts() && self.ended_again(instance) {
            return None;
        }
        let setup = self.setup(instance, group, config, drift, Vec::new());
        let id = self.push_configure(instance, group, found.host, found.mark, setup);
        if found.mark.port != group.port() {
            self.rotate_in(instance, group, found.mark.address);
            self.before_rotation.insert(id);
        }
        Some(())
    }

    /// A configuration of a guest that lives.
    pub(super) fn setup(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        config: Arc<GuestConfig>,
        drift: Drift,
        needs: Vec<ActionId>,
    ) -> Setup {
        let restarts = drift.interrupts();
        let motive = self.drift_motive(instance);
        Setup {
            config,
            motive,
            reason: self.drift_reason(group, &drift, motive),
            needs,
            after: Vec::new(),
            summary: format!("{instance}: {}", drift.words()),
            starts: drift.starts(),
            changes: drift.changes,
            boot: REACH,
            must_live: restarts,
            interrupts: restarts
                .then(|| self.noticed(instance, group, Gap::Restart))
                .flatten(),
        }
    }

    fn mark_anew(&mut self, found: &Found<'_>, mark: Mark) -> Option<()> {
        let instance = &found.mark.instance;
        let operation = Operation::SetMark(SetMark {
            host: found.host.clone(),
            domain: found.domain_name(),
            mark: mark.clone(),
        });
        let (motive, summary, text) = match found.mark.moving_to {
            Some(_) => (
                Motive::Heal,
                format!("{instance} stays at {}", mark.address),
                "a change of its address was begun and is not wanted any more",
            ),
            None => (
                Motive::Change,
                format!(
                    "{instance}: {}",
                    flags_changed(&found.mark.digest, &mark.digest)
                ),
                "its mark says what the file said before",
            ),
        };
        let why = reason_at(ReasonCode::Unfinished, text, None);
        let step = Step::new(motive, operation, summary, why);
        let step = step.after(self.last.get(instance).copied());
        let id = self.draft.push(step);
        self.last.insert(instance.clone(), id);
        self.marks
            .insert(instance.clone(), (found.host.clone(), mark));
        Some(())
    }
}
