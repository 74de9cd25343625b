//! Curves: one number against another, a line per series, with error bars.

use std::fmt::Write as _;

use super::Figure;
use super::labels::{AXIS_LABEL, SUBTITLE, TICK, heading};
use crate::colour::{AXIS, GRID, series_colour};
use crate::font::{Weight, fit, width};
use crate::format::significant;
use crate::scale::{Scale, range, ticks};
use crate::svg::{Anchor, Drawing, Px, Style};

/// A curve, or a cloud of points, of one colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Points `(x, y, error)`, ascending in `x`; the error may be 0. A `y` that is not finite
    /// breaks the line.
    pub points: Vec<(f64, f64, f64)>,
}

/// What [`lines()`] shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines<'a> {
    /// The title, in bold above the figure.
    pub title: &'a str,
    /// A line below the title: which numbers these are.
    pub subtitle: &'a str,
    /// What the horizontal axis shows.
    pub x: &'a str,
    /// What the vertical axis shows.
    pub y: &'a str,
    /// Whether the horizontal axis is logarithmic (all `x` above 0).
    pub logarithmic: bool,
    /// Whether the points of a curve are joined; a scatter of points otherwise.
    pub joined: bool,
    /// The curves; their order gives their colours and marks.
    pub series: &'a [Series],
}

const PLOT: (f64, f64) = (420.0, 260.0);
const TOP: f64 = 62.0;
const LEFT: f64 = 74.0;
const LEGEND_ROW: f64 = 19.0;
/// Curves that run off to infinity must not flatten the others: the axis ends this many times the
/// spread of the middle half beyond it.
const SPREAD: f64 = 6.0;

/// Curves with error bars (one standard error each way), and a legend at the right.
#[must_use]
pub fn lines(data: &Lines<'_>) -> Figure {
    let names = data.series.iter().map(|series| series.name.as_str());
    let widest = names.map(|name| width(name, 11.5, Weight::Regular));
    let legend = widest.fold(0.0, f64::max).min(240.0) + 34.0;
    let figure_width = LEFT + PLOT.0 + legend + 12.0;
    let height = TOP + PLOT.1 + 52.0;
    let mut drawing = Drawing::default();
    heading(
        &mut drawing,
        16.0,
        figure_width - 32.0,
        data.title,
        data.subtitle,
    );

    let place = |x: f64| if data.logarithmic { x.ln() } else { x };
    let points = || data.series.iter().flat_map(|series| &series.points);
    let (x_low, x_high) = range(points().map(|p| place(p.0))).unwrap_or((0.0, 1.0));
    let (y_low, y_high) = vertical_range(data.series);
    let x = Scale::linear(x_low, x_high, LEFT + 10.0, LEFT + PLOT.0 - 10.0);
    let y = Scale::linear(y_low, y_high, TOP + PLOT.1, TOP);

    for (value, label) in ticks(y_low, y_high, 5.0) {
        let at = y.at(value);
        drawing.line((LEFT, at), (LEFT + PLOT.0, at), GRID, 1.0);
        drawing.text(LEFT - 8.0, at + 3.5, &label, TICK.anchor(Anchor::End));
    }
    for (value, label) in horizontal_ticks(data, x_low, x_high) {
        let at = x.at(place(value));
        drawing.line((at, TOP + PLOT.1), (at, TOP + PLOT.1 + 4.0), AXIS, 1.0);
        drawing.text(at, TOP + PLOT.1 + 17.0, &label, TICK.anchor(Anchor::Middle));
    }
    drawing.line(
        (LEFT, TOP + PLOT.1),
        (LEFT + PLOT.0, TOP + PLOT.1),
        AXIS,
        1.0,
    );
    let middle = LEFT + 0.5 * PLOT.0;
    drawing.text(
        middle,
        height - 12.0,
        data.x,
        AXIS_LABEL.anchor(Anchor::Middle),
    );
    drawing.turned_text(
        18.0,
        TOP + 0.5 * PLOT.1,
        -90.0,
        data.y,
        SUBTITLE.anchor(Anchor::Middle),
    );
    for (i, series) in data.series.iter().enumerate() {
        let (colour, dash) = series_colour(i);
        let line = data.joined.then(|| stroke(colour, dash, 1.8));
        curve(&mut drawing, series, &|v| x.at(place(v)), &y, colour, line);
        let row = TOP + 10.0 + LEGEND_ROW * i as f64;
        let from = LEFT + PLOT.0 + 12.0;
        if data.joined {
            drawing.path(
                &format!("M{} {}h18", Px(from), Px(row)),
                &stroke(colour, dash, 2.0),
            );
        } else {
            drawing.disc(from + 9.0, row, 3.0, colour);
        }
        let name = fit(&series.name, 11.5, Weight::Regular, 240.0);
        drawing.text(from + 24.0, row + 4.0, &name, Style::new(11.5));
    }
    Figure::new(drawing, figure_width, height, data.title)
}

fn stroke(colour: &str, dash: &str, width: f64) -> String {
    let dashes = if dash.is_empty() {
        String::new()
    } else {
        format!(" stroke-dasharray=\"{dash}\"")
    };
    format!(
        r#"fill="none" stroke="{colour}" stroke-width="{}"{dashes}"#,
        Px(width)
    )
}

fn curve(
    drawing: &mut Drawing,
    series: &Series,
    x: &dyn Fn(f64) -> f64,
    y: &Scale,
    colour: &'static str,
    line: Option<String>,
) {
    let mut path = String::new();
    let mut pen = 'M';
    for &(at, value, error) in &series.points {
        if !value.is_finite() {
            pen = 'M';
            continue;
        }
        let (px, py) = (x(at), y.at(value));
        let _ = write!(path, "{pen}{} {}", Px(px), Px(py));
        pen = 'L';
        if error > 0.0 {
            let (low, high) = (y.at(value - error), y.at(value + error));
            drawing.line((px, low), (px, high), colour, 1.0);
        }
        if y.contains(value) {
            drawing.disc(px, py, 2.6, colour);
        }
    }
    if let Some(line) = line {
        drawing.path(&path, &line);
    }
}

fn vertical_range(series: &[Series]) -> (f64, f64) {
    let points = || series.iter().flat_map(|series| &series.points);
    let ends = |&(_, y, error): &(f64, f64, f64)| [y - error, y + error];
    let Some((low, high)) = range(points().flat_map(ends)) else {
        return (0.0, 1.0);
    };
    let mut values: Vec<f64> = points().map(|p| p.1).filter(|y| y.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let at = |q: usize| values.get(q * values.len() / 4).copied();
    let (first, third) = (at(1).unwrap_or(low), at(3).unwrap_or(high));
    let spread = SPREAD * (third - first).max(1e-12);
    let (low, high) = (low.max(first - spread), high.min(third + spread));
    let margin = 0.06 * (high - low).max(1e-9);
    (low - margin, high + margin)
}

/// Round ticks; on a logarithmic axis the places of the points themselves, as far as they fit.
fn horizontal_ticks(data: &Lines<'_>, low: f64, high: f64) -> Vec<(f64, String)> {
    if !data.logarithmic {
        return ticks(low, high, 7.0);
    }
    let points = data.series.iter().flat_map(|series| &series.points);
    let mut places: Vec<f64> = points.map(|p| p.0).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let mut kept: Vec<(f64, String)> = Vec::new();
    for place in places {
        let apart = |(last, _): &(f64, String)| (place / last).ln() > 0.09 * (high - low);
        if kept.last().is_none_or(apart) {
            kept.push((place, significant(place, 2)));
        }
    }
    kept
}
