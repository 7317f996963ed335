//! What the schema promises: it knows every key, and refuses no file that the reader takes.

use regex::Regex;

use super::*;

const GOOD: [&str; 3] = [
    include_str!("../../../fixtures/good/every-key/cluster.yaml"),
    include_str!("../../../specs/two-laptops.yaml"),
    include_str!("../../../specs/demo.yaml"),
];

/// What of `value` the schema refuses: as much of JSON Schema as [`json_schema`] makes use of.
fn refused(schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut refuse = |what: &str| wrong.push(format!("{path}: {what}: {value}"));
    if let Some(kinds) = schema.get("type") {
        let kinds: Vec<&str> = kinds.as_str().map_or_else(
            || {
                kinds
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|k| k.as_str().unwrap())
                    .collect()
            },
            |kind| vec![kind],
        );
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            // YAML readers take 0640 for 640.0.
            Value::Number(number)
                if number.as_f64().is_some_and(|number| number.fract() != 0.0) =>
            {
                "number"
            }
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if !(kinds.contains(&kind) || kind == "integer" && kinds.contains(&"number")) {
            refuse("type");
        }
    }
    if schema
        .get("enum")
        .is_some_and(|words| !words.as_array().unwrap().contains(value))
    {
        refuse("enum");
    }
    if let (Some(pattern), Some(text)) = (schema.get("pattern"), value.as_str())
        && !Regex::new(pattern.as_str().unwrap())
            .unwrap()
            .is_match(text)
    {
        refuse("pattern");
    }
    if let Some(number) = value.as_i64() {
        let bound = |name, or| schema.get(name).and_then(Value::as_i64).unwrap_or(or);
        if number < bound("minimum", 0) || number > bound("maximum", i64::MAX) {
            refuse("bounds");
        }
    }
    if let Some(ways) = schema.get("anyOf")
        && ways
            .as_array()
            .unwrap()
            .iter()
            .all(|way| !refused(way, value, path).is_empty())
    {
        refuse("anyOf");
    }
    if let Some(required) = schema.get("required") {
        for key in required
            .as_array()
            .unwrap()
            .iter()
            .filter(|key| value.get(key.as_str().unwrap()).is_none())
        {
            wrong.push(format!("{path}: no {key}"));
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        wrong.extend(refused(&schema["items"], item, &format!("{path}.{index}")));
    }
    for (key, item) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        if let Some(names) = schema.get("propertyNames") {
            wrong.extend(refused(names, &json!(key), &path));
        }
        match schema
            .get("properties")
            .and_then(|known| known.get(key))
            .or(schema.get("additionalProperties"))
        {
            Some(Value::Bool(false)) => wrong.push(format!("{path}: unknown")),
            Some(inner) => wrong.extend(refused(inner, item, &path)),
            None => (),
        }
    }
    wrong
}

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

/// The keys of the schema that none of the values has.
fn unwritten(schema: &Value, values: &[&Value], path: &str, missing: &mut Vec<String>) {
    for (key, inner) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let below: Vec<&Value> = values.iter().filter_map(|value| value.get(key)).collect();
        let path = format!("{path}.{key}");
        match below.is_empty() {
            true => missing.push(path),
            false => unwritten(inner, &below, &path, missing),
        }
    }
    let inside: Vec<&Value> = match values.first() {
        Some(Value::Array(_)) => values
            .iter()
            .filter_map(|value| value.as_array())
            .flatten()
            .collect(),
        _ => values
            .iter()
            .filter_map(|value| value.as_object())
            .flat_map(|map| map.values())
            .collect(),
    };
    for inner in ["items", "additionalProperties"]
        .iter()
        .filter_map(|name| schema.get(name))
        .filter(|inner| inner.is_object())
    {
        unwritten(inner, &inside, path, missing);
    }
    for way in schema
        .get("anyOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let fitting: Vec<&Value> = values
            .iter()
            .filter(|value| refused(way, value, path).is_empty())
            .copied()
            .collect();
        unwritten(way, &fitting, path, missing);
    }
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
