//! Talk between two people of the same world as prose. Task: `replies`.

use crate::draw::{Draw, held_out};
use crate::item::Item;
use crate::world::{Person, World};

static WEATHERS: [(&str, &str); 6] = [
    ("raining hard", "coat"),
    ("snowing", "fur hat"),
    ("windy", "scarf"),
    ("foggy", "lantern"),
    ("burning hot", "straw hat"),
    ("icy", "walking stick"),
];

static GREETINGS: [(&str, &str); 4] = [
    ("Good morning!", "Good morning to you!"),
    ("How are you?", "Very well, thank you."),
    ("Hello there!", "Hello, what a surprise!"),
    ("You look tired.", "I did not sleep at all."),
];

static PARTINGS: [(&str, &str); 4] = [
    ("See you tomorrow!", "Yes, goodbye!"),
    ("I must go now.", "Take care on the road!"),
    ("Thank you so much.", "You are very welcome."),
    ("Shall we eat?", "Gladly, I am starving."),
];

/// A few exchanges.
pub(crate) fn document(world: &World, draw: &mut Draw) -> String {
    let (first, second) = world.pair(draw);
    let mut text = String::new();
    if draw.chance(1, 2) {
        let (said, reply) = draw.pick(&GREETINGS);
        text.push_str(&format!(
            "{}: {said}\n{}: {reply}\n",
            first.name, second.name
        ));
    }
    for _ in 0..draw.between(1, 4) {
        let (asks, replies) = if draw.chance(1, 2) {
            (first, second)
        } else {
            (second, first)
        };
        let (said, reply) = loop {
            let (said, reply, held) = exchange(world, asks, replies, draw);
            if !held {
                break (said, reply);
            }
        };
        text.push_str(&format!("{said}{reply}\n"));
    }
    if draw.chance(1, 2) {
        let (said, reply) = draw.pick(&PARTINGS);
        text.push_str(&format!(
            "{}: {said}\n{}: {reply}\n",
            first.name, second.name
        ));
    }
    text
}

/// A question with its reply, and whether the two people's exchange is kept for tasks.
fn exchange(
    world: &World,
    asks: &Person,
    replies: &Person,
    draw: &mut Draw,
) -> (String, String, bool) {
    let kind = draw.below(5) as usize;
    let work = draw.index(&replies.trade.works);
    let weather = draw.index(&WEATHERS);
    let (trade, what) = (replies.trade, &replies.trade.works[work]);
    let (said, reply) = match kind {
        0 => (
            format!("Where are you going, {}?", replies.name),
            format!("To {}, to {}.", trade.place, what.base),
        ),
        1 => (
            format!("May I borrow your {}?", what.tool),
            format!("No, I need it to {}.", what.base),
        ),
        2 => (
            "What have you got to sell?".to_owned(),
            format!("I have {} from {}.", trade.goods, trade.place),
        ),
        3 => {
            let (sky, wear) = WEATHERS[weather];
            (
                format!("Is it {sky} today?"),
                format!("Yes, so take your {wear}."),
            )
        }
        _ => (
            format!("Who will {}?", asks.trade.works[work].base),
            format!("Ask {} the {}.", asks.name, asks.trade.name),
        ),
    };
    let detail = match kind {
        2 => 0,
        3 => weather,
        _ => work,
    };
    let key = [8, asks.index, replies.index, kind, detail];
    let held = held_out(world.seed, 8, &key);
    (
        format!("{}: {said}\n{}: ", asks.name, replies.name),
        reply,
        held,
    )
}

/// A reply between two people who have never talked of it in a document.
pub(crate) fn reply_item(world: &World, draw: &mut Draw) -> Item {
    loop {
        let (asks, replies) = world.pair(draw);
        let (context, answer, held) = exchange(world, asks, replies, draw);
        if held {
            return Item::answer(context, answer);
        }
    }
}
