//! Values that are handed on to shells and schedulers as they are.

use crate::config::yaml::{Value, Yaml};
use crate::error::IoError;
use crate::messages::excerpt;

/// A list of lines, or a single one. Each of the options is a line of a script; those of `setup` are a script.
pub fn lines(key: &str, value: &Value<'_>) -> Result<Vec<String>, IoError> {
    let line = |item: &Value<'_>| {
        let line = if key == "options" {
            item.name()
        } else {
            item.text()
        };
        line.map(str::to_owned)
    };
    match value.items() {
        Ok(items) => items.iter().map(line).collect(),
        Err(_) => Ok(vec![line(value)?]),
    }
}

/// A name that a shell takes for a variable.
pub fn variable(name: &str, value: &Value<'_>) -> Result<String, IoError> {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(name.to_owned());
    }
    Err(value.error(
        format!("`{}` is not a valid variable name", excerpt(name)),
        "use letters, digits and _",
    ))
}

/// A YAML value as JSON; plain words as what they stand for.
pub fn json(value: &Value<'_>) -> serde_json::Value {
    if let Ok(entries) = value.entries() {
        let pair = |(key, value): &(&str, Value<'_>)| ((*key).to_owned(), json(value));
        return serde_json::Value::Object(entries.iter().map(pair).collect());
    }
    if let Ok(items) = value.items() {
        return items.iter().map(json).collect();
    }
    match value.to_yaml() {
        Yaml::Scalar(word) if !word.starts_with(['"', '\'']) => {
            serde_json::from_str(&word).unwrap_or_else(|_| word.as_str().into())
        }
        _ => value.text().unwrap_or_default().into(),
    }
}
