//! Prior against proposed weight of every domain, with intervals and caps.

use olmix_core::trust::Interval;
use olmix_core::{Binding, Constraints, Mixture};

use super::Figure;
use super::labels::{AXIS_LABEL, TICK, column_of, heading};
use crate::colour::{AXIS, BLUE, GRID, INK, MUTED, ORANGE};
use crate::font::{Weight, width};
use crate::format::{count, coverage, percent, ratio};
use crate::scale::{Scale, root_ticks};
use crate::svg::{Anchor, Drawing, Style};

/// What [`prior_and_proposed`] shows.
#[derive(Debug, Clone, Copy)]
pub struct PriorAndProposed<'a> {
    /// The natural distribution.
    pub prior: &'a Mixture,
    /// The proposed mixture; its domains are the rows.
    pub proposed: &'a Mixture,
    /// Intervals of the proposed weights, where there was a bootstrap.
    pub intervals: Option<Intervals<'a>>,
    /// Caps and bounds, aligned with the proposed mixture.
    pub constraints: &'a Constraints,
    /// The constraints that hold with equality.
    pub binding: &'a [Binding],
}

/// Intervals and what they cover.
#[derive(Debug, Clone, Copy)]
pub struct Intervals<'a> {
    /// One per domain.
    pub weights: &'a [Interval],
    /// Coverage in (0, 1).
    pub confidence: f64,
}

/// A row per domain, sorted by proposed weight, on a square-root axis in percent.
///
/// Hollow: prior. Filled: proposed, a diamond where a cap or bound of the domain binds. Whisker:
/// interval. Upright tick: the most the domain may have, where that is on the axis.
#[must_use]
pub fn prior_and_proposed(data: &PriorAndProposed) -> Figure {
    let rows = rows(data);
    let shown = |row: &Row| {
        row.prior
            .max(row.proposed)
            .max(row.interval.map_or(0.0, |i| i.high))
    };
    let most = rows
        .iter()
        .map(shown)
        .filter(|w| w.is_finite())
        .fold(0.01, f64::max);
    let layout = Layout::new(&rows, (1.04 * most).min(1.0));

    let mut drawing = Drawing::default();
    let subtitle = format!(
        "{}, by proposed weight; square-root axis",
        count(rows.len(), "domain")
    );
    heading(
        &mut drawing,
        16.0,
        layout.width - 32.0,
        "Prior and proposed mixture",
        &subtitle,
    );
    layout.legend(&mut drawing, data, &rows);
    layout.axis(&mut drawing);
    for (i, row) in rows.iter().enumerate() {
        layout.row(&mut drawing, i, row);
    }
    let label = format!(
        "Dot plot of the prior and proposed weight of {}.",
        count(rows.len(), "domain")
    );
    Figure::new(drawing, layout.width, layout.height, &label)
}

struct Row<'a> {
    name: &'a str,
    prior: f64,
    proposed: f64,
    interval: Option<Interval>,
    /// The least of cap and upper bound; `None` where there is none below 1.
    limit: Option<f64>,
    held: bool,
}

fn rows<'a>(data: &PriorAndProposed<'a>) -> Vec<Row<'a>> {
    let held = |j: usize| {
        let holds = |binding: &Binding| match *binding {
            Binding::Cap(i) | Binding::Upper(i) | Binding::Lower(i) => i == j,
            Binding::Held(_) | Binding::GroupUpper(_) | Binding::GroupLower(_) => false,
        };
        data.binding.iter().any(holds)
    };
    let row = |(j, name)| Row {
        name,
        prior: data.prior.weight(name).unwrap_or(0.0),
        proposed: data.proposed.weights()[j],
        interval: data.intervals.and_then(|i| i.weights.get(j)).copied(),
        limit: Some(data.constraints.limit(j)).filter(|&limit| limit < 1.0),
        held: held(j),
    };
    let names = data.proposed.domains().names();
    let mut rows: Vec<Row> = names.enumerate().map(row).collect();
    // A stable sort: equal weights stay in the order of the domains.
    rows.sort_by(|a, b| b.proposed.total_cmp(&a.proposed));
    rows
}

