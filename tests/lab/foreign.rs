//! Guests that are not ours, on the same libvirt: they survive everything, and their addresses are left alone.

use super::lab::{Domain, Lab};
use super::product::Product;
use super::wait::seconds;

#[test]
fn strangers_survive_everything_and_their_addresses_are_left_alone() {
    let (product, spec) = Product::converged();
    let free = free_address(&product, "c");
    // On another host, and with an address of the pool of c: whoever is placed there next would get it.
    product.lab.run(&["foreign", "a", "stranger", &free]);
    comes_up(&product.lab, &free);
    let stranger = one(&product.lab, "stranger");

    product.write(spec.with(|s| s.replicas = 5));
    let run = product.apply();
    assert!(
        run.stdout.contains(&free),
        "the taken address is not told:\n{}",
        run.all()
    );
    let addresses: Vec<String> = product
        .lab
        .domains()
        .into_iter()
        .map(|d| d.address)
        .collect();
    assert!(!addresses.contains(&free), "{addresses:?}");
    product.wait_converged(seconds(30));

    // Everything goes: a yes is too easily said for that.
    product.write(spec.with(|s| s.empty = true));
    let held = product.run(&["--yes", "--output", "json"]);
    assert_eq!(held.code, 3, "{}", held.all());
    let shown = product.run(&["--dry-run", "--output", "json"]).json();
    let change = shown["gate"]["change"].as_str().expect("a guard holds it");
    let approved = product.run(&["approve", change]);
    assert_eq!(approved.code, 0, "{}", approved.all());
    product.apply();
    assert_eq!(
        product.lab.domains(),
        std::slice::from_ref(&stranger),
        "all of ours is gone, and the stranger is as it was"
    );
    comes_up(&product.lab, &free);
    remove(&product.lab, &stranger);
}

#[test]
fn a_stranger_with_a_name_of_ours_is_an_error_that_shows_a_way_out() {
    let (product, spec) = Product::converged();
    product
        .lab
        .run(&["foreign", "c", "t-random-4", "192.168.10.200"]);
    let before = product.lab.domains();
    let stranger = one(&product.lab, "t-random-4");

    product.write(spec.with(|s| s.replicas = 4));
    let run = product.run(&["--yes"]);
    assert_eq!(run.code, 3, "{}", run.all());
    assert!(
        run.words().contains("virsh domrename t-random-4"),
        "{}",
        run.all()
    );
    assert_eq!(product.lab.domains(), before, "something was touched");

    product.lab.on(
        "c",
        "virsh destroy t-random-4 && virsh domrename t-random-4 renamed && virsh start renamed",
    );
    product.apply();
    assert_eq!(product.lab.domain_of("random-4").name, "t-random-4");
    let renamed = one(&product.lab, "renamed");
    assert_eq!(renamed.uuid, stranger.uuid);
    remove(&product.lab, &renamed);
}

#[track_caller]
fn one(lab: &Lab, name: &str) -> Domain {
    let found = lab.domains().into_iter().find(|d| d.name == name);
    found.unwrap_or_else(|| panic!("{name} is gone: {:#?}", lab.domains()))
}

/// The first address of a host's pool that nobody has.
fn free_address(product: &Product, host: &str) -> String {
    let first = match host {
        "a" => 10,
        "b" => 20,
        _ => 30,
    };
    let taken: Vec<String> = product
        .lab
        .domains()
        .into_iter()
        .map(|d| d.address)
        .collect();
    let mut pool = (first..first + 10).map(|n| format!("192.168.10.{n}"));
    pool.find(|address| !taken.contains(address))
        .expect("the pool is not full")
}

#[track_caller]
fn comes_up(lab: &Lab, address: &str) {
    super::wait::until(&format!("{address} answers"), seconds(60), || {
        let ping = lab.inside("ping").args(["-c1", "-W1", address]).output();
        ping.is_ok_and(|output| output.status.success())
            .then_some(())
    });
}

fn remove(lab: &Lab, domain: &Domain) {
    lab.on(
        &domain.host,
        &format!("virsh destroy {0}; virsh undefine {0}", domain.name),
    );
}
