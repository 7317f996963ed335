//! What planning costs: nothing to do, and everything to create, from 1,000 to 100,000 instances. No lab, no clock in
//! the plan itself; `make bench` prints the table that benches/README.md quotes.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use reconcile::model::action::{GuestConfig, Operation};
use reconcile::model::desired::{Desired, Init};
use reconcile::model::facts::{
    Beat, DaemonFacts, Domain, DomainState, GuestAddress, GuestFacts, GuestFile, HostFacts,
    HostFile, Observed, Seen,
};
use reconcile::model::memory::Memory;
use reconcile::model::plan::Plan;
use reconcile::model::policy::HostChoice;
use reconcile::model::time::Timestamp;
use reconcile::model::unit::Bytes;
use reconcile::plan::{Renderer, places, plan};
use reconcile::spec::{NoFiles, parse};

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const IMAGE: &str = "/var/lib/libvirt/images/alpine.qcow2";
/// Instances of one service; a larger cluster has more services, not larger ones.
const REPLICAS: usize = 50;
/// Instances on one host.
const PER_HOST: usize = 20;
const RUNS: usize = 5;

fn main() {
    if std::env::args().any(|argument| argument == "placing") {
        return placing();
    }
    planning();
    placing();
}

fn planning() {
    println!("planning, release build, median of {RUNS} runs\n");
    println!(
        "{:>10} {:>7} {:>16} {:>9} {:>16} {:>9}",
        "instances", "hosts", "nothing to do", "each", "all to create", "each"
    );
    for instances in sizes() {
        let desired = desired(instances);
        let empty = empty(&desired);
        let memory = Memory::default();
        let (creation, create) = median(|| plan(&desired, &empty, &memory, &Renderer::default()));
        assert_eq!(
            count_creates(&creation),
            instances + 2,
            "{:?}",
            creation.notices.first()
        );
        let converged = converge(empty.clone(), &creation);
        let renderer = Renderer::default();
        let (idle, rest) = median(|| plan(&desired, &converged, &memory, &renderer));
        assert!(
            idle.converged(),
            "{:?} {:?}",
            idle.actions.first(),
            idle.notices.first()
        );
        println!(
            "{instances:>10} {:>7} {:>13.1} ms {:>6.2} µs {:>13.1} ms {:>6.2} µs",
            desired.hosts.len(),
            millis(rest),
            micros(rest, instances),
            millis(create),
            micros(create, instances),
        );
    }
}

