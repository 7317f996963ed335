//! The JSON Schema of scenario.yaml, for editors: the table of keys, and the verbs of events.

use serde_json::{Value, json};

use super::verbs::{ADDRESS, CONTROLLER, HOST, INSTANCE, SERVICE, Verb};
use super::{MACHINE, SCENARIO};
use crate::model::condition::HostCondition;
use crate::spec::schema;

/// A time from the start, or a span.
const MOMENT: &str = "^([0-9]+ ?(ms|s|m|h) ?)+$|^[0-9]+ ?d$";

/// The JSON Schema (2020-12) of scenario.yaml.
pub fn json_schema() -> Value {
    let mut whole = schema::object(&SCENARIO);
    whole["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    whole["title"] = json!("a scenario of reconcile rehearse");
    whole["properties"]["hosts"]["additionalProperties"] = schema::object(&MACHINE);
    whole["properties"]["events"]["items"] = event();
    let about = whole["properties"]["expect"]["description"].take();
    whole["properties"]["expect"] = expect();
    whole["properties"]["for"]["pattern"] = json!(MOMENT);
    whole["properties"]["expect"]["description"] = about;
    whole
}

fn event() -> Value {
    let side = json!({ "type": "array", "items": { "type": "string" } });
    json!({
        "type": "object",
        "required": ["at"],
        "minProperties": 2,
        "properties": {
            "at": {
                "type": "string",
                "pattern": MOMENT,
                "description": "When, from the start.",
            },
            "partition": {
                "description": "The sides into which the network falls apart; `none`: it is whole again. Whoever is not named is on the first side (a witness where clients are); who is named on two sees both.",
                "anyOf": [{ "const": "none" }, { "type": "array", "items": side, "minItems": 2 }],
            },
            "controller": happens("What happens to the controller.", &CONTROLLER),
            "command": { "type": "string", "description": "An operator's command, as it is typed.", "examples": ["drain b --reason 'new disks' --for 2h", "pause service/random --until 02:30", "fence confirm c", "rollback --undo"] },
            "edit": {
                "type": "object",
                "description": "An edit of cluster.yaml: dotted keys with their new values (nothing removes the key), or `file` with another file.",
            },
            "expect": expect(),
        },
        "patternProperties": {
            "^host [a-z0-9-]+$": happens("What happens to the host.", &HOST),
            "^instance [a-z0-9-]+$": happens("What happens to the instance.", &INSTANCE),
            "^service [a-z0-9-]+$": happens("What happens to the service or load balancer. `new state fails`: no instance comes up with the state of the file that comes into force at this moment, or next.", &SERVICE),
            "^address [0-9.]+$": happens("What happens to the address of a pool. `foreign`: a machine that is none of ours answers on it, until it is `free`.", &ADDRESS),
        },
        "additionalProperties": false,
    })
}

fn happens<T>(about: &str, verbs: &[Verb<T>]) -> Value {
    let words = verbs.iter().map(|verb| match verb {
        Verb::Plain(word, _) => (*word).to_owned(),
        Verb::Counted(word, _) => format!("{word}( [1-9][0-9]*)?"),
    });
    let pattern = format!("^({})$", words.collect::<Vec<_>>().join("|"));
    let examples: Vec<String> = verbs.iter().map(Verb::usage).collect();
    json!({ "type": "string", "pattern": pattern, "examples": examples, "description": about })
}

fn expect() -> Value {
    let span = json!({ "type": "string", "pattern": MOMENT });
    let states = HostCondition::ALL.map(|state| state.to_string());
    json!({
        "type": "object",
        "description": "What must be so.",
        "properties": { "converged": { "type": "boolean" } },
        "patternProperties": {
            "^vip [0-9.]+$": {
                "type": "object",
                "properties": {
                    "holder": { "type": "string" },
                    "held": { "type": "boolean" },
                    "downtime": span,
                },
                "additionalProperties": false,
            },
            "^host [a-z0-9-]+$": {
                "type": "object",
                "properties": { "state": { "enum": states } },
                "additionalProperties": false,
            },
        },
        "additionalProperties": {
            "type": "object",
            "properties": {
                "available": { "type": "integer", "minimum": 0 },
                "serving": { "type": "integer", "minimum": 0 },
                "downtime": span,
                "host": { "type": "string" },
                "serves": { "type": "boolean" },
            },
            "additionalProperties": false,
        },
    })
}
