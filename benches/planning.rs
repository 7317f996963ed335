//! How long planning takes: pure work on data, no machine. `cargo bench --bench planning [-- LARGEST]` prints a table;
//! it fails where a figure of README.md beside this file is not met. The converged cluster that it plans for is made
//! by taking the plan at its word: everything that it says it would create is there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use reconcile::memory;
use reconcile::model::action::{Configure, GuestConfig, Operation};
use reconcile::model::desired::{Desired, Init};
use reconcile::model::facts::{
    Answer, Beat, DaemonFacts, Domain, DomainState, GuestAddress, GuestFacts, GuestFile, HostFacts,
    HostFile, Observed, Seen,
};
use reconcile::model::memory::Memory;
use reconcile::model::plan::Plan;
use reconcile::model::time::Timestamp;
use reconcile::model::unit::Bytes;
use reconcile::plan::{Renderer, plan};
use reconcile::spec::{SpecFiles, parse};

/// The size that the promises are about: on 500 hosts.
const PROMISED: usize = 10_000;
const NOTHING_TO_DO: Duration = Duration::from_millis(50);
const ALL_TO_CREATE: Duration = Duration::from_secs(1);
/// How much more an instance of the largest cluster may cost than one of the smallest.
const NOT_LINEAR: f64 = 3.0;

/// Instances on a host, and instances behind a pair of load balancers, with the pair.
const PER_HOST: usize = 20;
const PER_BLOCK: usize = 100;

fn main() {
    let largest = std::env::args()
        .filter_map(|a| a.parse().ok())
        .next()
        .unwrap_or(100_000);
    println!("instances   hosts   create all   ns each   nothing to do   ns each   (first round)");
    let sizes = [1_000, 3_000, PROMISED, 30_000, 100_000]
        .into_iter()
        .filter(|n| *n <= largest);
    let figures: Vec<Figures> = sizes.map(measure).collect();
    let mut kept = true;
    let mut check = |what: &str, fine: bool| {
        println!("{} {what}", if fine { "✓" } else { "✗" });
        kept &= fine;
    };
    if let Some(promised) = figures.iter().find(|f| f.instances == PROMISED) {
        check(
            "10,000 instances, nothing to do: under 50 ms",
            promised.nothing < NOTHING_TO_DO,
        );
        check(
            "10,000 instances, all to create: under 1 s",
            promised.create < ALL_TO_CREATE,
        );
    }
    if let (Some(small), Some(large)) = (figures.first(), figures.last()) {
        check(
            "linear: creating",
            large.each(large.create) < NOT_LINEAR * small.each(small.create),
        );
        check(
            "linear: nothing to do",
            large.each(large.nothing) < NOT_LINEAR * small.each(small.nothing),
        );
    }
    if !kept {
        std::process::exit(1);
    }
}

struct Figures {
    instances: usize,
    create: Duration,
    nothing: Duration,
}

impl Figures {
    fn each(&self, span: Duration) -> f64 {
        span.as_nanos() as f64 / self.instances as f64
    }
}

fn measure(instances: usize) -> Figures {
    let desired = desired(instances);
    let mut world = World::empty(&desired);
    let (create, first) = median(|| {
        let renderer = Renderer::default();
        plan(&desired, &world.observed, &world.memory, &renderer)
    });
    world.take_at_its_word(&desired, &first);
    let cold = median(|| {
        plan(
            &desired,
            &world.observed,
            &world.memory,
            &Renderer::default(),
        )
    })
    .0;
    // A controller keeps its renderer from round to round.
    let renderer = Renderer::default();
    plan(&desired, &world.observed, &world.memory, &renderer);
    let (nothing, second) = median(|| plan(&desired, &world.observed, &world.memory, &renderer));
    assert!(
        second.converged(),
        "{} actions, {:?}",
        second.actions.len(),
        second.notices.first()
    );
    let figures = Figures {
        instances,
        create,
        nothing,
    };
    println!(
        "{instances:>9} {:>7} {:>9.1} ms {:>9.0} {:>12.1} ms {:>9.0} {:>12.1} ms",
        desired.hosts.len(),
        millis(create),
        figures.each(create),
        millis(nothing),
        figures.each(nothing),
        millis(cold),
    );
    figures
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

/// The middle one of some runs, and the last result.
fn median<T>(mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut once = || {
        let begin = Instant::now();
        let result = run();
        (begin.elapsed(), result)
    };
    let mut times: Vec<Duration> = (0..4).map(|_| once().0).collect();
    let (last, result) = once();
    times.push(last);
    times.sort();
    (times[times.len() / 2], result)
}

/// Blocks of a service and a pair of load balancers in front of it.
fn desired(instances: usize) -> Desired {
    let mut yaml = String::from(
        "cluster: large\nnetworks:\n  lan: { cidr: 10.0.0.0/8, bridge: br0 }\nhosts:\n",
    );
    for host in 0..instances / PER_HOST {
        let first =
            u32::from_be_bytes([10, 1, 0, 0]) + 32 * u32::try_from(host).expect("few hosts");
        let _ = writeln!(
            yaml,
            "  h{host}: {{ address: h{host}.example, accelerator: tcg, pool: {}/27 }}",
            std::net::Ipv4Addr::from(first)
        );
    }
    yaml += "images:\n  micro: { path: /images/micro.qcow2, init: busybox }\nservices:\n";
    let blocks = instances / PER_BLOCK;
    for block in 0..blocks {
        let _ = writeln!(
            yaml,
            "  s{block}: {{ replicas: {}, image: micro, memory: 128MiB, port: 8080, run: /bin/serve }}",
            PER_BLOCK - 2
        );
    }
    yaml += "load_balancers:\n";
    for block in 0..blocks {
        let vip = std::net::Ipv4Addr::from(
            u32::from_be_bytes([10, 200, 0, 0]) + u32::try_from(block).expect("few blocks"),
        );
        let _ = writeln!(
            yaml,
            "  b{block}: {{ vip: {vip}/8, replicas: 2, image: micro, memory: 128MiB, routes: {{ /: s{block} }} }}"
        );
    }
    parse("large.yaml", yaml.as_bytes(), &NoFiles)
        .unwrap_or_else(|errors| panic!("{}", errors.render(false)))
}

struct NoFiles;

impl SpecFiles for NoFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        panic!("{} is not read here", path.display())
    }
    fn digest(&self, path: &Path) -> io::Result<(String, u64)> {
        panic!("{} is not read here", path.display())
    }
    fn env(&self, _: &str) -> Option<String> {
        None
    }
}

