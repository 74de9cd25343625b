//! The exact optimizer with its settings: the certified optimum, or a local maximum where the worst
//! mixture is asked for.

use crate::CoreError;
use crate::optimize::{
    ExactProblem, MixtureOptimizer, OptimizerInput, OptimizerKind, OptimizerNeeds,
    OptimizerSetting, OptimizerSettings, Solution, solve_exact, worst_mix,
};

/// `min_p Σ w_i f̂_i(p) + λ KL(p ‖ q)` by an interior-point method, with a certificate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exact {
    /// λ ≥ 0, in the unit of the losses per nat.
    pub kl_reg: f64,
    /// Find the worst mixture instead: a counterfactual, and a local maximum.
    pub worst: bool,
}

impl MixtureOptimizer for Exact {
    const NEEDS: OptimizerNeeds = OptimizerNeeds::ConvexLaws;

    fn takes(_: OptimizerKind, setting: OptimizerSetting) -> bool {
        setting == OptimizerSetting::KlReg
    }

    fn with_settings(_: OptimizerKind, settings: &OptimizerSettings) -> Self {
        Self {
            kl_reg: settings.kl_reg,
            worst: settings.worst,
        }
    }

    fn kind(&self) -> OptimizerKind {
        OptimizerKind::Exact
    }

    fn is_worst(&self) -> bool {
        self.worst
    }

    fn kl_reg(&self) -> Option<f64> {
        Some(self.kl_reg)
    }

    fn with_kl_reg(&self, kl_reg: f64) -> Self {
        Self { kl_reg, ..*self }
    }

    fn steps(&self) -> usize {
        0
    }

    fn solve(&self, input: &OptimizerInput<'_>) -> Result<Solution, CoreError> {
        let problem = ExactProblem {
            kl_reg: self.kl_reg,
            ..input.problem
        };
        if self.worst {
            input.all_free()?;
            return worst_mix(&problem);
        }
        match input.keeping_ratios {
            Some(solve) => solve(&problem),
            None => solve_exact(&problem),
        }
    }
}
