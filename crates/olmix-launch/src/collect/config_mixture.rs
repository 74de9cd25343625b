//! The mixture of a run in its tracker's configuration, in the shapes that people give it.
//!
//! | shape | example |
//! | --- | --- |
//! | a mapping | `mixture: {web: 0.7, code: 0.3}` |
//! | the same, of groups | `mixture: {web: {science: 0.3, news: 0.4}, code: 0.3}` gives `web:science` |
//! | the same, with more about each domain | `mixture: {web: {weight: 0.7, path: …}, code: {weight: 0.3, path: …}}` |
//! | a list | `mixture: [{name: web, weight: 0.7}, {name: code, weight: 0.3}]` |
//! | any of these as text | `mixture: "{'web': 0.7, 'code': 0.3}"` |
//! | a key for each domain | `mixture/web: 0.7`, `mixture/code: 0.3`, or with `.` |

use std::collections::BTreeMap;
use std::path::Path;

use olmix_io::yaml::{Document, Value as Yaml};
use serde_json::{Map, Value};

use super::recording::same;
use super::run::Mixture;

/// Keys that a mixture stands under, at any depth; `-` and capitals make no difference.
pub(super) const KEYS: [&str; 9] = [
    "mixture",
    "mix",
    "data_mixture",
    "data_mix",
    "mixture_weights",
    "mixture_ratios",
    "domain_weights",
    "data_weights",
    "sampling_weights",
];

/// Keys of a domain's name and weight, in lists of objects.
const NAMES: [&str; 5] = ["name", "domain", "source", "dataset", "label"];
const WEIGHTS: [&str; 7] = [
    "weight",
    "ratio",
    "proportion",
    "share",
    "fraction",
    "prob",
    "probability",
];

/// How far a sum may be from 1, or from 100 in percent.
const TOLERANCE: f64 = 0.01;

/// How deep configs are looked through.
const DEPTH: usize = 8;

/// The mixture of a configuration, if it has one.
///
/// # Errors
/// A sentence, for weights that sum to neither 1 nor 100, for a domain that is named twice, and for two mixtures that
/// differ.
pub(super) fn find(config: &Map<String, Value>) -> Result<Option<Mixture>, String> {
    let mut candidates = Vec::new();
    look("", config, DEPTH, &mut candidates);
    let mut found: Option<(String, Mixture)> = None;
    let mut wrong = None;
    for (key, candidate) in candidates {
        match (candidate.and_then(|mixture| scaled(&key, mixture)), &found) {
            (Ok(mixture), Some((other, one))) if !same(one, &mixture) => {
                return Err(format!(
                    "its config has two mixtures, `{other}` and `{key}`, which differ"
                ));
            }
            (Ok(mixture), None) => found = Some((key, mixture)),
            (Ok(_), Some(_)) => {}
            (Err(what), _) => wrong = wrong.or(Some(what)),
        }
    }
    match (found, wrong) {
        (Some((_, mixture)), _) => Ok(Some(mixture)),
        (None, Some(what)) => Err(what),
        (None, None) => Ok(None),
    }
}

/// Whether a key is one that a mixture stands under.
fn is_key(key: &str) -> bool {
    let plain = key.trim().to_lowercase().replace('-', "_");
    KEYS.contains(&plain.as_str())
}

/// Gathers what may be mixtures: under a key, and of keys for each domain.
fn look(
    above: &str,
    map: &Map<String, Value>,
    depth: usize,
    candidates: &mut Vec<(String, Result<Mixture, String>)>,
) {
    let path = |key: &str| {
        if above.is_empty() {
            key.to_owned()
        } else {
            format!("{above}.{key}")
        }
    };
    let mut flat: BTreeMap<String, Mixture> = BTreeMap::new();
    for (key, value) in map {
        let last = key.rsplit(['/', '.']).next().unwrap_or(key);
        if is_key(last) {
            let name = path(key);
            match mixture_of(&name, value) {
                Some(mixture) => candidates.push((name, mixture)),
                None => look_inside(&name, value, depth, candidates),
            }
        } else if let (Some((prefix, domain)), Some(weight)) = (split(key), number_of(value)) {
            flat.entry(path(prefix))
                .or_default()
                .push((domain.to_owned(), weight));
        } else {
            look_inside(&path(key), value, depth, candidates);
        }
    }
    candidates.extend(flat.into_iter().map(|(key, mixture)| (key, Ok(mixture))));
}

