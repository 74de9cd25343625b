//! Which part of the simplex the runs cover, a domain at a time.

use serde_json::{Value, json};

/// Bins of a histogram over the weights from 0 to 1.
const BINS: usize = 20;

/// Of each domain: how many runs have it, its least, median and greatest weight, and a histogram of its weights in 20
/// bins from 0 to 1.
pub fn coverage(domains: &[String], mixtures: &[&[f64]]) -> Value {
    let of = |(j, name): (usize, &String)| {
        let mut weights: Vec<f64> = mixtures
            .iter()
            .filter_map(|mixture| mixture.get(j).copied())
            .collect();
        weights.sort_by(f64::total_cmp);
        let mut histogram = [0usize; BINS];
        for weight in &weights {
            let bin = (weight * BINS as f64).clamp(0.0, (BINS - 1) as f64) as usize;
            histogram[bin] += 1;
        }
        json!({
            "domain": name,
            "runs": weights.iter().filter(|weight| **weight > 0.0).count(),
            "min": weights.first(), "median": weights.get(weights.len() / 2), "max": weights.last(),
            "histogram": histogram,
        })
    };
    let entries: Vec<Value> = domains.iter().enumerate().map(of).collect();
    json!({"bins": BINS, "domains": entries})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_counts_the_runs_of_a_domain_and_where_their_weights_are() {
        let found = coverage(
            &["a".into(), "b".into()],
            &[&[0.0, 1.0], &[0.3, 0.7], &[0.26, 0.74]],
        );
        let a = &found["domains"][0];
        assert_eq!(
            (&a["runs"], &a["min"], &a["max"]),
            (&2.into(), &0.0.into(), &0.3.into())
        );
        assert_eq!(a["median"], 0.26);
        // 0.26 is in [0.25, 0.30), 0.3 in [0.30, 0.35).
        assert_eq!(
            (&a["histogram"][0], &a["histogram"][5], &a["histogram"][6]),
            (&1.into(), &1.into(), &1.into())
        );
        assert_eq!(
            found["domains"][1]["histogram"][19], 1,
            "1 is in the last bin"
        );
    }
}
