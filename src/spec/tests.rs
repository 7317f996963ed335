//! What the whole of `spec` promises: a good file is read completely, whatever way it is written.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use sha2::Digest;

use super::*;
use crate::model::desired::{Accelerator, Engine, Host, Init, Line, OnChange, Provision, Role};
use crate::model::policy::{
    Budget, Fencing, Parameter, Percent, PlacementRules, Rebalance, Restarts, Safety, Witness,
};
use crate::model::secret::Secret;
use crate::model::unit::Bytes;

/// Files in memory.
#[derive(Default)]
pub(super) struct Memory(BTreeMap<String, Vec<u8>>);

impl Memory {
    pub(super) fn with(files: &[(&str, &str)]) -> Self {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), text.as_bytes().to_vec());
        Self(files.iter().map(own).collect())
    }

    fn file(&self, path: &Path) -> io::Result<&Vec<u8>> {
        let found = path.to_str().and_then(|path| self.0.get(path));
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl SpecFiles for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.file(path).cloned()
    }

    fn find(&self, pattern: &Pattern) -> io::Result<Vec<PathBuf>> {
        let all = self.0.keys().map(PathBuf::from);
        Ok(all.filter(|path| pattern.matches(path)).collect())
    }

    fn digest(&self, path: &Path) -> io::Result<(String, u64)> {
        let content = self.file(path)?;
        let digest = sha2::Sha256::digest(content);
        let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((hex, content.len() as u64))
    }

    fn env(&self, name: &str) -> Option<String> {
        [("HOME", "/home/me"), ("PATH", "hush")]
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    }
}

fn read(text: &str, files: &Memory) -> Result<Desired, SpecErrors> {
    parse("cluster.yaml", text.as_bytes(), files)
}

pub(super) fn good(text: &str, files: &Memory) -> Desired {
    read(text, files).unwrap_or_else(|errors| panic!("{errors}"))
}

pub(super) const SMALL: &str = "
cluster: c
networks: { lan: { cidr: 10.0.0.0/24 } }
hosts: { a: { address: a.example, pool: 10.0.0.10-10.0.0.19 } }
images: { alpine: { path: alpine.qcow2 } }
services: { api: { image: alpine, port: 8080 } }
load_balancers: { web: { vip: 10.0.0.100/24, image: alpine, routes: { /: api } } }
";

#[test]
fn what_is_left_out_has_its_default() {
    let desired = good(SMALL, &Memory::default());
    let host = desired.hosts.values().next().unwrap();
    assert_eq!(
        (host.network.as_str(), host.accelerator),
        ("lan", Accelerator::Auto)
    );
    assert_eq!(host.storage, "/var/lib/libvirt/images/reconcile");
    let image = desired.images.values().next().unwrap();
    assert_eq!(
        (image.provision, image.init, image.interfaces),
        (Provision::CloudInit, Init::Auto, true)
    );
    let [api, web] = ["api", "web"].map(|name| desired.groups[&name.parse().unwrap()].clone());
    assert_eq!(
        (api.replicas, api.cpus, api.memory),
        (1, 1, Bytes(512 << 20))
    );
    assert_eq!(
        (api.heartbeat.port, api.heartbeat.path.as_str()),
        (8080, "/heartbeat")
    );
    assert_eq!(
        (api.heartbeat.retries, api.heartbeat.grace),
        (4, Duration::from_secs(120))
    );
    assert_eq!(
        (web.replicas, web.memory, web.port(), web.heartbeat.port),
        (2, Bytes(256 << 20), 80, 80)
    );
    let Role::LoadBalancer(web) = web.role else {
        panic!("no load balancer")
    };
    assert_eq!(web.routes[0].connect_timeout, Duration::from_millis(500));
    assert_eq!(web.routes[0].timeout, Duration::from_secs(60));
}

#[test]
fn policies_that_are_left_out_are_those_of_the_model() {
    let desired = good(SMALL, &Memory::default());
    assert_eq!(desired.safety, Safety::default());
    assert_eq!(desired.rebalance, None);
    let host = desired.hosts.values().next().unwrap();
    assert_eq!(
        (host.reserve, host.overcommit),
        (Host::RESERVE, Host::OVERCOMMIT)
    );
    assert_eq!(host.fencing, Host::usual_fencing(1));
    for group in desired.groups.values() {
        assert_eq!(group.budget, Budget::of(group.replicas));
        assert_eq!(group.restarts, Restarts::default());
        assert_eq!(group.placement, PlacementRules::default());
        assert!(!group.stateful);
    }
}

