//! Replicates, runs of one mixture: they must be in one fold, and their losses differ by noise alone.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::Interval;
use crate::mixture::same_mixture;
use crate::{Matrix, Swarm};

/// Rows of each mixture, ascending, the groups in the order of their first rows. Mixtures whose weights differ by
/// at most 1e-5 each are one: such rows are roundings of it. Costs `K²` comparisons of a weight or two.
#[must_use]
pub fn runs_by_mixture(mixtures: &Matrix) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for run in 0..mixtures.rows() {
        let row = mixtures.row(run);
        let alike = |group: &&mut Vec<usize>| same_mixture(mixtures.row(group[0]), row);
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    groups
}

/// What replicates say of the noise of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Noise {
    /// Mixtures that more than one run was measured on.
    pub mixtures: usize,
    /// Runs of these mixtures.
    pub runs: usize,
    /// Degrees of freedom, at least 1: runs less mixtures.
    pub degrees_of_freedom: usize,
    /// Coverage of the intervals, in (0, 1).
    pub confidence: f64,
    /// The noise of each task, length `n`.
    pub tasks: Vec<TaskNoise>,
    /// The noise of the weighted average loss.
    pub average: TaskNoise,
}

/// The noise of a loss, beside what mixtures make of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskNoise {
    /// Standard deviation of one run around the mean of its mixture, pooled over mixtures, in the unit of the loss.
    pub sd: f64,
    /// Its interval, of normal noise: by the distribution of χ².
    pub interval: Interval,
    /// Standard deviation over mixtures of the loss without noise, at least 0.
    pub signal: f64,
}

impl TaskNoise {
    /// Spread over mixtures in units of the noise; infinite where replicates agree to the last bit.
    #[must_use]
    pub fn signal_to_noise(&self) -> f64 {
        self.signal / self.sd
    }
}

/// A task differs less over mixtures than over runs of one below this ratio: it is mostly noise.
pub const MOSTLY_NOISE: f64 = 1.0;

/// The runs that have the mixture and every loss of an earlier one: a copy of a row, or of a run with its seed, which
/// says nothing of noise. Pairs of the copy and the earlier run.
#[must_use]
pub fn copied_runs(swarm: &Swarm) -> Vec<(usize, usize)> {
    let mut copies = Vec::new();
    for group in runs_by_mixture(swarm.mixtures()) {
        for (position, &run) in group.iter().enumerate() {
            let earlier = group[..position].iter();
            let losses = swarm.losses();
            let first = earlier
                .copied()
                .find(|&earlier| losses.row(earlier) == losses.row(run));
            copies.extend(first.map(|first| (run, first)));
        }
    }
    copies.sort_unstable();
    copies
}

/// The noise that replicates show: `s² = Σ_g Σ_{i ∈ g} (y_i − ȳ_g)² / ν` with `ν = Σ_g (n_g − 1)` over the mixtures
/// `g`. `None` where no mixture has two runs. Runs with a weight below 1 and [`copied_runs`] do not count.
#[must_use]
pub fn noise(swarm: &Swarm, confidence: f64) -> Option<Noise> {
    let copies = copied_runs(swarm);
    let counts = |run: usize| {
        let whole = swarm.weights().is_none_or(|weights| weights[run] >= 1.0);
        whole && copies.binary_search_by_key(&run, |copy| copy.0).is_err()
    };
    let mut groups = runs_by_mixture(swarm.mixtures());
    for group in &mut groups {
        group.retain(|&run| counts(run));
    }
    groups.retain(|group| !group.is_empty());
    let repeated = groups.iter().filter(|group| group.len() > 1);
    let (mixtures, runs) = repeated.fold((0, 0), |(mixtures, runs), group| {
        (mixtures + 1, runs + group.len())
    });
    if mixtures == 0 {
        return None;
    }
    let of = |losses: &[f64]| of_one(losses, &groups, runs - mixtures, confidence);
    let tasks = 0..swarm.tasks().len();
    Some(Noise {
        mixtures,
        runs,
        degrees_of_freedom: runs - mixtures,
        confidence,
        tasks: tasks.map(|task| of(&swarm.losses().column(task))).collect(),
        average: of(&swarm.average_losses()),
    })
}

