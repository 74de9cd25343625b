//! The laws that a specification asks for, and those to choose from.

use super::{FitSpec, Ridge};
use crate::law::{LawKind, LawOptions, LawSettings};
use crate::optimize::Optimizer;
use crate::phases::PhaseSpec;
use crate::trust::reference_laws;

impl FitSpec {
    /// How laws are fitted, before anything is chosen from data; `None` for a search, and where the
    /// law itself is to be chosen.
    #[must_use]
    pub fn law_options(&self) -> Option<LawOptions> {
        self.law.options(&self.settings())
    }

    /// The law by which earlier swarms are brought to the level of the newest
    /// ([`crate::reuse::align`]): the one asked for where it knows offsets and has a ridge,
    /// otherwise a log-linear one with a small ridge, which is determined however few runs there
    /// are of a domain.
    #[must_use]
    pub fn alignment(&self) -> LawOptions {
        let [ridged, _] = reference_laws();
        let fixed = matches!(self.ridge, Some(Ridge::Fixed(ridge)) if ridge > 0.0);
        match self.law_options() {
            Some(options @ LawOptions::LogLinear(_)) if fixed => options,
            Some(options @ LawOptions::Saturating(_)) => options,
            _ => ridged,
        }
    }

    /// The laws and settings to choose from, simpler laws first.
    ///
    /// The exact optimizer needs convex laws, so where it is asked for the choice is among those. Where domains
    /// keep their ratios in the solve, it is among laws that have a form over virtual domains.
    #[must_use]
    pub fn candidates(&self) -> Vec<LawOptions> {
        let mut candidates = self.all_candidates();
        if !self.frozen.is_empty() {
            candidates.retain(LawOptions::has_virtual_form);
        }
        if self.repetition.is_some() {
            candidates.retain(LawOptions::takes_repeats);
        }
        candidates
    }

    /// The candidates over phases: each law of amounts alone, and each over the domains of phases.
    #[must_use]
    pub(crate) fn candidates_over_phases(
        &self,
        of: &PhaseSpec,
        tells_timing: bool,
    ) -> Vec<LawOptions> {
        let laws = self.candidates();
        let tied = laws.iter().map(|law| LawOptions::tied(law, &of.phases));
        let mut candidates: Vec<LawOptions> = tied.collect();
        if tells_timing {
            candidates.extend(laws);
        }
        candidates
    }

    /// Where the law is to be chosen and the exact optimizer limits the choice to convex laws: the others.
    #[must_use]
    pub fn candidates_barred_by_exact(&self) -> Vec<LawOptions> {
        if self.law != LawKind::Auto || !matches!(self.optimizer, Some(Optimizer::Exact(_))) {
            return Vec::new();
        }
        let settings = self.settings();
        let options = LawKind::FITTED.iter();
        let options = options.filter_map(|kind| kind.options(&settings));
        options
            .map(LawOptions::quick)
            .filter(|options| !options.is_convex())
            .collect()
    }

    fn all_candidates(&self) -> Vec<LawOptions> {
        if let Some(options) = self.law_options() {
            return options.candidates();
        }
        let settings = self.settings();
        let options = LawKind::FITTED.iter();
        let options = options.filter_map(|kind| kind.options(&settings));
        let options = options.map(LawOptions::quick);
        let exact = matches!(self.optimizer, Some(Optimizer::Exact(_)));
        options
            .filter(|options| !exact || options.is_convex())
            .flat_map(|options| options.candidates())
            .collect()
    }

    /// Every law with the settings it has when nothing is said of them, simpler laws first, and the
    /// log-linear one with a small ridge too; those that lack something this config does not give
    /// are left out.
    #[must_use]
    pub fn every_law(&self) -> Vec<(&'static str, LawOptions)> {
        let plain = LawSettings {
            target_tokens: self.target_tokens,
            seed: self.seed,
            ..LawSettings::default()
        };
        let mut laws = Vec::new();
        for &kind in LawKind::FITTED {
            if let Some(options) = kind.options(&plain) {
                let [ridged, _] = reference_laws();
                laws.push((kind.name(), options.quick()));
                if kind == LawKind::LogLinear {
                    laws.push(("log_linear, ridge 3e-5", ridged));
                }
            }
        }
        laws
    }

    /// What the laws are given of this.
    fn settings(&self) -> LawSettings {
        LawSettings {
            huber_delta: self.huber_delta,
            ridge: match self.ridge {
                Some(Ridge::Fixed(ridge)) => Some(ridge),
                Some(Ridge::Auto) | None => None,
            },
            target_tokens: self.target_tokens,
            seed: self.seed,
        }
    }
}
