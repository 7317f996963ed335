//! What reading a scenario promises.

use std::time::Duration;

use super::*;
use crate::model::command::{Command, End, Turn};
use crate::model::condition::HostCondition;
use crate::model::scenario::{ControllerEvent, HostEvent, InstanceEvent};
use crate::spec::NoFiles;
use crate::spec::tests::Memory;

const CLUSTER: &str = "\
cluster: demo
networks: { lan: { cidr: 10.0.0.0/24 } }
hosts:
  a: { address: 10.0.0.2, pool: 10.0.0.10-10.0.0.19 }
  b: { address: 10.0.0.3, pool: 10.0.0.20-10.0.0.29 }
images: { alpine: { path: /alpine.qcow2 } }
services:
  random: { replicas: 2, image: alpine, port: 8080, run: /bin/random }
load_balancers:
  web: { vip: 10.0.0.120/24, image: alpine, routes: { /random: random } }
";

fn read(text: &str) -> Result<Scenario, SpecErrors> {
    let desired = crate::spec::parse("cluster.yaml", CLUSTER.as_bytes(), &NoFiles).unwrap();
    let cluster = Cluster {
        name: "cluster.yaml",
        bytes: CLUSTER.as_bytes(),
        files: &NoFiles,
        desired: Arc::new(desired),
    };
    parse_scenario("scenario.yaml", text.as_bytes(), &cluster)
}

#[test]
fn a_scenario_is_read_in_the_order_of_its_times() {
    let text = "\
about: a host dies
seed: 7
hosts: { a: { memory: 16GiB, boot: 40s } }
for: 10m
events:
  - at: 2m
    controller: crash after 12
  - { at: 30s, host b: power off, instance random-1: service fails 3 }
  - { at: 70s, partition: [[controller, a], [b]] }
  - { at: 3m, edit: { services.random.replicas: 3 } }
  - { at: 4m, instance random-3: crash }
expect:
  random: { downtime: 5s }
  vip 10.0.0.120: { holder: web-2 }
";
    let scenario = read(text).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(
        (scenario.seed, scenario.lasts),
        (Some(7), Some(Duration::from_secs(600)))
    );
    assert_eq!(scenario.machines.len(), 1);
    let told: Vec<String> = scenario
        .events
        .iter()
        .map(|e| format!("{} {}", e.at.as_secs(), e.what))
        .collect();
    assert_eq!(
        told,
        [
            "30 host b: power off",
            "30 instance random-1: service fails 3",
            "70 partition: [[controller, a], [b]]",
            "120 controller: crash after 12",
            "180 edit: services.random.replicas: 3",
            "240 instance random-3: crash",
        ]
    );
    assert_eq!(scenario.expect.len(), 3);
    let host = HostEvent::PowerOff;
    assert!(matches!(&scenario.events[0].what, Happening::Host(_, e) if *e == host));
    let fails = InstanceEvent::ServiceFails(3);
    assert!(matches!(&scenario.events[1].what, Happening::Instance(_, e) if *e == fails));
    let crash = ControllerEvent::CrashAfter(12);
    assert!(matches!(&scenario.events[3].what, Happening::Controller(e) if *e == crash));
}

#[test]
fn an_edit_reaches_what_is_included_and_changes_nothing_of_that() {
    let (text, services) = CLUSTER.split_at(CLUSTER.find("services:").unwrap());
    let text = format!("include: '*.yaml'\n{text}");
    let files = Memory::with(&[("services.yaml", services)]);
    let cluster = Cluster {
        name: "cluster.yaml",
        bytes: text.as_bytes(),
        files: &files,
        desired: Arc::new(crate::spec::parse("cluster.yaml", text.as_bytes(), &files).unwrap()),
    };
    let read = |edit: &str| {
        let scenario = format!("events: [{{ at: 1s, edit: {edit} }}]\n");
        parse_scenario("scenario.yaml", scenario.as_bytes(), &cluster)
    };
    let edited = read("{ services.random.replicas: 5 }").unwrap_or_else(|e| panic!("{e}"));
    let Happening::Edit(desired, _) = &edited.events[0].what else {
        panic!("{edited:?}")
    };
    assert_eq!(desired.groups[&"random".parse().unwrap()].replicas, 5);
    let refused = read("{ include: other.yaml }").unwrap_err().to_string();
    assert!(
        refused.contains("can't change which files are included"),
        "{refused}"
    );
}

