//! What the schema promises: it knows every key, and refuses no file that the reader takes.

use super::*;
use crate::spec::schema_check::{refused, unwritten};

const GOOD: [&str; 3] = [
    include_str!("../../../fixtures/good/every-key/cluster.yaml"),
    include_str!("../../../specs/two-laptops.yaml"),
    include_str!("../../../specs/demo.yaml"),
];

#[test]
fn every_good_file_fits_the_schema() {
    for text in GOOD {
        let value: Value = serde_saphyr::from_str(text).unwrap();
        assert_eq!(refused(&json_schema(), &value, ""), [""; 0]);
    }
}

#[test]
fn what_the_reader_refuses_in_form_the_schema_refuses_too() {
    let cases = [
        ("port: 8080", "port: 80800"),
        ("port: 8080", "prot: 8080"),
        ("memory: 512MiB", "memory: 512"),
        ("retries: 4", "retries: many"),
        ("image: alpine", "image: [alpine]"),
        ("/random: random", "random: random"),
    ];
    for (good, bad) in cases {
        let text = GOOD[1].replacen(good, bad, 1);
        assert_ne!(text, GOOD[1]);
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        assert_ne!(refused(&json_schema(), &value, ""), [""; 0], "{bad}");
    }
}

#[test]
fn the_file_with_every_key_has_every_key() {
    let value: Value = serde_saphyr::from_str(GOOD[0]).unwrap();
    let mut missing = Vec::new();
    unwritten(&json_schema(), &[&value], "", &mut missing);
    assert_eq!(
        missing, [""; 0],
        "a key that no file has may be one that nobody reads"
    );
}

#[test]
fn an_included_file_has_the_same_keys_and_needs_none() {
    let schema = included_schema();
    let text = include_str!("../../../fixtures/good/included/services/api.yaml");
    let value: Value = serde_saphyr::from_str(text).unwrap();
    assert_eq!(refused(&schema, &value, ""), Vec::<String>::new());
    let (of_main, included) = (json_schema(), schema["properties"].as_object().unwrap());
    assert_eq!(included.len(), INCLUDED.len());
    for (key, value) in included {
        assert_eq!(value, &of_main["properties"][key]);
    }
    assert!(!refused(&schema, &json!({ "safety": {} }), "").is_empty());
}

#[test]
fn every_key_is_told_of() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&json_schema()).unwrap());
}
