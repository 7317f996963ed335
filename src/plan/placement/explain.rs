//! Why an instance is where it is, or would go where it would: every host, as it was judged when the place was chosen.

use std::net::Ipv4Addr;

use super::filter::{Kind, Question};
use super::score::{Criterion, Score};
use super::turn::Turn;
use super::{Cause, Move, Placer};
use crate::model::desired::Desired;
use crate::model::facts::Observed;
use crate::model::id::{HostId, InstanceId};
use crate::model::memory::Memory;
use crate::plan::inventory::{Inventory, Whereabouts};

/// The answer to `why INSTANCE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    /// The instance.
    pub instance: InstanceId,
    /// Where it is, or goes.
    pub stand: Stand,
    /// All hosts, the best one first; those that can't take it are last, by name.
    pub hosts: Vec<Verdict>,
    /// The labels that its group is spread over.
    pub labels: Vec<String>,
    /// What loads are.
    pub load: LoadUnit,
    /// Its group requires, prefers or avoids something.
    pub wishes: bool,
}

/// Where an instance is, or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    /// It is on this host and stays; or it should leave, and why it does not, and what would help.
    Stays(HostId, Ipv4Addr, Option<(String, Option<String>)>),
    /// It has to leave its host.
    Moves {
        /// Where it is.
        from: HostId,
        /// Where it goes.
        to: HostId,
        /// Its address there.
        address: Ipv4Addr,
        /// The kind of reason.
        cause: Cause,
        /// The reason in words.
        why: String,
    },
    /// It does not exist, and is made there.
    Comes(HostId, Ipv4Addr),
    /// It was there when that host was last seen.
    OutOfSight(HostId, Ipv4Addr),
    /// It may be there; it is not made anywhere else.
    Perhaps(HostId),
    /// It does not exist, and can't be made: why, and what would help.
    Nowhere(String, Option<String>),
}

impl Stand {
    /// The host where it is, or shall be.
    pub fn host(&self) -> Option<&HostId> {
        match self {
            Stand::Stays(host, ..)
            | Stand::Moves { to: host, .. }
            | Stand::Comes(host, _)
            | Stand::OutOfSight(host, _)
            | Stand::Perhaps(host) => Some(host),
            Stand::Nowhere(..) => None,
        }
    }
}

/// What loads are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadUnit {
    /// Millionths of the host's memory.
    Memory,
    /// Numbers of guests.
    Guests,
}

/// How a host was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The host.
    pub host: HostId,
    /// Why it can't take the instance: the kinds, and the words.
    pub rejections: Vec<(Kind, String)>,
    /// How good it is, where it can.
    pub score: Option<Score>,
    /// How it differs from the best of the others.
    pub decided: Option<Criterion>,
}

/// Looks on while one instance is placed.
#[derive(Debug)]
pub(super) struct Witness<'a> {
    instance: &'a InstanceId,
    verdicts: Vec<Verdict>,
}

/// Explains the place of a desired instance; none where it is not desired.
pub fn why<'a>(
    desired: &'a Desired,
    observed: &'a Observed,
    memory: &'a Memory,
    instance: &'a InstanceId,
) -> Option<Why> {
    let inventory = Inventory::take(desired, observed, memory);
    let mut placer = Placer::new(desired, observed, memory, &inventory);
    let group = placer.board.group_no(&instance.group)?;
    if !(1..=placer.board.groups[group].group.replicas).contains(&instance.index) {
        return None;
    }
    placer.witness = Some(Witness {
        instance,
        verdicts: Vec::new(),
    });
    placer.place_all();
    placer.admit(memory);
    placer.untangle();
    placer.look_back(group, instance);
    let rules = &placer.board.groups[group].rules;
    Some(Why {
        instance: instance.clone(),
        stand: placer.stand(instance),
        labels: rules.spread.to_vec(),
        wishes: rules.has_wishes(),
        load: match placer.board.weighs() {
            true => LoadUnit::Memory,
            false => LoadUnit::Guests,
        },
        hosts: placer.witness.map(|w| w.verdicts).unwrap_or_default(),
    })
}

