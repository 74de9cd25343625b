//! What a fit is told.

mod laws;

use serde::{Deserialize, Serialize};

use crate::law::{LawKind, LawSetting, Shape};
use crate::objective::Objective;
use crate::optimize::{Exact, Optimizer};
use crate::phases::PhaseSpec;
use crate::repetition::MeasuredRepetition;
use crate::reuse::VirtualDomain;
use crate::scaling::Scaled;
use crate::{Constraints, CoreError, Mixture, Swarm};

/// What to do with domains that no run sampled, whose coefficient is free of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadDomains {
    /// Refuse, naming them.
    #[default]
    Error,
    /// Hold each at its natural share in the proposed mixture; laws value it like the prior's
    /// average of the sampled domains.
    Hold,
}

/// The ridge on `t`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ridge {
    /// `ρ ≥ 0`; 0 is the reference's objective.
    Fixed(f64),
    /// The `ρ` of a grid (and the functions `φ`, for a saturating law) with the least out-of-fold error
    /// of the average loss.
    Auto,
}

/// Everything [`crate::fit()`] is told, apart from the swarm.
#[derive(Debug, Clone, PartialEq)]
pub struct FitSpec {
    /// Which law is fitted to each task.
    pub law: LawKind,
    /// Huber's δ, in the unit of the losses; `None` for the law's default.
    pub huber_delta: Option<f64>,
    /// Ridge on the law's coefficients; `None` for the law's default.
    pub ridge: Option<Ridge>,
    /// Policy for domains that no run sampled.
    pub dead_domains: DeadDomains,
    /// How the mixture is found; `None` fits and reports only.
    pub optimizer: Option<Optimizer>,
    /// Whether the optimizer's λ is chosen from data, whatever it says.
    pub choose_kl: bool,
    /// The natural distribution (or whatever prior the KL term pulls to), `p0`.
    pub prior: Mixture,
    /// What the KL term pulls to, where that is not the prior: positive, length `m`, not
    /// necessarily summing to 1 (a virtual domain's entry carries its inner KL).
    pub kl_reference: Option<Vec<f64>>,
    /// Guardrails, and what is minimized in place of the average loss; for the exact optimizer.
    pub objective: Objective,
    /// Caps and bounds.
    pub constraints: Constraints,
    /// Domains that keep their ratios in the proposed mixture, for the exact optimizer; none of
    /// them a domain of two.
    pub frozen: Vec<VirtualDomain>,
    /// The phases, where the swarm is one of runs in phases: prior, constraints and mixture are then over the domains
    /// of phases. For the exact optimizer.
    pub phases: Option<PhaseSpec>,
    /// Runs set aside to test the laws; with any, no mixture is proposed.
    pub n_test: usize,
    /// Runs to train on, of those not set aside; `None` for all.
    pub train_runs: Option<usize>,
    /// Folds of the out-of-fold check; below 2 there is none.
    pub folds: usize,
    /// Whether [`LawKind::Auto`] chooses for each task on its own, not for all together.
    pub law_per_task: bool,
    /// Tokens `R` of the final run, where they are known.
    pub target_tokens: Option<f64>,
    /// The joint law that predicted the losses of the swarm, where these are losses of another size than those that
    /// were measured: intervals are drawn from it.
    pub scaling: Option<Scaled>,
    /// That the value of repeats is measured: laws then know how often a mixture repeats a domain. `None` for laws of
    /// weights alone.
    pub repetition: Option<MeasuredRepetition>,
    /// Resamples of the bootstrap; 0 for none.
    pub bootstrap: usize,
    /// Coverage of intervals, in (0, 1).
    pub confidence: f64,
    /// Runs of the target over the same domains and tasks, a few: laws are calibrated by them, so that
    /// gain and mixture are the target's. `None` where the mixture is for models like the proxies.
    pub target: Option<Swarm>,
    /// Seed of every random draw.
    pub seed: u64,
}

