//! Explained placements as people and programs see them.

use super::*;
use crate::cli::samples::{World, healthy_world, host, instance};
use crate::cli::style::Style;
use crate::model::orders::Order;
use crate::model::policy::HostChoice;
use crate::model::unit::Bytes;
use crate::plan::why;

fn report(world: &World, name: &str, asked: Option<&str>) -> WhyReport {
    let why = why(
        &world.desired,
        &world.observed,
        &world.memory,
        &instance(name),
    )
    .unwrap();
    WhyReport::of(
        &world.desired,
        &world.observed,
        &why,
        asked.map(host).as_ref(),
    )
}

fn shown(world: &World, name: &str, asked: Option<&str>, columns: usize) -> String {
    why_text(&report(world, name, asked), &Style::plain(columns))
}

/// Six hosts in two racks: one is drained, one is full, one is lost, and one is not required.
fn crowded() -> World {
    let mut world = healthy_world();
    let like = world.desired.hosts[&host("a")].clone();
    let facts = world.observed.hosts[&host("c")].clone();
    for (name, rack) in [
        ("a", "r1"),
        ("b", "r1"),
        ("c", "r1"),
        ("d", "r2"),
        ("e", "r2"),
        ("f", "r2"),
    ] {
        let mut new = like.clone();
        new.id = host(name);
        new.labels.insert("rack".into(), rack.into());
        new.priority = i32::from(name == "a");
        world.desired.hosts.insert(host(name), new);
        if rack == "r2" {
            world.observed.hosts.insert(host(name), facts.clone());
        }
    }
    for name in ["d", "e", "f"] {
        if let Some(crate::model::facts::Seen::Yes(facts)) =
            world.observed.hosts.get_mut(&host(name))
        {
            facts.domains.clear();
            facts.memory = Some(Bytes(if name == "e" { 300 << 20 } else { 4 << 30 }));
        }
    }
    let order = Order {
        by: "eva".into(),
        at: world.observed.now,
        reason: Some("kernel update".into()),
        until: Some(
            world
                .observed
                .now
                .plus(std::time::Duration::from_secs(7_200)),
        ),
        to: None,
    };
    world.observed.orders.drained.insert(host("b"), order);
    let group = world
        .desired
        .groups
        .get_mut(&"random".parse().unwrap())
        .unwrap();
    group.placement.spread = vec!["rack".into()];
    group
        .placement
        .hosts
        .preferred
        .insert(HostChoice::Label("rack".into(), "r2".into()));
    group
        .placement
        .anti_affinity
        .required
        .insert("web".parse().unwrap());
    world
}

#[test]
fn a_place_is_explained_with_every_host() {
    let mut world = crowded();
    world.remove("random-3");
    insta::assert_snapshot!("comes_80", shown(&world, "random-3", None, 80));
    insta::assert_snapshot!("comes_120", shown(&world, "random-3", None, 120));
    insta::assert_snapshot!("comes_json", report(&world, "random-3", Some("b")).json());
}

#[test]
fn a_guest_that_stays_is_explained() {
    insta::assert_snapshot!("stays", shown(&healthy_world(), "random-1", None, 80));
}

#[test]
fn a_guest_that_moves_is_explained() {
    insta::assert_snapshot!("moves", shown(&crowded(), "random-2", None, 80));
}

#[test]
fn a_guest_without_a_place_is_explained() {
    let mut world = healthy_world();
    world.remove("random-3");
    for host in world.desired.hosts.values_mut() {
        host.reserve = Bytes(16 << 30);
    }
    insta::assert_snapshot!("nowhere", shown(&world, "random-3", None, 80));
}

#[test]
fn a_guest_out_of_sight_is_explained() {
    let mut world = healthy_world();
    world.lose_host("c", "no route to host");
    let text = shown(&world, "random-3", None, 80);
    assert!(text.starts_with("random-3 was on host c with 192.168.10.15, which can't be seen now: it is left\nthere.\n"), "{text}");
}

#[test]
fn one_host_is_explained_in_words() {
    let mut world = crowded();
    world.remove("random-3");
    let told: Vec<String> = ["a", "b", "c", "d", "e", "f"]
        .map(|on| shown(&world, "random-3", Some(on), 120))
        .into();
    insta::assert_snapshot!("one_host", told.concat());
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for columns in [80, 100, 120] {
        for name in ["random-1", "random-2", "web-1"] {
            for line in shown(&crowded(), name, None, columns).lines() {
                assert!(text::width(line) <= columns, "{line}");
            }
        }
    }
}

#[test]
fn hostile_reasons_reach_no_terminal() {
    let mut world = crowded();
    let order = world.observed.orders.drained.values_mut().next().unwrap();
    order.reason = Some("up\u{1b}[2Jdate".into());
    for asked in [None, Some("b")] {
        let text = shown(&world, "random-2", asked, 80);
        assert!(
            !text.replace('\n', "").chars().any(text::is_hostile),
            "{text}"
        );
    }
}
