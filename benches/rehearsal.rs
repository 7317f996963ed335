//! What rehearsing costs: a year of a small cluster with 500 failures, and the loss of every host and of every pair of
//! hosts of a larger one. No lab; `make bench` prints what benches/README.md quotes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reconcile::model::desired::Desired;
use reconcile::model::scenario::Scenario;
use reconcile::rehearse::survive::{Question, WITHIN, survive};
use reconcile::rehearse::{AFTERWARDS, failures, rehearse};
use reconcile::spec::{NoFiles, parse};

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const YEAR: Duration = Duration::from_secs(365 * 86_400);
const FAILURES: usize = 500;

fn main() {
    println!("rehearsing, release build, one run each\n");
    let small = cluster(3, 8);
    let scenario = failures(&small, 1, FAILURES, Some(YEAR));
    let begin = Instant::now();
    let year = rehearse(&small, &scenario, 1, AFTERWARDS).expect("the rehearsal runs");
    assert!(year.is_good(), "{:?} {:?}", year.unmet, year.broken);
    tell("a year, 3 hosts, 10 guests, 500 failures", begin);
    let large = cluster(10, 28);
    for any in ["any-host", "any-2-hosts"] {
        let begin = Instant::now();
        let losses = lose(&large, any);
        tell(
            &format!("{any}, 10 hosts, 30 guests: {losses} losses"),
            begin,
        );
    }
}

fn tell(what: &str, begin: Instant) {
    println!("{what:<50} {:>8.2} s", begin.elapsed().as_secs_f64());
}

fn lose(desired: &Arc<Desired>, any: &str) -> usize {
    let question = Question {
        desired,
        scenario: &Scenario::default(),
        any: &any.parse().expect("it can be lost"),
        seed: 1,
        within: WITHIN,
        told: &|_| {},
    };
    let survival = survive(&question, &|_| None).expect("the rehearsals run");
    survival.losses.len()
}

/// A service of so many instances behind two load balancers.
fn cluster(hosts: u32, replicas: u32) -> Arc<Desired> {
    let host = |n: u32| {
        let (first, last) = (n * 20 + 20, n * 20 + 39);
        format!(
            "  h{n}: {{ address: 10.0.1.{}, pool: 10.0.0.{first}-10.0.0.{last} }}\n",
            n + 1
        )
    };
    let hosts: String = (0..hosts).map(host).collect();
    let text = format!(
        "cluster: bench\nnetworks: {{ lan: {{ cidr: 10.0.0.0/23 }} }}\nhosts:\n{hosts}\
         images: {{ alpine: {{ path: /alpine.qcow2 }} }}\n\
         services:\n  random: {{ replicas: {replicas}, image: alpine, port: 8080, run: 'random --port {{{{port}}}}', \
         min_available: 1 }}\n\
         load_balancers:\n  web: {{ vip: 10.0.1.200/23, image: alpine, routes: {{ /: random }} }}\n"
    );
    let desired = parse("cluster.yaml", text.as_bytes(), &NoFiles);
    Arc::new(desired.unwrap_or_else(|errors| panic!("{errors}")))
}
