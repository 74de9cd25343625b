//! Mappings whose keys are known.

use super::value::child;
use super::{Document, Entry, Value, schema};
use crate::error::{IoError, Location};
use crate::messages::{did_you_mean, excerpt, listed, nearest};

/// Keys of a document, as paths.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// Those that are there and were asked for.
    pub used: Vec<String>,
    /// Those that nobody asked for, with the error that refuses each.
    pub unknown: Vec<(String, IoError)>,
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
    pub(super) fn new(
        document: &'d Document,
        entries: &'d [Entry],
        location: Location,
        path: String,
    ) -> Self {
        Self {
            document,
            entries,
            location,
            path,
            known: Vec::new(),
            misplaced: Vec::new(),
        }
    }

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
            None => Ok(Self::new(
                self.document,
                &[],
                self.location.clone(),
                self.path_of(key),
            )),
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
