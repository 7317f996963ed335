//! Guests on our hosts that are none of ours: a domain without a mark, and one of another cluster whose instance has the
//! name of one of ours. Nothing that we do may touch them.

use std::net::Ipv4Addr;

use super::state::{DomainState, HostState};
use super::vm::Guest;
use crate::model::id::InstanceId;
use crate::model::mark::{Mark, Stage};

/// What their domains are called.
const NEIGHBOURS: [&str; 2] = ["somebody", "other-guest"];
/// Where the marked one answers: in no network of ours (RFC 5737).
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);

impl HostState {
    /// Puts them there, where none are.
    pub fn move_neighbours_in(&mut self, like: Option<&InstanceId>) {
        for name in NEIGHBOURS {
            let mark = like.and_then(their_mark);
            let domain = DomainState {
                uuid: format!("00000000-{name}"),
                mark: mark.filter(|_| name != NEIGHBOURS[0]),
                run: Some(0),
                guest: Guest::default(),
            };
            self.domains.entry(name.to_owned()).or_insert(domain);
        }
        self.has_neighbours = true;
    }

    /// Whether all of them are where they were.
    pub fn neighbours_are_well(&self) -> bool {
        let mut names = NEIGHBOURS.into_iter();
        !self.has_neighbours || names.all(|name| self.domains.contains_key(name))
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
