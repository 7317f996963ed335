//! What people are told while things happen to a simulated cluster; and that nothing of it changes what is done.

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::controller::post::Post;
use crate::model::commit::{Commit, Signature};
use crate::model::event::{Event, Undelivered};
use crate::model::receiver::Receiver;
use crate::ports::notifier::{Failure, Notifier, Spool};
use crate::ports::store::StoreError;
use crate::spec::scenario::{Cluster as Described, parse_scenario};
use crate::spec::{NoFiles, parse};

const CLUSTER: &str = "\
cluster: shop
networks: { lan: { cidr: 10.0.0.0/24, gateway: 10.0.0.1 } }
hosts:
  a: { address: 10.0.0.2, pool: 10.0.0.10-10.0.0.19 }
  b: { address: 10.0.0.3, pool: 10.0.0.20-10.0.0.29 }
  c: { address: 10.0.0.4, pool: 10.0.0.30-10.0.0.39 }
images: { alpine: { path: /a.qcow2 } }
services:
  api: { replicas: 2, image: alpine, port: 8080, run: /bin/api }
load_balancers:
  web: { vip: 10.0.0.100/24, replicas: 2, image: alpine, routes: { /: api } }
notify:
  ops: { command: [page], severity: info, rate: 100/1m }
";

/// Writes down what it is told, or never comes back.
enum Witness {
    Notes(Mutex<Vec<Event>>),
    Hangs,
}

#[async_trait]
impl Notifier for Witness {
    async fn tell(&self, _: &Receiver, event: &Event) -> Result<(), Failure> {
        match self {
            Witness::Notes(notes) => notes.lock().unwrap().push(event.clone()),
            Witness::Hangs => std::future::pending().await,
        }
        Ok(())
    }
}

/// Forgets.
#[derive(Default)]
struct NoSpool;