#[test]
fn an_empty_rebalance_has_its_defaults() {
    for text in ["rebalance: {}", "rebalance:"] {
        let desired = good(&format!("{SMALL}{text}\n"), &Memory::default());
        let usual = Rebalance {
            threshold: Percent(20),
            hold: Duration::from_secs(300),
            margin: Percent(10),
            cooldown: Duration::from_secs(1800),
        };
        assert_eq!(desired.rebalance, Some(usual));
    }
}

/// [`SMALL`] with a gateway, and with so many hosts.
fn with_hosts(count: u8) -> String {
    let host = |n| format!("h{n}: {{ address: h{n}.example, pool: 10.0.0.{n}0-10.0.0.{n}9 }}");
    let hosts: Vec<String> = (1..=count).map(host).collect();
    SMALL
        .replace("10.0.0.0/24", "10.0.0.0/24, gateway: 10.0.0.1")
        .replace(
            "a: { address: a.example, pool: 10.0.0.10-10.0.0.19 }",
            &hosts.join(", "),
        )
}

#[test]
fn of_two_hosts_the_one_that_sees_the_gateway_goes_on() {
    let gateway = Witness::Address(Ipv4Addr::new(10, 0, 0, 1));
    let witnesses = |text: &str| good(text, &Memory::default()).safety.witnesses;
    assert_eq!(witnesses(&with_hosts(2)), std::slice::from_ref(&gateway));
    assert_eq!(witnesses(&with_hosts(1)), []);
    assert_eq!(witnesses(&with_hosts(3)), []);
    let asked = |words| format!("{}safety: {{ witnesses: {words} }}\n", with_hosts(2));
    assert_eq!(witnesses(&asked("[]")), []);
    assert_eq!(witnesses(&asked("[10.0.0.1, gateway]")), [gateway]);
}

#[test]
fn hosts_are_fenced_by_lease_where_there_are_three() {
    for (count, usual) in [(2, Fencing::Manual), (3, Fencing::Lease)] {
        let desired = good(&with_hosts(count), &Memory::default());
        let fenced = |host: &Host| host.fencing == [usual.clone()];
        assert!(desired.hosts.values().all(fenced));
    }
}

#[test]
fn what_a_fence_agent_may_not_show_is_a_secret_however_it_is_written() {
    let agent =
        "fencing: { agent: fence_x, with: { ip: 1.2.3.4, passwd: open, plug: \"{{secret.S}}\" } }";
    let text = SMALL.replace(
        "pool: 10.0.0.10-10.0.0.19",
        &format!("pool: 10.0.0.10-10.0.0.19, {agent}"),
    );
    let text = format!("{text}secrets: {{ S: {{ env: PATH }} }}\n");
    let desired = good(&text, &Memory::default());
    let shown = format!("{:?}", desired.hosts);
    assert!(
        !shown.contains("open") && !shown.contains("hush"),
        "{shown}"
    );
    let Fencing::Agent(agent) = &desired.hosts.values().next().unwrap().fencing[0] else {
        panic!("no agent")
    };
    assert_eq!(
        agent.parameters["plug"],
        Parameter::Secret(Secret::new("hush"))
    );
    assert_eq!(
        agent.parameters["passwd"],
        Parameter::Secret(Secret::new("open"))
    );
}

#[test]
fn a_budget_is_written_from_either_side() {
    let budget = |text: &str| {
        let text = SMALL.replace("port: 8080", &format!("port: 8080, replicas: 5, {text}"));
        good(&text, &Memory::default()).groups[&"api".parse().unwrap()]
            .budget
            .clone()
    };
    let least = |text: &str| budget(text).min_available;
    assert_eq!(least("settle: 1s"), 4);
    assert_eq!(
        (least("min_available: 2"), least("min_available: 50%")),
        (2, 3)
    );
    assert_eq!(
        (least("max_unavailable: 2"), least("max_unavailable: 50%")),
        (3, 3)
    );
    assert_eq!(
        (least("max_unavailable: 1%"), least("max_unavailable: 9")),
        (4, 0)
    );
    assert_eq!(budget("min_available: 5, surge: 10%").surge, 1);
}

