//! Typed cursors over a [`Document`].

use super::{Document, Entry, Kind, Node, scalar, schema};
use crate::error::{IoError, Location};
use crate::messages::{did_you_mean, excerpt, listed, nearest};

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
    /// [`IoError::Input`] for anything else.
    pub fn entries(&self) -> Result<Vec<(&'d str, Self)>, IoError> {
        match &self.get().kind {
            Kind::Mapping(entries) => Ok(entries
                .iter()
                .map(|entry| (entry.key.as_str(), child(self.document, &self.path, entry)))
                .collect()),
            _ => Err(self.must_be("a mapping")),
        }
    }

    /// The value as a mapping whose keys are known.
    ///
    /// # Errors
    /// [`IoError::Input`] for anything else.
    pub fn section(&self) -> Result<Section<'d>, IoError> {
        match &self.get().kind {
            Kind::Mapping(entries) => Ok(Section {
                document: self.document,
                entries,
                location: self.location(),
                path: self.path.clone(),
                known: Vec::new(),
                misplaced: Vec::new(),
            }),
            _ => Err(self.must_be("a mapping")),
        }
    }
}

fn child<'d>(document: &'d Document, path: &str, entry: &'d Entry) -> Value<'d> {
    let path = if path.is_empty() {
        entry.key.clone()
    } else {
        format!("{path}.{}", entry.key)
    };
    Value::new(document, entry.value, path)
}

/// A mapping whose keys are known. Ask for every key, then call [`Section::finish`].
#[derive(Debug)]
pub struct Section<'d> {
    document: &'d Document,
    entries: &'d [Entry],
    location: Location,
    path: String,
    known: Vec<&'static str>,
    /// Keys that are taken and not among those that a section has.
    misplaced: Vec<&'static str>,
}

impl<'d> Section<'d> {
    /// The file the section is in.
    #[must_use]
    pub fn file(&self) -> &'d str {
        &self.document.file
    }

    /// Where the section is.
    #[must_use]
    pub fn location(&self) -> Location {
        self.location.clone()
    }

    /// The value of a key, or `None` when it is absent or null.
    pub fn optional(&mut self, key: &'static str) -> Option<Value<'d>> {
        self.known.push(key);
        schema::record(&self.path, key);
        let entry = self.entries.iter().find(|entry| entry.key == key);
        if let (Some(keys), Some(_)) = (&mut *self.document.keys.borrow_mut(), entry) {
            keys.used.push(self.path_of(key));
        }
        entry
            .map(|entry| child(self.document, &self.path, entry))
            .filter(|value| !value.is_null())
    }

    /// The value of a key that belongs elsewhere, or `None` when it is absent or null. It is not one of the
    /// section's keys: documentation and messages do not list it.
    pub fn misplaced(&mut self, key: &'static str) -> Option<Value<'d>> {
        self.misplaced.push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(child(self.document, &self.path, entry)).filter(|value| !value.is_null())
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The value of a key that must be there.
    ///
    /// # Errors
    /// [`IoError::Input`] when it is absent or null; it names a key that may be meant.
    pub fn required(&mut self, key: &'static str) -> Result<Value<'d>, IoError> {
        if let Some(value) = self.optional(key) {
            return Ok(value);
        }
        let path = if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        };
        let others: Vec<&Entry> = self.entries.iter().filter(|e| e.key != key).collect();
        let similar = nearest(key, others.iter().map(|entry| entry.key.as_str()));
        let similar = others
            .iter()
            .find(|entry| Some(entry.key.as_str()) == similar);
        let (location, help) = match similar {
            Some(entry) => (
                entry.location.clone(),
                format!("should `{}` here be `{key}`?", excerpt(&entry.key)),
            ),
            None => (self.location.clone(), format!("add `{key}`")),
        };
        let message = format!("`{path}` is required and missing");
        Err(IoError::input(&self.document.file, location, message, help))
    }

    /// The section under a key; one without entries when the key is absent or null.
    ///
    /// # Errors
    /// [`IoError::Input`] when something else stands there.
    pub fn section(&mut self, key: &'static str) -> Result<Self, IoError> {
        match self.optional(key) {
            Some(value) => value.section(),
            None => Ok(Self {
                document: self.document,
                entries: &[],
                location: self.location.clone(),
                path: if self.path.is_empty() {
                    key.to_owned()
                } else {
                    format!("{}.{key}", self.path)
                },
                known: Vec::new(),
                misplaced: Vec::new(),
            }),
        }
    }

    /// As [`Value::notice`], of the section as a whole.
    pub fn notice(&self, text: impl Into<String>) {
        self.document.notices.borrow_mut().push(text.into());
    }

    /// An error at the section as a whole.
    pub fn error(&self, message: impl Into<String>, help: impl Into<String>) -> IoError {
        IoError::input(&self.document.file, self.location.clone(), message, help)
    }

    /// Refuses keys that were not asked for.
    ///
    /// # Errors
    /// [`IoError::Input`] for the first such key, with the nearest known one. Where the document keeps unknown
    /// keys, only for one that is close to a known key.
    pub fn finish(self) -> Result<(), IoError> {
        let is_known = |key: &str| {
            self.known
                .iter()
                .chain(&self.misplaced)
                .any(|known| *known == key)
        };
        for entry in self.entries.iter().filter(|entry| !is_known(&entry.key)) {
            let error = self.unknown(entry);
            let is_slip = nearest(&entry.key, self.known.iter().copied()).is_some();
            match &mut *self.document.keys.borrow_mut() {
                Some(keys) if !is_slip => keys.unknown.push((self.path_of(&entry.key), error)),
                _ => return Err(error),
            }
        }
        Ok(())
    }

    fn unknown(&self, entry: &Entry) -> IoError {
        let within = if self.path.is_empty() {
            String::new()
        } else {
            format!(" in `{}`", excerpt(&self.path))
        };
        IoError::input(
            &self.document.file,
            entry.location.clone(),
            format!("unknown key `{}`{within}", excerpt(&entry.key)),
            did_you_mean(&entry.key, self.known.iter().copied(), || {
                format!(
                    "known keys here: {}",
                    listed(self.known.iter().copied(), 20)
                )
            }),
        )
    }
}
