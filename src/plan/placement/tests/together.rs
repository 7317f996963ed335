//! Groups that must be together come to a host that has room for all of them, and only together they leave it.

use proptest::prelude::*;

use super::*;

const PAIR: [&str; 2] = ["x 1", "y 1 placement: { affinity: x }"];
const CHAIN: [&str; 3] = [
    "x 1",
    "y 1 placement: { affinity: x }",
    "z 1 placement: { affinity: y }",
];
const MUTUAL: [&str; 2] = [
    "x 1 placement: { affinity: y }",
    "y 1 placement: { affinity: x }",
];

/// Hosts a, b, c, … with room for so many guests of 512 MiB.
fn rooms(guests: &[u64], groups: &[&str]) -> World {
    let names: Vec<String> = (b'a'..)
        .take(guests.len())
        .map(|c| char::from(c).to_string())
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = world(&names, groups);
    for (name, guests) in names.iter().zip(guests) {
        world.memory(name, 512 * guests);
    }
    world
}

#[test]
fn whom_others_follow_goes_where_these_have_room_too() {
    assert_eq!(rooms(&[1, 2], &PAIR).places(), "x-1@b y-1@b");
    assert_eq!(rooms(&[1, 2], &MUTUAL).places(), "x-1@b y-1@b");
    assert_eq!(rooms(&[2, 2, 3], &CHAIN).places(), "x-1@c y-1@c z-1@c");
}

#[test]
fn room_for_followers_counts_before_what_is_preferred() {
    let groups = ["x 1 placement: { hosts: { preferred: a } }", PAIR[1]];
    let world = rooms(&[1, 2], &groups);
    assert_eq!(world.places(), "x-1@b y-1@b");
    assert_eq!(
        world.why("x-1").hosts[0].decided,
        Some(Criterion::Followers)
    );
}

#[test]
fn followers_lack_processors_addresses_and_hosts_as_well_as_memory() {
    let mut processors = rooms(
        &[4, 4],
        &["x 1 cpus: 1", "y 1 cpus: 8, placement: { affinity: x }"],
    );
    processors.facts("a").cpus = Some(1);
    assert_eq!(processors.places(), "x-1@b y-1@b");
    let mut addresses = rooms(&[4, 4], &PAIR);
    let pool = &mut addresses.desired.hosts.values_mut().next().unwrap().pool;
    pool.0[0].1 = pool.0[0].0;
    assert_eq!(addresses.places(), "x-1@b y-1@b");
    let required = ["x 1", "y 1 placement: { affinity: x, hosts: b }"];
    assert_eq!(rooms(&[4, 4], &required).places(), "x-1@b y-1@b");
    let pinned = ["x 1", "y 1 placement: { affinity: x, pin: { 1: b } }"];
    assert_eq!(rooms(&[4, 4], &pinned).places(), "x-1@b y-1@b");
    let mut rival = rooms(
        &[4, 4],
        &[
            "w 1",
            "x 1",
            "y 1 placement: { affinity: x, anti_affinity: w }",
        ],
    );
    rival.runs("w-1@a");
    assert_eq!(rival.places(), "w-1@a x-1@b y-1@b");
}

#[test]
fn one_that_must_be_with_two_brings_them_together() {
    let groups = ["x 1", "y 1 placement: { affinity: [x, w] }", "w 1"];
    assert_eq!(rooms(&[2, 2, 3], &groups).places(), "w-1@c x-1@c y-1@c");
}

#[test]
fn who_is_spread_stays_so_once_the_followers_have_room() {
    let groups = ["x 3", "y 3 placement: { affinity: x }"];
    assert_eq!(
        rooms(&[6, 3, 3], &groups).places(),
        "x-1@a x-2@b x-3@c y-1@a y-2@b y-3@c"
    );
    // Nowhere all of them fit: as many homes are found as are needed.
    assert_eq!(
        rooms(&[1, 1, 2, 2, 2], &groups).places(),
        "x-1@c x-2@d x-3@e y-1@c y-2@d y-3@e"
    );
}

#[test]
fn others_do_not_take_the_room_of_a_follower() {
    let groups = ["w 3", "x 1", "y 1 placement: { affinity: x }"];
    assert_eq!(
        rooms(&[3, 2], &groups).places(),
        "w-1@b w-2@a w-3@b x-1@a y-1@a"
    );
}

#[test]
fn one_that_is_made_anew_comes_to_its_followers() {
    let mut world = rooms(&[4, 4], &PAIR);
    world.runs("y-1@b");
    assert_eq!(world.places(), "x-1@b y-1@b");
    assert_eq!(world.moves(), [""; 0]);
}

