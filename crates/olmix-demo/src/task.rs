//! Tasks: contexts with answers, of the kinds that domains teach, in combinations that no document
//! of the same seed has.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::draw::Draw;
use crate::world::World;
use crate::{arithmetic, code, dialogue, encyclopaedia, prose, tables};

/// A question, as a line of a task file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Item {
    /// One of several answers is right.
    Choice {
        /// What comes before the answer, with the space between them.
        context: String,
        /// The answers to choose from.
        choices: Vec<String>,
        /// Which one is right, counted from 0.
        gold: usize,
    },
    /// One answer.
    Answer {
        /// What comes before the answer, with the space between them.
        context: String,
        /// The right answer.
        answer: String,
    },
}

impl Item {
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

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its name, which is also the name of its file.
    pub name: &'static str,
    /// The domains it is made like, and which so help it most.
    pub helped_by: &'static [crate::Domain],
    /// Its questions, all different.
    pub items: Vec<Item>,
}

impl Task {
    /// The task as JSON Lines.
    ///
    /// # Errors
    /// None that text can cause; `serde_json` only has a result to return.
    pub fn json_lines(&self) -> Result<String, serde_json::Error> {
        let mut text = String::new();
        for item in &self.items {
            text.push_str(&serde_json::to_string(item)?);
            text.push('\n');
        }
        Ok(text)
    }
}

type Maker = fn(&World, &mut Draw) -> Item;

/// Name, domains that help, and what makes an item.
const TASKS: [(&str, &[crate::Domain], Maker); 10] = {
    use crate::Domain::{Arithmetic, Code, Dialogue, Encyclopaedia, Prose, Questions, Tables};
    [
        ("sums", &[Arithmetic], arithmetic::sum_item),
        ("series", &[Arithmetic, Code], arithmetic::series_item),
        ("functions", &[Code], code::function_item),
        ("outputs", &[Code, Arithmetic], code::output_item),
        ("lookups", &[Tables], tables::look_up_item),
        ("endings", &[Prose, Dialogue], prose::ending_item),
        ("tools", &[Prose, Dialogue], prose::tool_item),
        ("replies", &[Dialogue, Prose], dialogue::reply_item),
        (
            "facts",
            &[Questions, Encyclopaedia],
            encyclopaedia::fact_item,
        ),
        (
            "articles",
            &[Encyclopaedia, Questions],
            encyclopaedia::article_item,
        ),
    ]
};

/// The tasks of `seed`, each with `count` different items, or as many as there are: every task has
/// more than 60.
#[must_use]
pub fn tasks(seed: u64, count: usize) -> Vec<Task> {
    let world = World::new(seed);
    let make = |(index, &(name, helped_by, item)): (usize, &(_, _, Maker))| {
        let mut draw = Draw::new(seed, 1000 + index as u64);
        let mut seen = BTreeSet::new();
        let mut items = Vec::with_capacity(count);
        // A task with few items repeats itself long before this many draws.
        for _ in 0..200 * count {
            if items.len() == count {
                break;
            }
            let item = item(&world, &mut draw);
            if seen.insert(item.clone()) {
                items.push(item);
            }
        }
        Task {
            name,
            helped_by,
            items,
        }
    };
    TASKS.iter().enumerate().map(make).collect()
}
