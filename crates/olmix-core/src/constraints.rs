//! What a mixture must satisfy besides being on the simplex: caps from token counts, bounds on
//! single domains and bounds on groups of domains.

use serde::{Deserialize, Serialize};

use crate::{CoreError, DomainSet};

/// A bound on the summed weight of several domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupBound {
    /// What the user called the group, such as `stack-edu:*`.
    pub name: String,
    /// Positions of its domains.
    pub members: Vec<usize>,
    /// Least summed weight, in `[0, 1]`.
    pub lower: f64,
    /// Greatest summed weight, in `[0, 1]`.
    pub upper: f64,
}

/// Domains whose weights sum to a given share: those of one phase, where the weights are of phases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FixedSum {
    /// What messages call it: the phase.
    pub name: String,
    /// Positions of its domains.
    pub members: Vec<usize>,
    /// What their weights sum to, in `(0, 1]`.
    pub total: f64,
}

/// Linear constraints on a mixture over `m` domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Constraints {
    /// `k N_j / R` per domain, where repetition is limited: the weight at which a run of `R`
    /// tokens has seen domain `j` `k` times.
    pub caps: Option<Vec<f64>>,
    /// Least weight per domain, in `[0, 1]`.
    pub lower: Vec<f64>,
    /// Greatest weight per domain, in `[0, 1]`, apart from the caps.
    pub upper: Vec<f64>,
    /// Bounds on sums.
    pub groups: Vec<GroupBound>,
    /// Sums that are given: every domain is in exactly one, and the totals sum to 1. Empty where the weights of all
    /// domains need only sum to 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sums: Vec<FixedSum>,
}

/// A constraint that holds with equality at a mixture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// The repetition cap of a domain (by position).
    Cap(usize),
    /// The upper bound of a domain.
    Upper(usize),
    /// The lower bound of a domain, when it is above zero.
    Lower(usize),
    /// A domain that no run sampled is held at its share (by position).
    Held(usize),
    /// The upper bound of a group (by position in [`Constraints::groups`]).
    GroupUpper(usize),
    /// The lower bound of a group.
    GroupLower(usize),
}

impl Constraints {
    /// The simplex alone.
    #[must_use]
    pub fn none(domains: usize) -> Self {
        Self {
            caps: None,
            lower: vec![0.0; domains],
            upper: vec![1.0; domains],
            groups: Vec::new(),
            sums: Vec::new(),
        }
    }

    /// The sums that hold, `(members, total)`: those given, or the one of all domains.
    #[must_use]
    pub fn fixed_sums(&self) -> Vec<(Vec<usize>, f64)> {
        if self.sums.is_empty() {
            return vec![((0..self.domains()).collect(), 1.0)];
        }
        let sums = self.sums.iter();
        sums.map(|sum| (sum.members.clone(), sum.total)).collect()
    }

    /// Limits repetition: no domain is seen more than `repetition_factor` (`k`) times in a run of
    /// `target_tokens` (`R`). Replaces earlier caps.
    ///
    /// # Errors
    /// [`CoreError::Infeasible`] when `R` or `k` is not positive; [`CoreError::Unsupported`] when
    /// a domain's tokens are not known.
    pub fn with_repetition(
        mut self,
        domains: &DomainSet,
        target_tokens: f64,
        repetition_factor: f64,
    ) -> Result<Self, CoreError> {
        if !(target_tokens > 0.0 && target_tokens.is_finite()) {
            return Err(CoreError::Infeasible(format!(
                "target tokens are {target_tokens}; a run needs a positive number of tokens"
            )));
        }
        if !(repetition_factor > 0.0 && repetition_factor.is_finite()) {
            return Err(CoreError::Infeasible(format!(
                "the repetition factor is {repetition_factor}; it must be positive"
            )));
        }
        let tokens = domains.tokens().ok_or_else(|| {
            CoreError::Unsupported(
                "repetition can only be limited when every domain has a token count".into(),
            )
        })?;
        let cap = |&n: &u64| repetition_factor * n as f64 / target_tokens;
        self.caps = Some(tokens.iter().map(cap).collect());
        Ok(self)
    }

    /// Number of domains.
    #[must_use]
    pub fn domains(&self) -> usize {
        self.lower.len()
    }

    /// The least of cap, upper bound and 1 for domain `j`.
    #[must_use]
    pub fn limit(&self, j: usize) -> f64 {
        let cap = self.caps.as_ref().map_or(1.0, |caps| caps[j]);
        cap.min(self.upper[j]).min(1.0)
    }

