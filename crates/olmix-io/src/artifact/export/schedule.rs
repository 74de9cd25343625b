//! A mixture for each phase of a run, as the configuration of a trainer.

use super::blend::{Blend, BlendDomain, Run};
use super::build::whole_batches;
use super::round::apportion;
use super::text::comment;
use super::{Format, Inputs, table, trainer};
use crate::artifact::domain_weights::PhasedWeights;
use crate::error::{IoError, Location};
use crate::messages::excerpt;

/// A phase of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Its share of the run's tokens.
    pub fraction: f64,
    /// Its mixture; the run of it has the tokens of the phase.
    pub blend: Blend,
}

/// The phases of a run, rounded.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The phases in order.
    pub stages: Vec<Stage>,
    /// The whole run.
    pub run: Run,
    /// The mixture's file, for messages.
    pub file: String,
}

/// A domain in all phases.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleDomain<'a> {
    /// Its name.
    pub name: &'a str,
    /// Tokens that the run takes from it.
    pub tokens: Option<f64>,
    /// Tokens that it holds.
    pub available: Option<f64>,
}

impl ScheduleDomain<'_> {
    /// How often the run sees each of its tokens.
    #[must_use]
    pub fn epochs(&self) -> Option<f64> {
        Some(self.tokens? / self.available?)
    }
}

/// A schedule in a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScheduleText {
    /// One file for all phases.
    One(String),
    /// A file for each phase, in order.
    Each(Vec<String>),
}

impl Schedule {
    /// Puts together the mixtures of all phases. The run and everything else is as in [`Blend::new`]; where the tokens
    /// of a batch are known, each phase is a whole number of batches, by largest remainders.
    ///
    /// # Errors
    /// As [`Blend::new`], for each phase; [`IoError::Input`] where a phase is left without a batch, and where the phases
    /// together see a domain more often than the repetition factor allows.
    pub fn new(
        format: &Format,
        phased: &PhasedWeights,
        inputs: &Inputs<'_>,
    ) -> Result<Self, IoError> {
        let runs = runs(phased, inputs)?;
        let mut stages = Vec::with_capacity(runs.len());
        for (phase, run) in phased.phases.iter().zip(runs) {
            let of_phase = Inputs {
                run,
                ..inputs.clone()
            };
            stages.push(Stage {
                name: phase.name.clone(),
                fraction: phase.fraction,
                blend: Blend::new(format, &phase.weights, &of_phase)?,
            });
        }
        let schedule = Self {
            stages,
            run: inputs.run,
            file: inputs.file.to_owned(),
        };
        schedule.within(|domain| domain.tokens)?;
        Ok(schedule)
    }

    /// The domains of all phases, in the order in which they first occur.
    #[must_use]
    pub fn domains(&self) -> Vec<ScheduleDomain<'_>> {
        let mut all: Vec<ScheduleDomain<'_>> = Vec::new();
        for domain in self.stages.iter().flat_map(|stage| &stage.blend.domains) {
            match all.iter_mut().find(|known| known.name == domain.name) {
                Some(known) => {
                    known.tokens = known
                        .tokens
                        .zip(domain.tokens)
                        .map(|(one, other)| one + other);
                }
                None => all.push(ScheduleDomain {
                    name: &domain.name,
                    tokens: domain.tokens,
                    available: domain.available,
                }),
            }
        }
        all
    }

    /// The first step of each phase, from 0; `None` where the tokens of the run or of a batch are not known.
    #[must_use]
    pub fn first_steps(&self) -> Option<Vec<u64>> {
        let mut next = 0;
        let first = |stage: &Stage| {
            let begin = next;
            next += stage.blend.run.batches()?.round() as u64;
            Some(begin)
        };
        self.stages.iter().map(first).collect()
    }

    /// What the schedule says of itself, as comment lines.
    pub(super) fn header(&self, format: &Format) -> String {
        let steps = self.first_steps();
        let target = self.run.target_tokens;
        let target = target.map_or_else(String::new, |target| format!(" of {target:e} tokens"));
        let mut lines = vec![format!(
            "For a run{target} in {} phases:",
            self.stages.len()
        )];
        for (s, stage) in self.stages.iter().enumerate() {
            let mut line = format!("  {}: {} of the run", stage.name, stage.fraction);
            if let Some(tokens) = stage.blend.run.target_tokens {
                line += &format!(", {tokens:.4e} tokens");
            }
            if let Some(steps) = &steps {
                line += &format!(", from step {}", steps[s]);
            }
            lines.push(line);
        }
        if self.run.target_tokens.is_some() {
            lines.push("Over all phases together:".to_owned());
            lines.extend(self.domains().iter().map(|domain| {
                let epochs = domain.epochs();
                let epochs = epochs
                    .map_or_else(|| "epochs unknown".to_owned(), |n| format!("{n:.2} epochs"));
                format!(
                    "  {}: {:.4e} tokens, {epochs}",
                    domain.name,
                    domain.tokens.unwrap_or(0.0)
                )
            }));
        }
        let origin = self
            .stages
            .first()
            .and_then(|stage| stage.blend.origin.as_ref());
        lines.extend(origin.map(super::Origin::line));
        lines.extend(format.remarks.iter().map(|line| (*line).to_owned()));
        lines.iter().map(|line| comment(line)).collect()
    }

    /// Refuses domains of which all phases together take too many tokens, by `taken`.
    pub(super) fn within(
        &self,
        taken: impl Fn(&ScheduleDomain<'_>) -> Option<f64>,
    ) -> Result<(), IoError> {
        // Mixtures at a cap are there up to rounding, by a sequence or a token in each phase.
        let Some(most) = self.run.repetition_factor else {
            return Ok(());
        };
        let unit = self.run.sequence_length.unwrap_or(1) as f64 * self.stages.len() as f64;
        let domains = self.domains();
        let over = domains.iter().filter_map(|domain| {
            let (taken, available) = taken(domain).zip(domain.available)?;
            let allowed = most * available * (1.0 + 1e-6) + unit;
            (taken > allowed)
                .then(|| format!("`{}` {:.2} times", excerpt(domain.name), taken / available))
        });
        let over: Vec<String> = over.collect();
        if over.is_empty() {
            return Ok(());
        }
        Err(IoError::input(
            &self.file,
            Location::File,
            format!(
                "all phases together would see {}, more than the repetition factor {most}",
                over.join(", ")
            ),
            "fit for this run, lower --target-tokens, or raise --repetition-factor",
        ))
    }
}

