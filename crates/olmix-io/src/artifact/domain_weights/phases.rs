//! The mixtures of a `mixture.json` of several phases.

use std::path::Path;

use super::{DomainWeights, made_by, phase_of};
use crate::artifact::mixture_file::{FORMAT, MixtureFile};
use crate::error::IoError;
use crate::input::InputFile;

/// A mixture for each phase of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct PhasedWeights {
    /// The phases in order.
    pub phases: Vec<PhaseWeights>,
    /// Tokens of the whole run that they were made for.
    pub target_tokens: Option<f64>,
    /// How often that run may see a token.
    pub repetition_factor: Option<f64>,
    /// How they were made, where the file says so.
    pub made_by: Option<String>,
}

/// One phase.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseWeights {
    /// Its name.
    pub name: String,
    /// Its share of the run's tokens; all sum to 1.
    pub fraction: f64,
    /// Its mixture.
    pub weights: DomainWeights,
}

impl PhasedWeights {
    /// The phases of a `mixture.json`; `None` for a mixture without phases, and for any other file, such as one with a
    /// phase named behind a `#`.
    ///
    /// # Errors
    /// [`IoError`] for a mixture in phases that can't be read, or whose fit proposed none.
    pub fn read(path: &Path) -> Result<Option<Self>, IoError> {
        if !path.is_file() {
            return Ok(None);
        }
        let input = InputFile::read(path, None)?;
        let Ok(text) = input.text() else {
            return Ok(None);
        };
        if !text.contains(&format!("\"{FORMAT}\"")) {
            return Ok(None);
        }
        let file = MixtureFile::parse(&input.name, text)?;
        let Some(of) = &file.phases else {
            return Ok(None);
        };
        let phase = |phase: &crate::artifact::mixture_file::PhaseEntry| {
            Ok(PhaseWeights {
                name: phase.name.clone(),
                fraction: phase.fraction,
                weights: phase_of(&input.name, text, &phase.name)?.normalized(&input.name)?,
            })
        };
        let phases: Result<Vec<PhaseWeights>, IoError> = of.phases.iter().map(phase).collect();
        Ok(Some(Self {
            phases: phases?,
            target_tokens: file.target_tokens,
            repetition_factor: file.repetition_factor,
            made_by: made_by(&file),
        }))
    }

    /// The shares of all tokens of the run.
    #[must_use]
    pub fn amounts(&self) -> DomainWeights {
        let mut all: Vec<(String, f64)> = Vec::new();
        for phase in &self.phases {
            for (name, share) in &phase.weights.weights {
                let share = phase.fraction * share;
                match all.iter_mut().find(|(known, _)| known == name) {
                    Some((_, sum)) => *sum += share,
                    None => all.push((name.clone(), share)),
                }
            }
        }
        let first = self.phases.first();
        DomainWeights {
            tokens: first.and_then(|phase| phase.weights.tokens.clone()),
            target_tokens: self.target_tokens,
            repetition_factor: self.repetition_factor,
            made_by: self.made_by.clone(),
            ..DomainWeights::of(all)
        }
    }
}
