//! Rounding shares so that what is written sums to the whole.

/// Billionths of a whole: the unit of written weights.
pub(super) const UNITS: u64 = 1_000_000_000;

/// `total` units shared out by largest remainders (Hamilton's method). A share above 0 keeps at least one unit
/// where there are as many units as shares. Shares sum to 1; `O(n log n)`.
pub(super) fn apportion(shares: &[f64], total: u64) -> Vec<u64> {
    let exact: Vec<f64> = shares.iter().map(|share| share * total as f64).collect();
    let mut order: Vec<usize> = (0..shares.len()).filter(|&i| shares[i] > 0.0).collect();
    let least = if order.len() as u64 <= total {
        1.0
    } else {
        0.0
    };
    let floor = |(share, x): (&f64, &f64)| {
        if *share > 0.0 {
            x.floor().max(least) as u64
        } else {
            0
        }
    };
    let mut units: Vec<u64> = shares.iter().zip(&exact).map(floor).collect();
    let sum: u64 = units.iter().sum();
    // Who is furthest below what is due comes first, and the larger share among equals.
    let due = |units: &[u64], i: usize| exact[i] - units[i] as f64;
    order.sort_by(|&a, &b| {
        let by_remainder = due(&units, b).total_cmp(&due(&units, a));
        by_remainder.then(shares[b].total_cmp(&shares[a]))
    });
    if order.is_empty() {
        return units;
    }
    if sum <= total {
        for step in 0..(total - sum) as usize {
            units[order[step % order.len()]] += 1;
        }
        return units;
    }
    // Many shares below a unit were raised to one: the largest pay, each down to one.
    let mut owed = sum - total;
    order.sort_by(|&a, &b| units[b].cmp(&units[a]));
    for i in order {
        let paid = owed.min(units[i].saturating_sub(1));
        units[i] -= paid;
        owed -= paid;
    }
    units
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_sums_to_the_whole_and_nothing_vanishes(
            raw in prop::collection::vec(prop_oneof![Just(0.0), 1e-12..1.0], 1..200),
            total in prop_oneof![200_u64..5_000, Just(UNITS)],
        ) {
            let sum: f64 = raw.iter().sum();
            prop_assume!(sum > 0.0);
            let shares: Vec<f64> = raw.iter().map(|x| x / sum).collect();
            let units = apportion(&shares, total);
            prop_assert_eq!(units.iter().sum::<u64>(), total);
            for (units, share) in units.iter().zip(&shares) {
                prop_assert_eq!(*units == 0, *share == 0.0);
                let error = (*units as f64 - share * total as f64).abs();
                prop_assert!(error < 201.0, "{} {}", units, share);
            }
        }
    }

    #[test]
    fn fewer_units_than_shares_go_to_the_largest() {
        assert_eq!(apportion(&[0.6, 0.3, 0.1], 2), [1, 1, 0]);
    }
}
