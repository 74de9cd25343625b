//! Mixtures that were taken, no two alike.

use crate::mixture::{same_mixture, same_weight};

/// Mixtures closer than this to an existing one are not drawn again.
const NEAR: f64 = 0.01;

/// Mixtures in the order they were taken.
#[derive(Debug, Default)]
pub(super) struct Taken {
    mixtures: Vec<Vec<f64>>,
    /// Where the largest weight of each is, and the weight: nearly all others differ there, and that
    /// is found out without a look at the mixture itself.
    largest: Vec<(usize, f64)>,
}

impl Taken {
    pub fn len(&self) -> usize {
        self.mixtures.len()
    }

    pub fn get(&self, place: usize) -> Option<&Vec<f64>> {
        self.mixtures.get(place)
    }

    /// Whether one of them has the same weights.
    pub fn has(&self, mixture: &[f64]) -> bool {
        let all = self.largest.iter().zip(&self.mixtures);
        let mut alike = all.filter(|((j, weight), _)| same_weight(mixture[*j], *weight));
        alike.any(|(_, other)| same_mixture(other, mixture))
    }

    pub fn push(&mut self, mixture: Vec<f64>) {
        let by_weight = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1);
        let largest = mixture.iter().copied().enumerate().max_by(by_weight);
        self.largest.push(largest.unwrap_or_default());
        self.mixtures.push(mixture);
    }

    pub fn into_mixtures(self) -> Vec<Vec<f64>> {
        self.mixtures
    }
}

/// Whether two mixtures are within 0.01 in Euclidean distance.
pub(super) fn near(a: &[f64], b: &[f64]) -> bool {
    let mut sum = 0.0;
    a.iter().zip(b).all(|(a, b)| {
        sum += (a - b).powi(2);
        sum <= NEAR * NEAR
    })
}