fn look_inside(
    path: &str,
    value: &Value,
    depth: usize,
    candidates: &mut Vec<(String, Result<Mixture, String>)>,
) {
    if let (Value::Object(inner), true) = (value, depth > 0) {
        look(path, inner, depth - 1, candidates);
    }
}

/// `data/mixture` and `web` of `data/mixture/web`.
fn split(key: &str) -> Option<(&str, &str)> {
    let mut begin = 0;
    for (end, separator) in key.match_indices(['/', '.']) {
        if is_key(&key[begin..end]) {
            let domain = &key[end + separator.len()..];
            return (!domain.is_empty()).then(|| (&key[..end], domain));
        }
        begin = end + separator.len();
    }
    None
}

/// A number, or a text that is one: some trackers keep texts alone.
fn number_of(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

/// The weights in a value, where it has the shape of a mixture.
fn mixture_of(key: &str, value: &Value) -> Option<Result<Mixture, String>> {
    let mut mixture = Vec::new();
    let shaped = match value {
        Value::Object(map) => add_mapping("", map, &mut mixture),
        Value::Array(items) => add_list(items, &mut mixture),
        Value::String(text) if text.contains(['{', '[']) => {
            let document = Document::parse(key, text).ok()?;
            let inner = json_of(&document.root());
            return (!inner.is_string()).then(|| mixture_of(key, &inner))?;
        }
        _ => false,
    };
    if !shaped || mixture.is_empty() {
        return None;
    }
    let mut names: Vec<&str> = mixture.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
    Some(match twice {
        Some(pair) => Err(format!("its config's `{key}` names `{}` twice", pair[0])),
        None => Ok(mixture),
    })
}

fn add_mapping(above: &str, map: &Map<String, Value>, mixture: &mut Mixture) -> bool {
    map.iter().all(|(name, value)| {
        let full = if above.is_empty() {
            name.clone()
        } else {
            format!("{above}:{name}")
        };
        if let Some(weight) = number_of(value) {
            mixture.push((full, weight));
            return true;
        }
        let Value::Object(inner) = value else {
            return false;
        };
        if let Some(weight) = one_of(&WEIGHTS, inner).and_then(number_of) {
            mixture.push((full, weight));
            return true;
        }
        add_mapping(&full, inner, mixture)
    })
}

fn add_list(items: &[Value], mixture: &mut Mixture) -> bool {
    items.iter().all(|item| {
        let pair = match item {
            Value::Object(map) => one_of(&NAMES, map).zip(one_of(&WEIGHTS, map)),
            Value::Array(pair) if pair.len() == 2 => Some((&pair[0], &pair[1])),
            _ => None,
        };
        let pair = pair.and_then(|(name, weight)| Some((name.as_str()?, number_of(weight)?)));
        if let Some((name, weight)) = pair {
            mixture.push((name.to_owned(), weight));
        }
        pair.is_some()
    })
}

fn one_of<'v>(keys: &[&str], map: &'v Map<String, Value>) -> Option<&'v Value> {
    keys.iter().find_map(|key| map.get(*key))
}

/// The mixture as shares of 1.
fn scaled(key: &str, mixture: Mixture) -> Result<Mixture, String> {
    let sum: f64 = mixture.iter().map(|(_, weight)| weight).sum();
    if let Some((name, weight)) = mixture.iter().find(|(_, weight)| *weight < -1e-9) {
        return Err(format!(
            "its config's `{key}` gives `{name}` the weight {weight}"
        ));
    }
    let scale = if (sum - 1.0).abs() <= TOLERANCE {
        1.0
    } else if (sum - 100.0).abs() <= 100.0 * TOLERANCE {
        100.0
    } else {
        return Err(format!(
            "the weights in its config's `{key}` sum to {sum}, not to 1 or 100"
        ));
    };
    let share = |(name, weight): (String, f64)| (name, weight.max(0.0) / scale);
    Ok(mixture.into_iter().map(share).collect())
}

