//! A solve for one request.

use std::time::Instant;

use olmix_core::law::Law as _;
use olmix_core::optimize::{ExactProblem, Solution, Status, local, solve_exact};
use olmix_core::price::{ConstraintPrice, Priced, constraint_prices};
use olmix_core::reuse::solve_frozen;
use olmix_core::{Binding, Constraints, CoreError};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::model::Model;
use crate::runs::{Nearest, Runs};
use crate::settings::Settings;

/// The mixture that settings ask for, and what the laws predict there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Solved {
    /// Length `m`, summing to 1.
    pub weights: Vec<f64>,
    /// How often a run of `R` tokens sees the domain's tokens; null where either is not known.
    pub epochs: Vec<Option<f64>>,
    /// The greatest weight that repetition allows; null without caps.
    pub caps: Vec<Option<f64>>,
    /// Which constraints hold with equality.
    pub binding: Vec<Bound>,
    /// Predicted loss per task.
    pub losses: Vec<f64>,
    /// The same at the prior.
    pub natural: Vec<f64>,
    /// Weighted average of the losses.
    pub average: f64,
    /// Weighted average of those at the prior.
    pub natural_average: f64,
    /// By which share of that the mixture is better.
    pub gain: f64,
    /// `KL(mixture ‖ prior)` in nats.
    pub kl: f64,
    /// What a better mixture could gain at most, in loss; null without a certificate.
    pub gap: Option<f64>,
    /// How the solve ended.
    pub status: Status,
    /// The run whose mixture is nearest; null where runs are not known.
    pub nearest: Option<Nearest>,
    /// How long the solve took.
    pub milliseconds: f64,
}

/// A constraint that binds: of a domain or of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// The domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `cap`, `max`, `min`, `held` or `fixed`.
    pub limit: &'static str,
}

/// A problem with everything it needs.
struct Asked {
    task_weights: Vec<f64>,
    constraints: Constraints,
}

impl Asked {
    fn new(model: &Model, settings: &Settings) -> Result<Self, ApiError> {
        Ok(Self {
            task_weights: settings.task_weights(model)?,
            constraints: settings.constraints(model)?,
        })
    }

    fn problem<'a>(&'a self, model: &'a Model, settings: &Settings) -> ExactProblem<'a> {
        ExactProblem {
            domains: &model.domains,
            laws: &model.laws,
            task_weights: &self.task_weights,
            reference: &model.reference,
            kl_reg: settings.kl,
            linear: None,
            terms: None,
            constraints: &self.constraints,
        }
    }

    fn solve(&self, model: &Model, settings: &Settings) -> Result<Solution, CoreError> {
        let problem = self.problem(model, settings);
        if !model.convex {
            let file = model.file.domains.iter().map(|domain| domain.weight);
            let mut starts = vec![model.prior.clone()];
            starts.extend(file.collect::<Option<Vec<f64>>>());
            return local(&problem, &starts, false);
        }
        if model.frozen.is_empty() {
            solve_exact(&problem)
        } else {
            solve_frozen(&problem, &model.frozen)
        }
    }
}

/// Finds the mixture: exactly, with a certificate, where the laws are convex; by descent otherwise.
///
/// Deterministic. The bits are those of a fit with the same settings.
///
/// # Errors
/// [`ApiError`] for settings that do not fit the file, and where no mixture satisfies them.
pub fn solve(model: &Model, runs: Option<&Runs>, settings: &Settings) -> Result<Solved, ApiError> {
    let begin = Instant::now();
    let asked = Asked::new(model, settings)?;
    let solution = asked.solve(model, settings)?;
    let weights = solution.weights;
    let losses: Vec<f64> = model.laws.iter().map(|law| law.predict(&weights)).collect();
    let average = dot(&losses, &asked.task_weights);
    let natural_average = dot(&model.natural, &asked.task_weights);
    Ok(Solved {
        epochs: epochs(model, settings.target_tokens, &weights),
        caps: match &asked.constraints.caps {
            Some(caps) => caps.iter().map(|cap| Some(*cap)).collect(),
            None => vec![None; weights.len()],
        },
        binding: binding(model, settings, &asked.constraints, &solution.binding),
        natural: model.natural.clone(),
        nearest: runs.and_then(|runs| runs.nearest(&weights)),
        gain: 1.0 - average / natural_average,
        kl: solution.kl,
        gap: solution.duality_gap,
        status: solution.status,
        losses,
        average,
        natural_average,
        weights,
        milliseconds: begin.elapsed().as_secs_f64() * 1e3,
    })
}

