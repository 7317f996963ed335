//! Who ends so that others can move.

use proptest::prelude::*;

use super::*;

/// Enough for every permutation of as many guests as are tried here.
const ROUNDS: usize = 12;

const WANT_EACH_OTHERS_HOST: [&str; 2] =
    ["x 1 placement: { hosts: b }", "y 1 placement: { hosts: a }"];

/// Host a is full with x-1, host b with y-1.
fn full(hosts: &[&str], groups: &[&str]) -> World {
    let mut world = world(hosts, groups);
    ["a", "b"].iter().for_each(|host| world.memory(host, 700));
    world.runs("x-1@a y-1@b");
    world
}

/// What is done in some rounds: who ends first, who moves. Nothing is blocked meanwhile.
fn swap(world: &mut World) -> Vec<String> {
    let mut steps = Vec::new();
    for _ in 0..ROUNDS {
        let inventory = Inventory::take(&world.desired, &world.observed, &world.memory);
        let placement = place(&world.desired, &world.observed, &world.memory, &inventory);
        let blocked = |n: &&Notice| n.kind == NoticeKind::Blocked;
        assert_eq!(placement.notices.iter().find(blocked), None);
        let yielding = placement.yielding;
        for (ends, text) in &yielding {
            steps.push(format!("{ends}: {text}"));
            world.ends(ends);
        }
        if yielding.is_empty() {
            steps.extend(world.moves());
            world.carry_out();
        }
    }
    steps
}

#[test]
fn of_two_that_need_the_room_of_each_other_one_ends_first() {
    let mut world = full(&["a", "b", "c"], &WANT_EACH_OTHERS_HOST);
    let steps = [
        "y-1: it and x-1 have to change places: it ends first",
        "x-1 a→b NotRequired: host a is none of those that x requires",
    ];
    assert_eq!(swap(&mut world), steps);
    assert_eq!(world.places(), "x-1@b y-1@a");
}

#[test]
fn with_room_on_one_side_nobody_has_to_end() {
    let mut world = world(&["a", "b", "c"], &WANT_EACH_OTHERS_HOST);
    world.memory("a", 1200);
    world.memory("b", 700);
    world.runs("x-1@a y-1@b");
    assert_eq!(world.places(), "x-1@a y-1@a");
    let waits = world.notices();
    assert!(
        waits[0].contains("it goes on as soon as y-1 has left host b"),
        "{waits:?}"
    );
}

#[test]
fn a_ring_of_three_is_opened_by_one_that_ends() {
    let pins = |host: &str| format!("placement: {{ pin: {{ 1: {host} }} }}");
    let groups = [
        format!("x 1 {}", pins("b")),
        format!("y 1 {}", pins("c")),
        format!("z 1 {}", pins("a")),
    ];
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let mut world = world(&["a", "b", "c"], &groups);
    ["a", "b", "c"]
        .iter()
        .for_each(|host| world.memory(host, 700));
    world.runs("x-1@a y-1@b z-1@c");
    let steps = [
        "z-1: it and x-1 and y-1 have to change places: it ends first",
        "y-1 b→c Pinned: it is pinned to host c",
        "x-1 a→b Pinned: it is pinned to host b",
    ];
    assert_eq!(swap(&mut world), steps);
    assert_eq!(world.places(), "x-1@b y-1@c z-1@a");
}

#[test]
fn of_two_that_need_the_only_address_of_each_other_one_ends_first() {
    let mut world = world(&["a", "b"], &WANT_EACH_OTHERS_HOST);
    for host in world.desired.hosts.values_mut() {
        host.pool.0[0].1 = host.pool.0[0].0;
    }
    world.runs("x-1@a y-1@b");
    assert_eq!(swap(&mut world).len(), 2);
    assert_eq!(world.places(), "x-1@b y-1@a");
}

#[test]
fn a_stateful_guest_never_ends_for_another_one() {
    let groups = [
        "x 1 placement: { hosts: b }",
        "y 1 stateful: yes, placement: { hosts: a }",
    ];
    let world = full(&["a", "b"], &groups);
    assert_eq!(world.places(), "x-1@a y-1@b");
    assert!(
        world
            .notices()
            .iter()
            .any(|n| n.contains("memory 188MiB free"))
    );
}

fn yielding(world: &World) -> usize {
    let inventory = Inventory::take(&world.desired, &world.observed, &world.memory);
    let placement = place(&world.desired, &world.observed, &world.memory, &inventory);
    placement.yielding.len()
}

#[test]
fn nobody_ends_for_one_that_is_paused() {
    let mut world = full(&["a", "b"], &WANT_EACH_OTHERS_HOST);
    assert_eq!(yielding(&world), 1);
    for scope in [
        Scope::Cluster,
        Scope::Group("x".parse().unwrap()),
        Scope::Host("b".parse().unwrap()),
    ] {
        let order = world.order();
        world.observed.orders.paused = BTreeMap::from([(scope, order)]);
        assert_eq!(yielding(&world), 0);
    }
    world.observed.orders.paused.clear();
    world.observed.orders.disarmed = Some(world.order());
    assert_eq!(yielding(&world), 0);
}

proptest! {
    #[test]
    fn whoever_goes_where_all_hosts_are_full_comes_there_in_the_end(
        to in Just(vec!["a", "b", "c", "d", "e"]).prop_shuffle()
    ) {
        let names = ["v", "w", "x", "y", "z"];
        let groups = names.iter().zip(&to);
        let groups = groups.map(|(name, host)| format!("{name} 1 placement: {{ hosts: {host} }}"));
        let groups: Vec<String> = groups.collect();
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let mut world = world(&["a", "b", "c", "d", "e"], &groups);
        ["a", "b", "c", "d", "e"].iter().for_each(|host| world.memory(host, 700));
        world.runs("v-1@a w-1@b x-1@c y-1@d z-1@e");
        swap(&mut world);
        let there = names.iter().zip(&to).map(|(name, host)| format!("{name}-1@{host}"));
        prop_assert_eq!(world.places(), there.collect::<Vec<_>>().join(" "));
    }
}
