//! A row per domain on a square-root axis of weights, and a legend above: the frame of two figures.

use super::labels::{AXIS_LABEL, TICK, column_of};
use crate::colour::{AXIS, GRID};
use crate::font::{Weight, width};
use crate::scale::{Scale, root_ticks};
use crate::svg::{Anchor, Drawing, Style};

/// The layout of a row per domain. All lengths are in pixels.
pub(super) struct DomainRows {
    /// Names of the domains, cut to fit their column.
    pub names: Vec<String>,
    /// Distance from row to row.
    pub pitch: f64,
    /// Size of the text.
    pub size: f64,
    pub left: f64,
    pub right: f64,
    pub top: f64,
    bottom: f64,
    axis_end: f64,
    pub scale: Scale,
    /// Width of the figure.
    pub width: f64,
    /// Height of the figure.
    pub height: f64,
}

impl DomainRows {
    /// Rows of these names, on an axis from 0 to `axis_end`.
    pub fn new<'a>(names: impl ExactSizeIterator<Item = &'a str>, axis_end: f64) -> Self {
        let (pitch, size) = match names.len() {
            ..=12 => (24.0, 12.0),
            13..=40 => (18.0, 11.5),
            _ => (15.5, 11.0),
        };
        let (names, widest) = column_of(names, size, 230.0);
        let left = 16.0 + widest + 12.0;
        let right = left + 430.0;
        let top = 108.0;
        let bottom = top + pitch * names.len() as f64;
        Self {
            names,
            pitch,
            size,
            left,
            right,
            top,
            bottom,
            axis_end,
            scale: Scale::root(axis_end, left, right),
            width: right + 148.0,
            height: bottom + 46.0,
        }
    }

    /// The middle of a row.
    pub fn middle(&self, row: usize) -> f64 {
        self.top + (row as f64 + 0.5) * self.pitch
    }

    /// Ticks, frame, the axis' name, and heads over columns at these distances right of it.
    pub fn axis(&self, drawing: &mut Drawing, heads: [(f64, &str); 2]) {
        for (value, label) in root_ticks(self.axis_end) {
            let x = self.scale.at(value);
            drawing.line((x, self.top), (x, self.bottom), GRID, 1.0);
            let style = TICK.anchor(Anchor::Middle);
            drawing.text(x, self.bottom + 15.0, &label, style);
            drawing.text(x, self.top - 7.0, &label, style);
        }
        let (left, right) = (self.left, self.right);
        for y in [self.top, self.bottom] {
            drawing.line((left, y), (right, y), AXIS, 1.0);
        }
        let middle = AXIS_LABEL.anchor(Anchor::Middle);
        let centre = f64::midpoint(left, right);
        let text = "weight in the mixture, %";
        drawing.text(centre, self.bottom + 34.0, text, middle);
        for (distance, head) in heads {
            let style = TICK.anchor(Anchor::End);
            drawing.text(self.right + distance, self.top - 7.0, head, style);
        }
    }
}

/// Marks with what they mean, from left to right.
pub(super) struct Legend {
    x: f64,
}

impl Legend {
    /// The height of the marks' middle.
    pub const Y: f64 = 64.0;

    pub fn new() -> Self {
        Self { x: 16.0 + 5.0 }
    }

    /// Writes a meaning and returns where its mark goes.
    pub fn entry(&mut self, drawing: &mut Drawing, text: &str) -> f64 {
        let mark = self.x;
        drawing.text(mark + 11.0, Self::Y + 4.0, text, Style::new(11.0));
        self.x += 11.0 + width(text, 11.0, Weight::Regular) + 22.0;
        mark
    }
}
