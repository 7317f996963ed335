//! The README's reference of `cluster.yaml` says what the schema says: every key, its meaning, and its default.

use serde_json::Value;

#[test]
fn every_key_of_the_schema_is_in_the_readme_as_the_schema_describes_it() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let mut rows = Vec::new();
    collect_rows(&reconcile::spec::schema::json_schema(), &mut rows);
    assert!(
        rows.len() > 60,
        "only {} keys were found in the schema",
        rows.len()
    );
    let missing: Vec<_> = rows
        .iter()
        .filter(|(key, meaning)| !has_row(&readme, key, meaning))
        .collect();
    assert!(
        missing.is_empty(),
        "not in the README's tables: {missing:#?}"
    );
}

fn has_row(readme: &str, key: &str, meaning: &str) -> bool {
    let (start, end) = (
        format!("| `{key}` |"),
        format!("| {} |", meaning.replace('|', "\\|")),
    );
    readme
        .lines()
        .any(|line| line.starts_with(&start) && line.ends_with(&end))
}

fn collect_rows(schema: &Value, rows: &mut Vec<(String, String)>) {
    match schema {
        Value::Object(object) => {
            if let Some(properties) = object.get("properties").and_then(Value::as_object) {
                for (key, value) in properties {
                    if let Some(meaning) = value.get("description").and_then(Value::as_str) {
                        rows.push((key.clone(), meaning.to_owned()));
                    }
                }
            }
            object.values().for_each(|value| collect_rows(value, rows));
        }
        Value::Array(list) => list.iter().for_each(|value| collect_rows(value, rows)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
