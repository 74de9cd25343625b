//! Tasks: contexts with answers, of the kinds that domains teach, in combinations that no document
//! of the same seed has.

use std::collections::BTreeSet;

use crate::draw::Draw;
use crate::item::Item;
use crate::world::World;
use crate::{arithmetic, code, dialogue, encyclopaedia, prose, tables};

/// A task of the demo: a name and its questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its name, which is also the name of its file.
    pub name: &'static str,
    /// The domains whose documents have questions of the same kind; training on them helps most.
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
