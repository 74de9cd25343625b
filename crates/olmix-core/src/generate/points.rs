//! Rows of features by their non-zero entries: most mixtures of a swarm over many leaves have none of most of them.

use crate::Matrix;

/// Rows with more non-zero entries than one in so many are kept with their zeros.
const FULL: usize = 3;

/// `N` rows of `d` features.
#[derive(Debug)]
pub(super) struct Points {
    features: usize,
    /// Entries of row `k` are at `starts[k]..starts[k + 1]`.
    starts: Vec<usize>,
    /// The feature of each entry, ascending in a row; none where rows are kept with their zeros.
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl Points {
    pub fn of_matrix(matrix: &Matrix) -> Self {
        let rows = (0..matrix.rows()).map(|k| matrix.row(k).iter().copied().enumerate());
        Self::new(matrix.columns(), rows)
    }

    /// The [`super::features`] of mixtures over `m` domains.
    pub fn of_mixtures<P: AsRef<[f64]>>(mixtures: &[P], m: usize) -> Self {
        let rows = mixtures.iter().map(|mixture| {
            let p = mixture.as_ref();
            let shares = p.iter().enumerate().map(|(j, p)| (1 + j, *p));
            let roots = p.iter().enumerate();
            let roots = roots.map(move |(j, p)| (1 + m + j, p.sqrt()));
            std::iter::once((0, 1.0)).chain(shares).chain(roots)
        });
        Self::new(1 + 2 * m, rows)
    }

    /// Rows of features with their positions, ascending.
    fn new<R>(features: usize, rows: impl Iterator<Item = R> + Clone) -> Self
    where
        R: Iterator<Item = (usize, f64)>,
    {
        let (mut count, mut entries) = (0, 0);
        for row in rows.clone() {
            count += 1;
            entries += row.filter(|(_, x)| *x != 0.0).count();
        }
        let full = FULL * entries > count * features;
        let mut points = Self {
            features,
            starts: vec![0],
            columns: Vec::with_capacity(if full { 0 } else { entries }),
            values: Vec::with_capacity(if full { count * features } else { entries }),
        };
        for row in rows {
            for (j, x) in row {
                if full {
                    points.values.push(x);
                } else if x != 0.0 {
                    points.columns.push(j as u32);
                    points.values.push(x);
                }
            }
            points.starts.push(points.values.len());
        }
        points
    }

    /// Number of rows, `N`.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of features, `d`.
    pub fn features(&self) -> usize {
        self.features
    }

    pub fn point(&self, k: usize) -> Point<'_> {
        let entries = self.starts[k]..self.starts[k + 1];
        Point {
            columns: self.columns.get(entries.clone()),
            values: &self.values[entries],
        }
    }
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point<'a> {
    /// The feature of each value; `None` where there is a value for each.
    columns: Option<&'a [u32]>,
    values: &'a [f64],
}

impl Point<'_> {
    /// Features and values that may differ from zero.
    pub fn entries(&self) -> impl Iterator<Item = (usize, f64)> {
        let values = self.values.iter().enumerate();
        values.map(|(at, x)| (self.columns.map_or(at, |columns| columns[at] as usize), *x))
    }

    /// Products with two vectors of length `d`.
    pub fn dots(&self, a: &[f64], b: &[f64]) -> (f64, f64) {
        // Sums side by side: a single one waits for itself.
        let (mut of_a, mut of_b) = ([0.0; 4], [0.0; 4]);
        let (values, rest) = self.values.as_chunks::<4>();
        if let Some(columns) = self.columns {
            let (columns, columns_rest) = columns.as_chunks::<4>();
            for (columns, values) in columns.iter().zip(values) {
                for lane in 0..4 {
                    let j = columns[lane] as usize;
                    of_a[lane] += values[lane] * a[j];
                    of_b[lane] += values[lane] * b[j];
                }
            }
            for (j, x) in columns_rest.iter().zip(rest) {
                of_a[0] += x * a[*j as usize];
                of_b[0] += x * b[*j as usize];
            }
        } else {
            let (a, a_rest) = a.as_chunks::<4>();
            let (b, b_rest) = b.as_chunks::<4>();
            for ((a, b), values) in a.iter().zip(b).zip(values) {
                for lane in 0..4 {
                    of_a[lane] += values[lane] * a[lane];
                    of_b[lane] += values[lane] * b[lane];
                }
            }
            for ((a, b), x) in a_rest.iter().zip(b_rest).zip(rest) {
                of_a[0] += x * a;
                of_b[0] += x * b;
            }
        }
        (of_a.iter().sum(), of_b.iter().sum())
    }

    /// Product with one vector of length `d`.
    pub fn dot(&self, a: &[f64]) -> f64 {
        self.dots(a, a).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::features;

    #[test]
    fn rows_without_their_zeros_have_the_products_of_those_with_them() {
        let mixture = |k: usize, every: usize| -> Vec<f64> {
            let share =
                |j: usize| f64::from(u8::from(j.is_multiple_of(every))) * (1 + j + k) as f64;
            (0..23).map(share).collect()
        };
        for every in [1, 7] {
            let mixtures: Vec<Vec<f64>> = (0..9).map(|k| mixture(k, every)).collect();
            let matrix = features(&mixtures);
            let points = Points::of_mixtures(&mixtures, 23);
            assert_eq!((points.len(), points.features()), (9, 47));
            assert_eq!(points.columns.is_empty(), every == 1);
            let a: Vec<f64> = (0..47).map(|j| f64::from(j).sin()).collect();
            let b: Vec<f64> = (0..47).map(|j| f64::from(j).cos()).collect();
            for k in 0..9 {
                let product =
                    |v: &[f64]| matrix.row(k).iter().zip(v).map(|(x, v)| x * v).sum::<f64>();
                let (of_a, of_b) = points.point(k).dots(&a, &b);
                assert!((of_a - product(&a)).abs() < 1e-11 && (of_b - product(&b)).abs() < 1e-11);
                for (j, x) in points.point(k).entries() {
                    assert_eq!(x, matrix.get(k, j));
                }
            }
        }
    }
}
