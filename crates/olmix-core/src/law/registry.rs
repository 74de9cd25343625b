//! The registry of laws: one line per law, from which come the kinds of laws that a config names,
//! the settings of a fit and the laws of a file.

use serde::{Deserialize, Serialize};

use super::erased::{AnyFamily, AnyLaw, HasFamily, KindEntry};
use super::{
    AutoScale, AutoScaleOptions, BiMix, BiMixOptions, BoostedTrees, BoostedTreesOptions,
    GaussianProcess, GaussianProcessOptions, Law, LogLinear, LogLinearOptions, Saturating,
    SaturatingOptions,
};
#[cfg(test)]
use super::{Linear, LinearOptions};

/// What a law's line in the registry says.
pub trait Registered: Sized {
    /// The fitted law of one task.
    type Law: Law;
    /// Which law it is.
    const KIND: LawKind;
    /// Its name, as in a config.
    const NAME: &'static str;
    /// One line for help.
    const SUMMARY: &'static str;

    /// The law, where `law` is of this kind.
    fn of(law: &FittedLaw) -> Option<&Self::Law>;
}

macro_rules! laws {
    ($(
        #[doc = $summary:literal]
        $(#[cfg($when:meta)])?
        $name:literal => $kind:ident($options:ident, $law:ident);
    )+) => {
        /// Which law is fitted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum LawKind {
            $(
                #[doc = $summary]
                $(#[cfg($when)])?
                #[serde(rename = $name)]
                $kind,
            )+
            /// The law with the least out-of-fold error on this swarm.
            #[serde(rename = "auto")]
            Auto,
            /// No law: the observed runs speak for themselves.
            #[serde(rename = "search")]
            Search,
        }

        /// A law to fit, with its settings.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type")]
        pub enum LawOptions {
            $(
                #[doc = $summary]
                $(#[cfg($when)])?
                #[serde(rename = $name)]
                $kind($options),
            )+
            /// A law of its own kind for each task.
            #[serde(rename = "per_task")]
            PerTask {
                /// Aligned with the tasks; none of them is itself `PerTask`.
                tasks: Vec<LawOptions>,
            },
        }

        /// A fitted law of one task.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type")]
        pub enum FittedLaw {
            $(
                #[doc = $summary]
                $(#[cfg($when)])?
                #[serde(rename = $name)]
                $kind($law),
            )+
        }

        impl LawKind {
            /// The laws that are fitted, simpler ones first.
            pub const FITTED: &'static [Self] = &[$($(#[cfg($when)])? Self::$kind),+];

            /// What the registry knows of a law that is fitted.
            pub(super) fn entry(self) -> Option<KindEntry> {
                match self {
                    $($(#[cfg($when)])? Self::$kind => Some(KindEntry::of::<$options>()),)+
                    Self::Auto | Self::Search => None,
                }
            }
        }

        impl LawOptions {
            /// The law's family, unless each task has its own.
            pub(super) fn family(&self) -> Option<&dyn AnyFamily> {
                match self {
                    $($(#[cfg($when)])? Self::$kind(options) => Some(options),)+
                    Self::PerTask { .. } => None,
                }
            }
        }

        impl FittedLaw {
            /// The law with what its family says of it.
            pub(super) fn any(&self) -> &dyn AnyLaw {
                match self {
                    $($(#[cfg($when)])? Self::$kind(law) => law,)+
                }
            }

            /// As [`FittedLaw::any`], to be changed.
            pub(super) fn any_mut(&mut self) -> &mut dyn AnyLaw {
                match self {
                    $($(#[cfg($when)])? Self::$kind(law) => law,)+
                }
            }
        }

        $(
            $(#[cfg($when)])?
            impl Registered for $options {
                type Law = $law;
                const KIND: LawKind = LawKind::$kind;
                const NAME: &'static str = $name;
                const SUMMARY: &'static str = $summary;

                fn of(law: &FittedLaw) -> Option<&$law> {
                    match law {
                        FittedLaw::$kind(law) => Some(law),
                        _ => None,
                    }
                }
            }

            $(#[cfg($when)])?
            impl HasFamily for $law {
                type Family = $options;
            }

            $(#[cfg($when)])?
            impl From<$options> for LawOptions {
                fn from(options: $options) -> Self {
                    Self::$kind(options)
                }
            }

            $(#[cfg($when)])?
            impl From<$law> for FittedLaw {
                fn from(law: $law) -> Self {
                    Self::$kind(law)
                }
            }
        )+
    };
}

// Simpler laws first: a tie between laws goes to the first. A line is the law's summary for help, its
// name in configs and files, its variant, the type of its settings and the type of its coefficients.
laws! {
    /// `exp(log c) + exp(t·p)` per task.
    "log_linear" => LogLinear(LogLinearOptions, LogLinear);
    /// `exp(log c) + exp(b − Σ v φ(p))` per task, with `v ≥ 0` and concave `φ`.
    "saturating" => Saturating(SaturatingOptions, Saturating);
    /// `c + Σ (R (A + p))^(−γ)` per task, for runs of `R` tokens.
    "autoscale" => AutoScale(AutoScaleOptions, AutoScale);
    /// `Σ F max(p, ε)^(−α)` per task.
    "bimix" => BiMix(BiMixOptions, BiMix);
    /// A Gaussian process per task.
    "gp" => Gp(GaussianProcessOptions, GaussianProcess);
    /// Gradient-boosted trees per task.
    "lightgbm" => LightGbm(BoostedTreesOptions, BoostedTrees);
    /// `c + t·p` per task: the worked example of `CONTRIBUTING.md`, in tests only.
    #[cfg(test)]
    "linear" => Linear(LinearOptions, Linear);
}
