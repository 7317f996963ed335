//! Images without a seed: guests that all wake up at one address, and get their own over ssh.

use super::product::Product;
use super::spec::image;

const BOOTSTRAP: &str = "192.168.10.9";

#[test]
fn guests_of_one_bootstrap_address_come_up_one_after_the_other() {
    let (product, spec) = Product::converged();
    let spec = spec.with(|s| {
        s.dns = "[192.168.10.254, 9.9.9.9]".to_owned();
        s.images = image(
            "seedless",
            &format!("provision: ssh, bootstrap: {BOOTSTRAP}"),
        );
        s.services = "  boot:
    replicas: 2
    image: seedless
    memory: 96MiB
    port: 8080
    run: /usr/bin/stateless --port {{port}}
    heartbeat: { every: 500ms, grace: 2m }
"
        .to_owned();
        s.routes = vec!["/boot: boot".to_owned()];
    });
    product.write(&spec);
    product.apply();
    product.assert_converged();

    let guests = ["boot-1", "boot-2"].map(|instance| product.lab.domain_of(instance));
    assert_ne!(guests[0].address, guests[1].address);
    for guest in &guests {
        let inside = product.lab.in_guest(
            &guest.address,
            "ip -4 -o addr show dev eth0; cat /etc/network/interfaces; hostname; cat /etc/resolv.conf",
        );
        assert!(
            inside.contains(&guest.address) && !inside.contains(BOOTSTRAP),
            "{inside}"
        );
        assert!(
            inside.lines().any(|line| line == guest.instance),
            "its name is another: {inside}"
        );
        assert!(
            inside.ends_with("\nnameserver 192.168.10.254\nnameserver 9.9.9.9\n"),
            "it knows no name servers: {inside}"
        );
    }
    let mut arping = product.lab.inside("arping");
    let answer = arping
        .args(["-b", "-c", "2", "-w", "2", "-I", "br-lan", BOOTSTRAP])
        .output()
        .expect("arping is there");
    assert!(
        !answer.status.success(),
        "somebody still has the bootstrap address"
    );
    one_after_the_other(&product);
}

/// From the creation of one to the end of its bootstrap, no other one is created.
fn one_after_the_other(product: &Product) {
    let history = product.history();
    let span = |action: &str, instance: &str| {
        let entry = history
            .iter()
            .find(|e| e["action"] == action && e["instance"] == instance);
        let entry = entry.unwrap_or_else(|| panic!("no {action} of {instance}: {history:#?}"));
        let end: jiff::Timestamp = entry["at"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("a time");
        let end = end.as_millisecond();
        (end - entry["took_ms"].as_i64().expect("a number"), end)
    };
    let mut lives = ["boot-1", "boot-2"].map(|i| (span("create", i).0, span("bootstrap", i).1));
    lives.sort_unstable();
    // The span is measured apart from the end: a few milliseconds are no overlap.
    assert!(
        lives[1].0 + 20 >= lives[0].1,
        "two at the bootstrap address at once: {lives:?}"
    );
}