#[test]
fn a_drain_takes_a_group_and_its_followers_to_one_host() {
    for groups in [PAIR, MUTUAL] {
        let mut world = rooms(&[2, 1, 2], &groups);
        world.runs("x-1@a y-1@a");
        world.drain("a");
        assert_eq!(world.places(), "x-1@c y-1@c");
        assert_eq!(world.moves().len(), 2);
        assert_eq!(world.notices(), [""; 0]);
    }
    let mut world = rooms(&[3, 2, 3], &CHAIN);
    world.runs("x-1@a y-1@a z-1@a");
    world.drain("a");
    assert_eq!(world.places(), "x-1@c y-1@c z-1@c");
}

#[test]
fn a_drain_waits_where_a_follower_can_go_nowhere_with_it() {
    for (groups, first, other) in [(PAIR, 'x', 'y'), (MUTUAL, 'y', 'x')] {
        let mut world = rooms(&[2, 1, 1], &groups);
        world.runs("x-1@a y-1@a");
        world.drain("a");
        assert_eq!(world.places(), "x-1@a y-1@a");
        assert_eq!(world.moves(), [""; 0]);
        let said = format!(
            "{first}-1: must move: host a is drained (kernel update); but {other}-1 must be with it, and would find no \
             room: it waits for a host that has room for both | make room for both on one host, or only prefer that they \
             are together: `affinity: {{ preferred: [{first}] }}` of {other}"
        );
        assert_eq!(world.notices()[0], said);
        let said = format!(
            "{other}-1: must move: host a is drained (kernel update); but it must be with {first}, which stays there"
        );
        assert_eq!(world.notices()[1], said);
        assert_eq!(world.notices().len(), 2);
    }
    let mut world = rooms(&[3, 2, 2], &CHAIN);
    world.runs("x-1@a y-1@a z-1@a");
    world.drain("a");
    assert_eq!(world.places(), "x-1@a y-1@a z-1@a");
    assert!(
        world.notices()[0].contains("z-1 must be with it"),
        "{:?}",
        world.notices()
    );
    assert_eq!(world.notices().len(), 3);
}

#[test]
fn an_edit_or_a_failback_waits_where_it_would_tear_a_group_from_its_follower() {
    for rule in [
        "hosts: b",
        "pin: { 1: b }",
        "hosts: { preferred: b }, failback: yes",
    ] {
        let x = format!("x 1 placement: {{ {rule} }}");
        let mut world = rooms(&[2, 1], &[&x, PAIR[1]]);
        world.runs("x-1@a y-1@a");
        assert_eq!(world.places(), "x-1@a y-1@a", "{rule}");
        world.memory("b", 1024);
        assert_eq!(world.places(), "x-1@b y-1@b", "{rule}");
        world.carry_out();
        assert_eq!(world.moves(), [""; 0]);
    }
}

#[test]
fn one_whose_follower_is_stateful_or_paused_or_worked_on_waits() {
    let stateful = ["x 1", "y 1 stateful: yes, placement: { affinity: x }"];
    let mut world = rooms(&[2, 2], &stateful);
    world.runs("x-1@a y-1@a");
    world.drain("a");
    assert!(!world.moves().iter().any(|text| text.starts_with("x-1")));
    assert!(
        world.notices()[0]
            .contains("y-1 must be with it, and is stateful: its disk would stay behind"),
        "{:?}",
        world.notices()
    );
    let mut world = rooms(&[2, 2], &PAIR);
    world.runs("x-1@a y-1@a");
    world.drain("a");
    assert_eq!(world.places(), "x-1@b y-1@b");
    let order = world.order();
    world.observed.orders.paused = BTreeMap::from([(Scope::Group("y".parse().unwrap()), order)]);
    assert!(world.places().starts_with("x-1@a"));
    assert!(
        world.notices()[0].contains("y-1 must be with it, and is paused"),
        "{:?}",
        world.notices()
    );
}

#[test]
fn nobody_leaves_a_stateful_group_that_stays_with_its_disk() {
    let mut world = rooms(&[2, 2], &["x 1 stateful: yes", PAIR[1]]);
    world.runs("x-1@a y-1@a");
    world.drain("a");
    assert!(
        !world.moves().iter().any(|text| text.starts_with("y-1")),
        "{:?}",
        world.moves()
    );
}

#[test]
fn where_another_one_of_the_group_has_room_for_the_follower_nobody_waits() {
    let mut world = rooms(&[2, 3, 1], &["x 2", "y 2 placement: { affinity: x }"]);
    world.runs("x-1@a y-1@a x-2@b y-2@b");
    world.drain("a");
    assert_eq!(world.places(), "x-1@c x-2@b y-1@b y-2@b");
    world.memory("b", 1024);
    assert_eq!(world.places(), "x-1@a x-2@b y-1@a y-2@b");
}

