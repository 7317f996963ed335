//! What a look at a host tells, and why there is none.

use std::time::{Duration, Instant};

use reconcile::adapters::ssh_reader::SshReader;
use reconcile::model::desired::SshAccess;
use reconcile::model::facts::{Answer, HostFacts, Seen, Unseen, UnseenKind};
use reconcile::ports::hypervisor::{HostQuery, Hypervisor};

use super::fixture::Lab;
use super::machine::{host, query};

#[tokio::test]
async fn who_holds_an_address_is_asked_on_the_wire() {
    let (lab, a) = (Lab::new(), host("a"));
    let there = "192.168.10.3".parse().unwrap();
    let nobody = [
        "192.168.10.98".parse().unwrap(),
        "192.168.10.99".parse().unwrap(),
    ];
    let answers = lab.reader.who_answers(&a, "br0", &[there]).await.unwrap();
    assert_eq!(
        answers[&there],
        Answer::Taken {
            mac: "52:54:00:a8:0a:03".into()
        }
    );
    let answers = lab
        .reader
        .who_answers(&a, "br0", &[nobody[0], there, nobody[1]])
        .await
        .unwrap();
    assert_eq!(answers[&nobody[0]], Answer::Silence);
    assert_eq!(answers[&nobody[1]], Answer::Silence);
    assert!(matches!(answers[&there], Answer::Taken { .. }));
    assert!(
        lab.reader
            .who_answers(&a, "no-bridge", &[there])
            .await
            .is_err()
    );
}

#[tokio::test]
async fn kvm_that_only_seems_to_work_is_found_out_once_per_boot() {
    let (lab, a) = (Lab::new(), host("a"));
    lab.on("a", &["rm", "-f", "/run/reconcile/kvm"]);
    let probing = HostQuery {
        probe_kvm: true,
        ..query()
    };
    for what in ["asked", "remembered"] {
        let Seen::Yes(facts) = lab.reader.observe(&a, &probing).await else {
            panic!()
        };
        assert!(facts.kvm.is_some(), "{what}");
    }
    assert_eq!(lab.facts(&a).await.kvm, None);
}

#[tokio::test]
async fn an_address_where_nobody_answers_is_an_unreachable_host() {
    let lab = Lab::new();
    let mut nobody = host("a");
    nobody.address = "192.168.10.99".into();
    let begin = Instant::now();
    let seen = lab.reader.observe(&nobody, &query()).await;
    assert_eq!(unseen(seen).kind, UnseenKind::Unreachable);
    assert!(begin.elapsed() < Duration::from_secs(12));
}

#[tokio::test]
async fn a_host_whose_key_is_unknown_or_another_one_is_not_talked_to() {
    let lab = Lab::new();
    let known_hosts = lab.state.path().join("known hosts");
    let access = SshAccess {
        known_hosts: Some(known_hosts.clone()),
        ..Lab::access()
    };
    let unknown = look_with(&lab, &access).await;
    assert_eq!(unknown.kind, UnseenKind::Refused);
    assert!(unknown.message.contains("ssh-keyscan"), "{unknown:?}");

    // The key of b at the address of a.
    let keys = std::fs::read_to_string(Lab::ssh("known_hosts")).unwrap();
    let of_b = keys.lines().find(|line| line.starts_with("192.168.10.3 "));
    let wrong = of_b.unwrap().replace("192.168.10.3", "192.168.10.2");
    std::fs::write(&known_hosts, wrong).unwrap();
    let changed = look_with(&lab, &access).await;
    assert_eq!(changed.kind, UnseenKind::HostKeyChanged);
    assert!(changed.message.contains("ssh-keygen -R"), "{changed:?}");
}

#[tokio::test]
async fn a_host_that_does_not_let_us_in_says_so() {
    let lab = Lab::new();
    let (key, config) = (
        lab.state.path().join("key"),
        lab.state.path().join("config"),
    );
    let mut keygen = std::process::Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]);
    assert!(keygen.arg(&key).status().unwrap().success());
    std::fs::write(&config, "Host a\n HostName 192.168.10.2\n").unwrap();
    let access = SshAccess {
        identity: Some(key),
        known_hosts: Some(Lab::ssh("known_hosts")),
        config: Some(config),
        ..SshAccess::default()
    };
    assert_eq!(look_with(&lab, &access).await.kind, UnseenKind::Refused);
}

async fn look_with(lab: &Lab, access: &SshAccess) -> Unseen {
    let reader = SshReader::new(access, lab.state.path()).unwrap();
    unseen(reader.observe(&host("a"), &query()).await)
}

fn unseen(seen: Seen<HostFacts>) -> Unseen {
    match seen {
        Seen::No(unseen) => unseen,
        Seen::Yes(facts) => panic!("{facts:?}"),
    }
}
