//! The post office on a paused clock: what is tried again, given up, kept over a restart, and dropped.

use std::collections::VecDeque;

use async_trait::async_trait;
use tokio::time::Instant;

use super::*;
use crate::model::commit::{Commit, Signature};
use crate::model::desired::Revision;
use crate::model::event::{Event, Undelivered};
use crate::model::followed::{Followed, RefusedCommit};
use crate::model::plan::{Motive, Outcome, Reason, ReasonCode};
use crate::model::time::Timestamp;
use crate::ports::notifier::{Again, Failure};
use crate::ports::store::StoreError;
use crate::sim::clock::VirtualClock;
use crate::spec::{NoFiles, parse};

const FILE: &str = "\
cluster: demo
networks: { lan: { cidr: 10.0.0.0/24 } }
hosts: { a: { address: 10.0.0.2, pool: 10.0.0.10-10.0.0.19 } }
notify:
  ops: { command: [page], severity: info, repeat: 0s, rate: 999/1s }
";

fn desired() -> Desired {
    parse("cluster.yaml", FILE.as_bytes(), &NoFiles).unwrap_or_else(|e| panic!("{e}"))
}

/// What a receiver does with the next messages; later, it takes all.
#[derive(Clone)]
enum Does {
    Takes,
    Fails(Again),
    Hangs,
}

#[derive(Default)]
struct Receiving {
    next: Mutex<VecDeque<Does>>,
    /// In which second what was tried.
    tries: Mutex<Vec<(u64, String)>>,
    taken: Mutex<Vec<String>>,
    begin: Mutex<Option<Instant>>,
    always: Mutex<Option<Does>>,
}

