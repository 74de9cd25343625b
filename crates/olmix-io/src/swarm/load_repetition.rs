//! What a fit knows of repetition: how often the runs of a swarm, and the run that the mixture is for, see their domains.

use olmix_core::repetition::MeasuredRepetition;
use olmix_core::{FitSpec, Swarm};

use super::loader::Loader;
use super::metrics_meta::MetricsMeta;
use crate::config::fit::Repetition;
use crate::error::IoError;
use crate::messages::{excerpt, first_few};

impl Loader {
    /// What `constraints.repetition: measured` asks for; `None` without it.
    pub fn measured_repetition(
        &mut self,
        swarm: &Swarm,
        spec: &FitSpec,
    ) -> Result<Option<MeasuredRepetition>, IoError> {
        if self.config.constraints.repetition != Repetition::Measured {
            let files = self.config.swarm.as_ref();
            let given = [
                ("run_tokens", files.and_then(|files| files.run_tokens)),
                (
                    "simulate_target_tokens",
                    files.and_then(|files| files.simulate_target_tokens),
                ),
            ];
            if let Some((key, _)) = given.iter().find(|(_, given)| given.is_some()) {
                self.tables.notice(format!(
                    "swarm.{key} has no effect: constraints.repetition is not measured"
                ));
            }
            return Ok(None);
        }
        let config = &self.config;
        let run_tokens = self.epoch_tokens()?;
        if config
            .swarm
            .as_ref()
            .is_some_and(|files| !files.earlier.is_empty())
        {
            return Err(self.refuse(
                "is measured, but `swarm.earlier` has runs of other times, of which is not known how often they see a domain",
                "remove `swarm.earlier`, or use token caps (`repetition: cap`)",
            ));
        }
        let without = swarm
            .domains()
            .iter()
            .filter(|domain| domain.tokens.is_none());
        let without: Vec<String> = without
            .map(|one| format!("`{}`", excerpt(&one.name)))
            .collect();
        if !without.is_empty() {
            return Err(self.setting_error(
                "priors.token_counts",
                format!(
                    "`constraints.repetition` is measured, but {} of {} domains have no token count: {}",
                    without.len(),
                    swarm.domains().len(),
                    first_few(without, 5)
                ),
                "give the token count of every domain",
            ));
        }
        let target = config.constraints.target_tokens.unwrap_or(run_tokens);
        let cap = config.constraints.repetition_factor;
        let repetition = MeasuredRepetition::new(swarm.domains(), run_tokens, target, cap);
        let repetition = repetition.map_err(|error| self.refused(error))?;
        repetition.check(swarm).map_err(|error| {
            self.refuse(
                &format!("is measured, but {error}"),
                "train proxies with `data.simulate_target_tokens` (docs/launch-config.md), so that they repeat as the target \
                 will, or use token caps (`repetition: cap`)",
            )
        })?;
        let spec = FitSpec {
            repetition: Some(repetition),
            ..spec.clone()
        };
        spec.validate().map_err(|error| {
            self.refuse(
                &format!("is measured, but {error}"),
                "change that setting, or use token caps (`repetition: cap`)",
            )
        })?;
        Ok(spec.repetition)
    }

    /// The tokens of a run on whole domains that sees each as often as the runs of the swarm do.
    fn epoch_tokens(&self) -> Result<f64, IoError> {
        let files = self.config.swarm.as_ref();
        let told = match files {
            Some(files) => MetricsMeta::read(&files.metrics_path)?,
            None => None,
        };
        // Token counts of corpora are far below 2^53.
        let told = told
            .and_then(|meta| meta.simulate_target_tokens)
            .map(|tokens| tokens as f64);
        let simulated = files.and_then(|files| files.simulate_target_tokens);
        let drawn = files.and_then(|files| files.run_tokens);
        match (simulated.or(drawn), told) {
            (Some(given), Some(told)) if given != told || drawn.is_some() => {
                let key = if drawn.is_some() { "run_tokens" } else { "simulate_target_tokens" };
                Err(self.setting_error(
                    &format!("swarm.{key}"),
                    format!(
                        "`swarm.{key}` is {given}, but by metrics.meta.json the runs simulate the repetition of a run of {told} \
                         tokens"
                    ),
                    format!("remove swarm.{key}"),
                ))
            }
            (Some(tokens), _) | (None, Some(tokens)) => Ok(tokens),
            (None, None) => Err(self.refuse(
                "is measured, but how often the runs of the swarm see their domains is not known",
                "give swarm.simulate_target_tokens where they simulate the repetition of a run of so many tokens, or \
                 swarm.run_tokens, the tokens of each run, where they draw from whole domains",
            )),
        }
    }

    fn refuse(&self, what: &str, help: &str) -> IoError {
        let message = format!("`constraints.repetition` {what}");
        self.setting_error("constraints.repetition", message, help)
    }
}