struct Layout {
    names: Vec<String>,
    pitch: f64,
    size: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    axis_end: f64,
    scale: Scale,
    width: f64,
    height: f64,
}

impl Layout {
    fn new(rows: &[Row], axis_end: f64) -> Self {
        let (pitch, size) = match rows.len() {
            ..=12 => (24.0, 12.0),
            13..=40 => (18.0, 11.5),
            _ => (15.5, 11.0),
        };
        let (names, widest) = column_of(rows.iter().map(|row| row.name), size, 230.0);
        let left = 16.0 + widest + 12.0;
        let right = left + 430.0;
        let top = 108.0;
        let bottom = top + pitch * rows.len() as f64;
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

    fn legend(&self, drawing: &mut Drawing, data: &PriorAndProposed, rows: &[Row]) {
        const Y: f64 = 64.0;
        let style = Style::new(11.0);
        let mut x = 16.0 + 5.0;
        let mut entry = |drawing: &mut Drawing, text: &str| {
            let mark = x;
            drawing.text(x + 11.0, Y + 4.0, text, style);
            x += 11.0 + width(text, 11.0, Weight::Regular) + 22.0;
            mark
        };
        let at = entry(drawing, "prior");
        drawing.ring(at, Y, 3.6, MUTED, 1.5);
        let at = entry(drawing, "proposed");
        drawing.disc(at, Y, 4.0, BLUE);
        if rows.iter().any(|row| row.held) {
            let at = entry(drawing, "proposed, at its cap or bound");
            drawing.diamond(at, Y, 5.2, ORANGE);
        }
        if let Some(intervals) = data.intervals {
            let text = format!("{} interval", coverage(intervals.confidence));
            let at = entry(drawing, &text);
            drawing.line((at - 6.0, Y), (at + 6.0, Y), INK, 1.2);
        }
        if rows.iter().any(|row| self.shows_limit(row).is_some()) {
            let at = entry(drawing, "most allowed");
            drawing.line((at, Y - 5.5), (at, Y + 5.5), ORANGE, 1.6);
        }
    }

    fn axis(&self, drawing: &mut Drawing) {
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
        drawing.text(
            centre,
            self.bottom + 34.0,
            "weight in the mixture, %",
            middle,
        );
        let head = TICK.anchor(Anchor::End);
        drawing.text(self.right + 80.0, self.top - 7.0, "proposed %", head);
        drawing.text(self.right + 132.0, self.top - 7.0, "× prior", head);
    }

    fn row(&self, drawing: &mut Drawing, i: usize, row: &Row) {
        let y = self.top + (i as f64 + 0.5) * self.pitch;
        let baseline = y + 0.36 * self.size;
        let text = Style::new(self.size).anchor(Anchor::End);
        drawing.text(self.left - 10.0, baseline, &self.names[i], text);
        let share = percent(row.proposed);
        drawing.text(self.right + 80.0, baseline, &share, text);
        let change = ratio(row.proposed, row.prior);
        drawing.text(self.right + 132.0, baseline, &change, text.colour(MUTED));

        let at = |weight: f64| self.scale.at(weight);
        let (prior, proposed) = (at(row.prior), at(row.proposed));
        drawing.line((prior, y), (proposed, y), "#bdd3e6", 2.4);
        if let Some(interval) = row.interval {
            let (low, high) = (at(interval.low), at(interval.high));
            drawing.line((low, y), (high, y), INK, 1.1);
            for x in [low, high] {
                drawing.line((x, y - 2.6), (x, y + 2.6), INK, 1.1);
            }
        }
        if let Some(limit) = self.shows_limit(row) {
            let (x, half) = (at(limit), 0.36 * self.pitch);
            drawing.line((x, y - half), (x, y + half), ORANGE, 1.6);
        }
        drawing.ring(prior, y, 3.4, MUTED, 1.5);
        if row.held {
            drawing.diamond(proposed, y, 5.0, ORANGE);
        } else {
            drawing.disc(proposed, y, 3.8, BLUE);
        }
    }

    fn shows_limit(&self, row: &Row) -> Option<f64> {
        row.limit.filter(|&limit| self.scale.contains(limit))
    }
}
