//! Task files: JSON Lines of a context and its gold answer, of choices of which one is gold, or of texts.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::ProxyError;

/// A task, named after its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The name: what its file is called, without the extension.
    pub name: String,
    /// The file it was read from, for messages.
    pub file: PathBuf,
    /// What is asked, at least one item.
    pub items: Vec<Item>,
    /// Whether the items are texts, of which every byte counts: each has no context, and one choice.
    pub rolling: bool,
}

/// A question of a task, with its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What comes before the answer.
    pub context: String,
    /// The answers to choose from; one where there is no choice. None is empty.
    pub choices: Vec<String>,
    /// Which one is right.
    pub gold: usize,
    /// Its line in the file, counted from 1.
    pub line: usize,
}

/// A line as it is written.
#[derive(Deserialize)]
struct Line {
    context: Option<String>,
    text: Option<String>,
    answer: Option<String>,
    choices: Option<Vec<String>>,
    gold: Option<usize>,
}

impl Line {
    /// Context, choices, and which of them is right.
    fn item(self) -> Result<(String, Vec<String>, usize), String> {
        let context = |context: Option<String>| context.ok_or("missing field `context`".to_owned());
        match (self.text, self.answer, self.choices, self.gold) {
            (Some(text), None, None, None) if self.context.is_none() => {
                Ok((String::new(), vec![text], 0))
            }
            (Some(_), ..) => Err("a text has no context, answer or choices".to_owned()),
            (None, Some(answer), None, None) => Ok((context(self.context)?, vec![answer], 0)),
            (None, None, Some(choices), Some(gold)) if gold < choices.len() => {
                Ok((context(self.context)?, choices, gold))
            }
            (None, None, Some(choices), Some(gold)) => Err(format!(
                "gold is {gold}, and there are {} choices, counted from 0",
                choices.len()
            )),
            _ => Err("has neither an answer, nor choices and gold, nor a text".to_owned()),
        }
    }
}

impl Task {
    /// Reads a task file.
    ///
    /// # Errors
    /// [`ProxyError::File`], and [`ProxyError::Input`] with the line for text that is not UTF-8, lines that
    /// are no items, and answers that are empty.
    pub fn read(file: &Path) -> Result<Self, ProxyError> {
        let help = "write a JSON object a line: {\"context\": …, \"answer\": …}, or with \"choices\" and \
                    \"gold\", or {\"text\": …} in every line";
        let bytes =
            olmix_fs::read_bounded(file).map_err(|error| ProxyError::unreadable(file, &error))?;
        let mut items: Vec<Item> = Vec::new();
        let mut rolling = false;
        for (i, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let line = i + 1;
            let bad =
                |problem: String| ProxyError::input(file, format!("line {line}: {problem}"), help);
            let text = std::str::from_utf8(text).map_err(|error| {
                bad(format!("is not UTF-8 from byte {} on", error.valid_up_to()))
            })?;
            let read: Line = serde_json::from_str(text).map_err(|error| bad(error.to_string()))?;
            let text = read.text.is_some();
            if text != rolling && !items.is_empty() {
                return Err(bad(
                    "the task has texts and answers, whose bits per byte are not of one kind"
                        .to_owned(),
                ));
            }
            rolling = text;
            let (context, choices, gold) = read.item().map_err(bad)?;
            if let Some(empty) = choices.iter().position(String::is_empty) {
                let which = match choices.len() {
                    1 if rolling => "the text".to_owned(),
                    1 => "the answer".to_owned(),
                    _ => format!("choice {empty}"),
                };
                return Err(bad(format!("{which} is empty, and has no bits per byte")));
            }
            items.push(Item {
                context,
                choices,
                gold,
                line,
            });
        }
        if items.is_empty() {
            return Err(ProxyError::input(file, "holds no items", help));
        }
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(Self {
            name,
            file: file.to_owned(),
            items,
            rolling,
        })
    }

    /// Whether any item has a choice.
    #[must_use]
    pub fn has_choices(&self) -> bool {
        self.items.iter().any(|item| item.choices.len() > 1)
    }
}

