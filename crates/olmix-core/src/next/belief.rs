//! What resampled laws say together of the objective at some mixtures.

use crate::Matrix;

/// A normal belief over the objective at `N` points.
#[derive(Debug, Clone)]
pub(super) struct Belief {
    /// Expected objective at each point, length `N`.
    pub mean: Vec<f64>,
    /// `N × N`.
    covariance: Matrix,
}

impl Belief {
    /// The belief with this mean and the covariance of `draws` (draws × `N`, at least two).
    pub fn new(mean: Vec<f64>, draws: &Matrix) -> Self {
        let (rows, points) = (draws.rows(), draws.columns());
        let centre: Vec<f64> = (0..points)
            .map(|i| draws.column(i).iter().sum::<f64>() / rows as f64)
            .collect();
        let mut covariance = Matrix::zeros(points, points);
        for draw in 0..rows {
            let row = draws.row(draw);
            let apart: Vec<f64> = row.iter().zip(&centre).map(|(x, c)| x - c).collect();
            for (i, a) in apart.iter().enumerate() {
                let a = a / (rows as f64 - 1.0);
                for (into, b) in covariance.row_mut(i).iter_mut().zip(&apart) {
                    *into += a * b;
                }
            }
        }
        Self { mean, covariance }
    }

    /// How the expected objective at each point moves per unit of a standard normal when the point `at` is measured
    /// with this variance of the noise.
    pub fn moves(&self, at: usize, noise: f64) -> Vec<f64> {
        let scale = (self.covariance.get(at, at) + noise).sqrt();
        let row = self.covariance.row(at).iter();
        row.map(|c| if scale > 0.0 { c / scale } else { 0.0 })
            .collect()
    }

    /// What is left unknown once the point `at` was measured: a rank-one update, whatever is measured.
    pub fn measure(&mut self, at: usize, noise: f64) {
        let moves = self.moves(at, noise);
        for (i, a) in moves.iter().enumerate() {
            for (into, b) in self.covariance.row_mut(i).iter_mut().zip(&moves) {
                *into -= a * b;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_measured_without_noise_is_known_and_what_moves_with_it_too() {
        let draws = Matrix::from_fn(3, 3, |draw, point| {
            [[0.0, 0.0, 1.0], [1.0, 2.0, 0.0], [2.0, 4.0, -1.0]][draw][point]
        });
        let mut belief = Belief::new(vec![0.0; 3], &draws);
        // Variances 1, 4 and 1, all on one line.
        assert_eq!(belief.moves(0, 0.0), [1.0, 2.0, -1.0]);
        let half: Vec<f64> = belief.moves(0, 1.0);
        assert!((half[1] - 2.0_f64.sqrt()).abs() < 1e-12);
        belief.measure(0, 0.0);
        assert!(belief.moves(1, 1.0).iter().all(|x| x.abs() < 1e-12));
    }
}