/// YAML as JSON: scalars that are numbers become numbers.
pub(super) fn json_of(value: &Yaml<'_>) -> Value {
    if let Ok(entries) = value.entries() {
        let pair = |(key, value): (&str, Yaml<'_>)| (key.to_owned(), json_of(&value));
        return Value::Object(entries.into_iter().map(pair).collect());
    }
    if let Ok(items) = value.items() {
        return Value::Array(items.iter().map(json_of).collect());
    }
    match (value.number(), value.text()) {
        (Ok(number), _) => number.into(),
        (_, Ok(text)) => text.into(),
        _ => Value::Null,
    }
}

/// A `config.yaml` of Weights & Biases or `SwanLab`: keys with plain values, or with `{value: …}`.
pub(super) fn file(path: &Path) -> Option<Map<String, Value>> {
    let text = olmix_fs::read_text_bounded(path).ok()?;
    let document = Document::parse(&path.display().to_string(), &text).ok()?;
    let entries = document.root().entries().ok()?;
    let value = |(key, value): (&str, Yaml<'_>)| {
        let value = json_of(&value);
        let inner = match value {
            Value::Object(mut map) if map.contains_key("value") => map.remove("value"),
            value => Some(value),
        };
        (key.to_owned(), inner.unwrap_or_default())
    };
    Some(entries.into_iter().map(value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Result<Option<Mixture>, String> {
        find(
            serde_json::from_str::<Value>(json)
                .unwrap()
                .as_object()
                .unwrap(),
        )
    }

    #[test]
    fn mixtures_are_found_in_the_usual_shapes_of_configs() {
        let expected = Ok(Some(vec![
            ("web".to_owned(), 0.75),
            ("code".to_owned(), 0.25),
        ]));
        for config in [
            r#"{"lr": 0.1, "mixture": {"web": 0.75, "code": 0.25}}"#,
            r#"{"data": {"mix": {"web": 0.75, "code": 0.25}, "seed": 3}}"#,
            r#"{"Data-Mixture": {"web": 75, "code": 25}}"#,
            r#"{"mixture/web": 0.75, "mixture/code": 0.25, "lr": 1}"#,
            r#"{"data.mixture.web": "0.75", "data.mixture.code": "0.25"}"#,
            r#"{"mixture": [{"name": "web", "weight": 0.75}, {"name": "code", "weight": 0.25}]}"#,
            r#"{"mix": [["web", 0.75], ["code", 0.25]]}"#,
            r#"{"mixture": "{\"web\": 0.75, \"code\": 0.25}"}"#,
            r#"{"mixture": "{'web': 0.75, 'code': 0.25}"}"#,
            r#"{"domain_weights": {"web": {"weight": 0.75, "path": "x"}, "code": {"weight": 0.25}}}"#,
            r#"{"mixture": {"web": 0.75, "code": 0.25}, "data": {"mix": {"code": 0.25, "web": 0.75}}}"#,
            r#"{"mixture": {"web": 0.75, "code": 0.25}, "mix": {"seed": 3}}"#,
        ] {
            assert_eq!(of(config), expected, "{config}");
        }
        let nested = of(r#"{"mixture": {"web": {"a": 0.5, "b": 0.25}, "code": 0.25}}"#);
        let names: Vec<String> = nested
            .unwrap()
            .unwrap()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["web:a", "web:b", "code"]);
    }

    #[test]
    fn ambiguous_and_impossible_mixtures_are_refused_with_their_keys() {
        for (config, expected) in [
            (
                r#"{"mixture": {"web": 1}, "data": {"mix": {"web": 0.5, "code": 0.5}}}"#,
                "two mixtures, `mixture` and `data.mix`",
            ),
            (
                r#"{"mixture": {"web": 2, "code": 1}}"#,
                "`mixture` sum to 3",
            ),
            (
                r#"{"mixture/web": 1.5, "mixture/code": -0.5}"#,
                "gives `code` the weight -0.5",
            ),
            (
                r#"{"mixture": [["web", 0.5], ["web", 0.5]]}"#,
                "names `web` twice",
            ),
        ] {
            let error = of(config).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        for config in [
            "{}",
            r#"{"mixture": "v3"}"#,
            r#"{"mix": {"seed": "x"}}"#,
            r#"{"mix": []}"#,
        ] {
            assert_eq!(of(config), Ok(None), "{config}");
        }
    }
}
