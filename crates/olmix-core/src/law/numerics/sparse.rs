//! Mixtures by their non-zero entries, with the products that a fit needs.
//!
//! Where a run samples more than a few domains, the zeros between them cost less than finding each entry: the
//! products then add whole rows, zeros included, as many entries at a time as the processor can, with the sums in its
//! registers. Adding a zero changes no bit, and every sum is in the order of the runs, so both ways give the same
//! bits.

use faer::{Mat, MatMut};
use pulp::{Arch, Simd, WithSimd};

/// Entries to a multiple of which rows are filled up: what the widest vectors hold.
const BLOCK: usize = 8;
/// Costs, in additions of one entry: of an entry with its vectors, and of one whose column is gone through.
const VECTOR_COST: usize = 3;
const COLUMN_COST: usize = 6;
/// Numbers that rows with their zeros may have: 256 MiB.
const MOST_FILLED: usize = 1 << 25;

/// The runs of a design, entry by entry.
#[derive(Debug, Clone)]
pub(crate) struct Sparse {
    /// Entries of run `k` are at `starts[k]..starts[k + 1]`.
    starts: Vec<usize>,
    domains: Vec<usize>,
    weights: Vec<f64>,
    columns: usize,
    filled: Option<Filled>,
}

/// The runs with their zeros, and which runs have each domain.
#[derive(Debug, Clone)]
struct Filled {
    /// One column for each run, of `m` entries and zeros up to a multiple of [`BLOCK`].
    rows: Mat<f64>,
    /// By domain, its runs (ascending) and their weights.
    runs_of: Vec<Vec<(usize, f64)>>,
}

impl Sparse {
    /// No runs yet.
    pub(crate) fn new(columns: usize) -> Self {
        Self {
            starts: vec![0],
            domains: Vec::new(),
            weights: Vec::new(),
            columns,
            filled: None,
        }
    }

    /// Appends a run (length `m`).
    pub(crate) fn push(&mut self, row: &[f64]) {
        for (j, &x) in row.iter().enumerate().filter(|(_, x)| **x != 0.0) {
            self.domains.push(j);
            self.weights.push(x);
        }
        self.starts.push(self.weights.len());
    }

    /// The same runs, kept with their zeros as well where that makes products faster.
    pub(crate) fn filled(self) -> Self {
        let blocks = self.columns.div_ceil(BLOCK);
        let vectors: usize = self.domains.iter().map(|j| blocks - j / BLOCK).sum();
        let entries = self.weights.len();
        let one_by_one = self.pairs() / 2 + COLUMN_COST * entries;
        let fits = blocks * BLOCK * self.runs() <= MOST_FILLED;
        if fits && vectors + VECTOR_COST * entries < one_by_one {
            self.with_zeros()
        } else {
            self
        }
    }

    /// The same runs, kept with their zeros as well.
    pub(super) fn with_zeros(mut self) -> Self {
        let mut rows = Mat::zeros(self.columns.next_multiple_of(BLOCK), self.runs());
        let mut runs_of = vec![Vec::new(); self.columns];
        for k in 0..self.runs() {
            let (domains, weights) = self.row(k);
            for (&j, &x) in domains.iter().zip(weights) {
                rows[(j, k)] = x;
                runs_of[j].push((k, x));
            }
        }
        self.filled = Some(Filled { rows, runs_of });
        self
    }

    /// Number of runs, `K`.
    pub(crate) fn runs(&self) -> usize {
        self.starts.len() - 1
    }

    /// `Σ_k nnz_k²`.
    pub(crate) fn pairs(&self) -> usize {
        let ends = self.starts.windows(2);
        ends.map(|ends| (ends[1] - ends[0]).pow(2)).sum()
    }

    /// Domains and weights of run `k`.
    fn row(&self, k: usize) -> (&[usize], &[f64]) {
        let entries = self.starts[k]..self.starts[k + 1];
        (&self.domains[entries.clone()], &self.weights[entries])
    }

    /// `X t` (length `K`).
    pub(crate) fn times(&self, t: &[f64], into: &mut [f64]) {
        for (k, into) in into.iter_mut().enumerate() {
            let (domains, weights) = self.row(k);
            *into = domains.iter().zip(weights).map(|(&j, x)| x * t[j]).sum();
        }
    }

    /// `Xᵀ v` (length `m`).
    pub(crate) fn transpose_times(&self, v: &[f64], into: &mut [f64]) {
        if let Some(filled) = &self.filled {
            let mut sums = vec![0.0; filled.rows.nrows()];
            let (rows, sums_of) = (&filled.rows, &mut sums);
            Arch::new().dispatch(SumOfRows {
                rows,
                v,
                sums: sums_of,
            });
            into.copy_from_slice(&sums[..self.columns]);
            return;
        }
        into.fill(0.0);
        for (k, v) in v.iter().enumerate() {
            let (domains, weights) = self.row(k);
            for (&j, x) in domains.iter().zip(weights) {
                into[j] += x * v;
            }
        }
    }

