//! The registry of optimizers: one line per optimizer, from which come the kinds that a config
//! names and the dispatch.

use serde::{Deserialize, Serialize};

use super::{
    Exact, Local, MixtureOptimizer, OptimizerInput, OptimizerNeeds, OptimizerSetting,
    OptimizerSettings, Rule, Search, Simulation, Solution,
};
use crate::CoreError;

macro_rules! optimizers {
    ($(
        #[doc = $summary:literal]
        $optimizer:ident: $(#[doc = $what:literal] $name:literal => $kind:ident),+;
    )+) => {
        /// Which optimizer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum OptimizerKind {
            $($(
                #[doc = $what]
                #[serde(rename = $name)]
                $kind,
            )+)+
        }

        /// How the mixture is found.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Optimizer {
            $(
                #[doc = $summary]
                $optimizer($optimizer),
            )+
        }

        impl OptimizerKind {
            /// All of them, with their names in a config.
            pub const ALL: &'static [(&'static str, Self)] = &[$($(($name, Self::$kind)),+),+];

            /// What it works from.
            #[must_use]
            pub fn needs(self) -> OptimizerNeeds {
                match self {
                    $($(Self::$kind)|+ => $optimizer::NEEDS,)+
                }
            }

            /// Whether a config may give it the setting.
            #[must_use]
            pub fn takes(self, setting: OptimizerSetting) -> bool {
                match self {
                    $($(Self::$kind)|+ => $optimizer::takes(self, setting),)+
                }
            }

            /// The optimizer with settings, those it does not take left out.
            #[must_use]
            pub fn with_settings(self, settings: &OptimizerSettings) -> Optimizer {
                match self {
                    $(
                        $(Self::$kind)|+ => {
                            Optimizer::$optimizer($optimizer::with_settings(self, settings))
                        }
                    )+
                }
            }
        }

        impl Optimizer {
            /// Which optimizer it is.
            #[must_use]
            pub fn kind(&self) -> OptimizerKind {
                match self {
                    $(Self::$optimizer(optimizer) => optimizer.kind(),)+
                }
            }

            /// Whether the worst mixture is asked for.
            #[must_use]
            pub fn is_worst(&self) -> bool {
                match self {
                    $(Self::$optimizer(optimizer) => optimizer.is_worst(),)+
                }
            }

            /// λ, in the unit of the losses per nat, where there is a KL term.
            #[must_use]
            pub fn kl_reg(&self) -> Option<f64> {
                match self {
                    $(Self::$optimizer(optimizer) => optimizer.kl_reg(),)+
                }
            }

            /// The same with another λ, where there is a KL term.
            #[must_use]
            pub fn with_kl_reg(&self, kl_reg: f64) -> Self {
                match self {
                    $(Self::$optimizer(optimizer) => {
                        Self::$optimizer(optimizer.with_kl_reg(kl_reg))
                    })+
                }
            }

            /// The optimizer with less effort, where there is a choice: for the mixtures of resampled runs.
            #[must_use]
            pub fn for_resamples(&self) -> Self {
                match self {
                    $(Self::$optimizer(optimizer) => {
                        Self::$optimizer(optimizer.for_resamples())
                    })+
                }
            }

            /// Whether it honours [`crate::optimize::LossTerms`]: those that solve convex laws, where they
            /// look for the best mixture.
            #[must_use]
            pub fn takes_terms(&self) -> bool {
                self.kind().needs() == OptimizerNeeds::ConvexLaws && !self.is_worst()
            }

            /// How often [`Optimizer::solve`] reports progress.
            #[must_use]
            pub fn steps(&self) -> usize {
                match self {
                    $(Self::$optimizer(optimizer) => optimizer.steps(),)+
                }
            }

            /// Finds a mixture. Deterministic from the seed on any number of threads.
            ///
            /// # Errors
            /// As [`MixtureOptimizer::solve`].
            pub fn solve(&self, input: &OptimizerInput<'_>) -> Result<Solution, CoreError> {
                if input.problem.terms.is_some() && !self.takes_terms() {
                    return Err(CoreError::ObjectiveNotTaken);
                }
                match self {
                    $(Self::$optimizer(optimizer) => optimizer.solve(input),)+
                }
            }
        }

        $(
            impl From<$optimizer> for Optimizer {
                fn from(optimizer: $optimizer) -> Self {
                    Self::$optimizer(optimizer)
                }
            }
        )+
    };
}

// A line is an optimizer's summary, its type, and its kinds in a config with a line of help each.
optimizers! {
    /// The certified optimum of convex laws.
    Exact:
        /// The certified optimum of convex laws, by an interior-point method.
        "exact" => Exact;
    /// Descent from many starts, for laws of any shape.
    Local:
        /// Descent from many starts, for laws of any shape.
        "local" => Local;
    /// `RegMix`'s iterated sampling.
    Simulation:
        /// `RegMix`'s iterated sampling.
        "simulation" => Simulation;
    /// The best feasible observed run.
    Search:
        /// The best feasible observed run.
        "search" => Search;
    /// A rule that looks at sizes alone.
    Rule:
        /// In proportion to the natural distribution.
        "natural" => Natural,
        /// The same weight for each domain.
        "uniform" => Uniform,
        /// The natural distribution, flattened by an exponent.
        "temperature" => Temperature,
        /// As uniform as the caps allow.
        "unimax" => UniMax;
}

impl OptimizerKind {
    /// The optimizer's name, as in a config.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, kind)| *kind == self);
        found.map_or("", |(name, _)| name)
    }
}

impl Optimizer {
    /// The optimizer's name, as in a config.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }
}
