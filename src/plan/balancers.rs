//! Telling the load balancers where to send requests, at every point of the plan where that changes.

use std::collections::BTreeSet;

use super::Planner;
use super::configure::{AS_IT_IS, EDITED, REACH, Setup};
use super::draft::reason_at;
use super::health::Health;
use super::hold::Hold;
use super::refusal::Refusal;
use super::rotation::Trust;
use super::round::{State, View};
use crate::model::desired::{Group, LoadBalancer, Role};
use crate::model::id::InstanceId;
use crate::model::plan::{ActionId, Motive, NoticeKind, Reason, ReasonCode};

/// Why something has to wait, and whether that is a matter of time or of sight.
pub(super) type Obstacle = (NoticeKind, String);

impl<'a> Planner<'a> {
    /// Brings every load balancer that lives to the rotation at this point of the plan.
    pub(super) fn rotate(
        &mut self,
        motive: Motive,
        why: &Reason,
        needs: &[ActionId],
    ) -> Vec<ActionId> {
        let balancers = self.living_balancers();
        let told = balancers.into_iter().filter_map(|(instance, group, lb)| {
            if !needs.is_empty() {
                self.tell_of_edits(&instance, group, lb);
            }
            self.rotate_one(&instance, group, (motive, why.clone()), needs, &AS_IT_IS)
        });
        told.collect::<Vec<_>>()
    }