impl FitSpec {
    /// The recommended configuration of the method's paper without caps: one log-linear law per
    /// task without ridge, the exact optimizer with λ = 0.05, 5 folds, no bootstrap, seed 0.
    #[must_use]
    pub fn new(prior: Mixture) -> Self {
        Self {
            law: LawKind::LogLinear,
            huber_delta: None,
            ridge: None,
            dead_domains: DeadDomains::Error,
            optimizer: Some(Optimizer::Exact(Exact {
                kl_reg: 0.05,
                worst: false,
            })),
            choose_kl: false,
            kl_reference: None,
            objective: Objective::default(),
            constraints: Constraints::none(prior.weights().len()),
            frozen: Vec::new(),
            phases: None,
            prior,
            n_test: 0,
            train_runs: None,
            folds: 5,
            law_per_task: false,
            target_tokens: None,
            scaling: None,
            repetition: None,
            bootstrap: 0,
            confidence: 0.9,
            target: None,
            seed: 0,
        }
    }

    /// Whether the settings fit together and are in their ranges, whatever the runs are. [`crate::fit()`]
    /// asks before any work.
    ///
    /// # Errors
    /// [`CoreError::Shape`] for lists that are not one entry per domain of the prior,
    /// [`CoreError::OutOfRange`] for numbers, [`CoreError::SettingNotTaken`] for a setting that the law
    /// does not take, [`CoreError::TargetWithoutLaws`] for target runs where no law is fitted,
    /// [`CoreError::NotConvex`] for the exact optimizer with another law,
    /// [`CoreError::ObjectiveNotTaken`] for an objective with another optimizer, [`CoreError::RepeatsNotTaken`] and
    /// [`CoreError::RepeatsAndOther`] where the value of repeats can't be measured.
    pub fn validate(&self) -> Result<(), CoreError> {
        let m = self.prior.weights().len();
        let lengths = [
            ("domains of the constraints", self.constraints.domains()),
            ("entries of the KL reference", self.reference().len()),
        ];
        if let Some(&(what, found)) = lengths.iter().find(|(_, found)| *found != m) {
            return Err(CoreError::Shape {
                what,
                expected: m,
                found,
            });
        }
        let fixed = match self.ridge {
            Some(Ridge::Fixed(ridge)) => Some(ridge),
            Some(Ridge::Auto) | None => None,
        };
        let positive = |x: f64| x > 0.0 && x.is_finite();
        let not_negative = |x: f64| x >= 0.0 && x.is_finite();
        let share = |x: f64| x > 0.0 && x < 1.0;
        let kl_reg = self.optimizer.as_ref().and_then(Optimizer::kl_reg);
        let least = self.reference().iter().copied().reduce(f64::min);
        let numbers: [(&str, Option<f64>, &dyn Fn(f64) -> bool, &str); 6] = [
            ("Huber's δ", self.huber_delta, &positive, "above 0"),
            ("the ridge", fixed, &not_negative, "at least 0"),
            ("λ of the KL term", kl_reg, &not_negative, "at least 0"),
            (
                "the tokens of the run",
                self.target_tokens,
                &positive,
                "above 0",
            ),
            (
                "the coverage of intervals",
                Some(self.confidence),
                &share,
                "above 0 and below 1",
            ),
            (
                "an entry of the KL reference",
                least,
                &not_negative,
                "at least 0",
            ),
        ];
        for (what, value, is_valid, rule) in numbers {
            if let Some(value) = value.filter(|value| !is_valid(*value)) {
                return Err(CoreError::OutOfRange { what, value, rule });
            }
        }
        for (setting, given) in [
            (LawSetting::HuberDelta, self.huber_delta.is_some()),
            (LawSetting::Ridge, self.ridge.is_some()),
        ] {
            if given && !self.law.takes(setting) {
                return Err(CoreError::SettingNotTaken {
                    law: self.law.name(),
                    setting: setting.name(),
                });
            }
        }
        if self.target.is_some() && self.law == LawKind::Search {
            return Err(CoreError::TargetWithoutLaws);
        }
        if self.target.is_some() && self.scaling.is_some() {
            return Err(CoreError::TargetAndScale);
        }
        let exact = matches!(self.optimizer, Some(Optimizer::Exact(_)));
        if exact && self.law.shape().is_some_and(|shape| shape != Shape::Convex) {
            return Err(CoreError::NotConvex {
                law: self.law.name(),
            });
        }
        self.validate_repetition()?;
        self.objective.validate(m)?;
        if let Some(of) = &self.phases {
            of.validate(m)?;
            self.check_phases()?;
        }
        match &self.optimizer {
            Some(optimizer) if !(self.objective.is_plain() || optimizer.takes_terms()) => {
                Err(CoreError::ObjectiveNotTaken)
            }
            _ => Ok(()),
        }
    }