    /// By how much a vector of weights breaks the worst constraint; 0 when it satisfies all.
    #[must_use]
    pub fn violation(&self, weights: &[f64]) -> f64 {
        let mut worst = 0.0f64;
        for (members, total) in self.fixed_sums() {
            let sum: f64 = members.iter().map(|&j| weights[j]).sum();
            worst = worst.max((sum - total).abs());
        }
        for (j, &p) in weights.iter().enumerate() {
            worst = worst.max(self.lower[j] - p).max(p - self.limit(j));
        }
        for group in &self.groups {
            let sum: f64 = group.members.iter().map(|&j| weights[j]).sum();
            worst = worst.max(group.lower - sum).max(sum - group.upper);
        }
        worst.max(0.0)
    }

    /// The constraints that hold with equality to within `tolerance`.
    ///
    /// Lower bounds of zero are not listed: they say only that a domain is not used.
    #[must_use]
    pub fn binding(&self, weights: &[f64], tolerance: f64) -> Vec<Binding> {
        let mut binding = Vec::new();
        for (j, &p) in weights.iter().enumerate() {
            let cap = self.caps.as_ref().map_or(f64::INFINITY, |caps| caps[j]);
            if cap < 1.0 && cap <= self.upper[j] && p >= cap - tolerance {
                binding.push(Binding::Cap(j));
            } else if self.upper[j] < 1.0 && p >= self.upper[j] - tolerance {
                binding.push(Binding::Upper(j));
            }
            if self.lower[j] > 0.0 && p <= self.lower[j] + tolerance {
                binding.push(Binding::Lower(j));
            }
        }
        for (g, group) in self.groups.iter().enumerate() {
            let sum: f64 = group.members.iter().map(|&j| weights[j]).sum();
            if group.upper < 1.0 && sum >= group.upper - tolerance {
                binding.push(Binding::GroupUpper(g));
            }
            if group.lower > 0.0 && sum <= group.lower + tolerance {
                binding.push(Binding::GroupLower(g));
            }
        }
        binding
    }

    /// Explains, with numbers, why no mixture satisfies these constraints, when that can be seen
    /// from sums. Groups that overlap can still contradict each other in ways that only a solve
    /// shows.
    ///
    /// # Errors
    /// [`CoreError::Infeasible`] with the explanation.
    pub fn check(&self, domains: &DomainSet) -> Result<(), CoreError> {
        let fail = |message: String| Err(CoreError::Infeasible(message));
        for (j, name) in domains.names().enumerate() {
            let (lower, limit) = (self.lower[j], self.limit(j));
            if lower > limit {
                let source = match &self.caps {
                    Some(caps) if caps[j] < self.upper[j] => "its token cap",
                    _ => "its upper bound",
                };
                return fail(format!(
                    "domain `{name}` must have at least {lower:.4} of the mixture but {source} \
                     allows at most {limit:.4}"
                ));
            }
        }
        let lower: f64 = self.lower.iter().sum();
        if lower > 1.0 + 1e-12 {
            return fail(format!(
                "the lower bounds of the domains sum to {lower:.4}, more than the whole mixture"
            ));
        }
        let limit: f64 = (0..self.domains()).map(|j| self.limit(j)).sum();
        if limit < 1.0 - 1e-12 {
            return fail(self.explain_caps(limit));
        }
        for sum in &self.sums {
            let of = |bound: &dyn Fn(usize) -> f64| -> f64 {
                sum.members.iter().map(|&j| bound(j)).sum()
            };
            let (least, most) = (of(&|j| self.lower[j]), of(&|j| self.limit(j)));
            let (name, total) = (&sum.name, sum.total);
            if least > total + 1e-12 {
                return fail(format!(
                    "phase `{name}` is {total} of the run, but the lower bounds of its domains sum to {least:.4} of \
                     the run"
                ));
            }
            if most < total - 1e-12 {
                return fail(format!(
                    "phase `{name}` is {total} of the run, but the upper bounds of its domains allow only {most:.4} \
                     of the run"
                ));
            }
        }
        for group in &self.groups {
            let sum_of = |bound: &dyn Fn(usize) -> f64| -> f64 {
                group.members.iter().map(|&j| bound(j)).sum()
            };
            let (least, most) = (sum_of(&|j| self.lower[j]), sum_of(&|j| self.limit(j)));
            let name = &group.name;
            if group.lower > group.upper {
                return fail(format!(
                    "group `{name}` must hold at least {} and at most {} of the mixture",
                    group.lower, group.upper
                ));
            }
            if least > group.upper + 1e-12 {
                return fail(format!(
                    "group `{name}` may hold at most {} of the mixture, but the lower bounds of \
                     its domains sum to {least:.4}",
                    group.upper
                ));
            }
            if most < group.lower - 1e-12 {
                return fail(format!(
                    "group `{name}` must hold at least {} of the mixture, but the caps and upper \
                     bounds of its domains allow only {most:.4}",
                    group.lower
                ));
            }
            let elsewhere: f64 = (0..self.domains())
                .filter(|j| !group.members.contains(j))
                .map(|j| self.limit(j))
                .sum();
            if group.upper + elsewhere < 1.0 - 1e-12 {
                return fail(format!(
                    "group `{name}` may hold at most {} of the mixture and the domains outside it \
                     at most {:.4} by their caps and bounds: together {:.4}, less than 1",
                    group.upper,
                    elsewhere.max(0.0),
                    group.upper + elsewhere
                ));
            }
        }
        Ok(())
    }

