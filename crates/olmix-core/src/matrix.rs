//! A dense row-major matrix: the shape in which swarms are read and predictions returned.

/// Rows × columns of `f64`, row-major.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    data: Vec<f64>,
}

impl Matrix {
    /// A matrix of zeros, `rows × columns`.
    #[must_use]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            data: vec![0.0; rows * columns],
        }
    }

    /// Fills a matrix by `value(row, column)`.
    #[must_use]
    pub fn from_fn(
        rows: usize,
        columns: usize,
        mut value: impl FnMut(usize, usize) -> f64,
    ) -> Self {
        let mut matrix = Self::zeros(rows, columns);
        for row in 0..rows {
            for column in 0..columns {
                matrix.data[row * columns + column] = value(row, column);
            }
        }
        matrix
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Row `i` as a slice of length [`Matrix::columns`].
    #[must_use]
    pub fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.columns..(i + 1) * self.columns]
    }

    /// Row `i`, to be written.
    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.data[i * self.columns..(i + 1) * self.columns]
    }

    /// The entry at row `i`, column `j`.
    #[must_use]
    pub fn get(&self, i: usize, j: usize) -> f64 {
        self.data[i * self.columns + j]
    }

    /// Writes the entry at row `i`, column `j`.
    pub fn set(&mut self, i: usize, j: usize, value: f64) {
        self.data[i * self.columns + j] = value;
    }

    /// A copy of column `j`, of length [`Matrix::rows`].
    #[must_use]
    pub fn column(&self, j: usize) -> Vec<f64> {
        (0..self.rows).map(|i| self.get(i, j)).collect()
    }

    /// The rows named, in that order.
    #[must_use]
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        Self {
            rows: rows.len(),
            columns: self.columns,
            data: rows
                .iter()
                .flat_map(|&i| self.row(i).iter().copied())
                .collect(),
        }
    }

    /// The columns named, in that order.
    #[must_use]
    pub fn select_columns(&self, columns: &[usize]) -> Self {
        Self::from_fn(self.rows, columns.len(), |i, j| self.get(i, columns[j]))
    }
}
