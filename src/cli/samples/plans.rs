//! Plans, one for each situation that people meet.

use super::*;
use crate::model::gate::{ChangeId, Class, Gate, Guard, GuardKind, Verdict};

pub fn nothing_to_do() -> Plan {
    Draft::new(8).plan()
}

/// Three instances, two load balancers, on three empty hosts.
pub fn first_creation() -> Plan {
    let mut draft = Draft::new(0);
    for on in ["a", "b", "c"] {
        draft = draft.change(
            copy(on),
            &format!("alpine.qcow2 (64MiB) to host {on}"),
            reason(
                ReasonCode::ImageMissing,
                "the host doesn't have the image",
                9,
            ),
        );
    }
    let guests = [
        ("random-1", "a", 1),
        ("random-2", "b", 2),
        ("random-3", "c", 3),
        ("web-1", "a", 1),
        ("web-2", "b", 2),
    ];
    for (name, on, copied) in guests {
        let at = address(&instance(name));
        let line = if name.starts_with("web") { 22 } else { 12 };
        let missing = reason(
            ReasonCode::Missing,
            "it is desired and does not exist",
            line,
        );
        draft = draft
            .change(
                create(name, on),
                &format!("{name} on host {on} with {at}"),
                missing,
            )
            .after(&[copied]);
    }
    for (created, (name, on, _)) in (4..).zip(guests) {
        let fresh = reason(
            ReasonCode::Fresh,
            "it is new and has no configuration yet",
            12,
        );
        draft = draft
            .change(configure(name, on), &format!("{name} on host {on}"), fresh)
            .after(&[created]);
        draft = if name.starts_with("web") {
            draft.file("/etc/nginx/nginx.conf", ChangeKind::New, &new_file(42))
        } else {
            draft
                .file("/etc/reconcile/random.run", ChangeKind::New, &new_file(2))
                .file("/etc/reconcile/token", ChangeKind::New, "")
        };
    }
    draft
        .change(
            add_vip("web-1", "a"),
            "192.168.10.120/24 to web-1",
            reason(ReasonCode::VipUnheld, "nobody holds the VIP", 23),
        )
        .after(&[12])
        .plan()
}

fn new_file(lines: usize) -> String {
    let added = (1..=lines).map(|line| format!("+line {line}\n"));
    format!(
        "--- /dev/null\n+++ new\n@@ -0,0 +1,{lines} @@\n{}",
        added.collect::<String>()
    )
}

/// One dead instance.
pub fn heal_of_one() -> Plan {
    let lost =
        "4 heartbeats in a row failed since 10:31:07: connection to 192.168.10.14:8080 refused";
    Draft::new(12)
        .heal(
            recreate("random-2", "b"),
            "random-2 on host b with 192.168.10.14",
            reason(ReasonCode::HeartbeatLost, lost, 17),
        )
        .heal(
            configure("random-2", "b"),
            "random-2 on host b",
            reason(
                ReasonCode::Fresh,
                "it is new and has no configuration yet",
                12,
            ),
        )
        .after(&[1])
        .file("/etc/reconcile/random.run", ChangeKind::New, &new_file(2))
        .plan()
}

/// The holder of the VIP died.
pub fn failover() -> Plan {
    Draft::new(11)
        .heal(
            fence("web-1", "a"),
            "web-1 on host a",
            reason(ReasonCode::FenceFirst, "it last held 192.168.10.120, and its heartbeat failed 4 times: no answer within 200 ms", 22),
        )
        .heal(
            add_vip("web-2", "b"),
            "192.168.10.120/24 to web-2",
            reason(ReasonCode::VipUnheld, "nobody holds the VIP once web-1 is fenced", 23),
        )
        .after(&[1])
        .interrupts("requests to 192.168.10.120", 1_200)
        .heal(
            recreate("web-1", "a"),
            "web-1 on host a with 192.168.10.11",
            reason(ReasonCode::HeartbeatLost, "4 heartbeats in a row failed", 22),
        )
        .after(&[1, 2])
        .heal(configure("web-1", "a"), "web-1 on host a", reason(ReasonCode::Fresh, "it is new and has no configuration yet", 22))
        .after(&[3])
        .plan()
}

pub const NGINX_DIFF: &str = "\
--- /etc/nginx/nginx.conf
+++ /etc/nginx/nginx.conf
@@ -12,5 +12,6 @@
 upstream random {
 \tserver 192.168.10.13:8080;
 \tserver 192.168.10.14:8080;
+\tserver 192.168.10.15:8080;
 \tkeepalive 8;
 }
";

