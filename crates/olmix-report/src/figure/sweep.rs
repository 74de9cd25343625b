//! A sweep: the mixture of every cell, its predicted loss, and how many caps bind.

use std::fmt::Write as _;

use olmix_core::{DomainSet, Sweep, SweepCell, SweepOutcome};

use super::Figure;
use super::labels::{SUBTITLE, Slanted, TICK, heading};
use crate::colour::{ABSENT, AXIS, BLUE, GRID, INK, MUTED, sequential};
use crate::format::{count, loss, setting, tokens};
use crate::scale::{Scale, range, ticks};
use crate::svg::{Anchor, Drawing, Px, Style};

/// Most columns of the heat map; smaller domains share the last one.
const COLUMNS: usize = 64;
const PITCH: f64 = 16.0;
const LEFT: f64 = 108.0;
/// Width of the plot of losses.
const LOSSES: f64 = 150.0;

/// A row per cell, grouped by target tokens and repetition factor; a column per domain, heaviest
/// first (beyond 64 domains the smallest share a column); at the right the predicted loss, with
/// the natural distribution as a line, and the number of caps that bind.
///
/// Cells without a feasible mixture are hatched and say so.
#[must_use]
pub fn sweep(sweep: &Sweep) -> Figure {
    let columns = Columns::new(sweep);
    let rows = rows(&sweep.cells);
    let layout = Layout::new(&columns, &rows, sweep);

    let mut drawing = Drawing::default();
    let subtitle = format!(
        "{}: target tokens R, repetition factor k, strength λ of the KL term",
        count(sweep.cells.len(), "cell")
    );
    let limit = layout.width - 32.0;
    heading(
        &mut drawing,
        16.0,
        limit,
        "Mixture by cell of the sweep",
        &subtitle,
    );
    layout.head(&mut drawing, &columns, sweep.natural);
    let top_weight = columns.most.max(0.02);
    for (row, cell) in rows.iter().zip(&sweep.cells) {
        layout.labels(&mut drawing, row);
        match &cell.outcome {
            Ok(outcome) => {
                let weights = columns.weights(outcome);
                layout.mixture(&mut drawing, row.y, &weights, top_weight);
                layout.loss(&mut drawing, row.y, outcome, sweep.natural);
            }
            Err(_) => layout.absent(&mut drawing, row.y),
        }
    }
    layout.legend(&mut drawing, top_weight);
    let label = format!(
        "Heat map of domain weights over {} of a sweep, with predicted loss and binding caps.",
        count(sweep.cells.len(), "cell")
    );
    Figure::new(drawing, layout.width, layout.height, &label)
}

fn outcomes(sweep: &Sweep) -> impl Iterator<Item = &SweepOutcome> {
    sweep
        .cells
        .iter()
        .filter_map(|cell| cell.outcome.as_ref().ok())
}

/// Which domains the columns are.
struct Columns {
    domains: Option<DomainSet>,
    /// Domains with a column of their own, by mean weight.
    own: Vec<usize>,
    /// Domains that share the last column.
    rest: Vec<usize>,
    /// The largest weight of a domain in any cell.
    most: f64,
}

impl Columns {
    fn new(sweep: &Sweep) -> Self {
        let domains = outcomes(sweep).next().map(|o| o.mixture.domains().clone());
        let m = domains.as_ref().map_or(0, DomainSet::len);
        let mut sums = vec![0.0; m];
        for outcome in outcomes(sweep) {
            for (sum, weight) in sums.iter_mut().zip(outcome.mixture.weights()) {
                *sum += weight;
            }
        }
        let mut own: Vec<usize> = (0..m).collect();
        own.sort_by(|&a, &b| sums[b].total_cmp(&sums[a]));
        let rest = if m > COLUMNS {
            own.split_off(COLUMNS - 1)
        } else {
            Vec::new()
        };
        let weights = outcomes(sweep).flat_map(|o| o.mixture.weights().iter().copied());
        let most = weights.fold(0.0, f64::max);
        Self {
            domains,
            own,
            rest,
            most,
        }
    }

    fn len(&self) -> usize {
        self.own.len() + usize::from(!self.rest.is_empty())
    }

    fn labels(&self) -> Vec<String> {
        let Some(domains) = &self.domains else {
            return Vec::new();
        };
        let mut labels: Vec<String> = self
            .own
            .iter()
            .map(|&j| domains.name(j).to_owned())
            .collect();
        if !self.rest.is_empty() {
            labels.push(format!("{} others, summed", self.rest.len()));
        }
        labels
    }

