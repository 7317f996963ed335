//! Plans that are saved, looked at, and applied later: exactly what was shown, once, or nothing at all.

use serde_json::Value;

use super::product::{Product, Run, announced};
use super::spec::Spec;
use super::trace::Trace;

#[test]
fn a_saved_plan_is_done_exactly_as_shown_and_only_once() {
    let (product, spec) = Product::converged();
    let plan = saved_for_four(&product, &spec);
    let shown = announced(&plan);
    assert!(shown.contains(&("create".to_owned(), "random-4".to_owned())));

    let before = product.history().len();
    let run = apply(&product);
    assert_eq!(run.code, 0, "{}", run.all());
    let (mut done, mut shown) = (product.done_since(before), shown);
    done.retain(|(action, _)| !action.is_empty());
    done.sort();
    shown.sort();
    assert_eq!(done, shown);
    product.assert_converged();

    let again = apply(&product);
    assert_eq!(again.code, 5, "{}", again.all());
    assert!(
        again.words().contains("was applied already"),
        "{}",
        again.all()
    );
}

#[test]
fn a_saved_plan_is_refused_when_the_world_or_the_file_moved_and_says_what() {
    let (product, spec) = Product::converged();
    saved_for_four(&product, &spec);
    let victim = product.lab.domain_of("random-1");
    product
        .lab
        .on(&victim.host, &format!("virsh destroy {}", victim.name));

    refused(&product, "recreate random-1");
    product.write(spec.with(|s| s.replicas = 5));
    refused(&product, "the file");
    product.write(&spec);
    product.apply();
}

/// Nothing is done, and it is said why.
#[track_caller]
fn refused(product: &Product, why: &str) {
    let before = Trace::of_hosts(&product.lab);
    let run = apply(product);
    assert_eq!(run.code, 5, "{}", run.all());
    assert!(run.words().contains(why), "{}", run.all());
    Trace::of_hosts(&product.lab).assert_same_as(&before);
}

/// One more is wanted, and the plan for that is saved.
#[track_caller]
fn saved_for_four(product: &Product, spec: &Spec) -> Value {
    product.write(spec.with(|s| s.replicas = 4));
    let path = product.path("plan.json");
    let run = product.run(&["--dry-run", "--out", &path.display().to_string()]);
    assert_eq!(run.code, 0, "{}", run.all());
    let text = std::fs::read_to_string(path).expect("the plan is there");
    serde_json::from_str(&text).expect("a plan is JSON")
}

#[track_caller]
fn apply(product: &Product) -> Run {
    product.run(&["apply", &product.path("plan.json").display().to_string()])
}