    /// Refuses phases where `what` knows runs with one mixture only.
    pub(crate) fn refuse_phases(&self, what: &str) -> Result<(), CoreError> {
        match &self.phases {
            None => Ok(()),
            Some(_) => Err(CoreError::Phases(format!(
                "the runs are in phases, and {what} knows runs with one mixture only"
            ))),
        }
    }

    fn check_phases(&self) -> Result<(), CoreError> {
        let refuse = |message: &str| Err(CoreError::Phases(message.to_owned()));
        match &self.optimizer {
            None => {}
            Some(Optimizer::Exact(exact)) if !exact.worst => {}
            Some(_) => return refuse("mixtures of phases are found by the exact optimizer only"),
        }
        if !self.frozen.is_empty() {
            return refuse("domains can't keep their ratios where mixtures differ between phases");
        }
        if self.scaling.is_some() {
            return refuse(
                "runs of several sizes are not brought to one size where they are trained in phases",
            );
        }
        Ok(())
    }

    /// What [`FitSpec::validate`] asks where repetition is measured.
    fn validate_repetition(&self) -> Result<(), CoreError> {
        let Some(repetition) = &self.repetition else {
            return Ok(());
        };
        let m = self.prior.weights().len();
        let epochs = [&repetition.runs, &repetition.target];
        if let Some(list) = epochs.iter().find(|list| list.len() != m) {
            return Err(CoreError::Shape {
                what: "epochs of the domains",
                expected: m,
                found: list.len(),
            });
        }
        let numbers = epochs.iter().flat_map(|list| list.iter()).copied();
        let numbers = numbers.map(|value| ("the epochs of a domain", value));
        let cap = ("the repetition factor", repetition.compared_cap);
        if let Some((what, value)) = numbers
            .chain([cap])
            .find(|(_, value)| !(*value > 0.0 && value.is_finite()))
        {
            let rule = "above 0";
            return Err(CoreError::OutOfRange { what, value, rule });
        }
        let law = self.law.name();
        if self.law == LawKind::Search {
            return Err(CoreError::RepeatsNotTaken { law });
        }
        let options = self.law_options();
        if options.is_some_and(|options| !options.takes_repeats()) {
            return Err(CoreError::RepeatsNotTaken { law });
        }
        if self.scaling.is_some() {
            return Err(CoreError::RepeatsAndOther("laws over sizes"));
        }
        if self.phases.is_some() {
            return Err(CoreError::RepeatsAndOther("phases"));
        }
        if !self.frozen.is_empty() {
            return Err(CoreError::RepeatsAndOther("domains that keep their ratios"));
        }
        Ok(())
    }

    /// The constraints with dead domains held at their natural share (as far as caps allow).
    #[must_use]
    pub fn constraints_holding(&self, dead: &[usize]) -> Constraints {
        let mut constraints = self.constraints.clone();
        for &j in dead {
            let share = self.prior.weights()[j].min(constraints.limit(j));
            constraints.lower[j] = share;
            constraints.upper[j] = share;
        }
        constraints
    }

