//! How the weights of each domain are spread over the mixtures of a swarm.

use olmix_core::DomainSet;

use super::Figure;
use super::labels::{AXIS_LABEL, TICK, column_of, heading};
use crate::colour::{AXIS, BLUE, GRID, MUTED, ORANGE};
use crate::font::{Weight, width};
use crate::format::{count, percent};
use crate::scale::{Scale, quantile, root_ticks};
use crate::svg::{Anchor, Drawing, Style};

/// What [`swarm_weights`] shows.
#[derive(Debug, Clone, Copy)]
pub struct SwarmWeights<'a> {
    /// The domains, in the order of the mixtures.
    pub domains: &'a DomainSet,
    /// The mixtures, each of length `m`; at least one.
    pub mixtures: &'a [Vec<f64>],
    /// What they are spread around, of length `m`.
    pub center: &'a [f64],
    /// The greatest weight a run may have, of each domain.
    pub caps: Option<&'a [f64]>,
}

/// More rows than this are not drawn: the domains with the largest shares are.
const MOST_ROWS: usize = 200;

/// A row per domain, by prior, on a square-root axis: least to greatest weight, the middle half, the
/// median, the prior, and how many mixtures have none of it.
#[must_use]
pub fn swarm_weights(data: &SwarmWeights<'_>) -> Figure {
    let mut order: Vec<usize> = (0..data.domains.len()).collect();
    order.sort_by(|&a, &b| data.center[b].total_cmp(&data.center[a]));
    let all = order.len();
    order.truncate(MOST_ROWS);
    let rows: Vec<Row> = order.iter().map(|&j| Row::new(data, j)).collect();
    let most = rows.iter().map(|row| row.quantiles[4].max(row.prior));
    let axis_end = (1.04 * most.fold(0.01, f64::max)).min(1.0);
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
    let scale = Scale::root(axis_end, left, right);
    let mut drawing = Drawing::default();
    let left_out = match all - rows.len() {
        0 => String::new(),
        more => format!("; {more} smaller ones are not drawn"),
    };
    let subtitle = format!(
        "{} over {}, by prior; square-root axis{left_out}",
        count(data.mixtures.len(), "mixture"),
        count(all, "domain")
    );
    let title = "Weights of each domain over the swarm";
    heading(&mut drawing, 16.0, right + 116.0, title, &subtitle);
    legend(&mut drawing, data.caps.is_some());
    for (value, label) in root_ticks(axis_end) {
        let x = scale.at(value);
        drawing.line((x, top), (x, bottom), GRID, 1.0);
        let style = TICK.anchor(Anchor::Middle);
        drawing.text(x, bottom + 15.0, &label, style);
        drawing.text(x, top - 7.0, &label, style);
    }
    for y in [top, bottom] {
        drawing.line((left, y), (right, y), AXIS, 1.0);
    }
    let middle = AXIS_LABEL.anchor(Anchor::Middle);
    let text = "weight in the mixture, %";
    drawing.text(f64::midpoint(left, right), bottom + 34.0, text, middle);
    let head = TICK.anchor(Anchor::End);
    drawing.text(right + 66.0, top - 7.0, "mean %", head);
    drawing.text(right + 132.0, top - 7.0, "without %", head);
    for (i, row) in rows.iter().enumerate() {
        let y = top + (i as f64 + 0.5) * pitch;
        let baseline = y + 0.36 * size;
        let style = Style::new(size).anchor(Anchor::End);
        drawing.text(left - 10.0, baseline, &names[i], style);
        drawing.text(right + 66.0, baseline, &percent(row.mean), style);
        let without = format!("{:.0}", 100.0 * row.without);
        drawing.text(right + 132.0, baseline, &without, style.colour(MUTED));
        let at = row.quantiles.map(|q| scale.at(q));
        drawing.line((at[0], y), (at[4], y), BLUE, 1.1);
        drawing.line((at[1], y), (at[3], y), "#8fb8da", 0.5 * pitch);
        drawing.line(
            (at[2], y - 0.3 * pitch),
            (at[2], y + 0.3 * pitch),
            BLUE,
            2.0,
        );
        if let Some(cap) = row.cap.filter(|&cap| scale.contains(cap)) {
            let x = scale.at(cap);
            drawing.line((x, y - 0.36 * pitch), (x, y + 0.36 * pitch), ORANGE, 1.6);
        }
        drawing.ring(scale.at(row.prior), y, 3.2, MUTED, 1.5);
    }
    let label = format!(
        "Spread of the weights of {} over a swarm.",
        count(all, "domain")
    );
    Figure::new(drawing, right + 148.0, bottom + 46.0, &label)
}

struct Row<'a> {
    name: &'a str,
    prior: f64,
    mean: f64,
    /// The share of the mixtures that have none of it.
    without: f64,
    /// Least, quartiles, greatest.
    quantiles: [f64; 5],
    cap: Option<f64>,
}

impl<'a> Row<'a> {
    fn new(data: &SwarmWeights<'a>, j: usize) -> Self {
        let weights = || data.mixtures.iter().map(|p| p[j]);
        let n = data.mixtures.len().max(1) as f64;
        Self {
            name: data.domains.name(j),
            prior: data.center[j],
            mean: weights().sum::<f64>() / n,
            without: weights().filter(|w| *w <= 0.0).count() as f64 / n,
            quantiles: [0.0, 0.25, 0.5, 0.75, 1.0].map(|q| quantile(weights(), q)),
            cap: data.caps.map(|caps| caps[j]).filter(|cap| *cap < 1.0),
        }
    }
}

fn legend(drawing: &mut Drawing, caps: bool) {
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
    drawing.ring(at, Y, 3.2, MUTED, 1.5);
    let at = entry(drawing, "median");
    drawing.line((at, Y - 5.0), (at, Y + 5.0), BLUE, 2.0);
    let at = entry(drawing, "middle half");
    drawing.line((at - 6.0, Y), (at + 6.0, Y), "#8fb8da", 8.0);
    let at = entry(drawing, "least to greatest");
    drawing.line((at - 6.0, Y), (at + 6.0, Y), BLUE, 1.1);
    if caps {
        let at = entry(drawing, "most allowed");
        drawing.line((at, Y - 5.5), (at, Y + 5.5), ORANGE, 1.6);
    }
}
