//! A bar per name, with a mark beside it for a second number.

use super::Figure;
use super::labels::{AXIS_LABEL, TICK, column_of, heading};
use super::rows::Legend;
use crate::colour::{AXIS, BLUE, GRID, ORANGE};
use crate::scale::{Scale, ticks};
use crate::svg::{Anchor, Drawing, Style};

/// One name with its numbers, none negative.
#[derive(Debug, Clone, PartialEq)]
pub struct BarRow {
    /// The label at the left of the bar.
    pub name: String,
    /// The length of the bar.
    pub bar: f64,
    /// Where the mark stands, and its error; not drawn where it is not finite.
    pub mark: (f64, f64),
}

/// What [`bars()`] shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars<'a> {
    /// The title, in bold above the figure.
    pub title: &'a str,
    /// A line below the title: which numbers these are.
    pub subtitle: &'a str,
    /// What the axis shows.
    pub axis: &'a str,
    /// What bars and marks show, in this order.
    pub legend: [&'a str; 2],
    /// The rows, from top to bottom.
    pub rows: &'a [BarRow],
}

const WIDTH: f64 = 400.0;
const TOP: f64 = 88.0;
const PITCH: f64 = 18.0;
const SIZE: f64 = 11.5;

/// Bars from zero, with rings (and one standard error each way) for the second numbers.
#[must_use]
pub fn bars(data: &Bars<'_>) -> Figure {
    let (names, widest) = column_of(data.rows.iter().map(|r| r.name.as_str()), SIZE, 230.0);
    let left = 16.0 + widest + 10.0;
    let bottom = TOP + PITCH * data.rows.len() as f64;
    let ends = data.rows.iter().flat_map(|r| [r.bar, r.mark.0 + r.mark.1]);
    let end = 1.04 * ends.filter(|end| end.is_finite()).fold(0.0, f64::max);
    let scale = Scale::linear(0.0, end, left, left + WIDTH);
    let width = left + WIDTH + 24.0;
    let mut drawing = Drawing::default();
    heading(&mut drawing, 16.0, width - 32.0, data.title, data.subtitle);
    let mut legend = Legend::new();
    let at = legend.entry(&mut drawing, data.legend[0]);
    drawing.line((at - 6.0, Legend::Y), (at + 6.0, Legend::Y), BLUE, 8.0);
    let at = legend.entry(&mut drawing, data.legend[1]);
    drawing.ring(at, Legend::Y, 3.2, ORANGE, 1.8);
    for (value, label) in ticks(0.0, end, 5.0) {
        let x = scale.at(value);
        drawing.line((x, TOP), (x, bottom), GRID, 1.0);
        drawing.text(x, bottom + 15.0, &label, TICK.anchor(Anchor::Middle));
    }
    drawing.line((left, TOP), (left, bottom), AXIS, 1.0);
    let middle = AXIS_LABEL.anchor(Anchor::Middle);
    drawing.text(left + 0.5 * WIDTH, bottom + 34.0, data.axis, middle);
    for (i, (row, name)) in data.rows.iter().zip(&names).enumerate() {
        let y = TOP + (i as f64 + 0.5) * PITCH;
        let style = Style::new(SIZE).anchor(Anchor::End);
        drawing.text(left - 8.0, y + 0.36 * SIZE, name, style);
        drawing.line((left, y), (scale.at(row.bar), y), BLUE, 0.55 * PITCH);
        let (mark, error) = row.mark;
        if mark.is_finite() {
            let (low, high) = (scale.at(mark - error), scale.at(mark + error));
            drawing.line((low, y), (high, y), ORANGE, 1.2);
            drawing.ring(scale.at(mark), y, 3.2, ORANGE, 1.8);
        }
    }
    Figure::new(drawing, width, bottom + 46.0, data.title)
}
