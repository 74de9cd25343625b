//! Several mixtures side by side.

use olmix_core::{DomainSet, Mixture};

use super::Figure;
use super::labels::{Slanted, column_of, heading};
use crate::colour::{INK, sequential};
use crate::format::percent;
use crate::svg::{Anchor, Drawing, Style};

const ROW: f64 = 17.0;
const COLUMN: f64 = 58.0;
const LABEL: Style = Style::new(11.5);

/// A row per domain, heaviest in the mean first; a column per mixture; each cell is shaded by its
/// weight, which is written in it in percent.
///
/// `mixtures` are named and over the same domains.
#[must_use]
pub fn mixtures(title: &str, mixtures: &[(String, Mixture)]) -> Figure {
    let domains = mixtures.first().map(|(_, mixture)| mixture.domains());
    let m = domains.map_or(0, DomainSet::len);
    let mut order: Vec<usize> = (0..m).collect();
    let mean = |j: usize| -> f64 { mixtures.iter().map(|(_, p)| p.weights()[j]).sum() };
    order.sort_by(|&a, &b| mean(b).total_cmp(&mean(a)));
    let weights = mixtures.iter().flat_map(|(_, p)| p.weights());
    let most = weights.copied().fold(0.02, f64::max);

    let names = order
        .iter()
        .filter_map(|&j| domains.map(|domains| domains.name(j)));
    let (labels, widest) = column_of(names, LABEL.size, 240.0);
    let heads = Slanted::new(mixtures.iter().map(|(name, _)| name.as_str()), 11.5);
    let left = 16.0 + widest + 10.0;
    let top = 56.0 + heads.height;
    let width = left + COLUMN * mixtures.len() as f64 + heads.overhang.max(16.0);
    let width = width.max(360.0);
    let height = top + ROW * m as f64 + 16.0;

    let mut drawing = Drawing::default();
    let subtitle = "weights in percent, heaviest in the mean first";
    heading(&mut drawing, 16.0, width - 32.0, title, subtitle);
    for (i, _) in mixtures.iter().enumerate() {
        let x = left + COLUMN * (i as f64 + 0.5);
        heads.draw(&mut drawing, i, x, top - 6.0);
    }
    for (row, (&j, label)) in order.iter().zip(&labels).enumerate() {
        let y = top + ROW * row as f64;
        drawing.text(left - 10.0, y + 12.5, label, LABEL.anchor(Anchor::End));
        for (i, (_, mixture)) in mixtures.iter().enumerate() {
            let weight = mixture.weights()[j];
            let x = left + COLUMN * i as f64;
            let shade = weight / most;
            drawing.rect(
                x + 1.0,
                y + 1.0,
                COLUMN - 2.0,
                ROW - 2.0,
                &sequential(shade),
            );
            let colour = if shade > 0.55 { "#ffffff" } else { INK };
            let style = Style::new(10.5).colour(colour).anchor(Anchor::Middle);
            drawing.text(x + 0.5 * COLUMN, y + 12.5, &percent(weight), style);
        }
    }
    Figure::new(drawing, width, height, title)
}
