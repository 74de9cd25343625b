//! What differs between two JSON values.

use serde_json::Value;

/// A place where two JSON values differ.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonDifference<'a> {
    /// Keys and positions that lead there; empty where the values as wholes differ.
    pub path: Vec<String>,
    /// What the first has there; null where it has nothing.
    pub from: &'a Value,
    /// What the second has there; null where it has nothing.
    pub to: &'a Value,
}

impl JsonDifference<'_> {
    /// The path in one word: `recipe.seed`, `leaves.3.weight`.
    #[must_use]
    pub fn place(&self) -> String {
        self.path.join(".")
    }
}

/// How arrays are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrayDifference {
    /// Two arrays that differ are one difference.
    Whole,
    /// Arrays of equal length are compared element by element; others are one difference.
    ByElement,
}

/// The places where two values differ. Objects are compared key by key, those of the first value in its
/// order, then those that only the second has. A key that is absent equals one that is null.
#[must_use]
pub fn json_differences<'a>(
    from: &'a Value,
    to: &'a Value,
    arrays: ArrayDifference,
) -> Vec<JsonDifference<'a>> {
    let mut found = Vec::new();
    collect(&mut Vec::new(), from, to, arrays, &mut found);
    found
}

fn collect<'a>(
    path: &mut Vec<String>,
    from: &'a Value,
    to: &'a Value,
    arrays: ArrayDifference,
    found: &mut Vec<JsonDifference<'a>>,
) {
    let mut below = |key: String, from, to| {
        path.push(key);
        collect(path, from, to, arrays, found);
        path.pop();
    };
    match (from, to) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                below(key.clone(), value, b.get(key).unwrap_or(&Value::Null));
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                below(key.clone(), &Value::Null, value);
            }
        }
        (Value::Array(a), Value::Array(b))
            if arrays == ArrayDifference::ByElement && a.len() == b.len() =>
        {
            for (i, (from, to)) in a.iter().zip(b).enumerate() {
                below(i.to_string(), from, to);
            }
        }
        _ if from == to => {}
        _ => found.push(JsonDifference {
            path: path.clone(),
            from,
            to,
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(from: &Value, to: &Value, arrays: ArrayDifference) -> Vec<String> {
        let found = json_differences(from, to, arrays);
        found.iter().map(JsonDifference::place).collect()
    }

    #[test]
    fn json_differences_come_in_the_order_of_the_first_value_with_their_paths() {
        let from = json!({"z": {"seed": 42, "steps": 3}, "a": [1, 2], "gone": true, "same": "x"});
        let to = json!({"a": [1, 3], "z": {"steps": 4, "seed": 43}, "same": "x", "new": null, "newer": 1});
        let by_element = places(&from, &to, ArrayDifference::ByElement);
        assert_eq!(by_element, ["z.seed", "z.steps", "a.1", "gone", "newer"]);
        let whole = places(&from, &to, ArrayDifference::Whole);
        assert_eq!(whole, ["z.seed", "z.steps", "a", "gone", "newer"]);
        let found = json_differences(&from, &to, ArrayDifference::Whole);
        assert_eq!((found[0].from, found[0].to), (&json!(42), &json!(43)));
        assert_eq!((found[3].from, found[3].to), (&json!(true), &Value::Null));
    }

    #[test]
    fn json_arrays_of_different_lengths_are_one_difference() {
        let (from, to) = (json!([1, 2, 3]), json!([1, 2]));
        for arrays in [ArrayDifference::Whole, ArrayDifference::ByElement] {
            let found = json_differences(&from, &to, arrays);
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].place(), "");
        }
    }

    #[test]
    fn equal_json_values_have_no_differences() {
        let value = json!({"a": [1, {"b": null}], "c": "d"});
        for arrays in [ArrayDifference::Whole, ArrayDifference::ByElement] {
            assert!(json_differences(&value, &value, arrays).is_empty());
        }
    }
}
