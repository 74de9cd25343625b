//! Metrics as JSON, as trainers and evaluation programs write them.

mod harness;
mod olmes;
mod python_json;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use olmix_io::metrics_meta::Direction;
use serde_json::{Map, Value};

pub use olmes::lines as olmes_lines;
pub use python_json::value as json_value;

/// What a metrics file may weigh; a thousand metrics take some 50 KiB, and results of the evaluation harness
/// repeat the configuration of every task.
const MOST_BYTES: u64 = 64 << 20;

/// Metrics that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadMetrics {
    /// There is no file.
    Missing,
    /// There is one, but not with what is wanted: a sentence.
    Wrong(String),
}

/// The metrics of one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    /// Names and finite numbers, in the order of the file.
    pub numbers: Vec<(String, f64)>,
    /// Names of what is NaN or infinite.
    pub not_finite: Vec<String>,
    /// Names of what is null: perhaps a number that its writer could not write, perhaps a setting that is not
    /// set.
    pub nulls: Vec<String>,
    /// Which way metrics are better, where the file says so.
    pub directions: BTreeMap<String, Direction>,
    /// Names of metrics that say again what others of the file say: a group's mean, a perplexity beside its
    /// bits per byte.
    pub repeats: BTreeSet<String>,
}

/// Reads the metrics of a finished run: an object of names and numbers, our own format, results of
/// lm-evaluation-harness, or `metrics.json` of olmes. Names inside objects are joined by `/`. Texts, booleans,
/// nulls and lists are no metrics, and passed over.
///
/// # Errors
/// [`BadMetrics`] for no file, no JSON, no metric at all, and for one that is not finite.
pub fn read(path: &Path) -> Result<Vec<(String, f64)>, BadMetrics> {
    let metrics = read_all(path)?;
    if let Some(name) = metrics.not_finite.first() {
        let more = match metrics.not_finite.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        return Err(BadMetrics::Wrong(format!(
            "`{name}` is not a finite number{more}"
        )));
    }
    match metrics.nulls.first() {
        Some(name) if metrics.numbers.is_empty() => Err(BadMetrics::Wrong(format!(
            "`{name}` is null, and there is no number"
        ))),
        _ => Ok(metrics.numbers),
    }
}

/// As [`read`], with the names of metrics that are not finite beside those that are.
pub fn read_all(path: &Path) -> Result<Metrics, BadMetrics> {
    text(path).and_then(|text| parse(&text).map_err(BadMetrics::Wrong))
}

/// The text of a file that may hold metrics, without a byte order mark.
pub fn text(path: &Path) -> Result<String, BadMetrics> {
    let wrong = |message: String| BadMetrics::Wrong(message);
    let size = match std::fs::metadata(path) {
        Ok(found) if found.is_file() => found.len(),
        _ => return Err(BadMetrics::Missing),
    };
    if size > MOST_BYTES {
        return Err(wrong(format!("the file has {size} bytes, too many")));
    }
    let text = olmix_fs::read_text_bounded(path).map_err(|error| wrong(error.to_string()))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => text,
    })
}

/// The metrics in a text.
pub fn parse(text: &str) -> Result<Metrics, String> {
    let value = json_value(text).map_err(|error| format!("not JSON: {error}"))?;
    let Value::Object(map) = &value else {
        return Err("the JSON is not an object of names and numbers".into());
    };
    if !is_intact(map) {
        return Err(
            "it is damaged: its content is not what its `sha256` says; measure again".into(),
        );
    }
    let foreign = harness::read(map).or_else(|| olmes::read(map));
    let found = foreign.unwrap_or_else(|| {
        let mut found = Metrics::default();
        found.add("", own(map).unwrap_or(map));
        found
    });
    if found.numbers.is_empty() && found.not_finite.is_empty() && found.nulls.is_empty() {
        return Err("there is no number in it".into());
    }
    Ok(found)
}

/// Whether what our own format says of itself is so; what has no checksum is taken as it is. Ours is known by
/// more than one key, since any of them may be what is damaged.
fn is_intact(map: &Map<String, Value>) -> bool {
    let format = map.get("format").and_then(Value::as_str);
    let ours = format.is_some_and(|format| format.starts_with("olmix"))
        || (map.contains_key("version") && map.contains_key("metrics"));
    let Some(Value::String(sum)) = map.get("sha256").filter(|_| ours) else {
        return true;
    };
    let mut content = map.clone();
    content.shift_remove("sha256");
    olmix_io::sha256_hex(Value::Object(content).to_string().as_bytes()) == *sum
}

/// The metrics of our own format, or of a file that has nothing else. Beside other keys, `metrics` is an object
/// like any other.
fn own(map: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let Some(Value::Object(inner)) = map.get("metrics") else {
        return None;
    };
    let format = map.get("format").and_then(Value::as_str);
    (format.is_some_and(|format| format.starts_with("olmix")) || map.len() == 1).then_some(inner)
}

