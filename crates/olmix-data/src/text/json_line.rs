//! The text of a document in a line of JSON Lines.
//!
//! A line is read by `serde_json` where it is JSON in all of its parts. Where it is not, [`lenient`] takes the
//! one field that is asked for, and passes over the others by their brackets and quotes: `NaN` in them, or half
//! a surrogate pair, is nobody's business, and Python writes both.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

/// The text of a line, empty where it is null. `field` is a name, or names joined by dots for fields of objects
/// in objects.
///
/// # Errors
/// Why the line is not a document.
pub(super) fn text_of(line: &[u8], field: &str) -> Result<String, String> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let read = json
        .deserialize_map(Field(field))
        .and_then(|text| json.end().map(|()| text));
    match read {
        Ok(Some(text)) => Ok(text),
        // What is wrong is found once more, with words for it.
        Ok(None) | Err(_) => lenient(line, field),
    }
}

/// Takes one field of an object, or of an object in it, and passes over the others.
#[derive(Clone, Copy)]
struct Field<'a>(&'a str);

impl<'de> Visitor<'de> for Field<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            if key == self.0 {
                found = Some(map.next_value::<Option<String>>()?.unwrap_or_default());
            } else if let Some(inner) = inside(self.0, &key) {
                found = map.next_value_seed(Field(inner))?.or(found);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = Option<String>;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

/// What is left of `doc.text` within `doc`.
fn inside<'a>(field: &'a str, key: &str) -> Option<&'a str> {
    field.strip_prefix(key)?.strip_prefix('.')
}

/// Takes one field of a line whose other parts need not be JSON.
fn lenient(line: &[u8], field: &str) -> Result<String, String> {
    let mut at = Scanner { line, at: 0 };
    let mut names = Vec::new();
    let found = at.object(field, &mut names)?;
    at.space();
    if at.at < line.len() {
        return Err(format!(
            "no JSON object with text: more follows at column {}",
            at.at + 1
        ));
    }
    found.ok_or_else(|| {
        format!(
            "there is no field `{field}`; there are: {}",
            names.join(", ")
        )
    })
}

/// A place in a line.
struct Scanner<'a> {
    line: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// What was expected here.
    fn wrong<T>(&self, expected: &str) -> Result<T, String> {
        match self.peek() {
            None => Err(format!(
                "no JSON object with text: the line ends before {expected}"
            )),
            Some(_) => Err(format!(
                "no JSON object with text: expected {expected} at column {}",
                self.at + 1
            )),
        }
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<(), String> {
        self.space();
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        self.wrong(what)
    }

    /// Goes through an object for a field, and notes the names of its fields.
    fn object(&mut self, field: &str, names: &mut Vec<String>) -> Result<Option<String>, String> {
        self.expect(b'{', "an object")?;
        let mut found = None;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(found);
        }
        loop {
            self.space();
            let key = self.string("a name in quotes")?;
            self.expect(b':', "`:`")?;
            self.space();
            if key == field {
                found = Some(self.text(&key)?);
            } else if let Some(inner) = inside(field, &key)
                && self.peek() == Some(b'{')
            {
                found = self.object(inner, &mut Vec::new())?.or(found);
            } else if inside(field, &key).is_some() && self.line[self.at..].starts_with(b"null") {
                // A document that is missing as a whole.
                self.skip()?;
                found = Some(String::new());
            } else {
                self.skip()?;
            }
            names.push(key);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(found);
                }
                _ => return self.wrong("`,` or `}`"),
            }
        }
    }

    /// The value of the field that is asked for.
    fn text(&mut self, field: &str) -> Result<String, String> {
        match self.peek() {
            Some(b'"') => self.string("text"),
            Some(b'[') => Err(format!(
                "`{field}` is a list; make one text of it, such as the messages of a chat by their template"
            )),
            Some(b'{') => Err(format!(
                "`{field}` is an object; name a field in it: {field}.NAME"
            )),
            _ => {
                let from = self.at;
                self.skip()?;
                let value = String::from_utf8_lossy(&self.line[from..self.at]);
                if value == "null" {
                    return Ok(String::new());
                }
                Err(format!("`{field}` is {value}, not text"))
            }
        }
    }

    /// Passes over a value, whatever is in it, to its end.
    fn skip(&mut self) -> Result<(), String> {
        let mut open = Vec::new();
        loop {
            let Some(byte) = self.peek() else {
                return self.wrong("the end of a value");
            };
            match byte {
                b'"' => self.quoted()?,
                b'{' | b'[' => {
                    open.push(byte + 2);
                    self.at += 1;
                }
                b'}' | b']' => {
                    if open.pop() != Some(byte) {
                        return self.wrong("a value");
                    }
                    self.at += 1;
                }
                _ if open.is_empty() => {
                    let from = self.at;
                    let ends =
                        |byte: u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
                    while self.peek().is_some_and(|byte| !ends(byte)) {
                        self.at += 1;
                    }
                    return if self.at == from {
                        self.wrong("a value")
                    } else {
                        Ok(())
                    };
                }
                _ => self.at += 1,
            }
            if open.is_empty() {
                return Ok(());
            }
        }
    }

    /// Passes over a string, up to behind its closing quote.
    fn quoted(&mut self) -> Result<(), String> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
                None => return self.wrong("the end of a string"),
            }
        }
    }

    /// A string, in which half a surrogate pair becomes U+FFFD.
    fn string(&mut self, what: &str) -> Result<String, String> {
        if self.peek() != Some(b'"') {
            return self.wrong(what);
        }
        let from = self.at + 1;
        self.quoted()?;
        let inner = &self.line[from..self.at - 1];
        let inner = std::str::from_utf8(inner).map_err(|error| {
            format!("no UTF-8 text at column {}", from + error.valid_up_to() + 1)
        })?;
        unescaped(inner).ok_or_else(|| {
            format!("no JSON object with text: an escape that is none behind column {from}")
        })
    }
}