#[async_trait]
impl Notifier for Receiving {
    async fn tell(&self, _: &Receiver, event: &Event) -> Result<(), Failure> {
        let begin = *lock(&self.begin).get_or_insert_with(Instant::now);
        lock(&self.tries).push((begin.elapsed().as_secs(), event.text.clone()));
        let always = lock(&self.always).clone();
        let next = lock(&self.next).pop_front().or(always);
        match next.unwrap_or(Does::Takes) {
            Does::Takes => lock(&self.taken).push(event.text.clone()),
            Does::Hangs => std::future::pending().await,
            Does::Fails(again) => {
                return Err(Failure {
                    why: "no".to_owned(),
                    again,
                });
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct MemorySpool {
    text: Mutex<Option<String>>,
    given_up: Mutex<Vec<Undelivered>>,
}

impl Spool for MemorySpool {
    fn load(&self) -> Result<Option<String>, StoreError> {
        Ok(lock(&self.text).clone())
    }
    fn save(&self, text: &str) -> Result<(), StoreError> {
        *lock(&self.text) = Some(text.to_owned());
        Ok(())
    }
    fn record(&self, entry: &Undelivered) -> Result<(), StoreError> {
        lock(&self.given_up).push(entry.clone());
        Ok(())
    }
}

/// A post office, its only receiver, and what is kept.
struct Office {
    receiving: Arc<Receiving>,
    spool: Arc<MemorySpool>,
    clock: Arc<VirtualClock>,
}

impl Office {
    fn new(next: impl IntoIterator<Item = Does>) -> Office {
        let receiving = Receiving {
            next: Mutex::new(next.into_iter().collect()),
            ..Receiving::default()
        };
        Office {
            receiving: Arc::new(receiving),
            spool: Arc::default(),
            clock: Arc::default(),
        }
    }

    fn open(&self) -> Arc<Post> {
        let (clock, spool) = (Arc::clone(&self.clock) as _, Arc::clone(&self.spool) as _);
        Post::new(&desired(), clock, Arc::clone(&self.receiving) as _, spool)
    }

    fn taken(&self) -> Vec<String> {
        lock(&self.receiving.taken).clone()
    }

    fn seconds(&self) -> Vec<u64> {
        lock(&self.receiving.tries)
            .iter()
            .map(|(at, _)| *at)
            .collect()
    }

    /// What is kept, once so many messages wait.
    async fn keeps(&self, waiting: usize) {
        while waiting_of(&self.spool) != Some(waiting) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

fn waiting_of(spool: &MemorySpool) -> Option<usize> {
    let text = lock(&spool.text).clone()?;
    let kept: serde_json::Value = serde_json::from_str(&text).ok()?;
    kept["receivers"]["ops"]["queue"]["letters"]
        .as_array()
        .map(Vec::len)
}

fn failed(number: usize) -> HistoryEntry {
    HistoryEntry {
        at: Timestamp(0),
        took_ms: 1,
        revision: Revision("abc".into()),
        commit: None,
        targets: crate::model::targets::Targets::default(),
        action: "configure".into(),
        motive: Motive::Heal,
        instance: Some(format!("api-{}", number + 1).parse().unwrap()),
        host: "a".parse().unwrap(),
        summary: format!("no. {number}"),
        reason: Reason {
            code: ReasonCode::Missing,
            text: String::new(),
            line: None,
        },
        outcome: Outcome::Failed("x".into()),
    }
}

fn text(number: usize) -> String {
    format!("no. {number}: failed: x")
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_is_tried_again_after_growing_pauses_and_what_comes_later_waits() {
    let later = || Does::Fails(Again::Later);
    let office = Office::new([later(), later(), later(), Does::Takes]);
    let post = office.open();
    post.ended(&failed(0));
    post.ended(&failed(1));
    office.keeps(0).await;
    assert_eq!(office.taken(), [text(0), text(1)]);
    assert_eq!(office.seconds(), [0, 2, 6, 14, 14]);
}

#[tokio::test(start_paused = true)]
async fn a_server_may_say_when_to_try_again_within_reason() {
    let after = |seconds| Does::Fails(Again::After(Duration::from_secs(seconds)));
    let office = Office::new([after(90), after(1_000_000), after(0)]);
    let post = office.open();
    post.ended(&failed(0));
    office.keeps(0).await;
    assert_eq!(office.seconds(), [0, 90, 3_690, 3_692]);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_good_is_in_the_history_and_the_next_goes_on() {
    let office = Office::new([Does::Fails(Again::Never)]);
    let post = office.open();
    post.ended(&failed(0));
    post.ended(&failed(1));
    office.keeps(0).await;
    let given_up = lock(&office.spool.given_up).clone();
    let [one] = given_up.as_slice() else {
        panic!("{given_up:?}")
    };
    assert_eq!(
        (one.text.as_str(), one.tries, one.why.as_str()),
        (text(0).as_str(), 1, "no")
    );
    assert_eq!(office.taken(), [text(1)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_older_than_six_hours_is_given_up() {
    let office = Office::new([]);
    *lock(&office.receiving.always) = Some(Does::Fails(Again::Later));
    let post = office.open();
    post.ended(&failed(0));
    office.keeps(1).await;
    office.keeps(0).await;
    let last = *office.seconds().last().unwrap();
    assert!((6 * 3_600..6 * 3_600 + 601).contains(&last), "{last}");
    assert_eq!(lock(&office.spool.given_up).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_hangs_is_broken_off_and_tried_again() {
    let office = Office::new([Does::Hangs]);
    let post = office.open();
    post.ended(&failed(0));
    office.keeps(0).await;
    assert_eq!(office.seconds(), [0, 12], "ten seconds, and a pause of two");
    assert_eq!(office.taken(), [text(0)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_delivered_is_delivered_after_a_restart_and_nothing_is_told_twice() {
    let office = Office::new([Does::Takes, Does::Hangs]);
    let post = office.open();
    post.heard(Word::Refused(
        "error: unknown key\n --> cluster.yaml:3:1\n\nmore",
    ));
    office.keeps(0).await;
    post.ended(&failed(0));
    office.keeps(1).await;
    drop(post);
    let again = office.open();
    again.heard(Word::Refused(
        "error: unknown key\n --> cluster.yaml:3:1\n\nmore",
    ));
    again.heard(Word::Accepted);
    office.keeps(0).await;
    let told = office.taken();
    assert_eq!(
        told[0],
        "the file changed, and is not applied: error: unknown key --> cluster.yaml:3:1"
    );
    assert_eq!(told[1], text(0));
    assert!(
        told[2].starts_with("what the file says can be applied again, after "),
        "{told:?}"
    );
    assert_eq!(told.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn of_too_many_that_wait_the_oldest_are_dropped_and_said_to_be() {
    let office = Office::new([]);
    *lock(&office.receiving.always) = Some(Does::Hangs);
    let post = office.open();
    for number in 0..203 {
        post.ended(&failed(number));
    }
    office.keeps(200).await;
    let dropped: Vec<String> = lock(&office.spool.given_up)
        .iter()
        .map(|u| u.text.clone())
        .collect();
    assert_eq!(
        dropped,
        [text(1), text(2), text(3)],
        "the first one is being delivered"
    );
}

#[tokio::test(start_paused = true)]
async fn at_the_end_what_can_be_delivered_is_and_what_hangs_keeps_nobody() {
    let office = Office::new([Does::Takes, Does::Hangs]);
    let post = office.open();
    post.heard(Word::Began);
    post.heard(Word::Stopped);
    let begin = Instant::now();
    post.close(Duration::from_secs(5)).await;
    assert_eq!(begin.elapsed().as_secs(), 5);
    assert_eq!(
        (office.taken().len(), waiting_of(&office.spool)),
        (1, Some(1))
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_and_can_not_be_read_is_begun_anew() {
    let office = Office::new([]);
    *lock(&office.spool.text) = Some("{\"receivers\": 3".to_owned());
    let post = office.open();
    post.heard(Word::Began);
    office.keeps(0).await;
    assert_eq!(office.taken(), ["the controller began"]);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_refused_is_told_once_with_what_became_of_it() {
    let office = Office::new([]);
    let post = office.open();
    let commit = |digit: &str| Commit {
        id: digit.repeat(40).parse().unwrap(),
        author: "Anna <anna@example.org>".into(),
        at: Timestamp(0),
        subject: "x".into(),
        signature: Signature::Missing,
    };
    let refused = |digit: &str| Followed {
        refused: Some(RefusedCommit {
            commit: commit(digit),
            since: Timestamp(0),
            why: "it is not signed".into(),
            help: None,
        }),
        ..Followed::new("/srv/x.git", "main", "cluster.yaml")
    };
    post.followed(&refused("a"));
    post.followed(&refused("a"));
    post.followed(&refused("b"));
    post.followed(&Followed::new("/srv/x.git", "main", "cluster.yaml"));
    office.keeps(0).await;
    let text = |digit: &str| {
        let short = digit.repeat(9);
        format!("commit {short} by Anna <anna@example.org> is not applied: it is not signed")
    };
    assert_eq!(office.taken(), [text("a"), text("b")]);
}
