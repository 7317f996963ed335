//! What one receiver was told, and what it is told next: only what it asked for, not the same again and again, and not
//! more than it can take.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::board::{Board, Condition, Happened, Head};
use crate::model::event::{CommitStatus, Event, EventState};
use crate::model::receiver::Receiver;
use crate::model::time::Timestamp;

/// What a receiver was told.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// What goes on, as it was told.
    open: BTreeMap<String, Condition>,
    /// When what was last told, by its name and stage.
    last: BTreeMap<String, Timestamp>,
    /// When messages went out lately.
    sent: VecDeque<Timestamp>,
    /// How many were left out since.
    left_out: u32,
    /// How many there were in all.
    number: u64,
}

/// What is told now.
pub struct Now<'a> {
    /// Who.
    pub receiver: &'a Receiver,
    /// What all events have in common.
    pub head: &'a Head,
    /// When.
    pub at: Timestamp,
}

impl Gate {
    /// What is to be told of what goes on, and of what is over.
    pub fn turn(&mut self, board: &Board, now: &Now<'_>) -> Vec<Event> {
        self.last
            .retain(|_, at| now.at.since(*at) < now.receiver.repeat);
        let mut told = Vec::new();
        for (key, condition) in &board.open {
            told.extend(self.opened(key, condition, now));
        }
        let over: Vec<String> = self
            .open
            .keys()
            .filter(|key| !board.open.contains_key(*key))
            .cloned()
            .collect();
        for key in over {
            told.extend(self.resolved(&key, board, now));
        }
        told
    }

    fn opened(&mut self, key: &str, condition: &Condition, now: &Now<'_>) -> Option<Event> {
        let known = self.open.get(key);
        let wanted = wants(now.receiver, condition);
        // Who was told that a commit failed is told that all is well again, too.
        let ends = known.is_some_and(|known| status(known) == Some(CommitStatus::Failure))
            && status(condition) == Some(CommitStatus::Success);
        if known.is_some_and(|known| known.stage == condition.stage) || !(wanted || ends) {
            return None;
        }
        let name = format!("{key} {}", condition.stage);
        // What became of a commit is read beside it, and has to be true.
        let again = self.last.contains_key(&name) && condition.commit.is_none();
        if again || !self.may_send(now) {
            return None;
        }
        self.last.insert(name, now.at);
        match wanted {
            true => self.open.insert(key.to_owned(), condition.clone()),
            false => self.open.remove(key),
        };
        Some(self.event(condition, now))
    }

