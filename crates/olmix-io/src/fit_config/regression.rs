//! `regression`: the law, and the runs it is fitted to.

use olmix_core::{DeadDomains, LawKind, Ridge};
use serde::Serialize;

use super::as_written;
use crate::IoError;
use crate::yaml::{Section, Value};

/// How many of the runs that are not held out the law is fitted to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TrainSplit {
    /// All of them.
    All,
    /// A share above 0 and below 1.
    Fraction(f64),
    /// So many, at least 2.
    Count(usize),
}

/// The section `regression`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegressionConfig {
    /// Which law.
    #[serde(rename = "type")]
    pub law: LawKind,
    /// Seed of every random draw.
    pub seed: u64,
    /// Runs set aside to test the law on; above 0 the command fits and reports only.
    pub n_test: usize,
    /// How many runs to fit to.
    pub train_split: TrainSplit,
    /// Whether one law is fitted per family instead of per metric.
    pub aggregate_task_families: bool,
    /// Huber's δ, above 0, in the unit of the losses; the law's default where not given.
    pub huber_delta: Option<f64>,
    /// Ridge on the law's coefficients; the law's default where not given.
    #[serde(serialize_with = "as_written::ridge")]
    pub ridge: Option<Ridge>,
    /// What to do with domains that no run sampled.
    pub dead_domains: DeadDomains,
}

impl RegressionConfig {
    pub(super) fn read(mut section: Section<'_>, has_eval: bool) -> Result<Self, IoError> {
        let law = section.optional("type");
        let seed = section.optional("seed");
        let n_test = section.optional("n_test");
        let train_split = section.optional("train_split");
        let aggregate = section.optional("aggregate_task_families");
        let huber_delta = section.optional("huber_delta");
        let ridge = section.optional("ridge");
        let dead_domains = section.optional("dead_domains");
        section.finish()?;

        let aggregated = aggregate.as_ref().map_or(Ok(false), Value::boolean)?;
        if let (Some(value), true, false) = (&aggregate, aggregated, has_eval) {
            return Err(value.error(
                "`regression.aggregate_task_families` is true but there is no `eval.tasks`",
                "say under eval.tasks which metrics make up each family, or set it to false",
            ));
        }
        let dead = [("error", DeadDomains::Error), ("hold", DeadDomains::Hold)];
        Ok(Self {
            law: law.as_ref().map_or(Ok(LawKind::LogLinear), read_law)?,
            seed: seed.map_or(Ok(0), |v| v.whole())?,
            n_test: n_test.map_or(Ok(0), |v| v.count(u32::MAX as usize))?,
            train_split: train_split
                .as_ref()
                .map_or(Ok(TrainSplit::All), read_train_split)?,
            aggregate_task_families: aggregated,
            huber_delta: huber_delta
                .map(|v| v.number_that("a number above 0", |delta| delta > 0.0))
                .transpose()?,
            ridge: ridge.as_ref().map(read_ridge).transpose()?,
            dead_domains: dead_domains.map_or(Ok(DeadDomains::Error), |v| v.choice(&dead))?,
        })
    }
}

fn read_law(value: &Value<'_>) -> Result<LawKind, IoError> {
    let law = value.choice(&[
        ("log_linear", Some(LawKind::LogLinear)),
        ("saturating", Some(LawKind::Saturating)),
        ("search", Some(LawKind::Search)),
        ("lightgbm", None),
        ("gp", None),
        ("autoscale", None),
        ("bimix", None),
    ])?;
    law.ok_or_else(|| {
        value.error(
            format!("the law {} is not available in this version", value.found()),
            "use `log_linear`, `saturating` or `search`",
        )
    })
}

/// A number, or (as the reference also writes it) a list of one number.
fn read_train_split(value: &Value<'_>) -> Result<TrainSplit, IoError> {
    let items = value.items().unwrap_or_else(|_| vec![value.clone()]);
    let [item] = items.as_slice() else {
        return Err(value.error(
            format!(
                "`regression.train_split` lists {} numbers; one swarm has one split",
                items.len()
            ),
            "give one number",
        ));
    };
    let what = "a share above 0 and up to 1, or a whole number of runs above 1";
    let number = item.number_that(what, |n| n > 0.0 && (n <= 1.0 || n.fract() == 0.0))?;
    Ok(if number < 1.0 {
        TrainSplit::Fraction(number)
    } else if number > 1.0 {
        TrainSplit::Count(item.count(u32::MAX as usize)?)
    } else {
        TrainSplit::All
    })
}

fn read_ridge(value: &Value<'_>) -> Result<Ridge, IoError> {
    if value.text().is_ok_and(|text| text == "auto") {
        return Ok(Ridge::Auto);
    }
    value
        .number_that("`auto` or a number that is not negative", |rho| rho >= 0.0)
        .map(Ridge::Fixed)
}
