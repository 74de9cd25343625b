//! The mixture after a removal: the remaining domains keep their ratios, and no run is needed.

use crate::optimize::{Rule, by_rule};
use crate::reuse::VirtualDomain;
use crate::{Constraints, CoreError, DomainSet};

/// Weights and bounds are the same up to rounding.
const BOUND_TOLERANCE: f64 = 1e-9;
/// A domain without weight counts as having this much, so that a KL divergence to it is finite.
const LEAST_WEIGHT: f64 = 1e-12;

/// An old mixture over the domains that stay.
#[derive(Debug, Clone, PartialEq)]
pub struct RemainingMixture {
    /// Weights, of length `m`, summing to 1.
    pub weights: Vec<f64>,
    /// Positions of the domains that a cap or bound holds below their old ratio, where the renormalized mixture breaks
    /// one; `None` where it breaks none.
    pub held: Option<Vec<usize>>,
}

/// The mixture over `set` with the ratios of `kept`. Where it breaks a cap or bound, the nearest feasible mixture `q`, in
/// `KL(q ‖ renormalized)`.
///
/// # Errors
/// [`CoreError::Infeasible`] when no mixture satisfies the constraints.
pub fn remaining_mixture(
    set: &DomainSet,
    kept: &VirtualDomain,
    constraints: &Constraints,
) -> Result<RemainingMixture, CoreError> {
    let mut weights = vec![0.0; set.len()];
    for (name, share) in &kept.members {
        if let Some(j) = set.position(name) {
            weights[j] = *share;
        }
    }
    if constraints.violation(&weights) <= BOUND_TOLERANCE {
        return Ok(RemainingMixture {
            weights,
            held: None,
        });
    }
    let wanted: Vec<f64> = weights.iter().map(|w| w.max(LEAST_WEIGHT)).collect();
    let nearest = by_rule(set, &wanted, constraints, Rule::Natural)?.weights;
    let held = (0..set.len())
        .filter(|&j| nearest[j] < weights[j] - BOUND_TOLERANCE)
        .filter(|&j| nearest[j] > constraints.limit(j) - BOUND_TOLERANCE)
        .collect();
    Ok(RemainingMixture {
        weights: nearest,
        held: Some(held),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> (DomainSet, VirtualDomain) {
        let set = DomainSet::from_names(["a", "b", "c"]).unwrap();
        let members = [("a", 0.5), ("b", 0.3), ("c", 0.2)];
        let kept = VirtualDomain {
            name: "existing".into(),
            members: members.map(|(name, share)| (name.to_owned(), share)).into(),
        };
        (set, kept)
    }

    #[test]
    fn remaining_mixture_keeps_all_ratios_where_no_cap_binds() {
        let (set, kept) = kept();
        let found = remaining_mixture(&set, &kept, &Constraints::none(3)).unwrap();
        assert_eq!(found.weights, [0.5, 0.3, 0.2]);
        assert_eq!(found.held, None);
    }

    #[test]
    fn remaining_mixture_holds_a_domain_at_its_cap_and_shares_the_rest_in_old_ratios() {
        let (set, kept) = kept();
        let mut constraints = Constraints::none(3);
        constraints.caps = Some(vec![0.4, 1.0, 1.0]);
        let found = remaining_mixture(&set, &kept, &constraints).unwrap();
        assert!((found.weights[0] - 0.4).abs() < 1e-9, "{found:?}");
        assert!((found.weights[1] / found.weights[2] - 1.5).abs() < 1e-6);
        assert_eq!(found.held, Some(vec![0]));
    }

    #[test]
    fn remaining_mixture_is_infeasible_where_caps_leave_less_than_a_mixture() {
        let (set, kept) = kept();
        let mut constraints = Constraints::none(3);
        constraints.caps = Some(vec![0.2, 0.2, 0.2]);
        assert!(matches!(
            remaining_mixture(&set, &kept, &constraints),
            Err(CoreError::Infeasible(_))
        ));
    }
}
