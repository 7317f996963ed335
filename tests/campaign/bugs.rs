//! The checker is checked: errors are put in on purpose, one after the other, and the campaign must find every one, by
//! the law that it breaks.

mod campaign;
mod case;
mod draw;
mod edit;
mod judge;
mod shrink;
mod trouble;

use std::fmt::Write as _;
use std::sync::Mutex;

use campaign::{all_processors, campaign, lock};
use judge::Wrong;
use reconcile::model::bug::Bug;

/// Within so many seeds every error must be found.
const SEEDS: u64 = 1_000;

/// Every error, with words of the law that it breaks, and the seed that found it first: the search begins there.
const BUGS: [(Bug, &str, u64); 17] = [
    (Bug::SkipTheFence, "taken over though nothing shows", 7),
    (Bug::TrustAFailedFence, "though nothing shows", 91),
    (Bug::TakeTheVip, "though nothing shows", 6),
    (Bug::ForgetTheHolder, "nothing shows that it ended", 526),
    (Bug::AddTheVipFirst, "in no order", 2),
    (Bug::ForgetTheMark, "given up at once", 3),
    (Bug::ForgetAtRestart, "given up", 12),
    (Bug::ReuseAnAddress, "is on two machines", 41),
    (Bug::IgnoreTheBudget, "where", 400),
    (Bug::IgnoreTheQuorum, "given up without a majority", 47),
    (Bug::IgnoreTheBrake, "the brake holds", 5),
    (Bug::ActUnseen, "is given up at once", 3),
    (Bug::KeepTheOldCopy, "not so at the end", 6),
    (Bug::TouchAForeignGuest, "is foreign and was touched", 2),
    (Bug::IgnoreAPause, "is about what is paused", 2),
    (Bug::IgnoreTheClaim, "is worked on while", 4),
    (Bug::WaitForTheHolder, "somebody serves who could", 162),
];

/// The first seed that finds the error, and what it says; else what was found instead.
fn find((bug, law, first): (Bug, &str, u64)) -> Result<(u64, String), String> {
    Bug::put_in(Some(bug));
    let found = Mutex::new(None::<(u64, String)>);
    let others = Mutex::new(String::new());
    campaign((first, SEEDS), all_processors(), |seed, wrong| {
        let Some(Wrong { text, .. }) = wrong else {
            return true;
        };
        let first = text.lines().next().unwrap_or_default().to_owned();
        if !text.contains(law) {
            let _ = writeln!(lock(&others), "    seed {seed}: {first}");
            return true;
        }
        lock(&found).get_or_insert((seed, first));
        false
    });
    let found = lock(&found).take();
    found.ok_or_else(|| lock(&others).clone())
}

/// How small the case of a seed becomes.
fn made_small(seed: u64) -> usize {
    let case = draw::draw(seed);
    let wrong = judge::judge(&case);
    wrong.map_or(usize::MAX, |wrong| {
        shrink::size(&shrink::shrink(&case, &wrong))
    })
}

#[test]
fn every_error_that_is_put_in_is_found_by_the_law_that_it_breaks() {
    let (mut missed, mut smallest) = (String::new(), usize::MAX);
    for error in BUGS {
        let bug = error.0;
        match find(error) {
            Ok((seed, text)) => {
                println!("{bug:?}: seed {seed}: {text}");
                if bug == Bug::TouchAForeignGuest {
                    smallest = made_small(seed);
                }
            }
            Err(others) => {
                let _ = writeln!(missed, "{bug:?} is not found; instead:\n{others}");
            }
        }
    }
    Bug::put_in(None);
    assert!(missed.is_empty(), "within {SEEDS} seeds:\n{missed}");
    assert!(smallest <= 20, "nothing was made small: {smallest}");
}
