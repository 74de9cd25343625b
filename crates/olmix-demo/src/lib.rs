//! Small text domains with structure to learn, and tasks that some of them help.
//!
//! ```text
//! seed ─► world (who, what, where) ─► documents of eight domains
//!                                  └► tasks, in combinations that no document has
//! ```
//!
//! Everything is made from a seed with whole numbers only: the same bytes on every platform. The
//! low-quality domain is the largest and the useful ones are small, so that data in their natural
//! proportions are far from the best.

mod arithmetic;
mod clutter;
mod code;
mod dialogue;
mod draw;
mod encyclopaedia;
mod item;
mod prose;
mod tables;
mod task;
mod world;

pub use item::Item;
pub use task::{Task, tasks};

use draw::Draw;
use world::World;

/// One of the eight kinds of text that the demo makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// Exercises in sums, products and series.
    Arithmetic,
    /// Small programs with what they print.
    Code,
    /// Stories of people at work.
    Prose,
    /// Tables with questions on their cells.
    Tables,
    /// Dialogues of the people of the stories.
    Dialogue,
    /// Articles on towns, with the facts that questions ask for.
    Encyclopaedia,
    /// Questions on the same towns, with answers.
    Questions,
    /// Low quality: menus, notices and broken bytes. It helps no task.
    Clutter,
}

/// Name, natural size and description of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DomainSpec {
    /// Its name, which is also the name of its leaf.
    pub name: &'static str,
    /// Bytes of it in the demo, from which its natural share follows.
    pub bytes: usize,
    /// A phrase for tables that people read.
    pub description: &'static str,
}

impl Domain {
    /// All domains, in the order in which files and reports list them.
    pub const ALL: [Self; 8] = [
        Self::Arithmetic,
        Self::Code,
        Self::Prose,
        Self::Tables,
        Self::Dialogue,
        Self::Encyclopaedia,
        Self::Questions,
        Self::Clutter,
    ];

    /// Name, natural size and description.
    #[must_use]
    pub const fn spec(self) -> DomainSpec {
        let (name, bytes, description) = match self {
            Self::Arithmetic => ("arithmetic", 24_000, "sums and series"),
            Self::Code => ("code", 35_000, "small programs and what they print"),
            Self::Prose => ("prose", 210_000, "stories of people at work"),
            Self::Tables => ("tables", 56_000, "tables with look-ups"),
            Self::Dialogue => ("dialogue", 112_000, "talk of the same people"),
            Self::Encyclopaedia => ("encyclopaedia", 140_000, "articles on towns"),
            Self::Questions => ("questions", 49_000, "questions on the same towns"),
            Self::Clutter => ("clutter", 774_000, "menus, notices and broken bytes"),
        };
        DomainSpec {
            name,
            bytes,
            description,
        }
    }
}

/// Documents of a domain, until they hold `bytes` bytes or a little more. Asked for more bytes, it
/// gives the same documents and then others.
pub fn documents(domain: Domain, seed: u64, bytes: usize) -> impl Iterator<Item = String> {
    let world = World::new(seed);
    let mut draw = Draw::new(seed, 1 + domain as u64);
    let mut made = 0;
    std::iter::from_fn(move || {
        if made >= bytes {
            return None;
        }
        let text = document(domain, &world, &mut draw);
        made += text.len();
        Some(text)
    })
}

fn document(domain: Domain, world: &World, draw: &mut Draw) -> String {
    match domain {
        Domain::Arithmetic => arithmetic::document(world, draw),
        Domain::Code => code::document(world, draw),
        Domain::Prose => prose::document(world, draw),
        Domain::Tables => tables::document(world, draw),
        Domain::Dialogue => dialogue::document(world, draw),
        Domain::Encyclopaedia => encyclopaedia::article(world, draw),
        Domain::Questions => encyclopaedia::questions(world, draw),
        Domain::Clutter => clutter::document(draw),
    }
}
