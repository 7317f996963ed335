//! What can't be seen is unknown: nothing is decided about it, and the rest goes on.

use super::heal::holder;
use super::lab::{Domain, HOSTS};
use super::product::Product;
use super::spec::Spec;
use super::wait::{seconds, until};

#[test]
fn an_unreachable_host_is_unknown_and_the_others_go_on() {
    let (product, spec) = Product::converged();
    product.write(spec.with(|s| s.safety = "recover_after: 1h".to_owned()));
    // A guard that a killed controller left would stop the guests of a host that is cut off; one that ends takes it along.
    product.watch().stop();
    let hidden = a_host_without_the_vip(&product, &spec);
    let theirs = |all: &[Domain]| -> Vec<Domain> {
        all.iter().filter(|d| d.host == hidden).cloned().collect()
    };
    let before = product.lab.domains();
    assert!(
        theirs(&before)
            .iter()
            .any(|d| d.instance.starts_with("random")),
        "{before:#?}"
    );
    product.lab.run(&["cut", hidden]);

    let run = product.run(&["--dry-run", "--output", "json"]);
    assert_eq!(run.code, 4, "{}", run.all());
    is_unknown(&run.json(), &format!("host {hidden}"));

    let watch = product.watch_without(hidden);
    let victim = before
        .iter()
        .find(|d| d.host != hidden && d.instance.starts_with("random"))
        .expect("there is one");
    product.lab.kill_guest(victim, "KILL");
    until("the worker elsewhere is healed", seconds(90), || {
        let now = product.lab.domains();
        now.iter()
            .any(|d| {
                d.instance == victim.instance
                    && d.generation != victim.generation
                    && d.run.is_some()
            })
            .then_some(())
    });
    watch.stop();
    let run = product.run(&["--yes"]);
    assert_eq!(run.code, 4, "{}", run.all());
    let during = product.lab.domains();
    assert_eq!(
        during.len(),
        before.len(),
        "nothing of it is created elsewhere"
    );
    assert_eq!(theirs(&during), theirs(&before), "nothing on it is touched");

    product.lab.run(&["mend", hidden]);
    product.wait_converged(seconds(60));
    assert_eq!(
        theirs(&product.lab.domains()),
        theirs(&before),
        "it is taken back as it is"
    );
    product.write(&spec);
}

#[test]
fn a_changed_host_key_is_refused_and_nothing_is_done_there() {
    let (product, spec) = Product::converged();
    let known = std::fs::read_to_string(product.lab.ssh("known_hosts")).expect("the lab wrote it");
    let other =
        std::fs::read_to_string(product.lab.ssh("id_ed25519.pub")).expect("the lab wrote it");
    // Any other key will do: that of the operator is one.
    let other: Vec<&str> = other.split_whitespace().take(2).collect();
    let forged = known.lines().map(|line| match line.split_once(' ') {
        Some(("192.168.10.3", _)) => format!("192.168.10.3 {}\n", other.join(" ")),
        _ => format!("{line}\n"),
    });
    let file = product.path("known_hosts");
    std::fs::write(&file, forged.collect::<String>()).expect("it can be written");
    product.write(spec.clone().known_hosts(&file));
    let victim = product
        .lab
        .domains()
        .into_iter()
        .find(|d| d.host == "b" && d.instance.starts_with("random"))
        .expect("one is on b");
    product.lab.kill_guest(&victim, "KILL");
    until("it is off", seconds(10), || {
        product
            .lab
            .domain_of(&victim.instance)
            .run
            .is_none()
            .then_some(())
    });
    let on_b = || product.lab.domains_on(&["b"]);
    let before = on_b();

    let run = product.run(&["--yes"]);
    assert_eq!(run.code, 4, "{}", run.all());
    assert!(run.stdout.contains("host key"), "{}", run.all());
    assert_eq!(on_b(), before, "host b was touched");
    let elsewhere = product.lab.domains_on(&["a", "c"]);
    assert!(
        elsewhere.iter().any(|d| d.instance == victim.instance),
        "its silent guest is replaced: {elsewhere:#?}"
    );

    product.write(&spec);
    product.apply();
    product.assert_converged();
    product.lab.domain_of(&victim.instance);
}

fn a_host_without_the_vip(product: &Product, spec: &Spec) -> &'static str {
    let holder = holder(product, spec).host;
    HOSTS
        .iter()
        .rev()
        .find(|host| **host != holder)
        .expect("there are three")
}

#[track_caller]
fn is_unknown(plan: &serde_json::Value, subject: &str) {
    let notices = plan["notices"].as_array().expect("a plan has notices");
    let found = notices
        .iter()
        .find(|n| n["kind"] == "unknown" && n["subject"] == subject);
    let text = found.and_then(|n| n["text"].as_str()).unwrap_or_default();
    assert!(
        !text.is_empty(),
        "{subject} is not unknown, or without a reason: {plan:#}"
    );
}
