//! How far a state of the file reaches: what of that which is there it changes, whether or not it could be done now. What
//! can't be looked into may be touched.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::super::Planner;
use super::super::configure::AS_IT_IS;
use super::super::machine;
use super::super::need::Need;
use super::super::round::{State, View};
use super::named;
use crate::model::desired::{Group, Role};
use crate::model::gate::Class;
use crate::model::id::{GroupId, HostId, InstanceId};
use crate::model::mark::Mark;
use crate::model::plan::ReasonCode;

/// What is changed.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Instances that are there and go on, with how far it reaches for each.
    pub touched: BTreeMap<InstanceId, Touch>,
    /// Instances that come.
    pub comes: usize,
    /// Instances that are there.
    pub all: usize,
    /// Of these, those that go for good.
    pub goes: BTreeSet<InstanceId>,
    /// The groups of these that the file has protected, and does not have any more.
    pub protected: BTreeSet<GroupId>,
    /// VIPs that go for good.
    pub vips: BTreeSet<Ipv4Addr>,
}

/// How far it reaches for one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Touch {
    pub class: Class,
    /// Whether that is certain: it could be looked into.
    pub sure: bool,
}

/// What can't be looked into may have to start anew.
const PERHAPS: Touch = Touch {
    class: Class::Restart,
    sure: false,
};

impl Touch {
    fn sure(class: Class) -> Touch {
        Touch { class, sure: true }
    }
}

impl Reach {
    /// Whether it changes nothing.
    pub fn is_nothing(&self) -> bool {
        let stays = self.touched.is_empty() && self.comes == 0;
        stays && self.goes.is_empty() && self.vips.is_empty()
    }

    /// The farthest of all.
    pub fn class(&self) -> Class {
        let touched = self.touched.values().map(|touch| touch.class);
        let ends = !self.goes.is_empty() || !self.vips.is_empty();
        let ends = ends.then_some(Class::Destroy);
        touched.chain(ends).max().unwrap_or(Class::None)
    }
}

impl Reach {
    /// In words, with those for whom it reaches as far as `class`.
    pub fn told(&self, class: Class) -> String {
        let of_class = self.touched.iter();
        let of_class = of_class.filter(|(_, touch)| touch.class == class && class > Class::None);
        let (sure, unsure): (Vec<_>, Vec<_>) = of_class.partition(|(_, touch)| touch.sure);
        let names = |them: &[(&InstanceId, &Touch)]| named(them.iter().map(|(i, _)| *i));
        match (sure.is_empty(), unsure.is_empty()) {
            (false, _) => format!("it reaches as far as `{class}` ({})", names(&sure)),
            (true, false) => format!(
                "it may reach as far as `{class}`: {} can't be looked into now",
                names(&unsure)
            ),
            (true, true) => format!("it reaches as far as `{class}`"),
        }
    }
}

impl<'a> Planner<'a> {
    /// How far the state of the file reaches.
    pub(super) fn reach(&mut self) -> Reach {
        let mut reach = Reach {
            vips: self.vips_given_up(),
            ..Reach::default()
        };
        self.count_what_is_there(&mut reach);
        for (instance, view) in self.round.views.clone() {
            if self.round.is_no_target(&instance, None) {
                continue;
            }
            match &view.state {
                State::Absent | State::Lost(..) => reach.comes += 1,
                State::Live(_) | State::Busy | State::Hidden(..) | State::Perhaps(_) => {
                    let touch = self.touch(&instance, &view);
                    reach.touched.extend(touch.map(|touch| (instance, touch)));
                }
            }
        }
        reach
    }

    fn count_what_is_there(&self, reach: &mut Reach) {
        let inventory = &self.round.inventory;
        let found = inventory.all_found().filter(|(_, counts)| *counts);
        let found = found.map(|(found, _)| found.mark);
        let hidden = inventory.all_hidden().map(|(.., mark)| mark);
        for mark in found.chain(hidden) {
            reach.all += 1;
            let stays = self.round.views.contains_key(&mark.instance);
            if stays || self.round.is_no_target(&mark.instance, None) {
                continue;
            }
            reach.goes.insert(mark.instance.clone());
            let group = self.round.desired.group_of(&mark.instance);
            let stays = group.is_some_and(|group| group.replicas > 0);
            if !stays && machine::is_protected(&mark.digest) {
                reach.protected.insert(mark.instance.group.clone());
            }
        }
    }

