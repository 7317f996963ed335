//! Admission control (`safety.spare`): who never existed is made only while the room for the loss of hosts stays. Who existed
//! comes back whatever is left, for that is what the room is kept for.

use super::Placer;
use super::board::{GroupNo, HostNo};
use super::filter::{Kind, Question};
use super::spare::Loss;
use crate::model::id::InstanceId;
use crate::model::memory::Memory;
use crate::model::plan::{Notice, NoticeKind};

/// One that was given a place and never existed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Newcomer {
    pub group: GroupNo,
    pub index: u32,
    pub host: HostNo,
}

impl<'a> Placer<'a, '_> {
    /// Turns away as many newcomers as it takes to keep the room. It is kept beside that for the guests of hosts that are out
    /// of sight: nobody new uses up what they need.
    pub(super) fn admit(&mut self, memory: &Memory) {
        if self.desired.safety.spare == 0 {
            return;
        }
        let newcomers = self.newcomers(memory);
        if newcomers.is_empty() {
            return;
        }
        let gone = self.board.hosts.iter().enumerate();
        let gone = gone.filter(|(_, room)| !room.is_seen());
        let gone: Vec<HostNo> = gone.map(|(host, _)| host).collect();
        let loss = Loss::suffer(self, &gone, &[]);
        if !loss.lacks_room() {
            return;
        }
        let admitted = self.admissible(&newcomers, &gone);
        let (text, help) = loss.why_not();
        for newcomer in &newcomers[admitted..] {
            self.turn_away(*newcomer, &text, &help);
        }
        for newcomer in &newcomers[..admitted] {
            if self.is_left_alone(*newcomer) {
                self.turn_away(*newcomer, &text, &help);
            }
        }
    }

    /// The first one of every group, then the second ones. What comes for a while, by `surge`, is not asked.
    fn newcomers(&self, memory: &Memory) -> Vec<Newcomer> {
        let mut newcomers = Vec::new();
        for group in &self.order {
            let side = &self.board.groups[*group];
            for (host, who) in self.board.homes(*group) {
                let new = who.iter().copied().filter(|index| {
                    let instance = InstanceId::new(&side.group.id, *index);
                    let existing = &self.existing[*group];
                    !side.group.is_extra(*index)
                        && !memory.guests.contains_key(&instance)
                        && existing.binary_search_by_key(index, |e| e.index).is_err()
                });
                newcomers.extend(new.map(|index| Newcomer {
                    group: *group,
                    index,
                    host,
                }));
            }
        }
        newcomers.sort_by_key(|n| (n.index, self.rank[n.group]));
        newcomers
    }

    /// How many of them leave the room that is kept: the fewer, the more room there is.
    fn admissible(&self, newcomers: &[Newcomer], gone: &[HostNo]) -> usize {
        let (mut kept, mut excess) = (0, newcomers.len());
        while kept < excess {
            let middle = (kept + excess).div_ceil(2);
            match Loss::suffer(self, gone, &newcomers[middle..]).lacks_room() {
                true => excess = middle - 1,
                false => kept = middle,
            }
        }
        kept
    }

    /// Whether those that it must be with were turned away.
    fn is_left_alone(&self, newcomer: Newcomer) -> bool {
        let ask = Question {
            group: newcomer.group,
            index: Some(newcomer.index),
            host: newcomer.host,
        };
        let mut why = self.board.rejections(ask);
        why.any(|rejection| rejection.kind() == Kind::Apart)
    }

    fn turn_away(&mut self, newcomer: Newcomer, text: &str, help: &str) {
        let Newcomer { group, index, host } = newcomer;
        let instance = InstanceId::new(&self.board.groups[group].group.id, index);
        let Some(place) = self.places.remove(&instance) else {
            return;
        };
        self.board.remove(group, index, host);
        self.board.hosts[host].spent = false;
        self.addresses.release(place.host, place.address);
        self.notices.push(Notice {
            kind: NoticeKind::Blocked,
            subject: instance.to_string(),
            text: text.to_owned(),
            help: Some(help.to_owned()),
            line: self.desired.line_of(&instance),
        });
    }
}
