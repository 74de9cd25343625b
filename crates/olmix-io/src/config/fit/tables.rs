//! The tables that a fit config names: of the swarm, of earlier ones, of the target's runs; and `scale`, the size that
//! the mixture is for, where the runs of the swarm are of several.

use std::path::{Path, PathBuf};

use olmix_core::LawKind;
use olmix_core::scaling::Scale;
use serde::Serialize;

use super::FitConfig;
use super::as_written::map;
use super::named::{Named, named};
use crate::config::yaml::Value;
use crate::error::IoError;

/// The files of a swarm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SwarmFiles {
    /// `swarm.ratios` as written.
    pub ratios: String,
    /// `swarm.metrics` as written.
    pub metrics: String,
    /// Where the ratios are.
    #[serde(skip)]
    pub ratios_path: PathBuf,
    /// Where the metrics are.
    #[serde(skip)]
    pub metrics_path: PathBuf,
    /// `swarm.parameters`: the column with the parameters of each run, in either table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<String>,
    /// `swarm.tokens`: the column with the tokens of each run, in either table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<String>,
    /// `swarm.run_tokens`: tokens of each run, which draws from whole domains; above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_tokens: Option<f64>,
    /// `swarm.simulate_target_tokens`: tokens of the run whose repetition the runs simulate; above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulate_target_tokens: Option<f64>,
    /// Swarms measured before this one, over the same tasks and over domains that are all there
    /// still; oldest first. They are fitted with it, each with a level of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<SwarmFiles>,
    /// Of an earlier swarm: the share of the content of a domain that changed since, above 0 and below 1. Runs
    /// on it get a weight in the fit.
    #[serde(serialize_with = "map", skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<Named<f64>>,
}

pub(super) fn swarm_files(
    value: &Value<'_>,
    folder: &Path,
    is_newest: bool,
    is_scaled: bool,
) -> Result<SwarmFiles, IoError> {
    let mut section = value.section()?;
    let ratios = section.required("ratios")?;
    let metrics = section.required("metrics")?;
    let sizes = if is_newest {
        [section.optional("parameters"), section.optional("tokens")]
    } else {
        [None, None]
    };
    if let (Some(column), false) = (sizes.iter().flatten().next(), is_scaled) {
        return Err(column.error(
            format!(
                "`{}` names a column of sizes, but the config has no `scale`, the size that the mixture is for",
                column.path()
            ),
            "add `scale: {parameters: …, tokens: …}`",
        ));
    }
    let mut columns = Vec::with_capacity(sizes.len());
    for size in &sizes {
        let name = size.as_ref().map(Value::text).transpose()?;
        columns.push(name.map(str::to_owned));
    }
    let mut tokens = |key: &'static str| {
        let given = is_newest.then(|| section.optional(key)).flatten();
        let read = given.map(|value| Ok::<_, IoError>((value.tokens()?, value)));
        read.transpose()
    };
    let run_tokens = tokens("run_tokens")?;
    let simulated = tokens("simulate_target_tokens")?;
    if let (Some(_), Some((_, value))) = (&run_tokens, &simulated) {
        return Err(value.error(
            "`swarm.run_tokens` and `swarm.simulate_target_tokens` are both given",
            "give simulate_target_tokens where the runs simulate the repetition of a longer run, and run_tokens where they \
             draw from whole domains",
        ));
    }
    let earlier = if is_newest {
        section.optional("earlier")
    } else {
        None
    };
    let changed = if is_newest {
        None
    } else {
        section.optional("changed")
    };
    section.finish()?;
    let share = |value: &Value<'_>| {
        value.number_that("a share above 0 and below 1", |share| {
            share > 0.0 && share < 1.0
        })
    };
    let earlier = earlier.map_or(Ok(Vec::new()), |earlier| earlier.items())?;
    let earlier = earlier
        .iter()
        .map(|one| swarm_files(one, folder, false, is_scaled));
    let mut columns = columns.into_iter();
    Ok(SwarmFiles {
        parameters: columns.next().flatten(),
        tokens: columns.next().flatten(),
        ratios_path: find_file(&ratios, folder)?,
        metrics_path: find_file(&metrics, folder)?,
        ratios: ratios.text()?.to_owned(),
        metrics: metrics.text()?.to_owned(),
        run_tokens: run_tokens.map(|(tokens, _)| tokens),
        simulate_target_tokens: simulated.map(|(tokens, _)| tokens),
        earlier: earlier.collect::<Result<_, _>>()?,
        changed: changed.map_or(Ok(Vec::new()), |value| named(&value, share))?,
    })
}