#[test]
fn an_edit_is_another_state_of_the_file_and_adds_to_the_one_before() {
    let text = "\
events:
  - { at: 1s, edit: { services.random.replicas: 3 } }
  - { at: 2s, edit: { services.random.memory: 1GiB, load_balancers.web.routes./again: random } }
  - { at: 3s, edit: { services.random.memory: } }
";
    let scenario = read(text).unwrap_or_else(|errors| panic!("{errors}"));
    let states: Vec<&Arc<Desired>> = scenario
        .events
        .iter()
        .filter_map(|e| match &e.what {
            Happening::Edit(desired, _) => Some(desired),
            _ => None,
        })
        .collect();
    let random: crate::model::id::GroupId = "random".parse().unwrap();
    let told = states.iter().map(|d| {
        let group = &d.groups[&random];
        (group.replicas, group.memory.to_string())
    });
    let told: Vec<_> = told.collect();
    assert_eq!(
        told,
        [
            (3, "512MiB".to_owned()),
            (3, "1GiB".to_owned()),
            (3, "512MiB".to_owned())
        ]
    );
    assert_ne!(states[0].revision, states[1].revision);
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_its_line() {
    let text = "\
evnts: []
hosts: { x: {} }
events:
  - { host a: power off }
  - { at: soon, host a: power off }
  - { at: 1s, host a: power of }
  - { at: 1s, host c: cut }
  - { at: 1s, instance random-9: crash }
  - { at: 1s, instance random-1: explode }
  - { at: 1s, partition: [[a]] }
  - { at: 1s, edit: { services.random.replicas: many } }
  - { at: 1s }
  - power off
  - { at: 1s, meteor: here }
  - { at: 1s, expect: { random: { speed: 3 }, vip 10.0.0.9: { held: true } } }
  - { at: 1s, expect: { randon: { available: 3 }, host-a: { state: fenced }, random: { avaliable: 2 } } }
  - { at: 1s, command: drian b }
  - { at: 1s, command: drain b --until tomorrow }
  - { at: 1s, command: pause random }
  - { at: 1s, service random: fails }
  - { at: 1s, service randm: new state fails }
  - { at: 1s, address 10.0.0.99: foreign }
  - { at: 1s, address 10.0.0.12: taken }
  - { at: 1s, command: pause service/randm }
  - { at: 1s, host a: device lies }
  - { at: 1s, edit: { cluster: other } }
  - { at: 1s, edit: { hosts.b: , hosts.z: { address: 10.0.0.3, pool: 10.0.0.20-10.0.0.29 } } }
";
    let errors = read(text).unwrap_err();
    insta::assert_snapshot!(errors.to_string());
}

#[test]
fn commands_sides_and_spans_are_written_as_elsewhere() {
    let text = "\
for: 365d
events:
  - { at: 1d, command: \"drain b --reason 'new disks' --for 2h\" }
  - { at: 1d, command: rollback --undo }
  - { at: 2d, partition: [[controller, a, b], [b, clients]] }
expect: { random: { serving: 2 } }
";
    let scenario = read(text).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(scenario.lasts, Some(Duration::from_secs(365 * 86_400)));
    let [drain, undo, _] = scenario.events.as_slice() else {
        panic!("{:?}", scenario.events)
    };
    let Happening::Command { command, .. } = &drain.what else {
        panic!("{drain:?}")
    };
    assert_eq!(command.reason.as_deref(), Some("new disks"));
    let two_hours = Duration::from_secs(7_200);
    assert_eq!(command.ends, Some(End::After(two_hours)));
    let undone = |command: &Command| command.turn == Turn::Undo(None);
    assert!(matches!(&undo.what, Happening::Command { command, .. } if undone(command)));
}

#[test]
fn every_state_of_a_host_can_be_expected_and_no_other_one() {
    let expect = |state: &str| read(&format!("expect: {{ host a: {{ state: {state} }} }}"));
    for state in HostCondition::ALL {
        let scenario = expect(&state.to_string()).unwrap_or_else(|errors| panic!("{errors}"));
        let expected = &scenario.expect[0].what;
        assert!(matches!(expected, Expected::HostIs(_, is) if *is == state));
    }
    let errors = expect("fended").unwrap_err().to_string();
    assert!(
        errors.contains("\"fended\" is no state of a host"),
        "{errors}"
    );
    assert!(errors.contains("did you mean `fenced`?"), "{errors}");
    let errors = read("expect: { host x: { state: fenced } }").unwrap_err();
    assert!(errors.to_string().contains("there is no host"), "{errors}");
}

#[test]
fn a_changed_cluster_is_read_as_the_file_would_be() {
    let desired = crate::spec::parse("cluster.yaml", CLUSTER.as_bytes(), &NoFiles).unwrap();
    let cluster = Cluster {
        name: "cluster.yaml",
        bytes: CLUSTER.as_bytes(),
        files: &NoFiles,
        desired: Arc::new(desired),
    };
    let changed =
        |path: &str, value: &str| edited(&cluster, &[(path.to_owned(), value.to_owned())].into());
    let more = changed("hosts.c", "{ address: 10.0.0.4, pool: 10.0.0.30 }").unwrap();
    assert_eq!(more.hosts.len(), 3);
    let gone = changed("services.random.replicas", "").unwrap();
    assert_eq!(gone.groups[&"random".parse().unwrap()].replicas, 1);
    // The pool of another host is no free address.
    assert!(changed("hosts.a.pool", "10.0.0.10-10.0.0.25").is_none());
    assert!(changed("hosts.a.pool", "{").is_none());
}

#[test]
fn the_schema_knows_every_verb() {
    let schema = schema::json_schema();
    let event = &schema["properties"]["events"]["items"];
    let host = &event["patternProperties"]["^host [a-z0-9-]+$"]["pattern"];
    assert!(host.as_str().unwrap().contains("libvirt hangs"));
    let service = &event["patternProperties"]["^service [a-z0-9-]+$"]["pattern"];
    assert_eq!(service, "^(new state fails)$");
    assert_eq!(event["required"], serde_json::json!(["at"]));
    assert!(schema["properties"]["expect"]["description"].is_string());
}