    /// The mixtures that a proposal is compared with: the prior; the natural distribution by token
    /// counts, where the prior is another one; and what the KL term pulls to, where that is neither.
    #[must_use]
    pub fn baselines(&self) -> Vec<(&'static str, Vec<f64>)> {
        let prior = self.prior.weights();
        let shares = |sizes: Vec<f64>| -> Vec<f64> {
            let sum: f64 = sizes.iter().sum();
            sizes.into_iter().map(|size| size / sum).collect()
        };
        let apart = |p: &[f64]| {
            let distance: f64 = p.iter().zip(prior).map(|(a, b)| (a - b).abs()).sum();
            0.5 * distance > SAME
        };
        let (domains, phases) = match &self.phases {
            Some(of) => (&of.domains, Some(&of.phases)),
            None => (self.prior.domains(), None),
        };
        let natural = domains.tokens();
        let natural = natural.map(|n| shares(n.iter().map(|&n| n as f64).collect()));
        let natural = natural.map(|natural| match phases {
            Some(phases) => phases.stack_static(&natural),
            None => natural,
        });
        let natural = natural.filter(|natural| apart(natural));
        let name = if natural.is_some() {
            "prior"
        } else {
            "natural distribution"
        };
        let mut baselines = vec![(name, prior.to_vec())];
        baselines.extend(natural.map(|natural| ("natural distribution by token counts", natural)));
        let reference = self.kl_reference.clone().map(shares);
        let reference = reference.filter(|reference| apart(reference));
        baselines.extend(reference.map(|reference| ("prior of the KL term", reference)));
        baselines
    }

    /// `q` of the KL term.
    #[must_use]
    pub fn reference(&self) -> &[f64] {
        self.kl_reference
            .as_deref()
            .unwrap_or_else(|| self.prior.weights())
    }
}

/// Mixtures with a total variation distance below this are one mixture in two roundings.
const SAME: f64 = 1e-3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DomainSet;

    fn no_runs(domains: &DomainSet) -> Swarm {
        let none = |columns| crate::Matrix::from_fn(0, columns, |_, _| 0.0);
        Swarm::new(domains.clone(), Vec::new(), Vec::new(), none(2), none(0)).unwrap()
    }

    #[test]
    fn fit_spec_refuses_settings_out_of_range_or_that_do_not_go_together() {
        let domains = DomainSet::from_names(["a", "b"]).unwrap();
        let plain = FitSpec::new(Mixture::new(domains, vec![0.5, 0.5]).unwrap());
        assert_eq!(plain.validate(), Ok(()));
        let refused = |change: &dyn Fn(&mut FitSpec)| {
            let mut spec = plain.clone();
            change(&mut spec);
            spec.validate().unwrap_err().to_string()
        };
        for (told, expected) in [
            (
                refused(&|spec| spec.huber_delta = Some(0.0)),
                "Huber's δ is 0; it must be above 0",
            ),
            (
                refused(&|spec| spec.ridge = Some(Ridge::Fixed(-1.0))),
                "the ridge is -1; it must be at least 0",
            ),
            (
                refused(&|spec| spec.confidence = 1.0),
                "the coverage of intervals is 1; it must be above 0 and below 1",
            ),
            (
                refused(&|spec| spec.target_tokens = Some(f64::NAN)),
                "the tokens of the run is NaN; it must be above 0",
            ),
            (
                refused(&|spec| spec.kl_reference = Some(vec![1.0])),
                "entries of the KL reference: expected 2, found 1",
            ),
            (
                refused(&|spec| spec.constraints = Constraints::none(3)),
                "domains of the constraints: expected 2, found 3",
            ),
            (
                refused(&|spec| {
                    spec.law = LawKind::BiMix;
                    spec.ridge = Some(Ridge::Auto);
                }),
                "the law bimix does not take ridge",
            ),
            (
                refused(&|spec| spec.law = LawKind::Gp),
                "the exact optimizer needs a convex law, which gp is not",
            ),
            (
                refused(&|spec| {
                    spec.law = LawKind::Search;
                    spec.target = Some(no_runs(spec.prior.domains()));
                }),
                "target runs calibrate laws, and no law is fitted",
            ),
        ] {
            assert_eq!(told, expected);
        }
    }
}
