//! Writing YAML: what was read, or made anew, in block style.

use super::scalar;
use super::{Document, Kind, Value};

/// A value to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Yaml {
    /// A scalar as it stands in the file, quotes included.
    Scalar(String),
    /// A block list, an item a line.
    List(Vec<Yaml>),
    /// A mapping; keys in this order.
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    /// Text; quoted where it would otherwise be read as something else.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Scalar(scalar_text(text))
    }

    /// A number, as the shortest text that reads back as the same. It must be finite.
    #[must_use]
    pub fn number(number: f64) -> Self {
        // Python's readers take `1e-7` for text, `1.0e-7` for a number.
        let text = format!("{number:?}");
        let text = match text.split_once('e') {
            Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
            _ => text,
        };
        Self::Scalar(match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => {
                format!("{digits}e+{exponent}")
            }
            _ => text,
        })
    }

    /// A whole number.
    #[must_use]
    pub fn whole(number: u64) -> Self {
        Self::Scalar(number.to_string())
    }

    /// A block mapping, in the order of the entries.
    #[must_use]
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value))
                .collect(),
        )
    }

    /// Sets a key of a mapping, in its place where it is there already and at the end otherwise.
    /// Anything but a mapping is left as it is.
    pub fn set(&mut self, key: &str, value: Self) {
        if let Self::Map(entries) = self {
            match entries.iter_mut().find(|(name, _)| name == key) {
                Some(entry) => entry.1 = value,
                None => entries.push((key.to_owned(), value)),
            }
        }
    }

    /// The value of a key of a mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        entries
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// Takes a key of a mapping out of it.
    pub fn remove(&mut self, key: &str) {
        if let Self::Map(entries) = self {
            entries.retain(|(name, _)| name != key);
        }
    }

    /// The text of a file: block style, two spaces a level, a newline at the end.
    #[must_use]
    pub fn to_file(&self) -> String {
        let mut text = String::new();
        match self {
            Self::Scalar(_) => {
                self.write(0, &mut text);
                text.remove(0);
            }
            _ if self.is_empty() => {
                self.write(0, &mut text);
                text.remove(0);
            }
            _ => self.block(0, &mut text),
        }
        text
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(_) => false,
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
        }
    }

    /// What follows a key or a dash.
    fn write(&self, depth: usize, into: &mut String) {
        match self {
            Self::Scalar(text) => {
                into.push(' ');
                into.push_str(text);
                into.push('\n');
            }
            Self::List(items) if items.is_empty() => into.push_str(" []\n"),
            Self::Map(entries) if entries.is_empty() => into.push_str(" {}\n"),
            _ => {
                into.push('\n');
                self.block(depth, into);
            }
        }
    }

    fn block(&self, depth: usize, into: &mut String) {
        let indent = |into: &mut String| into.extend(std::iter::repeat_n("  ", depth));
        match self {
            Self::Scalar(_) => {}
            Self::List(items) => {
                for item in items {
                    indent(into);
                    into.push('-');
                    match item {
                        Self::Map(entries) if !entries.is_empty() => {
                            // The first key stands behind the dash.
                            let mut inner = String::new();
                            item.block(depth + 1, &mut inner);
                            into.push(' ');
                            into.push_str(inner.trim_start());
                        }
                        _ => item.write(depth + 1, into),
                    }
                }
            }
            Self::Map(entries) => {
                for (key, value) in entries {
                    indent(into);
                    into.push_str(&scalar_text(key));
                    into.push(':');
                    value.write(depth + 1, into);
                }
            }
        }
    }
}

impl Value<'_> {
    /// The value as it was written, to be written again. Anchors are resolved, comments are lost.
    #[must_use]
    pub fn to_yaml(&self) -> Yaml {
        node(self.document(), self.node())
    }
}

fn node(document: &Document, at: usize) -> Yaml {
    match &document.nodes[at].kind {
        Kind::Scalar { text, plain } => Yaml::Scalar(match plain {
            // What it means plain is what was meant.
            true if text.is_empty() => "null".to_owned(),
            true if !text.contains('\n') => text.clone(),
            true => quoted(text),
            false => scalar_text(text),
        }),
        Kind::Sequence(items) => {
            Yaml::List(items.iter().map(|&item| node(document, item)).collect())
        }
        Kind::Mapping(entries) => Yaml::Map(
            entries
                .iter()
                .map(|entry| (entry.key.clone(), node(document, entry.value)))
                .collect(),
        ),
    }
}

/// Text as a plain scalar where that is safe, quoted otherwise.
fn scalar_text(text: &str) -> String {
    let mut characters = text.chars();
    let starts_plain = characters
        .next()
        .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '$'));
    let plain = starts_plain
        && text.chars().all(|c| c.is_alphanumeric() || "_-./:*$+=()%@, ".contains(c))
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && !text.starts_with("...")
        && scalar::number(text).is_none()
        && scalar::boolean(text).is_none()
        && !scalar::is_null(text)
        // YAML 1.1 has single letters for booleans, base 60 and dates.
        && !matches!(text, "y" | "Y" | "n" | "N")
        && !text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if plain { text.to_owned() } else { quoted(text) }
}

/// Double-quoted, with JSON's escapes, which are YAML's too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Yaml> {
        let leaf = prop_oneof![
            any::<String>().prop_map(|text| Yaml::text(&text)),
            "[a-z:/*.0-9 -]{0,12}".prop_map(|text| Yaml::text(&text)),
            any::<u64>().prop_map(Yaml::whole),
            (-1e300..1e300).prop_map(Yaml::number),
            (0.0..1e-6).prop_map(Yaml::number),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Yaml::List),
                prop::collection::btree_map("[a-z:0-9\"'# ]{1,8}", inner, 0..4).prop_map(Yaml::map),
            ]
        })
    }

    proptest! {
        #[test]
        fn emitted_yaml_reads_back_as_the_same_value(value in values()) {
            let text = value.to_file();
            let document = Document::parse("made.yaml", &text);
            let document = document.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            prop_assert_eq!(document.root().to_yaml(), value, "{}", text);
        }

        #[test]
        fn emitted_yaml_numbers_read_back_bit_for_bit(
            number in any::<f64>().prop_filter("finite", |x| x.is_finite())
        ) {
            let Yaml::Scalar(text) = Yaml::number(number) else { unreachable!() };
            prop_assert_eq!(scalar::number(&text).map(f64::to_bits), Some(number.to_bits()));
        }
    }
}