    fn explain_caps(&self, limit: f64) -> String {
        let bounded = self.upper.iter().any(|&upper| upper < 1.0);
        match &self.caps {
            Some(caps) if !bounded => {
                let total: f64 = caps.iter().sum();
                format!(
                    "the data is too small for the run: repeated as often as allowed, all domains \
                     together fill {0} of the target tokens (k ΣN / R = {0} < 1); raise the \
                     repetition factor to at least {1} times its value, or train on at most {2} % of \
                     the target tokens",
                    below(total),
                    above(1.0 / total),
                    below(100.0 * total)
                )
            }
            _ => format!(
                "the caps and upper bounds of the domains sum to {limit:.4}, less than the whole \
                 mixture; raise some of them"
            ),
        }
    }
}

/// Four significant digits, rounded down, so that a number below a limit never reads as the limit.
fn below(value: f64) -> String {
    rounded(value, f64::floor)
}

/// Four significant digits, rounded up.
fn above(value: f64) -> String {
    rounded(value, f64::ceil)
}

fn rounded(value: f64, round: fn(f64) -> f64) -> String {
    if !(value > 0.0 && value.is_finite()) {
        return format!("{value}");
    }
    let digits = 3 - value.log10().floor() as i32;
    if !(-6..=12).contains(&digits) {
        return format!("{value:.3e}");
    }
    let scale = 10f64.powi(digits);
    format!("{}", round(value * scale) / scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Domain;

    fn domains(tokens: &[u64]) -> DomainSet {
        let domain = |(j, &tokens): (usize, &u64)| Domain {
            name: format!("d{j}"),
            tokens: Some(tokens),
        };
        DomainSet::new(tokens.iter().enumerate().map(domain).collect()).unwrap()
    }

    #[test]
    fn infeasible_token_caps_are_explained_by_their_sum() {
        let domains = domains(&[100, 50]);
        let constraints = Constraints::none(2)
            .with_repetition(&domains, 1000.0, 4.0)
            .unwrap();
        let message = constraints.check(&domains).unwrap_err().to_string();
        assert!(message.contains("k ΣN / R = 0.6 < 1"), "{message}");
    }

    #[test]
    fn infeasible_bounds_name_the_domain_or_group() {
        let domains = domains(&[100, 50]);
        let mut constraints = Constraints::none(2)
            .with_repetition(&domains, 300.0, 1.0)
            .unwrap();
        constraints.lower[1] = 0.2;
        let message = constraints.check(&domains).unwrap_err().to_string();
        assert!(message.contains("`d1`") && message.contains("token cap"));

        let mut constraints = Constraints::none(2);
        constraints.groups.push(GroupBound {
            name: "all".into(),
            members: vec![0, 1],
            lower: 0.0,
            upper: 0.9,
        });
        let message = constraints.check(&domains).unwrap_err().to_string();
        assert!(message.contains("`all`") && message.contains("less than 1"));
    }

    #[test]
    fn binding_constraints_are_reported_by_kind() {
        let domains = domains(&[100, 50, 1000]);
        let mut constraints = Constraints::none(3)
            .with_repetition(&domains, 1000.0, 1.0)
            .unwrap();
        constraints.upper[0] = 0.05;
        constraints.lower[2] = 0.9;
        let binding = constraints.binding(&[0.05, 0.05, 0.9], 1e-9);
        assert_eq!(
            binding,
            [Binding::Upper(0), Binding::Cap(1), Binding::Lower(2)]
        );
    }
}