    fn living_balancers(&self) -> Vec<(InstanceId, &'a Group, &'a LoadBalancer)> {
        let balancer = |view: &View<'a>| match &view.group.role {
            Role::LoadBalancer(lb) => Some((view.group, lb)),
            Role::Service(_) => None,
        };
        self.round
            .views
            .iter()
            .filter(|(instance, view)| self.lives_now(instance, &view.state))
            .filter_map(|(instance, view)| {
                balancer(view).map(|(group, lb)| (instance.clone(), group, lb))
            })
            .collect()
    }

    /// Whether an instance lives at this point of the plan.
    fn lives_now(&self, instance: &InstanceId, state: &State<'_>) -> bool {
        match state {
            State::Live(Health::Healthy) => true,
            State::Live(Health::Booting { .. } | Health::Dead(_))
            | State::Absent
            | State::Lost(..) => self.planned.contains_key(instance),
            State::Busy | State::Hidden(..) | State::Perhaps(_) => false,
        }
    }

    /// Tells one load balancer, where that interrupts nobody.
    pub(super) fn rotate_one(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        (motive, reason): (Motive, Reason),
        needs: &[ActionId],
        trusts: &[Trust],
    ) -> Option<ActionId> {
        let (host, mark) = self.present_mark(instance)?;
        let (config, drift) = self.fitting(instance, group, &host, mark.address, trusts)?;
        let as_marked = mark.port == group.port();
        if drift.is_none() && as_marked || drift.interrupts() {
            return None; // a restart is a change of its own, in the row
        }
        if self.hands_off_routes(instance, group) {
            return None;
        }
        let reason = match drift.is_none() {
            true => self.drift_reason(group, &drift, motive),
            false => reason,
        };
        let setup = Setup {
            config,
            motive,
            reason,
            needs: needs.to_vec(),
            after: Vec::new(),
            summary: format!("{instance}: {}", drift.words()),
            starts: drift.starts(),
            changes: drift.changes,
            boot: REACH,
            must_live: false,
            interrupts: None,
        };
        Some(self.push_configure(instance, group, &host, &mark, setup))
    }

    /// The last step that makes all load balancers send requests to all instances: first what is certain, then, once
    /// they are well, those that this plan makes well.
    pub(super) fn send_requests_to_all(&mut self) {
        for (instance, group, lb) in self.living_balancers() {
            let promises = self.rotation.promises(lb);
            let certain: BTreeSet<ActionId> = self
                .row
                .into_iter()
                .chain(self.before_rotation.iter().copied())
                .collect();
            if !certain.is_empty() || !promises.is_empty() {
                self.tell_of_edits(&instance, group, lb);
            }
            if promises.is_empty() || !self.rotation.only_news(lb) {
                self.rotate_last(&instance, group, &certain, &AS_IT_IS);
            }
            if !promises.is_empty() {
                let all = certain.union(&promises).copied().collect();
                self.rotate_last(&instance, group, &all, &[Trust::Everyone, Trust::Promised]);
            }
        }
    }

    /// What the file asks of a load balancer itself waits for no instance, as long as somebody serves behind each of its
    /// routes.
    fn tell_of_edits(&mut self, instance: &InstanceId, group: &'a Group, lb: &LoadBalancer) {
        // Asked for every instance in the row: what costs most is asked last.
        let motive = self.drift_motive(instance);
        let may = !self.planned.contains_key(instance) && motive == Motive::Change;
        if !may || !self.differs_by_itself(instance, motive) || !self.first_rotation.serves(lb) {
            return;
        }
        let line = self.round.desired.lines.of(&group.key());
        let why = reason_at(ReasonCode::ConfigDrift, EDITED, line);
        let last = std::mem::replace(&mut self.rotation, self.first_rotation.clone());
        self.rotate_one(instance, group, (motive, why), &[], &AS_IT_IS);
        self.rotation = last;
    }

    fn rotate_last(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        needs: &BTreeSet<ActionId>,
        trusts: &[Trust],
    ) {
        let motive = match self.row {
            Some(row) => self.motive_of(row),
            None => self.drift_motive(instance),
        };
        let line = self.round.desired.lines.of(&group.key());
        // What is done in this plan is the nearest reason.
        let by_itself = needs.is_empty() && self.differs_by_itself(instance, motive);
        if motive == Motive::Heal && by_itself && self.goes_in_circles(instance, group) {
            return;
        }
        let why = match (motive, by_itself) {
            (_, false) => reason_at(
                ReasonCode::RoutesChanged,
                "the instances behind it changed",
                line,
            ),
            (Motive::Heal, true) => reason_at(
                ReasonCode::ConfigDrift,
                "its files are not as they should be",
                line,
            ),
            (Motive::Change | Motive::Move, true) => {
                reason_at(ReasonCode::ConfigDrift, EDITED, line)
            }
        };
        let needs: Vec<ActionId> = needs.iter().copied().collect();
        self.rotate_one(instance, group, (motive, why), &needs, trusts);
    }

    fn motive_of(&self, id: ActionId) -> Motive {
        self.draft.action(id).map_or(Motive::Change, |a| a.motive)
    }

    /// Why requests to a service can't be led elsewhere now: a load balancer that may have its requests can't be told.
    pub(super) fn untold(&mut self, service: &Group) -> Option<Obstacle> {
        if let Some(known) = self.untold.get(&service.id) {
            return known.clone();
        }
        let obstacle = self.find_untold(service);
        self.untold.insert(service.id.clone(), obstacle.clone());
        obstacle
    }

    fn find_untold(&mut self, service: &Group) -> Option<Obstacle> {
        let balancers: Vec<_> = self.round.desired.load_balancers().collect();
        for (group, lb) in balancers
            .into_iter()
            .filter(|(_, lb)| lb.routes_to(&service.id))
        {
            let views: Vec<(InstanceId, View<'a>)> = self
                .round
                .views_of(group)
                .map(|(i, v)| (i.clone(), v.clone()))
                .collect();
            for (instance, view) in views {
                if let Some(obstacle) = self.why_untold(&instance, &view, group, lb) {
                    return Some(obstacle);
                }
            }
            // Its place was taken, but for the VIP: requests may still go through it.
            if let Some((instance, why)) = self.unseen_holder(group, lb) {
                return Some(cannot_be_told(&instance, lb, &why));
            }
        }
        None
    }

    fn why_untold(
        &mut self,
        instance: &InstanceId,
        view: &View<'a>,
        group: &'a Group,
        lb: &LoadBalancer,
    ) -> Option<Obstacle> {
        match &view.state {
            State::Busy => Some((
                NoticeKind::Waiting,
                format!("{instance} is being worked on"),
            )),
            State::Absent | State::Live(Health::Booting { .. } | Health::Dead(_)) => None,
            State::Hidden(..) | State::Lost(..) | State::Perhaps(_) => {
                match self.hold(instance, group, lb) {
                    Hold::Perhaps(why) => Some(cannot_be_told(instance, lb, &why)),
                    Hold::Yes | Hold::No | Hold::Fenceable => None,
                }
            }
            State::Live(Health::Healthy) => {
                let left = self.round.left_by(instance);
                if let Some(left) = left.filter(|_| !self.may_be_told(instance, group)) {
                    let why = format!("{instance} sends requests to it, and {}", left.words());
                    return Some((NoticeKind::Waiting, why));
                }
                let (host, mark) = self.present_mark(instance)?;
                match self.fitting(instance, group, &host, mark.address, &AS_IT_IS) {
                    None => Some((
                        NoticeKind::Unknown,
                        format!("{instance} sends requests to it and can't be told"),
                    )),
                    Some((_, drift)) if drift.interrupts() => Some((
                        NoticeKind::Waiting,
                        format!("{instance} must be restarted first"),
                    )),
                    Some(_) => None,
                }
            }
        }
    }
}

fn cannot_be_told(instance: &InstanceId, lb: &LoadBalancer, why: &Refusal) -> Obstacle {
    let (vip, why) = (lb.vip.addr(), &why.text);
    let text = format!("{instance} may hold {vip} and can't be told of it: {why}");
    (NoticeKind::Unknown, text)
}
