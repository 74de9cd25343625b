//! The mixtures of the runs, stored the way that makes a fit cheapest.
//!
//! Swarms over many topics are sparse: in the published ones a run samples 3 of 24 or 17 of 64
//! domains. A weighted Gram matrix then costs `Σ_k nnz_k² / 2` additions instead of `K m² / 2`,
//! fifty and fourteen times fewer. Dense swarms go through a matrix product.

use faer::{Mat, MatMut};

use super::linalg::{times, transpose_times, weighted_gram};

/// `K × m` mixtures.
#[derive(Debug, Clone)]
pub(crate) enum Rows {
    /// `K × m`, column by column.
    Dense(Mat<f64>),
    /// The non-zero entries of each run, by ascending domain.
    Sparse(Sparse),
}

#[derive(Debug, Clone)]
pub(crate) struct Sparse {
    /// Entries of run `k` are at `starts[k]..starts[k + 1]`.
    starts: Vec<usize>,
    domains: Vec<usize>,
    weights: Vec<f64>,
    columns: usize,
}

/// A scattered addition costs about as much as this many of a dense product.
const SCATTER_COST: usize = 3;

impl Rows {
    pub(crate) fn new(runs: usize, columns: usize, weight: impl Fn(usize, usize) -> f64) -> Self {
        let mut sparse = Sparse {
            starts: vec![0],
            domains: Vec::new(),
            weights: Vec::new(),
            columns,
        };
        let mut scattered = 0;
        for k in 0..runs {
            for j in 0..columns {
                let value = weight(k, j);
                if value != 0.0 {
                    sparse.domains.push(j);
                    sparse.weights.push(value);
                }
            }
            let entries = sparse.weights.len() - sparse.starts[k];
            scattered += entries * entries;
            sparse.starts.push(sparse.weights.len());
        }
        if SCATTER_COST * scattered < runs * columns * columns {
            Self::Sparse(sparse)
        } else {
            Self::Dense(Mat::from_fn(runs, columns, weight))
        }
    }

    /// Number of runs, `K`.
    pub(crate) fn runs(&self) -> usize {
        match self {
            Self::Dense(x) => x.nrows(),
            Self::Sparse(sparse) => sparse.starts.len() - 1,
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
            Self::Sparse(sparse) => {
                for (k, into) in into.iter_mut().enumerate() {
                    *into = sparse.row(k).map(|(j, x)| x * t[j]).sum();
                }
            }
        }
    }

    /// `Xᵀ v` (length `m`).
    pub(crate) fn transpose_times(&self, v: &[f64], into: &mut [f64]) {
        match self {
            Self::Dense(x) => transpose_times(x, v, into),
            Self::Sparse(sparse) => {
                into.fill(0.0);
                for (k, v) in v.iter().enumerate() {
                    for (j, x) in sparse.row(k) {
                        into[j] += x * v;
                    }
                }
            }
        }
    }
}

impl Sparse {
    fn row(&self, k: usize) -> impl Iterator<Item = (usize, f64)> {
        let entries = self.starts[k]..self.starts[k + 1];
        let domains = self.domains[entries.clone()].iter().copied();
        domains.zip(self.weights[entries].iter().copied())
    }

    fn gram(&self, h: &[f64], mut into: MatMut<'_, f64>) {
        for j in 0..self.columns {
            into.as_mut().col_mut(j).fill(0.0);
        }
        for (k, h) in h.iter().enumerate() {
            if *h == 0.0 {
                continue;
            }
            let entries = self.starts[k]..self.starts[k + 1];
            let domains = &self.domains[entries.clone()];
            let weights = &self.weights[entries];
            for (b, (&column, x)) in domains.iter().zip(weights).enumerate() {
                let factor = h * x;
                let column = into.as_mut().col_mut(column);
                if let Some(column) = column.try_as_col_major_mut() {
                    let column = column.as_slice_mut();
                    // Domains ascend: what follows is below the diagonal.
                    for (&row, x) in domains[b..].iter().zip(&weights[b..]) {
                        column[row] += factor * x;
                    }
                }
            }
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
}
