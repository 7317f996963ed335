//! Room for the loss of hosts.

use super::*;

fn spare(hosts: &[&str], groups: &[&str], spare: u32) -> World {
    let mut world = world(hosts, groups);
    world.desired.safety.spare = spare;
    world
}

#[test]
fn where_the_fullest_host_fits_on_the_others_nothing_is_said() {
    let world = spare(&["a", "b", "c"], &["web 9"], 1);
    assert_eq!(world.notices(), [""; 0]);
}

#[test]
fn what_would_fit_nowhere_is_told_with_what_is_missing() {
    let mut world = spare(&["a", "b"], &["web 4"], 1);
    ["a", "b"].iter().for_each(|host| world.memory(host, 1500));
    world.runs("web-1@a web-2@b web-3@a web-4@b");
    let said = "spare: no room is kept for the loss of host a: web-1 and 1 more (1GiB of memory) would fit \
                nowhere else | add 548MiB of memory to host b, or a host; or lower `memory` or `replicas` of web, or `spare`";
    assert_eq!(world.notices(), [said]);
}

#[test]
fn rules_count_in_what_is_left() {
    let world = spare(&["a", "b"], &["db 2 placement: { anti_affinity: db }"], 1);
    let said = "spare: no room is kept for the loss of host a: db-1 (512MiB of memory) would fit nowhere else | \
                add a host; or loosen the placement of db, or lower `spare`";
    assert_eq!(world.notices(), [said]);
}

#[test]
fn what_is_pinned_to_a_lost_host_asks_for_no_room() {
    let world = spare(
        &["a", "b"],
        &["db 2 placement: { anti_affinity: db, pin: { 1: a, 2: b } }"],
        1,
    );
    assert_eq!(world.notices(), [""; 0]);
}

#[test]
fn the_loss_of_two_hosts_asks_for_more() {
    let group = "web 6 memory: 1GiB";
    for (hosts, said) in [(1, 0), (2, 1)] {
        let mut world = spare(&["a", "b", "c"], &[group], hosts);
        ["a", "b", "c"]
            .iter()
            .for_each(|host| world.memory(host, 3 << 10));
        world.runs("web-1@a web-2@b web-3@c web-4@a web-5@b web-6@c");
        assert_eq!(world.notices().len(), said, "{:?}", world.notices());
    }
}

#[test]
fn who_never_existed_is_made_only_while_the_room_stays() {
    let mut world = spare(&["a", "b"], &["db 2", "web 2"], 1);
    ["a", "b"].iter().for_each(|host| world.memory(host, 1500));
    assert_eq!(world.places(), "db-1@a web-1@a");
    let said = "with it, no room would be left for the loss of host a: db-1 and 1 more (1GiB of memory) would fit \
                nowhere else | add 548MiB of memory to host b, or a host; or lower `memory` or `replicas` of db, or `spare`";
    let said: Vec<String> = ["db-2", "web-2"]
        .iter()
        .map(|name| format!("{name}: {said}"))
        .collect();
    assert_eq!(world.notices(), said);
}

#[test]
fn who_existed_comes_back_into_the_room_that_was_kept() {
    let mut world = spare(&["a", "b"], &["web 4"], 1);
    ["a", "b"].iter().for_each(|host| world.memory(host, 1500));
    world.runs("web-1@a web-2@b");
    world.memory.guests.insert(
        "web-3".parse().unwrap(),
        crate::model::memory::GuestMemory::default(),
    );
    assert_eq!(world.places(), "web-1@a web-2@b web-3@a");
}

#[test]
fn nobody_new_takes_the_room_of_the_lost_and_of_one_more_host() {
    let mut world = spare(&["a", "b", "c"], &["web 5"], 1);
    ["a", "b"].iter().for_each(|host| world.memory(host, 1500));
    world.runs("web-1@a web-2@b web-3@c");
    let mark = world.facts("c").domains[0].mark.clone().unwrap();
    world.unseen("c");
    let memory = world.memory.hosts.values_mut().next().unwrap();
    memory.guests.insert(mark.instance.clone(), mark);
    assert_eq!(world.places(), "web-1@a web-2@b web-3@c");
    let said = "web-4: with it, no room would be left for the loss of hosts a and c: ";
    assert!(
        world.notices()[0].starts_with(said),
        "{:?}",
        world.notices()
    );
}

#[test]
fn who_would_take_no_room_from_the_lost_is_made_beside_them() {
    let mut world = spare(&["a", "b", "c"], &["web 4"], 1);
    ["a", "b"].iter().for_each(|host| world.memory(host, 3000));
    world.unseen("c");
    assert_eq!(world.places(), "web-1@a web-2@b web-3@a web-4@b");
}

#[test]
fn nobody_is_turned_away_where_only_a_rule_is_in_the_way() {
    let world = spare(&["a", "b"], &["db 2 placement: { anti_affinity: db }"], 1);
    assert_eq!(world.places(), "db-1@a db-2@b");
}

#[test]
fn nobody_stays_without_whom_it_must_be_with() {
    let mut world = spare(
        &["a", "b"],
        &["app 3 placement: { affinity: { required: [db] } }", "db 3"],
        1,
    );
    ["a", "b"].iter().for_each(|host| world.memory(host, 1700));
    assert_eq!(world.places(), "app-1@b db-1@a db-2@b");
}

#[test]
fn addresses_are_room_too() {
    let mut world = spare(&["a", "b"], &["web 4"], 1);
    for host in world.desired.hosts.values_mut() {
        let (first, _) = host.pool.0[0];
        let last = std::net::Ipv4Addr::from(u32::from(first) + 2);
        host.pool.0 = vec![(first, last)];
    }
    assert_eq!(world.places(), "web-1@a web-2@b web-3@a");
    let said = "web-4: with it, no room would be left for the loss of host a: web-3 (512MiB of memory) would fit nowhere \
                else | enlarge the pools by 1 in all, or add a host; or lower `replicas` of web, or `spare`";
    assert_eq!(world.notices(), [said]);
}
