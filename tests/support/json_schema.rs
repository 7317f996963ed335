//! As much of JSON Schema as our own schemas make use of, for tests: what of a value one refuses.

// Every test has its own copy of this module and uses another part of it.
#![allow(dead_code)]

use regex::Regex;
use serde_json::{Value, json};

/// What of `value` the schema refuses.
pub fn refused(schema: &Value, value: &Value, path: &str) -> Vec<String> {
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

/// The keys of the schema that none of the values has.
pub fn unwritten(schema: &Value, values: &[&Value], path: &str, missing: &mut Vec<String>) {
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

/// The same schema, to which every key that it does not know is an error.
pub fn strict(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(keys) => {
            if keys.contains_key("properties") {
                keys.entry("additionalProperties").or_insert(json!(false));
            }
            keys.values_mut()
                .for_each(|inner| *inner = strict(inner.take()));
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|inner| *inner = strict(inner.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    schema
}
