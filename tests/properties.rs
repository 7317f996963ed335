//! Properties: whatever happens to a cluster and whatever is edited, plans are sound, no law is broken on the way, and
//! the cluster converges. The real planner, executor and controller run over a cluster in memory.

mod support;

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use reconcile::model::scenario::Libvirt;
use reconcile::ports::clock::Clock;
use reconcile::sim::laws;
use reconcile::sim::world::{Link, World};
use support::lab::Lab;
use support::script::event;
use support::spec;

/// What varies in the file.
#[derive(Debug, Clone)]
struct File {
    hosts: u8,
    replicas: u8,
    balancers: u8,
    memory: u16,
    balancer_memory: u16,
    port: u16,
    vip: u8,
    /// The first address of each pool within its twenty.
    pool: u8,
    verbose: bool,
    level: u8,
    on_change: &'static str,
    second_route: bool,
    bootstrap: bool,
    image: u8,
}

impl File {
    fn yaml(&self) -> String {
        let hosts: String = (0..self.hosts)
            .map(|n| {
                let first = 20 + 30 * n + self.pool;
                let last = first + 14;
                format!(
                    "  h{n}: {{ address: 10.0.0.{}, pool: 10.0.0.{first}-10.0.0.{last} }}\n",
                    2 + n
                )
            })
            .collect();
        let provision = if self.bootstrap {
            ", provision: ssh, bootstrap: 10.0.0.200"
        } else {
            ""
        };
        let verbose = if self.verbose { " --verbose" } else { "" };
        let balancer_section = self.balancer_section();
        let File {
            replicas,
            memory,
            port,
            level,
            on_change,
            image,
            ..
        } = self;
        format!(
            "cluster: demo
networks:
  lan: {{ cidr: 10.0.0.0/24, gateway: 10.0.0.1, bridge: br0 }}
hosts:
{hosts}images:
  alpine: {{ source: alpine-{image}.qcow2{provision} }}
services:
  work:
    replicas: {replicas}
    image: alpine
    memory: {memory}MiB
    port: {port}
    run: /usr/bin/work --port {{{{port}}}}{verbose}
    files: [{{ path: /etc/work.conf, content: \"level = {level}\", on_change: {on_change} }}]
{balancer_section}"
        )
    }

    /// Without any, there is no section.
    fn balancer_section(&self) -> String {
        let File {
            balancers,
            balancer_memory,
            vip,
            ..
        } = self;
        if *balancers == 0 {
            return String::new();
        }
        let route = if self.second_route {
            "\n      /again: work"
        } else {
            ""
        };
        format!(
            "load_balancers:
  web:
    vip: 10.0.0.{vip}/24
    replicas: {balancers}
    image: alpine
    memory: {balancer_memory}MiB
    routes:
      /work: work{route}
    heartbeat: {{ every: 200ms, timeout: 300ms, retries: 4 }}
"
        )
    }
}

fn file() -> impl Strategy<Value = File> {
    let numbers = (
        1..=3u8,
        0..=4u8,
        0..=3u8,
        prop_oneof![Just(128u16), Just(256)],
        prop_oneof![Just(128u16), Just(256)],
    );
    let places = (
        prop_oneof![Just(8080u16), Just(9090)],
        210..=211u8,
        prop_oneof![Just(0u8), Just(5), Just(15)],
        1..=2u8,
    );
    let ways = (
        any::<bool>(),
        0..=1u8,
        prop_oneof![Just("nothing"), Just("reload"), Just("restart")],
        any::<bool>(),
        prop::bool::weighted(0.2),
    );
    (numbers, places, ways).prop_map(|(numbers, places, ways)| File {
        hosts: numbers.0,
        replicas: numbers.1,
        balancers: numbers.2,
        memory: numbers.3,
        balancer_memory: numbers.4,
        port: places.0,
        vip: places.1,
        pool: places.2,
        image: places.3,
        verbose: ways.0,
        level: ways.1,
        on_change: ways.2,
        second_route: ways.3,
        bootstrap: ways.4,
    })
}

/// Another state of the file for the same cluster: hosts and images stay what they are.
fn edited(from: &File, to: &File) -> File {
    File {
        hosts: from.hosts,
        bootstrap: from.bootstrap,
        ..to.clone()
    }
}

/// Something that happens, as in a steps.txt.
fn happening() -> impl Strategy<Value = String> {
    let instance = prop_oneof![
        (1..=4u8).prop_map(|n| format!("work-{n}")),
        (1..=3u8).prop_map(|n| format!("web-{n}")),
    ];
    let to_instance = prop_oneof![
        3 => Just("kill"), 3 => Just("freeze"), 2 => Just("stop-service"), 1 => Just("reboot"), 1 => Just("undefine"),
        1 => Just("never-boots"), 1 => Just("take-vip"), 1 => Just("lose-vip"),
    ];
    let host = (0..3u8).prop_map(|n| format!("h{n}"));
    let to_host = prop_oneof![
        Just("unreachable"),
        Just("libvirt-broken"),
        Just("key-changed"),
        Just("power-off"),
        Just("back")
    ];
    let step = prop_oneof![
        Just("build.disk"),
        Just("build.define"),
        Just("build.start"),
        Just("configure.file"),
        Just("configure.process"),
        Just("bootstrap"),
        Just("settle"),
        Just("add-address"),
        Just("add-vip"),
        Just("drop-vip"),
        Just("fence"),
        Just("remove.domain"),
        Just("remove.volumes"),
        Just("set-mark"),
    ];
    let scope = prop_oneof![
        Just("cluster"),
        Just("service/work"),
        Just("service/web"),
        Just("host/h0"),
        Just("host/h1")
    ];
    let seconds = 1..=90u8;
    let order = prop_oneof![
        3 => (scope, seconds.clone()).prop_map(|(scope, n)| format!("order pause {scope} for {n}")),
        1 => seconds.prop_map(|n| format!("order disarm failover for {n}")),
    ];
    prop_oneof![
        3 => order,
        6 => (to_instance, instance.clone()).prop_map(|(what, instance)| format!("{what} {instance}")),
        2 => (to_host, host.clone()).prop_map(|(what, host)| format!("{what} {host}")),
        2 => (step, instance.clone()).prop_map(|(step, instance)| format!("fail {step} {instance} 1")),
        1 => (instance.clone(), 1..=2u8).prop_map(|(instance, n)| format!("bad-disks {instance} {n}")),
        1 => instance.prop_map(|instance| format!("write {instance} /etc/work.conf by hand")),
        1 => (host.clone(), 1..=5u8).prop_map(|(host, n)| format!("leftover {host} work-{n}.qcow2")),
        1 => (20..=120u8).prop_map(|n| format!("foreign-address 10.0.0.{n}")),
        1 => host.prop_map(|host| format!("foreign-domain {host} printer")),
        2 => (1..=60u8).prop_map(|n| format!("crash-after {n}")),
        1 => Just("memory-lost".to_owned()),
        3 => (1..=130u8).prop_map(|n| format!("wait {n}")),
        6 => Just("round".to_owned()),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Happens(String),
    Edit(File),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => happening().prop_map(Step::Happens),
        1 => file().prop_map(Step::Edit),
    ];
    prop::collection::vec(step, 0..10)
}

fn desired(file: &File) -> std::sync::Arc<reconcile::model::desired::Desired> {
    spec::read(&file.yaml(), Path::new("/nonexistent"))
}

/// Runs on a clock that nobody waits for.
fn on_virtual_time<F: Future>(work: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build();
    runtime.expect("a runtime can be made").block_on(work)
}

async fn take(lab: &mut Lab, file: &mut File, step: &Step) {
    match step {
        Step::Edit(other) => {
            *file = edited(file, other);
            lab.follow(desired(file));
        }
        Step::Happens(what) => happen(lab, what).await,
    }
}

async fn happen(lab: &mut Lab, what: &str) {
    let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
    match verb {
        "round" => one_pass(lab).await,
        "wait" => {
            lab.cluster
                .clock
                .sleep(Duration::from_secs(rest.parse().unwrap()))
                .await
        }
        "memory-lost" => {
            lab.store.forget();
            lab.restart();
        }
        // Only we hand out VIPs. Whoever takes one by hand, out of sight, makes a fault that no controller can know of.
        "unreachable" | "libvirt-broken" | "key-changed" if lab.unseen_hand => {}
        "take-vip"
            if lab
                .cluster
                .world()
                .hosts
                .values()
                .any(|h| h.link != Link::Up || h.libvirt != Libvirt::Works) => {}
        _ => {
            let mut world = lab.cluster.world();
            if is_possible(&world, verb, rest) {
                event(&mut world, verb, rest);
                drop(world);
                lab.unseen_hand |= verb == "take-vip";
            }
        }
    }
}

async fn one_pass(lab: &mut Lab) {
    let plan = lab.plan().await;
    if lab.carry_out(&plan).await.is_none() {
        lab.restart();
    }
}

/// Whether what it would happen to is there. Nobody else takes an address that a guest of ours has: that is a fault
/// of its own, which no controller can mend.
fn is_possible(world: &World, verb: &str, rest: &str) -> bool {
    let subject = rest.split(' ').next().unwrap_or_default();
    let domain = subject
        .parse()
        .ok()
        .and_then(|i| world.domains_of(&i).next().map(|(.., d)| d));
    match verb {
        "kill" | "freeze" | "reboot" | "never-boots" => domain.is_some_and(|d| d.run.is_some()),
        "stop-service" => domain.is_some_and(|d| d.guest.process.is_some()),
        "take-vip" | "lose-vip" => {
            let balancer = subject.starts_with("web") && world.desired.load_balancers().count() > 0;
            balancer && domain.is_some_and(|d| d.run.is_some())
        }
        "undefine" | "write" => domain.is_some(),
        "unreachable" | "libvirt-broken" | "key-changed" | "power-off" | "back" | "leftover"
        | "foreign-domain" => subject
            .parse()
            .is_ok_and(|host| world.hosts.contains_key(&host)),
        "foreign-address" => {
            let address = subject.parse().unwrap();
            !world.domains().any(|(.., d)| {
                d.guest.holds(address)
                    || d.mark
                        .as_ref()
                        .is_some_and(|m| m.addresses().any(|a| a == address))
            })
        }
        _ => true,
    }
}

/// Everything outside is well again; what is broken inside is the controller's to mend.
fn mend(lab: &mut Lab) {
    let mut world = lab.cluster.world();
    world.faults.clear();
    world.bad_disks.clear();
    world.halt_at = None;
    world.orders = Default::default();
    let hosts: Vec<String> = world.hosts.keys().map(ToString::to_string).collect();
    hosts
        .iter()
        .for_each(|host| event(&mut world, "back", host));
}

async fn converges(lab: &mut Lab) {
    mend(lab);
    lab.converge().await;
    let plan = lab.plan().await;
    assert!(
        plan.actions.is_empty(),
        "the round after the last one is not empty:
{}",
        laws::outline(&plan)
    );
    lab.what_is_said_is_so();
}

/// How many cases each property is tried with: `PROPTEST_CASES`, or as many as take a few seconds.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(48)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 400, ..ProptestConfig::default() })]

    /// Laws, soundness and determinism are looked at with every plan and every effect: see `sim::laws`.
    #[test]
    fn whatever_happens_the_cluster_converges(mut file in file(), steps in steps()) {
        on_virtual_time(async {
            let mut lab = Lab::new(desired(&file));
            lab.cluster.world().strict = false;
            lab.converge().await;
            for step in &steps {
                take(&mut lab, &mut file, step).await;
            }
            converges(&mut lab).await;
        });
    }

    /// Nothing fails here, so nothing may be interrupted: see `sim::laws::may_interrupt`.
    #[test]
    fn an_edit_costs_no_request(mut file in file(), edits in prop::collection::vec(file(), 1..4)) {
        on_virtual_time(async {
            let mut lab = Lab::new(desired(&file));
            lab.converge().await;
            for edit in edits {
                let before = file.clone();
                file = edited(&file, &edit);
                lab.follow(desired(&file));
                let (_, passes) = lab.converge().await;
                // Who is not desired any more stays until the others are as they should be.
                let shrinks = file.replicas < before.replicas || file.balancers < before.balancers;
                let most = if shrinks { 2 } else { 1 };
                assert!(passes <= most, "{passes} plans for one edit");
            }
            lab.what_is_said_is_so();
        });
    }
}

/// A small cluster with one of everything.
fn small() -> File {
    File {
        hosts: 2,
        replicas: 2,
        balancers: 2,
        memory: 128,
        balancer_memory: 128,
        port: 8080,
        vip: 210,
        pool: 0,
        verbose: false,
        level: 0,
        on_change: "restart",
        second_route: false,
        bootstrap: false,
        image: 1,
    }
}

/// What a controller was at when it was killed.
#[derive(Debug, Clone, Copy)]
enum Memory {
    Kept,
    Lost,
}

/// Kills the controller after its effect number `at`, while it carries out `to` on a cluster that is as `from` (or
/// empty). False where it was done before that.
async fn killed(from: Option<&File>, to: &File, at: usize, memory: Memory) -> bool {
    let mut lab = Lab::new(desired(from.unwrap_or(to)));
    lab.cluster.world().strict = false;
    if from.is_some() {
        lab.converge().await;
        lab.follow(desired(to));
    }
    let effects = lab.cluster.world().effects;
    lab.cluster.world().halt_at = Some(effects + at);
    let plan = lab.plan().await;
    let was_killed = lab.carry_out(&plan).await.is_none();
    if let Memory::Lost = memory {
        lab.store.forget();
    }
    lab.restart();
    converges(&mut lab).await;
    was_killed
}

fn killed_at_every_effect(from: Option<&File>, to: &File) {
    for memory in [Memory::Kept, Memory::Lost] {
        let mut at = 1;
        while on_virtual_time(killed(from, to, at, memory)) {
            at += 1;
        }
        assert!(at > 10, "only {at} effects");
    }
}

#[test]
fn a_creation_killed_at_any_moment_is_finished_by_the_next_controller() {
    killed_at_every_effect(None, &small());
    killed_at_every_effect(
        None,
        &File {
            bootstrap: true,
            balancers: 1,
            ..small()
        },
    );
}

#[test]
fn a_rolling_rebuild_killed_at_any_moment_is_finished_by_the_next_controller() {
    killed_at_every_effect(
        Some(&small()),
        &File {
            memory: 256,
            balancer_memory: 256,
            ..small()
        },
    );
}

#[test]
fn a_change_of_addresses_killed_at_any_moment_is_finished_by_the_next_controller() {
    killed_at_every_effect(
        Some(&small()),
        &File {
            pool: 15,
            vip: 211,
            ..small()
        },
    );
}

#[test]
fn a_smaller_cluster_is_reached_after_a_kill_at_any_moment() {
    let large = File {
        replicas: 4,
        balancers: 3,
        ..small()
    };
    killed_at_every_effect(
        Some(&large),
        &File {
            replicas: 1,
            balancers: 1,
            level: 1,
            ..small()
        },
    );
}
