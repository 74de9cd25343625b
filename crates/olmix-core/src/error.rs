//! What can go wrong in the method itself.

use thiserror::Error;

/// An error of the method: input that has no answer, told with its numbers.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum CoreError {
    /// A set of domains without a domain.
    #[error("there is no domain")]
    NoDomains,
    /// A domain named twice.
    #[error("domain `{0}` occurs twice")]
    DuplicateDomain(String),
    /// A domain that one side has and the other lacks.
    #[error("domain `{0}` has weight but is not in the set of domains")]
    MissingDomain(String),
    /// Lengths that don't fit.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// What has the wrong length.
        what: &'static str,
        /// The length it must have.
        expected: usize,
        /// The length it has.
        found: usize,
    },
    /// A weight that is negative or not a number.
    #[error("domain `{domain}` has weight {weight}; weights are finite and not negative")]
    BadWeight {
        /// Name of the domain.
        domain: String,
        /// The weight that is refused.
        weight: f64,
    },
    /// Weights that do not sum to 1.
    #[error("weights sum to {0}, not to 1")]
    BadSum(f64),
    /// Phases that are none.
    #[error("{0}")]
    Phases(String),
    /// A run with a cell that is not a finite number.
    #[error("run `{0}` has a value that is not a finite number")]
    NotFinite(String),
    /// Runs asked for beside a fit that proposes nothing by laws.
    #[error(
        "the next runs are chosen by fitted laws and the best mixture that they propose, and this fit has none"
    )]
    NextWithoutLaws,
    /// More runs asked for than there are mixtures that differ.
    #[error(
        "{asked} runs are asked for, and only {found} mixtures differ from the runs that are there and from each other"
    )]
    TooFewMixtures {
        /// Runs asked for.
        asked: usize,
        /// Mixtures found.
        found: usize,
    },
    /// Too few runs for a law with coefficients per live domain.
    #[error(
        "{} too few for a {} law over {live} sampled domains: at least {needed} are needed (and {} \
         recommended)",
        runs_are(*.runs), .law.replace('_', "-"), (3 * (live + 1)).max(*needed)
    )]
    TooFewRuns {
        /// The law's name.
        law: &'static str,
        /// Runs of the swarm, `K`.
        runs: usize,
        /// Domains that some run sampled, `m_live`.
        live: usize,
        /// Parameters of the law.
        needed: usize,
    },
    /// Domains that no run sampled, where the user asked to be told.
    #[error(
        "no run sampled {}: the law of {} can't be known from this swarm",
        quoted(.0),
        if .0.len() == 1 { "it" } else { "these" }
    )]
    DeadDomains(Vec<String>),
    /// A swarm that tried one mixture only.
    #[error("all {0} runs have the same mixture: nothing can be learnt about any other")]
    NoVariation(usize),
    /// A task with the same loss in every run.
    #[error("metric `{0}` has the same value in every run: there is nothing to fit")]
    ConstantTask(String),
    /// No mixture satisfies the constraints.
    #[error("{0}")]
    Infeasible(String),
    /// No mixture keeps the guardrails of the objective, though some satisfy the constraints.
    #[error("{0}")]
    GuardrailsNotKept(String),
    /// No observed run keeps to the caps and bounds.
    #[error("none of the {runs} observed mixtures satisfies the caps and bounds")]
    NoFeasibleRun {
        /// Runs of the swarm, `K`.
        runs: usize,
    },
    /// No sampled mixture keeps to the caps and bounds.
    #[error("none of {samples} sampled mixtures satisfies the caps and bounds")]
    NoFeasibleSample {
        /// Mixtures drawn in all rounds.
        samples: usize,
    },
    /// Domains are to keep their ratios, and the optimizer is not the exact one (or looks for the
    /// worst mixture).
    #[error("only the exact proposer keeps ratios")]
    RatiosNotKept,
    /// More runs are to be set aside than there are.
    #[error("{asked} runs are to be set aside but the swarm has only {runs}")]
    TooManySetAside {
        /// Runs to set aside.
        asked: usize,
        /// Runs of the swarm, `K`.
        runs: usize,
    },
    /// More runs are to be trained on than are left.
    #[error("{asked} runs are to be trained on but only {left} are left")]
    TooManyTrained {
        /// Runs to train on.
        asked: usize,
        /// Runs that are not set aside.
        left: usize,
    },
    /// A sweep of a fit that has no laws.
    #[error("a sweep needs fitted laws")]
    SweepWithoutLaws,
    /// Target runs where no law is fitted.
    #[error("target runs calibrate laws, and no law is fitted")]
    TargetWithoutLaws,
    /// Target runs in a fit at a size of its own.
    #[error("laws are either those of a size, or calibrated by target runs")]
    TargetAndScale,
    /// The value of repeats is to be measured by a swarm in which nothing is repeated.
    #[error(
        "no run of the swarm sees a domain more than once, so that nothing is known of repeats: of {runs} runs, the most is \
         {epochs:.3} epochs of `{domain}`"
    )]
    NothingRepeated {
        /// The domain that is seen most often.
        domain: String,
        /// How often.
        epochs: f64,
        /// Runs of the swarm, `K`.
        runs: usize,
    },
    /// The value of repeats with a law that can rise in a domain's weight, or that is not convex.
    #[error(
        "the law {law} can't be one of effective weights: it must fall in every domain's weight and be convex, as \
         saturating, effective_data, autoscale and bimix do"
    )]
    RepeatsNotTaken {
        /// The law's name.
        law: &'static str,
    },
    /// The value of repeats beside what it can't be measured with.
    #[error("the value of repeats is not measured together with {0}")]
    RepeatsAndOther(&'static str),
    /// A study of a specification that names no law.
    #[error("a study needs a law by name")]
    StudyWithoutLaw,
    /// A study of token caps where tokens are not known.
    #[error("the study `constraints` needs the tokens of the run and of every domain")]
    StudyWithoutTokens,
    /// A setting that the law does not take.
    #[error("the law {law} does not take {setting}")]
    SettingNotTaken {
        /// The law's name.
        law: &'static str,
        /// The setting's name.
        setting: &'static str,
    },
    /// The exact optimizer with a law that is not convex.
    #[error("the exact optimizer needs a convex law, which {law} is not")]
    NotConvex {
        /// The law's name.
        law: &'static str,
    },
    /// Guardrails, or another objective than the average loss, for an optimizer that has only that.
    #[error(
        "only the exact proposer keeps guardrails and minimizes another objective than the average loss, and not \
         where it looks for the worst mixture"
    )]
    ObjectiveNotTaken,
    /// A number that is out of its range.
    #[error("{what} is {value}; it must be {rule}")]
    OutOfRange {
        /// What the number is.
        what: &'static str,
        /// The number that is refused.
        value: f64,
        /// The range, such as "above 0".
        rule: &'static str,
    },
    /// The solver gave up.
    #[error("the exact solve did not converge: {0}")]
    SolverFailed(String),
    /// A request that the chosen method can't honour.
    #[error("{0}")]
    Unsupported(String),
}

impl CoreError {
    /// Whether it says that no mixture (or none that was tried) satisfies the constraints.
    #[must_use]
    pub fn is_infeasible(&self) -> bool {
        matches!(
            self,
            Self::Infeasible(_)
                | Self::GuardrailsNotKept(_)
                | Self::NoFeasibleRun { .. }
                | Self::NoFeasibleSample { .. }
        )
    }
}

/// `a`, `b` and `c`, for messages.
pub(crate) fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

fn runs_are(runs: usize) -> String {
    if runs == 1 {
        "1 run is".to_owned()
    } else {
        format!("{runs} runs are")
    }
}
