//! One question of a task, as a task file has it.

use serde::{Deserialize, Serialize};

/// A question, as a line of a task file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Item {
    /// Multiple choice: one of several answers is right.
    Choice {
        /// What comes before the answer, with the space between them.
        context: String,
        /// The answers to choose from.
        choices: Vec<String>,
        /// Which one is right, counted from 0.
        gold: usize,
    },
    /// A single right answer, and no others to choose from.
    Answer {
        /// What comes before the answer, with the space between them.
        context: String,
        /// The right answer.
        answer: String,
    },
}

impl Item {
    /// A question with one answer.
    pub(crate) fn answer(context: String, answer: String) -> Self {
        Self::Answer { context, answer }
    }

    /// What comes before the answer.
    #[must_use]
    pub fn context(&self) -> &str {
        match self {
            Self::Choice { context, .. } | Self::Answer { context, .. } => context,
        }
    }

    /// The right answer.
    #[must_use]
    pub fn gold(&self) -> &str {
        match self {
            Self::Choice { choices, gold, .. } => &choices[*gold],
            Self::Answer { answer, .. } => answer,
        }
    }
}