    /// Writes the lower triangle of `Xᵀ diag(h) X` (`m × m`).
    pub(crate) fn gram(&self, h: &[f64], mut into: MatMut<'_, f64>) {
        if let Some(filled) = &self.filled {
            Arch::new().dispatch(Gram { filled, h, into });
            return;
        }
        for j in 0..self.columns {
            into.as_mut().col_mut(j).fill(0.0);
        }
        for (k, h) in h.iter().enumerate() {
            if *h == 0.0 {
                continue;
            }
            let (domains, weights) = self.row(k);
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

/// `Σ_k v_k x_k` of filled rows.
struct SumOfRows<'a> {
    rows: &'a Mat<f64>,
    v: &'a [f64],
    sums: &'a mut [f64],
}

impl WithSimd for SumOfRows<'_> {
    type Output = ();

    #[allow(clippy::inline_always)] // only what is inlined is compiled for the instruction set
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let factors = || self.v.iter().copied().enumerate();
        add_rows(simd, self.rows, factors, 0, self.sums);
    }
}

/// The lower triangle of `Σ_k h_k x_k x_kᵀ` of filled rows.
struct Gram<'a> {
    filled: &'a Filled,
    h: &'a [f64],
    into: MatMut<'a, f64>,
}

impl WithSimd for Gram<'_> {
    type Output = ();

    #[allow(clippy::inline_always)] // only what is inlined is compiled for the instruction set
    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut sums = vec![0.0; self.filled.rows.nrows()];
        for (j, runs) in self.filled.runs_of.iter().enumerate() {
            let h = self.h;
            let factors = || runs.iter().map(|&(k, x)| (k, h[k] * x));
            add_rows(simd, &self.filled.rows, factors, j, &mut sums);
            let column = self.into.as_mut().col_mut(j);
            if let Some(column) = column.try_as_col_major_mut() {
                let column = &mut column.as_slice_mut()[j..];
                let length = column.len();
                column.copy_from_slice(&sums[j..j + length]);
            }
        }
    }
}

/// Writes `Σ f_k x_k` over the rows that `factors` has, from the vector of entry `from` on, to `sums`.
#[allow(clippy::inline_always)] // only what is inlined is compiled for the instruction set
#[inline(always)]
fn add_rows<S: Simd, F: Iterator<Item = (usize, f64)>>(
    simd: S,
    rows: &Mat<f64>,
    factors: impl Fn() -> F,
    from: usize,
    sums: &mut [f64],
) {
    let (sums, _) = S::as_mut_simd_f64s(sums);
    let mut at = from / S::F64_LANES;
    while at < sums.len() {
        // As many vectors of sums as registers can hold beside the rest.
        at += match sums.len() - at {
            1 => add_vectors::<S, F, 1>(simd, rows, factors(), at, sums),
            2 => add_vectors::<S, F, 2>(simd, rows, factors(), at, sums),
            3 => add_vectors::<S, F, 3>(simd, rows, factors(), at, sums),
            4 => add_vectors::<S, F, 4>(simd, rows, factors(), at, sums),
            5 => add_vectors::<S, F, 5>(simd, rows, factors(), at, sums),
            6 => add_vectors::<S, F, 6>(simd, rows, factors(), at, sums),
            7 => add_vectors::<S, F, 7>(simd, rows, factors(), at, sums),
            _ => add_vectors::<S, F, 8>(simd, rows, factors(), at, sums),
        };
    }
}

/// As [`add_rows`], `N` vectors; returns `N`. A product and a sum at a time: fused, they would have other bits.
#[allow(clippy::inline_always)] // only what is inlined is compiled for the instruction set
#[inline(always)]
fn add_vectors<S: Simd, F: Iterator<Item = (usize, f64)>, const N: usize>(
    simd: S,
    rows: &Mat<f64>,
    factors: F,
    at: usize,
    sums: &mut [S::f64s],
) -> usize {
    let mut sum = [simd.splat_f64s(0.0); N];
    for (k, factor) in factors {
        let factor = simd.splat_f64s(factor);
        let (row, _) = S::as_simd_f64s(rows.col_as_slice(k));
        if let Some(row) = row[at..].first_chunk::<N>() {
            for i in 0..N {
                sum[i] = simd.add_f64s(sum[i], simd.mul_f64s(factor, row[i]));
            }
        }
    }
    sums[at..at + N].copy_from_slice(&sum);
    N
}
