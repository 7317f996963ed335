//! Drift as people and programs see it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::cli::samples::{self, Draft, NOW, instance};
use crate::cli::style::Style;
use crate::model::facts::{GuestFacts, GuestFile};
use crate::model::memory::GuestMemory;

/// nginx.conf was edited on web-1 two minutes ago; random-2 is dead for three.
fn edited() -> (Plan, Observed, Memory) {
    let ago = |seconds: i64| Timestamp(NOW.0 - seconds * 1_000);
    let drift = |text: &str| samples::reason(ReasonCode::ConfigDrift, text, 22);
    let fresh = samples::reason(ReasonCode::Fresh, "it has no configuration yet", 12);
    let lost = samples::reason(
        ReasonCode::HeartbeatLost,
        "4 heartbeats in a row failed",
        12,
    );
    let dead = ("random-2", "b");
    let plan = Draft::new(9)
        .heal(
            samples::configure("web-1", "a"),
            "web-1: 3 files, reload",
            drift("it was changed on the guest"),
        )
        .file(
            "/etc/nginx/nginx.conf",
            ChangeKind::Content,
            samples::NGINX_DIFF,
        )
        .file("/etc/nginx/key.pem", ChangeKind::Hidden, "")
        .file("/etc/hosts", ChangeKind::New, "+a\n")
        .heal(
            samples::recreate(dead.0, dead.1),
            "random-2 on host b with 192.168.10.14",
            lost,
        )
        .heal(
            samples::configure(dead.0, dead.1),
            "random-2: 1 file, start",
            fresh,
        )
        .change(
            samples::destroy("old-1", "c"),
            "old-1 on host c",
            samples::reason(ReasonCode::Surplus, "x", 1),
        )
        .notice(
            NoticeKind::Unknown,
            "host c",
            "ssh: Connection timed out",
            None,
        )
        .plan();
    let file = GuestFile {
        sha256: "ab".into(),
        mode: 0o644,
        owner: "root:root".into(),
        changed: Some(ago(120)),
        content: None,
    };
    let facts = GuestFacts {
        files: BTreeMap::from([("/etc/nginx/nginx.conf".to_owned(), file)]),
        ..GuestFacts::default()
    };
    let observed = Observed {
        guests: BTreeMap::from([(instance("web-1"), Seen::Yes(facts))]),
        ..Observed::default()
    };
    let guest = GuestMemory {
        failing_since: Some(ago(180)),
        ..GuestMemory::default()
    };
    let memory = Memory {
        guests: BTreeMap::from([(instance("random-2"), guest)]),
        ..Memory::default()
    };
    (plan, observed, memory)
}

fn none() -> DriftReport {
    DriftReport::of(
        &samples::nothing_to_do(),
        &Observed::default(),
        &Memory::default(),
    )
}

#[test]
fn drift_reads_well() {
    let (plan, observed, memory) = edited();
    let report = DriftReport::of(&plan, &observed, &memory);
    for width in [80, 120] {
        let text = drift_text(&report, &plan, NOW, &Style::plain(width));
        insta::assert_snapshot!(format!("text_{width}"), text);
    }
    insta::assert_snapshot!("json", report.json());
}

#[test]
fn where_nothing_differs_it_is_one_line() {
    let text = drift_text(&none(), &samples::nothing_to_do(), NOW, &Style::plain(80));
    assert_eq!(
        text,
        "No drift: demo is as revision 3f2a91c04b7e left it, on 3 of 3 hosts.\n"
    );
}

#[test]
fn what_the_file_asks_for_is_no_drift_and_a_step_of_healing_is_no_other_one() {
    let (plan, observed, memory) = edited();
    let report = DriftReport::of(&plan, &observed, &memory);
    let about: Vec<_> = report
        .drift
        .iter()
        .map(|d| d.instance.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(about, ["web-1", "random-2"]);
    assert_eq!(report.not_applied, 1);
    let since = report.drift[0].since.map(|at| NOW.since(at));
    assert_eq!(since, Some(Duration::from_secs(120)));
    let plan = samples::rolling_change();
    assert!(DriftReport::of(&plan, &observed, &memory).drift.is_empty());
}

#[test]
fn nothing_hostile_reaches_the_terminal() {
    let plan = samples::hostile();
    let report = DriftReport::of(&plan, &Observed::default(), &Memory::default());
    let told = drift_text(&report, &plan, NOW, &Style::plain(80)) + &report.json();
    assert!(!told.replace('\n', "").chars().any(text::is_hostile));
    assert_eq!(report.drift.len(), 1);
}
