//! The dense linear algebra a fit needs, over faer: weighted Gram matrices and damped Cholesky
//! solves. Single-threaded on purpose: tasks run in parallel, and a sum split over threads would
//! not be the same bits on every machine.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, ColMut, ColRef, Conj, Mat, MatMut, MatRef, Par};

/// Writes the lower triangle of `Xᵀ diag(h) X` (`m × m`) into `into`; `scratch` is `K × m`.
pub(crate) fn weighted_gram(
    x: &Mat<f64>,
    h: &[f64],
    scratch: &mut Mat<f64>,
    into: MatMut<'_, f64>,
) {
    for j in 0..x.ncols() {
        let column = scratch.col_as_slice_mut(j);
        for ((scaled, x), h) in column.iter_mut().zip(x.col_as_slice(j)).zip(h) {
            *scaled = x * h;
        }
    }
    matmul(
        into,
        BlockStructure::TriangularLower,
        Accum::Replace,
        x.transpose(),
        BlockStructure::Rectangular,
        scratch.as_ref(),
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
}

/// `Xᵀ v` (length `m`).
pub(crate) fn transpose_times(x: &Mat<f64>, v: &[f64], into: &mut [f64]) {
    product(x.transpose(), v, into);
}

/// `X t` (length `K`).
pub(crate) fn times(x: &Mat<f64>, t: &[f64], into: &mut [f64]) {
    product(x.as_ref(), t, into);
}

fn product(a: MatRef<'_, f64>, v: &[f64], into: &mut [f64]) {
    faer::linalg::matmul::matmul(
        ColMut::from_slice_mut(into).as_mat_mut(),
        Accum::Replace,
        a,
        ColRef::from_slice(v).as_mat(),
        1.0,
        Par::Seq,
    );
}

/// Cholesky factors of symmetric matrices of one size, with their scratch memory.
pub(crate) struct Cholesky {
    factor: Mat<f64>,
    scratch: MemBuffer,
}

impl Cholesky {
    /// For `size × size` matrices.
    pub(crate) fn new(size: usize) -> Self {
        let need =
            llt::factor::cholesky_in_place_scratch::<f64>(size, Par::Seq, faer::Spec::default())
                .or(llt::solve::solve_in_place_scratch::<f64>(size, 1, Par::Seq))
                .or(llt::inverse::inverse_scratch::<f64>(size, Par::Seq));
        Self {
            factor: Mat::zeros(size, size),
            scratch: MemBuffer::new(need),
        }
    }

    /// Factors `A + diag(shift)`, reading the lower triangle of `A`; false when that is not
    /// positive definite.
    pub(crate) fn factor(&mut self, a: &Mat<f64>, shift: impl Fn(usize) -> f64) -> bool {
        let size = a.nrows();
        for j in 0..size {
            for i in j..size {
                self.factor[(i, j)] = a[(i, j)];
            }
            self.factor[(j, j)] += shift(j);
        }
        llt::factor::cholesky_in_place(
            self.factor.as_mut(),
            llt::factor::LltRegularization::default(),
            Par::Seq,
            MemStack::new(&mut self.scratch),
            faer::Spec::default(),
        )
        .is_ok()
    }

    /// Logarithm of the determinant of what was factored last.
    pub(crate) fn log_determinant(&self) -> f64 {
        let diagonal = (0..self.factor.nrows()).map(|j| self.factor[(j, j)].ln());
        2.0 * diagonal.sum::<f64>()
    }

    /// Solves with the last factor, in place.
    pub(crate) fn solve(&mut self, rhs: &mut [f64]) {
        llt::solve::solve_in_place_with_conj(
            self.factor.as_ref(),
            Conj::No,
            ColMut::from_slice_mut(rhs).as_mat_mut(),
            Par::Seq,
            MemStack::new(&mut self.scratch),
        );
    }

    /// Writes the lower triangle of the inverse of what was factored last to `into`.
    pub(crate) fn invert(&mut self, into: &mut Mat<f64>) {
        llt::inverse::inverse(
            into.as_mut(),
            self.factor.as_ref(),
            Par::Seq,
            MemStack::new(&mut self.scratch),
        );
    }
}
