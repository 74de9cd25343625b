//! Updates as a file has them: several changes, made together.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ProjectDomain;
use super::domain::{list, read_all, read_revisions, tokens};
use crate::config::yaml::{Document, Value};
use crate::error::{IoError, Location};
use crate::input::InputFile;

/// A change to a project's domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProjectChange {
    /// Domains that the set does not have yet.
    Add(Vec<ProjectDomain>),
    /// Domains that are no longer used.
    Remove(Vec<String>),
    /// A domain that is cut into parts whose union it is.
    Partition {
        /// The domain that is cut.
        domain: String,
        /// The domains it becomes.
        parts: Vec<ProjectDomain>,
        /// Name of a part for what the others leave.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rest: Option<String>,
    },
    /// A domain with other content; what is not given stays as it was, but for the tokens.
    Revise(Revision),
}

/// A domain with other content.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Revision {
    /// The domain as it is now.
    #[serde(flatten)]
    pub domain: ProjectDomain,
    /// The share of its content that changed, above 0 and below 1; `None` where that was not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<f64>,
}

impl From<ProjectDomain> for Revision {
    /// Without a statement of how much changed.
    fn from(domain: ProjectDomain) -> Self {
        Self {
            domain,
            changed: None,
        }
    }
}

/// Reads a file of changes, which are made in its order:
///
/// ```yaml
/// - add: {code:python: {tokens: 1_000, paths: [code/python/*.npy], tasks: [code]}}
/// - remove: [algebraicstack]
/// - revise: {pdf: {tokens: 2_000, changed: 0.05}}
/// - partition: {pdf: {into: {pdf:math: 500, pdf:law: 700}, rest: pdf:other}}
/// ```
///
/// # Errors
/// [`IoError::Read`] when it can't be read; [`IoError::Input`] for the first thing in it that can't be used.
pub fn read_changes(path: &Path) -> Result<Vec<ProjectChange>, IoError> {
    let input = InputFile::read(path, None)?;
    let document = Document::parse(&input.name, input.text()?)?;
    let root = document.root();
    let items = if root.entries().is_ok() {
        vec![root]
    } else {
        root.items()?
    };
    let mut changes = Vec::new();
    for item in &items {
        for (key, value) in item.entries()? {
            changes.extend(change(key, &value)?);
        }
    }
    if changes.is_empty() {
        return Err(IoError::input(
            &input.name,
            Location::File,
            "this file has no changes",
            "write `add`, `remove`, `partition` or `revise`; `olmix update apply --help` has an example",
        ));
    }
    Ok(changes)
}

fn change(key: &str, value: &Value<'_>) -> Result<Vec<ProjectChange>, IoError> {
    match key {
        "add" => Ok(vec![ProjectChange::Add(read_all(value)?)]),
        "remove" => {
            let names = list(Some(value.clone()))?;
            if names.is_empty() {
                return Err(value.must_be("a list of at least one domain"));
            }
            Ok(vec![ProjectChange::Remove(names)])
        }
        "revise" => Ok(read_revisions(value)?
            .into_iter()
            .map(ProjectChange::Revise)
            .collect()),
        "partition" => value
            .entries()?
            .iter()
            .map(|(domain, value)| {
                let mut section = value.section()?;
                let parts = read_all(&section.required("into")?)?;
                let rest = section.optional("rest");
                section.finish()?;
                Ok(ProjectChange::Partition {
                    domain: (*domain).to_owned(),
                    parts,
                    rest: rest.map(|v| v.text().map(str::to_owned)).transpose()?,
                })
            })
            .collect(),
        _ => Err(value.error(
            format!("`{key}` is not a kind of change"),
            "write `add`, `remove`, `partition` or `revise`",
        )),
    }
}

impl ProjectDomain {
    /// A domain named on a command line: `NAME`, or `NAME=TOKENS`, where `1.2e9` is a number of tokens.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub fn from_argument(text: &str) -> Result<Self, String> {
        let (name, count) = match text.rsplit_once('=') {
            Some((name, count)) => (name, Some(count)),
            None => (text, None),
        };
        if name.is_empty() {
            return Err("write NAME or NAME=TOKENS, such as code:python=1.2e9".into());
        }
        let count = count.map(|count| {
            let document = Document::parse("argument", count).map_err(|error| error.to_string())?;
            tokens(&document.root()).map_err(|_| {
                format!("`{count}` is not a number of tokens, such as 1_200_000 or 1.2B")
            })
        });
        Ok(Self {
            name: name.to_owned(),
            tokens: count.transpose()?,
            ..Self::default()
        })
    }
}