impl Metrics {
    /// Adds what an object has, under the name of what it is in.
    pub fn add(&mut self, above: &str, map: &Map<String, Value>) {
        // An image, table or histogram of Weights & Biases has a size and a count, which measure nothing.
        if map.contains_key("_type") {
            return;
        }
        for (key, value) in map {
            self.add_value(joined(above, key), value);
        }
    }

    /// Adds a value of any kind under a name.
    pub fn add_value(&mut self, name: String, value: &Value) {
        match value {
            Value::Number(number) => match number.as_f64().filter(|x| x.is_finite()) {
                Some(number) => self.numbers.push((name, number)),
                None => self.not_finite.push(name),
            },
            Value::Null => self.nulls.push(name),
            Value::String(text) if python_json::is_not_finite(text) => self.not_finite.push(name),
            Value::Object(inner) => self.add(&name, inner),
            _ => {}
        }
    }
}

/// A name inside another.
pub fn joined(above: &str, key: &str) -> String {
    if above.is_empty() {
        key.to_owned()
    } else {
        format!("{above}/{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(numbers: &[(&str, f64)]) -> Vec<(String, f64)> {
        let owned = |(name, x): &(&str, f64)| ((*name).to_owned(), *x);
        numbers.iter().map(owned).collect()
    }

    #[test]
    fn metrics_are_flat_or_nested_and_ours_stand_inside() {
        let flat = parse(r#"{"a": 1, "b": {"c": 2.5, "d": {"e": -1}}, "model": "x", "ok": true}"#);
        let expected = [("a", 1.0), ("b/c", 2.5), ("b/d/e", -1.0)];
        assert_eq!(flat.unwrap().numbers, named(&expected));
        for ours in [
            r#"{"format": "olmix metrics", "version": 1, "metrics": {"x": 3}}"#,
            r#"{"metrics": {"x": 3}}"#,
        ] {
            assert_eq!(parse(ours).unwrap().numbers, named(&[("x", 3.0)]));
        }
    }

    #[test]
    fn a_flipped_bit_in_our_own_metrics_is_refused_or_changes_nothing() {
        let content =
            r#"{"format":"olmix metrics","version":2,"metrics":{"arc":1.25,"web:bpb":0.1}}"#;
        let sum = olmix_io::sha256_hex(content.as_bytes());
        let text = content.replace("}}", &format!("}},\n  \"sha256\": \"{sum}\"\n}}"));
        let whole = parse(&text).unwrap().numbers;
        assert_eq!(whole, named(&[("arc", 1.25), ("web:bpb", 0.1)]));
        let mut unchanged = 0;
        for bit in 0..8 * text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // What is no UTF-8 is refused before it comes here.
            let Ok(flipped) = String::from_utf8(bytes) else {
                continue;
            };
            if let Ok(found) = parse(&flipped) {
                assert_eq!(found.numbers, whole, "{flipped}");
                unchanged += 1;
            }
        }
        // The name of the checksum itself, and blanks.
        assert!(unchanged < 60, "{unchanged}");
    }

    #[test]
    fn an_object_metrics_beside_other_keys_loses_none_of_them() {
        let found = parse(r#"{"metrics": {"grad_norm": 1}, "eval/bpb": 2}"#).unwrap();
        let expected = [("metrics/grad_norm", 1.0), ("eval/bpb", 2.0)];
        assert_eq!(found.numbers, named(&expected));
    }

    #[test]
    fn numbers_that_are_not_finite_are_named_however_they_are_written() {
        let text = r#"{"NaN \" NaN": 1, "a": NaN, "b": [-Infinity], "c": Infinity, "d": null, "e": "nan", "f": "Infinity"}"#;
        let found = parse(text).unwrap();
        assert_eq!(found.numbers, named(&[("NaN \" NaN", 1.0)]));
        assert_eq!(found.not_finite, ["a", "c", "e", "f"]);
        assert_eq!(found.nulls, ["d"]);
    }

    #[test]
    fn media_objects_of_weights_and_biases_are_no_metrics() {
        let found =
            parse(r#"{"loss": 1, "table": {"_type": "table-file", "ncols": 3, "size": 9}}"#);
        assert_eq!(found.unwrap().numbers, named(&[("loss", 1.0)]));
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

    #[test]
    fn a_finished_run_may_have_nulls_beside_its_numbers_but_not_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.json");
        let with = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read(&path)
        };
        let some = with("\u{feff}{\"eval\": {\"loss\": 2, \"note\": null}}");
        assert_eq!(some, Ok(named(&[("eval/loss", 2.0)])));
        let none = with("{\"loss\": null}");
        assert_eq!(
            none,
            Err(BadMetrics::Wrong(
                "`loss` is null, and there is no number".into()
            ))
        );
    }
}
