//! The registry of laws: one line per law (at the end of this file), from which come the kinds of laws
//! that a config names, the settings of a fit and the laws of a file.
//!
//! First come the interfaces behind which laws of all types are alike, then the macro that makes the
//! enums of the lines, then the lines.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    AutoScale, AutoScaleOptions, Averaged, Basis, BiMix, BiMixOptions, BoostedTrees,
    BoostedTreesOptions, EffectiveData, EffectiveDataOptions, FitData, GaussianProcess,
    GaussianProcessOptions, Law, LawFamily, LawSetting, LawSettings, LogLinear, LogLinearOptions,
    PhasedLaw, PhasedOptions, Repeated, Repeats, Saturating, SaturatingOptions, Shape, TaskReport,
};
#[cfg(test)]
use super::{Linear, LinearOptions};
use crate::calibrate::Calibrated;
use crate::{CoreError, Matrix};

/// What a law's line in the registry says.
pub trait Registered: Sized + Sync {
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

/// What is known of a law before it has settings.
pub(super) struct KindEntry {
    pub name: &'static str,
    pub summary: &'static str,
    pub shape: Shape,
    pub settings: &'static [LawSetting],
    pub with_settings: fn(&LawSettings) -> Option<LawOptions>,
}

impl KindEntry {
    pub fn of<F: LawFamily + Into<LawOptions>>() -> Self {
        Self {
            name: F::NAME,
            summary: F::SUMMARY.trim_ascii(),
            shape: F::SHAPE,
            settings: F::SETTINGS,
            with_settings: |settings| F::with_settings(settings).map(Into::into),
        }
    }
}

/// Fitted laws with how each fit went, one per task.
pub(super) type Fitted = Vec<(FittedLaw, TaskReport)>;

/// A [`LawFamily`] of any type; its methods are those of that trait.
pub(super) trait AnyFamily: Sync {
    fn kind(&self) -> LawKind;
    fn describe(&self) -> String;
    fn needed(&self, live: usize) -> usize;
    fn parameters(&self, live: usize) -> usize;
    fn design_functions(&self) -> Option<Vec<Basis>>;
    fn quick(&self) -> LawOptions;
    fn candidates(&self) -> Vec<LawOptions>;
    fn refinements(&self) -> Vec<LawOptions>;
    fn folds_by_refit(&self) -> bool;
    fn fit(&self, data: &FitData<'_>, progress: &(dyn Fn() + Sync)) -> Result<Fitted, CoreError>;
    /// Laws of another kind come back as they are: there is nothing to fit again.
    fn refit(
        &self,
        data: &FitData<'_>,
        weights: &[f64],
        from: &[(usize, &FittedLaw)],
    ) -> Vec<FittedLaw>;
}

impl<F> AnyFamily for F
where
    F: LawFamily + Into<LawOptions> + Sync,
    F::Law: Into<FittedLaw>,
{
    fn kind(&self) -> LawKind {
        F::KIND
    }

    fn describe(&self) -> String {
        LawFamily::describe(self)
    }

    fn needed(&self, live: usize) -> usize {
        LawFamily::needed(self, live)
    }

    fn parameters(&self, live: usize) -> usize {
        LawFamily::parameters(self, live)
    }

    fn design_functions(&self) -> Option<Vec<Basis>> {
        LawFamily::design_functions(self)
    }

    fn quick(&self) -> LawOptions {
        LawFamily::quick(self).into()
    }

    fn candidates(&self) -> Vec<LawOptions> {
        LawFamily::candidates(self)
            .into_iter()
            .map(Into::into)
            .collect()
    }

    fn refinements(&self) -> Vec<LawOptions> {
        LawFamily::refinements(self)
            .into_iter()
            .map(Into::into)
            .collect()
    }

    fn folds_by_refit(&self) -> bool {
        LawFamily::folds_by_refit(self)
    }

    fn fit(&self, data: &FitData<'_>, progress: &(dyn Fn() + Sync)) -> Result<Fitted, CoreError> {
        let fitted = LawFamily::fit(self, data, progress)?.into_iter();
        Ok(fitted.map(|(law, report)| (law.into(), report)).collect())
    }

    fn refit(
        &self,
        data: &FitData<'_>,
        weights: &[f64],
        from: &[(usize, &FittedLaw)],
    ) -> Vec<FittedLaw> {
        let own = from
            .iter()
            .filter_map(|(task, law)| Some((*task, F::of(law)?)));
        let mut again = LawFamily::refit(self, data, weights, &own.collect::<Vec<_>>()).into_iter();
        let next = |(_, law): &(usize, &FittedLaw)| match F::of(law) {
            Some(_) => again.next().map_or_else(|| (*law).clone(), Into::into),
            None => (*law).clone(),
        };
        from.iter().map(next).collect()
    }
}

/// The family that a fitted law belongs to.
pub(super) trait HasFamily: Law {
    type Family: LawFamily<Law = Self>;
}

/// A fitted law of any type, with what its family says of it.
pub(crate) trait AnyLaw {
    fn law(&self) -> &dyn Law;
    fn kind(&self) -> LawKind;
    fn shape(&self) -> Shape;
    fn validate(&self, m: usize) -> Result<(), String>;
    fn floor(&self) -> f64;
    fn log_slope(&self, p: &[f64], reducible: f64, into: &mut [f64]);
    fn shared_runs(&self) -> Option<&Arc<Matrix>>;
    fn share_runs(&mut self, runs: &Arc<Matrix>);
}

impl<L: HasFamily> AnyLaw for L {
    fn law(&self) -> &dyn Law {
        self
    }

