//! Typed cursors over a [`Document`].

use super::{Document, Entry, Kind, Node, Section, scalar};
use crate::error::{IoError, Location};
use crate::messages::{did_you_mean, excerpt, listed};
use crate::names::{CONTROL_HELP, has_control};

/// A value in a document, with the path of keys that leads to it.
#[derive(Debug, Clone)]
pub struct Value<'d> {
    document: &'d Document,
    node: usize,
    path: String,
}

impl<'d> Value<'d> {
    pub(super) fn new(document: &'d Document, node: usize, path: String) -> Self {
        Self {
            document,
            node,
            path,
        }
    }

    pub(super) fn document(&self) -> &'d Document {
        self.document
    }

    pub(super) fn node(&self) -> usize {
        self.node
    }

    fn get(&self) -> &'d Node {
        &self.document.nodes[self.node]
    }

    /// The keys that lead here, such as `regression.type`; empty for the root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The file the value is in.
    #[must_use]
    pub fn file(&self) -> &'d str {
        &self.document.file
    }

    /// Where the value begins.
    #[must_use]
    pub fn location(&self) -> Location {
        self.get().location.clone()
    }

    /// An error at this value.
    pub fn error(&self, message: impl Into<String>, help: impl Into<String>) -> IoError {
        IoError::input(&self.document.file, self.location(), message, help)
    }

    /// Tells the reader of the document something that stops nothing, such as a setting without effect.
    pub fn notice(&self, text: impl Into<String>) {
        self.document.notices.borrow_mut().push(text.into());
    }

    /// Whether the value is null or left out after its key.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.get().kind, Kind::Scalar { text, plain: true } if scalar::is_null(text))
    }

    fn scalar(&self) -> Option<&'d str> {
        match &self.get().kind {
            Kind::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// What stands here, for messages.
    #[must_use]
    pub fn found(&self) -> String {
        match &self.get().kind {
            Kind::Sequence(_) => "a list".into(),
            Kind::Mapping(_) => "a mapping".into(),
            Kind::Scalar { .. } if self.is_null() => "nothing".into(),
            Kind::Scalar { text, .. } if scalar::number(text).is_some() => {
                format!("the number {}", excerpt(text))
            }
            Kind::Scalar { text, .. } => format!("`{}`", excerpt(text)),
        }
    }

    /// An error that says what the value must be and what was found.
    #[must_use]
    pub fn must_be(&self, what: &str) -> IoError {
        let name = if self.path.is_empty() {
            "the file".to_owned()
        } else {
            format!("`{}`", excerpt(&self.path))
        };
        self.error(
            format!("{name} must be {what}, found {}", self.found()),
            format!("write {what} here"),
        )
    }

    /// The scalar as text, quoted or not.
    ///
    /// # Errors
    /// [`IoError::Input`] for null, lists and mappings.
    pub fn text(&self) -> Result<&'d str, IoError> {
        self.scalar().ok_or_else(|| self.must_be("text"))
    }

    /// The scalar as a name or path: text without line breaks and control characters.
    ///
    /// # Errors
    /// [`IoError::Input`] for anything else.
    pub fn name(&self) -> Result<&'d str, IoError> {
        let name = self.text()?;
        if has_control(name) {
            let message = format!("`{}` has a line break or control character", excerpt(name));
            return Err(self.error(message, CONTROL_HELP));
        }
        Ok(name)
    }

    /// A finite number.
    ///
    /// # Errors
    /// [`IoError::Input`] for anything else.
    pub fn number(&self) -> Result<f64, IoError> {
        self.scalar()
            .and_then(scalar::number)
            .ok_or_else(|| self.must_be("a number"))
    }

    /// A finite number for which `holds` is true; `what` describes such numbers.
    ///
    /// # Errors
    /// [`IoError::Input`] for anything else.
    pub fn number_that(&self, what: &str, holds: impl FnOnce(f64) -> bool) -> Result<f64, IoError> {
        self.scalar()
            .and_then(scalar::number)
            .filter(|&number| holds(number))
            .ok_or_else(|| self.must_be(what))
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// [`IoError::Input`] for anything else.
    pub fn whole(&self) -> Result<u64, IoError> {
        self.scalar()
            .and_then(scalar::whole)
            .ok_or_else(|| self.must_be("a whole number that is not negative"))
    }

    /// A number of tokens above 0; it may be written as `2T`, `800B` or `"800,000,000"`.
    ///
    /// # Errors
    /// [`IoError::Input`] for anything else.
    pub fn tokens(&self) -> Result<f64, IoError> {
        self.scalar()
            .and_then(scalar::amount)
            .filter(|&tokens| tokens > 0.0)
            .ok_or_else(|| self.must_be("a number of tokens above 0, such as 1.5e12 or 2T"))
    }

    /// A number of parameters above 0, written as for [`Value::tokens`].
    ///
    /// # Errors
    /// [`IoError::Input`] for anything else.
    pub fn parameters(&self) -> Result<f64, IoError> {
        self.scalar()
            .and_then(scalar::amount)
            .filter(|&parameters| parameters > 0.0)
            .ok_or_else(|| self.must_be("a number of parameters above 0, such as 1.2e9 or 700M"))
    }

    /// A whole number of tokens above 0, written as for [`Value::tokens`].
    ///
    /// # Errors
    /// [`IoError::Input`] for anything else.
    pub fn whole_tokens(&self) -> Result<u64, IoError> {
        self.scalar()
            .and_then(scalar::whole_amount)
            .filter(|&tokens| tokens > 0)
            .ok_or_else(|| self.must_be("a whole number of tokens above 0, such as 3e9 or 800B"))
    }

    /// A whole number up to `most`.
    ///
    /// # Errors
    /// [`IoError::Input`] for anything else.
    pub fn count(&self, most: usize) -> Result<usize, IoError> {
        usize::try_from(self.whole()?)
            .ok()
            .filter(|&count| count <= most)
            .ok_or_else(|| self.must_be(&format!("a whole number up to {most}")))
    }

    /// A boolean, in any of the spellings of YAML 1.1.
    ///
    /// # Errors
    /// [`IoError::Input`] for anything else.
    pub fn boolean(&self) -> Result<bool, IoError> {
        self.scalar()
            .and_then(scalar::boolean)
            .ok_or_else(|| self.must_be("true or false"))
    }

    /// One of several words, with what each stands for.
    ///
    /// # Errors
    /// [`IoError::Input`] for any other word, with the nearest known one.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, IoError> {
        let words = || choices.iter().map(|(word, _)| *word);
        let text = self.text()?;
        choices
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| {
                self.error(
                    format!("`{}` can't be {}", self.path, self.found()),
                    did_you_mean(text, words(), || {
                        format!("use one of {}", listed(words().collect::<Vec<_>>(), 12))
                    }),
                )
            })
    }

    /// The values of a list.
    ///
    /// # Errors
    /// [`IoError::Input`] for anything else.
    pub fn items(&self) -> Result<Vec<Self>, IoError> {
        match &self.get().kind {
            Kind::Sequence(items) => {
                let item =
                    |(i, &node)| Self::new(self.document, node, format!("{}[{i}]", self.path));
                Ok(items.iter().enumerate().map(item).collect())
            }
            _ => Err(self.must_be("a list")),
        }
    }

    /// The keys and values of a mapping whose keys are free, in the order written.
    ///
    /// # Errors
    /// [`IoError::Input`] for anything else, and for keys with line breaks or control characters.
    pub fn entries(&self) -> Result<Vec<(&'d str, Self)>, IoError> {
        match &self.get().kind {
            Kind::Mapping(entries) => entries
                .iter()
                .map(|entry| {
                    let value = child(self.document, &self.path, entry);
                    if has_control(&entry.key) {
                        let key = excerpt(&entry.key);
                        let message =
                            format!("the key `{key}` has a line break or control character");
                        return Err(value.error(message, CONTROL_HELP));
                    }
                    Ok((entry.key.as_str(), value))
                })
                .collect(),
            _ => Err(self.must_be("a mapping")),
        }
    }

    /// The value as a mapping whose keys are known.
    ///
    /// # Errors
    /// [`IoError::Input`] for anything else.
    pub fn section(&self) -> Result<Section<'d>, IoError> {
        match &self.get().kind {
            Kind::Mapping(entries) => Ok(Section::new(
                self.document,
                entries,
                self.location(),
                self.path.clone(),
            )),
            _ => Err(self.must_be("a mapping")),
        }
    }
}

pub(super) fn child<'d>(document: &'d Document, path: &str, entry: &'d Entry) -> Value<'d> {
    let path = if path.is_empty() {
        entry.key.clone()
    } else {
        format!("{path}.{}", entry.key)
    };
    Value::new(document, entry.value, path)
}
