//! Sums, products and series, in figures and in words. Tasks: `sums`, `series`.

use crate::draw::{Draw, held_out};
use crate::item::Item;
use crate::world::World;

static WORDS: [&str; 25] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "twenty one",
    "twenty two",
    "twenty three",
    "twenty four",
];

pub(crate) static STEPS: [u32; 6] = [1, 2, 3, 4, 5, 10];

/// A page of exercises of one kind.
pub(crate) fn document(world: &World, draw: &mut Draw) -> String {
    let kind = draw.below(5);
    let mut text = String::new();
    for _ in 0..draw.between(5, 14) {
        let line = loop {
            let (question, answer, held) = match kind {
                0 | 1 => exercise(world, draw),
                2 => spoken(world, draw),
                _ => series(world, draw),
            };
            if !held {
                break format!("{question}{answer}\n");
            }
        };
        text.push_str(&line);
    }
    text
}

/// A sum that no document has in this order, in figures or in words.
pub(crate) fn sum_item(world: &World, draw: &mut Draw) -> Item {
    loop {
        let (context, answer, held) = if draw.chance(1, 3) {
            exercise(world, draw)
        } else {
            spoken(world, draw)
        };
        if held {
            return Item::answer(context, answer);
        }
    }
}

/// A series whose start and step no document has together.
pub(crate) fn series_item(world: &World, draw: &mut Draw) -> Item {
    loop {
        let (context, answer, held) = series(world, draw);
        if held {
            return Item::answer(context, answer);
        }
    }
}

/// Question, answer, and whether it is kept for tasks.
fn exercise(world: &World, draw: &mut Draw) -> (String, String, bool) {
    let (a, b) = (draw.between(1, 12), draw.between(1, 12));
    let (sign, left, result) = match draw.below(3) {
        0 => ('+', a, a + b),
        1 => ('-', a + b, a),
        _ => ('*', a, a * b),
    };
    let held = held_out(world.seed, 6, &[1, sign as usize, a as usize, b as usize]);
    (format!("{left} {sign} {b} = "), result.to_string(), held)
}

fn spoken(world: &World, draw: &mut Draw) -> (String, String, bool) {
    let (a, b) = (draw.between(1, 12) as usize, draw.between(1, 12) as usize);
    let less = draw.chance(1, 3);
    let (question, result) = if less {
        let question = format!("{} less {} leaves ", WORDS[a + b], WORDS[b]);
        (question, WORDS[a])
    } else {
        (format!("{} and {} make ", WORDS[a], WORDS[b]), WORDS[a + b])
    };
    let held = held_out(world.seed, 6, &[2, usize::from(less), a, b]);
    (question, result.to_owned(), held)
}

fn series(world: &World, draw: &mut Draw) -> (String, String, bool) {
    let (start, step) = (draw.below(50), draw.pick(&STEPS));
    let held = held_out(world.seed, 6, &[3, start as usize, step as usize]);
    let question = format!("count by {step} from {start}: ");
    (question, run(start, step, draw.between(5, 7)), held)
}

/// `count` numbers from `start` on, `step` apart: "4 7 10 13".
pub(crate) fn run(start: u32, step: u32, count: u32) -> String {
    let numbers: Vec<String> = (0..count).map(|i| (start + i * step).to_string()).collect();
    numbers.join(" ")
}
