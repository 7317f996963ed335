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
    assert_eq!(world.places(), "web-1@a web-2@b web-3@a web-4@b");
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
        assert_eq!(world.notices().len(), said, "{:?}", world.notices());
    }
}
