//! Each criterion decides where those before it do not.

use super::score::Criterion;
use super::*;

/// What decided between the first two hosts.
fn decided(world: &World, instance: &str) -> Criterion {
    world.why(instance).hosts[0].decided.clone().unwrap()
}

#[test]
fn preferred_hosts_are_filled_first_and_others_when_these_are_full() {
    let mut world = world(
        &["a", "b", "c"],
        &["web 3 placement: { hosts: { preferred: [b] } }"],
    );
    assert_eq!(world.places(), "web-1@b web-2@b web-3@b");
    assert_eq!(decided(&world, "web-1"), Criterion::Hosts);
    world.memory("b", 1100);
    assert_eq!(world.places(), "web-1@b web-2@b web-3@a");
}

#[test]
fn preferred_company_counts_before_the_spread() {
    let mut world = world(
        &["a", "b"],
        &[
            "app 2 placement: { affinity: { preferred: cache } }",
            "cache 1",
        ],
    );
    world.runs("cache-1@b");
    assert_eq!(world.places(), "app-1@b app-2@b cache-1@b");
    assert_eq!(decided(&world, "app-2"), Criterion::Affinity);
}

#[test]
fn whom_it_would_best_be_apart_from_is_avoided_as_long_as_that_is_possible() {
    let mut world = world(
        &["a", "b"],
        &[
            "app 2 placement: { anti_affinity: { preferred: db } }",
            "db 1",
        ],
    );
    world.runs("db-1@a");
    assert_eq!(world.places(), "app-1@b app-2@b db-1@a");
    assert_eq!(decided(&world, "app-2"), Criterion::AntiAffinity);
    world.memory("b", 600);
    assert_eq!(world.places(), "app-1@b app-2@a db-1@a");
}

#[test]
fn labels_are_spread_over_before_hosts_the_first_one_first() {
    let hosts = [
        "a labels: { rack: r1, row: x }",
        "b labels: { rack: r1, row: x }",
        "c labels: { rack: r2, row: x }",
        "d labels: { rack: r2, row: y }",
    ];
    let spread = world(&hosts, &["web 4 placement: { spread: [rack, row] }"]);
    assert_eq!(spread.places(), "web-1@a web-2@d web-3@b web-4@d");
    let world = world(&hosts, &["web 4 placement: { spread: row }"]);
    assert_eq!(world.places(), "web-1@a web-2@d web-3@b web-4@d");
    assert_eq!(decided(&world, "web-2"), Criterion::Spread(0));
}

#[test]
fn a_group_is_spread_before_hosts_are_filled_evenly() {
    let mut world = world(&["a", "b", "c"], &["db 3", "web 3"]);
    world.runs("db-1@a db-2@b db-3@a web-1@c");
    assert_eq!(
        world.places(),
        "db-1@a db-2@b db-3@a web-1@c web-2@b web-3@a"
    );
    assert_eq!(decided(&world, "web-3"), Criterion::OfGroup);
}

#[test]
fn a_host_of_higher_priority_is_taken_before_an_emptier_one() {
    let mut world = world(&["a", "b priority: 1"], &["db 4", "web 1"]);
    world.runs("db-1@b db-2@b db-3@b db-4@b");
    assert!(world.places().ends_with("web-1@b"));
    assert_eq!(decided(&world, "web-1"), Criterion::Priority);
}

#[test]
fn the_host_that_is_emptier_afterwards_is_taken() {
    let mut world = world(&["a", "b"], &["db 2 memory: 1GiB", "web 1"]);
    world.memory("a", 8 << 10);
    world.memory("b", 2 << 10);
    world.runs("db-1@a db-2@a");
    assert_eq!(world.places(), "db-1@a db-2@a web-1@b");
    // 2.5 of 8 GiB on a, 0.5 of 1 GiB on b.
    world.memory("b", 1 << 10);
    assert_eq!(world.places(), "db-1@a db-2@a web-1@a");
    assert_eq!(decided(&world, "web-1"), Criterion::Load);
}

#[test]
fn where_memory_is_not_known_guests_are_counted() {
    let mut world = world(&["a", "b"], &["db 1 memory: 4GiB", "web 1"]);
    world.facts("b").memory = None;
    world.runs("db-1@a");
    assert_eq!(world.places(), "db-1@a web-1@b");
    world.facts("a").memory = None;
    world.runs("db-2@b db-3@b");
    assert_eq!(world.places(), "db-1@a web-1@a");
}

#[test]
fn hosts_that_are_equal_go_by_name() {
    let world = world(&["b", "a"], &["web 1"]);
    assert_eq!(world.places(), "web-1@a");
    assert_eq!(decided(&world, "web-1"), Criterion::Name);
}
