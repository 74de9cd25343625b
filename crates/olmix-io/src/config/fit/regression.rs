//! `regression`: the law, and the runs it is fitted to.

use olmix_core::law::LawSetting;
use olmix_core::{DeadDomains, LawKind, Ridge};
use serde::Serialize;

use super::as_written;
use crate::config::yaml::{Section, Value};
use crate::error::IoError;

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

/// What gets a law of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// Each metric.
    Task,
    /// The mean of each family of `eval.tasks`.
    Family,
    /// The weighted mean of all metrics.
    All,
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
    /// What gets a law of its own.
    pub granularity: Granularity,
    /// Whether the law `auto` is chosen for each task on its own.
    pub law_per_task: bool,
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
        let granularity = section.optional("granularity");
        let law_per_task = section.optional("law_per_task");
        let huber_delta = section.optional("huber_delta");
        let ridge = section.optional("ridge");
        let dead_domains = section.optional("dead_domains");
        section.finish()?;

        let granularity = read_granularity(granularity.as_ref(), aggregate.as_ref(), has_eval)?;
        let law = law
            .as_ref()
            .map_or(Ok(LawKind::Auto), |v| v.choice(&LawKind::words()))?;
        let given = [
            (LawSetting::HuberDelta, huber_delta.as_ref()),
            (LawSetting::Ridge, ridge.as_ref()),
        ];
        for (setting, value) in given {
            if let (Some(value), false) = (value, law.takes(setting)) {
                let message = format!("`{}` is given, but {}", value.path(), not_taken(law));
                return Err(value.error(message, who_takes(setting)));
            }
        }
        let per_task = law_per_task.as_ref().map_or(Ok(false), Value::boolean)?;
        if let (Some(value), true) = (&law_per_task, per_task && law != LawKind::Auto) {
            return Err(value.error(
                "`regression.law_per_task` is true, but the law is named",
                "set regression.type to `auto`, or remove it",
            ));
        }
        let dead = [("error", DeadDomains::Error), ("hold", DeadDomains::Hold)];
        Ok(Self {
            law,
            seed: seed.map_or(Ok(0), |v| v.whole())?,
            n_test: n_test.map_or(Ok(0), |v| v.count(u32::MAX as usize))?,
            train_split: train_split
                .as_ref()
                .map_or(Ok(TrainSplit::All), read_train_split)?,
            granularity,
            law_per_task: per_task,
            huber_delta: huber_delta
                .map(|v| v.number_that("a number above 0", |delta| delta > 0.0))
                .transpose()?,
            ridge: ridge.as_ref().map(read_ridge).transpose()?,
            dead_domains: dead_domains.map_or(Ok(DeadDomains::Hold), |v| v.choice(&dead))?,
        })
    }
}

/// That a law does not take a setting.
pub(crate) fn not_taken(law: LawKind) -> String {
    format!("the law `{}` does not take it", law.name())
}

/// What to do about a setting that the law does not take: names the laws that do.
pub(crate) fn who_takes(setting: LawSetting) -> String {
    let laws = LawKind::taking(setting).into_iter();
    let names: Vec<String> = laws.map(|law| format!("`{}`", law.name())).collect();
    let names = match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    };
    format!("remove it; of the laws {names} take it, and `auto` passes it on to them")
}

/// `granularity`, or the reference's `aggregate_task_families` for one of its values.
fn read_granularity(
    value: Option<&Value<'_>>,
    aggregate: Option<&Value<'_>>,
    has_eval: bool,
) -> Result<Granularity, IoError> {
    let no_families = |value: &Value<'_>, what: &str| {
        Err(value.error(
            format!("`{}` {what} but there is no `eval.tasks`", value.path()),
            "say under eval.tasks which metrics make up each family, or set it to false",
        ))
    };
    if let Some(aggregate) = aggregate
        && aggregate.boolean()?
    {
        if let Some(value) = value {
            return Err(value.error(
                "`regression.granularity` and `regression.aggregate_task_families` are both given",
                "remove the second: `granularity: family` says the same",
            ));
        }
        if !has_eval {
            return no_families(aggregate, "is true");
        }
        return Ok(Granularity::Family);
    }
    let Some(value) = value else {
        return Ok(Granularity::Task);
    };
    let granularity = value.choice(&[
        ("task", Granularity::Task),
        ("family", Granularity::Family),
        ("all", Granularity::All),
    ])?;
    if granularity == Granularity::Family && !has_eval {
        return no_families(value, "is `family`");
    }
    Ok(granularity)
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
