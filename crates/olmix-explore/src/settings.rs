//! What a mixture is asked for: the state of the page's controls, checked against a mixture file.

use std::collections::BTreeMap;

use olmix_core::{Constraints, GroupBound};
use olmix_io::{MixtureFile, first_few};
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::model::Model;

/// The settings of a solve. They stand for all that is asked: a domain without bounds here has none, whatever the
/// file's mixture was solved under.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `R`, tokens of the run, above 0; none for no token caps.
    #[serde(default)]
    pub target_tokens: Option<f64>,
    /// `k`, how often that run may see a token, above 0; none for no token caps.
    #[serde(default)]
    pub repetition: Option<f64>,
    /// λ ≥ 0 of the KL term, in loss per nat.
    pub kl: f64,
    /// Least and greatest weight of domains, in `[0, 1]`.
    #[serde(default)]
    pub bounds: BTreeMap<String, [f64; 2]>,
    /// Least and greatest summed weight: of the file's groups by their names, and of the domains that match a
    /// pattern with `*`.
    #[serde(default)]
    pub groups: BTreeMap<String, [f64; 2]>,
    /// By how much the weight of a task in the average is multiplied, at least 0; 1 where nothing stands here.
    #[serde(default)]
    pub task_weights: BTreeMap<String, f64>,
    /// Weights that stay where they are, in `[0, 1]`.
    #[serde(default)]
    pub fixed: BTreeMap<String, f64>,
}

/// λ where a file says none, as in a fit config.
const KL: f64 = 0.05;

impl Settings {
    /// Those that a file's mixture was solved with.
    #[must_use]
    pub fn of_file(file: &MixtureFile) -> Self {
        let bounded = file.domains.iter().filter(|d| d.min > 0.0 || d.max < 1.0);
        Self {
            target_tokens: file.target_tokens,
            repetition: file.repetition_factor,
            kl: file
                .optimizer
                .as_ref()
                .and_then(|optimizer| optimizer.kl_reg)
                .unwrap_or(KL),
            bounds: bounded.map(|d| (d.name.clone(), [d.min, d.max])).collect(),
            groups: file
                .groups
                .iter()
                .map(|group| (group.name.clone(), [group.min, group.max]))
                .collect(),
            task_weights: BTreeMap::new(),
            fixed: BTreeMap::new(),
        }
    }

    /// Reads the settings of a request.
    ///
    /// # Errors
    /// [`ApiError`] for what is no JSON of settings.
    pub fn parse(value: serde_json::Value) -> Result<Self, ApiError> {
        serde_json::from_value(value).map_err(|error| {
            ApiError::refused(
                format!("the settings can't be understood: {error}"),
                "reset the settings; the state in the address may be of another version",
            )
        })
    }

    /// The weights of the tasks in the average, summing to 1; the file's bits where none is changed.
    ///
    /// # Errors
    /// [`ApiError`] for tasks that are not the file's, and factors that leave no task.
    pub fn task_weights(&self, model: &Model) -> Result<Vec<f64>, ApiError> {
        let mut weights = model.task_weights.clone();
        if self.task_weights.is_empty() {
            return Ok(weights);
        }
        let unknown = self
            .task_weights
            .keys()
            .filter(|name| model.task(name).is_none());
        no_unknown("task", unknown)?;
        for (name, &factor) in &self.task_weights {
            if !(factor >= 0.0 && factor.is_finite()) {
                return Err(out_of_range(
                    &format!("the weight of task `{name}`"),
                    factor,
                    "at least 0",
                ));
            }
            if let Some(i) = model.task(name) {
                weights[i] *= factor;
            }
        }
        let sum: f64 = weights.iter().sum();
        if !(sum > 0.0 && sum.is_finite()) {
            return Err(ApiError::refused(
                "no task has a weight above 0",
                "give at least one task a weight",
            ));
        }
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Ok(weights)
    }

    /// The constraints of the solve: domains that no run sampled are held as in a fit, fixed weights are bounds.
    ///
    /// # Errors
    /// [`ApiError`] for domains and groups that are not the file's, numbers out of range, and caps without token
    /// counts.
    pub fn constraints(&self, model: &Model) -> Result<Constraints, ApiError> {
        let unknown = self.bounds.keys().chain(self.fixed.keys());
        no_unknown(
            "domain",
            unknown.filter(|name| model.domain(name).is_none()),
        )?;
        if !(self.kl >= 0.0 && self.kl.is_finite()) {
            return Err(out_of_range("λ", self.kl, "at least 0"));
        }
        let mut constraints = Constraints::none(model.domains.len());
        for (name, bound) in &self.bounds {
            let [low, high] = checked(&format!("domain `{name}`"), *bound)?;
            if let Some(j) = model.domain(name) {
                (constraints.lower[j], constraints.upper[j]) = (low, high);
            }
        }
        for (name, bound) in &self.groups {
            let [lower, upper] = checked(&format!("group `{name}`"), *bound)?;
            let members = model.group(name)?;
            constraints.groups.push(GroupBound {
                name: name.clone(),
                members,
                lower,
                upper,
            });
        }
        model.in_the_order_of_the_file(&mut constraints.groups);
        if let Some(tokens) = self.target_tokens {
            model.check_target(tokens)?;
            if let Some(repetition) = self.repetition {
                constraints = constraints.with_repetition(&model.domains, tokens, repetition)?;
            }
        }
        for (name, &weight) in &self.fixed {
            let [low, high] = checked(&format!("domain `{name}`"), [weight, weight])?;
            let Some(j) = model.domain(name) else {
                continue;
            };
            if model.dead.contains(&j) {
                return Err(ApiError::refused(
                    format!(
                        "no run sampled domain `{name}`: the fit holds it at its share, and its weight can't be fixed"
                    ),
                    "release the weight of this domain",
                ));
            }
            (constraints.lower[j], constraints.upper[j]) = (low, high);
        }
        for &j in &model.dead {
            let share = model.prior[j].min(constraints.limit(j));
            constraints.lower[j] = share;
            constraints.upper[j] = share;
        }
        Ok(constraints)
    }
}

fn checked(what: &str, [low, high]: [f64; 2]) -> Result<[f64; 2], ApiError> {
    let share = |x: f64| (0.0..=1.0).contains(&x);
    match [low, high].into_iter().find(|x| !share(*x)) {
        Some(bad) => Err(out_of_range(
            &format!("a bound of {what}"),
            bad,
            "a share from 0 to 1",
        )),
        None if low > high => Err(ApiError::refused(
            format!("{what} must have at least {low} and at most {high} of the mixture"),
            "make the least weight at most the greatest",
        )),
        None => Ok([low, high]),
    }
}

fn out_of_range(what: &str, value: f64, rule: &str) -> ApiError {
    ApiError::refused(
        format!("{what} is {value}; it must be {rule}"),
        "correct the number",
    )
}

/// Refuses names that this file does not have, such as those of an address that was made for another one.
fn no_unknown<'n>(what: &str, names: impl Iterator<Item = &'n String>) -> Result<(), ApiError> {
    let mut names: Vec<&str> = names.map(String::as_str).collect();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    let plural = if names.len() == 1 { "" } else { "s" };
    Err(ApiError::refused(
        format!(
            "this mixture has no {what}{plural} {}",
            first_few(names.iter().map(|name| format!("`{name}`")), 5)
        ),
        "reset the settings; the address may have been made for another mixture",
    ))
}
