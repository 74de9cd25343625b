//! The oracle's laws over other domains than its own: a stage's domains, or its collapsed ones when ratios
//! are frozen.

use super::case_study::Stage;
use crate::CoreError;
use crate::law::{Curvature, FittedLaw, Law, LogLinear};
use crate::reuse::Collapse;
use crate::swarm::dot;

/// What each domain is in terms of the oracle's, without zeros.
pub(super) type Content = Vec<Vec<(usize, f64)>>;

/// What the collapsed domains of a stage are in terms of the oracle's.
pub(super) fn content(stage: &Stage, collapse: &Collapse) -> Content {
    let width = stage.width();
    let of_domain = |v: usize| {
        let mut sum = vec![0.0; width];
        for &(j, share) in collapse.members(v) {
            for (sum, part) in sum.iter_mut().zip(&stage.content[j]) {
                *sum += share * part;
            }
        }
        let parts = sum.into_iter().enumerate();
        parts.filter(|(_, share)| *share > 0.0).collect()
    };
    (0..collapse.collapsed().len()).map(of_domain).collect()
}

/// Coefficients over a stage's domains of the oracle's laws, as [`crate::reuse::coefficients`] gives them for
/// fitted ones.
pub(super) fn true_coefficients(
    laws: &[FittedLaw],
    stage: &Stage,
) -> Result<Vec<Vec<f64>>, CoreError> {
    let content = content(stage, &Collapse::new(stage.domains(), &[])?);
    let coefficients = |law| {
        let law = ReparametrizedLaw::new(law, &content, stage.width());
        if let Some(law) = law.log_linear() {
            return law.t.clone();
        }
        let mut hessian = Curvature::new(content.len());
        law.curvature(&stage.prior, 1.0, &mut hessian);
        let slope = hessian.slope(0);
        let mean = dot(slope, &stage.prior);
        slope.iter().map(|slope| slope - mean).collect()
    };
    Ok(laws.iter().map(coefficients).collect())
}

/// A law of the oracle as a function of mixtures of other domains: `f(Cᵀ p)` with the content `C` of each
/// domain.
pub(super) struct ReparametrizedLaw<'a> {
    law: &'a FittedLaw,
    content: &'a Content,
    /// Number of the oracle's domains.
    width: usize,
    /// The law as a log-linear one, where it is one.
    log_linear: Option<LogLinear>,
}

impl<'a> ReparametrizedLaw<'a> {
    /// A law over `width` domains, of mixtures of `content`.
    pub fn new(law: &'a FittedLaw, content: &'a Content, width: usize) -> Self {
        let log_linear = law.log_linear().map(|law| LogLinear {
            t: weighted_means(content, &law.t),
            log_c: law.log_c,
        });
        Self {
            law,
            content,
            width,
            log_linear,
        }
    }

    /// `Cᵀ p`: the mixture of the oracle's domains.
    fn to_oracle(&self, p: &[f64]) -> Vec<f64> {
        let mut mixture = vec![0.0; self.width];
        for (weight, parts) in p.iter().zip(self.content) {
            for &(j, share) in parts {
                mixture[j] += weight * share;
            }
        }
        mixture
    }
}

impl Law for ReparametrizedLaw<'_> {
    fn predict(&self, p: &[f64]) -> f64 {
        self.law.predict(&self.to_oracle(p))
    }

    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        let mut slope = vec![0.0; self.width];
        self.law.add_gradient(&self.to_oracle(p), scale, &mut slope);
        for (into, slope) in into.iter_mut().zip(weighted_means(self.content, &slope)) {
            *into += slope;
        }
    }

    /// Domains that share content make the Hessian's second part `C diag(d) Cᵀ`, which is not diagonal. The
    /// diagonal of its row sums is given in its place: it is nowhere less curved, and what an optimizer makes
    /// of it are shorter steps to the same minimum.
    fn curvature(&self, p: &[f64], scale: f64, into: &mut Curvature) {
        let mut hessian = Curvature::new(self.width);
        self.law.curvature(&self.to_oracle(p), scale, &mut hessian);
        for (i, &height) in hessian.heights().iter().enumerate() {
            let slope = weighted_means(self.content, hessian.slope(i));
            into.term(height).copy_from_slice(&slope);
        }
        let mut whole = vec![0.0; self.width];
        for &(j, share) in self.content.iter().flatten() {
            whole[j] += share;
        }
        let mut diagonal = hessian.diagonal;
        for (diagonal, whole) in diagonal.iter_mut().zip(whole) {
            *diagonal *= whole;
        }
        for (into, bend) in into
            .diagonal
            .iter_mut()
            .zip(weighted_means(self.content, &diagonal))
        {
            *into += bend;
        }
    }

    fn log_linear(&self) -> Option<&LogLinear> {
        self.log_linear.as_ref()
    }
}

/// `C values`: numbers of the oracle's domains (length `width`) as means over each domain's content.
fn weighted_means(content: &Content, values: &[f64]) -> Vec<f64> {
    let mean = |parts: &Vec<(usize, f64)>| parts.iter().map(|&(j, share)| share * values[j]).sum();
    content.iter().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::{Basis, Saturating};
    use crate::optimize::{ExactProblem, solve_exact};
    use crate::{Constraints, DomainSet};

    #[test]
    fn reparametrized_law_has_the_gradient_and_the_minimum_of_the_law_it_wraps() {
        let law: FittedLaw = Saturating {
            log_c: -0.5,
            level: 0.4,
            bases: vec![Basis::Power(0.6)],
            v: vec![vec![1.0, 2.0, 0.5]],
        }
        .into();
        let content: Content = vec![
            vec![(0, 1.0)],
            vec![(0, 0.2), (1, 0.8)],
            vec![(1, 0.5), (2, 0.5)],
        ];
        let over_others = ReparametrizedLaw::new(&law, &content, 3);
        let p = [0.2, 0.5, 0.3];
        assert!((over_others.predict(&p) - law.predict(&[0.3, 0.55, 0.15])).abs() < 1e-15);
        let mut slope = vec![0.0; 3];
        over_others.add_gradient(&p, 1.0, &mut slope);
        for j in 0..3 {
            let at = |h: f64| {
                let mut p = p;
                p[j] += h;
                over_others.predict(&p)
            };
            assert!(((at(1e-5) - at(-1e-5)) / 2e-5 - slope[j]).abs() < 1e-8);
        }
        let domains = DomainSet::from_names(["a", "b", "c"].map(str::to_owned)).unwrap();
        let problem = ExactProblem {
            domains: &domains,
            laws: &[over_others],
            task_weights: &[1.0],
            reference: &[0.3, 0.3, 0.4],
            kl_reg: 0.05,
            linear: None,
            terms: None,
            constraints: &Constraints::none(3),
        };
        let best = solve_exact(&problem).unwrap();
        for i in 0..=20 {
            for k in 0..=20 - i {
                let q = [i, k, 20 - i - k].map(|part| 0.05 * f64::from(part));
                assert!(problem.objective(&q) >= best.objective - 1e-9);
            }
        }
    }
}
