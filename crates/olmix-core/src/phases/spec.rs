//! What a fit is told of its phases.

use super::{PhaseBounds, Phases};
use crate::{Constraints, CoreError, DomainSet};

/// The phases of a fit. The swarm of the fit, its prior, its constraints and its mixture are over the domains of phases.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseSpec {
    /// The phases.
    pub phases: Phases,
    /// The `m` domains.
    pub domains: DomainSet,
    /// What a mixture that is the same in every phase must satisfy (over `m` domains).
    pub unchanging: Constraints,
}

impl PhaseSpec {
    /// The phases with the constraints on a mixture that is the same in all of them: those of the whole run and of every
    /// phase together.
    #[must_use]
    pub fn new(
        phases: Phases,
        domains: DomainSet,
        whole: &Constraints,
        within: &[PhaseBounds],
    ) -> Self {
        let mut unchanging = whole.clone();
        for bounds in within {
            let each = unchanging.lower.iter_mut().zip(&bounds.lower);
            each.for_each(|(lower, least)| *lower = lower.max(*least));
            let each = unchanging.upper.iter_mut().zip(&bounds.upper);
            each.for_each(|(upper, most)| *upper = upper.min(*most));
            unchanging.groups.extend(bounds.groups.iter().cloned());
        }
        Self {
            phases,
            domains,
            unchanging,
        }
    }

    /// Whether a fit's parts fit these phases.
    pub(crate) fn validate(&self, columns: usize) -> Result<(), CoreError> {
        let expected = self.phases.len() * self.domains.len();
        if columns != expected {
            return Err(CoreError::Shape {
                what: "domains of phases",
                expected,
                found: columns,
            });
        }
        Ok(())
    }
}
