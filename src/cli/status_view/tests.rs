//! Status reports as people and programs see them.

use super::*;
use crate::cli::samples::{self, World as Sample};
use crate::cli::style::Style;
use crate::model::facts::{Beat, Seen, Unseen};
use crate::model::memory::GuestMemory;

fn report(sample: &Sample, plan: &Plan) -> StatusReport {
    StatusReport::of(&sample.desired, &sample.observed, &sample.memory, plan)
}

fn shown(sample: &Sample, plan: &Plan) -> String {
    status_text(&report(sample, plan), &Style::plain(80))
}

#[test]
fn a_healthy_cluster_has_nothing_wrong() {
    let sample = samples::healthy_world();
    insta::assert_snapshot!("healthy", shown(&sample, &samples::nothing_to_do()));
    insta::assert_snapshot!(
        "healthy_json",
        report(&sample, &samples::nothing_to_do()).json()
    );
}

#[test]
fn orders_in_force_stand_at_the_top() {
    let mut sample = samples::healthy_world();
    sample.observed.orders = samples::orders();
    let mut plan = samples::nothing_to_do();
    plan.orders = samples::orders();
    insta::assert_snapshot!("orders", shown(&sample, &plan));
    let json = report(&sample, &plan).json();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["orders"].as_array().unwrap().len(), 12);
    assert_eq!(json["orders"][0]["order"], "disarmed");
}

/// The holder of the VIP is off, an instance fails, another boots, a host can't be seen.
fn trouble() -> Sample {
    let mut sample = samples::healthy_world();
    sample.lose_host(
        "c",
        "ssh: connect to host 192.168.10.4 port 22: Connection timed out",
    );
    sample.stop("web-1");
    sample.fail("random-1", 2, "no answer within 1 s");
    sample.busy("web-1", "recreate");
    sample
}

#[test]
fn trouble_is_told_with_its_reasons() {
    let mut plan = samples::failover();
    plan.notices = samples::blocked_and_unknown().notices;
    insta::assert_snapshot!("trouble_80", shown(&trouble(), &plan));
    let wide = status_text(&report(&trouble(), &plan), &Style::plain(120));
    insta::assert_snapshot!("trouble_120", wide);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut plan = samples::failover();
    plan.notices = samples::blocked_and_unknown().notices;
    for columns in [80, 100, 120] {
        for line in status_text(&report(&trouble(), &plan), &Style::plain(columns)).lines() {
            assert!(text::width(line) <= columns, "{line}");
        }
    }
}

#[test]
fn what_is_on_an_unseen_host_is_unknown_and_not_missing() {
    let report = report(&trouble(), &samples::failover());
    let lost = report
        .instances
        .iter()
        .find(|i| i.instance.to_string() == "random-3")
        .unwrap();
    assert_eq!(lost.domain, DomainStatus::Unknown);
    assert_eq!(lost.host, Some(samples::host("c")));
}

#[test]
fn an_unseen_host_is_told_once() {
    let mut plan = samples::nothing_to_do();
    let told = |plan: &Plan| {
        let wrong = report(&trouble(), plan).wrong;
        wrong.iter().filter(|w| w.subject == "host c").count()
    };
    assert_eq!(told(&plan), 1);
    plan.notices = samples::blocked_and_unknown().notices;
    assert_eq!(told(&plan), 1);
}

#[test]
fn of_a_host_that_was_never_seen_nothing_is_claimed() {
    let mut sample = samples::healthy_world();
    sample.lose_host("c", "gone");
    sample.memory.hosts.clear();
    let report = report(&sample, &samples::nothing_to_do());
    assert_eq!(
        (report.hosts[2].guests, report.hosts[2].pool_used),
        (None, None)
    );
    assert!(status_text(&report, &Style::plain(80)).contains("?/10"));
}

#[test]
fn what_is_wrong_for_the_same_reason_is_told_once() {
    let mut plan = samples::nothing_to_do();
    plan.notices = samples::silent_hosts().notices;
    let text = shown(&samples::healthy_world(), &plan);
    assert!(
        text.contains("random-1 and 2 more  may be on host c"),
        "{text}"
    );
    assert!(text.contains("; 3 issues."), "{text}");
}

