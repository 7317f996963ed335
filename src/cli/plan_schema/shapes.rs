//! The shapes of values, as a JSON Schema writes them. Pure.

use serde_json::{Map, Value, json};

/// An object that has these keys.
pub(super) fn object(about: &str, keys: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let keys: Vec<(&str, Value)> = keys.into_iter().collect();
    let required: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
    let properties: Map<String, Value> = keys
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    json!({ "description": about, "type": "object", "properties": properties, "required": required })
}

/// A key that an object may have.
pub(super) fn add(object: &mut Value, key: &str, value: Value) {
    object["properties"][key] = value;
}

pub(super) fn or_null(value: Value) -> Value {
    json!({ "anyOf": [{ "type": "null" }, value] })
}

pub(super) fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

pub(super) fn word(about: &str, examples: &[&str]) -> Value {
    json!({ "type": "string", "pattern": "^[a-z_-]+$", "description": about, "examples": examples })
}

pub(super) fn flag(about: &str) -> Value {
    json!({ "type": "boolean", "description": about })
}

pub(super) fn count(about: &str) -> Value {
    json!({ "type": "integer", "minimum": 0, "description": about })
}

pub(super) fn id() -> Value {
    json!({ "type": "integer", "minimum": 1, "description": "The number of an action." })
}

pub(super) fn line() -> Value {
    let line = json!({ "type": "integer", "minimum": 1, "description": "The line of the file that asks for it." });
    or_null(line)
}

/// RFC 3339, in UTC.
pub(super) fn moment(about: &str) -> Value {
    json!({ "type": "string", "format": "date-time", "pattern": "^[0-9-]+T[0-9:.]+Z$", "description": about })
}

pub(super) fn list(about: &str, items: Value) -> Value {
    json!({ "type": "array", "items": items, "description": about })
}
