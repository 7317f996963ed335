//! Who stays, who moves, and who would and can't.

use super::*;

#[test]
fn whoever_exists_stays_however_uneven_that_is() {
    let mut world = world(
        &["a labels: { rack: r1 }", "b labels: { rack: r2 }"],
        &["web 4 placement: { spread: rack, failback: yes }"],
    );
    world.runs("web-1@a web-2@a web-3@a web-4@a");
    assert_eq!(world.places(), "web-1@a web-2@a web-3@a web-4@a");
    assert!(matches!(world.why("web-1").stand, Stand::Stays(..)));
}

#[test]
fn guests_leave_a_drained_host() {
    let mut world = world(&["a", "b", "c"], &["web 3"]);
    world.runs("web-1@a web-2@b web-3@c");
    world.drain("a");
    assert_eq!(world.places(), "web-1@b web-2@b web-3@c");
    assert_eq!(
        world.moves(),
        ["web-1 a→b Drained: host a is drained (kernel update)"]
    );
    world.carry_out();
    assert_eq!(world.moves(), [""; 0]);
    world.observed.orders.drained.clear();
    assert_eq!(world.moves(), [""; 0]);
}

#[test]
fn a_stateful_guest_stays_with_its_disk_and_so_does_what_it_takes() {
    let groups = ["db 1 stateful: yes, memory: 1GiB", "web 1 memory: 1536MiB"];
    let mut world = world(&["a", "b"], &groups);
    for host in ["a", "b"] {
        world.memory(host, 2048);
    }
    world.runs("db-1@a web-1@a");
    world.drain("a");
    let said = "db-1: it should leave host a: host a is drained (kernel update); but it is stateful, and its disk would \
                stay behind";
    assert!(
        world.notices()[0].starts_with(said),
        "{:?}",
        world.notices()
    );
    // On b, no room is kept for what does not come.
    assert_eq!(world.places(), "db-1@a web-1@b");
}

#[test]
fn a_guest_that_can_go_nowhere_stays_and_that_is_said() {
    let mut world = world(&["a", "b"], &["web 2 placement: { anti_affinity: web }"]);
    world.runs("web-1@a web-2@b");
    world.drain("a");
    assert_eq!(world.places(), "web-1@a web-2@b");
    let said = "web-1: must move: host a is drained (kernel update); but no host can take it: \
                a: drained (kernel update); b: rival web-2 is there";
    assert!(
        world.notices()[0].starts_with(said),
        "{:?}",
        world.notices()
    );
}

#[test]
fn a_guest_on_a_host_out_of_sight_is_left_there() {
    let mut world = world(&["a", "b"], &["web 1"]);
    world.runs("web-1@a");
    let mark = world.facts("a").domains[0].mark.clone().unwrap();
    world.unseen("a");
    let memory = world.memory.hosts.values_mut().next().unwrap();
    memory.guests.insert(mark.instance.clone(), mark);
    world.drain("a");
    assert_eq!(
        (world.places().as_str(), world.moves().len()),
        ("web-1@a", 0)
    );
    assert!(matches!(world.why("web-1").stand, Stand::OutOfSight(..)));
}

#[test]
fn a_guest_that_is_worked_on_is_left_there() {
    let mut world = world(&["a", "b"], &["web 1"]);
    world.runs("web-1@a");
    world.drain("a");
    let busy = crate::model::memory::Busy {
        action: "configure".into(),
        summary: String::new(),
        since: world.observed.now,
        host: "a".parse().unwrap(),
        mark: None,
        service: crate::model::memory::Serving::Pauses,
        revision: None,
    };
    world.memory.busy.insert("web-1".parse().unwrap(), busy);
    assert_eq!(world.moves(), [""; 0]);
}

#[test]
fn an_edit_of_the_pins_moves_what_is_pinned_elsewhere() {
    let mut world = world(&["a", "b"], &["web 2 placement: { pin: { 1: b } }"]);
    world.runs("web-1@a web-2@b");
    assert_eq!(world.moves(), ["web-1 a→b Pinned: it is pinned to host b"]);
}

#[test]
fn an_edit_of_the_required_hosts_moves_what_is_elsewhere() {
    let mut world = world(&["a", "b"], &["web 2 placement: { hosts: b }"]);
    world.runs("web-1@a web-2@b");
    let moves = ["web-1 a→b NotRequired: host a is none of those that web requires"];
    assert_eq!(world.moves(), moves);
}

#[test]
fn of_two_that_must_be_apart_one_leaves_the_stateless_one() {
    let groups = [
        "app 1",
        "db 1 stateful: yes, placement: { anti_affinity: app }",
    ];
    let mut world = world(&["a", "b"], &groups);
    world.runs("app-1@a db-1@a");
    let moves = ["app-1 a→b Rival: db-1 is on host a, too, and they must be apart"];
    assert_eq!(world.moves(), moves);
}

#[test]
fn of_equals_that_must_be_apart_the_last_ones_leave() {
    let mut world = world(&["a", "b", "c"], &["db 3 placement: { anti_affinity: db }"]);
    world.runs("db-1@a db-2@a db-3@a");
    assert_eq!(world.places(), "db-1@a db-2@b db-3@c");
}

#[test]
fn company_that_moves_is_followed() {
    let groups = ["app 1 placement: { affinity: cache }", "cache 1"];
    let mut world = world(&["a", "b"], &groups);
    world.runs("app-1@a cache-1@a");
    world.drain("a");
    assert_eq!(world.places(), "app-1@b cache-1@b");
    world.observed.orders.drained.clear();
    world.facts("a").domains.clear();
    world.runs("app-1@a cache-1@b");
    let moves = ["app-1 a→b Apart: it must be with cache, which is not on host a"];
    assert_eq!(world.moves(), moves);
}

#[test]
fn only_with_failback_a_guest_goes_back_to_a_better_host() {
    for failback in ["no", "yes"] {
        let group =
            format!("web 2 placement: {{ hosts: {{ preferred: a }}, failback: {failback} }}");
        let mut world = world(&["a", "b"], &[&group]);
        world.runs("web-1@b web-2@b");
        let expected = match failback {
            "no" => "web-1@b web-2@b",
            _ => "web-1@a web-2@a",
        };
        assert_eq!(world.places(), expected);
        world.carry_out();
        assert_eq!(world.moves(), [""; 0]);
    }
}

#[test]
fn failback_does_not_move_between_hosts_that_are_as_good() {
    let group = "web 2 placement: { anti_affinity: { preferred: web }, failback: yes }";
    let mut world = world(&["a", "b", "c"], &[group]);
    world.runs("web-1@a web-2@b");
    assert_eq!(world.moves(), [""; 0]);
    world.facts("b").domains.clear();
    world.runs("web-2@a");
    assert_eq!(world.moves().len(), 1);
    world.carry_out();
    assert_eq!(world.moves(), [""; 0]);
}

#[test]
fn who_stays_keeps_the_address_and_who_moves_gets_one_there() {
    let mut world = world(&["a", "b"], &["web 2"]);
    world.runs("web-1@a web-2@b");
    world.drain("a");
    let (places, ..) = world.placement();
    let address = |name: &str| places[&name.parse::<InstanceId>().unwrap()].1.to_string();
    assert_eq!(address("web-1"), "10.0.1.11");
    assert_eq!(address("web-2"), "10.0.1.10");
}