/// The files of the target's runs.
pub(super) fn target_files(value: &Value<'_>, folder: &Path) -> Result<SwarmFiles, IoError> {
    let mut section = value.section()?;
    let ratios = section.required("ratios")?;
    let metrics = section.required("metrics")?;
    section.finish()?;
    Ok(SwarmFiles {
        ratios_path: find_file(&ratios, folder)?,
        metrics_path: find_file(&metrics, folder)?,
        ratios: ratios.text()?.to_owned(),
        metrics: metrics.text()?.to_owned(),
        parameters: None,
        tokens: None,
        run_tokens: None,
        simulate_target_tokens: None,
        earlier: Vec::new(),
        changed: Vec::new(),
    })
}

/// The file a value names: in the config's folder, else in the working directory.
pub(super) fn find_file(value: &Value<'_>, folder: &Path) -> Result<PathBuf, IoError> {
    let written = Path::new(value.text()?);
    let beside = folder.join(written);
    if beside.exists() {
        return Ok(beside);
    }
    if written.exists() {
        return Ok(written.to_owned());
    }
    let looked = if beside == written {
        format!("{}", beside.display())
    } else {
        format!("{} and {}", beside.display(), written.display())
    };
    Err(value.error(
        format!("`{}` names a file that does not exist", value.path()),
        format!("looked for {looked}; correct the path"),
    ))
}

/// Columns of sizes, where `swarm` names none.
const COLUMNS: [&str; 2] = ["parameters", "tokens"];

/// The section `scale`, and the columns that have the sizes of the runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScaleConfig {
    /// The size of the run that the mixture is for.
    #[serde(flatten)]
    pub target: Scale,
    /// `swarm.parameters`: the column of parameters, in the ratios or the metrics.
    pub parameters_column: String,
    /// `swarm.tokens`: the column of tokens.
    pub tokens_column: String,
}

impl ScaleConfig {
    pub(super) fn read(
        value: Option<&Value<'_>>,
        swarm: Option<&SwarmFiles>,
    ) -> Result<Option<Self>, IoError> {
        let Some(value) = value else {
            return Ok(None);
        };
        let mut section = value.section()?;
        let parameters = section.required("parameters")?;
        let tokens = section.required("tokens")?;
        section.finish()?;
        if swarm.is_some_and(|swarm| !swarm.earlier.is_empty()) {
            return Err(value.error(
                "`scale` and `swarm.earlier` are both given: earlier swarms have a level of their own, which sizes \
                 would be mistaken for",
                "remove one of the two",
            ));
        }
        let column = |given: Option<&Option<String>>, default: &str| {
            given.cloned().flatten().unwrap_or_else(|| default.into())
        };
        Ok(Some(Self {
            target: Scale {
                parameters: parameters.parameters()?,
                tokens: tokens.tokens()?,
            },
            parameters_column: column(swarm.map(|swarm| &swarm.parameters), COLUMNS[0]),
            tokens_column: column(swarm.map(|swarm| &swarm.tokens), COLUMNS[1]),
        }))
    }

    /// Refuses a size where the best measured run is asked for. Where a rule makes the mixture, a size has no effect,
    /// which is noticed.
    pub(super) fn check_law(
        value: Option<&Value<'_>>,
        config: &mut FitConfig,
    ) -> Result<(), IoError> {
        let Some(value) = value.filter(|_| config.regression.law == LawKind::Search) else {
            return Ok(());
        };
        if config.needs_swarm() {
            return Err(value.error(
                "`scale` needs a law: no run was measured at the size that it names",
                "remove `scale`, or set regression.type to a law, such as saturating",
            ));
        }
        config.scale = None;
        config.notices.push(format!(
            "scale has no effect: the proposer {} looks at no run",
            config.proposer.kind.name()
        ));
        Ok(())
    }
}