#[test]
fn every_key_is_read() {
    macro_rules! files {
        ($($name:literal),*) => {
            Memory::with(&[$(($name, include_str!(concat!("../../fixtures/good/every-key/", $name)))),*])
        };
    }
    let files = files!(
        "disk.qcow2",
        "vmlinuz",
        "app.conf.j2",
        "raw.bin",
        "nginx.hbs",
        "plain.hbs",
        "domain.hbs",
        "key",
        "key.pub",
        "password",
        "known_hosts",
        "more/services.yaml"
    );
    let mut desired = good(
        include_str!("../../fixtures/good/every-key/cluster.yaml"),
        &files,
    );
    // The built-in template that is copied there has a life of its own.
    desired
        .templates
        .values_mut()
        .for_each(|template| template.text = String::new());
    desired.revision.0 = String::new();
    insta::assert_debug_snapshot!(desired);
    assert_eq!(desired.secrets["PASSWORD"].reveal(), "secret");
    assert_eq!(desired.secrets["TOKEN"].reveal(), "hush");
    let file = &desired.groups[&"api".parse().unwrap()].files;
    assert_eq!(file[0].template.engine, Engine::Jinja);
    assert_eq!((file[0].mode, file[0].on_change), (0o640, OnChange::Reload));
    assert_eq!(file[2].template.engine, Engine::Verbatim);
}

#[test]
fn the_longest_route_is_first() {
    let text = SMALL.replace("{ /: api }", "{ /: api, /a: api, /a/b: api }");
    let desired = good(&text, &Memory::default());
    let (_, web) = desired.load_balancers().next().unwrap();
    let paths: Vec<&str> = web.routes.iter().map(|route| route.path.as_str()).collect();
    assert_eq!(paths, ["/a/b", "/a", "/"]);
}

#[test]
fn a_pool_is_a_range_a_network_an_address_or_a_list() {
    for (text, size) in [
        ("10.0.0.8-10.0.0.9", 2),
        ("10.0.0.8/30", 4),
        ("10.0.0.8", 1),
        ("[10.0.0.8/30, 10.0.0.20]", 5),
    ] {
        let text = SMALL
            .replace("10.0.0.10-10.0.0.19", text)
            .replace("load_balancers", "load_balancers: {}\n#");
        let desired = good(&text, &Memory::default());
        let pool = &desired.hosts.values().next().unwrap().pool;
        assert_eq!(pool.size(), size);
        assert!(pool.contains(Ipv4Addr::new(10, 0, 0, 8)));
    }
}

#[test]
fn truth_values_are_read_as_people_write_them_and_texts_are_not_made_truth_values() {
    for (word, value) in [("yes", true), ("No", false), ("on", true), ("FALSE", false)] {
        let text = SMALL.replace(
            "path: alpine.qcow2",
            &format!("path: alpine.qcow2, interfaces: {word}"),
        );
        let desired = good(&text, &Memory::default());
        assert_eq!(desired.images.values().next().unwrap().interfaces, value);
    }
    let text = SMALL.replace(
        "port: 8080",
        "port: 8080, env: { COUNTRY: no, VERSION: 1.10, MODE: 0644 }",
    );
    let desired = good(&text, &Memory::default());
    let env = &desired.groups[&"api".parse().unwrap()].env;
    let values: Vec<&str> = env.values().map(String::as_str).collect();
    assert_eq!(values, ["no", "0644", "1.10"]);
}

#[test]
fn the_revision_follows_every_file_that_is_included_but_no_secret() {
    let text =
        format!("{SMALL}templates: {{ nginx.conf: n.hbs }}\nsecrets: {{ S: {{ file: s }} }}\n");
    let revision = |template, secret| {
        good(&text, &Memory::with(&[("n.hbs", template), ("s", secret)]))
            .revision
            .0
    };
    let first = revision("one", "x");
    assert_eq!(first.len(), 12);
    assert_eq!(first, revision("one", "x"));
    assert_eq!(first, revision("one", "y"));
    assert_ne!(first, revision("two", "x"));
    assert_ne!(first, good(SMALL, &Memory::default()).revision.0);
}

#[test]
fn every_key_has_its_line() {
    let desired = good(SMALL, &Memory::default());
    assert_eq!(desired.lines.of("cluster"), Some(Line::of(2)));
    assert_eq!(desired.lines.of("services.api.memory"), Some(Line::of(6)));
    assert_eq!(
        desired.lines.of("load_balancers.web.routes./"),
        Some(Line::of(7))
    );
}

