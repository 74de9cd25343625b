//! Small multiples of predicted against measured: one per task, light enough for a page of them.

use std::fmt::Write as _;

use super::Figure;
use super::predicted::{Points, PredictedAgainstMeasured, optional};
use crate::colour::{AXIS, BLUE, MUTED, ORANGE};
use crate::font::fit;
use crate::format::significant;
use crate::scale::{Scale, ticks};
use crate::svg::{Anchor, Drawing, Px, Style};

const SIDE: f64 = 150.0;
const LEFT: f64 = 32.0;
const TOP: f64 = 36.0;

/// The same content as [`super::predicted_against_measured`] at 190 × 206 pixels: the points are
/// one path of dots, about ten bytes each.
pub fn small_multiple(data: &PredictedAgainstMeasured) -> Figure {
    let points = Points::new(data.predicted, data.measured);
    let (low, high) = points.window;
    let (right, bottom) = (LEFT + SIDE, TOP + SIDE);
    let (width, height) = (right + 8.0, bottom + 20.0);
    let x = Scale::linear(low, high, LEFT, right);
    let y = Scale::linear(low, high, bottom, TOP);

    let mut drawing = Drawing::default();
    let title = Style::new(10.5).bold();
    let text = fit(data.title, title.size, title.weight, width - 8.0);
    drawing.text(4.0, 13.0, &text, title);
    let mut facts = format!(
        "ρ {}  RMSE {}",
        optional(data.scores.spearman),
        significant(data.scores.rmse, 3)
    );
    if !points.outside.is_empty() {
        let _ = write!(facts, "  {} off axis", points.outside.len());
    }
    let style = Style::new(9.5).colour(MUTED);
    let text = fit(&facts, style.size, style.weight, width - 8.0);
    drawing.text(4.0, 27.0, &text, style);

    drawing.path(
        &format!("M{LEFT} {TOP}V{bottom}H{right}M{LEFT} {bottom}L{right} {TOP}"),
        &format!(r#"fill="none" stroke="{AXIS}""#),
    );
    let tick = Style::new(9.0).colour(MUTED);
    for (value, label) in ticks(low, high, 2.5) {
        drawing.text(
            x.at(value),
            bottom + 13.0,
            &label,
            tick.anchor(Anchor::Middle),
        );
        drawing.text(
            LEFT - 4.0,
            y.at(value) + 3.2,
            &label,
            tick.anchor(Anchor::End),
        );
    }
    let dot = |&(predicted, measured): &(f64, f64)| {
        format!("M{} {}h0", Px(x.at(predicted)), Px(y.at(measured)))
    };
    let dots: String = points.inside.iter().map(dot).collect();
    let n = points.inside.len().max(1) as f64;
    let diameter = (5.6 - 1.05 * n.log10()).clamp(1.6, 4.5);
    let paint = format!(
        r#"stroke="{BLUE}" stroke-opacity="0.65" stroke-linecap="round" stroke-width="{}""#,
        Px(diameter)
    );
    drawing.path(&dots, &paint);
    drawing.path(
        &points.triangles(&x, &y, 3.0),
        &format!(r#"fill="{ORANGE}""#),
    );
    let label = format!("{}: predicted against measured loss, {facts}", data.title);
    Figure::new(drawing, width, height, &label).with_hover(points.hover(LEFT, TOP, SIDE))
}
