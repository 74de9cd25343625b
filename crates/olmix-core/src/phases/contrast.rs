//! Whether a swarm can tell when a domain's data is worth more: how much the phases of its runs differ.

use super::Phases;
use crate::Matrix;

/// How far the runs' mixtures differ between phases, apart from how the runs differ in what they saw in all.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    /// Mean total variation between the mixture of a phase and the run's share of all tokens, in `[0, 1]`.
    pub distance: f64,
    /// Share of the variance of the contrasts that the runs' shares of all tokens do not explain, in `[0, 1]`; 0
    /// where no run has a contrast. Where it is small, timing and amount can't be told apart.
    pub own: f64,
    /// Directions in which timing varies apart from amount, at most `(S − 1)(m − 1)`.
    pub directions: usize,
    /// Directions that there are: `(S − 1)(m_live − 1)`.
    pub possible: usize,
}

impl Contrast {
    /// Whether anything can be said of timing.
    #[must_use]
    pub fn tells(&self) -> bool {
        self.directions > 0
    }
}

/// Weights of two phases that differ by less are the same.
const ROUNDING: f64 = 1e-7;
/// Directions with less than this share of the largest variance count as none.
const NONE: f64 = 1e-6;

/// The contrasts of the runs of a swarm over the domains of phases (`K × S·m`, [`Phases::swarm`]).
///
/// The contrast of phase `s ≥ 2` is `p^s − a`, with `a` the run's share of all tokens. What `a` explains of it by least
/// squares is taken out; `own` and `directions` are of what is left.
#[must_use]
pub fn contrast(phases: &Phases, mixtures: &Matrix) -> Contrast {
    let (runs, s) = (mixtures.rows(), phases.len());
    let m = mixtures.columns() / s.max(1);
    let mut distance = 0.0;
    let amounts: Vec<Vec<f64>> = (0..runs)
        .map(|run| phases.aggregate(mixtures.row(run)))
        .collect();
    let mut contrasts: Vec<Vec<f64>> = vec![Vec::new(); runs];
    for run in 0..runs {
        let split = phases.split(mixtures.row(run));
        for (phase, p) in phases.iter().zip(&split) {
            distance += phase.fraction * crate::total_variation(p, &amounts[run]);
        }
        for p in &split[1..] {
            contrasts[run].extend(p.iter().zip(&amounts[run]).map(|(p, a)| p - a));
        }
    }
    let live = (0..m)
        .filter(|&j| amounts.iter().any(|a| a[j] > 0.0))
        .count();
    let column = |of: &[Vec<f64>], c: usize| -> Vec<f64> { of.iter().map(|row| row[c]).collect() };
    let ones = vec![1.0; runs];
    let design = [ones]
        .into_iter()
        .chain((0..m).map(|j| column(&amounts, j)));
    let known = orthonormal(design.collect(), 1e-9, &[]);
    let columns: Vec<Vec<f64>> = (0..m * (s - 1)).map(|c| column(&contrasts, c)).collect();
    let squares = |columns: &[Vec<f64>]| -> f64 { columns.iter().flatten().map(|x| x * x).sum() };
    let all = squares(&columns);
    let left: Vec<Vec<f64>> = columns
        .into_iter()
        .map(|column| without(column, &known))
        .collect();
    // What rounding makes of mixtures that are the same is no contrast.
    let any = all > runs as f64 * ROUNDING * ROUNDING;
    let own = if any { squares(&left) / all } else { 0.0 };
    let directions = if own > NONE {
        orthonormal(left, NONE.sqrt(), &known).len()
    } else {
        0
    };
    Contrast {
        distance: distance / runs.max(1) as f64,
        own,
        directions,
        possible: (s - 1) * live.saturating_sub(1),
    }
}

/// What is left of a column without its parts along orthonormal ones.
fn without(mut column: Vec<f64>, known: &[Vec<f64>]) -> Vec<f64> {
    // Twice, so that rounding leaves no part.
    for _ in 0..2 {
        for direction in known {
            let part: f64 = column.iter().zip(direction).map(|(x, d)| x * d).sum();
            column
                .iter_mut()
                .zip(direction)
                .for_each(|(x, d)| *x -= part * d);
        }
    }
    column
}

/// An orthonormal basis of columns, the longest of what is left first; what is shorter than `least` of the longest
/// adds nothing.
fn orthonormal(mut columns: Vec<Vec<f64>>, least: f64, known: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let norm = |column: &Vec<f64>| column.iter().map(|x| x * x).sum::<f64>().sqrt();
    let longest = columns.iter().map(norm).fold(0.0, f64::max);
    let mut basis: Vec<Vec<f64>> = Vec::new();
    while let Some((position, length)) = columns
        .iter()
        .map(norm)
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(&b.1))
    {
        if length <= least * longest || length <= 0.0 {
            break;
        }
        let mut direction = columns.swap_remove(position);
        direction = without(direction, known);
        let length = norm(&direction);
        direction.iter_mut().for_each(|x| *x /= length);
        let one = [direction];
        columns = columns.into_iter().map(|c| without(c, &one)).collect();
        let [direction] = one;
        basis.push(direction);
    }
    basis
}
