//! The grounds of real plans, of a small cluster with nothing on it yet, and of one with a dead guest.

use std::collections::BTreeMap;

use super::*;
use crate::cli::plan_json::plan_json_with;
use crate::cli::plan_markdown::plan_markdown_with;
use crate::cli::plan_text::{Extras, NewFiles, plan_text_with};
use crate::cli::samples::NOW;
use crate::cli::style::Style;
use crate::model::facts::{Beat, HostFacts, HostFile, Seen};
use crate::model::memory::{Evidence, EvidenceKind, HostMemory};
use crate::model::unit::Bytes;
use crate::plan::{Renderer, plan};
use crate::spec::{NoFiles, parse};

const FILE: &str = "cluster: demo
networks: { lan: { cidr: 10.0.0.0/16, gateway: 10.0.255.254 } }
hosts:
  a: { address: 10.1.0.1, pool: 10.0.0.10-10.0.0.19, fencing: manual }
  b: { address: 10.1.0.2, pool: 10.0.0.20-10.0.0.29, fencing: manual }
  c: { address: 10.1.0.3, pool: 10.0.0.30-10.0.0.39, fencing: manual }
images: { alpine: { path: /alpine.qcow2 } }
services:
  api: { replicas: 1, image: alpine, port: 8080, memory: 2GiB, placement: { hosts: [a, b] } }
load_balancers:
  web: { vip: 10.0.9.9/16, replicas: 1, image: alpine, routes: { / : api } }
";

struct Cluster {
    desired: Desired,
    observed: Observed,
    memory: Memory,
    source: String,
}

fn cluster(source: &str) -> Cluster {
    let facts = |gib: u64| {
        let image = HostFile {
            size: Bytes(1),
            sha256: None,
        };
        Seen::Yes(HostFacts {
            memory: Some(Bytes(gib << 30)),
            cpus: Some(8),
            files: BTreeMap::from([("/alpine.qcow2".to_owned(), image)]),
            ..HostFacts::default()
        })
    };
    let desired = parse("cluster.yaml", source.as_bytes(), &NoFiles);
    let hosts = [("a", 2), ("b", 8), ("c", 8)];
    let hosts = hosts.map(|(name, gib)| (name.parse().unwrap(), facts(gib)));
    Cluster {
        desired: desired.unwrap_or_else(|errors| panic!("{errors}")),
        observed: Observed {
            now: NOW,
            hosts: hosts.into(),
            ..Observed::default()
        },
        memory: Memory::default(),
        source: source.to_owned(),
    }
}

impl Cluster {
    fn world(&self) -> World<'_> {
        World {
            desired: &self.desired,
            observed: &self.observed,
            memory: &self.memory,
            source: Some(&self.source),
        }
    }

    fn plan(&self) -> Plan {
        plan(
            &self.desired,
            &self.observed,
            &self.memory,
            &Renderer::default(),
        )
    }
}

#[test]
fn the_grounds_of_a_plan_read_well() {
    let cluster = cluster(FILE);
    let plan = cluster.plan();
    let grounds = cluster.world().grounds(&plan);
    let extras = Extras {
        grounds: Some(&grounds),
        notes: None,
    };
    for width in [80, 120] {
        let style = Style::plain(width);
        let text = plan_text_with(&plan, NOW, NewFiles::Counted, &style, extras);
        insta::assert_snapshot!(format!("text_{width}"), text);
    }
    insta::assert_snapshot!("markdown", plan_markdown_with(&plan, NOW, extras));
    let json: serde_json::Value = serde_json::from_str(&plan_json_with(&plan, extras)).unwrap();
    insta::assert_snapshot!(
        "json",
        serde_json::to_string_pretty(&json["actions"][0]["why"]).unwrap()
    );
    let schema = crate::spec::schema_check::strict(crate::cli::plan_schema::json_schema());
    assert_eq!(
        crate::spec::schema_check::refused(&schema, &json, ""),
        [""; 0]
    );
}

#[test]
fn a_line_that_may_hold_a_secret_is_not_shown() {
    let with = FILE.replace("memory: 2GiB", "memory: 2GiB, env: { API_TOKEN: hunter2 }");
    let cluster = cluster(&with);
    let plan = cluster.plan();
    let grounds = cluster.world().grounds(&plan);
    let lines: Vec<&str> = grounds.values().filter_map(|g| g.line.as_deref()).collect();
    assert!(
        lines.contains(&"(not shown: it may hold a secret)"),
        "{lines:?}"
    );
    assert!(!format!("{grounds:?}").contains("hunter2"));
}

#[test]
fn evidence_is_that_of_the_host_or_of_the_guest() {
    let mut cluster = cluster(FILE);
    let plan = cluster.plan();
    let api = plan.actions[0].operation.instance().unwrap().clone();
    let beat = Beat {
        failures: 4,
        error: Some("connection refused".into()),
        ..Beat::default()
    };
    cluster.observed.beats.insert(api.clone(), beat);
    let evidence = cluster.world().evidence(&plan.actions[0]);
    assert_eq!(evidence.as_deref(), Some("connection refused"));
    let Operation::Create(build) = &plan.actions[0].operation else {
        panic!("{plan:?}");
    };
    let host = HostMemory {
        guests: BTreeMap::from([(api, build.mark.clone())]),
        fenced: Some(Evidence {
            kind: EvidenceKind::Agent,
            at: NOW,
            text: "fence_x switched it off".into(),
        }),
        ..HostMemory::default()
    };
    cluster.memory.hosts.insert("b".parse().unwrap(), host);
    let evidence = cluster.world().evidence(&plan.actions[0]).unwrap();
    assert!(
        evidence.starts_with("host b: fence_x switched it off (0"),
        "{evidence}"
    );
}
