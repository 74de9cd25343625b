//! `AdamW` (Loshchilov and Hutter, 2019), and the gradients of a step that it is given.

use rayon::prelude::*;

use crate::Hyperparameters;
use crate::model::vector::{dot, vectorized};

/// Parameters that are dealt with at a time: enough to share work, few enough to stay in a cache.
const CHUNK: usize = 16_384;

/// Adds all gradients to the first, in their order; the norm of the sum.
///
/// The same bits on any number of threads: parts of the sum of squares are cut by place, and added in order.
pub(super) fn gather(gradients: &mut [Vec<f32>]) -> f64 {
    let Some((first, rest)) = gradients.split_first_mut() else {
        return 0.0;
    };
    let parts: Vec<f64> = first
        .par_chunks_mut(CHUNK)
        .enumerate()
        .map(|(chunk, sum)| {
            vectorized(
                #[inline(always)]
                || {
                    for gradient in &*rest {
                        let part = &gradient[chunk * CHUNK..][..sum.len()];
                        sum.iter_mut().zip(part).for_each(|(sum, g)| *sum += g);
                    }
                    f64::from(dot(sum, sum))
                },
            )
        })
        .collect();
    parts.iter().sum::<f64>().sqrt()
}

/// Both moments of every parameter.
pub(super) struct AdamW {
    pub first: Vec<f32>,
    pub second: Vec<f32>,
}

impl AdamW {
    pub fn new(parameters: usize) -> Self {
        Self {
            first: vec![0.0; parameters],
            second: vec![0.0; parameters],
        }
    }

    /// Takes a step, counted from 0. Weights before `decays_from` do not decay; gradients of a norm above
    /// `recipe.clip` are made so short.
    pub fn step(
        &mut self,
        recipe: &Hyperparameters,
        step: u64,
        weights: &mut [f32],
        gradient: &[f32],
        norm: f64,
        decays_from: usize,
    ) {
        let (beta1, beta2) = (recipe.beta1 as f32, recipe.beta2 as f32);
        let count = i32::try_from(step + 1).unwrap_or(i32::MAX);
        let rate = recipe.rate(step);
        let size = (rate / (1.0 - recipe.beta1.powi(count))) as f32;
        let unbias = (1.0 / (1.0 - recipe.beta2.powi(count)).sqrt()) as f32;
        let eps = recipe.adam_eps as f32;
        let clip = (recipe.clip / (norm + 1e-6)).min(1.0) as f32;
        let kept = 1.0 - (rate * recipe.weight_decay) as f32;
        weights
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK))
            .zip(
                self.first
                    .par_chunks_mut(CHUNK)
                    .zip(self.second.par_chunks_mut(CHUNK)),
            )
            .enumerate()
            .for_each(|(chunk, ((w, g), (m, v)))| {
                let plain = decays_from.saturating_sub(chunk * CHUNK).min(w.len());
                vectorized(
                    #[inline(always)]
                    || {
                        for (i, w) in w.iter_mut().enumerate() {
                            let decay = if i < plain { 1.0 } else { kept };
                            let g = g[i] * clip;
                            m[i] += (1.0 - beta1) * (g - m[i]);
                            v[i] = beta2 * v[i] + (1.0 - beta2) * g * g;
                            *w = *w * decay - size * m[i] / (v[i].sqrt() * unbias + eps);
                        }
                    },
                );
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_that_of_the_definition() {
        let recipe = Hyperparameters {
            warmup_steps: 0,
            decay_steps: 0,
            ..crate::train::tests::recipe(10)
        };
        let n = CHUNK + 5;
        let start: Vec<f32> = (0..n).map(|i| (i as f32).sin()).collect();
        let (mut weights, mut adam) = (start.clone(), AdamW::new(n));
        let (mut m, mut v) = (vec![0.0; n], vec![0.0; n]);
        let mut expected: Vec<f64> = start.iter().map(|w| f64::from(*w)).collect();
        for step in 0..3 {
            let mut gradients = vec![vec![0.0; n]; 3];
            for (k, gradient) in gradients.iter_mut().enumerate() {
                for (i, g) in gradient.iter_mut().enumerate() {
                    *g = ((i + 7 * k) as f32 + step as f32).cos();
                }
            }
            let sum: Vec<f64> = (0..n)
                .map(|i| gradients.iter().map(|g| f64::from(g[i])).sum())
                .collect();
            let wanted = sum.iter().map(|g| g * g).sum::<f64>().sqrt();
            let norm = gather(&mut gradients);
            assert!((norm / wanted - 1.0).abs() < 1e-6);
            adam.step(&recipe, step, &mut weights, &gradients[0], norm, CHUNK + 2);
            for i in 0..n {
                let g = sum[i] / wanted.max(1.0);
                m[i] = recipe.beta1 * m[i] + (1.0 - recipe.beta1) * g;
                v[i] = recipe.beta2 * v[i] + (1.0 - recipe.beta2) * g * g;
                let count = step as i32 + 1;
                let m = m[i] / (1.0 - recipe.beta1.powi(count));
                let v: f64 = v[i] / (1.0 - recipe.beta2.powi(count));
                let decay = if i < CHUNK + 2 {
                    0.0
                } else {
                    recipe.weight_decay
                };
                let rate = recipe.learning_rate;
                expected[i] -= rate * (m / (v.sqrt() + recipe.adam_eps) + decay * expected[i]);
            }
        }
        for (found, expected) in weights.iter().zip(&expected) {
            assert!(
                (f64::from(*found) - expected).abs() < 2e-6,
                "{found} {expected}"
            );
        }
    }
}