fn file_name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

/// The task files that paths name: files themselves, and those ending in `.jsonl` in folders, sorted by name,
/// but for hidden ones.
///
/// # Errors
/// [`ProxyError::File`] for what is not there, [`ProxyError::Input`] for folders without any, and for two
/// files of one name, as their metrics would be one.
pub fn task_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ProxyError> {
    let mut files = Vec::new();
    for path in paths {
        let found =
            std::fs::metadata(path).map_err(|error| ProxyError::unreadable(path, &error))?;
        if !found.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries =
            std::fs::read_dir(path).map_err(|error| ProxyError::unreadable(path, &error))?;
        let mut inside: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            // Files that systems put beside others (`._a.jsonl`) are not tasks.
            .filter(|path| !file_name(path).starts_with('.'))
            .collect();
        if inside.is_empty() {
            return Err(ProxyError::input(
                path,
                "holds no task files",
                "put tasks into it as NAME.jsonl",
            ));
        }
        inside.sort();
        files.extend(inside);
    }
    let stem = |file: &PathBuf| file.file_stem().map(ToOwned::to_owned);
    for (i, file) in files.iter().enumerate() {
        if let Some(other) = files[..i].iter().find(|other| stem(other) == stem(file)) {
            let found = format!("is named like {}", other.display());
            return Err(ProxyError::input(
                file,
                found,
                "a task's metric is named after its file: rename one",
            ));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed step fails the test

    use super::*;

    fn read(text: &[u8]) -> Result<Task, ProxyError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sums.jsonl");
        std::fs::write(&file, text).unwrap();
        Task::read(&file)
    }

    #[test]
    fn task_files_have_answers_and_choices() {
        let text = b"{\"context\": \"1+1=\", \"answer\": \"2\"}\n\n\
            {\"context\": \"\", \"choices\": [\"a\", \"b\"], \"gold\": 1, \"id\": 7}";
        let task = read(text).unwrap();
        assert_eq!(task.name, "sums");
        assert!(task.has_choices());
        assert_eq!(task.items[0].choices, ["2"]);
        assert_eq!((task.items[1].gold, task.items[1].line), (1, 3));
    }

    #[test]
    fn a_line_that_is_no_item_is_refused_with_its_number() {
        for (text, told) in [
            (
                &b"{\"context\": \"x\", \"answer\": \"\"}"[..],
                "line 1: the answer is empty",
            ),
            (
                b"\n{\"context\": \"\xff\", \"answer\": \"a\"}",
                "line 2: is not UTF-8 from byte 13 on",
            ),
            (
                b"{\"context\": \"x\", \"choices\": [\"a\"], \"gold\": 1}",
                "gold is 1, and there are 1 choices",
            ),
            (
                b"{\"context\": \"x\", \"choices\": [\"a\", \"\"], \"gold\": 0}",
                "choice 1 is empty",
            ),
            (
                b"{\"context\": \"x\"}",
                "neither an answer, nor choices and gold, nor a text",
            ),
            (b"{\"answer\": \"x\"}", "missing field `context`"),
            (b"{\"text\": \"\"}", "line 1: the text is empty"),
            (
                b"{\"text\": \"x\", \"context\": \"y\"}",
                "a text has no context",
            ),
            (
                b"{\"text\": \"x\"}\n{\"context\": \"x\", \"answer\": \"y\"}",
                "line 2: the task has texts and answers",
            ),
            (b"\n", "holds no items"),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(told), "{message}");
        }
    }

    #[test]
    fn task_files_of_one_name_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (
            folder.path().join("a.jsonl"),
            folder.path().join("sub/a.jsonl"),
        );
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        std::fs::write(&a, "").unwrap();
        std::fs::write(folder.path().join("._a.jsonl"), "x").unwrap();
        std::fs::write(&b, "").unwrap();
        assert_eq!(
            task_files(&[folder.path().to_owned()]).unwrap(),
            std::slice::from_ref(&a)
        );
        let message = task_files(&[a, b]).unwrap_err().to_string();
        assert!(message.contains("is named like"), "{message}");
    }
}
