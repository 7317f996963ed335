//! What breaks is healed, and users notice as little as was promised.

use super::bridge::{self, Bridge};
use super::lab::Domain;
use super::product::Product;
use super::spec::Spec;
use super::traffic::Traffic;
use super::wait::{millis, seconds, until};

/// How long a guest may take from its death to its first answer, on a busy machine without KVM.
const REBUILD: std::time::Duration = seconds(90);

#[test]
fn a_killed_worker_costs_no_request_and_comes_back_with_its_address() {
    let (product, spec) = Product::converged();
    let watch = product.watch();
    let victim = product.lab.domain_of("random-2");
    let traffic = users(&product, &spec, 20);
    product.lab.kill_guest(&victim, "KILL");
    is_rebuilt(&product, &victim);
    until("users are sent to it again", seconds(30), || {
        let curl = product
            .lab
            .inside("curl")
            .args(["-fsm", "2", &url(&spec)])
            .output();
        curl.is_ok_and(|o| String::from_utf8_lossy(&o.stdout).contains(&victim.instance))
            .then_some(())
    });
    let report = traffic.stop();
    watch.stop();
    report.assert_nothing_failed();
    product.assert_converged();
}

#[test]
fn a_frozen_worker_is_found_by_its_heartbeat_and_made_anew() {
    let (product, spec) = Product::converged();
    let watch = product.watch();
    let victim = product.lab.domain_of("random-1");
    let traffic = users(&product, &spec, 20);
    product.lab.kill_guest(&victim, "STOP");
    is_rebuilt(&product, &victim);
    traffic.stop().assert_nothing_failed();
    watch.stop();
    was_lost(&product, &victim);
}

#[test]
fn a_death_that_libvirt_tells_needs_no_heartbeat_and_the_listener_goes_with_the_controller() {
    let (product, spec) = Product::converged();
    let calm = spec.with(|s| {
        s.services = "  calm:
    replicas: 1
    image: micro
    memory: 96MiB
    port: 8080
    run: /usr/bin/stateless --port {{port}}
    heartbeat: { every: 5m, timeout: 1s, retries: 4, grace: 1m }
"
        .to_owned();
    });
    product.write(&calm);
    product.apply();
    let watch = product.watch();
    let victim = product.lab.domain_of("calm-1");
    let listeners = |host: &str| {
        let script = "pgrep -fc '[v]irsh .* event --loop' || true";
        product.lab.on(host, script).trim().to_owned()
    };
    until("its host is listened to", seconds(20), || {
        (listeners(&victim.host) != "0").then_some(())
    });
    product.lab.kill_guest(&victim, "KILL");
    watch.wait_for("its domain stopped", seconds(5));
    is_rebuilt(&product, &victim);
    watch.stop();
    until("nobody listens any more", seconds(10), || {
        (listeners(&victim.host) == "0").then_some(())
    });
    product.write(&spec);
    product.apply();
}

#[test]
fn a_guest_that_is_killed_while_it_boots_is_not_waited_for() {
    let (product, _) = Product::converged();
    let watch = product.watch();
    let victim = product.lab.domain_of("random-2");
    product.lab.kill_guest(&victim, "KILL");
    watch.wait_for("random-2: 2 files, start", REBUILD);
    product
        .lab
        .kill_guest(&product.lab.domain_of("random-2"), "KILL");
    watch.wait_for("broken off: its domain stopped", seconds(10));
    is_rebuilt(&product, &victim);
    product.wait_converged(REBUILD);
    watch.stop();
}

#[test]
fn a_worker_whose_service_does_not_start_again_is_made_anew() {
    let (product, spec) = Product::converged();
    let watch = product.watch();
    let victim = product.lab.domain_of("random-3");
    let traffic = users(&product, &spec, 20);
    product.lab.in_guest(
        &victim.address,
        "chmod -x /usr/bin/stateless; kill -9 $(pidof stateless)",
    );
    is_rebuilt(&product, &victim);
    traffic.stop().assert_nothing_failed();
    watch.stop();
    was_lost(&product, &victim);
}

#[test]
fn a_process_that_is_killed_alone_leaves_no_children_that_keep_its_port() {
    let (product, _) = Product::converged();
    let victim = product.lab.domain_of("web-1");
    let inside = |script| product.lab.in_guest(&victim.address, script);
    let killed = inside("pid=$(cat /run/reconcile/web.pid); kill -9 $pid; echo $pid");
    // Every nginx is the new process, or a child of it.
    let family = "new=$(cat /run/reconcile/web.pid); for pid in $(pidof nginx); do
        read -r _ _ _ parent _ < /proc/$pid/stat; [ $pid = $new ] || [ $parent = $new ] || echo stranger $pid; done
        echo process $new";
    let expected = until(
        "a new process serves, and nothing else",
        seconds(30),
        || {
            let told = inside(family);
            let fresh = told.starts_with("process ") && told != format!("process {killed}");
            fresh.then_some(told)
        },
    );
    product.assert_converged();
    assert_eq!(inside(family), expected, "it stays");
    assert_eq!(product.lab.domain_of("web-1"), victim, "no new guest");
}

