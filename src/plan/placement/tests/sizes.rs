//! Sizes that are edited, disks that are promised, and who comes first because it is large.

use super::*;
use crate::model::desired::Line;

/// Guests of 1 GiB on hosts with room for `mib`, of which the file wants them to be larger by now.
fn grown(hosts: &[(&str, u64)], group: &str, runs: &str) -> World {
    let names: Vec<&str> = hosts.iter().map(|(host, _)| *host).collect();
    let mut world = world(&names, &[group]);
    for (host, mib) in hosts {
        world.memory(host, *mib);
    }
    world.runs_with("memory=1GiB", runs);
    world
}

fn kept(world: &World) -> Vec<String> {
    let inventory = Inventory::take(&world.desired, &world.observed, &world.memory);
    let placement = place(&world.desired, &world.observed, &world.memory, &inventory);
    placement
        .kept_sizes
        .keys()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn who_finds_no_room_for_its_new_size_moves_to_where_it_fits() {
    let hosts = [("a", 3072), ("b", 2048)];
    let world = grown(&hosts, "web 2 memory: 2GiB", "web-1@a web-2@a");
    let moves =
        ["web-2 a→b Outgrown: host a has no room for its new size: memory 1GiB free, 2GiB needed"];
    assert_eq!(world.moves(), moves);
    assert_eq!(world.places(), "web-1@a web-2@b");
    assert_eq!(world.notices(), [""; 0]);
    assert_eq!(kept(&world), [""; 0]);
}

#[test]
fn where_all_fit_nobody_moves() {
    let world = grown(
        &[("a", 4096), ("b", 4096)],
        "web 2 memory: 2GiB",
        "web-1@a web-2@a",
    );
    assert_eq!(world.places(), "web-1@a web-2@a");
    assert_eq!(kept(&world), [""; 0]);
}

#[test]
fn who_fits_nowhere_is_left_as_it_is_with_figures_and_help() {
    let world = grown(
        &[("a", 3072), ("b", 1024)],
        "web 2 memory: 16GiB",
        "web-1@a web-2@a",
    );
    assert_eq!(world.places(), "web-1@a web-2@a");
    assert_eq!(kept(&world), ["web-1", "web-2"]);
    let said = "web-1: must move: host a has no room for its new size: memory 2GiB free, 16GiB needed; but no host \
                can take it: memory 1GiB free, 16GiB needed | free 15GiB of \
                memory on host a, lower `memory` of web, or add a host";
    assert_eq!(world.notices()[0], said);
}

#[test]
fn nobody_ends_where_nobody_finds_room_by_that() {
    let hosts = [("a", 3072), ("b", 3072), ("c", 3072)];
    let runs = "web-1@a web-2@b web-3@c web-4@a web-5@b web-6@c";
    let world = grown(&hosts, "web 6 memory: 16GiB", runs);
    let inventory = Inventory::take(&world.desired, &world.observed, &world.memory);
    let placement = place(&world.desired, &world.observed, &world.memory, &inventory);
    assert_eq!(placement.yielding, BTreeMap::new());
    assert_eq!(placement.kept_sizes.len(), 6);
}

#[test]
fn who_is_larger_now_changes_places_with_another_one() {
    let groups = [
        "x 1 memory: 3GiB",
        "y 1 memory: 1GiB, placement: { hosts: a }",
    ];
    let mut world = world(&["a", "b"], &groups);
    world.memory("a", 2048);
    world.memory("b", 3072);
    world.runs_with("memory=2GiB", "x-1@a");
    world.runs_with("memory=1GiB", "y-1@b");
    let inventory = Inventory::take(&world.desired, &world.observed, &world.memory);
    let placement = place(&world.desired, &world.observed, &world.memory, &inventory);
    let ends: Vec<_> = placement.yielding.values().collect();
    assert_eq!(ends, ["it and y-1 have to change places: it ends first"]);
}

#[test]
fn what_has_to_stay_gets_the_room_first_and_says_where_there_is_none() {
    let group = "web 3 memory: 2GiB, placement: { pin: { 3: a } }";
    let world = grown(
        &[("a", 4096), ("b", 2048)],
        group,
        "web-1@a web-2@a web-3@a",
    );
    assert_eq!(world.places(), "web-1@b web-2@a web-3@a");
    assert_eq!(kept(&world), ["web-2"]);
    let group = "web 1 memory: 2GiB, stateful: true";
    let world = grown(&[("a", 1024), ("b", 2048)], group, "web-1@a");
    assert_eq!(world.places(), "web-1@a");
    let said = "web-1: host a has no room for its new size: memory 1GiB free, 2GiB needed | free 1GiB of memory on \
                host a, lower `memory` of web, or add a host";
    assert_eq!(world.notices(), [said]);
}

#[test]
fn one_waits_until_another_one_is_smaller() {
    let mut world = world(&["a"], &["api 1 memory: 1GiB", "web 1 memory: 3GiB"]);
    world.memory("a", 4096);
    world.runs_with("memory=3GiB", "api-1@a");
    world.runs_with("memory=1GiB", "web-1@a");
    assert_eq!(
        world.notices(),
        ["web-1: it goes on as soon as api-1 is smaller"]
    );
    assert_eq!(kept(&world), ["web-1"]);
}

#[test]
fn one_is_made_when_what_is_removed_has_gone() {
    let mut world = world(&["a"], &["web 1 memory: 3GiB"]);
    world.memory("a", 4096);
    world.runs_with("memory=3GiB", "api-1@a");
    assert_eq!(
        world.notices(),
        ["web-1: it goes on as soon as api-1 has left host a"]
    );
}

#[test]
fn a_host_with_less_than_its_guests_have_is_told_and_nobody_moves() {
    let hosts = ["a reserve: 3GiB, overcommit: 50%", "b"];
    let mut world = world(&hosts, &["web 2 memory: 1GiB"]);
    world.memory("a", 4096);
    world.facts("a").cpus = Some(2);
    world.runs_with("memory=1GiB cpus=1", "web-1@a web-2@a");
    assert_eq!(world.places(), "web-1@a web-2@a");
    let said = [
        "host a: its guests have 2GiB of memory, and 1536MiB are there for them | lower `reserve` of host a, or let \
         guests have less or go elsewhere; none is moved for that",
        "host a: its guests have 2 processors, and 1 are there for them | raise `overcommit` of host a, or let \
         guests have less or go elsewhere; none is moved for that",
    ];
    assert_eq!(world.notices(), said);
    assert!(
        world
            .placement()
            .1
            .iter()
            .all(|n| n.line == Some(Line::of(7)))
    );
}

#[test]
fn a_disk_counts_whole_however_little_it_uses() {
    let mut world = world(&["a", "b"], &["web 4 disk: 60GiB"]);
    for host in ["a", "b"] {
        world.facts(host).free = Some(Bytes(100 << 30));
    }
    let said = "web-3: no host can take it: disk 40GiB free, 60GiB needed | free 20GiB of disk on host a, or lower \
                `disk` of web";
    assert_eq!(world.notices()[0], said);
    // As it is seen when they are there: their disks use next to nothing.
    world.runs_with("disk=60GiB", "web-1@a web-2@b");
    for (host, disk) in [("a", "web-1.qcow2"), ("b", "web-2.qcow2")] {
        let facts = world.facts(host);
        facts.free = Some(Bytes(99 << 30));
        facts.volumes.insert(disk.to_owned(), Bytes(1 << 30));
        facts
            .volumes
            .insert("other.kept".to_owned(), Bytes(5 << 30));
    }
    assert_eq!(world.notices()[0], said);
    assert_eq!(world.places(), "web-1@a web-2@b");
}

#[test]
fn the_one_that_is_hardest_to_place_comes_first() {
    let mut world = world(&["a", "b"], &["app 4 memory: 1GiB", "big 1 memory: 3GiB"]);
    for host in ["a", "b"] {
        world.memory(host, 4096);
    }
    assert_eq!(world.places(), "app-1@b app-2@a app-3@b app-4@b big-1@a");
}

#[test]
fn a_group_is_placed_after_those_that_it_would_best_be_with() {
    let app = "app 3 memory: 1GiB, placement: { affinity: { preferred: db } }";
    let world = world(&["a", "b", "c"], &[app, "db 1"]);
    assert_eq!(world.places(), "app-1@a app-2@a app-3@a db-1@a");
}

#[test]
fn of_groups_that_name_each_other_both_are_where_they_want_to_be_at_once() {
    let near = |other: &str| {
        format!("placement: {{ affinity: {{ preferred: {other} }}, failback: true }}")
    };
    let (app, db) = (
        format!("app 3 {}", near("db")),
        format!("db 1 {}", near("app")),
    );
    let mut world = world(&["a", "b", "c"], &[&app, &db]);
    assert_eq!(world.places(), "app-1@a app-2@a app-3@a db-1@a");
    world.carry_out();
    assert_eq!(world.moves(), [""; 0]);
}

#[test]
fn one_more_that_finds_no_host_names_surge_and_what_hosts_are_kept_for() {
    let group = "app 2 surge: 1, placement: { hosts: [c, d], anti_affinity: app }";
    let mut world = world(&["a", "b", "c", "d"], &[group]);
    world.runs("app-1@a app-2@b");
    let group = world.desired.groups.values_mut().next().unwrap();
    (group.extra, group.surged, group.replicas) = (1, 1, 3);
    let said = "app-3: it is one more for a while, by `surge`, and no host can take it: a: not a required host, rival \
                app-1 is there; b: not a required host, rival app-2 is there; c: kept for rival app-1; d: \
                kept for rival app-2 | let one of app be away: `surge: 0` and `min_available: 1`; or allow app more hosts: \
                `placement.hosts`, lower `replicas`, or only prefer that they are apart: `anti_affinity: { preferred: [app] }` of app";
    assert_eq!(world.notices(), [said]);
    let group = world.desired.groups.values_mut().next().unwrap();
    group.budget.min_available = 1;
    let (_, notices, _) = world.placement();
    assert_eq!(notices[0].kind, NoticeKind::Warning);
}
