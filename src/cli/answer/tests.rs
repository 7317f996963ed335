//! What operators are told of their orders.

use std::time::Duration;

use super::*;
use crate::cli::samples::{self, NOW, host, instance};
use crate::model::desired::Revision;
use crate::model::gate::ChangeId;

fn order(reason: Option<&str>, until: Option<Timestamp>) -> Order {
    Order {
        by: "bert@ops".into(),
        at: NOW,
        reason: reason.map(str::to_owned),
        until,
        to: None,
    }
}

fn answer(told: Vec<Told>, left: Orders, controller: Controller) -> Answer {
    Answer {
        told,
        left,
        warnings: Vec::new(),
        controller,
        state: "/var/lib/reconcile/demo".into(),
        now: NOW,
    }
}

fn keys() -> Vec<OrderKey> {
    vec![
        OrderKey::Drained(host("b")),
        OrderKey::Paused(Scope::Cluster),
        OrderKey::Paused("service/random".parse().unwrap()),
        OrderKey::Paused("host/b".parse().unwrap()),
        OrderKey::Disarmed,
        OrderKey::Confirmed(host("b")),
        OrderKey::Retried(instance("random-2")),
        OrderKey::Held(Revision("3f2a91c04b7e".into())),
        OrderKey::Approved("daa85f87f8b307dd5d64832c1b7494559ce8d8f5".parse().unwrap()),
        OrderKey::Allowed(ChangeId("3f2a91c04b7e".into())),
        OrderKey::Hurried(ChangeId("3f2a91c04b7e".into())),
        OrderKey::Unprotected("random".parse().unwrap()),
        OrderKey::Released,
    ]
}

#[test]
fn each_order_says_what_it_changed_and_what_happens_next() {
    let mut shown = String::new();
    let style = Style::plain(100);
    let until = Some(NOW.plus(Duration::from_secs(3_600)));
    for key in keys() {
        let mut orders = Orders::default();
        let order = |reason, until| order(reason, until);
        let mut steps = vec![
            Told::take_back(&mut orders, &key),
            Told::give(&mut orders, key.clone(), order(None, None)),
            Told::give(&mut orders, key.clone(), order(None, None)),
            Told::give(
                &mut orders,
                key.clone(),
                order(Some("kernel update"), until),
            ),
        ];
        steps.push(Told::take_back(&mut orders, &key));
        for told in steps {
            let running = Controller::Process(Some(4711));
            let answer = answer(vec![told], orders.clone(), running);
            shown += &answer_text(&answer, &style);
        }
        shown.push('\n');
    }
    insta::assert_snapshot!("answers", shown);
}

#[test]
fn without_a_controller_it_is_said_when_it_counts() {
    let mut orders = Orders::default();
    let drained = OrderKey::Drained(host("b"));
    let told = Told::give(&mut orders, drained, order(None, None));
    let text = answer_text(
        &answer(vec![told], orders, Controller::None),
        &Style::plain(100),
    );
    assert!(
        text.ends_with(
            "No controller is running on /var/lib/reconcile/demo: the next `reconcile` moves its guests elsewhere\nand puts none there.\n"
        ),
        "{text}"
    );
}

#[test]
fn an_order_given_again_keeps_its_beginning_and_what_is_not_said_anew() {
    let mut orders = samples::orders();
    let key = OrderKey::Drained(host("b"));
    let before = orders.get(&key).unwrap().clone();
    Told::give(&mut orders, key.clone(), order(Some("new disks"), None));
    let after = orders.get(&key).unwrap();
    assert_eq!((after.at, after.until), (before.at, before.until));
    assert_eq!(after.reason.as_deref(), Some("new disks"));
}

#[test]
fn evidence_is_given_anew_each_time() {
    let mut orders = samples::orders();
    let key = OrderKey::Confirmed(host("c"));
    Told::give(&mut orders, key.clone(), order(None, None));
    assert_eq!(orders.get(&key).unwrap().at, NOW);
}

#[test]
fn what_changes_nothing_is_not_in_the_history() {
    let mut orders = samples::orders();
    let key = OrderKey::Paused(Scope::Cluster);
    let again = Told::give(&mut orders, key.clone(), order(None, None));
    assert_eq!(again.entry(NOW, "bert@ops"), None);
    let back = Told::take_back(&mut orders, &key);
    let entry = back.entry(NOW, "bert@ops").unwrap();
    assert_eq!(
        (entry.turn, entry.by.as_str()),
        (Turn::TakenBack, "bert@ops")
    );
    assert_eq!(Told::take_back(&mut orders, &key).entry(NOW, "x"), None);
}

#[test]
fn whoever_resumes_the_cluster_is_told_what_is_paused_still() {
    let mut orders = samples::orders();
    let back = Told::take_back(&mut orders, &OrderKey::Paused(Scope::Cluster));
    let text = answer_text(
        &answer(vec![back], orders, Controller::None),
        &Style::plain(100),
    );
    let still = "Still paused by orders of their own: `reconcile resume service/random`.\n";
    assert!(text.ends_with(still), "{text}");
}

#[test]
fn the_answer_for_programs_has_the_order_and_the_controller() {
    let mut orders = Orders::default();
    let key = OrderKey::Drained(host("b"));
    let was_not = Told::take_back(&mut orders, &key);
    let given = Told::give(&mut orders, key, order(Some("kernel update"), None));
    let running = Controller::Process(Some(4711));
    insta::assert_snapshot!(
        "json",
        answer_json(&answer(vec![was_not, given], orders, running))
    );
}

#[test]
fn the_question_before_evidence_says_what_it_means() {
    let world = samples::healthy_world();
    let mut memory = world.memory.hosts[&host("b")].clone();
    memory.seen = Some(Timestamp(NOW.0 - 192_000));
    let silence = "ssh: connect to host 192.168.10.3 port 22: No route to host";
    let question = |memory| fence_question(&host("b"), silence, memory, NOW);
    let both = format!("{}\n\n{}\n", question(Some(&memory)), question(None));
    insta::assert_snapshot!("question", both);
}
