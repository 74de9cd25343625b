//! The interaction matrix: which domain helps or hurts which task.

use olmix_core::law::FittedLaw;
use olmix_core::{DomainSet, Task};

use super::labels::{SUBTITLE, Slanted, TICK, column_of, families, heading};
use super::{Figure, Hover, HoverCells};
use crate::colour::{ABSENT, DIVERGING_STEPS, MUTED, diverging};
use crate::font::fit;
use crate::format::{count, significant};
use crate::scale::quantile;
use crate::svg::{Anchor, Drawing, Px, Style};

/// What [`interaction_matrix`] shows.
#[derive(Debug, Clone, Copy)]
pub struct InteractionMatrix<'a> {
    /// The rows, grouped by family in the figure.
    pub tasks: &'a [Task],
    /// The columns, in this order.
    pub domains: &'a DomainSet,
    /// One law per task, over these domains.
    pub laws: &'a [FittedLaw],
    /// The weights the coefficients are compared with, `p0`, length `m`.
    pub prior: &'a [f64],
    /// Domains that no run sampled, as positions: drawn grey.
    pub dead: &'a [usize],
}

/// Tasks × domains; colour is `t_j − Σ_k p0_k t_k`: what moving weight from the prior to domain
/// `j` does to the log of a task's reducible loss, per unit of weight.
///
/// Blue lowers the loss, red raises it; colours end at the 95th percentile of the absolute
/// values. Cells shrink with the number of rows and columns, and labels are thinned where they
/// would touch.
#[must_use]
pub fn interaction_matrix(data: &InteractionMatrix) -> Figure {
    let values = effects(data);
    let live = |i: usize| {
        let row = &values[i];
        (0..row.len())
            .filter(|j| !data.dead.contains(j))
            .map(|j| row[j].abs())
    };
    let limit = quantile((0..values.len()).flat_map(live), 0.95).max(1e-12);
    let layout = Layout::new(data);

    let mut drawing = Drawing::default();
    heading(
        &mut drawing,
        16.0,
        layout.width - 32.0,
        "Interaction of domains and tasks",
        "moving weight from the prior to a domain: effect on the log of the task's reducible loss",
    );
    layout.columns(&mut drawing, data);
    layout.rows(&mut drawing, data);
    layout.cells(&mut drawing, data, &values, limit);
    layout.legend(&mut drawing, limit, !data.dead.is_empty());
    let label = format!(
        "Heat map of {} by {}: blue domains lower a task's loss, red ones raise it.",
        count(data.tasks.len(), "task"),
        count(data.domains.len(), "domain")
    );
    let hover = Hover::Cells(HoverCells {
        left: layout.left,
        cell: layout.cell,
        tops: layout.row_tops,
        values,
    });
    Figure::new(drawing, layout.width, layout.height, &label).with_hover(hover)
}

/// Per task and domain: how the logarithm of the reducible loss changes from the prior towards the
/// domain; for a log-linear law `t_j − p0·t`.
fn effects(data: &InteractionMatrix) -> Vec<Vec<f64>> {
    let row = |law: &FittedLaw| law.effects(data.prior);
    data.laws.iter().map(row).collect()
}

struct Layout {
    cell: (f64, f64),
    /// Left edge of the first column.
    left: f64,
    /// Top of each task's row, by its position.
    row_tops: Vec<f64>,
    /// Family names with the top of their heading.
    headings: Vec<(String, f64)>,
    names: Vec<String>,
    slanted: Slanted,
    /// Every how many rows and columns have a label.
    every: (usize, usize),
    bottom: f64,
    width: f64,
    height: f64,
}

