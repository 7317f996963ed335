//! Guests on our hosts that are none of ours: a domain without a mark, and one of another cluster whose instance has the
//! name of one of ours. Nothing that we do may touch them.

use std::net::Ipv4Addr;

use super::state::{DomainState, HostState};
use super::vm::Guest;
use crate::model::id::InstanceId;
use crate::model::mark::{Mark, Stage};

/// What the unmarked one is called.
const UNMARKED: &str = "somebody";
/// Where the marked one answers: in no network of ours (RFC 5737).
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);

impl HostState {
    /// Puts them there, where none are.
    pub fn move_neighbours_in(&mut self, like: Option<&InstanceId>) {
        let marked = like.map(|instance| (format!("other-{instance}"), their_mark(instance)));
        for (name, mark) in [(UNMARKED.to_owned(), None)].into_iter().chain(marked) {
            self.neighbours.insert(name.clone());
            let domain = DomainState {
                uuid: format!("00000000-{name}"),
                mark,
                run: Some(0),
                guest: Guest::default(),
            };
            self.domains.insert(name, domain);
        }
    }

    /// Whether all of them are where they were.
    pub fn neighbours_are_well(&self) -> bool {
        let mut neighbours = self.neighbours.iter();
        neighbours.all(|name| self.domains.contains_key(name))
    }
}

fn their_mark(instance: &InstanceId) -> Option<Mark> {
    Some(Mark {
        cluster: "other".parse().ok()?,
        instance: instance.clone(),
        address: ELSEWHERE,
        moving_to: None,
        port: 80,
        digest: String::new(),
        generation: "theirs".to_owned(),
        stage: Stage::Ready,
    })
}
