//! Changes that roll through a service, good and bad ones; and guests that move only because it is more even.

use super::lab::{Domain, HOSTS};
use super::product::Product;
use super::spec::Spec;
use super::traffic::Traffic;
use super::wait::{seconds, until};

/// How long a change may take to roll through three instances that boot in emulation.
const LIMIT: std::time::Duration = seconds(240);

fn url(spec: &Spec) -> String {
    format!("http://{}/random", spec.vip)
}

fn workers(product: &Product) -> Vec<Domain> {
    let mut all = product.lab.domains();
    all.retain(|domain| domain.instance.starts_with("random-") && domain.run.is_some());
    all.sort_by(|one, other| one.instance.cmp(&other.instance));
    all
}

// One story on one lab: what a change leaves is what the next one starts from.
#[test]
fn a_change_rolls_while_all_serve_and_a_bad_one_halts_and_is_taken_back() {
    let (product, spec) = Product::converged();
    let spec = spec
        .with(|s| s.policies = "    min_available: 3\n    surge: 1\n    settle: 3s\n".to_owned());
    product.write(&spec);
    product.apply();
    let watch = product.watch();
    let before = workers(&product);

    let from = product.history().len();
    let traffic = Traffic::start(&product.lab, &url(&spec), 20);
    let spec = spec.with(|s| s.memory = "112MiB".to_owned());
    product.write(&spec);
    let extra = until("one more instance is there", LIMIT, || {
        workers(&product)
            .into_iter()
            .find(|d| d.instance == "random-4")
    });
    assert_eq!(extra.memory_kib >> 10, 112, "it is of the new kind");
    until("all are of the new kind", LIMIT, || {
        let now = workers(&product);
        let replaced = now.len() == 3 && now.iter().all(|d| d.memory_kib >> 10 == 112);
        replaced.then_some(())
    });
    product.wait_converged(LIMIT);
    traffic.stop().assert_nothing_failed();
    assert_all_served(&product, from);
    let addresses = |all: &[Domain]| all.iter().map(|d| d.address.clone()).collect::<Vec<_>>();
    assert_eq!(addresses(&workers(&product)), addresses(&before));

    let traffic = Traffic::start(&product.lab, &url(&spec), 20);
    let bad = spec.with(|s| s.run = "/bin/false".to_owned());
    product.write(&bad);
    let halted = until("the change is halted", LIMIT, || {
        let said = product.run(&["status"]).words();
        said.contains("go back: reconcile rollback").then_some(said)
    });
    println!("halted: {halted}");
    let undone = product.run(&["rollback", "--reason", "it does not start"]);
    assert_eq!(undone.code, 0, "{}", undone.all());
    product.wait_converged(LIMIT);
    traffic.stop().assert_nothing_failed();
    let status = product.run(&["status"]).words();
    assert!(status.contains("it does not start"), "{status}");
    let still = workers(&product);
    assert_eq!(addresses(&still), addresses(&before));
    assert_eq!(still.len(), 3, "the extra one is gone");

    let let_go = product.run(&["rollback", "--undo"]);
    assert_eq!(let_go.code, 0, "{}", let_go.all());
    product.write(&spec);
    product.wait_converged(LIMIT);
    watch.stop();
}

/// Whatever happened since: before an instance was ended, as many others served as must.
#[track_caller]
fn assert_all_served(product: &Product, from: usize) {
    let done = product.done_since(from);
    let of = |kind: &str, name: &str| {
        done.iter()
            .position(|(action, instance)| action == kind && instance == name)
    };
    let came = of("configure", "random-4").expect("the extra one came");
    for worker in ["random-1", "random-2", "random-3"] {
        let ended = of("recreate", worker).expect("each is replaced");
        assert!(came < ended, "{worker} before the extra one: {done:?}");
    }
}

#[test]
fn what_failed_for_good_is_tried_again_when_somebody_says_so() {
    let (product, spec) = Product::converged();
    let spec = spec.with(|s| {
        s.policies = "    restart: { max_restarts: 0, max_relocations: 0 }\n".to_owned();
        s.replicas = 1;
    });
    product.write(&spec);
    product.apply();
    let watch = product.watch();
    // The guest comes up, and what it runs does not: each time it is made.
    let bad = spec.with(|s| s.run = "/bin/false".to_owned());
    product.write(&bad);
    let worker = workers(&product).remove(0);
    product.lab.kill_guest(&worker, "KILL");
    until("it is given up", LIMIT, || {
        let said = product.run(&["status"]).words();
        said.contains("retry random-1").then_some(())
    });
    let attempts = |product: &Product| {
        let built = product.history().into_iter().filter(|entry| {
            let action = entry["action"].as_str().unwrap_or_default();
            entry["instance"] == "random-1" && (action == "recreate" || action == "create")
        });
        built.count()
    };
    let before = attempts(&product);
    let again = product.run(&["retry", "random-1"]);
    assert_eq!(again.code, 0, "{}", again.all());
    until("it is made once more", LIMIT, || {
        (attempts(&product) > before).then_some(())
    });
    product.write(&spec);
    product.wait_converged(LIMIT);
    watch.stop();
}

#[test]
fn guests_that_crowd_on_one_host_are_spread_and_it_says_why_they_are_where_they_are() {
    let (product, spec) = Product::converged();
    // Of all that a host has, a little more than a gigabyte is left to guests: a guest is a tenth of it.
    let status = product.status();
    let memory = status["hosts"][0]["memory"].as_u64().expect("its memory");
    let even = spec.with(|s| {
        s.reserve = format!("{}MiB", (memory >> 20) - 1100);
        s.rebalance = "threshold: 10%, margin: 5%, hold: 3s, cooldown: 3s".to_owned();
    });
    product.write(&even);
    product.apply();
    let watch = product.watch();
    for host in ["b", "c"] {
        let ordered = product.run(&["drain", host]);
        assert_eq!(ordered.code, 0, "{}", ordered.all());
    }
    until("all are on one host", LIMIT, || {
        let of_ours = |d: &Domain| !d.instance.is_empty();
        let elsewhere = product.lab.domains_on(&["b", "c"]);
        (!elsewhere.iter().any(of_ours)).then_some(())
    });
    product.wait_converged(LIMIT);
    let why = product.run(&["why", "random-1", "b"]).words();
    assert!(why.contains("drained"), "{why}");
    let traffic = Traffic::start(&product.lab, &url(&even), 20);
    for host in ["b", "c"] {
        let ordered = product.run(&["undrain", host]);
        assert_eq!(ordered.code, 0, "{}", ordered.all());
    }
    let on = |host| {
        product
            .lab
            .domains_on(&[host])
            .iter()
            .filter(|d| !d.instance.is_empty())
            .count()
    };
    until("the load is even", LIMIT, || {
        HOSTS.iter().all(|host| on(host) <= 2).then_some(())
    });
    product.wait_converged(LIMIT);
    traffic.stop().assert_nothing_failed();
    assert!(watch.log().contains("full, and the mean is"));
    watch.stop();
    product.write(&spec);
    product.apply();
}
