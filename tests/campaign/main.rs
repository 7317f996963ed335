//! The randomised campaign: small random clusters, random troubles, and the laws of `src/sim` watched at every step.
//! What fails is replayed and made small with `make campaign SEEDS=1 FROM=…`.

mod campaign;
mod case;
mod draw;
mod edit;
mod judge;
mod trouble;

use std::sync::Mutex;

use campaign::{all_processors, campaign, lock};

/// How many seeds a plain `cargo test` runs, in less than two minutes of two processors. For more there is `make campaign`;
/// `SEEDS=100 cargo test --test campaign` runs fewer.
const SEEDS: u64 = 2_000;

fn seeds() -> u64 {
    let said = std::env::var("SEEDS").ok();
    said.and_then(|said| said.parse().ok()).unwrap_or(SEEDS)
}

#[test]
fn no_law_is_broken_and_every_cluster_is_as_desired_once_its_troubles_are_over() {
    let wrong = Mutex::new(Vec::new());
    campaign((1, seeds()), all_processors(), |seed, found| {
        lock(&wrong).extend(found.map(|found| format!("seed {seed}: {}", found.text)));
        true
    });
    let wrong = lock(&wrong);
    assert!(
        wrong.is_empty(),
        "{} went wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_same_seed_gives_the_same_case_and_the_same_rehearsal() {
    for seed in [1, 2, 3] {
        let (one, other) = (draw::draw(seed), draw::draw(seed));
        assert_eq!(one, other);
        assert_eq!(judge::run(&one), judge::run(&other));
    }
    assert_ne!(draw::draw(1), draw::draw(2));
}
