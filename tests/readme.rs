//! The README's reference of `cluster.yaml` says what the schema says: every key, its meaning, and its default.

use serde_json::Value;

#[test]
fn every_key_of_the_schema_is_in_the_readme_as_the_schema_describes_it() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let mut rows: Vec<Row> = Vec::new();
    collect_rows(&reconcile::spec::schema::json_schema(), &mut rows);
    assert!(
        rows.len() > 60,
        "only {} keys were found in the schema",
        rows.len()
    );
    let missing: Vec<_> = rows.iter().filter(|row| !has_row(&readme, row)).collect();
    assert!(
        missing.is_empty(),
        "not in the README's tables: {missing:#?}"
    );
}

#[test]
fn every_verb_of_a_scenario_is_in_the_readme() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let schema = reconcile::spec::scenario::schema::json_schema();
    let event = &schema["properties"]["events"]["items"];
    let named = event["patternProperties"].as_object().unwrap().values();
    let verbs: Vec<&str> = named
        .chain([&event["properties"]["controller"]])
        .flat_map(|happens| happens["examples"].as_array().unwrap())
        .map(|verb| verb.as_str().unwrap())
        .collect();
    assert!(verbs.len() > 20, "only {verbs:?}");
    let missing = verbs.iter().filter(|v| !readme.contains(&format!("`{v}`")));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&&str>::new());
}

/// What the README has to say of a key.
#[derive(Debug)]
struct Row {
    key: String,
    meaning: String,
    /// The only words that it takes.
    words: Vec<String>,
}

fn has_row(readme: &str, row: &Row) -> bool {
    let (start, end) = (
        format!("| `{}` |", row.key),
        format!("| {} |", row.meaning.replace('|', "\\|")),
    );
    readme.lines().any(|line| {
        let words = || row.words.iter().all(|w| line.contains(&format!("`{w}`")));
        line.starts_with(&start) && line.ends_with(&end) && words()
    })
}

fn collect_rows(schema: &Value, rows: &mut Vec<Row>) {
    match schema {
        Value::Object(object) => {
            if let Some(properties) = object.get("properties").and_then(Value::as_object) {
                for (key, value) in properties {
                    if let Some(meaning) = value.get("description").and_then(Value::as_str) {
                        let words = value.get("enum").and_then(Value::as_array);
                        rows.push(Row {
                            key: key.clone(),
                            meaning: meaning.to_owned(),
                            words: words
                                .into_iter()
                                .flatten()
                                .filter_map(|word| word.as_str().map(str::to_owned))
                                .collect(),
                        });
                    }
                }
            }
            object.values().for_each(|value| collect_rows(value, rows));
        }
        Value::Array(list) => list.iter().for_each(|value| collect_rows(value, rows)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
