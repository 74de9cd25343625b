//! Laws fitted again to resampled runs.

use super::averaged::{averaged, parts_of};
use super::options::data;
use super::registry::{FittedLaw, LawOptions};
use crate::Swarm;

/// Fits laws again to resampled runs, each from the law fitted to all runs.
#[derive(Debug)]
pub struct Refit<'a> {
    /// How the laws were fitted.
    pub options: &'a LawOptions,
    /// The laws of all runs, one per task.
    pub laws: &'a [FittedLaw],
    /// As in [`LawOptions::fit`].
    pub prior: &'a [f64],
}

impl Refit<'_> {
    /// The laws of a part of the runs, `swarm`, each run with a weight (how often it was drawn), beside its own.
    /// One descent per task, to six digits; single-threaded. A calibrated law keeps its scale and shift, and a law with
    /// the value of repeats its epochs.
    #[must_use]
    pub fn laws(&self, swarm: &Swarm, weights: &[f64]) -> Vec<FittedLaw> {
        if let LawOptions::Repeated { repeats, law } = self.options {
            let proxies = || self.laws.iter().map(FittedLaw::of_proxies);
            let inner: Vec<FittedLaw> = proxies()
                .map(|law| law.of_effective_weights().clone())
                .collect();
            let refit = Refit {
                options: law,
                laws: &inner,
                prior: self.prior,
            };
            let effective = swarm.with_inputs(repeats.of_rows(swarm.mixtures()));
            let again = refit.laws(&effective, weights).into_iter();
            return again
                .zip(self.laws)
                .map(|(law, before)| {
                    let own = before.repeats().unwrap_or(repeats);
                    law.with_repeats(own).calibrated_as(before)
                })
                .collect();
        }
        if let LawOptions::Averaged {
            weights: shares,
            laws,
        } = self.options
        {
            let again = laws.iter().enumerate().map(|(i, options)| {
                let (laws, prior) = (&parts_of(self.laws, i)[..], self.prior);
                let part = Refit {
                    options,
                    laws,
                    prior,
                };
                part.laws(swarm, weights)
            });
            let laws = averaged(shares, &again.collect::<Vec<_>>()).into_iter();
            let known = self.laws.iter();
            return laws
                .zip(known)
                .map(|(law, known)| law.calibrated_as(known))
                .collect();
        }
        let live = swarm.live_domains();
        let data = data(swarm, &live, self.prior);
        let weights: Vec<f64> = match swarm.weights() {
            Some(own) => own.iter().zip(weights).map(|(own, w)| own * w).collect(),
            None => weights.to_vec(),
        };
        let mut laws: Vec<FittedLaw> = self.laws.to_vec();
        // Laws of one kind and settings share a design.
        let mut done = vec![false; laws.len()];
        for first in 0..laws.len() {
            if done[first] {
                continue;
            }
            let options = self.options_of(first);
            let alike: Vec<(usize, &FittedLaw)> = (first..laws.len())
                .filter(|&task| self.options_of(task) == options)
                .map(|task| (task, self.laws[task].of_proxies()))
                .collect();
            let Some(family) = options.family() else {
                continue;
            };
            let again = family.refit(&data, &weights, &alike);
            for ((task, _), law) in alike.into_iter().zip(again) {
                done[task] = true;
                laws[task] = law.calibrated_as(&self.laws[task]);
            }
        }
        laws
    }

    fn options_of(&self, task: usize) -> &LawOptions {
        match self.options {
            LawOptions::PerTask { tasks } => tasks.get(task).unwrap_or(self.options),
            options => options,
        }
    }
}
