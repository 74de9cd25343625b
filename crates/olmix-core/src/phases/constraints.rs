//! What the mixtures of all phases must satisfy: sums, bounds within a phase, bounds on a domain in all phases.

use super::{Phase, Phases};
use crate::{Constraints, CoreError, DomainSet, FixedSum, GroupBound};

/// Bounds on the mixture of one phase, as shares of that phase.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseBounds {
    /// Least weight per domain (length `m`), in `[0, 1]`.
    pub lower: Vec<f64>,
    /// Greatest weight per domain (length `m`), in `[0, 1]`.
    pub upper: Vec<f64>,
    /// Bounds on sums.
    pub groups: Vec<GroupBound>,
}

impl PhaseBounds {
    /// No bound on a mixture of `m` domains.
    #[must_use]
    pub fn none(m: usize) -> Self {
        Self {
            lower: vec![0.0; m],
            upper: vec![1.0; m],
            groups: Vec::new(),
        }
    }

    /// Whether a mixture (length `m`) is within the bounds on single domains and on sums, up to rounding.
    #[must_use]
    pub fn allow(&self, mixture: &[f64]) -> bool {
        const SLACK: f64 = 1e-9;
        let inside =
            |share: f64, lower: f64, upper: f64| (lower - SLACK..=upper + SLACK).contains(&share);
        let bounds = self.lower.iter().zip(&self.upper);
        let each = mixture
            .iter()
            .zip(bounds)
            .all(|(p, (lower, upper))| inside(*p, *lower, *upper));
        each && self.groups.iter().all(|group| {
            let sum = group.members.iter().map(|&j| mixture[j]).sum();
            inside(sum, group.lower, group.upper)
        })
    }
}

impl Phases {
    /// Constraints on `q` (length `S·m`). `whole` bounds each domain's share of all tokens, its caps and groups
    /// included; `within` bounds the mixture of each phase, one entry per phase, or none at all.
    ///
    /// # Errors
    /// [`CoreError::Shape`] for another number of phases or domains; [`CoreError::Infeasible`] when `whole` leaves no
    /// mixture, or the least shares of a domain in the phases are together above its cap.
    pub fn constraints(
        &self,
        domains: &DomainSet,
        whole: &Constraints,
        within: &[PhaseBounds],
    ) -> Result<Constraints, CoreError> {
        let m = domains.len();
        let shape = |what, expected, found| CoreError::Shape {
            what,
            expected,
            found,
        };
        if whole.domains() != m {
            return Err(shape("domains of the constraints", m, whole.domains()));
        }
        if !within.is_empty() && within.len() != self.len() {
            return Err(shape("bounds of phases", self.len(), within.len()));
        }
        whole.check(domains)?;
        let mut all = Constraints::none(self.len() * m);
        for (s, phase) in self.iter().enumerate() {
            all.sums.push(FixedSum {
                name: phase.name.clone(),
                members: (s * m..(s + 1) * m).collect(),
                total: phase.fraction,
            });
            if let Some(bounds) = within.get(s) {
                bound_phase(&mut all, phase, s * m, bounds)?;
            }
        }
        for (j, name) in domains.names().enumerate() {
            self.bound_domain(&mut all, whole, j, name)?;
        }
        for group in &whole.groups {
            let members = group.members.iter();
            all.groups.push(GroupBound {
                name: group.name.clone(),
                members: members.flat_map(|&j| self.columns(j, m)).collect(),
                ..group.clone()
            });
        }
        Ok(all)
    }

    /// The positions of domain `j` in `q`.
    fn columns(&self, j: usize, m: usize) -> impl Iterator<Item = usize> + use<> {
        (0..self.len()).map(move |s| s * m + j)
    }

    fn bound_domain(
        &self,
        all: &mut Constraints,
        whole: &Constraints,
        j: usize,
        name: &str,
    ) -> Result<(), CoreError> {
        let (lower, limit) = (whole.lower[j], whole.limit(j));
        if lower <= 0.0 && limit >= 1.0 {
            return Ok(());
        }
        let columns: Vec<usize> = self.columns(j, whole.domains()).collect();
        let floors: Vec<f64> = columns.iter().map(|&c| all.lower[c]).collect();
        let least: f64 = floors.iter().sum();
        if least > limit + 1e-12 {
            let parts = self.iter().zip(&floors);
            let parts: Vec<String> = parts
                .filter(|(_, floor)| **floor > 0.0)
                .map(|(phase, floor)| format!("{floor:.4} in `{}`", phase.name))
                .collect();
            let why = match &whole.caps {
                Some(caps) if caps[j] < whole.upper[j] => "its token cap",
                _ => "its upper bound",
            };
            return Err(CoreError::Infeasible(format!(
                "domain `{name}` must have at least {} of the run's tokens, {least:.4} in all, and {why} over all \
                 phases allows at most {limit:.4}",
                parts.join(" and ")
            )));
        }
        all.groups.push(GroupBound {
            name: format!("{name} in all phases"),
            members: columns,
            lower,
            upper: limit,
        });
        Ok(())
    }
}

fn bound_phase(
    all: &mut Constraints,
    phase: &Phase,
    first: usize,
    bounds: &PhaseBounds,
) -> Result<(), CoreError> {
    let m = bounds.lower.len();
    for j in 0..m {
        all.lower[first + j] = phase.fraction * bounds.lower[j];
        // No bound stays none: a bound of the whole phase would be told to bind.
        if bounds.upper[j] < 1.0 {
            all.upper[first + j] = phase.fraction * bounds.upper[j];
        }
    }
    for group in &bounds.groups {
        if group.lower > group.upper {
            return Err(CoreError::Infeasible(format!(
                "group `{}` must hold at least {} and at most {} of phase `{}`",
                group.name, group.lower, group.upper, phase.name
            )));
        }
        all.groups.push(GroupBound {
            name: format!("{} in {}", group.name, phase.name),
            members: group.members.iter().map(|j| first + j).collect(),
            lower: phase.fraction * group.lower,
            upper: if group.upper < 1.0 {
                phase.fraction * group.upper
            } else {
                1.0
            },
        });
    }
    Ok(())
}
