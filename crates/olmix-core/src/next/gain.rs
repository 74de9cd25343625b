//! What a measurement is worth for a choice: the expected fall of the least expected loss.

use statrs::function::erf::erfc;

/// `min_i a_i − E[min_i (a_i + b_i Z)]` for a standard normal `Z`: by how much the least of some expected losses `a` is
/// expected to fall when they move together by `b Z`. At least 0.
///
/// Exact, by the lower envelope of the lines (Frazier, Powell and Dayanik, The Knowledge-Gradient Policy for
/// Correlated Normal Beliefs, INFORMS J. Computing 2009, section 3). Costs a sort.
pub(super) fn expected_fall(a: &[f64], b: &[f64]) -> f64 {
    let mut lines: Vec<(f64, f64)> = a.iter().copied().zip(b.iter().copied()).collect();
    // By falling slope, then by level: at Z = −∞ the steepest line is the least.
    lines.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.total_cmp(&y.0)));
    lines.dedup_by(|later, first| later.1 == first.1);
    // Lines of the envelope, each with where it begins.
    let mut envelope: Vec<((f64, f64), f64)> = Vec::with_capacity(lines.len());
    for line in lines {
        let mut begins = f64::NEG_INFINITY;
        while let Some(&(last, since)) = envelope.last() {
            begins = (line.0 - last.0) / (last.1 - line.1);
            if begins > since {
                break;
            }
            envelope.pop();
            begins = f64::NEG_INFINITY;
        }
        envelope.push((line, begins));
    }
    let kinks = envelope.windows(2);
    kinks
        .map(|pair| (pair[0].0.1 - pair[1].0.1) * below(-pair[1].1.abs()))
        .sum()
}

/// `E[max(z + Z, 0)]` of a standard normal `Z`: `φ(z) + z Φ(z)`.
fn below(z: f64) -> f64 {
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let mass = 0.5 * erfc(-z / std::f64::consts::SQRT_2);
    (density + z * mass).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by the trapezoidal rule.
    fn integrated(a: &[f64], b: &[f64]) -> f64 {
        let least = |z: f64| {
            let lines = a.iter().zip(b).map(|(a, b)| a + b * z);
            lines.fold(f64::INFINITY, f64::min)
        };
        let (steps, width) = (400_000, 1e-4 * 0.5);
        let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let mean: f64 = (-steps / 2..=steps / 2)
            .map(|k| f64::from(k) * width)
            .map(|z| least(z) * density(z) * width)
            .sum();
        a.iter().copied().fold(f64::INFINITY, f64::min) - mean
    }

    #[test]
    fn expected_fall_is_that_of_numerical_integration() {
        for (a, b) in [
            (vec![1.0, 1.2, 0.9, 2.0], vec![0.3, -0.1, 0.05, 1.4]),
            (vec![0.0, 0.0], vec![1.0, -1.0]),
            (vec![0.5, 0.5, 0.7], vec![0.2, 0.2, 0.2]),
            (vec![1.0], vec![3.0]),
            (vec![0.0, 1e-3, 2e-3, 0.1], vec![0.01, 0.02, -0.03, 0.0]),
        ] {
            let (exact, numeric) = (expected_fall(&a, &b), integrated(&a, &b));
            assert!(
                (exact - numeric).abs() < 1e-7,
                "{a:?} {b:?}: {exact} {numeric}"
            );
        }
    }
}
