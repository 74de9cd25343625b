//! Products of matrices that are parts of slices.
#![allow(unsafe_code)] // one call of the kernels, after its bounds are checked

use gemm::Parallelism;

/// A matrix in a slice: element `(i, j)` is at `i · rows.1 + j · columns.1`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    /// Number of rows, and steps from one to the next.
    rows: (usize, usize),
    /// Number of columns, and steps from one to the next.
    columns: (usize, usize),
}

/// A matrix with rows one after another, `stride` apart.
pub(crate) fn rows(data: &[f32], rows: usize, columns: usize, stride: usize) -> Matrix<'_> {
    Matrix {
        data,
        rows: (rows, stride),
        columns: (columns, 1),
    }
}

impl Matrix<'_> {
    /// Its transpose, of the same data.
    pub fn t(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            ..self
        }
    }
}

/// Elements of a slice that such a matrix reaches.
fn reach((rows, row): (usize, usize), (columns, column): (usize, usize)) -> usize {
    if rows == 0 || columns == 0 {
        return 0;
    }
    (rows - 1) * row + (columns - 1) * column + 1
}

/// Whether a result replaces what was there, or is added to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// What was there is not looked at.
    Replace,
    /// The result is added.
    Add,
}

/// `c = a b`, or `c += a b`, for `c` with rows `stride` apart; on this thread, in an order that shapes alone
/// decide.
pub(crate) fn product(c: &mut [f32], stride: usize, how: Update, a: Matrix<'_>, b: Matrix<'_>) {
    let (m, k, n) = (a.rows.0, a.columns.0, b.columns.0);
    let fits = b.rows.0 == k
        && stride >= n
        && reach((m, stride), (n, 1)) <= c.len()
        && reach(a.rows, a.columns) <= a.data.len()
        && reach(b.rows, b.columns) <= b.data.len();
    assert!(fits, "a product of matrices that do not fit together");
    let signed = usize::cast_signed;
    // SAFETY: every element that the shapes and strides reach lies in its slice, as was just checked, and `c`
    // is borrowed alone.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            signed(stride),
            how == Update::Add,
            a.data.as_ptr(),
            signed(a.columns.1),
            signed(a.rows.1),
            b.data.as_ptr(),
            signed(b.columns.1),
            signed(b.rows.1),
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_parts_and_transposes_are_those_of_the_definition() {
        let data: Vec<f32> = (0..400).map(|i| ((i * 37) % 19) as f32 - 9.0).collect();
        let at = |m: &Matrix<'_>, i: usize, j: usize| m.data[i * m.rows.1 + j * m.columns.1];
        for (a, b) in [
            (rows(&data, 5, 7, 9), rows(&data[100..], 7, 4, 11)),
            (rows(&data, 7, 5, 6).t(), rows(&data[50..], 7, 4, 4)),
            (rows(&data, 5, 7, 7), rows(&data[200..], 4, 7, 13).t()),
        ] {
            let mut c = vec![1.0; 5 * 6];
            product(&mut c, 6, Update::Add, a, b);
            for i in 0..5 {
                for j in 0..4 {
                    let sum: f32 = (0..7).map(|k| at(&a, i, k) * at(&b, k, j)).sum();
                    assert_eq!(c[i * 6 + j], sum + 1.0);
                }
                assert_eq!(c[i * 6 + 4..][..2], [1.0, 1.0]);
            }
        }
    }

    #[test]
    #[should_panic(expected = "do not fit together")]
    fn a_product_that_would_leave_its_slice_is_stopped() {
        let data = [0.0; 20];
        product(
            &mut [0.0; 20],
            5,
            Update::Replace,
            rows(&data, 5, 5, 5),
            rows(&data, 5, 4, 4),
        );
    }
}