#[test]
fn the_image_that_is_copied_is_called_after_its_content() {
    let text = SMALL.replace("{ path: alpine.qcow2 }", "{ source: images/alpine.qcow2 }");
    let desired = good(&text, &Memory::with(&[("images/alpine.qcow2", "abc")]));
    let disk = &desired.images.values().next().unwrap().disk;
    assert_eq!(disk.path, "alpine-ba7816bf8f01.qcow2");
    assert_eq!(disk.source.as_ref().unwrap().size, Bytes(3));
}

#[test]
fn anchors_and_merge_keys_save_writing() {
    let text = format!(
        "{}\nservices:\n  api: &small {{ image: alpine, port: 8080, memory: 64MiB }}\n  other: {{ <<: *small, port: 81 }}\n",
        SMALL.replace("services:", "# services:")
    );
    let desired = good(&text, &Memory::default());
    let other = &desired.groups[&"other".parse().unwrap()];
    assert_eq!((other.memory, other.port()), (Bytes(64 << 20), 81));
}

#[test]
fn the_cluster_of_the_demo_is_accepted() {
    let files = Memory::with(&[
        ("../.lab/demo/ssh/id_ed25519", "PRIVATE"),
        ("../.lab/demo/ssh/known_hosts", ""),
        ("../.lab/demo/ssh/id_ed25519.pub", "ssh-ed25519 AAAA demo\n"),
        ("../.lab/images/micro.qcow2", "disk"),
        ("../.lab/images/vmlinuz", "kernel"),
        ("../.lab/images/initrd", "initrd"),
    ]);
    let desired = good(include_str!("../../specs/demo.yaml"), &files);
    assert_eq!((desired.hosts.len(), desired.instances().count()), (3, 5));
    let image = desired.images.values().next().unwrap();
    assert!(
        image
            .kernel
            .as_ref()
            .is_some_and(|kernel| kernel.source.is_some())
    );
    let (_, web) = desired.load_balancers().next().unwrap();
    assert_eq!(web.routes[0].timeout, Duration::from_secs(1));
}

#[test]
fn a_tilde_is_the_home_directory() {
    let text = format!("{SMALL}ssh: {{ identity: ~/key }}\n");
    let files = Memory::with(&[
        ("/home/me/key", "PRIVATE"),
        ("/home/me/key.pub", "ssh-ed25519 AAAA me\n"),
    ]);
    let ssh = good(&text, &files).ssh;
    assert_eq!(ssh.identity, Some("/home/me/key".into()));
    assert_eq!(ssh.authorized_keys, ["ssh-ed25519 AAAA me"]);
}

#[test]
fn errors_are_data_too() {
    let text = SMALL.replace("port: 8080", "prot: 8080");
    let errors = read(&text, &Memory::default()).unwrap_err();
    insta::assert_snapshot!(serde_json::to_string_pretty(&errors).unwrap());
}

#[test]
fn nothing_from_the_file_reaches_the_terminal_as_an_escape() {
    let text = "cluster: \"\\e[31mred\\u202e\"\n\"\\e]0;title\\a\": 1\n# \u{202e}\nhosts: 7\n";
    let errors = read(text, &Memory::default()).unwrap_err();
    let shown = errors.render(false);
    assert!(shown.contains("errors in"));
    assert!(
        !shown
            .chars()
            .any(|c| c.is_control() && c != '\n' || c == '\u{202e}'),
        "{shown:?}"
    );
}

proptest! {
    #[test]
    fn whatever_the_bytes_there_is_an_answer_that_is_safe_to_print(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(errors) = parse("x", &bytes, &Memory::default()) {
            prop_assert!(!errors.errors().is_empty());
            prop_assert!(!errors.render(false).chars().any(|c| c.is_control() && c != '\n'));
        }
    }

    #[test]
    fn a_damaged_file_never_ends_in_a_panic(at in 0..SMALL.len(), with in "[ -~\n\té]{0,3}", cut in 0..20usize) {
        let end = (at + cut).min(SMALL.len());
        let text = format!("{}{with}{}", &SMALL[..at], &SMALL[end..]);
        if let Err(errors) = read(&text, &Memory::default()) {
            prop_assert!(!errors.to_string().is_empty());
        }
    }
}
