//! Runs that stopped short of the others' last step.
//!
//! The step of a metric is that at which its last value was measured. Most runs of a swarm reach the same one; the
//! reference of a metric is the median over the runs. A run stopped short if one of its metrics was last measured
//! before 98 % of the reference: two in a hundred leave room for loggers that count a little differently.

use std::collections::BTreeMap;

use super::run::Values;

/// The share of the reference below which a step is short.
const SHARE: f64 = 0.98;

/// Whether a value at `step` was measured well before one at `reference`.
pub(super) fn is_short(step: f64, reference: f64) -> bool {
    step < SHARE * reference
}

/// A run that differs from most in how far it went.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OtherLength {
    /// The place of the run.
    pub run: usize,
    pub metric: String,
    pub step: f64,
    /// Where most runs measured the metric last.
    pub reference: f64,
}

/// The runs that stopped short, and those that went on for longer, each with its worst metric.
pub(super) fn other_lengths(runs: &[&Values]) -> (Vec<OtherLength>, Vec<OtherLength>) {
    let mut steps: BTreeMap<&str, Vec<(usize, f64)>> = BTreeMap::new();
    for (run, values) in runs.iter().enumerate() {
        for (metric, value) in *values {
            if let Some(step) = value.step {
                steps.entry(metric).or_default().push((run, step));
            }
        }
    }
    let mut short: BTreeMap<usize, OtherLength> = BTreeMap::new();
    let mut long: BTreeMap<usize, OtherLength> = BTreeMap::new();
    for (metric, of_runs) in steps {
        let mut sorted: Vec<f64> = of_runs.iter().map(|(_, step)| *step).collect();
        sorted.sort_by(f64::total_cmp);
        // The upper of two: of a pair of runs, the shorter one stopped short.
        let reference = sorted[sorted.len() / 2];
        for (run, step) in of_runs {
            let other = || OtherLength {
                run,
                metric: metric.to_owned(),
                step,
                reference,
            };
            let share = |other: &OtherLength| other.step / other.reference;
            if is_short(step, reference) {
                let worst = short.entry(run).or_insert_with(other);
                if share(&other()) < share(worst) {
                    *worst = other();
                }
            } else if is_short(reference, step) {
                long.entry(run).or_insert_with(other);
            }
        }
    }
    (short.into_values().collect(), long.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::run::Value;

    fn run(steps: &[(&str, f64)]) -> Values {
        let value = |step| Value {
            number: 1.0,
            step: Some(step),
        };
        steps
            .iter()
            .map(|(metric, step)| ((*metric).to_owned(), value(*step)))
            .collect()
    }

    fn short_of(runs: &[Values]) -> Vec<usize> {
        let (short, _) = other_lengths(&runs.iter().collect::<Vec<_>>());
        short.iter().map(|other| other.run).collect()
    }

    #[test]
    fn runs_below_98_percent_of_the_median_step_of_a_metric_stopped_short() {
        let steps = |last: &[f64]| -> Vec<Values> {
            last.iter().map(|&last| run(&[("loss", last)])).collect()
        };
        assert_eq!(short_of(&steps(&[130.0, 1000.0, 1000.0])), [0]);
        assert_eq!(short_of(&steps(&[1000.0, 980.0, 979.0])), [2; 0]);
        assert_eq!(short_of(&steps(&[1000.0, 1000.0, 979.0])), [2]);
        assert_eq!(short_of(&steps(&[1000.0, 130.0])), [1]);
        assert_eq!(short_of(&steps(&[0.0, 0.0, 3.0])), [0; 0]);
        let (_, long) = other_lengths(&steps(&[10.0, 10.0, 20.0]).iter().collect::<Vec<_>>());
        assert_eq!((long[0].run, long[0].reference), (2, 10.0));
    }

    #[test]
    fn a_metric_that_was_last_measured_half_way_makes_a_run_short() {
        let runs = [
            run(&[("loss", 1000.0), ("eval", 1000.0)]),
            run(&[("loss", 1000.0), ("eval", 500.0)]),
            run(&[("loss", 1000.0), ("eval", 1000.0)]),
        ];
        let (short, _) = other_lengths(&runs.iter().collect::<Vec<_>>());
        let expected = OtherLength {
            run: 1,
            metric: "eval".into(),
            step: 500.0,
            reference: 1000.0,
        };
        assert_eq!(short, [expected]);
    }
}
