//! Predicted against measured losses of the same runs, with the diagonal.

use olmix_core::trust::Scores;

use super::labels::{AXIS_LABEL, TICK, heading};
use super::{Figure, Hover, HoverPoints};
use crate::colour::{AXIS, BLUE, GRID, INK, MUTED, ORANGE};
use crate::format::{count, significant};
use crate::scale::{Scale, range, ticks};
use crate::svg::{Anchor, Drawing, Px, Style};

/// Side of the square plot, and where it begins.
const SIDE: f64 = 400.0;
const LEFT: f64 = 62.0;
const TOP: f64 = 56.0;

/// What [`predicted_against_measured`] shows: one task, or the average of all.
#[derive(Debug, Clone, Copy)]
pub struct PredictedAgainstMeasured<'a> {
    /// The metric's name, or `average of 52 tasks`.
    pub title: &'a str,
    /// Where the predictions come from, such as `5-fold out of fold, 127 runs`.
    pub subtitle: &'a str,
    /// A prediction per run.
    pub predicted: &'a [f64],
    /// The measured loss of the same runs.
    pub measured: &'a [f64],
    /// The numbers in the corner.
    pub scores: &'a Scores,
}

/// Scatter of predicted (x) against measured (y) losses on equal scales.
///
/// The axes follow what was measured; predictions further outside than half its range are drawn
/// as triangles at the edge and counted, so that a law that explodes doesn't hide the rest.
/// Pairs that are not finite are left out and counted. 480 × 500 pixels or a little more.
#[must_use]
pub fn predicted_against_measured(data: &PredictedAgainstMeasured) -> Figure {
    let points = Points::new(data.predicted, data.measured);
    let note = points.note();
    let top = if note.is_empty() { TOP } else { TOP + 16.0 };
    let (width, height) = (LEFT + SIDE + 18.0, top + SIDE + 44.0);

    let mut drawing = Drawing::default();
    heading(&mut drawing, 16.0, width - 32.0, data.title, data.subtitle);
    let warning = Style::new(11.5).colour(ORANGE);
    drawing.text(16.0, 59.0, &note, warning);

    let (low, high) = points.window;
    let x = Scale::linear(low, high, LEFT, LEFT + SIDE);
    let y = Scale::linear(low, high, top + SIDE, top);
    axes(&mut drawing, top, (low, high), &x, &y);
    points.draw(&mut drawing, &x, &y);
    score_box(&mut drawing, top, &points, data.scores, (&x, &y));

    let label = format!(
        "Scatter plot of predicted against measured loss: {}. {}. RMSE {}, Spearman {}. {note}",
        data.title,
        data.subtitle,
        significant(data.scores.rmse, 3),
        optional(data.scores.spearman),
    );
    Figure::new(drawing, width, height, &label).with_hover(points.hover(LEFT, top, SIDE))
}

/// The pairs, sorted by whether the axes reach them.
pub(super) struct Points {
    /// Ends of both axes.
    pub window: (f64, f64),
    /// Finite pairs inside of the axes.
    pub inside: Vec<(f64, f64)>,
    /// Finite pairs whose prediction is off the axis.
    pub outside: Vec<(f64, f64)>,
    /// Pairs with a value that is not finite.
    skipped: usize,
    /// Positions of the pairs outside, and of those that are not finite.
    without_dot: Vec<usize>,
    /// The pair with the least finite prediction.
    best: Option<(f64, f64)>,
}

impl Points {
    pub(super) fn new(predicted: &[f64], measured: &[f64]) -> Self {
        let pairs = || predicted.iter().copied().zip(measured.iter().copied());
        let finite = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
        let (low, high) = range(measured.iter().copied()).unwrap_or((0.0, 1.0));
        let slack = 0.5 * (high - low).max(1e-9 * high.abs());
        let reached = |x: f64| (low - slack..=high + slack).contains(&x);
        let (inside, outside): (Vec<_>, Vec<_>) =
            pairs().filter(finite).partition(|&(x, _)| reached(x));
        let ends = inside.iter().map(|&(x, _)| x).chain([low, high]);
        let (low, high) = range(ends).unwrap_or((low, high));
        let margin = (0.04 * (high - low)).max(1e-3 * high.abs()).max(1e-12);
        Self {
            window: (low - margin, high + margin),
            skipped: predicted.len() - inside.len() - outside.len(),
            without_dot: pairs()
                .enumerate()
                .filter(|(_, pair)| !(finite(pair) && reached(pair.0)))
                .map(|(i, _)| i)
                .collect(),
            best: pairs().filter(finite).min_by(|a, b| a.0.total_cmp(&b.0)),
            inside,
            outside,
        }
    }

    /// What a pointer finds in a plot at `left` and `top` with this side.
    pub(super) fn hover(&self, left: f64, top: f64, side: f64) -> Hover {
        Hover::Points(HoverPoints {
            window: self.window,
            plot: (left, top, side),
            skipped: self.without_dot.clone(),
        })
    }

    /// What the axes do not show, in words; empty when they show everything.
    pub(super) fn note(&self) -> String {
        let mut parts = Vec::new();
        if !self.outside.is_empty() {
            let n = self.outside.len();
            parts.push(format!(
                "{} off the axis (triangles)",
                count(n, "prediction")
            ));
        }
        if self.skipped > 0 {
            parts.push(format!("{} not a finite number", self.skipped));
        }
        parts.join(", ")
    }

