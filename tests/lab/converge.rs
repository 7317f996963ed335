//! From nothing to a running cluster, and then: nothing more to do.

use super::lab::Lab;
use super::product::Product;
use super::spec::Spec;
use super::trace::Trace;
use super::traffic::Traffic;
use super::wait::seconds;

#[test]
fn a_fresh_lab_converges_and_a_second_run_writes_nothing() {
    let lab = Lab::fresh();
    let spec = Spec::base(&lab);
    let product = Product::new(lab, &spec);

    let before = Trace::of_hosts(&product.lab);
    let preview = product.run(&["--dry-run", "--detailed-exitcode"]);
    assert_eq!(preview.code, 2, "{}", preview.all());
    Trace::of_hosts(&product.lab).assert_same_as(&before);

    let first = product.apply();
    println!("converged in {:.1} s", first.took.as_secs_f64());
    product.assert_converged();

    let traffic = Traffic::start(&product.lab, &format!("http://{}/random", spec.vip), 20);
    std::thread::sleep(seconds(2));
    let report = traffic.stop();
    report.assert_nothing_failed();
    assert_eq!(report.instances, ["random-1", "random-2", "random-3"]);

    let guests = product.lab.domains();
    let before = Trace::of_all(&product.lab, &guests);
    assert!(before.len() > 100, "a trace of nearly nothing: {before:?}");
    product.apply();
    product.assert_converged();
    Trace::of_all(&product.lab, &guests).assert_same_as(&before);
}

#[test]
fn a_controller_that_lost_its_memory_has_nothing_to_do() {
    let (product, spec) = Product::converged();
    let Product { lab, .. } = &product;
    let before = lab.domains();
    std::fs::remove_dir_all(product.path("state")).expect("there was a state");
    product.assert_converged();
    product.write(&spec);
    product.apply();
    assert_eq!(product.lab.domains(), before);
}
