//! How the weights of each domain are spread over the mixtures of a swarm.

use olmix_core::DomainSet;

use super::Figure;
use super::labels::heading;
use super::rows::{DomainRows, Legend};
use crate::colour::{BLUE, MUTED, ORANGE};
use crate::format::{count, percent};
use crate::scale::quantile;
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
    let frame = DomainRows::new(rows.iter().map(|row| row.name), axis_end);
    let DomainRows {
        pitch,
        size,
        left,
        right,
        ..
    } = frame;
    let scale = &frame.scale;
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
    frame.axis(&mut drawing, [(66.0, "mean %"), (132.0, "without %")]);
    for (i, row) in rows.iter().enumerate() {
        let y = frame.middle(i);
        let baseline = y + 0.36 * size;
        let style = Style::new(size).anchor(Anchor::End);
        drawing.text(left - 10.0, baseline, &frame.names[i], style);
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
    Figure::new(drawing, frame.width, frame.height, &label)
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
    const Y: f64 = Legend::Y;
    let mut legend = Legend::new();
    let mut entry = |drawing: &mut Drawing, text: &str| legend.entry(drawing, text);
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