    fn weights(&self, outcome: &SweepOutcome) -> Vec<f64> {
        let weight = |&j: &usize| outcome.mixture.weights().get(j).copied().unwrap_or(0.0);
        let mut weights: Vec<f64> = self.own.iter().map(weight).collect();
        if !self.rest.is_empty() {
            weights.push(self.rest.iter().map(weight).sum());
        }
        weights
    }
}

/// Where a cell stands and what is written at its left.
struct Row {
    y: f64,
    /// A heading above the row, where `R` changes.
    target: Option<String>,
    /// `k`, where it changes.
    repetition: Option<String>,
    kl: String,
}

/// Tops relative to the first heading.
fn rows(cells: &[SweepCell]) -> Vec<Row> {
    let mut y = 0.0;
    let mut rows = Vec::with_capacity(cells.len());
    let mut before: Option<&SweepCell> = None;
    for cell in cells {
        let new_target = before.is_none_or(|b| b.target_tokens != cell.target_tokens);
        let new_k = new_target || before.is_none_or(|b| b.repetition != cell.repetition);
        if new_target {
            y += if before.is_some() { 34.0 } else { 24.0 };
        } else if new_k {
            y += 5.0;
        }
        let target = || match cell.target_tokens {
            Some(target) => format!("R = {} tokens", tokens(target)),
            None => "no caps".to_owned(),
        };
        let repetition = cell.repetition.filter(|_| new_k);
        rows.push(Row {
            y,
            target: new_target.then(target),
            repetition: repetition.map(|k| format!("k = {}", setting(k))),
            kl: format!("λ = {}", setting(cell.kl)),
        });
        y += PITCH;
        before = Some(cell);
    }
    rows
}

struct Layout {
    slanted: Slanted,
    column: f64,
    top: f64,
    bottom: f64,
    /// Right edge of the heat map.
    map_right: f64,
    losses: Scale,
    loss_range: (f64, f64),
    loss_left: f64,
    /// Right edges of the columns of numbers.
    loss_number: f64,
    caps_number: f64,
    /// From the last row to the legend.
    legend_drop: f64,
    width: f64,
    height: f64,
}

impl Layout {
    fn new(columns: &Columns, rows: &[Row], sweep: &Sweep) -> Self {
        let labels = columns.labels();
        let column = (780.0 / columns.len().max(1) as f64)
            .floor()
            .clamp(12.0, 44.0);
        let slanted = Slanted::new(
            labels.iter().map(String::as_str),
            (0.8 * column).clamp(9.5, 11.5),
        );
        let map_right = LEFT + column * columns.len().max(8) as f64;
        let loss_left = map_right + slanted.overhang.max(24.0) * 0.35 + 8.0;
        // Under a narrow map the legend would run into the axis of the losses.
        let legend_drop = if map_right - LEFT < 420.0 { 46.0 } else { 12.0 };
        let loss_number = loss_left + LOSSES + 58.0;
        let caps_number = loss_number + 62.0;
        let top = 56.0 + slanted.height.max(30.0);
        let bottom = top + rows.last().map_or(0.0, |row| row.y + PITCH);
        let values = outcomes(sweep).map(|o| o.predicted).chain([sweep.natural]);
        let (low, high) = range(values).unwrap_or((0.0, 1.0));
        let margin = 0.05 * (high - low).max(1e-3 * high.abs());
        let loss_range = (low - margin, high + margin);
        Self {
            slanted,
            column,
            top,
            bottom,
            map_right,
            losses: Scale::linear(loss_range.0, loss_range.1, loss_left, loss_left + LOSSES),
            loss_range,
            loss_left,
            loss_number,
            caps_number,
            width: caps_number + 22.0,
            height: bottom + legend_drop + 40.0,
            legend_drop,
        }
    }

    fn head(&self, drawing: &mut Drawing, columns: &Columns, natural: f64) {
        for j in 0..columns.len() {
            let x = LEFT + (j as f64 + 0.5) * self.column;
            self.slanted.draw(drawing, j, x, self.top + 14.0);
        }
        let style = TICK.anchor(Anchor::End);
        let head = self.top + 14.0;
        drawing.text(self.loss_number, head, "loss", style);
        drawing.text(self.caps_number, head - 12.0, "caps that", style);
        drawing.text(self.caps_number, head, "bind", style);
        for (value, label) in ticks(self.loss_range.0, self.loss_range.1, 3.0) {
            let x = self.losses.at(value);
            drawing.line((x, self.top + 20.0), (x, self.bottom), GRID, 1.0);
            drawing.text(x, self.bottom + 14.0, &label, TICK.anchor(Anchor::Middle));
        }
        if natural.is_finite() {
            let x = self.losses.at(natural);
            drawing.line((x, self.top + 20.0), (x, self.bottom), MUTED, 1.2);
            drawing.text(x, head, "prior", style.colour(MUTED));
        }
        let style = TICK.anchor(Anchor::Middle);
        let middle = self.loss_left + LOSSES / 2.0;
        drawing.text(middle, self.bottom + 30.0, "predicted average loss", style);
    }