    fn touch(&mut self, instance: &InstanceId, view: &View<'a>) -> Option<Touch> {
        let (group, memory) = (view.group, self.round.memory);
        match &view.state {
            State::Live(_) => self.touch_of_living(instance, view),
            State::Busy => {
                let busy = memory.busy.get(instance);
                let known = busy.and_then(|busy| Some((&busy.host, busy.mark.as_ref()?)));
                self.touch_by_mark(instance, group, known)
            }
            State::Hidden(host, mark) => self.touch_by_mark(instance, group, Some((host, mark))),
            State::Perhaps(_) => Some(PERHAPS),
            State::Absent | State::Lost(..) => None,
        }
    }

    fn touch_of_living(&mut self, instance: &InstanceId, view: &View<'a>) -> Option<Touch> {
        let (group, found) = (view.group, view.found?);
        match self.need(instance, group, &found) {
            Some(Need::Move(_, reason)) => {
                let drained = &self.round.observed.orders.drained;
                let by_file = reason.code == ReasonCode::Misplaced;
                let by_file = by_file && !drained.contains_key(found.host);
                by_file.then_some(Touch::sure(Class::Recreate))
            }
            Some(Need::Yield(_) | Need::Rebuild(_)) => Some(Touch::sure(Class::Recreate)),
            Some(Need::Rebind(..) | Need::Restart(..)) => Some(Touch::sure(Class::Restart)),
            Some(Need::Quiet(_, drift)) => {
                let reloads = drift.reload;
                Some(Touch::sure(if reloads {
                    Class::Reload
                } else {
                    Class::None
                }))
            }
            Some(Need::Mark(_)) => Some(Touch::sure(Class::None)),
            None if self.round.facts(instance).is_none() => Some(PERHAPS),
            None => self.touch_of_balancer(instance, group, found.host),
        }
    }

    /// A load balancer's files follow those behind it.
    fn touch_of_balancer(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        host: &HostId,
    ) -> Option<Touch> {
        let Role::LoadBalancer(_) = group.role else {
            return None;
        };
        let address = self.round.place(instance)?.address;
        let (_, drift) = self.fitting(instance, group, host, address, &AS_IT_IS)?;
        (!drift.is_none()).then_some(Touch::sure(Class::Reload))
    }

    /// Of what can't be looked into, the mark says what it was built from.
    fn touch_by_mark(
        &mut self,
        instance: &InstanceId,
        group: &'a Group,
        known: Option<(&HostId, &Mark)>,
    ) -> Option<Touch> {
        let Some((host, mark)) = known else {
            return Some(PERHAPS);
        };
        let host = self.round.desired.hosts.get(host);
        let wanted = host.and_then(|host| self.fingerprint_of(instance, group, host));
        let same =
            wanted.is_some_and(|wanted| *machine::like(&mark.digest, wanted) == *mark.digest);
        Some(if same {
            PERHAPS
        } else {
            Touch::sure(Class::Recreate)
        })
    }

    /// VIPs that somebody has, and that no load balancer shall have any more.
    fn vips_given_up(&self) -> BTreeSet<Ipv4Addr> {
        let memory = self.round.memory;
        let holders = memory
            .holders
            .values()
            .chain(memory.former_holders.values());
        let holders = holders.filter(|holder| !self.round.is_no_target(&holder.instance, None));
        let mut held: BTreeSet<Ipv4Addr> = holders.filter_map(|holder| holder.vip).collect();
        for (group, lb) in self.round.desired.load_balancers() {
            if group.replicas > 0 {
                held.remove(&lb.vip.addr());
            }
        }
        held
    }
}
