//! From the numbers of cells to a table: means over seeds with their standard errors.

use super::Cell;

/// A row of a table: one setting, over all seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// What was varied.
    pub keys: Vec<String>,
    /// Seeds that gave at least one number.
    pub seeds: usize,
    /// Mean of each number over the seeds that gave it; NaN where none did.
    pub mean: Vec<f64>,
    /// Standard error of the mean; 0 with fewer than two seeds.
    pub standard_error: Vec<f64>,
}

/// One row per setting, in the order in which settings first occur.
#[must_use]
pub fn summarize(results: &[(Cell, Vec<f64>)]) -> Vec<Summary> {
    let mut groups: Vec<(&[String], Vec<&[f64]>)> = Vec::new();
    for (cell, values) in results {
        match groups.iter_mut().find(|(keys, _)| *keys == cell.keys) {
            Some((_, rows)) => rows.push(values),
            None => groups.push((&cell.keys, vec![values])),
        }
    }
    let summary = |(keys, rows): (&[String], Vec<&[f64]>)| {
        let width = rows.first().map_or(0, |row| row.len());
        let columns: Vec<Vec<f64>> = (0..width)
            .map(|i| {
                let column = rows.iter().filter_map(|row| row.get(i).copied());
                column.filter(|value| value.is_finite()).collect()
            })
            .collect();
        Summary {
            keys: keys.to_vec(),
            seeds: columns.iter().map(Vec::len).max().unwrap_or(0),
            mean: columns.iter().map(|column| mean(column)).collect(),
            standard_error: columns
                .iter()
                .map(|column| standard_error(column))
                .collect(),
        }
    };
    groups.into_iter().map(summary).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn standard_error(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    if count < 2.0 {
        return 0.0;
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (count * (count - 1.0))).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn study_summary_rows_are_means_over_seeds_with_a_number() {
        let cell = |key: &str, seed| Cell {
            keys: vec![key.to_owned()],
            seed,
        };
        let rows = summarize(&[
            (cell("b", 0), vec![1.0, f64::NAN]),
            (cell("a", 0), vec![5.0, f64::NAN]),
            (cell("b", 1), vec![3.0, 4.0]),
        ]);
        assert_eq!(rows[0].keys, ["b"]);
        assert_eq!(
            (rows[0].seeds, rows[0].mean[0], rows[0].mean[1]),
            (2, 2.0, 4.0)
        );
        // Values 1 and 3: variance 2, standard error √(2/2).
        assert!((rows[0].standard_error[0] - 1.0).abs() < 1e-15);
        assert_eq!(rows[1].keys, ["a"]);
        assert!(rows[1].mean[1].is_nan());
    }
}
