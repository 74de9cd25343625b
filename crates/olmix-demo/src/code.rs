//! Small programs with what they print. Tasks: `functions` (bodies from names), `outputs`.

use crate::arithmetic::{STEPS, run};
use crate::draw::{Draw, held_out};
use crate::item::Item;
use crate::world::World;

static VARIABLES: [&str; 10] = [
    "n", "x", "count", "total", "value", "price", "index", "size", "left", "age",
];

static NUMBERS: [&str; 12] = [
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "twenty",
];

static OPERATIONS: [(&str, &str); 6] = [
    ("add", "+"),
    ("take", "-"),
    ("times", "*"),
    ("over", "//"),
    ("rest", "%"),
    ("power", "**"),
];

/// Functions, tests or loops.
pub(crate) fn document(world: &World, draw: &mut Draw) -> String {
    let kind = draw.below(3);
    let mut text = String::new();
    for _ in 0..draw.between(2, 5) {
        let part = loop {
            let (head, rest, held) = match kind {
                0 => function(world, draw),
                1 => looped(world, draw),
                _ => branch(draw),
            };
            if !held {
                break format!("{head}{rest}\n\n");
            }
        };
        text.push_str(&part);
    }
    text.pop();
    text
}

/// The body of a function that no document has.
pub(crate) fn function_item(world: &World, draw: &mut Draw) -> Item {
    loop {
        let (context, answer, held) = function(world, draw);
        if held {
            return Item::answer(context, answer);
        }
    }
}

/// What a loop prints; no document has the loop.
pub(crate) fn output_item(world: &World, draw: &mut Draw) -> Item {
    loop {
        let (context, answer, held) = looped(world, draw);
        if held {
            return Item::answer(context, answer);
        }
    }
}

/// Head, body, and whether it is kept for tasks.
fn function(world: &World, draw: &mut Draw) -> (String, String, bool) {
    let (operation, number, variable) = (
        draw.index(&OPERATIONS),
        draw.index(&NUMBERS),
        draw.index(&VARIABLES),
    );
    let held = held_out(world.seed, 6, &[4, operation, number, variable]);
    let (verb, sign) = OPERATIONS[operation];
    let (word, name) = (NUMBERS[number], VARIABLES[variable]);
    let figure = if number == 11 { 20 } else { number + 2 };
    let head = format!("def {verb}_{word}({name}):\n    ");
    (head, format!("return {name} {sign} {figure}"), held)
}

fn looped(world: &World, draw: &mut Draw) -> (String, String, bool) {
    let (start, step, count) = (draw.below(40), draw.pick(&STEPS), draw.between(4, 6));
    let key = [5, start as usize, step as usize, count as usize];
    let held = held_out(world.seed, 6, &key);
    let end = start + count * step;
    let head = if draw.chance(1, 2) {
        format!("for i in range({start}, {end}, {step}):\n    print(i)\n# ")
    } else {
        format!("print(*range({start}, {end}, {step}))\n# ")
    };
    (head, run(start, step, count), held)
}

fn branch(draw: &mut Draw) -> (String, String, bool) {
    let (name, limit) = (draw.pick(&VARIABLES), draw.between(2, 60));
    let (word, other) = draw.pick(&[("big", "small"), ("high", "low"), ("late", "early")]);
    let head = format!("if {name} > {limit}:\n    print('{word}')\n");
    (head, format!("else:\n    print('{other}')"), false)
}
