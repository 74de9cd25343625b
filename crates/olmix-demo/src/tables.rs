//! Small tables with look-ups below them. Task: `lookups`.

use crate::draw::Draw;
use crate::item::Item;
use crate::world::{COLOURS, MATERIALS, World};

/// A row: a thing, its colour and what it is made of.
type Row = [&'static str; 3];

/// A table and one or two look-ups.
pub(crate) fn document(world: &World, draw: &mut Draw) -> String {
    let rows = rows(world, draw);
    let mut text = table(&rows);
    for _ in 0..draw.between(1, 3) {
        let (question, answer) = look_up(&rows, draw);
        text.push_str(&format!("{question}{answer}\n"));
    }
    text
}

/// A look-up in a table of its own. The rows are drawn anew, so a document has the same table and
/// question about never.
pub(crate) fn look_up_item(world: &World, draw: &mut Draw) -> Item {
    let rows = rows(world, draw);
    let (question, answer) = look_up(&rows, draw);
    Item::answer(format!("{}{question}", table(&rows)), answer)
}

/// Three rows of different things. Each thing has its usual colour and material 2 times in 4, its
/// second one 1 time in 4, else any.
fn rows(world: &World, draw: &mut Draw) -> Vec<Row> {
    let mut order: Vec<usize> = (0..world.things.len()).collect();
    draw.shuffle(&mut order);
    let row = |&index: &usize| {
        let thing = &world.things[index];
        let colour = usual(thing.colours, &COLOURS, draw);
        [thing.name, colour, usual(thing.materials, &MATERIALS, draw)]
    };
    order[..3].iter().map(row).collect()
}

fn usual(usual: [&'static str; 2], all: &[&'static str], draw: &mut Draw) -> &'static str {
    match draw.below(4) {
        0 | 1 => usual[0],
        2 => usual[1],
        _ => draw.pick(all),
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = "item,colour,material\n".to_owned();
    for [thing, colour, material] in rows {
        text.push_str(&format!("{thing},{colour},{material}\n"));
    }
    text
}

fn look_up(rows: &[Row], draw: &mut Draw) -> (String, String) {
    let [thing, colour, material] = draw.pick(rows);
    (format!("find {thing} = "), format!("{colour} {material}"))
}
