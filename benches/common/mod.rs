//! The cluster that planning is measured on: what is desired, and what is seen before and after a plan.

use std::collections::BTreeMap;
use std::fmt::Write;

use reconcile::model::action::{GuestConfig, Operation};
use reconcile::model::desired::{Desired, Init};
use reconcile::model::facts::{
    Beat, DaemonFacts, Domain, DomainState, GuestAddress, GuestFacts, GuestFile, HostFacts,
    HostFile, Observed, Seen,
};
use reconcile::model::plan::Plan;
use reconcile::model::time::Timestamp;
use reconcile::model::unit::Bytes;
use reconcile::spec::{NoFiles, parse};

const IMAGE: &str = "/var/lib/libvirt/images/alpine.qcow2";
/// Instances of one service; a larger cluster has more services, not larger ones.
const REPLICAS: usize = 50;
/// Instances on one host.
const PER_HOST: usize = 20;

/// Guests that a plan makes.
pub fn count_creates(plan: &Plan) -> usize {
    plan.actions
        .iter()
        .filter(|a| matches!(a.operation, Operation::Create(_)))
        .count()
}

/// A cluster of so many service instances, and one load balancer that routes to the first services.
pub fn desired(instances: usize) -> Desired {
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
pub fn empty(desired: &Desired) -> Observed {
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
pub fn converge(mut observed: Observed, plan: &Plan) -> Observed {
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
                    changed: None,
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
