//! What the user's own template makes of an event.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::engine::{self, Variables};
use super::{RenderError, redact};
use crate::model::desired::Template;
use crate::model::event::Event;
use crate::model::secret::Secret;

/// The text for an event. What is wrong with the template is told without secrets.
pub fn event(
    template: &Template,
    event: &Event,
    secrets: &BTreeMap<String, Secret>,
) -> Result<String, RenderError> {
    let mut variables = match serde_json::to_value(event) {
        Ok(Value::Object(variables)) => variables,
        Ok(_) | Err(_) => Map::new(),
    };
    let secret: Map<String, Value> = secrets
        .iter()
        .map(|(name, secret)| (name.clone(), json!(secret.reveal())))
        .collect();
    variables.insert("line".to_owned(), json!(event.line()));
    variables.insert("secret".to_owned(), Value::Object(secret));
    let rendered = engine::render(template, &Variables::new(Value::Object(variables)));
    rendered.map_err(|error| RenderError {
        message: redact(&error.message, secrets),
        ..error
    })
}