impl Layout {
    fn new(data: &InteractionMatrix) -> Self {
        let (n, m) = (data.tasks.len(), data.domains.len());
        let cell = (
            (900.0 / m as f64).floor().clamp(5.0, 34.0),
            (900.0 / n.max(1) as f64).floor().clamp(7.0, 22.0),
        );
        let size = (cell.1 * 0.8).clamp(10.0, 11.5);
        let names = data.tasks.iter().map(|task| task.name.as_str());
        let (names, widest) = column_of(names, size, 220.0);
        let slanted = Slanted::new(data.domains.names(), (cell.0 * 0.8).clamp(9.5, 11.5));
        let left = 16.0 + widest.max(60.0) + 8.0;
        let groups = families(data.tasks);
        let named = groups.len() > 1 && 3 * groups.len() <= 2 * n;
        let top = 56.0 + slanted.height - if named { 16.0 } else { 0.0 };

        let mut row_tops = vec![0.0; n];
        let mut headings = Vec::new();
        let mut y = top;
        for (family, members) in &groups {
            if named {
                headings.push(((*family).to_owned(), y));
                y += 20.0;
            }
            for &i in members {
                row_tops[i] = y;
                y += cell.1;
            }
            y += if named { 6.0 } else { 0.0 };
        }
        let thin = |side: f64, need: f64| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 1 to 3
            let every = (need / side).ceil() as usize;
            every.max(1)
        };
        Self {
            left,
            row_tops,
            headings,
            names,
            every: (thin(cell.1, size + 1.0), thin(cell.0, 11.0)),
            bottom: y,
            width: (left + m as f64 * cell.0 + slanted.overhang.max(16.0)).max(560.0),
            height: y + 62.0,
            cell,
            slanted,
        }
    }

    fn columns(&self, drawing: &mut Drawing, data: &InteractionMatrix) {
        let foot = self.row_tops.iter().copied().fold(self.bottom, f64::min) - 4.0;
        for j in (0..data.domains.len()).step_by(self.every.1) {
            let x = self.left + (j as f64 + 0.5) * self.cell.0;
            self.slanted.draw(drawing, j, x, foot);
        }
    }

    fn rows(&self, drawing: &mut Drawing, data: &InteractionMatrix) {
        for (family, top) in &self.headings {
            let style = Style::new(11.5).bold();
            // The labels of the columns begin at the right of the first heading.
            let family = fit(family, style.size, style.weight, self.left - 20.0);
            drawing.text(16.0, top + 14.0, &family, style);
        }
        let size = (self.cell.1 * 0.8).clamp(10.0, 11.5);
        let style = Style::new(size).anchor(Anchor::End);
        for (_, members) in families(data.tasks) {
            for &i in members.iter().step_by(self.every.0) {
                let baseline = self.row_tops[i] + self.cell.1 / 2.0 + 0.35 * size;
                drawing.text(self.left - 7.0, baseline, &self.names[i], style);
            }
        }
    }

    /// One path per colour: thousands of cells stay a small file.
    fn cells(
        &self,
        drawing: &mut Drawing,
        data: &InteractionMatrix,
        values: &[Vec<f64>],
        limit: f64,
    ) {
        let gap = if self.cell.0.min(self.cell.1) >= 9.0 {
            1.0
        } else {
            0.0
        };
        let (w, h) = (self.cell.0 - gap, self.cell.1 - gap);
        let mut paths = vec![String::new(); 2 * DIVERGING_STEPS.unsigned_abs() as usize + 1];
        let mut absent = String::new();
        for (row, top) in values.iter().zip(&self.row_tops) {
            for (j, value) in row.iter().enumerate() {
                let x = self.left + j as f64 * self.cell.0;
                let cell = format!("M{} {}h{w}v{h}h-{w}z", Px(x), Px(*top));
                if data.dead.contains(&j) || !value.is_finite() {
                    absent.push_str(&cell);
                } else {
                    let step = (value / limit).clamp(-1.0, 1.0) * f64::from(DIVERGING_STEPS);
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in range
                    let index = (step.round() + f64::from(DIVERGING_STEPS)) as usize;
                    paths[index].push_str(&cell);
                }
            }
        }
        for (step, path) in (-DIVERGING_STEPS..).zip(&paths) {
            let paint = format!(r#"fill="{}" shape-rendering="crispEdges""#, diverging(step));
            drawing.path(path, &paint);
        }
        let paint = format!(r#"fill="{ABSENT}" shape-rendering="crispEdges""#);
        drawing.path(&absent, &paint);
    }

    fn legend(&self, drawing: &mut Drawing, limit: f64, dead: bool) {
        const STEP: f64 = 4.0;
        let left = 16.0 + 70.0;
        let top = self.bottom + 16.0;
        for (i, step) in (-DIVERGING_STEPS..=DIVERGING_STEPS).enumerate() {
            drawing.rect(left + i as f64 * STEP, top, STEP, 10.0, &diverging(step));
        }
        let width = STEP * f64::from(2 * DIVERGING_STEPS + 1);
        let ends = significant(limit, 2);
        for (share, text) in [
            (0.0, format!("≤ −{ends}")),
            (0.5, "0".into()),
            (1.0, format!("≥ {ends}")),
        ] {
            let style = TICK.anchor(Anchor::Middle);
            drawing.text(left + share * width, top + 23.0, &text, style);
        }
        drawing.text(
            left - 7.0,
            top + 9.0,
            "lowers loss",
            TICK.anchor(Anchor::End),
        );
        drawing.text(left + width + 7.0, top + 9.0, "raises loss", TICK);
        let mut note = "colours end at the 95th percentile of the absolute effect".to_owned();
        if dead {
            note.push_str("; grey: no run sampled the domain");
        }
        drawing.text(16.0, top + 40.0, &note, SUBTITLE.colour(MUTED));
    }
}
