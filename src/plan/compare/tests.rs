//! Two states of one file, against the same world.

use super::*;
use crate::memory::took::measure;
use crate::model::desired::OnChange;
use crate::model::facts::{
    Beat, DaemonFacts, Domain, DomainState, GuestFacts, GuestFile, HostFacts, HostFile,
};
use crate::model::mark::{Mark, Stage};
use crate::model::plan::{ChangeKind, NoticeKind, Outcome};
use crate::model::time::Timestamp;
use crate::model::unit::Bytes;
use crate::plan::machine;
use crate::plan::saved::seal;
use crate::spec::{NoFiles, parse};
use std::time::Duration;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn file(replicas: u32, content: &str) -> Desired {
    let yaml = format!(
        "cluster: demo\nnetworks: {{ lan: {{ cidr: 10.0.0.0/16, gateway: 10.0.255.254 }} }}\n\
         images: {{ alpine: {{ path: /alpine.qcow2, init: openrc }} }}\n\
         hosts:\n  a: {{ address: 10.1.0.1, pool: 10.0.0.10-10.0.0.19, fencing: manual }}\n\
         services:\n  web: {{ replicas: {replicas}, image: alpine, port: 8080, run: /web,\n    \
         files: [{{ path: /etc/x, content: \"is {content}\\n\", on_change: nothing }}] }}\n",
    );
    parse("cluster.yaml", yaml.as_bytes(), &NoFiles).unwrap_or_else(|e| panic!("{e}"))
}

/// What host a shows, with these domains.
fn facts(domains: Vec<Domain>) -> Seen<HostFacts> {
    let image = HostFile {
        size: Bytes(1),
        sha256: None,
    };
    Seen::Yes(HostFacts {
        domains,
        kvm: Some(true),
        files: BTreeMap::from([("/alpine.qcow2".to_owned(), image)]),
        ..HostFacts::default()
    })
}

fn empty_world() -> Observed {
    let seen = facts(Vec::new());
    Observed {
        now: NOW,
        hosts: BTreeMap::from([("a".parse().unwrap(), seen)]),
        ..Observed::default()
    }
}

fn compared(from: &Desired, to: &Desired) -> Compared {
    compare(from, to, &empty_world(), &Memory::default())
}

fn kinds(actions: &[Action]) -> Vec<String> {
    let shown = actions.iter().map(|action| {
        let instance = action.operation.instance();
        let instance = instance.map(|instance| format!(" {instance}"));
        format!(
            "{}{}",
            action.operation.kind(),
            instance.unwrap_or_default()
        )
    });
    shown.collect()
}

#[test]
fn only_what_the_later_state_adds_is_in_the_plan() {
    let compared = compared(&file(2, ""), &file(3, ""));
    assert_eq!(
        kinds(&compared.plan.actions),
        ["create web-3", "configure web-3"]
    );
    assert_eq!(compared.plan.actions[1].id, ActionId(2));
    assert!(compared.plan.actions[1].needs.contains(&ActionId(1)));
    assert_eq!((compared.both, compared.dropped.len()), (4, 0));
}

#[test]
fn what_the_later_state_does_not_do_any_more_is_told() {
    let compared = compared(&file(2, ""), &file(1, ""));
    assert!(compared.plan.actions.is_empty());
    assert_eq!(
        kinds(&compared.dropped),
        ["create web-2", "configure web-2"]
    );
}

#[test]
fn two_equal_states_have_all_in_common() {
    let compared = compared(&file(3, ""), &file(3, ""));
    assert!(compared.plan.actions.is_empty() && compared.dropped.is_empty());
    assert_eq!(compared.both, 6);
}

#[test]
fn a_host_that_nobody_has_looked_at_is_unknown_and_gets_nothing() {
    let host = "  b: { address: 10.1.0.2, pool: 10.0.0.20-10.0.0.29, fencing: manual }\n";
    let to = parse(
        "cluster.yaml",
        format!(
            "cluster: demo\nnetworks: {{ lan: {{ cidr: 10.0.0.0/16, gateway: 10.0.255.254 }} }}\n\
             images: {{ alpine: {{ path: /alpine.qcow2 }} }}\nhosts:\n{host}\
             services: {{ web: {{ replicas: 1, image: alpine, port: 8080 }} }}\n"
        )
        .as_bytes(),
        &NoFiles,
    )
    .unwrap();
    let compared = compared(&file(0, ""), &to);
    assert!(compared.plan.actions.is_empty());
    let unknown = compared.plan.notices_of(NoticeKind::Unknown);
    let told: Vec<&str> = unknown.map(|notice| notice.text.as_str()).collect();
    assert!(
        told.iter().any(|text| text.contains("not looked at yet")),
        "{told:?}"
    );
}

