//! What is known of the towns: as articles, and as questions with answers. The two domains share
//! facts and words, and differ in form. Tasks: `articles`, `facts`.

use crate::draw::{Draw, held_out};
use crate::item::Item;
use crate::world::{Town, World};

/// An article on one town.
pub(crate) fn article(world: &World, draw: &mut Draw) -> String {
    let town = draw.one_of(&world.towns);
    let mut text = loop {
        let (head, rest, held) = opening(world, town, draw);
        if !held {
            break format!("{head}{rest}.");
        }
    };
    let mut others = [0, 1, 2, 3, 4];
    draw.shuffle(&mut others);
    for &which in &others[..draw.between(1, 4) as usize] {
        text.push(' ');
        text.push_str(&remark(town, which));
    }
    text.push('\n');
    text
}

fn remark(town: &Town, which: u32) -> String {
    let Town {
        name,
        region,
        river,
        product,
        founder,
        emblem,
        ..
    } = town;
    match which {
        0 => format!("The arms of {name} show {emblem}."),
        1 => format!("The town was founded by {founder}."),
        2 => format!("The {product} of {name} is sold in many lands."),
        3 => format!("The river {river} often floods the lower streets of {name}."),
        _ => format!("Like all of {region}, {name} was once ruled by {founder}."),
    }
}

/// The first two sentences, cut after the start of the second: 24 × 4 × 4 of them.
fn opening(world: &World, town: &Town, draw: &mut Draw) -> (String, String, bool) {
    let (first, second) = (draw.below(4), draw.below(4));
    let key = [9, town.index, first as usize, second as usize];
    let held = held_out(world.seed, 4, &key);
    let Town {
        name,
        region,
        river,
        product,
        founder,
        emblem,
        ..
    } = town;
    let first = match first {
        0 => format!("{name} is a town in {region}."),
        1 => format!("{name} is an old town of {region}."),
        2 => format!("The town of {name} is in {region}."),
        _ => format!("In {region} stands the town of {name}."),
    };
    let (head, rest) = match second {
        0 => (
            "It lies on the river ",
            format!("{river} and is known for its {product}"),
        ),
        1 => (
            "It is known for its ",
            format!("{product} and lies on the river {river}"),
        ),
        2 => (
            "It was founded by ",
            format!("{founder} and its arms show {emblem}"),
        ),
        _ => (
            "Its arms show ",
            format!("{emblem} and it was founded by {founder}"),
        ),
    };
    (format!("{first} {head}"), rest, held)
}

/// The rest of an article that no document begins so.
pub(crate) fn article_item(world: &World, draw: &mut Draw) -> Item {
    loop {
        let town = draw.one_of(&world.towns);
        let (context, answer, held) = opening(world, town, draw);
        if held {
            return Item::answer(context, answer);
        }
    }
}

/// A few questions with their answers.
pub(crate) fn questions(world: &World, draw: &mut Draw) -> String {
    let mut text = String::new();
    for _ in 0..draw.between(1, 5) {
        let pair = loop {
            let town = draw.one_of(&world.towns);
            let (question, answer, held) = question(world, town, draw);
            if !held {
                break format!("{question}{answer}\n");
            }
        };
        text.push_str(&pair);
    }
    text
}

/// A question, its answer, and whether it is asked in these words in tasks only. Of its three
/// wordings each fact keeps one for tasks.
fn question(world: &World, town: &Town, draw: &mut Draw) -> (String, String, bool) {
    let (about, wording) = (draw.below(5) as usize, draw.below(3) as usize);
    // One of three, then one of the two left.
    let kept = (0..2).find(|&w| held_out(world.seed, 3 - w as u64, &[10, town.index, about, w]));
    let (wordings, answer) = match about {
        0 => (
            [
                "Where is # found?",
                "In what country is #?",
                "Where does # stand?",
            ],
            format!("It is in {}.", town.region),
        ),
        1 => (
            [
                "Which river runs by #?",
                "On what river is #?",
                "What river crosses #?",
            ],
            format!("It lies on the river {}.", town.river),
        ),
        2 => (
            [
                "What is # known for?",
                "What is made in #?",
                "What does # sell?",
            ],
            format!("It is known for its {}.", town.product),
        ),
        3 => (
            [
                "Who founded #?",
                "Who was the founder of #?",
                "Who first built #?",
            ],
            format!("It was founded by {}.", town.founder),
        ),
        _ => (
            [
                "What do the arms of # show?",
                "What is on the flag of #?",
                "What stands for #?",
            ],
            format!("Its arms show {}.", town.emblem),
        ),
    };
    let asked = wordings[wording].replace('#', town.name);
    (
        format!("Q: {asked}\nA: "),
        answer,
        wording == kept.unwrap_or(2),
    )
}

/// A question in words that no document asks it in.
pub(crate) fn fact_item(world: &World, draw: &mut Draw) -> Item {
    loop {
        let town = draw.one_of(&world.towns);
        let (context, answer, held) = question(world, town, draw);
        if held {
            return Item::answer(context, answer);
        }
    }
}