    fn labels(&self, drawing: &mut Drawing, row: &Row) {
        let y = self.top + row.y;
        if let Some(target) = &row.target {
            drawing.text(16.0, y - 7.0, target, Style::new(11.5).bold());
        }
        let baseline = y + PITCH / 2.0 + 3.8;
        if let Some(repetition) = &row.repetition {
            drawing.text(16.0, baseline, repetition, Style::new(10.5));
        }
        let style = Style::new(10.5).anchor(Anchor::End);
        drawing.text(LEFT - 6.0, baseline, &row.kl, style.colour(MUTED));
    }

    fn mixture(&self, drawing: &mut Drawing, y: f64, weights: &[f64], most: f64) {
        for (j, &weight) in weights.iter().enumerate() {
            let x = LEFT + j as f64 * self.column;
            let fill = sequential((weight / most).sqrt());
            drawing.rect(x, self.top + y, self.column - 1.0, PITCH - 1.0, &fill);
        }
    }

    fn loss(&self, drawing: &mut Drawing, y: f64, outcome: &SweepOutcome, natural: f64) {
        let middle = self.top + y + PITCH / 2.0;
        let x = self.losses.at(outcome.predicted);
        let from = self.losses.at(natural);
        drawing.line((from, middle), (x, middle), "#bdd3e6", 2.4);
        drawing.disc(x, middle, 3.6, BLUE);
        let style = Style::new(10.5).anchor(Anchor::End).colour(INK);
        let baseline = middle + 3.8;
        drawing.text(self.loss_number, baseline, &loss(outcome.predicted), style);
        let caps = outcome.caps_binding;
        let colour = if caps == 0 { MUTED } else { INK };
        drawing.text(
            self.caps_number,
            baseline,
            &caps.to_string(),
            style.colour(colour),
        );
    }

    fn absent(&self, drawing: &mut Drawing, y: f64) {
        let (y, height) = (self.top + y, PITCH - 1.0);
        let mut hatch = String::new();
        let mut x = LEFT;
        while x + height <= self.map_right - 1.0 {
            let _ = write!(hatch, "M{} {}l{height}-{height}", Px(x), Px(y + height));
            x += 7.0;
        }
        drawing.path(&hatch, &format!(r#"stroke="{ABSENT}" fill="none""#));
        let text = "no mixture";
        let style = Style::new(10.5).anchor(Anchor::Middle).colour(MUTED);
        let half = crate::font::width(text, style.size, style.weight) / 2.0 + 6.0;
        let middle = f64::midpoint(LEFT, self.map_right);
        drawing.rect(middle - half, y, 2.0 * half, height, "#fff");
        drawing.text(middle, y + height / 2.0 + 3.8, text, style);
        let style = style.anchor(Anchor::End);
        drawing.text(self.loss_number, y + height / 2.0 + 3.8, "–", style);
    }

    fn legend(&self, drawing: &mut Drawing, most: f64) {
        const WIDTH: f64 = 180.0;
        let (left, top) = (LEFT, self.bottom + self.legend_drop);
        let scale = Scale::root(most, left, left + WIDTH);
        for i in 0..60 {
            let x = left + f64::from(i) * WIDTH / 60.0;
            let fill = sequential((f64::from(i) + 0.5) / 60.0);
            // A little wider than a step, so that no seam shows.
            drawing.rect(x, top, WIDTH / 60.0 + 0.3, 9.0, &fill);
        }
        for (value, label) in crate::scale::root_ticks(most) {
            let x = scale.at(value);
            drawing.line((x, top + 9.0), (x, top + 12.0), AXIS, 1.0);
            if (value / most).sqrt() > 0.12 || value == 0.0 {
                drawing.text(x, top + 23.0, &label, TICK.anchor(Anchor::Middle));
            }
        }
        let style = SUBTITLE.colour(MUTED);
        drawing.text(
            left + WIDTH + 14.0,
            top + 9.0,
            "weight, % (square-root scale)",
            style,
        );
    }
}
