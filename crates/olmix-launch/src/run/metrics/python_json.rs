//! JSON as Python writes it, with numbers that are not finite.

use serde_json::Value;

/// Parses JSON. Bare `NaN`, `Infinity` and `-Infinity` become the texts of these words.
pub fn value(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text)
        .or_else(|error| serde_json::from_str(&with_quoted_words(text)).map_err(|_| error))
}

/// Whether a text is how a writer puts a number that is not finite.
pub fn is_not_finite(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|x| !x.is_finite())
}

/// The words that are no JSON, in quotes, where they stand outside of strings.
fn with_quoted_words(text: &str) -> String {
    let mut result = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut quoted = false;
    while let Some(c) = rest.chars().next() {
        let word = ["-Infinity", "Infinity", "NaN"]
            .into_iter()
            .find(|word| !quoted && rest.starts_with(word));
        if let Some(word) = word {
            result += "\"";
            result += word;
            result += "\"";
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
