//! What a source tells of its runs.

use std::collections::BTreeMap;

use olmix_io::metrics_meta::Direction;
use olmix_ledger::PhaseMixture;

use crate::run::metrics::Metrics;

/// Domains and weights.
pub(super) type Mixture = Vec<(String, f64)>;

/// A measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Value {
    /// NaN for null, and for whatever else is not finite.
    pub number: f64,
    /// The step of training at which it was measured, where the source knows it.
    pub step: Option<f64>,
}

/// Values by the names of metrics.
pub(super) type Values = BTreeMap<String, Value>;

/// A run that was measured.
#[derive(Debug, Clone)]
pub(super) struct MeasuredRun {
    pub name: String,
    /// What it was trained on, where its own files say so.
    pub mixture: Option<Mixture>,
    /// Its phases, where it has some; `mixture` is then the mean of theirs by their tokens.
    pub phases: Vec<PhaseMixture>,
    /// What its tracker holds as its configuration; why that can't be read.
    pub configured: Result<Option<Mixture>, String>,
    pub values: Values,
}

impl Default for MeasuredRun {
    fn default() -> Self {
        Self {
            name: String::new(),
            mixture: None,
            phases: Vec::new(),
            configured: Ok(None),
            values: Values::new(),
        }
    }
}

/// What a source knows about a metric.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trait {
    pub direction: Option<Direction>,
    /// It says again what other metrics say.
    pub repeats: bool,
}

/// What would bring a run that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cure {
    /// It has to finish.
    Finish,
    /// Its mixture has to be given.
    Mixture,
    /// Other metrics have to be asked for.
    Metrics,
    /// `--include-short`.
    Short,
    /// Nothing that is known here.
    Unknown,
}

/// A run that is left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LeftOut {
    pub name: String,
    pub why: String,
    pub cure: Cure,
}

/// What a source holds.
#[derive(Debug, Clone, Default)]
pub(super) struct SourceRuns {
    pub runs: Vec<MeasuredRun>,
    pub left_out: Vec<LeftOut>,
    pub notices: Vec<String>,
    pub traits: BTreeMap<String, Trait>,
    /// By which definition tasks were measured, where that is known.
    pub definition: Option<String>,
    /// Tokens of the run whose repetition the runs simulate, where they do.
    pub simulate_target_tokens: Option<u64>,
}

impl SourceRuns {
    pub fn leave_out(&mut self, name: impl Into<String>, why: impl Into<String>, cure: Cure) {
        self.left_out.push(LeftOut {
            name: name.into(),
            why: why.into(),
            cure,
        });
    }

    /// Keeps which way a metric is better. Where sources disagree, nobody knows.
    pub fn directs(&mut self, metric: &str, direction: Direction) {
        let known = self.traits.entry(metric.to_owned()).or_default();
        match known.direction {
            Some(other) if other != direction => {
                self.notices.push(format!(
                    "runs disagree on whether more of `{metric}` is better; give `filtering.directions` to `olmix fit`"
                ));
            }
            _ => known.direction = Some(direction),
        }
    }

    pub fn repeats(&mut self, metric: &str) {
        self.traits.entry(metric.to_owned()).or_default().repeats = true;
    }

    /// Keeps what a file knows of its metrics.
    pub fn learn(&mut self, metrics: &Metrics) {
        for (name, direction) in &metrics.directions {
            self.directs(name, *direction);
        }
        metrics.repeats.iter().for_each(|name| self.repeats(name));
    }

    /// The values of a file's metrics, after keeping what it knows of them.
    pub fn values(&mut self, metrics: Metrics) -> Values {
        self.learn(&metrics);
        let not = metrics.not_finite.into_iter().chain(metrics.nulls);
        let value = |(name, number)| (name, Value { number, step: None });
        not.map(|name| (name, f64::NAN))
            .chain(metrics.numbers)
            .map(value)
            .collect()
    }
}
