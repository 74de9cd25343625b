//! Settings from elsewhere, such as a command line, in place of a config's.

use olmix_core::law::LawSetting;
use olmix_core::{DeadDomains, LawKind, Ridge};

use super::{FitConfig, KlReg, Preset, not_taken, who_takes};
use crate::config::yaml::Edit;
use crate::error::{IoError, Location};

/// Settings that take the place of the config's, as if they stood in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides {
    /// Put into the config before it is read, as if they stood there.
    pub edits: Vec<Edit>,
    /// Law, granularity, optimizer and constraint of a published method; the others below come
    /// after it.
    pub preset: Option<Preset>,
    /// In place of `proposer.kl_reg`, where the optimizer has a KL term.
    pub kl_reg: Option<KlReg>,
    /// For the law of `regression.type`, once the swarm is loaded: the optimizer stays the config's.
    pub law: Option<LawKind>,
    /// In place of `regression.ridge`.
    pub ridge: Option<Ridge>,
    /// In place of `regression.dead_domains`.
    pub dead_domains: Option<DeadDomains>,
    /// In place of `diagnostics.folds`; 0 for no check.
    pub folds: Option<usize>,
    /// In place of `diagnostics.bootstrap`; 0 for none.
    pub bootstrap: Option<usize>,
}

impl Overrides {
    /// Puts the settings in place of the config's, but for the preset, which a config is read with, and the
    /// law, which replaces the config's once a swarm is loaded.
    pub(super) fn apply(&self, config: &mut FitConfig) -> Result<(), IoError> {
        let law = self.law.unwrap_or(config.regression.law);
        if self.ridge.is_some() && !law.takes(LawSetting::Ridge) {
            return Err(IoError::input(
                &config.file,
                Location::Field("regression.ridge".into()),
                format!("`--ridge` is given, but {}", not_taken(law)),
                who_takes(LawSetting::Ridge),
            ));
        }
        let regression = &mut config.regression;
        regression.ridge = self.ridge.or(regression.ridge);
        regression.dead_domains = self.dead_domains.unwrap_or(regression.dead_domains);
        if config.proposer.kl_reg.is_some() {
            config.proposer.kl_reg = self.kl_reg.or(config.proposer.kl_reg);
        }
        let diagnostics = &mut config.diagnostics;
        diagnostics.folds = self.folds.unwrap_or(diagnostics.folds);
        diagnostics.bootstrap = self.bootstrap.unwrap_or(diagnostics.bootstrap);
        Ok(())
    }
}
