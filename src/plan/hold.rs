//! Who may hold a VIP: seen, remembered, or not known. Decides nothing.

use std::net::Ipv4Addr;

use super::Planner;
use super::balancers::Obstacle;
use super::health::{Health, run_of};
use super::inventory::Found;
use super::lost::is_life;
use super::orders::LeftBy;
use super::quorum;
use super::refusal::Refusal;
use super::round::{Round, State};
use super::verdict::Verdict;
use crate::model::bug::Bug;
use crate::model::desired::{Group, LoadBalancer};
use crate::model::facts::{Answer, DomainState};
use crate::model::id::{HostId, InstanceId};
use crate::model::memory::Holder;
use crate::model::plan::{Motive, Notice, NoticeKind, ReasonCode};

/// Whether a guest may hold a VIP.
#[derive(Debug, PartialEq)]
pub(super) enum Hold {
    /// It was seen to hold it.
    Yes,
    /// It was seen not to, or it does not run.
    No,
    /// It can't be looked into; it is dead, or its host can be switched off: so it may be fenced.
    Fenceable,
    /// It can't be looked into, and it may live.
    Perhaps(Refusal),
}

impl<'a> Planner<'a> {
    /// Whether an instance serves.
    pub(super) fn is_healthy(&self, instance: &InstanceId) -> bool {
        let view = self.round.views.get(instance);
        view.is_some_and(|v| v.state == State::Live(Health::Healthy))
    }

    /// Whether an instance may hold the VIP.
    pub(super) fn hold(&self, instance: &InstanceId, group: &Group, lb: &LoadBalancer) -> Hold {
        let Some(view) = self.round.views.get(instance) else {
            return Hold::No;
        };
        let off = view
            .found
            .is_some_and(|f| f.domain.state == DomainState::Off);
        if off || view.state == State::Absent {
            return Hold::No;
        }
        if let Some(facts) = self.round.facts(instance) {
            let holds = facts.addresses.iter().any(|a| a.address == lb.vip.addr());
            return if holds { Hold::Yes } else { Hold::No };
        }
        let known = self.known_holder(group, lb);
        if let State::Hidden(host, mark) | State::Lost(host, mark) = &view.state {
            return self.hold_of_copy(host, mark, known);
        }
        let is_it = known.is_some_and(|h| match view.found {
            Some(found) => is_life(h, found.mark),
            None => h.instance == *instance,
        });
        if !is_it && view.found.is_some_and(|f| self.never_served(&f)) {
            return Hold::No;
        }
        match &view.state {
            // It is rebuilt anyway; so nothing is lost by making sure, even if we gave the VIP to another one.
            State::Live(Health::Dead(dead)) => match self.braked() {
                Some(why) if dead.code != ReasonCode::NotRunning => perhaps(why),
                Some(_) | None => Hold::Fenceable,
            },
            // Only we hand out VIPs: a guest that did not have it when we last knew does not have it now.
            _ if known.is_some() && !is_it => Hold::No,
            State::Live(Health::Healthy | Health::Booting { .. }) => {
                perhaps("it can't be looked into")
            }
            State::Perhaps(host) => {
                let hosts = self.round.inventory.words_of_unknown(host);
                perhaps(format!("{hosts} can't be seen"))
            }
            State::Busy => perhaps(self.busy_text(instance)),
            State::Absent | State::Hidden(..) | State::Lost(..) => Hold::No,
        }
    }

    /// Whether we remember the whole life of a guest, and it never served: then it never got a VIP.
    fn never_served(&self, found: &Found<'_>) -> bool {
        let memory = self.round.memory.guests.get(&found.mark.instance);
        memory.is_some_and(|m| {
            self.knows_life(found) && m.run == run_of(found) && m.healthy_since.is_none()
        })
    }

    /// Whether a guest that was looked into has an address.
    pub(super) fn has_address(&self, instance: &InstanceId, address: Ipv4Addr) -> bool {
        let facts = self.round.facts(instance);
        facts.is_some_and(|f| f.addresses.iter().any(|a| a.address == address))
    }