    fn draw(&self, drawing: &mut Drawing, x: &Scale, y: &Scale) {
        let n = self.inside.len().max(1) as f64;
        let radius = (5.2 - 0.95 * n.log10()).clamp(1.7, 4.2);
        let opacity = (1.25 - 0.26 * n.log10()).clamp(0.28, 0.8);
        let paint = format!(r#"fill="{BLUE}" fill-opacity="{opacity:.2}""#);
        drawing.group(paint, |drawing| {
            for &(predicted, measured) in &self.inside {
                let (x, y, r) = (Px(x.at(predicted)), Px(y.at(measured)), Px(radius));
                drawing.element("circle", format_args!(r#"cx="{x}" cy="{y}" r="{r}""#));
            }
        });
        let triangles = self.triangles(x, y, 4.5);
        drawing.path(&triangles, &format!(r#"fill="{ORANGE}""#));
        if let Some((predicted, measured)) = self.best {
            let (x, y) = (Px(x.at(predicted)), Px(y.at(measured)));
            let r = Px(radius + 2.5);
            drawing.element(
                "circle",
                format_args!(
                    r#"cx="{x}" cy="{y}" r="{r}" fill="none" stroke="{ORANGE}" stroke-width="1.8""#
                ),
            );
        }
    }

    /// Path data of a triangle at the edge for every point outside.
    pub(super) fn triangles(&self, x: &Scale, y: &Scale, size: f64) -> String {
        let triangle = |&(predicted, measured): &(f64, f64)| {
            let outward = if predicted > self.window.1 {
                size
            } else {
                -size
            };
            format!(
                "M{} {}l{} {}v{}z",
                Px(x.at(predicted)),
                Px(y.at(measured)),
                Px(-1.5 * outward),
                Px(-size),
                Px(2.0 * size)
            )
        };
        self.outside.iter().map(triangle).collect()
    }
}

fn axes(drawing: &mut Drawing, top: f64, (low, high): (f64, f64), x: &Scale, y: &Scale) {
    let (right, bottom) = (LEFT + SIDE, top + SIDE);
    for (value, label) in ticks(low, high, 5.0) {
        let (x, y) = (x.at(value), y.at(value));
        drawing.line((x, top), (x, bottom), GRID, 1.0);
        drawing.line((LEFT, y), (right, y), GRID, 1.0);
        drawing.text(x, bottom + 16.0, &label, TICK.anchor(Anchor::Middle));
        drawing.text(LEFT - 7.0, y + 3.7, &label, TICK.anchor(Anchor::End));
    }
    drawing.element(
        "rect",
        format_args!(
            r#"x="{LEFT}" y="{top}" width="{SIDE}" height="{SIDE}" fill="none" stroke="{AXIS}""#
        ),
    );
    drawing.element(
        "line",
        format_args!(
            r#"x1="{LEFT}" y1="{bottom}" x2="{right}" y2="{top}" stroke="{MUTED}" stroke-dasharray="4 3""#
        ),
    );
    let label = AXIS_LABEL.anchor(Anchor::Middle);
    let middle = SIDE / 2.0;
    drawing.text(LEFT + middle, bottom + 35.0, "predicted loss", label);
    drawing.turned_text(18.0, top + middle, -90.0, "measured loss", label);
}

/// The scores, in whichever of the two corners off the diagonal holds fewer points.
fn score_box(
    drawing: &mut Drawing,
    top: f64,
    points: &Points,
    scores: &Scores,
    (x, y): (&Scale, &Scale),
) {
    const SIZE: (f64, f64) = (152.0, 98.0);
    let corners = [
        (LEFT + 8.0, top + 8.0),
        (LEFT + SIDE - SIZE.0 - 8.0, top + SIDE - SIZE.1 - 8.0),
    ];
    let hidden = |corner: (f64, f64)| {
        let inside = |&&(predicted, measured): &&(f64, f64)| {
            let (x, y) = (x.at(predicted) - corner.0, y.at(measured) - corner.1);
            (-6.0..SIZE.0 + 6.0).contains(&x) && (-6.0..SIZE.1 + 6.0).contains(&y)
        };
        points
            .inside
            .iter()
            .chain(&points.outside)
            .filter(inside)
            .count()
    };
    let corner = if hidden(corners[0]) <= hidden(corners[1]) {
        corners[0]
    } else {
        corners[1]
    };
    drawing.element(
        "rect",
        format_args!(
            r##"x="{}" y="{}" width="{}" height="{}" fill="#fff" fill-opacity="0.88" stroke="{GRID}""##,
            Px(corner.0),
            Px(corner.1),
            SIZE.0,
            SIZE.1
        ),
    );
    let rows = [
        ("Pearson", optional(scores.pearson)),
        ("Spearman", optional(scores.spearman)),
        ("RMSE", significant(scores.rmse, 3)),
        ("regret@1", significant(scores.regret_at_1, 3)),
    ];
    let (left, right) = (corner.0 + 10.0, corner.0 + SIZE.0 - 10.0);
    let mut baseline = corner.1 + 18.0;
    for (name, value) in rows {
        drawing.text(left, baseline, name, Style::new(11.5).colour(MUTED));
        let value_style = Style::new(11.5).colour(INK).anchor(Anchor::End);
        drawing.text(right, baseline, &value, value_style);
        baseline += 17.5;
    }
    drawing.ring(left + 4.5, baseline - 3.8, 4.0, ORANGE, 1.8);
    let key = Style::new(11.5).colour(MUTED);
    drawing.text(left + 14.0, baseline, "run predicted best", key);
}

pub(super) fn optional(score: Option<f64>) -> String {
    score.map_or_else(|| "–".to_owned(), |score| significant(score, 3))
}