fn of_one(losses: &[f64], groups: &[Vec<usize>], freedom: usize, confidence: f64) -> TaskNoise {
    let mean =
        |group: &Vec<usize>| group.iter().map(|&run| losses[run]).sum::<f64>() / group.len() as f64;
    let within = |group: &Vec<usize>| {
        let mean = mean(group);
        let squares = group.iter().map(|&run| (losses[run] - mean).powi(2));
        squares.sum::<f64>()
    };
    let squares: f64 = groups.iter().map(within).sum();
    let variance = squares / freedom as f64;
    let means: Vec<f64> = groups.iter().map(mean).collect();
    let count = means.len() as f64;
    let centre = means.iter().sum::<f64>() / count;
    let between = means
        .iter()
        .map(|mean| (mean - centre).powi(2))
        .sum::<f64>();
    // Of the spread of the means, this is noise.
    let share = groups
        .iter()
        .map(|group| 1.0 / group.len() as f64)
        .sum::<f64>()
        / count;
    let signal = between / (count - 1.0).max(1.0) - share * variance;
    let chi = ChiSquared::new(freedom as f64).ok();
    let bound = |tail: f64| {
        let quantile = chi.map_or(f64::NAN, |chi| chi.inverse_cdf(tail));
        (squares / quantile).sqrt()
    };
    let tail = 0.5 * (1.0 - confidence);
    TaskNoise {
        sd: variance.sqrt(),
        interval: Interval {
            low: bound(1.0 - tail),
            high: bound(tail),
        },
        signal: signal.max(0.0).sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Direction, DomainSet, Task};

    fn swarm(shares: &[f64], losses: &[f64]) -> Swarm {
        let task = Task {
            name: "t".into(),
            family: "t".into(),
            weight: 1.0,
            direction: Direction::Min,
            offset: 0.0,
        };
        Swarm::new(
            DomainSet::from_names(["a", "b"]).unwrap(),
            vec![task],
            (0..shares.len()).map(|run| format!("r{run}")).collect(),
            Matrix::from_fn(shares.len(), 2, |run, j| match j {
                0 => shares[run],
                _ => 1.0 - shares[run],
            }),
            Matrix::from_fn(losses.len(), 1, |run, _| losses[run]),
        )
        .unwrap()
    }

    #[test]
    fn noise_is_the_pooled_deviation_of_replicates_and_the_spread_of_means_is_without_it() {
        // Two mixtures with 3 and 2 runs: squares 0.08 + 0.02 over ν = 3; one mixture of its own.
        let swarm = swarm(
            &[0.5, 0.2, 0.500_001, 0.9, 0.5, 0.2],
            &[1.0, 2.0, 1.2, 3.0, 1.4, 2.2],
        );
        let noise = noise(&swarm, 0.9).unwrap();
        assert_eq!(
            (noise.mixtures, noise.runs, noise.degrees_of_freedom),
            (2, 5, 3)
        );
        let task = noise.tasks[0];
        assert_eq!(task, noise.average);
        assert!((task.sd - (0.1_f64 / 3.0).sqrt()).abs() < 1e-12);
        // χ² of 3 degrees of freedom: 0.351846 at 5 %, 7.814728 at 95 % (tables).
        assert!((task.interval.high - (0.1_f64 / 0.351_846).sqrt()).abs() < 1e-6);
        assert!((task.interval.low - (0.1_f64 / 7.814_728).sqrt()).abs() < 1e-6);
        // Means 1.2, 2.1 and 3 vary by 0.81, of which (1/3 + 1/2 + 1) / 3 of the variance is noise.
        let signal: f64 = 0.81 - (11.0 / 18.0) * 0.1 / 3.0;
        assert!((task.signal - signal.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn regions_have_replicates_together_by_their_mean() {
        let swarm = swarm(&[0.5, 0.2, 0.5, 0.9, 0.1], &[1.0, 2.0, 3.0, 2.5, 1.9]);
        // The run of 1.0 is one of a mixture whose mean is 2.0.
        assert_eq!(crate::trust::regions(&swarm), [vec![0, 2], vec![4]]);
    }

    #[test]
    fn copies_of_a_run_are_no_replicates() {
        let swarm = swarm(&[0.5, 0.5, 0.2], &[1.0, 1.0, 2.0]);
        assert_eq!(copied_runs(&swarm), [(1, 0)]);
        assert_eq!(noise(&swarm, 0.9), None);
    }

    #[test]
    fn runs_of_other_content_say_nothing_of_noise() {
        let weighted = swarm(&[0.5, 0.5, 0.2], &[1.0, 1.1, 2.0]);
        assert!(noise(&weighted, 0.9).is_some());
        let weighted = weighted.with_weights(vec![1.0, 0.5, 1.0]).unwrap();
        assert_eq!(noise(&weighted, 0.9), None);
    }
}
