//! Prior against proposed weight of every domain, with intervals and caps.

use olmix_core::trust::Interval;
use olmix_core::{Binding, Constraints, Mixture};

use super::Figure;
use super::labels::heading;
use super::rows::{DomainRows, Legend};
use crate::colour::{BLUE, INK, MUTED, ORANGE};
use crate::format::{count, coverage, percent, ratio};
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
    let names = rows.iter().map(|row| row.name);
    let layout = Layout(DomainRows::new(names, (1.04 * most).min(1.0)));

    let mut drawing = Drawing::default();
    let subtitle = format!(
        "{}, by proposed weight; square-root axis",
        count(rows.len(), "domain")
    );
    heading(
        &mut drawing,
        16.0,
        layout.0.width - 32.0,
        "Prior and proposed mixture",
        &subtitle,
    );
    layout.legend(&mut drawing, data, &rows);
    layout
        .0
        .axis(&mut drawing, [(80.0, "proposed %"), (132.0, "× prior")]);
    for (i, row) in rows.iter().enumerate() {
        layout.row(&mut drawing, i, row);
    }
    let label = format!(
        "Dot plot of the prior and proposed weight of {}.",
        count(rows.len(), "domain")
    );
    Figure::new(drawing, layout.0.width, layout.0.height, &label)
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

struct Layout(DomainRows);

impl Layout {
    fn legend(&self, drawing: &mut Drawing, data: &PriorAndProposed, rows: &[Row]) {
        const Y: f64 = Legend::Y;
        let mut legend = Legend::new();
        let mut entry = |drawing: &mut Drawing, text: &str| legend.entry(drawing, text);
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

    fn row(&self, drawing: &mut Drawing, i: usize, row: &Row) {
        let DomainRows {
            size,
            pitch,
            right,
            left,
            ..
        } = self.0;
        let y = self.0.middle(i);
        let baseline = y + 0.36 * size;
        let text = Style::new(size).anchor(Anchor::End);
        drawing.text(left - 10.0, baseline, &self.0.names[i], text);
        let share = percent(row.proposed);
        drawing.text(right + 80.0, baseline, &share, text);
        let change = ratio(row.proposed, row.prior);
        drawing.text(right + 132.0, baseline, &change, text.colour(MUTED));

        let at = |weight: f64| self.0.scale.at(weight);
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
            let (x, half) = (at(limit), 0.36 * pitch);
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
        row.limit.filter(|&limit| self.0.scale.contains(limit))
    }
}