/// `Σ a b`, in this order.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// How often a run sees the tokens of each domain.
pub(crate) fn epochs(model: &Model, target: Option<f64>, weights: &[f64]) -> Vec<Option<f64>> {
    let of = |(domain, weight): (&olmix_core::Domain, &f64)| {
        domain.epochs(*weight, target?).filter(|e| e.is_finite())
    };
    model.domains.iter().zip(weights).map(of).collect()
}

fn binding(
    model: &Model,
    settings: &Settings,
    constraints: &Constraints,
    found: &[Binding],
) -> Vec<Bound> {
    let mut bounds: Vec<Bound> = Vec::new();
    let held = model.dead.iter().map(|&j| Binding::Held(j));
    let fixed = settings
        .fixed
        .keys()
        .filter_map(|name| Some(Binding::Upper(model.domain(name)?)));
    for one in found.iter().cloned().chain(held).chain(fixed) {
        let bound = binding_of(model, settings, constraints, &one);
        if !bounds.contains(&bound) {
            bounds.push(bound);
        }
    }
    bounds
}

fn binding_of(
    model: &Model,
    settings: &Settings,
    constraints: &Constraints,
    one: &Binding,
) -> Bound {
    let domain = |j: usize, limit: &'static str| {
        let name = model.domains.name(j).to_owned();
        let limit = match limit {
            _ if model.dead.contains(&j) => "held",
            _ if settings.fixed.contains_key(&name) => "fixed",
            limit => limit,
        };
        Bound {
            domain: Some(name),
            group: None,
            limit,
        }
    };
    let group = |g: usize, limit| Bound {
        domain: None,
        group: Some(constraints.groups[g].name.clone()),
        limit,
    };
    match *one {
        Binding::Cap(j) => domain(j, "cap"),
        Binding::Upper(j) => domain(j, "max"),
        Binding::Lower(j) => domain(j, "min"),
        Binding::Held(j) => domain(j, "held"),
        Binding::GroupUpper(g) => group(g, "max"),
        Binding::GroupLower(g) => group(g, "min"),
    }
}

/// What each constraint that binds costs, the dearest first, in the form that `mixture.json` has: the problem is
/// solved again with the bound loosened, and without it. Two solves for each constraint.
///
/// # Errors
/// As [`solve`]; [`ApiError`] where laws are not convex, whose solutions have no multipliers.
pub fn prices(model: &Model, settings: &Settings) -> Result<Value, ApiError> {
    let asked = Asked::new(model, settings)?;
    let solution = asked.solve(model, settings)?;
    let other = |constraints: &Constraints| {
        let other = Asked {
            task_weights: asked.task_weights.clone(),
            constraints: constraints.clone(),
        };
        other.solve(model, settings)
    };
    let found = constraint_prices(&Priced {
        problem: asked.problem(model, settings),
        frozen: &model.frozen,
        held: &model.dead,
        target_tokens: settings.target_tokens,
        solution: &solution,
        solve: &other,
    })?;
    let found = found.ok_or_else(|| {
        ApiError::refused(
            "the mixture is no certified optimum, so that its constraints have no prices",
            "",
        )
    })?;
    let losses: Vec<f64> = model
        .laws
        .iter()
        .map(|law| law.predict(&solution.weights))
        .collect();
    let now = dot(&losses, &asked.task_weights);
    let resolved = |by: Option<f64>, loss: f64| json!({"by": by, "predicted": loss, "change": loss / now - 1.0});
    let entry = |price: &ConstraintPrice| {
        let named = binding_of(model, settings, &asked.constraints, &price.constraint);
        json!({
            "domain": named.domain, "group": named.group, "limit": named.limit, "bound": price.bound,
            "loosening": price.loosening, "tightening": price.tightening,
            "loosened": price.loosened.map(|loosened| resolved(Some(loosened.by), loosened.predicted)),
            "without": price.without.map(|loss| resolved(None, loss)),
        })
    };
    let entries: Vec<Value> = found.iter().map(entry).collect();
    Ok(json!({"prices": entries, "average": now}))
}
