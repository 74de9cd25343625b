//! Titles and labels that several figures share.

use olmix_core::Task;

use crate::colour::MUTED;
use crate::font::{Weight, fit, width};
use crate::svg::{Anchor, Drawing, Style};

/// The style of titles.
pub const TITLE: Style = Style::new(15.0).bold();
/// The style of the line below a title.
pub const SUBTITLE: Style = Style::new(11.5).colour(MUTED);
/// The style of numbers on axes.
pub const TICK: Style = Style::new(10.5).colour(MUTED);
/// The style of names of axes and columns.
pub const AXIS_LABEL: Style = Style::new(11.5).colour(MUTED);

/// The degrees by which labels of columns are turned, and its sine and cosine.
const SLANT: f64 = -65.0;
const SLANT_SIN: f64 = 0.906_307_787_036_65;
const SLANT_COS: f64 = 0.422_618_261_740_699_4;

/// Title and subtitle from `x` on, cut at `limit` pixels; the baselines are 24 and 42.
pub fn heading(drawing: &mut Drawing, x: f64, limit: f64, title: &str, subtitle: &str) {
    let title = fit(title, TITLE.size, TITLE.weight, limit);
    drawing.text(x, 24.0, &title, TITLE);
    let subtitle = fit(subtitle, SUBTITLE.size, SUBTITLE.weight, limit);
    drawing.text(x, 42.0, &subtitle, SUBTITLE);
}

/// Names cut so that none is wider than `limit`, and the widest of them.
pub fn column_of<'a>(
    names: impl IntoIterator<Item = &'a str>,
    size: f64,
    limit: f64,
) -> (Vec<String>, f64) {
    let cut = |name: &str| fit(name, size, Weight::Regular, limit);
    let names: Vec<String> = names.into_iter().map(cut).collect();
    let widest = names.iter().map(|name| width(name, size, Weight::Regular));
    let widest = widest.fold(0.0, f64::max);
    (names, widest)
}

/// Labels that lean over their columns.
pub struct Slanted {
    texts: Vec<String>,
    style: Style,
    /// Pixels they need above the columns.
    pub height: f64,
    /// Pixels the last one reaches beyond its column's middle.
    pub overhang: f64,
}

impl Slanted {
    /// Labels of one size, each at most 170 pixels long.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>, size: f64) -> Self {
        let (texts, widest) = column_of(names, size, 170.0);
        Self {
            texts,
            style: Style::new(size).anchor(Anchor::Start),
            height: widest * SLANT_SIN + size,
            overhang: widest * SLANT_COS + size,
        }
    }

    /// Draws label `i`, its foot at `(x, y)`.
    pub fn draw(&self, drawing: &mut Drawing, i: usize, x: f64, y: f64) {
        let drop = 0.3 * self.style.size;
        if let Some(text) = self.texts.get(i) {
            drawing.turned_text(x + drop, y, SLANT, text, self.style);
        }
    }
}

/// Tasks (as positions) by family, families in the order of their first task.
pub fn families(tasks: &[Task]) -> Vec<(&str, Vec<usize>)> {
    let mut families: Vec<(&str, Vec<usize>)> = Vec::new();
    for (i, task) in tasks.iter().enumerate() {
        match families.iter_mut().find(|(name, _)| *name == task.family) {
            Some((_, members)) => members.push(i),
            None => families.push((&task.family, vec![i])),
        }
    }
    families
}
