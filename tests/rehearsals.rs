//! Rehearsals: every directory of `fixtures/sim` tells in scenario.yaml what happens to a cluster and what is expected,
//! and in outcome what `reconcile rehearse` shows of it. The real controller runs over the simulated cluster. Those of
//! `fixtures/survive` tell in lost what `--survive` is given, and in scenario.yaml their hardware where it matters.
//! `BLESS=1 cargo test --test rehearsals` writes what is shown now; read it as somebody at 3 a.m. would.
//! `CASE=name` runs the cases with that in their names.

#[path = "support/cases.rs"]
mod cases;

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cases::{cases, is_written_down, root};
use reconcile::cli::rehearsal_view::{rehearsal_json, rehearsal_text};
use reconcile::cli::style::Style;
use reconcile::cli::survival_view::survival_text;
use reconcile::model::desired::Desired;
use reconcile::model::scenario::Scenario;
use reconcile::rehearse::survive::{Question, Survival, WITHIN, survive};
use reconcile::rehearse::{AFTERWARDS, Rehearsal, failures, rehearse};
use reconcile::sim::vm::sha256;
use reconcile::spec::scenario::{Cluster, edited, parse_scenario};
use reconcile::spec::{SpecFiles, parse};

/// The files beside a case's scenario.
struct Files(PathBuf);

impl SpecFiles for Files {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(self.0.join(path))
    }

    fn digest(&self, path: &Path) -> io::Result<(String, u64)> {
        Ok((sha256(&path.to_string_lossy()), 64 << 20))
    }

    fn env(&self, _: &str) -> Option<String> {
        None
    }
}

/// The cluster of a case: its own file, or the one that cases share.
fn with_cluster<R>(case: &Path, run: impl FnOnce(&Cluster<'_>) -> R) -> R {
    let bytes = fs::read(case.join("cluster.yaml"))
        .or_else(|_| fs::read(root("sim").join("cluster.yaml")))
        .unwrap();
    let files = Files(case.to_owned());
    let desired = parse("cluster.yaml", &bytes, &files);
    let desired = desired.unwrap_or_else(|errors| panic!("{}: {errors}", case.display()));
    run(&Cluster {
        name: "cluster.yaml",
        bytes: &bytes,
        files: &files,
        desired: Arc::new(desired),
    })
}

fn rehearsed(case: &Path) -> Rehearsal {
    let text = fs::read(case.join("scenario.yaml")).unwrap();
    with_cluster(case, |cluster| {
        let scenario = parse_scenario("scenario.yaml", &text, cluster);
        let scenario = scenario.unwrap_or_else(|errors| panic!("{}: {errors}", case.display()));
        let afterwards = scenario.lasts.unwrap_or(AFTERWARDS);
        let seed = scenario.seed.unwrap_or(1);
        rehearse(&cluster.desired, &scenario, seed, afterwards).unwrap()
    })
}

#[test]
fn every_scenario_ends_as_expected_and_is_told_as_written_down() {
    let cases = cases("sim", 100);
    let next = AtomicUsize::new(0);
    let walk = || {
        let mut wrong = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            wrong.extend(what_is_wrong(case));
        }
        wrong
    };
    let mut wrong: Vec<String> = std::thread::scope(|scope| {
        let both = [scope.spawn(walk), scope.spawn(walk)];
        both.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

/// What a case shows, where that is not what is written down, or it does not end well.
fn what_is_wrong(case: &Path) -> Option<String> {
    let name = case.file_name().unwrap_or_default().to_string_lossy();
    assert!(
        case.join("README.md").exists(),
        "{name} says nothing of itself"
    );
    let rehearsal = match std::panic::catch_unwind(|| rehearsed(case)) {
        Ok(rehearsal) => rehearsal,
        Err(_) => return Some(format!("--- {name}: see the panic\n")),
    };
    let shown = rehearsal_text(&rehearsal, &Style::plain(110));
    let told = is_written_down(&case.join("outcome"), &shown);
    (!told || !rehearsal.is_good()).then(|| format!("--- {name}\n{shown}"))
}

fn survival(case: &Path) -> Survival {
    let lost = fs::read_to_string(case.join("lost")).unwrap();
    with_cluster(case, |cluster| {
        let scenario = match fs::read(case.join("scenario.yaml")) {
            Ok(text) => parse_scenario("scenario.yaml", &text, cluster).unwrap(),
            Err(_) => Scenario::default(),
        };
        let question = Question {
            desired: &cluster.desired,
            scenario: &scenario,
            any: &lost.trim().parse().unwrap(),
            seed: 1,
            within: WITHIN,
            told: &|_| {},
        };
        survive(&question, &|changes| edited(cluster, changes).map(Arc::new)).unwrap()
    })
}

#[test]
fn losses_are_survived_or_told_with_what_would_mend_them() {
    let mut wrong = String::new();
    for case in cases("survive", 12) {
        let shown = survival_text(&survival(&case), &Style::plain(80));
        let widest = shown.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{shown}");
        if !is_written_down(&case.join("outcome"), &shown) {
            let _ = writeln!(wrong, "--- {}\n{shown}", case.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let run = |seed| {
        with_cluster(&root("sim"), |cluster| {
            let day = std::time::Duration::from_secs(86_400);
            let scenario = failures(&cluster.desired, seed, 12, Some(day));
            rehearsal_json(&rehearse(&cluster.desired, &scenario, seed, AFTERWARDS).unwrap())
        })
    };
    let first = run(3);
    assert_eq!(first, run(3));
    assert_ne!(first, run(4));
}

fn survives_a_day(desired: &Arc<Desired>, seed: u64, failures_of_it: usize) {
    let day = std::time::Duration::from_secs(86_400);
    let scenario = failures(desired, seed, failures_of_it, Some(day));
    let afterwards = std::time::Duration::from_secs(1_800);
    let rehearsal = rehearse(desired, &scenario, seed, afterwards).unwrap();
    let shown = || rehearsal_text(&rehearsal, &Style::plain(110));
    assert!(rehearsal.is_good(), "seed {seed}\n{}", shown());
}

#[test]
fn random_failures_break_no_law_and_the_cluster_is_as_desired_afterwards() {
    for seed in 1..=6 {
        with_cluster(&root("sim"), |cluster| {
            survives_a_day(&cluster.desired, seed, 15)
        });
    }
}

#[test]
fn what_devices_switch_off_in_random_failures_is_switched_on_by_a_person() {
    let text = fs::read_to_string(root("sim").join("cluster.yaml")).unwrap();
    let device = "fencing: { agent: fence_ipmilan, with: { ip: 10.1.0.1 } } }\n";
    let text = [19, 29, 39].iter().fold(text, |text, last| {
        let end = format!("192.168.10.{last}");
        text.replace(&format!("{end} }}\n"), &format!("{end}, {device}"))
    });
    let desired = parse("cluster.yaml", text.as_bytes(), &Files(root("sim")));
    let desired = Arc::new(desired.unwrap_or_else(|errors| panic!("{errors}")));
    assert!(
        desired
            .hosts
            .values()
            .all(|host| host.agents().count() == 1)
    );
    for seed in 1..=12 {
        survives_a_day(&desired, seed, 30);
    }
}