struct World {
    observed: Observed,
    memory: Memory,
}

impl World {
    /// Hosts with the image on them, and nothing else.
    fn empty(desired: &Desired) -> World {
        let image = HostFile {
            size: Bytes(1 << 20),
            sha256: None,
        };
        let files = BTreeMap::from([("/images/micro.qcow2".to_owned(), image)]);
        let facts = HostFacts {
            kvm: Some(false),
            files,
            ..HostFacts::default()
        };
        let mut world = World {
            observed: Observed {
                now: Timestamp(1_000),
                ..Observed::default()
            },
            memory: Memory::default(),
        };
        for host in desired.hosts.keys() {
            world
                .observed
                .hosts
                .insert(host.clone(), Seen::Yes(facts.clone()));
        }
        memory::remember(&mut world.memory, desired, &world.observed);
        world
    }

    /// Does in data what a plan says; what it asks to be probed is silent.
    fn take_at_its_word(&mut self, desired: &Desired, plan: &Plan) {
        for action in &plan.actions {
            match &action.operation {
                Operation::Create(build) => self.create(build),
                Operation::Configure(configure) => self.configure(configure),
                Operation::AddVip(vip) => {
                    self.guest(&vip.guest.instance)
                        .addresses
                        .push(GuestAddress {
                            address: vip.vip.addr(),
                            prefix: vip.vip.prefix_len(),
                            vip: true,
                        })
                }
                other => panic!("a fresh cluster needs no {}", other.kind()),
            }
        }
        self.observed.now = Timestamp(2_000);
        memory::remember(&mut self.memory, desired, &self.observed);
    }

    fn create(&mut self, build: &reconcile::model::action::Build) {
        let Some(Seen::Yes(host)) = self.observed.hosts.get_mut(&build.host) else {
            return;
        };
        host.domains.push(Domain {
            name: build.machine.domain.to_string(),
            uuid: build.machine.uuid.clone(),
            state: DomainState::Running,
            run: Some(1),
            mark: Some(build.mark.clone()),
        });
        for ending in ["qcow2", "seed", "xml"] {
            host.volumes
                .push(format!("{}.{ending}", build.mark.instance));
        }
        let instance = &build.mark.instance;
        self.observed
            .probed
            .insert(build.mark.address, Answer::Silence);
        let beat = Beat {
            last_ok: Some(self.observed.now),
            ..Beat::default()
        };
        self.observed.beats.insert(instance.clone(), beat);
        let address = GuestAddress {
            address: build.mark.address,
            prefix: 8,
            vip: false,
        };
        self.guest(instance).addresses.push(address);
    }

    fn configure(&mut self, configure: &Configure) {
        let GuestConfig { files, daemon } = &configure.config;
        let facts = self.guest(&configure.guest.instance);
        facts.init = Some(Init::Busybox);
        let scripts = daemon.iter().map(|d| &d.script);
        facts.files = files
            .iter()
            .chain(scripts)
            .map(|f| {
                let file = GuestFile {
                    sha256: f.sha256.clone(),
                    mode: f.mode,
                    owner: f.owner.clone(),
                    content: None,
                };
                (f.path.clone(), file)
            })
            .collect();
        facts.daemon = daemon.as_ref().map(|d| DaemonFacts {
            running: true,
            started: Some(d.revision.clone()),
            loaded: Some(d.loads.clone()),
        });
    }

    fn guest(&mut self, instance: &reconcile::model::id::InstanceId) -> &mut GuestFacts {
        let seen = self
            .observed
            .guests
            .entry(instance.clone())
            .or_insert_with(|| Seen::Yes(GuestFacts::default()));
        match seen {
            Seen::Yes(facts) => facts,
            Seen::No(_) => unreachable!("every guest here is seen"),
        }
    }
}
