//! Metrics as JSON, as trainers write them.

use std::path::Path;

use serde_json::Value;

/// What a metrics file may weigh; a thousand metrics take some 50 KiB.
const MOST_BYTES: u64 = 64 << 20;

/// Metrics that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadMetrics {
    /// There is no file.
    Missing,
    /// There is one, but not with what is wanted: a sentence.
    Wrong(String),
}

/// Reads metrics: an object of names and numbers, or one with such an object as `metrics`. Names inside
/// objects are joined by `/`. Texts and booleans are no metrics, and passed over.
///
/// # Errors
/// [`BadMetrics`] for no file, no JSON, no metric at all, and for one that is not finite.
pub fn read(path: &Path) -> Result<Vec<(String, f64)>, BadMetrics> {
    let (metrics, not_finite) = read_all(path)?;
    if let Some(name) = not_finite.first() {
        let more = match not_finite.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        return Err(BadMetrics::Wrong(format!(
            "`{name}` is not a finite number{more}"
        )));
    }
    Ok(metrics)
}

/// As [`read`], with the names of metrics that are not finite beside those that are.
pub fn read_all(path: &Path) -> Result<(Vec<(String, f64)>, Vec<String>), BadMetrics> {
    let wrong = |message: String| BadMetrics::Wrong(message);
    let size = match std::fs::metadata(path) {
        Ok(found) if found.is_file() => found.len(),
        _ => return Err(BadMetrics::Missing),
    };
    if size > MOST_BYTES {
        return Err(wrong(format!("the file has {size} bytes, too many")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    parse(&text).map_err(BadMetrics::Wrong)
}

/// The metrics in a text.
pub fn parse(text: &str) -> Result<(Vec<(String, f64)>, Vec<String>), String> {
    let value = serde_json::from_str(text)
        .or_else(|error| serde_json::from_str(&without_nan(text)).map_err(|_| error));
    let value: Value = value.map_err(|error| format!("not JSON: {error}"))?;
    let Value::Object(map) = &value else {
        return Err("the JSON is not an object of names and numbers".into());
    };
    let map = match map.get("metrics") {
        Some(Value::Object(inner)) => inner,
        _ => map,
    };
    let (mut metrics, mut not_finite) = (Vec::new(), Vec::new());
    flatten("", map, &mut metrics, &mut not_finite);
    if metrics.is_empty() && not_finite.is_empty() {
        return Err("there is no number in it".into());
    }
    Ok((metrics, not_finite))
}

fn flatten(
    above: &str,
    map: &serde_json::Map<String, Value>,
    metrics: &mut Vec<(String, f64)>,
    not_finite: &mut Vec<String>,
) {
    for (key, value) in map {
        let name = if above.is_empty() {
            key.clone()
        } else {
            format!("{above}/{key}")
        };
        match value {
            Value::Number(number) => match number.as_f64().filter(|x| x.is_finite()) {
                Some(number) => metrics.push((name, number)),
                None => not_finite.push(name),
            },
            // What writers make of a number that is not one.
            Value::Null => not_finite.push(name),
            Value::String(text) if text.parse::<f64>().is_ok_and(|x| !x.is_finite()) => {
                not_finite.push(name);
            }
            Value::Object(inner) => flatten(&name, inner, metrics, not_finite),
            _ => {}
        }
    }
}

/// Python writes `NaN` and `Infinity`, which are no JSON: they become nulls, outside of strings.
fn without_nan(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    let mut quoted = false;
    while let Some(c) = rest.chars().next() {
        let word = ["-Infinity", "Infinity", "NaN"]
            .into_iter()
            .find(|word| !quoted && rest.starts_with(word));
        if let Some(word) = word {
            result += "null";
            rest = &rest[word.len()..];
            continue;
        }
        let taken = match c {
            // An escaped character can't end the string.
            '\\' if quoted => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => c.len_utf8(),
        };
        quoted ^= c == '"';
        result += &rest[..taken];
        rest = &rest[taken..];
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_flat_or_nested_and_ours_stand_inside() {
        let flat = parse(r#"{"a": 1, "b": {"c": 2.5, "d": {"e": -1}}, "model": "x", "ok": true}"#);
        let expected = [("a", 1.0), ("b/c", 2.5), ("b/d/e", -1.0)];
        assert_eq!(
            flat.unwrap().0,
            expected.map(|(name, x)| (name.to_owned(), x))
        );
        let ours = parse(r#"{"format": "olmix metrics", "version": 1, "metrics": {"x": 3}}"#);
        assert_eq!(ours.unwrap().0, [("x".to_owned(), 3.0)]);
    }

    #[test]
    fn numbers_that_are_not_finite_are_named_however_they_are_written() {
        let text = r#"{"NaN \" NaN": 1, "a": NaN, "b": [-Infinity], "c": Infinity, "d": null, "e": "nan", "f": "Infinity"}"#;
        let (metrics, not_finite) = parse(text).unwrap();
        assert_eq!(metrics, [("NaN \" NaN".to_owned(), 1.0)]);
        assert_eq!(not_finite, ["a", "c", "d", "e", "f"]);
    }

    #[test]
    fn files_without_metrics_are_refused_with_what_they_hold() {
        for (text, expected) in [
            ("loss: 1", "not JSON: "),
            ("", "not JSON: "),
            ("[1]", "not an object of names and numbers"),
            ("{}", "there is no number"),
            (r#"{"metrics": {"a": "b"}}"#, "there is no number"),
        ] {
            assert!(parse(text).unwrap_err().contains(expected), "{text}");
        }
        assert_eq!(read(Path::new("nowhere.json")), Err(BadMetrics::Missing));
    }
}