/// The file changed: memory of a service, and another instance. The load balancers follow, one after the other.
pub fn rolling_change() -> Plan {
    let mut draft = Draft::new(6);
    for (at, (name, on)) in (0..).zip([("random-1", "a"), ("random-2", "b")]) {
        draft = draft
            .change(
                recreate(name, on),
                &format!("{name} on host {on} with {}", address(&instance(name))),
                reason(
                    ReasonCode::MachineChanged,
                    "memory is 512MiB, desired is 1GiB",
                    15,
                ),
            )
            .after(if at == 0 { &[] } else { &[1] });
    }
    draft = draft.change(
        create("random-3", "c"),
        "random-3 on host c with 192.168.10.15",
        reason(ReasonCode::Missing, "it is desired and does not exist", 12),
    );
    for (name, on, after) in [("web-1", "a", &[3][..]), ("web-2", "b", &[3, 4][..])] {
        draft = draft
            .change(
                configure(name, on),
                &format!("{name} on host {on}"),
                reason(
                    ReasonCode::RoutesChanged,
                    "random has 3 instances, was 2",
                    25,
                ),
            )
            .after(after)
            .file("/etc/nginx/nginx.conf", ChangeKind::Content, NGINX_DIFF)
            .file("/etc/nginx/key.pem", ChangeKind::Hidden, "")
            .file("/etc/hosts", ChangeKind::Attributes, "");
    }
    draft
        .change(
            destroy("old-1", "c"),
            "old-1 on host c",
            reason(ReasonCode::Surplus, "it is not desired any more", 11),
        )
        .plan()
}

/// Hosts that can't be seen, and too few addresses.
pub fn blocked_and_unknown() -> Plan {
    let mut plan = Draft::new(7)
        .change(
            create("random-4", "a"),
            "random-4 on host a with 192.168.10.16",
            reason(ReasonCode::Missing, "it is desired and does not exist", 12),
        )
        .notice(
            NoticeKind::Blocked,
            "random-5",
            "no free address: the pool of a has 2 of 2 in use, the pool of b has 3 of 3 in use",
            Some("widen hosts.a.pool, or lower services.random.replicas to 4"),
        )
        .notice(
            NoticeKind::Unknown,
            "host c",
            "ssh: connect to host 192.168.10.4 port 22: Connection timed out",
            None,
        )
        .notice(
            NoticeKind::Unknown,
            "random-3",
            "its host c can't be seen; it was there 2m10s ago",
            None,
        )
        .notice(
            NoticeKind::Waiting,
            "web-2",
            "is worked on after web-1 is healthy: web keeps at least 1 of 2",
            None,
        )
        .notice(
            NoticeKind::Warning,
            "192.168.10.17",
            "somebody foreign (52:54:00:aa:bb:cc) answers for it: skipped",
            None,
        )
        .plan();
    plan.hosts = super::hosts(HostCondition::Suspect);
    plan.notices[0].line = Some(in_file("specs/services/random.yaml"));
    plan.actions[0].reason.line = Some(in_file("specs/services/random.yaml"));
    plan
}

fn in_file(name: &str) -> Line {
    Line {
        line: 2,
        file: Some(name.into()),
    }
}

/// A change that takes much away, and that a guard holds.
pub fn held() -> Plan {
    let guard = |guard, verdict, text: &str, help: Option<&str>| Guard {
        guard,
        verdict,
        text: text.into(),
        help: help.map(str::to_owned),
        line: help.map(|_| in_file("specs/services/random.yaml")),
    };
    let approve = "approve it: reconcile approve 9e13fc529ff6";
    let gate = Gate {
        change: ChangeId("9e13fc529ff6".into()),
        class: Class::Destroy,
        guards: vec![
            guard(
                GuardKind::MaxDestroy,
                Verdict::Holds,
                "4 of 5 guests go for good, at most 3 may",
                Some(approve),
            ),
            guard(
                GuardKind::Window,
                Verdict::Passes,
                "the window is open",
                None,
            ),
        ],
        opens: None,
    };
    Plan {
        gate: Some(gate),
        ..rolling_change()
    }
}

/// Many guests that are unknown for the same reason.
pub fn silent_hosts() -> Plan {
    let why = "may be on host c, which can't be seen: it is not created a second time";
    let mut draft = Draft::new(4);
    for name in ["random-1", "random-2", "random-3"] {
        draft = draft.notice(NoticeKind::Unknown, name, why, None);
    }
    draft.plan()
}

/// Text from machines and files that nobody trusts.
pub fn hostile() -> Plan {
    let mut plan = Draft::new(1)
        .heal(
            recreate("random-1", "a"),
            "random-1\u{1b}[2J on host a",
            reason(
                ReasonCode::HeartbeatLost,
                "answer was \u{1b}]0;owned\u{7}\r\nPlan: nothing\u{202e}",
                17,
            ),
        )
        .interrupts("every\u{9b}31mthing", 400)
        .file(
            "/etc/\u{1b}[8mx",
            ChangeKind::Content,
            "@@ -1 +1 @@\n-a\n+\u{1b}[1A\u{1b}[2Kb\r\n",
        )
        .notice(
            NoticeKind::Unknown,
            "host\u{1b}[31m b",
            "banner:\nWelcome\u{0}",
            Some("ask\u{200b} b"),
        )
        .plan();
    plan.notices[0].line = Some(in_file("a\u{1b}[2J.yaml"));
    plan
}

pub fn plans() -> BTreeMap<&'static str, Plan> {
    BTreeMap::from([
        ("nothing_to_do", nothing_to_do()),
        ("first_creation", first_creation()),
        ("heal_of_one", heal_of_one()),
        ("failover", failover()),
        ("rolling_change", rolling_change()),
        ("blocked_and_unknown", blocked_and_unknown()),
        ("silent_hosts", silent_hosts()),
        ("held", held()),
        ("hostile", hostile()),
    ])
}
