//! Instances that stand in each other's way: each has to move to where only the other one, who has to move, too, keeps it
//! from going. One of them ends first, so that the others can move; then it is made where it belongs.

use super::Placer;
use super::board::GroupNo;
use super::filter::{Question, Rejection};
use crate::model::id::InstanceId;
use crate::model::plan::{Notice, NoticeKind};

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

    /// Finds who has to end, so that another one can move. Of the others it is said that they can't.
    pub(super) fn untangle(&mut self) {
        let stuck = std::mem::take(&mut self.stuck);
        let pair = stuck
            .iter()
            .find_map(|one| Some((one, self.who_yields(one, &stuck)?)));
        for one in &stuck {
            let instance = self.instance(one);
            let helped = pair
                .as_ref()
                .is_some_and(|(first, _)| self.instance(first) == instance);
            let yields = pair.as_ref().is_some_and(|(_, y)| y.instance == instance);
            let mut notice = one.notice.clone();
            if let (true, Some((_, yielding))) = (helped, &pair) {
                notice.kind = NoticeKind::Waiting;
                notice.text = format!("it moves as soon as {} has ended", yielding.instance);
                notice.help = None;
            }
            self.notices.extend(Some(notice).filter(|_| !yields));
        }
        self.yielding = pair.map(|(_, yielding)| yielding);
    }

    /// Of those who are stuck, the one that alone keeps `one` from a host, and for whom the same is true of `one`: both
    /// have a place in the end.
    fn who_yields(&self, one: &Stuck, stuck: &[Stuck]) -> Option<Yielding> {
        let own = self.instance(one);
        let rival = self.only_rival(one).filter(|rival| *rival != own)?;
        let other = stuck.iter().find(|other| self.instance(other) == rival)?;
        let stateful = self.board.groups[other.group].group.stateful;
        let mutual = self.only_rival(other).as_ref() == Some(&own);
        (mutual && !stateful).then(|| Yielding {
            text: format!("it and {own} have to change places: it ends first"),
            instance: rival,
        })
    }

    /// Who alone keeps an instance from some host.
    fn only_rival(&self, stuck: &Stuck) -> Option<InstanceId> {
        let mut hosts = 0..self.board.hosts.len();
        hosts.find_map(|host| {
            let ask = Question {
                group: stuck.group,
                index: Some(stuck.index),
                host,
            };
            let mut why = self.board.rejections(ask);
            match (why.next(), why.next()) {
                (Some(Rejection::Rival(rival)), None) => Some(rival),
                _ => None,
            }
        })
    }

    fn instance(&self, stuck: &Stuck) -> InstanceId {
        InstanceId::new(&self.board.groups[stuck.group].group.id, stuck.index)
    }
}
