//! What the schema of plans promises: every plan fits it, and it knows every key.

use super::*;
use crate::cli::compared_view::samples_json;
use crate::cli::plan_json::{applied_json, plan_json, saved_json};
use crate::cli::samples;
use crate::model::orders::Orders;
use crate::model::plan::Plan;
use crate::plan::saved::seal;
use crate::spec::schema_check::{refused, strict, unwritten};

fn all() -> Vec<Value> {
    let hour = std::time::Duration::from_secs(3_600);
    let orders = Orders {
        targets: samples::targets(),
        ..samples::orders()
    };
    let ordered = Plan {
        orders,
        commit: Some(samples::commit()),
        ..samples::rolling_change()
    };
    let mut history = samples::history();
    history[0].commit = Some(samples::commit());
    history[0].targets = samples::targets();
    let texts = samples::plans().into_values().map(|plan| plan_json(&plan));
    let others = [
        plan_json(&ordered),
        saved_json(&ordered, &seal(&ordered, hour)),
        applied_json(&history, &ordered),
    ];
    let texts = texts.chain(others).chain(samples_json());
    texts
        .map(|text| serde_json::from_str(&text).unwrap())
        .collect()
}

#[test]
fn every_sample_fits_the_schema_and_has_no_key_that_it_does_not_know() {
    let schema = strict(json_schema());
    for plan in all() {
        assert_eq!(refused(&schema, &plan, ""), [""; 0]);
    }
}

#[test]
fn every_key_of_the_schema_is_in_some_plan() {
    let (all, mut missing) = (all(), Vec::new());
    let all: Vec<&Value> = all.iter().collect();
    unwritten(&json_schema(), &all, "", &mut missing);
    // No sample is signed by somebody unknown; the tests of grounds have those.
    missing.retain(|key| !key.ends_with(".signature.key") && key != ".actions.why");
    // The reason of one action is told as that of another one.
    missing.retain(|key| {
        !matches!(
            key.as_str(),
            ".applied.reason.file" | ".compared.dropped.reason.file"
        )
    });
    assert_eq!(missing, [""; 0]);
}

#[test]
fn what_is_no_plan_is_refused() {
    let plan: Value = serde_json::from_str(&plan_json(&samples::failover())).unwrap();
    for (pointer, wrong) in [
        ("/format_version", json!(2)),
        ("/actions/0/sort", json!("sort")),
        ("/actions/0/kind", json!("Kind of")),
        ("/observed_at", json!("now")),
        ("/counts/fence", json!(-1)),
        ("/actions/1/interrupts", json!({ "what": "x" })),
    ] {
        let mut other = plan.clone();
        *other.pointer_mut(pointer).unwrap() = wrong;
        assert_ne!(refused(&json_schema(), &other, ""), [""; 0], "{pointer}");
    }
    let mut more = plan;
    more["more"] = json!("a key of a later version");
    assert_eq!(refused(&json_schema(), &more, ""), [""; 0]);
    assert_ne!(refused(&strict(json_schema()), &more, ""), [""; 0]);
}

#[test]
fn every_key_is_told_of() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&json_schema()).unwrap());
}