#[test]
fn the_vip_leaves_a_killed_load_balancer_within_two_seconds_and_is_never_on_two() {
    let (product, spec) = Product::converged();
    let spec = spec.with(|s| s.watched = sharply());
    product.write(&spec);
    let watch = product.watch();
    // Of three failovers two must keep the promise: an emulated guest may stall for a second, whatever the product does.
    let mut kept = 0;
    for turn in 1..=3 {
        let gap = vip_gap(&product, &spec);
        let promised = f64::from(millis(2000));
        println!("VIP failover {turn}: gap of {gap} ms, {promised} ms are promised here");
        kept += usize::from(gap <= promised);
        if kept == 2 {
            watch.stop();
            return;
        }
    }
    panic!("{kept} of 3 failovers kept the promise");
}

/// Kills who holds the VIP: how long users were without an answer, in milliseconds. The VIP moves once, is never on two,
/// and stays where it went.
#[track_caller]
fn vip_gap(product: &Product, spec: &Spec) -> f64 {
    let holder = holder(product, spec);
    let wire = Bridge::listen(&product.lab, &spec.vip);
    let traffic = users(product, spec, 50);
    std::thread::sleep(seconds(2)); // a row of good answers to measure the gap from
    product.lab.kill_guest(&holder, "KILL");
    let fresh = is_rebuilt(product, &holder);
    until("the fresh secondary answers", REBUILD, || {
        let url = format!("http://{}/random", fresh.address);
        let curl = product
            .lab
            .inside("curl")
            .args(["-fsm", "2", &url])
            .output();
        curl.is_ok_and(|output| output.status.success())
            .then_some(())
    });
    std::thread::sleep(seconds(2)); // would it take the VIP back, that is when
    let report = traffic.stop();
    let holders = bridge::assert_one_at_a_time(&wire.stop());

    println!(
        "{} of {} requests failed at 50 a second",
        report.failed, report.total
    );
    assert_eq!(holders.len(), 2, "the VIP moved once: {holders:?}");
    assert_eq!(holders[0], holder.mac);
    let next = self::holder(product, spec);
    let status = product.status();
    let told = &status["load_balancers"][0]["holders"];
    assert_eq!(*told, serde_json::json!([next.instance]), "{status:#}");
    let addresses = product.lab.in_guest(&fresh.address, "ip -4 -o addr");
    assert!(
        !addresses.contains(&spec.vip),
        "the fresh secondary has the VIP:\n{addresses}"
    );
    product.wait_converged(REBUILD);
    report.gap_ms
}

/// How a guest is watched whose place is to be taken within two seconds.
fn sharply() -> String {
    format!(
        "every: 200ms, timeout: {}ms, retries: 4, grace: 1m",
        millis(300)
    )
}

fn users(product: &Product, spec: &Spec, rate: u32) -> Traffic {
    Traffic::start(&product.lab, &url(spec), rate)
}

fn url(spec: &Spec) -> String {
    format!("http://{}/random", spec.vip)
}

/// Another life of the same instance, on the same host, at the same address, and it answers.
#[track_caller]
fn is_rebuilt(product: &Product, old: &Domain) -> Domain {
    let begun = std::time::Instant::now();
    let new = until(&format!("a new {}", old.instance), REBUILD, || {
        let found = product
            .lab
            .domains()
            .into_iter()
            .find(|d| d.instance == old.instance)?;
        (found.generation != old.generation && found.run.is_some()).then_some(found)
    });
    assert_eq!(
        (&new.host, &new.address, &new.mac),
        (&old.host, &old.address, &old.mac)
    );
    let is_about = |entry: &serde_json::Value, action: &str| {
        entry["action"] == action
            && entry["instance"] == old.instance.as_str()
            && entry["outcome"] == "changed"
    };
    until(&format!("{} is configured", old.instance), REBUILD, || {
        let done = product.history();
        let rebuilt = done.iter().rposition(|entry| is_about(entry, "recreate"))?;
        done[rebuilt..]
            .iter()
            .any(|entry| is_about(entry, "configure"))
            .then_some(())
    });
    println!(
        "{} is back {:.1} s after it broke",
        old.instance,
        begun.elapsed().as_secs_f64()
    );
    new
}

/// The history says that its heartbeat was lost.
#[track_caller]
fn was_lost(product: &Product, victim: &Domain) {
    let history = product.history();
    let why: Vec<&str> = history
        .iter()
        .filter(|e| e["action"] == "recreate" && e["instance"] == victim.instance.as_str())
        .filter_map(|e| e["reason"]["code"].as_str())
        .collect();
    assert_eq!(why, ["heartbeat-lost"]);
}

/// The load balancer that has the VIP, asked on the wire.
#[track_caller]
pub fn holder(product: &Product, spec: &Spec) -> Domain {
    let mut command = product.lab.inside("arping");
    command.args(["-b", "-c", "2", "-I", "br-lan", &spec.vip]);
    let said = super::lab::output(&mut command)
        .expect("somebody has the VIP")
        .to_lowercase();
    let domains = product.lab.domains().into_iter();
    let mut holders = domains.filter(|d| said.contains(&d.mac));
    holders
        .next()
        .unwrap_or_else(|| panic!("no guest of ours has the VIP:\n{said}"))
}
