//! Guests on our hosts that are none of ours: a domain without a mark, and one of another cluster whose instance has the
//! name of one of ours. Nothing that we do may touch them.

use std::net::Ipv4Addr;

use super::state::{DomainState, HostState};
use super::vm::Guest;
use crate::model::id::InstanceId;
use crate::model::mark::{Mark, Stage};

/// What the unmarked one is called, and what the name of the marked one begins with.
const NEIGHBOURS: [&str; 2] = ["somebody", "other-"];
/// Where the marked one answers: in no network of ours (RFC 5737).
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);

impl HostState {
    /// Puts them there, where none are.
    pub fn move_neighbours_in(&mut self, like: Option<&InstanceId>) {
        let [unmarked, marked] = NEIGHBOURS;
        let marked = like.map(|instance| (format!("{marked}{instance}"), their_mark(instance)));
        for (name, mark) in [(unmarked.to_owned(), None)].into_iter().chain(marked) {
            let domain = DomainState {
                uuid: format!("00000000-{name}"),
                mark,
                run: Some(0),
                guest: Guest::default(),
            };
            self.domains.insert(name, domain);
        }
        self.has_neighbours = true;
    }

    /// Whether all of them are where they were.
    pub fn neighbours_are_well(&self) -> bool {
        let is_there = |name: &str| self.domains.keys().any(|domain| domain.starts_with(name));
        !self.has_neighbours || NEIGHBOURS.into_iter().all(is_there)
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
