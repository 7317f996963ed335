//! The JSON Schema of `cluster.yaml`, for editors. It is the table of keys in another notation.

use serde_json::{Map, Value, json};

use super::form::{Form, Key, Need, Object, Shape};
use super::keys::{CLUSTER, INCLUDED};

/// The JSON Schema (2020-12) of `cluster.yaml`.
pub fn json_schema() -> Value {
    let Value::Object(mut schema) = object(&CLUSTER) else {
        return Value::Null;
    };
    schema.insert(
        "$schema".into(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    schema.insert("title".into(), json!("cluster.yaml of reconcile"));
    Value::Object(schema)
}

/// The same of a file that it includes.
pub fn included_schema() -> Value {
    let mut schema = json_schema();
    schema["title"] = json!("a file that cluster.yaml of reconcile includes");
    schema["required"] = json!([]);
    if let Some(keys) = schema["properties"].as_object_mut() {
        keys.retain(|key, _| INCLUDED.contains(&key.as_str()));
    }
    schema
}

pub(super) fn object(object: &Object) -> Value {
    let properties: Map<String, Value> = object
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    let required: Vec<&str> = object
        .keys
        .iter()
        .filter(|key| key.need == Need::Required)
        .map(|key| key.name)
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(key: &Key) -> Value {
    let mut schema = shape(&key.shape);
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".into(), json!(key.about));
        if let Need::Default(text) = key.need {
            schema.insert("default".into(), default(&key.shape, text));
        }
    }
    schema
}

fn default(shape: &Shape, text: &str) -> Value {
    match shape {
        Shape::Flag | Shape::Number(..) => serde_json::from_str(text).unwrap_or(Value::Null),
        Shape::Either(shapes) => shapes
            .first()
            .map_or(Value::Null, |first| default(first, text)),
        Shape::Text(_)
        | Shape::Choice(_)
        | Shape::List(_)
        | Shape::Names(..)
        | Shape::Object(_) => json!(text),
    }
}

fn shape(shape: &Shape) -> Value {
    match shape {
        Shape::Text(form) => text(form),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Number(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Shape::Choice(words) => json!({ "enum": words }),
        Shape::List(item) => json!({ "type": ["array", "null"], "items": self::shape(item) }),
        Shape::Names(form, value) => json!({
            "type": ["object", "null"],
            "propertyNames": { "pattern": form.pattern },
            "additionalProperties": self::shape(value),
        }),
        Shape::Object(inner) => object(inner),
        Shape::Either(shapes) => {
            json!({ "anyOf": shapes.iter().map(self::shape).collect::<Vec<_>>() })
        }
    }
}

/// Texts keep what was written, so a text may also look like a number or a truth value.
fn text(form: &Form) -> Value {
    match form.pattern {
        "" => json!({ "type": ["string", "number", "boolean"], "examples": [form.example] }),
        pattern => {
            json!({ "type": "string", "pattern": pattern, "examples": [form.example] })
        }
    }
}

#[cfg(test)]
mod tests;
