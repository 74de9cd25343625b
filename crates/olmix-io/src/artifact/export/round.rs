//! Rounding shares so that what is written sums to one.

/// Parts of a whole.
pub(super) const UNITS: u64 = 1_000_000_000;

/// Shares as whole numbers of billionths that sum to a billion, by largest remainders (Hamilton's
/// method); a share above 0 keeps at least one. Shares sum to 1.
pub(super) fn billionths(shares: &[f64]) -> Vec<u64> {
    let exact: Vec<f64> = shares.iter().map(|share| share * UNITS as f64).collect();
    let least = |x: &f64| {
        if *x > 0.0 {
            x.floor().max(1.0) as u64
        } else {
            0
        }
    };
    let mut units: Vec<u64> = exact.iter().map(least).collect();
    let sum: u64 = units.iter().sum();
    let mut order: Vec<usize> = (0..units.len()).filter(|&i| shares[i] > 0.0).collect();
    // Who is furthest below what is due comes first, and the larger share among equals.
    let due = |units: &[u64], i: usize| exact[i] - units[i] as f64;
    order.sort_by(|&a, &b| {
        let by_remainder = due(&units, b).total_cmp(&due(&units, a));
        by_remainder.then(shares[b].total_cmp(&shares[a]))
    });
    if order.is_empty() {
        return units;
    }
    if sum <= UNITS {
        for step in 0..(UNITS - sum) as usize {
            units[order[step % order.len()]] += 1;
        }
    } else {
        // Many shares below a billionth were raised to one: the largest pays.
        let largest = order
            .iter()
            .copied()
            .max_by(|&a, &b| shares[a].total_cmp(&shares[b]));
        if let Some(largest) = largest {
            units[largest] -= sum - UNITS;
        }
    }
    units
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_sums_to_one_and_nothing_vanishes(
            raw in prop::collection::vec(prop_oneof![Just(0.0), 1e-12..1.0], 1..200)
        ) {
            let sum: f64 = raw.iter().sum();
            prop_assume!(sum > 0.0);
            let shares: Vec<f64> = raw.iter().map(|x| x / sum).collect();
            let units = billionths(&shares);
            prop_assert_eq!(units.iter().sum::<u64>(), UNITS);
            for (units, share) in units.iter().zip(&shares) {
                prop_assert_eq!(*units == 0, *share == 0.0);
                let error = (*units as f64 - share * UNITS as f64).abs();
                prop_assert!(error < 201.0, "{} {}", units, share);
            }
        }
    }
}