/// The run of each phase.
fn runs(phased: &PhasedWeights, inputs: &Inputs<'_>) -> Result<Vec<Run>, IoError> {
    let run = &inputs.run;
    whole_batches(run, inputs.file)?;
    let fractions: Vec<f64> = phased.phases.iter().map(|phase| phase.fraction).collect();
    let of_phase = |target_tokens| Run {
        target_tokens,
        // It is for all phases together.
        repetition_factor: None,
        ..*run
    };
    let Some((batches, batch)) = run.batches().zip(run.batch_tokens) else {
        let tokens = |fraction: &f64| run.target_tokens.map(|target| (fraction * target).round());
        return Ok(fractions
            .iter()
            .map(|fraction| of_phase(tokens(fraction)))
            .collect());
    };
    let steps = apportion(&fractions, batches.round() as u64);
    if let Some(empty) = steps.iter().position(|&steps| steps == 0) {
        return Err(IoError::input(
            inputs.file,
            Location::File,
            format!(
                "the phase `{}` has no batch: {} of {batches} batches are 0",
                excerpt(&phased.phases[empty].name),
                fractions[empty]
            ),
            "give more --target-tokens, or fewer --batch-tokens",
        ));
    }
    let tokens = steps.iter().map(|&steps| Some((steps * batch) as f64));
    Ok(tokens.map(of_phase).collect())
}

impl Format {
    /// The text of a schedule in this format: one file where the format knows phases, else one for each.
    ///
    /// # Errors
    /// [`IoError::Input`] where the format can't hold the schedule, or needs what is not known.
    pub fn schedule(&self, schedule: &Schedule) -> Result<ScheduleText, IoError> {
        let one = match self.name {
            "levanter" => trainer::levanter::schedule(self, schedule)?,
            "mix" => table::mix::schedule(self, schedule),
            "json" => table::json::schedule(schedule),
            "csv" => table::csv::schedule(schedule)?,
            "yaml" => table::yaml::schedule(self, schedule),
            "nanotron" => trainer::nanotron::schedule(self, schedule)?,
            _ => {
                let texts = schedule.stages.iter().map(|stage| self.text(&stage.blend));
                return Ok(ScheduleText::Each(texts.collect::<Result<_, _>>()?));
            }
        };
        Ok(ScheduleText::One(one))
    }

    /// Refuses a schedule whose phases can't be told in steps.
    pub(super) fn steps_of(&self, schedule: &Schedule) -> Result<Vec<u64>, IoError> {
        schedule.first_steps().ok_or_else(|| {
            let first = schedule
                .stages
                .first()
                .map_or("", |stage| stage.name.as_str());
            IoError::input(
                &schedule.file,
                Location::File,
                format!("{} needs the steps at which the phases begin", self.name),
                format!(
                    "give --target-tokens and --batch-tokens, or name one phase: {}#{first}",
                    schedule.file
                ),
            )
        })
    }
}

/// The domain of a stage, where it has some.
pub(super) fn domain_of<'a>(stage: &'a Stage, name: &str) -> Option<&'a BlendDomain> {
    stage
        .blend
        .domains
        .iter()
        .find(|domain| domain.name == name)
}