/// The text that a JSON string stands for; `None` for escapes that are none.
fn unescaped(inner: &str) -> Option<String> {
    let mut text = String::with_capacity(inner.len());
    let mut units: Vec<u16> = Vec::new();
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        text += &rest[..at];
        rest = &rest[at + 1..];
        let letter = rest.chars().next()?;
        rest = &rest[letter.len_utf8()..];
        text.push(match letter {
            '"' | '\\' | '/' => letter,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                // All escapes that follow one another: two of them may be a pair.
                units.clear();
                let unit = |rest: &str| {
                    let digits = rest.get(..4)?;
                    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                    u16::from_str_radix(digits, 16).ok().filter(|_| all)
                };
                units.push(unit(rest)?);
                rest = &rest[4..];
                while let Some(next) = rest.strip_prefix("\\u") {
                    units.push(unit(next)?);
                    rest = &next[4..];
                }
                text.push_str(&String::from_utf16_lossy(&units));
                continue;
            }
            _ => return None,
        });
    }
    text += rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_whatever_the_other_fields_are() {
        for (line, field, expected) in [
            (r#"{"text": "abc", "score": NaN}"#, "text", "abc"),
            (
                r#"{"x": [-Infinity, {"y": NaN}], "text": "abc"}"#,
                "text",
                "abc",
            ),
            (r#"{"text": "ab\ud83dc"}"#, "text", "ab\u{fffd}c"),
            (r#"{"text": "ab\ud83d\u0041"}"#, "text", "ab\u{fffd}A"),
            (r#"{"text": "\ud83d\ude00\ude00"}"#, "text", "😀\u{fffd}"),
            (r#"{"\ud800": 1, "text": "abc"}"#, "text", "abc"),
            (
                r#"{"a": "\ud800", "text": "a\n\"b\" \\ é"}"#,
                "text",
                "a\n\"b\" \\ é",
            ),
            (r#"{"text": null}"#, "text", ""),
            (r#"{"doc": {"id": 1, "text": "abc"}}"#, "doc.text", "abc"),
            (r#"{"doc.text": "abc"}"#, "doc.text", "abc"),
            (r#"{"doc": {"a": {"b": "x"}}, "n": NaN}"#, "doc.a.b", "x"),
            (r#"{"doc": null}"#, "doc.text", ""),
            (r#"{"doc": {"text": null}}"#, "doc.text", ""),
            (r#"{"text": "a", "text": "b", "x": NaN}"#, "text", "b"),
            (r#"{"text": "a", "text": "b"}"#, "text", "b"),
            (r#"{"s": "a } \" ] ,", "x": tru, "text": "b"}"#, "text", "b"),
        ] {
            assert_eq!(
                text_of(line.as_bytes(), field).as_deref(),
                Ok(expected),
                "{line}"
            );
        }
    }

    #[test]
    fn a_line_that_is_no_document_is_refused_with_why() {
        for (line, says) in [
            (r#"{"text": "x""#, "the line ends before `,` or `}`"),
            (r#"{"text": "x"#, "the line ends before the end of a string"),
            (r#"{"a": [1, "text": "x"}"#, "expected a value at column 22"),
            (
                r#"{"text": "x" "b": 1}"#,
                "expected `,` or `}` at column 14",
            ),
            (r#"{"text": "x"} {}"#, "more follows at column 15"),
            (r#"{"text": 12}"#, "`text` is 12, not text"),
            (r#"{"text": true}"#, "`text` is true, not text"),
            (
                r#"{"text": ["a", "b"]}"#,
                "`text` is a list; make one text of it",
            ),
            (r#"{"text": {"a": 1}}"#, "name a field in it: text.NAME"),
            (r#"["a"]"#, "expected an object at column 1"),
            (
                r#"{"body": "x", "n": NaN}"#,
                "there is no field `text`; there are: body, n",
            ),
            (r#"{"text": "\x"}"#, "an escape that is none"),
            (r#"{"text": "\u12"}"#, "an escape that is none"),
            ("", "the line ends before an object"),
        ] {
            let message = text_of(line.as_bytes(), "text").unwrap_err();
            assert!(message.contains(says), "{line}: {message}");
        }
        let message = text_of(b"{\"text\": \"\xff\"}", "text").unwrap_err();
        assert_eq!(message, "no UTF-8 text at column 11");
    }
}