impl Spool for NoSpool {
    fn load(&self) -> Result<Option<String>, StoreError> {
        Ok(None)
    }
    fn save(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
    fn record(&self, _: &Undelivered) -> Result<(), StoreError> {
        Ok(())
    }
}

fn desired(text: &str) -> Arc<Desired> {
    Arc::new(parse("cluster.yaml", text.as_bytes(), &NoFiles).unwrap_or_else(|e| panic!("{e}")))
}

/// Plays a scenario, with somebody who hears of it or nobody.
fn play(events: &str, witness: Option<Arc<Witness>>) -> Rehearsal {
    play_from(&desired(CLUSTER), events, witness)
}

fn play_from(desired: &Arc<Desired>, events: &str, witness: Option<Arc<Witness>>) -> Rehearsal {
    let text = format!("events:\n{events}");
    let described = Described {
        name: "cluster.yaml",
        bytes: CLUSTER.as_bytes(),
        files: &NoFiles,
        desired: Arc::clone(desired),
    };
    let scenario = parse_scenario("scenario.yaml", text.as_bytes(), &described);
    let mut scenario = scenario.unwrap_or_else(|e| panic!("{e}"));
    for (event, digit) in scenario.events.iter_mut().zip("bcdef".chars()) {
        if let (Happening::Edit(edited, _), Some(commit)) = (&mut event.what, &desired.commit) {
            let id = digit.to_string().repeat(40).parse().unwrap();
            Arc::make_mut(edited).commit = Some(Commit {
                id,
                ..commit.clone()
            });
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(async {
        let mut stage = Stage::new(desired, &scenario, 7);
        if let Some(witness) = witness {
            let clock = Arc::clone(&stage.cluster) as Arc<dyn Clock>;
            stage.first.herald = Post::new(desired, clock, witness, Arc::new(NoSpool));
        }
        stage.play(Duration::from_secs(300)).await
    })
}

fn told(events: &str) -> String {
    told_from(&desired(CLUSTER), events)
}

fn told_from(desired: &Arc<Desired>, events: &str) -> String {
    let witness = Arc::new(Witness::Notes(Mutex::default()));
    let rehearsal = play_from(desired, events, Some(Arc::clone(&witness)));
    assert_eq!(rehearsal.broken, Vec::<String>::new());
    let Witness::Notes(notes) = witness.as_ref() else {
        return String::new();
    };
    let notes = notes.lock().unwrap();
    let line = |event: &Event| {
        let seconds = event.at.since(EPOCH).as_secs();
        format!("{seconds:>4} {} {}\n", event.kind.word(), event.line())
    };
    notes.iter().map(line).collect()
}

#[test]
fn a_guest_that_dies_is_told_once_and_so_is_its_return() {
    insta::assert_snapshot!(told("  - { at: 2m, instance api-1: crash }\n"));
}

#[test]
fn a_host_that_is_lost_is_told_as_it_goes_on_until_it_is_back() {
    insta::assert_snapshot!(told(
        "  - { at: 2m, host b: power off }\n  - { at: 10m, host b: power on }\n"
    ));
}

#[test]
fn nobody_is_told_again_when_the_controller_restarts() {
    let text = told(
        "  - { at: 2m, host b: power off }\n  - { at: 3m, controller: restart }\n  - { at: 4m, controller: restart }\n",
    );
    insta::assert_snapshot!(text);
}

#[test]
fn an_edit_and_an_order_are_told() {
    insta::assert_snapshot!(told(concat!(
        "  - { at: 2m, edit: { services.api.memory: 256MiB } }\n",
        "  - { at: 8m, command: drain c --reason kernel }\n",
        "  - { at: 12m, command: undrain c }\n",
    )));
}

#[test]
fn a_receiver_that_never_answers_changes_no_moment_of_what_is_done() {
    let events = "  - { at: 2m, host b: power off }\n  - { at: 10m, host b: power on }\n  - { at: 15m, instance api-1: crash }\n";
    let hangs = play(events, Some(Arc::new(Witness::Hangs)));
    assert_eq!(hangs, play(events, None));
    assert_eq!(hangs.broken, Vec::<String>::new());
    assert!(!hangs.failures.is_empty(), "something happened");
}

/// What is told of commits, where each edit is one.
fn told_of_commits(events: &str) -> String {
    let mut desired = Desired::clone(&desired(CLUSTER));
    desired.commit = Some(Commit {
        id: "daa85f87f8b307dd5d64832c1b7494559ce8d8f5".parse().unwrap(),
        author: "Anna <anna@example.org>".into(),
        at: EPOCH,
        subject: "more memory".into(),
        signature: Signature::Missing,
    });
    told_from(&Arc::new(desired), events)
}

#[test]
fn what_becomes_of_a_commit_is_told_as_it_is_carried_out() {
    insta::assert_snapshot!(told_of_commits(concat!(
        "  - { at: 2m, edit: { services.api.memory: 256MiB } }\n",
        "  - { at: 4m, instance api-1: boot fails 9 }\n",
        "  - { at: 5m, edit: { services.api.memory: 512MiB } }\n",
        "  - { at: 30m, edit: { services.api.memory: 256MiB } }\n",
    )));
}

#[test]
fn a_commit_that_guards_hold_is_pending_until_a_person_lets_it_pass() {
    insta::assert_snapshot!(told_of_commits(concat!(
        "  - { at: 2m, edit: { changes.automatic: none } }\n",
        "  - { at: 4m, edit: { services.api.memory: 256MiB } }\n",
        "  - { at: 8m, command: approve }\n",
    )));
}

#[test]
fn a_commit_that_is_rolled_back_has_failed_until_it_is_in_force_again() {
    insta::assert_snapshot!(told_of_commits(concat!(
        "  - { at: 2m, edit: { services.api.memory: 256MiB } }\n",
        "  - { at: 5m, command: rollback }\n",
        "  - { at: 10m, command: rollback --undo }\n",
    )));
}

#[test]
fn a_host_whose_guests_go_on_without_it_is_told_of_when_that_lasts() {
    let text =
        told("  - { at: 2m, host b: libvirt hangs }\n  - { at: 8m, host b: libvirt works }\n");
    insta::assert_snapshot!(text);
}

#[test]
fn an_instance_that_fails_for_good_is_told_as_worse_than_lost() {
    insta::assert_snapshot!(told(concat!(
        "  - { at: 2m, instance api-1: boot fails 99 }\n",
        "  - { at: 2m, instance api-1: crash }\n",
        "  - { at: 60m, command: pause service/api }\n",
    )));
}

#[test]
fn when_all_fall_silent_the_brake_is_told() {
    insta::assert_snapshot!(told(concat!(
        "  - { at: 2m, instance api-1: freeze }\n",
        "  - { at: 2m, instance api-2: freeze }\n",
        "  - { at: 2m, instance web-1: freeze }\n",
        "  - { at: 2m, instance web-2: freeze }\n",
        "  - { at: 4m, instance api-1: thaw }\n",
        "  - { at: 4m, instance api-2: thaw }\n",
        "  - { at: 4m, instance web-1: thaw }\n",
        "  - { at: 4m, instance web-2: thaw }\n",
    )));
}

#[test]
fn a_holder_that_dies_is_told_with_where_its_vip_went() {
    insta::assert_snapshot!(told("  - { at: 2m, instance web-1: freeze }\n"));
}
