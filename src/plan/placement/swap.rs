//! Instances that stand in each other's way: each has to move to where only the other one, who has to move, too, keeps it
//! from going. One of them ends first, so that the others can move; then it is made where it belongs.

use super::Placer;
use super::board::GroupNo;
use super::filter::{Question, Rejection};
use crate::model::id::InstanceId;
use crate::model::plan::Notice;

/// An instance that has to move and can't.
#[derive(Debug)]
pub struct Stuck {
    group: GroupNo,
    index: u32,
    /// What is said of it, where nothing helps.
    notice: Notice,
}

/// An instance that ends so that another one can move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yielding {
    /// It.
    pub instance: InstanceId,
    /// Why.
    pub text: String,
}

impl Placer<'_, '_> {
    /// Remembers an instance that can't move, until all were asked.
    pub(super) fn be_stuck(&mut self, group: GroupNo, index: u32, notice: Notice) {
        self.stuck.push(Stuck {
            group,
            index,
            notice,
        });
    }

    /// Finds who has to end; where nobody helps by that, says who can't move.
    pub(super) fn untangle(&mut self) {
        let stuck = std::mem::take(&mut self.stuck);
        self.yielding = stuck.iter().find_map(|one| self.who_yields(one, &stuck));
        if self.yielding.is_none() {
            self.notices.extend(stuck.into_iter().map(|s| s.notice));
        }
    }

    /// Of those who are stuck, the one that alone keeps `one` from a host.
    fn who_yields(&self, one: &Stuck, stuck: &[Stuck]) -> Option<Yielding> {
        let own = self.instance(one);
        let mut hosts = 0..self.board.hosts.len();
        let rival = hosts.find_map(|host| {
            let ask = Question {
                group: one.group,
                index: Some(one.index),
                host,
            };
            let mut why = self.board.rejections(ask);
            match (why.next(), why.next()) {
                (Some(Rejection::Rival(rival)), None) => Some(rival),
                _ => None,
            }
        })?;
        let is_it = |other: &&Stuck| self.instance(other) == rival;
        let other = stuck.iter().find(is_it)?;
        let stateful = self.board.groups[other.group].group.stateful;
        (rival != own && !stateful).then(|| Yielding {
            text: format!("it and {own} have to change places: it ends first"),
            instance: rival,
        })
    }

    fn instance(&self, stuck: &Stuck) -> InstanceId {
        InstanceId::new(&self.board.groups[stuck.group].group.id, stuck.index)
    }
}
