//! Our reading of YAML against that of `PyYAML`, on documents in many styles.

use std::path::Path;
use std::process::Command;

use olmix_io::yaml::{Document, Value};
use olmix_io::{IoError, Location};
use serde_json::Value as Json;

use crate::common::python;

/// Documents that are compared; half as many again are mutations of them.
const DOCUMENTS: &str = "900";

#[test]
fn yaml_is_read_with_the_values_and_positions_of_pyyaml() {
    let Some(python) = python::python() else {
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/yaml_documents.py");
    let done = Command::new(python)
        .arg(script)
        .args(["--count", DOCUMENTS, "--seed", "18"])
        // A folder of further configs, such as the reference's, may be compared too.
        .args(std::env::var_os("OLMIX_YAML"))
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let lines = String::from_utf8(done.stdout).unwrap();
    let (mut documents, mut wrong) = (0, Vec::new());
    for line in lines.lines() {
        let expected: Json = serde_json::from_str(line).unwrap();
        let text = expected["text"].as_str().unwrap();
        documents += 1;
        if let Err(why) = compare(text, &expected["root"]) {
            wrong.push(format!("{}: {why}\n{text}", expected["name"]));
        }
    }
    assert!(documents >= 900, "{documents}");
    let some = wrong.iter().take(5).cloned().collect::<Vec<_>>();
    assert!(
        wrong.is_empty(),
        "{} of {documents} documents are read differently:\n{}",
        wrong.len(),
        some.join("\n------\n")
    );
}

fn compare(text: &str, expected: &Json) -> Result<(), String> {
    let document = Document::parse("c.yaml", text).map_err(|error| error.to_string())?;
    node(&document.root(), expected)
}

fn node(value: &Value<'_>, expected: &Json) -> Result<(), String> {
    let path = value.path();
    let wrong = |what: &str| Err(format!("`{path}` is not {what} {expected}"));
    match expected["kind"].as_str().unwrap() {
        "map" => {
            let entries = value.entries().map_err(|error| error.to_string())?;
            let wanted = expected["entries"].as_array().unwrap();
            if entries.len() != wanted.len() {
                return wrong("the mapping");
            }
            for pair in wanted {
                let found = entries.iter().find(|(key, _)| *key == pair[0]);
                match found {
                    Some((_, value)) => node(value, &pair[1])?,
                    None => return wrong("a mapping with the key of"),
                }
            }
        }
        "list" => {
            let items = value.items().map_err(|error| error.to_string())?;
            let wanted = expected["items"].as_array().unwrap();
            if items.len() != wanted.len() {
                return wrong("the list");
            }
            for (item, wanted) in items.iter().zip(wanted) {
                node(item, wanted)?;
            }
        }
        "null" => {
            return if value.is_null() {
                Ok(())
            } else {
                wrong("null")
            };
        }
        kind => {
            let text = expected["text"].as_str().unwrap();
            if value.text().ok() != Some(text) {
                return wrong("the text of");
            }
            let number = || expected["value"].as_f64();
            let right = match kind {
                "bool" => value.boolean().ok() == expected["value"].as_bool(),
                // Numbers to the base 8, 16 and 60 are not numbers here, or to the base 10; nor is `1_`.
                "int" | "float" if unusual(text) => true,
                "int" | "float" => value.number().ok() == number(),
                _ => true,
            };
            if !right {
                return wrong("the value of");
            }
            let at = |i: usize| expected["at"][i].as_u64();
            let Some((line, column)) = at(0).zip(at(1)) else {
                return Ok(());
            };
            if value.location() != (Location::Position { line, column }) {
                return Err(format!("`{path}` is at {:?}: {expected}", value.location()));
            }
        }
    }
    Ok(())
}

fn unusual(number: &str) -> bool {
    let digits = number.trim_start_matches(['+', '-']);
    let leading_zero = digits.starts_with('0')
        && digits
            .as_bytes()
            .get(1)
            .is_some_and(|b| *b != b'.' && *b != b'e');
    number.contains(':')
        || leading_zero
        || number.contains("inf")
        || number.contains("nan")
        || number.ends_with('_')
}

fn message(text: &str) -> String {
    let parsed = Document::parse("c.yaml", text);
    let error: IoError = parsed.map(|_| ()).unwrap_err();
    error.to_string()
}

#[test]
fn errors_behind_a_bracket_in_its_keys_column_name_the_place_in_the_file() {
    let config = "filtering:\n  drop_metrics: [\n  'a',\n  ]\n  b: 1\n  b: 2\n";
    assert!(
        message(config).starts_with("c.yaml:6:3: the key `b` occurs twice"),
        "{}",
        message(config)
    );
    let config = "a: [\n'x', 'y\n  ]\nb: 1\n";
    assert!(
        message(config).starts_with("c.yaml:"),
        "{}",
        message(config)
    );
    assert!(
        message(config).contains("not valid YAML"),
        "{}",
        message(config)
    );
}