impl<'a> Placer<'a, '_> {
    /// The moment before an instance is placed: if it is the one that was asked for, all hosts are judged.
    pub(super) fn be_seen(&mut self, turn: &Turn<'a>, instance: &InstanceId) {
        if self.witness.as_ref().is_none_or(|w| w.instance != instance) {
            return;
        }
        let verdicts = self.verdicts(turn, instance.index);
        if let Some(witness) = &mut self.witness {
            witness.verdicts = verdicts;
        }
    }

    /// One that stayed was not judged: that is done now, as if it were placed last.
    fn look_back(&mut self, group: usize, instance: &InstanceId) {
        if self.witness.as_ref().is_none_or(|w| !w.verdicts.is_empty()) {
            return;
        }
        let home = self.places.get(instance).and_then(|place| {
            let from = place.moves.as_ref().map_or(place.host, |moves| moves.from);
            Some((self.board.host_no(place.host)?, self.board.host_no(from)?))
        });
        if let Some((home, from)) = home {
            self.board.remove(group, instance.index, home);
            // The place of one that goes back to a better host was found; its old one is judged without it, too.
            if from != home {
                self.board.vacate(group, instance.index, from);
            }
        }
        let turn = self.turn(group);
        self.be_seen(&turn, instance);
    }

    fn verdicts(&mut self, turn: &Turn<'a>, index: u32) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = (0..self.board.hosts.len())
            .map(|host| self.verdict(turn, index, host))
            .collect();
        verdicts.sort_by(|a, b| {
            let key = |v: &Verdict| (v.score.is_none(), v.score.clone());
            key(a).cmp(&key(b)).then_with(|| a.host.cmp(&b.host))
        });
        let best: Vec<Score> = verdicts
            .iter()
            .filter_map(|v| v.score.clone())
            .take(2)
            .collect();
        for (number, verdict) in verdicts.iter_mut().enumerate() {
            let other = best.get(usize::from(number == 0));
            let score = verdict.score.as_ref();
            verdict.decided = score.zip(other).map(|(score, other)| score.decides(other));
        }
        verdicts
    }

    fn verdict(&mut self, turn: &Turn<'a>, index: u32, host: usize) -> Verdict {
        let id = &self.board.hosts[host].host.id;
        self.board.hosts[host].spent |= self.addresses.next(id).is_none();
        let ask = Question {
            group: turn.group,
            index: Some(index),
            host,
        };
        let has_address = self.home(turn.group, index) == Some(host);
        let rejections: Vec<_> = self
            .board
            .rejections(ask)
            .map(|r| (r.kind(), r.to_string()))
            .filter(|(kind, _)| !(has_address && *kind == Kind::NoAddress))
            .collect();
        Verdict {
            host: id.clone(),
            score: rejections.is_empty().then(|| turn.score(&self.board, host)),
            rejections,
            decided: None,
        }
    }

    /// Where an instance is now.
    fn home(&self, group: usize, index: u32) -> Option<usize> {
        let existing = self.existing[group].iter().find(|e| e.index == index);
        existing.and_then(|existing| existing.at)
    }

    fn is_seen(&self, host: &HostId) -> bool {
        let number = self.board.host_no(host);
        number.is_some_and(|number| self.board.hosts[number].is_seen())
    }

    fn stand(&self, instance: &InstanceId) -> Stand {
        match (
            self.places.get(instance),
            self.inventory.whereabouts(instance),
        ) {
            (_, Whereabouts::Perhaps { host }) => Stand::Perhaps(host.clone()),
            // On a host that was seen, it is being made.
            (_, Whereabouts::Hidden { host, mark }) if !self.is_seen(host) => {
                Stand::OutOfSight(host.clone(), mark.address)
            }
            (Some(place), _) => match &place.moves {
                Some(Move { from, cause, text }) => Stand::Moves {
                    from: (*from).clone(),
                    to: place.host.clone(),
                    address: place.address,
                    cause: *cause,
                    why: text.clone(),
                },
                None if matches!(
                    self.inventory.whereabouts(instance),
                    Whereabouts::Nowhere | Whereabouts::Lost { .. }
                ) =>
                {
                    Stand::Comes(place.host.clone(), place.address)
                }
                None => Stand::Stays(place.host.clone(), place.address, self.said_of(instance)),
            },
            (None, _) => {
                let (text, help) = self.said_of(instance).unwrap_or_default();
                Stand::Nowhere(text, help)
            }
        }
    }

    /// Why an instance is not where it should be, and what would help.
    fn said_of(&self, instance: &InstanceId) -> Option<(String, Option<String>)> {
        let name = instance.to_string();
        let notice = self.notices.iter().find(|notice| notice.subject == name);
        let notice = notice.map(|notice| (notice.text.clone(), notice.help.clone()));
        let yields = self.yielding.get(instance);
        yields.map(|text| (text.clone(), None)).or(notice)
    }
}
