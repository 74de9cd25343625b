//! A domain as a project knows it.

use serde::{Deserialize, Serialize};

use super::Revision;
use crate::config::yaml::Value;
use crate::error::IoError;
use crate::messages::excerpt;

/// A domain of a project.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProjectDomain {
    /// The name, in which `a:b` is topic `b` of source `a`.
    pub name: String,
    /// Tokens it holds, where they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Its size in the prior, where that is not its tokens; above 0, of any scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<f64>,
    /// Token or text files: paths or globs, local or of an object store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// What the files hold, where it is said: a word that is not checked here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Tasks, or families of tasks, that it is meant to help.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<String>,
}

/// Reads a mapping from names to domains: to a number of tokens, or to what is known of each.
pub(super) fn read_all(value: &Value<'_>) -> Result<Vec<ProjectDomain>, IoError> {
    let entries = value.entries()?;
    if entries.is_empty() {
        return Err(value.must_be("a mapping with at least one domain"));
    }
    entries
        .iter()
        .map(|(name, value)| read(name, value))
        .collect()
}

/// Reads a mapping from names to revised domains.
pub(super) fn read_revisions(value: &Value<'_>) -> Result<Vec<Revision>, IoError> {
    let entries = value.entries()?;
    if entries.is_empty() {
        return Err(value.must_be("a mapping with at least one domain"));
    }
    let revision = |(name, value): &(&str, Value<'_>)| {
        let (domain, changed) = read_with(name, value, true)?;
        Ok(Revision { domain, changed })
    };
    entries.iter().map(revision).collect()
}

/// Reads one domain.
fn read(name: &str, value: &Value<'_>) -> Result<ProjectDomain, IoError> {
    Ok(read_with(name, value, false)?.0)
}

/// Reads one domain; of a revised one, also which share of its content changed.
fn read_with(
    name: &str,
    value: &Value<'_>,
    is_revision: bool,
) -> Result<(ProjectDomain, Option<f64>), IoError> {
    if name.is_empty() {
        return Err(value.error("a domain has no name", "write its name before the colon"));
    }
    let mut domain = ProjectDomain {
        name: name.to_owned(),
        ..ProjectDomain::default()
    };
    if value.is_null() {
        return Ok((domain, None));
    }
    if value.section().is_err() {
        domain.tokens = Some(tokens(value)?);
        return Ok((domain, None));
    }
    let mut section = value.section()?;
    domain.tokens = section.optional("tokens").map(|v| tokens(&v)).transpose()?;
    domain.size = section
        .optional("size")
        .map(|v| v.number_that("a number above 0", |size| size > 0.0))
        .transpose()?;
    domain.paths = list(section.optional("paths"))?;
    let format = section.optional("format");
    domain.format = format.map(|v| v.text().map(str::to_owned)).transpose()?;
    domain.tasks = list(section.optional("tasks"))?;
    let changed = if is_revision {
        section.optional("changed")
    } else {
        None
    };
    let changed = changed.map(|v| {
        v.number_that("a share above 0 and below 1", |share| {
            share > 0.0 && share < 1.0
        })
    });
    section.finish()?;
    Ok((domain, changed.transpose()?))
}

/// A whole number of tokens; a domain may have none yet.
pub(super) fn tokens(value: &Value<'_>) -> Result<u64, IoError> {
    match value.whole() {
        Ok(0) => Ok(0),
        _ => value.whole_tokens(),
    }
}

/// One text or a list of them; nothing for a key that is not there.
pub(super) fn list(value: Option<Value<'_>>) -> Result<Vec<String>, IoError> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    if let Ok(text) = value.text() {
        return Ok(vec![text.to_owned()]);
    }
    let items = value.items()?;
    items
        .iter()
        .map(|item| item.text().map(str::to_owned))
        .collect()
}

impl ProjectDomain {
    /// Its line in a mapping of domains, such as `web: {tokens: 1000}`.
    pub(super) fn line(&self) -> String {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let texts = |texts: &[String]| {
            let all: Vec<String> = texts.iter().map(|one| text(one)).collect();
            format!("[{}]", all.join(", "))
        };
        let mut parts = Vec::new();
        if let Some(tokens) = self.tokens {
            parts.push(format!("tokens: {tokens}"));
        }
        if let Some(size) = self.size {
            parts.push(format!("size: {size:?}"));
        }
        if let Some(format) = &self.format {
            parts.push(format!("format: {}", text(format)));
        }
        if !self.tasks.is_empty() {
            parts.push(format!("tasks: {}", texts(&self.tasks)));
        }
        if !self.paths.is_empty() {
            parts.push(format!("paths: {}", texts(&self.paths)));
        }
        format!("{}: {{{}}}", text(&self.name), parts.join(", "))
    }

    /// What it is called in messages.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("`{}`", excerpt(&self.name))
    }
}