/// Only the places: of 10,000 instances on 500 hosts, and of those that 20 lost hosts had. With rules, every group is
/// spread over 10 racks, avoids its neighbour, and prefers a rack.
fn placing() {
    println!(
        "\nplacing (`-- placing` shows only this) 10,000 instances on 500 hosts, of which 20 are lost then\n"
    );
    println!(
        "{:>10} {:>16} {:>16} {:>16}",
        "", "from nothing", "nothing to do", "20 hosts lost"
    );
    for rules in [Rules::None, Rules::Many] {
        let mut desired = desired(10_000);
        if rules == Rules::Many {
            add_rules(&mut desired);
        }
        let (empty, memory) = (empty(&desired), Memory::default());
        let (all, nothing) = median(|| places(&desired, &empty, &memory));
        assert_eq!(all.len(), 10_002);
        let creation = plan(&desired, &empty, &memory, &Renderer::default());
        let mut observed = converge(empty, &creation);
        let (_, idle) = median(|| places(&desired, &observed, &memory));
        let lost: Vec<_> = desired.hosts.keys().step_by(25).cloned().collect();
        for host in &lost {
            desired.hosts.remove(host);
            observed.hosts.remove(host);
        }
        let (kept, loss) = median(|| places(&desired, &observed, &memory));
        assert_eq!((lost.len(), kept.len()), (20, 10_002));
        println!(
            "{:>10} {:>13.1} ms {:>13.1} ms {:>13.1} ms",
            rules.name(),
            millis(nothing),
            millis(idle),
            millis(loss)
        );
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Rules {
    None,
    Many,
}

impl Rules {
    fn name(self) -> &'static str {
        match self {
            Rules::None => "no rules",
            Rules::Many => "with rules",
        }
    }
}

fn add_rules(desired: &mut Desired) {
    for (number, host) in desired.hosts.values_mut().enumerate() {
        let rack = format!("r{}", number % 10);
        host.labels.insert("rack".to_owned(), rack);
    }
    let names: Vec<_> = desired.groups.keys().cloned().collect();
    for (number, group) in desired.groups.values_mut().enumerate() {
        let placement = &mut group.placement;
        placement.spread = vec!["rack".to_owned()];
        let rack = HostChoice::Label("rack".to_owned(), format!("r{}", number % 10));
        placement.hosts.preferred.insert(rack);
        let neighbour = names[(number + 1) % names.len()].clone();
        placement.anti_affinity.required.insert(neighbour);
    }
}

/// The sizes that were asked for (`cargo bench --bench planning -- 10000`), or all.
fn sizes() -> Vec<usize> {
    let asked: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    match asked.is_empty() {
        true => vec![1_000, 10_000, 100_000],
        false => asked,
    }
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

fn micros(span: Duration, instances: usize) -> f64 {
    span.as_secs_f64() * 1e6 / f64::from(u32::try_from(instances).unwrap_or(u32::MAX))
}

/// The last result, and the median time. The first run warms up and is not counted.
fn median<T>(mut run: impl FnMut() -> T) -> (T, Duration) {
    let mut result = run();
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let begin = Instant::now();
            result = run();
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    (result, times[RUNS / 2])
}

fn count_creates(plan: &Plan) -> usize {
    plan.actions
        .iter()
        .filter(|a| matches!(a.operation, Operation::Create(_)))
        .count()
}

/// A cluster of so many service instances, and one load balancer that routes to the first services.
fn desired(instances: usize) -> Desired {
    let mut yaml = String::from(
        "cluster: bench\nnetworks:\n  lan: { cidr: 10.0.0.0/8, gateway: 10.255.255.254 }\nhosts:\n",
    );
    for host in 0..instances / PER_HOST {
        // 32 addresses for each, behind each other.
        let first =
            u32::from(std::net::Ipv4Addr::new(10, 0, 1, 0)) + 32 * u32::try_from(host).unwrap();
        let pool = format!(
            "{}-{}",
            std::net::Ipv4Addr::from(first),
            std::net::Ipv4Addr::from(first + 31)
        );
        let _ = writeln!(
            yaml,
            "  h{host}: {{ address: host-{host}, pool: {pool}, accelerator: kvm }}"
        );
    }
    let _ = writeln!(
        yaml,
        "images:\n  alpine: {{ path: {IMAGE}, init: openrc }}\nssh: {{ authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG90aGVyb3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGU x] }}\nservices:"
    );
    let services = instances / REPLICAS;
    for service in 0..services {
        let _ = writeln!(
            yaml,
            "  s{service}: {{ replicas: {REPLICAS}, image: alpine, port: 8080, run: '/usr/bin/app --port {{{{port}}}}' }}"
        );
    }
    let _ = writeln!(
        yaml,
        "load_balancers:\n  web: {{ vip: 10.255.0.1/8, image: alpine, routes: {{"
    );
    for service in 0..services.min(10) {
        let _ = writeln!(yaml, "    /s{service}: s{service},");
    }
    yaml.push_str("  } }\n");
    parse("bench.yaml", yaml.as_bytes(), &NoFiles).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Every host is there, and nothing runs.
fn empty(desired: &Desired) -> Observed {
    let facts = HostFacts {
        files: BTreeMap::from([(
            IMAGE.to_owned(),
            HostFile {
                size: Bytes(1 << 30),
                sha256: None,
            },
        )]),
        memory: Some(Bytes(64 << 30)),
        cpus: Some(32),
        ..HostFacts::default()
    };
    Observed {
        now: Timestamp(1_000_000),
        hosts: desired
            .hosts
            .keys()
            .map(|id| (id.clone(), Seen::Yes(facts.clone())))
            .collect(),
        ..Observed::default()
    }
}

/// What is seen after the plan was carried out.
fn converge(mut observed: Observed, plan: &Plan) -> Observed {
    for action in &plan.actions {
        match &action.operation {
            Operation::Create(build) => {
                let Some(Seen::Yes(host)) = observed.hosts.get_mut(&build.host) else {
                    continue;
                };
                host.domains.push(Domain {
                    name: build.machine.domain.to_string(),
                    uuid: build.machine.uuid.clone(),
                    state: DomainState::Running,
                    run: Some(1),
                    mark: Some(build.mark.clone()),
                });
                let beat = Beat {
                    last_ok: Some(observed.now),
                    ..Beat::default()
                };
                observed.beats.insert(build.mark.instance.clone(), beat);
            }
            Operation::Configure(configure) => {
                let facts = facts_of(&configure.config);
                observed
                    .guests
                    .insert(configure.guest.instance.clone(), Seen::Yes(facts));
            }
            Operation::AddVip(vip) => {
                if let Some(Seen::Yes(guest)) = observed.guests.get_mut(&vip.guest.instance) {
                    let (address, prefix) = (vip.vip.addr(), vip.vip.prefix_len());
                    guest.addresses.push(GuestAddress {
                        address,
                        prefix,
                        vip: true,
                    });
                }
            }
            other => panic!("a first plan only creates: {}", other.kind()),
        }
    }
    observed
}

fn facts_of(config: &GuestConfig) -> GuestFacts {
    let daemon = config.daemon.as_ref();
    let units = daemon.and_then(|d| d.units.get(&Init::Openrc));
    let files = config
        .files
        .iter()
        .chain(daemon.map(|d| &d.script))
        .chain(units);
    GuestFacts {
        init: Some(Init::Openrc),
        addresses: Vec::new(),
        files: files
            .map(|f| {
                let file = GuestFile {
                    sha256: f.sha256.clone(),
                    mode: f.mode,
                    owner: f.owner.clone(),
                    content: None,
                };
                (f.path.clone(), file)
            })
            .collect(),
        daemon: daemon.map(|d| DaemonFacts {
            running: true,
            started: Some(d.revision.clone()),
            loaded: Some(d.loads.clone()),
        }),
    }
}
