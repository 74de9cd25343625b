//! Numbers that compare predicted with measured losses.

use serde::{Deserialize, Serialize};

/// Agreement of predictions with measurements over some runs; losses, lower is better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Pearson correlation; `None` when one side is constant or there are fewer than 3 runs.
    pub pearson: Option<f64>,
    /// Spearman rank correlation, ties at their mean rank.
    pub spearman: Option<f64>,
    /// Root of the mean squared error, in the unit of the losses.
    pub rmse: f64,
    /// Mean of predicted − measured.
    pub bias: f64,
    /// Measured loss of the run predicted best, minus the least measured loss.
    pub regret_at_1: f64,
    /// Mean of measured − predicted over the tenth of the runs (at least one) that are predicted
    /// best: positive when the law promises there more than it keeps.
    pub optimism: f64,
    /// RMSE of predicting the mean of the measurements: what a law must beat.
    pub mean_rmse: f64,
}

/// Share of the runs predicted best over which optimism is measured.
const TAIL: f64 = 0.1;

/// Compares predictions with measurements, run by run (equal lengths, at least one run).
///
/// Where predictions tie, the first run counts as predicted best.
#[must_use]
pub fn score(predicted: &[f64], measured: &[f64]) -> Scores {
    let runs = measured.len().min(predicted.len());
    let (predicted, measured) = (&predicted[..runs], &measured[..runs]);
    let count = runs.max(1) as f64;
    let errors = || predicted.iter().zip(measured).map(|(p, y)| p - y);
    let mean = measured.iter().sum::<f64>() / count;
    let root_mean = |squares: f64| (squares / count).sqrt();
    let mut order: Vec<usize> = (0..runs).collect();
    order.sort_by(|&a, &b| predicted[a].total_cmp(&predicted[b]));
    let least = measured.iter().copied().fold(f64::INFINITY, f64::min);
    let tail = ((TAIL * count).ceil() as usize).clamp(1, runs.max(1));
    let shortfall: f64 = order
        .iter()
        .take(tail)
        .map(|&i| measured[i] - predicted[i])
        .sum();
    Scores {
        pearson: pearson(predicted, measured),
        spearman: pearson(&ranks(predicted), &ranks(measured)),
        rmse: root_mean(errors().map(|e| e * e).sum()),
        bias: errors().sum::<f64>() / count,
        regret_at_1: order.first().map_or(0.0, |&i| measured[i] - least),
        optimism: shortfall / tail as f64,
        mean_rmse: root_mean(measured.iter().map(|y| (y - mean).powi(2)).sum()),
    }
}

fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() < 3 {
        return None;
    }
    let count = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / count, b.iter().sum::<f64>() / count);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        ab += (a - mean_a) * (b - mean_b);
        aa += (a - mean_a).powi(2);
        bb += (b - mean_b).powi(2);
    }
    let correlation = ab / (aa * bb).sqrt();
    correlation.is_finite().then_some(correlation)
}

/// Ranks from 1, ties at their mean.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    for tied in order.chunk_by(|&a, &b| values[a].total_cmp(&values[b]).is_eq()) {
        let first = order.partition_point(|&i| values[i].total_cmp(&values[tied[0]]).is_lt());
        let mean = first as f64 + (tied.len() + 1) as f64 / 2.0;
        for &i in tied {
            ranks[i] = mean;
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_match_a_small_case_computed_by_hand() {
        // Errors 0.1, −0.1, 0.2, 0: RMSE √(0.06/4); predicted best is run 1, truly best run 1.
        let scores = score(&[2.1, 0.9, 3.2, 4.0], &[2.0, 1.0, 3.0, 4.0]);
        assert!((scores.rmse - 0.015f64.sqrt()).abs() < 1e-12);
        assert!((scores.bias - 0.05).abs() < 1e-12);
        assert!((scores.mean_rmse - 1.25f64.sqrt()).abs() < 1e-12);
        assert_eq!(scores.regret_at_1, 0.0);
        assert!((scores.optimism - 0.1).abs() < 1e-12);
        assert!((scores.spearman.unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn spearman_gives_ties_their_mean_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
    }

    #[test]
    fn correlation_with_a_constant_is_none() {
        let scores = score(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]);
        assert_eq!((scores.pearson, scores.spearman), (None, None));
    }

    #[test]
    fn regret_at_one_is_the_cost_of_trusting_the_prediction() {
        let scores = score(&[1.0, 2.0, 3.0], &[1.5, 1.2, 3.0]);
        assert!((scores.regret_at_1 - 0.3).abs() < 1e-12);
    }
}