    /// Who held this VIP when that was last known: one of this group, or of another one that had it before.
    pub(super) fn known_holder(&self, group: &Group, lb: &LoadBalancer) -> Option<&'a Holder> {
        let (memory, vip) = (&self.round.memory, lb.vip.addr());
        let own = memory.holders.get(&group.id);
        let own = own.filter(|h| h.vip == Some(vip));
        let former = memory.former_holders.get(&vip);
        match (own, former) {
            // Of two that are remembered, the one that is seen with it.
            (Some(own), Some(former)) => {
                let seen = |holder: &Holder| self.has_address(&holder.instance, vip);
                Some(if seen(former) && !seen(own) {
                    former
                } else {
                    own
                })
            }
            (own, former) => own.or(former),
        }
    }

    /// Whether we remember this life of a guest from its beginning: then we know which VIPs it got.
    pub(super) fn knows_life(&self, found: &Found<'_>) -> bool {
        let memory = self.round.memory.guests.get(&found.mark.instance);
        memory.is_some_and(|m| m.built.as_ref() == Some(&found.mark.generation))
    }

    /// Whether reality or the file asks for a holder.
    pub(super) fn vip_motive(&self, group: &Group, lb: &LoadBalancer) -> Motive {
        match self.known_holder(group, lb) {
            Some(holder) if holder.instance.group == group.id => Motive::Heal,
            Some(_) | None => Motive::Change,
        }
    }

    /// The holder, if it is out of sight: then nothing is done that could leave the VIP without a holder.
    pub(super) fn holder_out_of_sight(
        &self,
        group: &'a Group,
        lb: &LoadBalancer,
    ) -> Option<(NoticeKind, String)> {
        let (holder, why) = self.perhaps(group, lb, None)?;
        Some((
            NoticeKind::Unknown,
            format!("{holder} may hold {}: {}", lb.vip.addr(), why.text),
        ))
    }

    /// Somebody other than `except` who may hold the VIP, and why that is not known.
    fn perhaps(
        &self,
        group: &'a Group,
        lb: &LoadBalancer,
        except: Option<&InstanceId>,
    ) -> Option<(InstanceId, Refusal)> {
        let seen = |busy: bool| {
            let views = self.round.views_of(group);
            let mut views = views.filter(|(_, view)| (view.state == State::Busy) == busy);
            views.find_map(|(i, _)| match self.hold(i, group, lb) {
                Hold::Perhaps(why) if except != Some(i) && !self.arrivals.contains_key(i) => {
                    Some((i.clone(), why))
                }
                Hold::Perhaps(_) | Hold::Yes | Hold::No | Hold::Fenceable => None,
            })
        };
        // What is under way ends by itself: what lasts longer is told before.
        seen(false)
            .or_else(|| self.unseen_holder(group, lb))
            .or_else(|| seen(true))
            .or_else(|| self.holder_of_before(group, lb))
            .or_else(|| self.older_copy(group, self.known_holder(group, lb)))
            .or_else(|| self.unknown_copy(group, self.known_holder(group, lb)))
    }

    /// A guest out of sight that may hold the VIP, in whichever copy.
    pub(super) fn unseen_holder(
        &self,
        group: &'a Group,
        lb: &LoadBalancer,
    ) -> Option<(InstanceId, Refusal)> {
        let known = self.known_holder(group, lb);
        let mut copies = self.may_hold_out_of_sight(group, known);
        copies.find_map(
            |(i, host, mark)| match self.hold_of_copy(host, mark, known) {
                Hold::Perhaps(why) => Some((i.clone(), why)),
                Hold::Yes | Hold::No | Hold::Fenceable => None,
            },
        )
    }

    /// Where we don't know who holds the VIP, it may be on a host that we don't know; one that a device can switch off is in
    /// nobody's way.
    pub(super) fn unknown_copy(
        &self,
        group: &Group,
        known: Option<&Holder>,
    ) -> Option<(InstanceId, Refusal)> {
        let inventory = &self.round.inventory;
        let unknown = inventory.unknown_hosts().filter(|_| known.is_none());
        let mut refusals = unknown.filter_map(|host| match inventory.hosts.verdict(host) {
            Verdict::Ended(_) | Verdict::Fence(..) => None,
            Verdict::No(refusal) => Some(refusal),
        });
        Some((InstanceId::new(&group.id, 1), refusals.next()?))
    }

    /// A living, configured guest that can take the VIP now; one from which it was taken is the last choice.
    pub(super) fn next_holder(&self, group: &Group, lb: &LoadBalancer) -> Option<InstanceId> {
        let handed_over = self.round.is_handed_over(group, lb);
        let known = self.known_holder(group, lb).filter(|_| handed_over);
        let left = |i: &InstanceId| known.is_some_and(|holder| holder.instance == *i);
        let may = |i: &InstanceId| match self.round.left_by(i) {
            None => true,
            Some(LeftBy::Order(_)) => handed_over,
            Some(LeftBy::Targets) => false,
        };
        let views = self.round.views_of(group).map(|(i, _)| i);
        let fit = views.filter(|i| may(i) && self.is_healthy(i) && self.round.facts(i).is_some());
        let held = self.known_holder(group, lb).map(|holder| &holder.instance);
        let fit = fit.filter(|i| !Bug::WaitForTheHolder.is_in() || held.is_none_or(|h| h == *i));
        fit.min_by_key(|i| left(i)).cloned()
    }

    /// Who of its group can take a VIP over from an instance.
    pub(super) fn heir(&self, instance: &InstanceId, group: &Group) -> Option<InstanceId> {
        let others = self.round.views_of(group).map(|(i, _)| i);
        let mut others = others.filter(|i| *i != instance && !self.round.is_left_alone(i));
        let heir = others.find(|i| {
            let can = self.is_healthy(i) && self.round.facts(i).is_some();
            can || self.planned.contains_key(*i)
        });
        heir.cloned()
    }

    /// Why the holder of a VIP can't be spared: others of its group serve, and none of them can take the VIP.
    pub(super) fn has_no_heir(
        &self,
        instance: &InstanceId,
        group: &Group,
        lb: &LoadBalancer,
    ) -> Option<Obstacle> {
        let holds = self.holders.get(&group.id) == Some(instance);
        let alone = self.round.views_of(group).all(|(i, _)| i == instance);
        if !holds || alone || self.heir(instance, group).is_some() {
            return None;
        }
        let (vip, id) = (lb.vip.addr(), &group.id);
        let text = match self.heard_out_of_reach(group) {
            Some((heir, host)) => {
                format!("it has {vip}, and {heir} can't take that: host {host} can't be worked on")
            }
            None => format!("it has {vip}, and no other of {id} can take that"),
        };
        Some((NoticeKind::Unknown, text))
    }

    /// One that gives heartbeats on a host that can't be seen, and which host that is.
    pub(super) fn heard_out_of_reach(&self, group: &Group) -> Option<(&InstanceId, &'a HostId)> {
        let mut views = self.round.views_of(group);
        views.find_map(|(instance, view)| match view.state {
            State::Hidden(host, _) if self.is_heard(instance) => Some((instance, host)),
            _ => None,
        })
    }

    /// Whether a guest that can't be seen gives heartbeats.
    pub(super) fn is_heard(&self, instance: &InstanceId) -> bool {
        let view = self.round.views.get(instance);
        let hidden = view.is_some_and(|v| matches!(v.state, State::Hidden(..)));
        let beat = self.round.beat(instance);
        hidden && beat.is_some_and(|beat| beat.failures == 0)
    }

    /// A guest that may hold the VIP, and that this plan sets up: to give it the VIP is right in either case.
    pub(super) fn likely_holder(&self, group: &'a Group, lb: &LoadBalancer) -> Option<InstanceId> {
        let (holder, _) = self.perhaps(group, lb, None)?;
        self.planned.contains_key(&holder).then_some(holder)
    }

    /// Why the VIP can't be given to `next`, or to anybody, now.
    pub(super) fn why_not_yet(
        &self,
        group: &'a Group,
        lb: &'a LoadBalancer,
        next: Option<&InstanceId>,
    ) -> Option<Notice> {
        let vip = lb.vip.addr();
        let line = self.round.desired.lines.of(&format!("{}.vip", group.key()));
        let subject = format!("VIP {vip}");
        if let Some(Answer::Taken { mac }) = self.round.observed.probed.get(&vip)
            && !self.is_our_mac(mac, group, lb)
        {
            return Some(Notice {
                kind: NoticeKind::Blocked,
                subject,
                text: format!(
                    "{mac} answers for it, and is none of our guests that were seen to hold it"
                ),
                help: Some("give that machine another address, or choose another VIP".to_owned()),
                line,
            });
        }
        let Round {
            desired,
            observed,
            memory,
            ..
        } = &self.round;
        if let Some(refusal) = quorum::others_may_have_it(desired, observed, memory, None) {
            return Some(Notice {
                kind: NoticeKind::Blocked,
                subject,
                text: format!(
                    "another controller may have given it away: {}",
                    refusal.text
                ),
                help: refusal.help,
                line,
            });
        }
        let (holder, why) = self.perhaps(group, lb, next)?;
        // What only a person can tell, no action that is under way elsewhere does.
        let busy = self.round.memory.busy.contains_key(&holder);
        let kind = match why.kind() {
            NoticeKind::Unknown if busy => NoticeKind::Waiting,
            kind => kind,
        };
        Some(Notice {
            kind,
            subject,
            text: format!("{holder} may hold it: {}", why.text),
            help: Some(why.help.unwrap_or_else(|| {
                "it is not given to another guest before that is known".to_owned()
            })),
            line,
        })
    }

    /// Whether this is the hardware address of a guest of ours that holds the VIP, or may.
    fn is_our_mac(&self, mac: &str, group: &Group, lb: &LoadBalancer) -> bool {
        let former = self.former_holders(group, lb);
        let former = former.iter().map(|f| &f.mark.instance);
        let present = self.round.views_of(group).map(|(i, _)| i);
        let known = self.known_holder(group, lb);
        let unseen = self.may_hold_out_of_sight(group, known).map(|(i, ..)| i);
        let known = known.map(|holder| &holder.instance);
        let mut all = former.chain(present).chain(unseen).chain(known);
        all.any(|i| self.mac_of(i) == mac)
    }
}

fn perhaps(why: impl Into<String>) -> Hold {
    Hold::Perhaps(Refusal {
        text: why.into(),
        ..Refusal::default()
    })
}
