//! Stories of people at work. Tasks: `endings` (what was done with which tool), `tools` (choices).

use crate::draw::{Draw, held_out};
use crate::item::Item;
use crate::world::{Person, TRADES, World};

static OPENERS: [&str; 4] = [
    "woke before dawn",
    "rose early",
    "set out at sunrise",
    "drank some tea",
];

static WAYS: [&str; 3] = ["walked", "hurried", "strolled"];

static GRASPS: [&str; 3] = ["took the", "picked up the", "reached for the"];

static WEATHER: [&str; 8] = [
    "The rain fell softly on the roofs.",
    "Snow lay deep along the road.",
    "A warm wind blew from the south.",
    "The sun stood high above the fields.",
    "Fog hung over the river.",
    "Clouds drifted slowly across the sky.",
    "Swallows circled the church tower.",
    "Somewhere a bell rang twice.",
];

static MOODS: [&str; 6] = [
    "tired",
    "content",
    "hungry",
    "cheerful",
    "thoughtful",
    "proud",
];

/// A story of a few sentences about one person.
pub(crate) fn document(world: &World, draw: &mut Draw) -> String {
    let hero = draw.one_of(&world.people);
    let mut text = loop {
        let (head, rest, held) = opening(world, hero, draw);
        if !held {
            break format!("{head}{rest}.");
        }
    };
    for _ in 0..draw.between(1, 6) {
        text.push(' ');
        text.push_str(&sentence(world, hero, draw));
    }
    text.push('\n');
    text
}

fn sentence(world: &World, hero: &Person, draw: &mut Draw) -> String {
    let (he, trade) = (hero.pronoun(), hero.trade);
    match draw.below(5) {
        0 => draw.pick(&WEATHER).to_owned(),
        1 => {
            let (_, guest) = world.pair(draw);
            let (name, work, goods) = (guest.name, guest.trade.name, guest.trade.goods);
            let time = draw.pick(&["noon", "dusk", "supper", "midnight"]);
            format!("{name} the {work} brought some {goods} and stayed until {time}.")
        }
        2 => {
            let mood = draw.pick(&MOODS);
            format!(
                "In the evening {} sold the {} and was {mood}.",
                he.to_lowercase(),
                trade.goods
            )
        }
        3 => loop {
            let (head, rest, held) = grasp(world, hero, draw);
            if !held {
                break format!("{head}{rest} at once.");
            }
        },
        _ => {
            let work = draw.one_of(&trade.works);
            format!("{he} {} with the {}.", work.past, work.tool)
        }
    }
}

/// The first two sentences, cut before the tool and the work: 24 × 4 × 3 × 3 × 3 of them.
fn opening(world: &World, hero: &Person, draw: &mut Draw) -> (String, String, bool) {
    let (opener, way, verb, what) = (
        draw.index(&OPENERS),
        draw.index(&WAYS),
        draw.index(&GRASPS),
        draw.index(&hero.trade.works),
    );
    let held = held_out(world.seed, 8, &[6, hero.index, opener, way, verb, what]);
    let work = &hero.trade.works[what];
    let head = format!(
        "{} the {} {} and {} to {}. {} {} ",
        hero.name,
        hero.trade.name,
        OPENERS[opener],
        WAYS[way],
        hero.trade.place,
        hero.pronoun(),
        GRASPS[verb]
    );
    (head, format!("{} and {}", work.tool, work.past), held)
}

/// A sentence of one person and one tool, cut before the tool.
fn grasp(world: &World, hero: &Person, draw: &mut Draw) -> (String, String, bool) {
    let (verb, what) = (draw.index(&GRASPS), draw.index(&hero.trade.works));
    let held = held_out(world.seed, 4, &[7, hero.index, verb, what]);
    let head = format!("{} the {} {} ", hero.name, hero.trade.name, GRASPS[verb]);
    (head, hero.trade.works[what].tool.to_owned(), held)
}

/// What a person did, after an opening that no document has with it.
pub(crate) fn ending_item(world: &World, draw: &mut Draw) -> Item {
    loop {
        let hero = draw.one_of(&world.people);
        let (context, answer, held) = opening(world, hero, draw);
        if held {
            return Item::answer(context, answer);
        }
    }
}

/// Which of four tools a person reached for.
pub(crate) fn tool_item(world: &World, draw: &mut Draw) -> Item {
    loop {
        let hero = draw.one_of(&world.people);
        let (context, answer, held) = grasp(world, hero, draw);
        if !held {
            continue;
        }
        let mut others: Vec<usize> = (0..TRADES.len()).collect();
        others.retain(|&trade| TRADES[trade].name != hero.trade.name);
        draw.shuffle(&mut others);
        let mut choices = vec![answer.clone()];
        for &trade in &others[..3] {
            choices.push(draw.one_of(&TRADES[trade].works).tool.to_owned());
        }
        draw.shuffle(&mut choices);
        let gold = choices.iter().position(|choice| *choice == answer);
        return Item::Choice {
            context,
            choices,
            gold: gold.unwrap_or(0),
        };
    }
}