    fn kind(&self) -> LawKind {
        <L::Family as Registered>::KIND
    }

    fn shape(&self) -> Shape {
        L::Family::SHAPE
    }

    fn validate(&self, m: usize) -> Result<(), String> {
        L::Family::validate(self, m)
    }

    fn floor(&self) -> f64 {
        L::Family::floor(self)
    }

    fn log_slope(&self, p: &[f64], reducible: f64, into: &mut [f64]) {
        L::Family::log_slope(self, p, reducible, into);
    }

    fn shared_runs(&self) -> Option<&Arc<Matrix>> {
        L::Family::shared_runs(self)
    }

    fn share_runs(&mut self, runs: &Arc<Matrix>) {
        L::Family::share_runs(self, runs);
    }
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
            /// The weighted average of several laws, the same for each task.
            #[serde(rename = "averaged")]
            Averaged {
                /// Each above 0, the greatest first; they sum to 1.
                weights: Vec<f64>,
                /// As many laws; none of them is itself averaged, by task or of phases.
                laws: Vec<LawOptions>,
            },
            /// A law over domains, of the effective exposure in several phases.
            #[serde(rename = "phased")]
            Phased(PhasedOptions),
            /// A law of its own kind for each task.
            #[serde(rename = "per_task")]
            PerTask {
                /// Aligned with the tasks; none of them is itself `PerTask`.
                tasks: Vec<LawOptions>,
            },
            /// A law of effective weights, which repeats add less to.
            #[serde(rename = "repeated")]
            Repeated {
                /// What repeats are worth in the runs of the swarm.
                repeats: Repeats,
                /// One that [`LawOptions::takes_repeats`].
                law: Box<LawOptions>,
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
            /// The weighted average of several of these.
            #[serde(rename = "averaged")]
            Averaged(Box<Averaged>),
            /// Any of these, of the effective exposure in several phases.
            #[serde(rename = "phased")]
            Phased(Box<PhasedLaw>),
            /// Any of these that falls in each of its inputs, with the decreasing value of repeats.
            #[serde(rename = "repeated")]
            Repeated(Box<Repeated>),
            /// Any of these, with the level and amplitude of another model.
            #[serde(rename = "calibrated")]
            Calibrated(Box<Calibrated>),
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
            /// The law's family, unless each task has its own. Of a law of effective weights, that of the law.
            pub(super) fn family(&self) -> Option<&dyn AnyFamily> {
                match self {
                    $($(#[cfg($when)])? Self::$kind(options) => Some(options),)+
                    Self::Phased(options) => Some(options),
                    Self::Repeated { law, .. } => law.family(),
                    Self::PerTask { .. } | Self::Averaged { .. } => None,
                }
            }
        }

        impl FittedLaw {
            /// The law with what its family says of it.
            pub(crate) fn any(&self) -> &dyn AnyLaw {
                match self {
                    $($(#[cfg($when)])? Self::$kind(law) => law,)+
                    Self::Phased(law) => &**law,
                    Self::Repeated(law) => &**law,
                    Self::Averaged(law) => &**law,
                    Self::Calibrated(law) => &**law,
                }
            }

            /// As [`FittedLaw::any`], to be changed.
            pub(super) fn any_mut(&mut self) -> &mut dyn AnyLaw {
                match self {
                    $($(#[cfg($when)])? Self::$kind(law) => law,)+
                    Self::Phased(law) => &mut **law,
                    Self::Repeated(law) => &mut **law,
                    Self::Averaged(law) => &mut **law,
                    Self::Calibrated(law) => &mut **law,
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
    /// `exp(log c) + exp(b − log(1 + κ Σ v p^a) / κ + u·p)` per task, with `v, κ ≥ 0`.
    "effective_data" => EffectiveData(EffectiveDataOptions, EffectiveData);
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
