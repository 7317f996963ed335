//! The host that a missing instance gets, and what is said where none can take it.

use std::net::Ipv4Addr;

use super::board::{GroupNo, HostNo};
use super::filter::Question;
use super::reasons::{self, Refusal};
use super::turn::Turn;
use super::{Move, Place, Placer};
use crate::model::desired::Group;
use crate::model::id::{DomainName, HostId, InstanceId};
use crate::model::plan::{Notice, NoticeKind};
use crate::plan::inventory::Whereabouts;

impl<'a> Placer<'a, '_> {
    /// Those of a group that exist nowhere, or are given up.
    pub(super) fn missing(&self, group: GroupNo) -> Vec<InstanceId> {
        let side = &self.board.groups[group];
        // Where all were found, nobody has to be looked for.
        if self.existing[group].len() == side.group.replicas as usize {
            return Vec::new();
        }
        let all = (1..=side.group.replicas).map(|index| InstanceId::new(&side.group.id, index));
        let is_missing = |i: &InstanceId| match self.inventory.whereabouts(i) {
            Whereabouts::Lost { .. } | Whereabouts::Nowhere => true,
            Whereabouts::On(_) | Whereabouts::Hidden { .. } | Whereabouts::Perhaps { .. } => false,
        };
        let made = all.filter(|instance| !side.group.lingers(instance.index));
        made.filter(is_missing).collect()
    }

    /// A missing instance gets a place; or it is said why there is none.
    pub(super) fn place_missing(&mut self, turn: &mut Turn<'a>, instance: InstanceId) {
        self.be_seen(turn, &instance);
        let domain = DomainName::new(&self.desired.cluster, &instance);
        if let Some(host) = self.inventory.clash(&domain) {
            self.notices.push(self.clash(&instance, &domain, host));
            return;
        }
        match self.choose_again(turn, instance.index) {
            Ok((host, address)) => {
                self.board.settle(turn.group, instance.index, host);
                self.put(turn, host, instance, address, None);
            }
            Err(refusal) => {
                let side = self.board.groups[turn.group].group;
                if side.is_extra(instance.index) {
                    // It comes before others move, or not at all.
                    self.notices.push(self.no_extra(side, &instance, refusal));
                    return;
                }
                let notice = Notice {
                    kind: refusal.kind,
                    subject: instance.to_string(),
                    text: refusal.text,
                    help: refusal.help,
                    line: self.desired.line_of(&instance),
                };
                self.be_stuck(turn.group, instance.index, None, notice);
            }
        }
    }

    /// Says that no host has room for one more while others are worked on; where one of them may be away, it goes on so.
    fn no_extra(&self, group: &Group, instance: &InstanceId, refusal: Refusal) -> Notice {
        let replicas = group.replicas.saturating_sub(group.extra);
        let (least, name) = (replicas.saturating_sub(1), &group.id);
        let text = format!(
            "it is one more for a while, by `surge`, and {}",
            refusal.text
        );
        let (kind, text, help) = match (refusal.kind, group.budget.min_available <= least) {
            (NoticeKind::Blocked, true) => (
                NoticeKind::Warning,
                format!("{text}; so one after the other of {name} is away for its change"),
                refusal.help,
            ),
            (NoticeKind::Blocked, false) => {
                let away =
                    format!("let one of {name} be away: `surge: 0` and `min_available: {least}`");
                let help = refusal.help.map(|help| format!("{away}; or {help}"));
                (NoticeKind::Blocked, text, Some(help.unwrap_or(away)))
            }
            (kind, _) => (kind, text, refusal.help),
        };
        Notice {
            kind,
            subject: instance.to_string(),
            text,
            help,
            line: self.desired.lines.of(&format!("{}.surge", group.key())),
        }
    }

    /// Writes down a place on a host that the instance was not on.
    pub(super) fn put(
        &mut self,
        turn: &mut Turn<'a>,
        host: HostNo,
        instance: InstanceId,
        address: Ipv4Addr,
        moves: Option<Move<'a>>,
    ) {
        turn.came_with_address(&self.board, host);
        let room = &self.board.hosts[host];
        let place = Place {
            host: &room.host.id,
            address,
            moves,
        };
        self.places.insert(instance, place);
    }

    /// A host for one that is nowhere: where no untried one can take it, it is tried once more on the others.
    fn choose_again(
        &mut self,
        turn: &mut Turn<'a>,
        index: u32,
    ) -> Result<(HostNo, Ipv4Addr), Refusal> {
        let chosen = self.choose(turn, index);
        let tried = self.board.tried.remove(&(turn.group, index));
        match (chosen, tried) {
            (Err(_), Some(_)) => self.choose(turn, index),
            (chosen, _) => chosen,
        }
    }

    /// The best host for an instance, with an address there.
    pub(super) fn choose(
        &mut self,
        turn: &mut Turn<'a>,
        index: u32,
    ) -> Result<(HostNo, Ipv4Addr), Refusal> {
        let pin = self.board.groups[turn.group].rules.pin_of(index);
        let tried = self.board.tried.contains_key(&(turn.group, index));
        let like_others = pin.is_none() && !tried;
        if let (true, Some(refusal)) = (like_others, &self.refusal) {
            return Err(refusal.clone());
        }
        loop {
            let host = match pin {
                Some(pin) => self.acceptable(turn.group, index, self.board.host_no(pin)),
                None if tried => self.best_untried(turn, index),
                None => turn.best(&self.board),
            };
            let Some(host) = host else { break };
            match self.addresses.take(&self.board.hosts[host].host.id) {
                Some(address) => return Ok((host, address)),
                None => self.board.hosts[host].spent = true,
            }
        }
        let refusal = reasons::refusal(&self.board, turn.group, index);
        if like_others {
            self.refusal = Some(refusal.clone());
        }
        Err(refusal)
    }

    /// A host, where nothing speaks against it.
    pub(super) fn acceptable(
        &self,
        group: GroupNo,
        index: u32,
        host: Option<HostNo>,
    ) -> Option<HostNo> {
        let ask = Question {
            group,
            index: Some(index),
            host: host?,
        };
        self.board
            .rejections(ask)
            .next()
            .is_none()
            .then_some(ask.host)
    }

    fn clash(&self, instance: &InstanceId, domain: &DomainName, host: &HostId) -> Notice {
        Notice {
            kind: NoticeKind::Blocked,
            subject: instance.to_string(),
            text: format!("host {host} has a domain named {domain} that is not ours"),
            help: Some(format!(
                "rename the group or the cluster; or shut that domain down and rename it: virsh domrename {domain} NEW-NAME"
            )),
            line: self.desired.line_of(instance),
        }
    }
}
