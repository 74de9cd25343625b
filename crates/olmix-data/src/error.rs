//! Errors of reading, counting and tokenizing data; each says where, what and what to do.

use std::fmt;
use std::io;
use std::path::Path;

use olmix_fs::WriteError;
use thiserror::Error;

/// A shard that can't be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardProblem {
    /// The leaf it belongs to.
    pub leaf: String,
    /// Its path or URL.
    pub shard: String,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for ShardProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (`{}`): {}", self.shard, self.leaf, self.problem)
    }
}

/// A file of texts that can't be tokenized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextProblem {
    /// The file's path, as it was given.
    pub file: String,
    /// What is wrong, and on which line.
    pub problem: String,
}

/// Why data could not be counted, located or tokenized. The user can mend every one of them.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// A path that names nothing, or something that can't be listed.
    #[error("`{leaf}`: {problem}\n  help: {help}")]
    Path {
        /// The leaf the path belongs to.
        leaf: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        help: String,
    },
    /// Shards that can't be counted, after all others were.
    #[error("{}", shards(.0))]
    Shards(Vec<ShardProblem>),
    /// A shard that can't be trained on.
    #[error("{shard} (`{leaf}`): {problem}\n  help: {help}")]
    Shard {
        /// The leaf it belongs to.
        leaf: String,
        /// Its path or URL.
        shard: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        help: String,
    },
    /// The tokenizer can't be used.
    #[error("tokenizer `{name}`: {problem}\n  help: {help}")]
    Tokenizer {
        /// As it was named.
        name: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        help: String,
    },
    /// Texts that can't be tokenized, after all others were.
    #[error("{}", texts(.0))]
    Texts(Vec<TextProblem>),
    /// A file or folder that is not as it should be.
    #[error("{path}: {problem}\n  help: {help}")]
    File {
        /// The file or folder.
        path: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        help: String,
    },
    /// Something this machine lacks.
    #[error("{0}")]
    Machine(String),
}

impl DataError {
    /// A file or folder that can't be written, and what the operating system said.
    pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Self {
        Self::File {
            path: path.display().to_string(),
            problem: format!("can't be written: {error}"),
            help: "make room or choose another --output; run the command again to resume"
                .to_owned(),
        }
    }
}

impl From<WriteError> for DataError {
    fn from(WriteError { path, error }: WriteError) -> Self {
        Self::unwritable(&path, &error)
    }
}

/// More problems than this are counted, not listed.
const LISTED: usize = 50;

fn texts(problems: &[TextProblem]) -> String {
    let listed = problems.iter().take(LISTED);
    let lines: Vec<String> = listed
        .map(|found| format!("{}: {}", found.file, found.problem))
        .collect();
    let mut text = match &lines[..] {
        [one] => one.clone(),
        _ => format!(
            "{} files can't be tokenized:\n  {}",
            problems.len(),
            lines.join("\n  ")
        ),
    };
    if problems.len() > LISTED {
        text += &format!("\n  … and {} more", problems.len() - LISTED);
    }
    text + "\n  help: repair or leave out the files named, and run the command again: finished work is kept"
}

fn shards(problems: &[ShardProblem]) -> String {
    let mut text = match problems {
        [one] => {
            return format!(
                "{one}\n  help: repair or remove it; without it the count would be wrong"
            );
        }
        _ => format!("{} shards can't be counted:", problems.len()),
    };
    for problem in problems.iter().take(LISTED) {
        text += &format!("\n  {problem}");
    }
    if problems.len() > LISTED {
        text += &format!("\n  … and {} more", problems.len() - LISTED);
    }
    text + "\n  help: repair or remove them; without them the count would be wrong"
}
