//! The controller's manners: bad edits, and its end.

use super::product::Product;
use super::wait::seconds;

#[test]
fn an_invalid_edit_keeps_the_last_good_state_and_says_so() {
    let (product, spec) = Product::converged();
    let watch = product.watch();
    let victim = product.lab.domain_of("random-1");
    product.write(format!("{spec}\nreplcias: 7\n"));
    watch.wait_for("the last good state stays in force", seconds(10));
    assert!(
        watch.log().contains("replcias"),
        "it is not said what is wrong:\n{}",
        watch.log()
    );

    product.lab.kill_guest(&victim, "KILL");
    product.wait_remade(&victim, seconds(90));
    product.write(spec.with(|s| s.routes = vec!["/again: random".into()]));
    watch.wait_for("the file changed revision=", seconds(10));
    watch.stop();
    product.apply();
}

#[test]
fn a_controller_that_is_told_to_end_does_so_even_in_the_middle_of_an_action() {
    let (product, _) = Product::converged();
    let watch = product.watch();
    watch.stop();

    let watch = product.watch();
    product
        .lab
        .kill_guest(&product.lab.domain_of("random-2"), "KILL");
    watch.wait_for("action=\"recreate\"", seconds(20));
    watch.stop();
    product.apply();
    product.assert_converged();
}

#[test]
fn a_second_controller_of_the_same_state_is_refused() {
    let (product, _) = Product::converged();
    let watch = product.watch();
    let run = product.run(&["--yes"]);
    assert_eq!(run.code, 1, "{}", run.all());
    assert!(
        run.stderr.contains("is at work on this cluster"),
        "{}",
        run.all()
    );
    watch.stop();
}
