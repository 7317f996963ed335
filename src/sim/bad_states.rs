//! States of the file with which a group does not come up: each start with such a state fails, however often it is tried.

use std::collections::BTreeSet;

use crate::model::desired::Revision;
use crate::model::id::GroupId;
use crate::model::time::Timestamp;

/// Which groups do not come up with which states of the file.
#[derive(Debug, Default)]
pub struct BadStates {
    /// Those of which the next new state will be bad.
    next: BTreeSet<GroupId>,
    bad: BTreeSet<(GroupId, Revision)>,
    /// States that came into force so far.
    known: BTreeSet<Revision>,
    /// When the last new one did.
    since: Timestamp,
}

impl BadStates {
    /// A state of the file comes into force. One that was in force before is no new one.
    pub fn follow(&mut self, state: &Revision, now: Timestamp) {
        if self.known.insert(state.clone()) {
            let next = std::mem::take(&mut self.next).into_iter();
            self.bad.extend(next.map(|group| (group, state.clone())));
            self.since = now;
        }
    }

    /// A group does not come up with its new state: the one that came into force at this very moment, or the next one.
    pub fn fails(&mut self, group: &GroupId, state: &Revision, now: Timestamp) {
        match now == self.since {
            true => drop(self.bad.insert((group.clone(), state.clone()))),
            false => drop(self.next.insert(group.clone())),
        }
    }

    /// Whether a group fails to start with this state.
    pub fn has(&self, group: &GroupId, state: &Revision) -> bool {
        self.bad.contains(&(group.clone(), state.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_state_is_that_of_this_moment_or_the_next_one_and_never_one_that_returns() {
        let [one, two, three] = ["1", "2", "3"].map(|r| Revision(r.to_owned()));
        let (app, db): (GroupId, GroupId) = ("app".parse().unwrap(), "db".parse().unwrap());
        let mut states = BadStates::default();
        states.follow(&one, Timestamp(0));
        states.fails(&db, &one, Timestamp(5));
        states.follow(&two, Timestamp(9));
        states.fails(&app, &two, Timestamp(9));
        assert!(states.has(&app, &two) && states.has(&db, &two));
        states.fails(&app, &two, Timestamp(10));
        states.follow(&one, Timestamp(11));
        assert!(!states.has(&app, &one));
        states.follow(&three, Timestamp(12));
        assert!(states.has(&app, &three) && !states.has(&db, &three));
    }
}
