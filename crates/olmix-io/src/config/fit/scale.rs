//! `scale`: the size that the mixture is for, where the swarm has runs of several sizes.

use olmix_core::LawKind;
use olmix_core::scaling::Scale;
use serde::Serialize;

use super::{FitConfig, SwarmFiles};
use crate::config::yaml::Value;
use crate::error::IoError;

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
