//! What planning costs: nothing to do, and everything to create, from 1,000 to 100,000 instances. No lab, no clock in
//! the plan itself; `make bench` prints the table that benches/README.md quotes.

mod common;

use std::time::{Duration, Instant};

use common::{converge, count_creates, desired, empty};
use reconcile::model::desired::Desired;
use reconcile::model::memory::Memory;
use reconcile::model::policy::HostChoice;
use reconcile::plan::{Renderer, places, plan};

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 5;

fn main() {
    if std::env::args().any(|argument| argument == "placing") {
        return placing();
    }
    planning();
    placing();
}

fn planning() {
    println!("planning, release build, median of {RUNS} runs\n");
    println!(
        "{:>10} {:>7} {:>16} {:>9} {:>16} {:>9}",
        "instances", "hosts", "nothing to do", "each", "all to create", "each"
    );
    for instances in sizes() {
        let desired = desired(instances);
        let empty = empty(&desired);
        let memory = Memory::default();
        let (creation, create) = median(|| plan(&desired, &empty, &memory, &Renderer::default()));
        assert_eq!(
            count_creates(&creation),
            instances + 2,
            "{:?}",
            creation.notices.first()
        );
        let converged = converge(empty.clone(), &creation);
        let renderer = Renderer::default();
        let (idle, rest) = median(|| plan(&desired, &converged, &memory, &renderer));
        assert!(
            idle.converged(),
            "{:?} {:?}",
            idle.actions.first(),
            idle.notices.first()
        );
        println!(
            "{instances:>10} {:>7} {:>13.1} ms {:>6.2} µs {:>13.1} ms {:>6.2} µs",
            desired.hosts.len(),
            millis(rest),
            micros(rest, instances),
            millis(create),
            micros(create, instances),
        );
    }
}

/// Only the places: of all from nothing, and of those that one lost host in 25 had. With rules, every group is spread
/// over 10 racks, avoids its neighbour, and prefers a rack.
fn placing() {
    println!("\nplacing (`-- placing` shows only this), of every 25 hosts one is lost then\n");
    println!(
        "{:>10} {:>7} {:>10} {:>16} {:>16} {:>16}",
        "instances", "hosts", "", "from nothing", "nothing to do", "hosts lost"
    );
    for instances in sizes() {
        for rules in [Rules::None, Rules::Many] {
            place(instances, rules);
        }
    }
}

fn place(instances: usize, rules: Rules) {
    let mut desired = desired(instances);
    if rules == Rules::Many {
        add_rules(&mut desired);
    }
    let (empty, memory) = (empty(&desired), Memory::default());
    let (all, nothing) = median(|| places(&desired, &empty, &memory));
    assert_eq!(all.len(), instances + 2);
    let creation = plan(&desired, &empty, &memory, &Renderer::default());
    let mut observed = converge(empty, &creation);
    let (_, idle) = median(|| places(&desired, &observed, &memory));
    let lost: Vec<_> = desired.hosts.keys().step_by(25).cloned().collect();
    for host in &lost {
        desired.hosts.remove(host);
        observed.hosts.remove(host);
    }
    let (kept, loss) = median(|| places(&desired, &observed, &memory));
    assert_eq!(kept.len(), instances + 2);
    println!(
        "{instances:>10} {:>7} {:>10} {:>13.1} ms {:>13.1} ms {:>13.1} ms",
        desired.hosts.len() + lost.len(),
        rules.name(),
        millis(nothing),
        millis(idle),
        millis(loss)
    );
}

#[derive(Clone, Copy, PartialEq)]
enum Rules {
    None,
    Many,
}

impl Rules {
    fn name(self) -> &'static str {
        match self {
            Rules::None => "no rules",
            Rules::Many => "with rules",
        }
    }
}

fn add_rules(desired: &mut Desired) {
    for (number, host) in desired.hosts.values_mut().enumerate() {
        let rack = format!("r{}", number % 10);
        host.labels.insert("rack".to_owned(), rack);
    }
    let names: Vec<_> = desired.groups.keys().cloned().collect();
    for (number, group) in desired.groups.values_mut().enumerate() {
        let placement = &mut group.placement;
        placement.spread = vec!["rack".to_owned()];
        let rack = HostChoice::Label("rack".to_owned(), format!("r{}", number % 10));
        placement.hosts.preferred.insert(rack);
        let neighbour = names[(number + 1) % names.len()].clone();
        placement.anti_affinity.required.insert(neighbour);
    }
}

/// The sizes that were asked for (`cargo bench --bench planning -- 10000`), or all.
fn sizes() -> Vec<usize> {
    let asked: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    match asked.is_empty() {
        true => vec![1_000, 10_000, 100_000],
        false => asked,
    }
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

fn micros(span: Duration, instances: usize) -> f64 {
    span.as_secs_f64() * 1e6 / f64::from(u32::try_from(instances).unwrap_or(u32::MAX))
}

/// The last result, and the median time. The first run warms up and is not counted.
fn median<T>(mut run: impl FnMut() -> T) -> (T, Duration) {
    let mut result = run();
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let begin = Instant::now();
            result = run();
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    (result, times[RUNS / 2])
}
