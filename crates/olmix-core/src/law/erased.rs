//! Laws and their families behind one interface, whatever their types: made once, for all that the
//! registry has.

use std::sync::Arc;

use super::registry::{FittedLaw, LawKind, LawOptions, Registered};
use super::{FitData, Law, LawFamily, LawSetting, LawSettings, Shape, TaskReport};
use crate::{CoreError, Matrix};

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
pub(super) trait AnyFamily {
    fn kind(&self) -> LawKind;
    fn describe(&self) -> String;
    fn needed(&self, live: usize) -> usize;
    fn parameters(&self, live: usize) -> usize;
    fn quick(&self) -> LawOptions;
    fn candidates(&self) -> Vec<LawOptions>;
    fn refinements(&self) -> Vec<LawOptions>;
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
    F: LawFamily + Into<LawOptions>,
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
pub(super) trait AnyLaw {
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