    fn resolved(&mut self, key: &str, board: &Board, now: &Now<'_>) -> Option<Event> {
        let Some((at, text)) = board.closed.get(key) else {
            // There is nothing to say of its end, or nobody knows of it any more.
            self.open.remove(key);
            return None;
        };
        if !self.may_send(now) {
            return None;
        }
        let condition = self.open.remove(key)?;
        let event = self.event(&condition, now);
        let after = at.since(condition.since);
        Some(Event {
            state: EventState::Resolved,
            text: text.clone(),
            after_ms: Some(u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
            ..event
        })
    }

    /// What is to be told of something that happened.
    pub fn happened(&mut self, (key, condition): &Happened, now: &Now<'_>) -> Option<Event> {
        if !wants(now.receiver, condition) || self.last.contains_key(key) {
            return None;
        }
        if !self.may_send(now) {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        if !now.receiver.repeat.is_zero() {
            self.last.insert(key.clone(), now.at);
        }
        let event = self.event(condition, now);
        Some(Event {
            state: EventState::Happened,
            ..event
        })
    }

    fn event(&mut self, condition: &Condition, now: &Now<'_>) -> Event {
        self.sent.push_back(now.at);
        self.number += 1;
        let id = format!("{}-{}", now.at.0, self.number);
        let event = now.head.event(id, condition, now.at);
        let text = match std::mem::take(&mut self.left_out) {
            0 => event.text,
            left_out => format!("{} ({left_out} more were left out before)", event.text),
        };
        Event { text, ..event }
    }

    fn may_send(&mut self, now: &Now<'_>) -> bool {
        let rate = now.receiver.rate;
        self.sent.retain(|at| now.at.since(*at) < rate.within);
        u32::try_from(self.sent.len()).is_ok_and(|sent| sent < rate.most)
    }
}

fn status(condition: &Condition) -> Option<CommitStatus> {
    condition.commit.as_ref().map(|(_, status)| *status)
}

fn wants(receiver: &Receiver, condition: &Condition) -> bool {
    receiver.events.contains(&condition.kind) && condition.severity >= receiver.severity
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::model::desired::Revision;
    use crate::model::event::{EventKind, Severity};
    use crate::model::receiver::{Means, Rate};

    fn receiver(repeat: u64, most: u32, within: u64) -> Receiver {
        Receiver {
            means: Means::Command(vec!["page".into()]),
            events: EventKind::ALL.into(),
            severity: Severity::Warning,
            repeat: Duration::from_secs(repeat),
            rate: Rate {
                most,
                within: Duration::from_secs(within),
            },
            timeout: Duration::from_secs(1),
        }
    }

    fn head() -> Head {
        Head {
            cluster: "demo".parse().unwrap(),
            revision: Revision("abc".into()),
            commit: None,
        }
    }

    fn open(subject: &str, severity: Severity) -> Condition {
        Condition::new(
            EventKind::Host,
            severity,
            subject,
            format!("{subject} is out"),
        )
    }

    /// A world of hosts that come and go.
    #[derive(Default)]
    struct World {
        board: Board,
        gate: Gate,
    }

    impl World {
        fn turn(&mut self, receiver: &Receiver, out: &[&str], at: i64) -> Vec<String> {
            let at = Timestamp(at * 1_000);
            let keys: BTreeSet<String> = self.board.open.keys().cloned().collect();
            for key in keys.iter().filter(|key| !out.contains(&key.as_str())) {
                self.board.take(key, at);
            }
            for host in out {
                self.board.put(host, open(host, Severity::Warning), at);
            }
            let now = Now {
                receiver,
                head: &head(),
                at,
            };
            let told = self.gate.turn(&self.board, &now);
            told.iter()
                .map(|event| format!("{:?} {}", event.state, event.subject))
                .collect()
        }
    }

    #[test]
    fn what_comes_and_goes_is_told_once_and_again_only_if_it_stays() {
        let (mut world, receiver) = (World::default(), receiver(600, 9, 60));
        assert_eq!(world.turn(&receiver, &["b"], 0), ["Opened b"]);
        assert_eq!(world.turn(&receiver, &["b"], 10), Vec::<String>::new());
        assert_eq!(world.turn(&receiver, &[], 20), ["Resolved b"]);
        for at in 3..50 {
            let out: &[&str] = if at % 2 == 0 { &["b"] } else { &[] };
            assert_eq!(world.turn(&receiver, out, at * 10), Vec::<String>::new());
        }
        assert_eq!(world.turn(&receiver, &["b"], 599), Vec::<String>::new());
        assert_eq!(world.turn(&receiver, &["b"], 600), ["Opened b"]);
        assert_eq!(world.turn(&receiver, &[], 601), ["Resolved b"]);
    }

    #[test]
    fn what_is_too_much_at_once_is_told_later_and_what_only_happened_is_counted() {
        let (mut world, receiver) = (World::default(), receiver(600, 2, 60));
        assert_eq!(
            world.turn(&receiver, &["a", "b", "c"], 0),
            ["Opened a", "Opened b"]
        );
        let head = head();
        let at = |at: i64| Now {
            receiver: &receiver,
            head: &head,
            at: Timestamp(at * 1_000),
        };
        let failed = ("x".to_owned(), open("x", Severity::Warning));
        assert_eq!(world.gate.happened(&failed, &at(1)), None);
        let told = world.gate.turn(&world.board, &at(60));
        let texts: Vec<&str> = told.iter().map(|event| event.text.as_str()).collect();
        assert_eq!(texts, ["c is out (1 more were left out before)"]);
    }

    #[test]
    fn only_what_was_asked_for_is_told_and_its_end_to_whom_it_was_told() {
        let (mut world, receiver) = (World::default(), receiver(0, 9, 60));
        let mut turn = |severity: Option<Severity>, stage: &str, at: i64| {
            let at = Timestamp(at);
            match severity {
                Some(severity) => world.board.put("b", open("b", severity).stage(stage), at),
                None => world.board.take("b", at),
            }
            let head = head();
            let now = Now {
                receiver: &receiver,
                head: &head,
                at,
            };
            let told = world.gate.turn(&world.board, &now);
            told.iter()
                .map(|e| (e.state, e.severity))
                .collect::<Vec<_>>()
        };
        assert_eq!(turn(Some(Severity::Info), "suspect", 0), []);
        let told = [(EventState::Opened, Severity::Critical)];
        assert_eq!(turn(Some(Severity::Critical), "unreachable", 1), told);
        assert_eq!(
            turn(Some(Severity::Info), "better", 2),
            [],
            "below what was asked for"
        );
        assert_eq!(
            turn(None, "", 3),
            [(EventState::Resolved, Severity::Critical)]
        );
    }

    #[test]
    fn who_hears_only_of_trouble_hears_of_the_end_of_that_of_a_commit() {
        let (mut world, receiver) = (World::default(), receiver(600, 9, 60));
        let mut turn = |digit: &str, status: CommitStatus, severity: Severity, at: i64| {
            let id: crate::model::commit::CommitId = digit.repeat(40).parse().unwrap();
            let condition = Condition {
                commit: Some((id.clone(), status)),
                kind: EventKind::Commit,
                ..open("commit", severity)
                    .stage(format!("{id} {status:?}"))
                    .without_end()
            };
            world.board.put("commit", condition, Timestamp(at));
            let head = head();
            let now = Now {
                receiver: &receiver,
                head: &head,
                at: Timestamp(at),
            };
            let told = world.gate.turn(&world.board, &now);
            told.iter()
                .filter_map(|event| event.status)
                .collect::<Vec<_>>()
        };
        use CommitStatus::{Failure, Pending, Success};
        assert_eq!(turn("a", Success, Severity::Info, 0), []);
        assert_eq!(turn("b", Failure, Severity::Warning, 1), [Failure]);
        assert_eq!(turn("c", Pending, Severity::Info, 2), []);
        assert_eq!(turn("c", Success, Severity::Info, 3), [Success]);
        assert_eq!(turn("d", Success, Severity::Info, 4), []);
    }

    proptest! {
        #[test]
        fn in_the_end_everybody_knows_what_goes_on_and_nobody_is_flooded(
            turns in prop::collection::vec((prop::collection::vec(0..4usize, 0..4), 1..90i64), 1..40),
            repeat in 0..300u64, most in 1..4u32,
        ) {
            let (mut world, receiver) = (World::default(), receiver(repeat, most, 60));
            let names = ["a", "b", "c", "d"];
            let (mut at, mut sent, mut known) = (0, Vec::new(), BTreeMap::new());
            let calm = std::iter::repeat_n((turns.last().unwrap().0.clone(), 60), 20);
            for (out, pause) in turns.into_iter().chain(calm) {
                at += pause;
                let out: Vec<&str> = out.into_iter().map(|n| names[n]).collect();
                for told in world.turn(&receiver, &out, at) {
                    let (state, host) = told.split_once(' ').unwrap();
                    let before = known.insert(host.to_owned(), state.to_owned());
                    prop_assert_ne!(before.as_deref(), Some(state), "told twice");
                    sent.push(at);
                }
                let lately = sent.iter().filter(|sent| at - **sent < 60).count();
                prop_assert!(lately <= most as usize);
            }
            let open: BTreeSet<&str> = world.board.open.keys().map(String::as_str).collect();
            for (host, state) in &known {
                prop_assert_eq!(state == "Opened", open.contains(host.as_str()), "{}", host);
            }
            prop_assert!(open.iter().all(|host| known.contains_key(*host)));
        }
    }
}
