//! Each filter rejects what it must, says why, and lets pass what it does not know.

use super::*;

#[test]
fn a_host_out_of_sight_takes_nobody() {
    let mut world = world(&["a", "b"], &["web 2"]);
    world.unseen("a");
    assert_eq!(world.places(), "web-1@b web-2@b");
    assert_eq!(world.why_not("web-1", "a"), "can't be seen");
}

#[test]
fn a_drained_host_takes_nobody_as_long_as_the_order_holds() {
    let mut world = world(&["a", "b"], &["web 2"]);
    world.drain("a");
    assert_eq!(world.places(), "web-1@b web-2@b");
    assert_eq!(world.why_not("web-1", "a"), "drained (kernel update)");
    let order = world.observed.orders.drained.values_mut().next().unwrap();
    order.until = Some(world.observed.now);
    assert_eq!(world.places(), "web-1@a web-2@b");
}

#[test]
fn only_required_hosts_and_labels_are_taken() {
    let hosts = ["a", "b labels: { rack: r1 }", "c"];
    let world = world(&hosts, &["web 4 placement: { hosts: [c, rack=r1] }"]);
    assert_eq!(world.places(), "web-1@b web-2@c web-3@b web-4@c");
    assert_eq!(world.why_not("web-1", "a"), "not a required host");
}

#[test]
fn a_pinned_instance_is_on_its_host_or_nowhere() {
    let mut world = world(&["a", "b"], &["web 2 placement: { pin: { 1: b } }"]);
    assert_eq!(world.places(), "web-1@b web-2@a");
    assert_eq!(world.why_not("web-1", "a"), "pinned to b");
    world.drain("b");
    assert_eq!(world.places(), "web-2@a");
    let said = "web-1: it is pinned, and its host can't take it: b: drained (kernel update) | \
                take host b back: reconcile undrain b; or let web-1 run elsewhere: take its `pin` away";
    assert_eq!(world.notices(), [said]);
}

#[test]
fn of_groups_that_must_be_apart_the_smaller_one_is_first() {
    let groups = ["api 3", "q 1 placement: { anti_affinity: api }"];
    let world = world(&["a", "b", "c"], &groups);
    assert_eq!(world.places(), "api-1@b api-2@c api-3@b q-1@a");
}

#[test]
fn rivals_never_share_a_host_whichever_of_them_says_so() {
    let mut world = world(
        &["a", "b"],
        &["db 1", "web 2 placement: { anti_affinity: db }"],
    );
    assert_eq!(world.places(), "db-1@a web-1@b web-2@b");
    assert_eq!(world.why_not("web-1", "a"), "kept for rival db-1");
    world.runs("web-1@a web-2@a");
    assert_eq!(world.places(), "db-1@b web-1@a web-2@a");
}

#[test]
fn a_rival_that_is_about_to_leave_is_still_there() {
    let mut world = world(
        &["a", "b"],
        &["db 1", "web 1 placement: { anti_affinity: db }"],
    );
    world.runs("db-2@a db-1@b");
    assert_eq!(world.places(), "db-1@b");
    assert_eq!(world.why_not("web-1", "a"), "rival db-2 is there");
    assert_eq!(
        world.notices(),
        ["web-1: it goes on as soon as db-2 has left host a"]
    );
}

#[test]
fn its_own_name_keeps_the_instances_of_a_group_apart() {
    let mut world = world(&["a", "b"], &["db 2 placement: { anti_affinity: db }"]);
    world
        .desired
        .groups
        .values_mut()
        .for_each(|db| db.replicas = 3);
    assert_eq!(world.places(), "db-1@a db-2@b");
    let said = "db-3: no host can take it: a: kept for rival db-1; b: kept for rival db-2 | add a host, \
                lower `replicas`, or only prefer that they are apart: `anti_affinity: { preferred: [db] }` of db";
    assert_eq!(world.notices(), [said]);
}

#[test]
fn required_company_is_followed() {
    let mut world = world(
        &["a", "b", "c"],
        &["app 2 placement: { affinity: cache }", "cache 1"],
    );
    assert_eq!(world.places(), "app-1@a app-2@a cache-1@a");
    world.runs("cache-1@c");
    assert_eq!(world.places(), "app-1@c app-2@c cache-1@c");
    assert_eq!(world.why_not("app-1", "b"), "no cache is there");
}

#[test]
fn groups_that_require_each_other_follow_each_other() {
    for (x, y) in [(1, 3), (3, 1), (3, 3)] {
        let groups = [
            format!("x {x} placement: {{ affinity: y }}"),
            format!("y {y} placement: {{ affinity: x }}"),
        ];
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let mut world = world(&["a", "b", "c"], &groups);
        let places = world.places();
        world.carry_out();
        assert_eq!(world.places(), places);
        assert_eq!(world.moves(), [""; 0], "{places}");
    }
}

