//! The mixtures of the runs, stored the way that makes a fit cheapest.
//!
//! Swarms over many topics are sparse: in the published ones a run samples 3 of 24 or 17 of 64
//! domains. A weighted Gram matrix then costs `Σ_k nnz_k² / 2` additions instead of `K m² / 2`,
//! fifty and fourteen times fewer. Dense swarms go through a matrix product.

use faer::{Mat, MatMut};

use super::linalg::{times, transpose_times, weighted_gram};
use super::sparse::Sparse;

/// `K × m` mixtures.
#[derive(Debug, Clone)]
pub(crate) enum Rows {
    /// `K × m`, column by column.
    Dense(Mat<f64>),
    /// The non-zero entries of each run, by ascending domain.
    Sparse(Sparse),
}

/// A scattered addition costs about as much as this many of a dense product.
const SCATTER_COST: usize = 3;

impl Rows {
    pub(crate) fn new(runs: usize, columns: usize, weight: impl Fn(usize, usize) -> f64) -> Self {
        let mut sparse = Sparse::new(columns);
        let mut row = vec![0.0; columns];
        for k in 0..runs {
            let filled = row.iter_mut().enumerate();
            filled.for_each(|(j, x)| *x = weight(k, j));
            sparse.push(&row);
        }
        if SCATTER_COST * sparse.pairs() < runs * columns * columns {
            Self::Sparse(sparse.filled())
        } else {
            Self::Dense(Mat::from_fn(runs, columns, weight))
        }
    }

    /// Number of runs, `K`.
    pub(crate) fn runs(&self) -> usize {
        match self {
            Self::Dense(x) => x.nrows(),
            Self::Sparse(sparse) => sparse.runs(),
        }
    }

    /// Memory for [`Rows::gram`].
    pub(crate) fn scratch(&self) -> Mat<f64> {
        match self {
            Self::Dense(x) => Mat::zeros(x.nrows(), x.ncols()),
            Self::Sparse(_) => Mat::zeros(0, 0),
        }
    }

    /// Writes the lower triangle of `Xᵀ diag(h) X` (`m × m`).
    pub(crate) fn gram(&self, h: &[f64], scratch: &mut Mat<f64>, into: MatMut<'_, f64>) {
        match self {
            Self::Dense(x) => weighted_gram(x, h, scratch, into),
            Self::Sparse(sparse) => sparse.gram(h, into),
        }
    }

    /// `X t` (length `K`).
    pub(crate) fn times(&self, t: &[f64], into: &mut [f64]) {
        match self {
            Self::Dense(x) => times(x, t, into),
            Self::Sparse(sparse) => sparse.times(t, into),
        }
    }

    /// `Xᵀ v` (length `m`).
    pub(crate) fn transpose_times(&self, v: &[f64], into: &mut [f64]) {
        match self {
            Self::Dense(x) => transpose_times(x, v, into),
            Self::Sparse(sparse) => sparse.transpose_times(v, into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparse_and_dense_rows_give_the_same_products() {
        let weight = |k: usize, j: usize| {
            if (k * 7 + j * 3).is_multiple_of(5) {
                0.1 + (k + j) as f64
            } else {
                0.0
            }
        };
        let (runs, columns) = (13, 9);
        let sparse = Rows::new(runs, columns, weight);
        assert!(matches!(sparse, Rows::Sparse(_)));
        let dense = Rows::Dense(Mat::from_fn(runs, columns, weight));
        let h: Vec<f64> = (0..runs).map(|k| (k as f64).cos()).collect();
        let t: Vec<f64> = (0..columns).map(|j| (j as f64).sin()).collect();
        let products = |rows: &Rows| {
            let mut gram = Mat::zeros(columns, columns);
            rows.gram(&h, &mut rows.scratch(), gram.as_mut());
            let (mut forth, mut back) = (vec![0.0; runs], vec![0.0; columns]);
            rows.times(&t, &mut forth);
            rows.transpose_times(&h, &mut back);
            let lower = (0..columns).flat_map(|j| (j..columns).map(move |i| (i, j)));
            let mut all: Vec<f64> = lower.map(|at| gram[at]).collect();
            all.extend(forth);
            all.extend(back);
            all
        };
        for (a, b) in products(&sparse).iter().zip(products(&dense)) {
            assert!((a - b).abs() < 1e-12 * (1.0 + b.abs()), "{a} {b}");
        }
    }

    #[test]
    fn rows_with_their_zeros_have_the_bits_of_those_without() {
        for (columns, every) in [(3, 2), (9, 5), (24, 7), (64, 4), (131, 9)] {
            let runs = 40;
            let mut rows = Sparse::new(columns);
            for k in 0..runs {
                let weight = |j: usize| {
                    let there = (k * 7 + j * 3).is_multiple_of(every);
                    f64::from(u8::from(there)) * ((1 + k + j) as f64).sin()
                };
                rows.push(&(0..columns).map(weight).collect::<Vec<f64>>());
            }
            let (filled, rows) = (rows.clone().with_zeros(), rows);
            let h: Vec<f64> = (0..runs).map(|k| (k as f64).cos()).collect();
            let products = |rows: &Sparse| {
                let mut gram = Mat::zeros(columns, columns);
                rows.gram(&h, gram.as_mut());
                let mut back = vec![0.0; columns];
                rows.transpose_times(&h, &mut back);
                let lower = (0..columns).flat_map(|j| (j..columns).map(move |i| (i, j)));
                let gram = lower.map(|at| gram[at]);
                gram.chain(back).map(f64::to_bits).collect::<Vec<u64>>()
            };
            assert_eq!(products(&filled), products(&rows), "{columns} domains");
        }
    }
}
