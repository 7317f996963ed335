//! Two controllers by mistake: whoever comes second does nothing until the first one is gone.

use std::time::Instant;

use super::product::Product;
use super::wait::{seconds, until};

/// What a claim lasts after its last renewal, and a round.
const GONE: u64 = 30 + 15;

#[test]
fn a_controller_with_another_state_is_refused_until_the_first_one_is_gone_even_when_it_was_killed()
{
    let (product, spec) = Product::converged();
    let other = spec.with(|s| s.routes = vec!["/again: random".into()]);
    let file = product.path("spec/other.yaml");
    std::fs::write(&file, other.to_string()).expect("the file can be written");
    let watch = product.watch();
    let before = product.lab.domains();

    let refused = product.run_elsewhere(&file, &["--yes"]);
    assert_eq!(refused.code, 1, "{}", refused.all());
    let why = "another controller is at work on it";
    assert!(refused.stderr.contains(why), "{}", refused.all());
    let shown = product.run_elsewhere(&file, &["--dry-run"]);
    assert!(shown.all().contains(why), "{}", shown.all());
    assert_eq!(
        format!("{:?}", product.lab.domains()),
        format!("{before:?}")
    );
    product.assert_converged();

    let killed = Instant::now();
    drop(watch);
    until("the other one may apply", seconds(GONE), || {
        let run = product.run_elsewhere(&file, &["--yes"]);
        (run.code == 0).then_some(())
    });
    println!("taken over after {:.1} s", killed.elapsed().as_secs_f64());
    // It gave its claims up at its end.
    product.apply();
    product.assert_converged();
}

#[test]
fn a_controller_that_is_killed_and_started_again_goes_on_at_once() {
    let (product, _) = Product::converged();
    drop(product.watch());
    product
        .lab
        .kill_guest(&product.lab.domain_of("random-1"), "KILL");
    product.apply();
    product.assert_converged();
}