#[test]
fn memory_is_what_the_host_has_without_the_reserve_and_what_others_take() {
    let mut world = world(&["a", "b"], &["db 1 memory: 1GiB", "web 2 memory: 512MiB"]);
    world.memory("a", 1200);
    world.memory("b", 600);
    world.runs("db-1@a");
    assert_eq!(world.places(), "db-1@a web-1@b");
    let said = "web-2: no host can take it: a: memory 176MiB free, 512MiB needed; b: memory 88MiB free, 512MiB \
                needed | free 336MiB of memory on host a, lower `memory` of web, or add a host";
    assert_eq!(world.notices(), [said]);
}

#[test]
fn a_guest_that_is_surplus_takes_memory_as_long_as_it_is_there() {
    let mut world = world(&["a"], &["web 1 memory: 1GiB"]);
    world.memory("a", 1500);
    world.runs("web-2@a");
    assert_eq!(world.places(), "");
    assert_eq!(
        world.why_not("web-1", "a"),
        "memory 476MiB free, 1GiB needed"
    );
}

#[test]
fn processors_are_shared_up_to_the_overcommit() {
    let mut world = world(&["a overcommit: 200%"], &["web 3 cpus: 3"]);
    world.facts("a").cpus = Some(4);
    assert_eq!(world.places(), "web-1@a web-2@a");
    assert_eq!(world.why_not("web-3", "a"), "processors 2 free, 3 needed");
}

#[test]
fn disks_of_a_known_size_need_free_space() {
    let mut world = world(&["a"], &["web 2 disk: 10GiB"]);
    world.facts("a").free = Some(Bytes(15 << 30));
    assert_eq!(world.places(), "web-1@a");
    assert_eq!(world.why_not("web-2", "a"), "disk 5GiB free, 10GiB needed");
    world.desired.groups.values_mut().next().unwrap().disk = None;
    assert_eq!(world.places(), "web-1@a web-2@a");
}

#[test]
fn a_host_whose_disk_is_full_gets_nobody_however_large_their_disks_become() {
    let mut world = world(&["a", "b"], &["web 1"]);
    world.facts("a").free = Some(Bytes(4096));
    assert_eq!(world.places(), "web-1@b");
    assert_eq!(world.why_not("web-1", "a"), "disk 4KiB free, 1MiB needed");
    world.facts("b").free = Some(Bytes(0));
    let notices = world.notices();
    assert!(
        notices[0].ends_with("| free space on the disk of host a"),
        "{notices:?}"
    );
}

#[test]
fn a_host_without_an_address_takes_nobody() {
    let mut world = world(&["a", "b"], &["web 4"]);
    let pool = &mut world.desired.hosts.values_mut().next().unwrap().pool;
    pool.0[0].1 = pool.0[0].0;
    assert_eq!(world.places(), "web-1@a web-2@b web-3@b web-4@b");
    assert_eq!(world.why_not("web-4", "a"), "no address is free");
}

#[test]
fn what_is_not_known_passes() {
    let mut world = world(&["a"], &["web 9 memory: 64GiB, cpus: 64, disk: 9TiB"]);
    *world.facts("a") = HostFacts::default();
    assert_eq!(world.placement().0.len(), 9);
}

#[test]
fn a_foreign_domain_with_its_name_is_in_the_way() {
    let mut world = world(&["a", "b"], &["web 2"]);
    world.runs("web-1@a");
    world.facts("a").domains[0].mark = None;
    assert_eq!(world.places(), "web-2@a");
    assert!(world.notices()[0].contains("host a has a domain named demo-web-1 that is not ours"));
}

#[test]
fn many_hosts_are_counted_by_what_they_lack() {
    let mut world = world(&["a", "b", "c", "d", "e", "f"], &["web 1 memory: 1GiB"]);
    ["a", "b", "c"]
        .iter()
        .for_each(|host| world.memory(host, 700));
    world.memory("f", 800);
    ["d", "e"].iter().for_each(|host| world.drain(host));
    let said = "web-1: no host can take it: 4 have too little memory, 2 are drained | take host d back: \
                reconcile undrain d";
    assert_eq!(world.notices(), [said]);
}

#[test]
fn what_all_hosts_lack_is_said_once() {
    let mut world = world(&["a", "b"], &["web 1"]);
    ["a", "b"].iter().for_each(|host| world.drain(host));
    assert!(
        world.notices()[0].starts_with("web-1: no host can take it: drained (kernel update) |")
    );
}
