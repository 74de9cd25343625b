//! `eval`: what is measured of a run.

use crate::config::yaml::Value;
use crate::error::IoError;

/// The section `eval`, as far as it is measured here.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EvaluationConfig {
    /// Task files, or folders of them.
    pub tasks: Vec<String>,
    /// What goes before every context.
    pub few_shot: Option<FewShot>,
    /// Whether an end-of-text token goes before every context.
    pub add_bos_token: bool,
    /// Held-out data by domain.
    pub validation: Vec<ValidationLeaf>,
}

/// Prefixes of contexts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FewShot {
    /// One file for every task.
    File(String),
    /// A file for each task named.
    ByTask(Vec<(String, String)>),
}

/// Held-out shards of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationLeaf {
    /// The domain that the data is held out of.
    pub name: String,
    /// Paths or globs of its shards.
    pub paths: Vec<String>,
}

impl EvaluationConfig {
    /// Reads the section. Tasks of other trainers are noticed.
    pub(super) fn read(value: &Value<'_>) -> Result<Self, IoError> {
        let mut section = value.section()?;
        section.optional("type");
        let tasks = section.optional("tasks");
        let few_shot = section.optional("few_shot");
        let add_bos_token = section.optional("add_bos_token");
        let validation = section.optional("validation");
        section.finish()?;
        let mut read = Self::default();
        if let Some(tasks) = tasks {
            if tasks.entries().is_ok() {
                value.notice(format!(
                "{}: `eval.tasks` names tasks of another trainer; the built-in one measures files: \
                 eval: {{tasks: tasks/}}",
                value.file()
            ));
            } else {
                read.tasks = texts(&tasks)?;
            }
        }
        read.few_shot = match few_shot {
            None => None,
            Some(value) => Some(match value.entries() {
                Ok(entries) => FewShot::ByTask(
                    entries
                        .into_iter()
                        .map(|(task, file)| Ok((task.to_owned(), file.text()?.to_owned())))
                        .collect::<Result<_, IoError>>()?,
                ),
                Err(_) => FewShot::File(value.text()?.to_owned()),
            }),
        };
        if let Some(value) = add_bos_token {
            read.add_bos_token = value.boolean()?;
        }
        if let Some(validation) = validation {
            for (name, paths) in validation.entries()? {
                read.validation.push(ValidationLeaf {
                    name: name.to_owned(),
                    paths: texts(&paths)?,
                });
            }
        }
        Ok(read)
    }
}

/// A text, or a list of them.
fn texts(value: &Value<'_>) -> Result<Vec<String>, IoError> {
    match value.items() {
        Ok(items) => items.iter().map(|v| v.text().map(str::to_owned)).collect(),
        Err(_) => Ok(vec![value.text()?.to_owned()]),
    }
}
