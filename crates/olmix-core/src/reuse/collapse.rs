//! Virtual domains: several domains in fixed ratios, as one (Olmix, section 4.1).
//!
//! A virtual domain is an ordinary domain with an expansion, so that generating, fitting and solving treat it
//! as any other. [`Collapse`] translates caps, bounds, priors and laws between the two views.

use crate::law::{Basis, FittedLaw, LogLinear, Saturating};
use crate::{CoreError, Domain, DomainSet, SUM_TOLERANCE};

use super::VirtualDomain;

/// Which distance to the prior the KL term of a collapsed problem means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VirtualKl {
    /// Of the expanded mixture to the full prior: a virtual domain whose ratios are far from the prior's adds
    /// to the objective, in proportion to its weight.
    #[default]
    Expanded,
    /// Of the collapsed mixture to the collapsed prior.
    Collapsed,
}

/// A full set of `m` domains, and the same set with some domains collapsed into virtual ones, which come
/// first.
///
/// # Example
/// Two domains keep their ratio of 1 : 3 while a third is added; the problem over two collapsed domains is
/// solved, and its solution expanded.
/// ```
/// use olmix_core::law::{FittedLaw, LogLinear};
/// use olmix_core::optimize::{ExactProblem, solve_exact};
/// use olmix_core::reuse::{Collapse, VirtualDomain, VirtualKl};
/// use olmix_core::{Constraints, DomainSet};
///
/// let domains = DomainSet::from_names(["books", "web", "code"])?;
/// let existing = VirtualDomain {
///     name: "existing".into(),
///     members: vec![("books".into(), 0.25), ("web".into(), 0.75)],
/// };
/// let collapse = Collapse::new(&domains, &[existing])?;
/// // One law over all domains, and the same law over `existing` and `code`.
/// let law = FittedLaw::from(LogLinear { log_c: -1.0, t: vec![-1.0, -0.5, -2.0] });
/// let laws: Vec<FittedLaw> = collapse.law(&law).into_iter().collect();
/// let prior = [0.2, 0.6, 0.2];
/// let solution = solve_exact(&ExactProblem {
///     domains: collapse.collapsed(),
///     laws: &laws,
///     task_weights: &[1.0],
///     reference: &collapse.reference(&prior, VirtualKl::Expanded),
///     kl_reg: 0.05,
///     linear: None,
///     terms: None,
///     constraints: &collapse.constraints(&Constraints::none(3))?,
/// })?;
/// let mixture = collapse.expand(&solution.weights);
/// assert!((mixture[1] / mixture[0] - 3.0).abs() < 1e-9, "the ratio is kept");
/// assert!(mixture[2] > 0.2, "code lowers the loss most, and gets more than its prior");
/// # Ok::<(), olmix_core::CoreError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Collapse {
    full: DomainSet,
    collapsed: DomainSet,
    /// By collapsed domain: its domains and their shares in it.
    parts: Vec<Vec<(usize, f64)>>,
    virtuals: usize,
}

