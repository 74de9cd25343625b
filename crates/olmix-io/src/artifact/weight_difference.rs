//! How far apart two mixtures are, and by which domains.

/// A domain in either of two mixtures; a mixture that lacks it gives it the weight 0.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightChange {
    /// The domain.
    pub name: String,
    /// Its weight in the first mixture.
    pub before: f64,
    /// Its weight in the second mixture.
    pub after: f64,
}

impl WeightChange {
    /// The second weight minus the first.
    #[must_use]
    pub fn change(&self) -> f64 {
        self.after - self.before
    }
}

/// The difference of two mixtures.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightDifference {
    /// Every domain of either mixture, the largest change first; equal changes in the order of the mixtures.
    pub changes: Vec<WeightChange>,
    /// Half the sum of the absolute changes, from 0 to 1.
    pub total_variation: f64,
    /// `KL(after ‖ before)` in nats; infinite where `before` lacks a domain of `after`.
    pub kl_after_from_before: f64,
    /// `KL(before ‖ after)` in nats; infinite where `after` lacks a domain of `before`.
    pub kl_before_from_after: f64,
}

impl WeightDifference {
    /// Compares two mixtures, each with weights that sum to 1.
    ///
    /// ```
    /// use olmix_io::WeightDifference;
    ///
    /// let before = [("web".to_owned(), 0.5), ("code".to_owned(), 0.5)];
    /// let after = [("web".to_owned(), 0.75), ("code".to_owned(), 0.25)];
    /// let difference = WeightDifference::new(&before, &after);
    /// assert_eq!(difference.total_variation, 0.25);
    /// assert_eq!(difference.changes[0].change(), 0.25);
    /// ```
    #[must_use]
    pub fn new(before: &[(String, f64)], after: &[(String, f64)]) -> Self {
        let weight = |mixture: &[(String, f64)], name: &str| {
            let found = mixture.iter().find(|(other, _)| other == name);
            found.map(|(_, weight)| *weight)
        };
        let mut changes: Vec<WeightChange> = before
            .iter()
            .map(|(name, before)| WeightChange {
                name: name.clone(),
                before: *before,
                after: weight(after, name).unwrap_or(0.0),
            })
            .collect();
        let added = after
            .iter()
            .filter(|(name, _)| weight(before, name).is_none());
        changes.extend(added.map(|(name, after)| WeightChange {
            name: name.clone(),
            before: 0.0,
            after: *after,
        }));
        let distance: f64 = changes.iter().map(|one| one.change().abs()).sum();
        let total_variation = 0.5 * distance;
        let kl_after_from_before = divergence(&changes, |one| (one.after, one.before));
        let kl_before_from_after = divergence(&changes, |one| (one.before, one.after));
        changes.sort_by(|x, y| y.change().abs().total_cmp(&x.change().abs()));
        Self {
            changes,
            total_variation,
            kl_after_from_before,
            kl_before_from_after,
        }
    }

    /// How many domains change by more than a millionth of the data, which rounding alone may move.
    #[must_use]
    pub fn changed(&self) -> usize {
        let moved = |one: &&WeightChange| one.change().abs() > 1e-6;
        self.changes.iter().filter(moved).count()
    }
}

/// `Σ p log(p / q)`; infinite where `q` lacks what `p` has.
fn divergence(changes: &[WeightChange], pair: impl Fn(&WeightChange) -> (f64, f64)) -> f64 {
    let pairs = changes.iter().map(pair).filter(|(p, _)| *p > 0.0);
    let sum: f64 = pairs.map(|(p, q)| p * (p / q).ln()).sum();
    sum.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixture(weights: &[(&str, f64)]) -> Vec<(String, f64)> {
        let owned = |&(name, weight): &(&str, f64)| (name.to_owned(), weight);
        weights.iter().map(owned).collect()
    }

    #[test]
    fn a_difference_covers_the_domains_of_both_mixtures_the_largest_change_first() {
        let before = mixture(&[("x", 0.5), ("y", 0.5)]);
        let after = mixture(&[("x", 0.75), ("z", 0.25)]);
        let found = WeightDifference::new(&before, &after);
        let names: Vec<&str> = found.changes.iter().map(|one| one.name.as_str()).collect();
        // `y` loses a half, `x` and `z` gain a quarter each: equal changes keep their order.
        assert_eq!(names, ["y", "x", "z"]);
        assert_eq!((found.total_variation, found.changed()), (0.5, 3));
        // Each mixture lacks a domain of the other.
        assert!(found.kl_after_from_before.is_infinite());
        assert!(found.kl_before_from_after.is_infinite());
    }

    #[test]
    fn equal_mixtures_have_no_difference_and_rounding_is_no_change() {
        let before = mixture(&[("x", 0.5), ("y", 0.5)]);
        let after = mixture(&[("x", 0.5 + 1e-7), ("y", 0.5 - 1e-7)]);
        let same = WeightDifference::new(&before, &before);
        assert_eq!(
            (same.total_variation, same.kl_after_from_before),
            (0.0, 0.0)
        );
        assert_eq!(WeightDifference::new(&before, &after).changed(), 0);
    }
}
