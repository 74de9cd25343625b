//! From a config to what the method is asked to do.

use olmix_core::FitSpec;
use olmix_core::optimize::{Optimizer, OptimizerSettings};

use super::loader::Loader;
use super::resolve_domains::ResolvedDomains;
use crate::config::fit::{FitConfig, KlReg, TrainSplit};
use crate::error::IoError;
use crate::messages::count;

impl Loader {
    /// What the config asks of the method over a swarm of `runs` runs. Folds that are more than the runs are
    /// noticed, and are as many as the runs.
    pub fn fit_spec(&mut self, domains: &ResolvedDomains, runs: usize) -> Result<FitSpec, IoError> {
        let (n_test, train_runs) = self.split(runs)?;
        let wanted = self.config.diagnostics.folds;
        let folds = wanted.min(runs);
        if folds < wanted {
            self.tables.notice(format!(
                "diagnostics.folds is {wanted}, more than the {}: each run is its own fold",
                count(runs, "run")
            ));
        }
        Ok(FitSpec {
            n_test,
            train_runs,
            folds,
            frozen: domains.frozen.clone(),
            ..self.settings(domains)
        })
    }

    /// What the config asks of the method where no run is looked at.
    pub fn fit_spec_without_runs(&self, domains: &ResolvedDomains) -> FitSpec {
        FitSpec {
            folds: 0,
            bootstrap: 0,
            ..self.settings(domains)
        }
    }

    /// The settings that do not depend on the runs.
    fn settings(&self, domains: &ResolvedDomains) -> FitSpec {
        let config = &self.config;
        FitSpec {
            law: config.regression.law,
            huber_delta: config.regression.huber_delta,
            ridge: config.regression.ridge,
            dead_domains: config.regression.dead_domains,
            optimizer: config.proposes().then(|| optimizer(config)),
            choose_kl: config.proposer.kl_reg == Some(KlReg::Auto),
            kl_reference: domains.kl_reference.clone(),
            constraints: domains.constraints.clone(),
            folds: config.diagnostics.folds,
            law_per_task: config.regression.law_per_task,
            target_tokens: config.constraints.target_tokens,
            bootstrap: config.diagnostics.bootstrap,
            confidence: config.diagnostics.confidence,
            seed: config.regression.seed,
            ..FitSpec::new(domains.prior.clone())
        }
    }

    /// How many runs to set aside, and how many of the others to fit to (`None` for all).
    fn split(&self, runs: usize) -> Result<(usize, Option<usize>), IoError> {
        let n_test = self.config.regression.n_test;
        if n_test >= runs {
            return Err(self.setting_error(
                "regression.n_test",
                format!("{n_test} runs are to be set aside, but there are {runs}"),
                format!("set n_test below {runs}"),
            ));
        }
        let available = runs - n_test;
        let train = match self.config.regression.train_split {
            TrainSplit::All => return Ok((n_test, None)),
            // A share below 1 of a count rounds down to a smaller count.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            TrainSplit::Fraction(share) => (share * available as f64).floor() as usize,
            TrainSplit::Count(train) => train,
        };
        if train == 0 || train > available {
            let verb = if train == 1 { "is" } else { "are" };
            return Err(self.setting_error(
                "regression.train_split",
                format!(
                    "{} {verb} to be fitted to, of {available} there are",
                    count(train, "run")
                ),
                format!("set train_split to a share, or to a number up to {available}"),
            ));
        }
        Ok((n_test, (train < available).then_some(train)))
    }
}

fn optimizer(config: &FitConfig) -> Optimizer {
    // Where λ is to be chosen, the value here is never used.
    let kl_reg = match config.proposer.kl_reg {
        Some(KlReg::Fixed(kl_reg)) => kl_reg,
        Some(KlReg::Auto) | None => 0.0,
    };
    config.proposer.kind.with_settings(&OptimizerSettings {
        kl_reg,
        worst: config.proposer.make_worst_mix,
        temperature: config.proposer.temperature,
    })
}