#[test]
fn a_guest_is_missing_only_where_all_hosts_were_seen() {
    let mut sample = samples::healthy_world();
    sample.remove("random-2");
    let domain = |sample: &Sample| {
        let report = report(sample, &samples::nothing_to_do());
        report
            .instances
            .iter()
            .find(|i| i.instance.to_string() == "random-2")
            .unwrap()
            .domain
    };
    assert_eq!(domain(&sample), DomainStatus::Missing);
    sample.lose_host("c", "gone");
    assert_eq!(domain(&sample), DomainStatus::Unknown);
}

#[test]
fn a_young_guest_that_was_never_healthy_boots() {
    let mut sample = samples::healthy_world();
    let id = samples::instance("random-1");
    sample.observed.beats.insert(
        id.clone(),
        Beat {
            failures: 3,
            ..Beat::default()
        },
    );
    let young = GuestMemory {
        since: samples::OBSERVED,
        ..GuestMemory::default()
    };
    sample.memory.guests.insert(id.clone(), young);
    let heartbeat = |sample: &Sample| {
        let report = report(sample, &samples::nothing_to_do());
        report
            .instances
            .into_iter()
            .find(|i| i.instance == id)
            .unwrap()
            .heartbeat
    };
    assert_eq!(heartbeat(&sample), HeartbeatStatus::Booting);
    sample.observed.now = sample
        .observed
        .now
        .plus(std::time::Duration::from_secs(3_600));
    assert!(matches!(
        heartbeat(&sample),
        HeartbeatStatus::Failing {
            failures: 3,
            retries: 4,
            ..
        }
    ));
}

#[test]
fn nobody_holds_the_vip_only_where_everybody_was_asked() {
    let mut sample = samples::healthy_world();
    sample.stop("web-1");
    let text = shown(&sample, &samples::nothing_to_do());
    assert!(text.contains("VIP 192.168.10.120 held by nobody"), "{text}");
    let unseen = Unseen::new(UnseenKind::Unreachable, "no");
    sample
        .observed
        .guests
        .insert(samples::instance("web-2"), Seen::No(unseen));
    let text = shown(&sample, &samples::nothing_to_do());
    assert!(
        text.contains("VIP 192.168.10.120 (holder unknown, was web-1)"),
        "{text}"
    );
}

#[test]
fn hostile_text_reaches_neither_the_terminal_nor_the_json() {
    let mut sample = samples::healthy_world();
    sample.lose_host("b", "banner \u{1b}[2J\u{9b}31m");
    let report = report(&sample, &samples::hostile());
    let text = status_text(&report, &Style::plain(80));
    for shown in [text, report.json()] {
        assert!(
            !shown
                .replace('\n', "")
                .chars()
                .any(crate::cli::text::is_hostile)
        );
    }
}

#[test]
fn a_branch_that_is_followed_is_told_with_what_is_wrong_with_it() {
    let sample = samples::healthy_world();
    let report = report(&sample, &samples::nothing_to_do());
    let report = report.following(Some(samples::followed()));
    insta::assert_snapshot!("followed", status_text(&report, &Style::plain(80)));
}

#[test]
fn receivers_that_messages_do_not_get_through_to_are_told_with_what_to_do() {
    let sample = samples::healthy_world();
    let report = report(&sample, &samples::nothing_to_do());
    let one = |receiver: &str, waiting, since, given_up| UndeliveredStatus {
        receiver: receiver.parse().unwrap(),
        waiting,
        since,
        given_up,
        why: "the server answers 500".to_owned(),
    };
    let since = Some(Timestamp(sample.observed.now.0 - 90_000));
    let all = vec![one("ops", 3, since, 2), one("pager", 0, None, 1)];
    let report = report.telling(all);
    insta::assert_snapshot!("undelivered_80", status_text(&report, &Style::plain(80)));
    let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    assert_eq!(json["undelivered"][0]["waiting"], 3);
    assert_eq!(json["wrong"][1]["subject"], "receiver pager");
}