impl Collapse {
    /// Collapses the domains of each virtual domain into it. Tokens of a virtual domain are those at which
    /// its scarcest member is used up: `min N_j / p̃_j`, where all are known.
    ///
    /// # Errors
    /// [`CoreError::MissingDomain`] for a member that is not in the set; [`CoreError::DuplicateDomain`] for
    /// one that is in two virtual domains, and for names that occur twice; [`CoreError::BadWeight`] and
    /// [`CoreError::BadSum`] for shares that are none.
    pub fn new(full: &DomainSet, virtuals: &[VirtualDomain]) -> Result<Self, CoreError> {
        let mut parts: Vec<Vec<(usize, f64)>> = Vec::new();
        let mut taken = vec![false; full.len()];
        for one in virtuals {
            let sum: f64 = one.members.iter().map(|(_, share)| share).sum();
            let mut members = Vec::with_capacity(one.members.len());
            for (name, share) in &one.members {
                let j = full.position(name);
                let j = j.ok_or_else(|| CoreError::MissingDomain(name.clone()))?;
                if std::mem::replace(&mut taken[j], true) {
                    return Err(CoreError::DuplicateDomain(name.clone()));
                }
                if !(*share >= 0.0 && share.is_finite()) {
                    return Err(CoreError::BadWeight {
                        domain: name.clone(),
                        weight: *share,
                    });
                }
                members.push((j, share / sum));
            }
            if (sum - 1.0).abs() > SUM_TOLERANCE || sum.is_nan() {
                return Err(CoreError::BadSum(sum));
            }
            parts.push(members);
        }
        let tokens = |members: &[(usize, f64)]| {
            let until_used_up = |&(j, share): &(usize, f64)| {
                let tokens = full.iter().nth(j).and_then(|domain| domain.tokens)?;
                Some((tokens as f64 / share).floor() as u64)
            };
            let used = members.iter().filter(|(_, share)| *share > 0.0);
            used.map(until_used_up)
                .collect::<Option<Vec<u64>>>()
                .and_then(|all| all.into_iter().min())
        };
        let mut domains: Vec<Domain> = virtuals
            .iter()
            .zip(&parts)
            .map(|(one, members)| Domain {
                name: one.name.clone(),
                tokens: tokens(members),
            })
            .collect();
        for (j, domain) in full.iter().enumerate().filter(|(j, _)| !taken[*j]) {
            domains.push(domain.clone());
            parts.push(vec![(j, 1.0)]);
        }
        Ok(Self {
            full: full.clone(),
            collapsed: DomainSet::new(domains)?,
            parts,
            virtuals: virtuals.len(),
        })
    }

    /// The full set of `m` domains.
    #[must_use]
    pub fn full(&self) -> &DomainSet {
        &self.full
    }

    /// The virtual domains, then the free ones in the order of the full set.
    #[must_use]
    pub fn collapsed(&self) -> &DomainSet {
        &self.collapsed
    }

    /// Number of virtual domains; they come first among the collapsed.
    #[must_use]
    pub fn virtuals(&self) -> usize {
        self.virtuals
    }

    /// The domains of collapsed domain `v`, by position in the full set, and the share of each in it.
    #[must_use]
    pub fn members(&self, v: usize) -> &[(usize, f64)] {
        &self.parts[v]
    }

    /// `q`: weights over all domains (length `m`) of weights over the collapsed ones.
    #[must_use]
    pub fn expand(&self, r: &[f64]) -> Vec<f64> {
        let mut q = vec![0.0; self.full.len()];
        for (weight, members) in r.iter().zip(&self.parts) {
            for &(j, share) in members {
                q[j] = weight * share;
            }
        }
        q
    }

    /// Summed weights over the collapsed domains of any per-domain sizes (length `m`), such as a prior.
    #[must_use]
    pub fn collapse(&self, q: &[f64]) -> Vec<f64> {
        let sum = |members: &Vec<(usize, f64)>| members.iter().map(|&(j, _)| q[j]).sum();
        self.parts.iter().map(sum).collect()
    }

    /// `Σ_j |q_j − r_v p̃_j|` over the members of virtual domains, halved: how far a mixture is from the
    /// frozen ratios.
    #[must_use]
    pub fn distance(&self, q: &[f64]) -> f64 {
        let expanded = self.expand(&self.collapse(q));
        0.5 * q
            .iter()
            .zip(&expanded)
            .map(|(a, b)| (a - b).abs())
            .sum::<f64>()
    }

