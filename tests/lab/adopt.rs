//! A guest that somebody else made becomes one of the cluster, and goes on running.

use super::lab::Domain;
use super::product::Product;
use super::spec::image;
use super::wait::{seconds, until};

const ADDRESS: &str = "192.168.10.17";
const SERVE: &str = "(/usr/bin/stateless --port 8080 >/dev/null 2>&1 &)";

#[test]
fn a_stranger_that_is_adopted_runs_on_and_is_started_again_as_it_is_when_it_dies() {
    let (product, spec) = Product::converged();
    let lab = &product.lab;
    lab.run(&["foreign", "a", "stranger", ADDRESS]);
    until("the stranger lets us in", seconds(90), || {
        lab.try_in_guest(ADDRESS, SERVE).ok()
    });
    product.write(
        spec.with(|s| s.images = image("plain", "provision: cloud-init, interfaces: false")),
    );
    let before = stranger(&product);
    let adopt = [
        "adopt",
        "stranger",
        "--as",
        "old",
        "--image",
        "plain",
        "--port",
        "8080",
        "--address",
        ADDRESS,
    ];

    let look = product.run(&[&adopt[..], &["--dry-run"]].concat());
    assert_eq!(look.code, 0, "{}", look.all());
    assert!(look.stdout.contains("can be adopted"), "{}", look.all());
    let done = product.run(&adopt);
    assert_eq!(done.code, 0, "{}", done.all());
    assert_eq!(stranger(&product).uuid, before.uuid);
    assert!(
        lab.try_in_guest(ADDRESS, "pidof stateless").is_ok(),
        "it runs on"
    );
    product.wait_converged(seconds(30));

    // Once its program starts by itself, a new boot is all that it takes.
    lab.in_guest(ADDRESS, &format!("mkdir -p /etc/init.d && echo '{SERVE}' > /etc/init.d/S99old; chmod +x /etc/init.d/S99old"));
    lab.kill_guest(&stranger(&product), "KILL");
    let plan = product.run(&["--dry-run"]);
    assert!(
        plan.words().contains("started again as it is"),
        "{}",
        plan.all()
    );
    product.run(&["--yes"]);
    let after = stranger(&product);
    assert_eq!((after.uuid, after.name), (before.uuid, before.name));
    until("it lets us in again", seconds(90), || {
        lab.try_in_guest(ADDRESS, "true").ok()
    });

    lab.on("a", "virsh destroy stranger; virsh undefine stranger");
}

#[track_caller]
fn stranger(product: &Product) -> Domain {
    let found = product
        .lab
        .domains()
        .into_iter()
        .find(|domain| domain.name == "stranger");
    found.expect("the stranger is there")
}