#[test]
fn what_waits_for_something_that_is_left_out_waits_for_what_that_waits_for() {
    let all = compared(&file(0, ""), &file(2, "")).plan.actions;
    let mut chain = all[..3].to_vec();
    for (at, action) in (1..).zip(&mut chain) {
        action.id = ActionId(at);
        action.needs = (1..at).last().map(ActionId).into_iter().collect();
    }
    let kept = only(chain, |action| action.id != ActionId(2));
    let ids = kept
        .iter()
        .map(|a| (a.id.0, a.needs.iter().map(|n| n.0).collect::<Vec<_>>()));
    let ids: Vec<_> = ids.collect();
    assert_eq!(ids, [(1, vec![]), (2, vec![1])]);
}

/// web-1 as the file wants it, seen without what its files hold.
fn running(desired: &Desired) -> (Observed, Memory) {
    let (group, host) = (
        &desired.groups[&"web".parse().unwrap()],
        &desired.hosts[&"a".parse().unwrap()],
    );
    let image = &desired.images[&"alpine".parse().unwrap()];
    let mark = Mark {
        cluster: desired.cluster.clone(),
        instance: "web-1".parse().unwrap(),
        address: [10, 0, 0, 10].into(),
        moving_to: None,
        port: 8080,
        digest: machine::fingerprint(desired, group, image, host),
        generation: "g1".into(),
        stage: Stage::Ready,
    };
    let domain = Domain {
        name: "demo-web-1".into(),
        uuid: "u".into(),
        state: DomainState::Running,
        run: Some(1),
        mark: Some(mark.clone()),
    };
    let mut observed = empty_world();
    observed.hosts = BTreeMap::from([(host.id.clone(), facts(vec![domain]))]);
    let beat = Beat {
        last_ok: Some(NOW),
        ..Beat::default()
    };
    observed.beats.insert(mark.instance.clone(), beat);
    let (memory, renderer) = (Memory::default(), Renderer::default());
    let config = {
        let round = Round::new(desired, &observed, &memory, &renderer);
        let rotation = Rotation::present(&round);
        asked(&round, &rotation, group, &host.id, &mark).unwrap()
    };
    let daemon = config.daemon.as_ref().unwrap();
    let files = config
        .files
        .iter()
        .chain(daemon.units.values())
        .chain([&daemon.script]);
    let files = files.map(|file| {
        let seen = GuestFile {
            sha256: file.sha256.clone(),
            mode: file.mode,
            owner: "root:root".into(),
            changed: None,
            content: None,
        };
        (file.path.clone(), seen)
    });
    let facts = GuestFacts {
        init: Some(daemon.init),
        files: files.collect(),
        daemon: Some(DaemonFacts {
            running: true,
            started: Some(daemon.revision.clone()),
            loaded: Some(daemon.loads.clone()),
        }),
        ..GuestFacts::default()
    };
    observed
        .guests
        .insert(mark.instance.clone(), Seen::Yes(facts));
    (observed, memory)
}

#[test]
fn what_stands_in_a_file_is_told_by_the_state_that_wrote_it() {
    let (from, to) = (file(1, ""), file(1, "new"));
    let (observed, memory) = running(&from);
    let compared = compare(&from, &to, &observed, &memory);
    assert_eq!(kinds(&compared.plan.actions), ["configure web-1"]);
    let change = &compared.plan.actions[0].changes[0];
    assert_eq!(
        (change.path.as_str(), change.kind),
        ("/etc/x", ChangeKind::Content)
    );
    assert!(change.diff.contains("-is \n+is new"), "{}", change.diff);
    assert_eq!((compared.both, compared.dropped.len()), (0, 0));
}

#[test]
fn what_a_restart_took_is_told_the_next_time_and_is_no_part_of_a_fingerprint() {
    let (from, mut to) = (file(1, ""), file(1, "new"));
    for group in to.groups.values_mut() {
        group.files[0].on_change = OnChange::Restart;
    }
    let (observed, mut memory) = running(&from);
    let of = |memory: &Memory| plan(&to, &observed, memory, &Renderer::default());
    let assumed = of(&memory);
    let restart = &assumed.actions[0];
    let told = |plan: &Plan| plan.actions[0].interrupts.clone().unwrap();
    assert_eq!(told(&assumed).measured, None);
    for (seconds, outcome) in [
        (900, Outcome::AlreadyDone),
        (5, Outcome::Changed),
        (7, Outcome::Changed),
        (900, Outcome::Failed("no".into())),
        (900, Outcome::Changed),
    ] {
        measure(&mut memory, restart, &outcome, Duration::from_secs(seconds));
    }
    let measured = of(&memory);
    let about = Some(Duration::from_secs(7));
    assert_eq!(
        (told(&measured).about, told(&measured).measured),
        (about, Some(3))
    );
    let hour = Duration::from_secs(3_600);
    assert_eq!(seal(&assumed, hour), seal(&measured, hour));
    for _ in 0..12 {
        measure(&mut memory, restart, &Outcome::Changed, hour);
    }
    assert_eq!(told(&of(&memory)).measured, Some(10));
}