    /// `q` of the collapsed problem's KL term, for the full problem's (length `m`, positive).
    ///
    /// `KL(expanded ‖ p0) = Σ_v r_v log(r_v / q_v)` with `q_v = exp(−Σ_j p̃_j log(p̃_j / p0_j))`: that of the
    /// collapsed prior, and `r_v KL(p̃ ‖ p̃0)` for the ratios (Olmix, appendix). It sums to less than 1 then.
    #[must_use]
    pub fn reference(&self, prior: &[f64], kl: VirtualKl) -> Vec<f64> {
        match kl {
            VirtualKl::Collapsed => self.collapse(prior),
            VirtualKl::Expanded => {
                let of = |members: &Vec<(usize, f64)>| {
                    let used = members.iter().filter(|(_, share)| *share > 0.0);
                    let inner: f64 = used
                        .map(|&(j, share)| share * (share / prior[j]).ln())
                        .sum();
                    (-inner).exp()
                };
                self.parts.iter().map(of).collect()
            }
        }
    }

    /// The law of the collapsed mixture that predicts what `law` (over all domains) does of the expanded one.
    /// `None` for laws that have no such form: only log-linear ones, and saturating ones in powers, do.
    #[must_use]
    pub fn law(&self, law: &FittedLaw) -> Option<FittedLaw> {
        let sum = |of: &dyn Fn(usize, f64) -> f64| -> Vec<f64> {
            let sum = |members: &Vec<(usize, f64)>| members.iter().map(|&(j, s)| of(j, s)).sum();
            self.parts.iter().map(sum).collect()
        };
        match law {
            FittedLaw::LogLinear(law) => Some(
                LogLinear {
                    t: sum(&|j, share| share * law.t[j]),
                    ..law.clone()
                }
                .into(),
            ),
            FittedLaw::Saturating(law) => {
                let rows = law.bases.iter().zip(&law.v);
                let v: Option<Vec<Vec<f64>>> = rows
                    .map(|(basis, v)| match basis {
                        Basis::Power(power) => Some(sum(&|j, share| share.powf(*power) * v[j])),
                        Basis::Log(_) => None,
                    })
                    .collect();
                Some(
                    Saturating {
                        v: v?,
                        ..law.clone()
                    }
                    .into(),
                )
            }
            FittedLaw::Calibrated(calibrated) => {
                let law = self.law(&calibrated.law)?;
                Some(law.calibrated(calibrated.scale, calibrated.shift))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> DomainSet {
        let domain = |(name, tokens): (&str, u64)| Domain {
            name: name.into(),
            tokens: Some(tokens),
        };
        let domains = [("a", 100), ("b", 10), ("c", 400), ("new", 50)];
        DomainSet::new(domains.map(domain).into()).unwrap()
    }

    fn old() -> VirtualDomain {
        let members = [("a", 0.25), ("b", 0.25), ("c", 0.5)];
        VirtualDomain {
            name: "existing".into(),
            members: members.map(|(name, share)| (name.to_owned(), share)).into(),
        }
    }

    #[test]
    fn expand_gives_the_mixture_of_the_papers_example_to_the_digit() {
        let collapse = Collapse::new(&set(), &[old()]).unwrap();
        assert_eq!(collapse.expand(&[0.4, 0.6]), [0.1, 0.1, 0.2, 0.6]);
        assert_eq!(
            collapse.collapsed().names().collect::<Vec<_>>(),
            ["existing", "new"]
        );
        // b is the scarcest: 10 / 0.25.
        assert_eq!(collapse.collapsed().tokens(), Some(vec![40, 50]));
    }

    #[test]
    fn collapse_refuses_shares_that_do_not_sum_to_one_and_domains_in_two_virtual_domains() {
        let mut bad = old();
        bad.members[0].1 = 0.5;
        let refused = |virtuals: &[VirtualDomain]| Collapse::new(&set(), virtuals).unwrap_err();
        assert!(matches!(refused(&[bad]), CoreError::BadSum(_)));
        let mut twice = old();
        twice.name = "again".into();
        assert!(matches!(
            refused(&[old(), twice]),
            CoreError::DuplicateDomain(name) if name == "a"
        ));
        let mut unknown = old();
        unknown.members[0].0 = "x".into();
        assert!(matches!(refused(&[unknown]), CoreError::MissingDomain(_)));
        let mut same = old();
        same.name = "new".into();
        assert!(matches!(refused(&[same]), CoreError::DuplicateDomain(_)));
    }
}