#[test]
fn two_that_leave_do_not_count_on_the_same_room_for_their_followers() {
    let mut world = rooms(&[4, 3, 1], &["x 2", "y 2 placement: { affinity: x }"]);
    world.runs("x-1@a y-1@a x-2@a y-2@a");
    world.drain("a");
    assert_eq!(world.places(), "x-1@b x-2@c y-1@b y-2@b");
    world.memory("c", 0);
    assert_eq!(world.places(), "x-1@b x-2@a y-1@b y-2@b");
}

#[test]
fn a_host_that_is_lost_does_not_keep_a_group_down_for_its_follower() {
    for groups in [PAIR, MUTUAL] {
        let world = rooms(&[1, 1], &groups);
        assert_eq!(world.placement().0.len(), 1);
        assert!(world.notices()[0].contains("-1: no host can take it"));
    }
}

#[test]
fn rebalancing_leaves_no_follower_alone() {
    let mut world = rooms(&[16, 16], &["x 2", "y 2 placement: { affinity: x }", "z 4"]);
    world.desired.rebalance = Some(crate::model::policy::Rebalance {
        threshold: crate::model::policy::Percent(10),
        hold: std::time::Duration::ZERO,
        margin: crate::model::policy::Percent(5),
        cooldown: std::time::Duration::ZERO,
    });
    world.memory.uneven_since = Some(Timestamp(0));
    world.runs("x-1@a x-2@b y-1@a y-2@a z-1@a z-2@a z-3@a z-4@a");
    assert!(
        !world.moves().iter().any(|text| text.starts_with('x')),
        "{:?}",
        world.moves()
    );
}

/// Who follows whom.
#[derive(Debug, Clone, Copy)]
enum Bundle {
    Chain,
    Star,
    Two,
    Mutual,
}

fn groups(bundle: Bundle, sizes: &[u64; 3], replicas: &[u32; 3]) -> Vec<String> {
    let near = match bundle {
        Bundle::Chain => ["", "x", "y"],
        Bundle::Star => ["", "x", "x"],
        Bundle::Two => ["", "", "[x, y]"],
        Bundle::Mutual => ["y", "x", "x"],
    };
    let each = ["x", "y", "z"].iter().zip(near).zip(sizes).zip(replicas);
    let each = each.map(|(((name, near), size), replicas)| {
        let rules = match near {
            "" => String::new(),
            near => format!(", placement: {{ affinity: {near} }}"),
        };
        format!("{name} {replicas} memory: {}MiB{rules}", 128 * size)
    });
    each.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn where_one_host_has_room_for_all_nobody_is_left_out_or_apart(
        bundle in prop_oneof![Just(Bundle::Chain), Just(Bundle::Star), Just(Bundle::Two), Just(Bundle::Mutual)],
        sizes in prop::array::uniform3(1u64..6),
        replicas in prop::array::uniform3(1u32..4),
        others in prop::collection::vec(1u64..30, 1..4),
        at in 0usize..4,
        more in 0u64..4,
        drained in prop::bool::ANY,
    ) {
        let all: u64 = sizes.iter().zip(replicas).map(|(size, n)| size * u64::from(n)).sum();
        let groups = groups(bundle, &sizes, &replicas);
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let names = ["a", "b", "c", "d", "e"];
        let mut rooms = others;
        rooms.insert(at.min(rooms.len()), all + more);
        let mut world = world(&names[..=rooms.len()], &groups);
        for (name, room) in names.iter().zip(&rooms) {
            world.memory(name, 128 * room);
        }
        let last = names[rooms.len()];
        world.memory(last, 128 * all);
        if drained {
            for (name, replicas) in ["x", "y", "z"].iter().zip(replicas) {
                (1..=replicas).for_each(|n| world.runs(&format!("{name}-{n}@{last}")));
            }
        }
        world.drain(last);
        let (places, notices, moves) = world.placement();
        prop_assert_eq!(places.len() as u32, replicas.iter().sum::<u32>(), "{:?}", notices);
        prop_assert_eq!(notices.len(), 0, "{:?}", notices);
        prop_assert!(!drained || moves.len() == places.len());
        let homes = |group: &str| {
            let of = places.iter().filter(|(i, _)| i.group.as_str() == group);
            of.map(|(_, (host, _))| host.clone()).collect::<std::collections::BTreeSet<String>>()
        };
        for (name, group) in &world.desired.groups {
            for near in &group.placement.affinity.required {
                prop_assert!(homes(name.as_str()).is_subset(&homes(near.as_str())), "{} {places:?}", name);
            }
        }
    }
}
