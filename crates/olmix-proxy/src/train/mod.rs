//! Training: the steps of a run, from its last checkpoint to its end.

mod adamw;
mod begin;
mod checkpoint;
mod export;
mod journal;
mod schedule;
mod step;
mod weights;

pub(crate) use checkpoint::checkpoints;
pub(crate) use export::{model_config, read_model};
pub(crate) use weights::read_tensors;

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::checksums::read_checked;
use crate::model::{Model, Objective};
use crate::{Batches, Hyperparameters, Metrics, ProxyError, RunPlan, SequenceIndex, Tokens};
use adamw::AdamW;
use checkpoint::Position;
use step::Lanes;

pub use export::{model_folder, save_model};
pub use journal::{EvaluationRecord, Record, StepRecord, read as read_journal};
pub use weights::write_tensors;

/// A loss so much larger than that of guessing has diverged.
const DIVERGED: f64 = 4.0;

/// Where a run stands, for a progress display.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Steps that are done.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// Tokens of a step.
    pub batch_tokens: u64,
    /// Mean cross entropy of the last step, in nats a token.
    pub loss: f64,
}

/// What happens during training, for whoever watches.
#[derive(Debug)]
pub enum Event {
    /// A checkpoint can't be read, and the one before it is taken, or the beginning.
    Damaged {
        /// The folder of the checkpoint.
        checkpoint: PathBuf,
        /// What is wrong with it.
        why: ProxyError,
    },
    /// The trained model can't be read, and is written again.
    DamagedModel {
        /// Its folder.
        model: PathBuf,
        /// What is wrong with it.
        why: ProxyError,
    },
    /// A step is done.
    Step(Progress),
}

/// Measures a model on the way.
pub type Measure<'a> = dyn Fn(&RunPlan, &Model) -> Result<Metrics, ProxyError> + 'a;

/// What training took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trained {
    /// Tokens that the model saw.
    pub tokens: u64,
    /// Seconds, of all sittings.
    pub seconds: f64,
    /// Mean cross entropy of the last step, in nats a token.
    pub loss: f64,
    /// Whether there was nothing left to do.
    pub already: bool,
}

/// Trains the run in a folder that holds its plan and its sequences, from its last checkpoint on, on the
/// threads of the current rayon pool. A run that is finished is left as it is.
///
/// The same plan ends with the same bits on any number of threads, and however often it was stopped. Memory:
/// 16 bytes for each parameter, up to 32 for gradients, and the activations of a sequence for each thread.
/// `measure` is called where the plan asks for measurements during training, which go to
/// `evaluations.jsonl`.
///
/// # Errors
/// [`ProxyError::Input`] and [`ProxyError::File`] for shards and files that can't be used;
/// [`ProxyError::Diverged`] when losses or gradients are no longer numbers, or far beyond those of guessing.
pub fn train(
    run: &Path,
    observe: &dyn Fn(Event),
    measure: &Measure<'_>,
) -> Result<Trained, ProxyError> {
    let plan = RunPlan::read(run)?;
    let recipe = &plan.recipe;
    let last_loss = || {
        let lines: Vec<StepRecord> = read_journal(run);
        lines.last().map_or(f64::NAN, |record| record.loss)
    };
    let mut model = Model::initial(plan.model.clone(), recipe.seed);
    let mut adam = AdamW::new(model.weights.len());
    let mut at = checkpoint::resume(run, &mut model, &mut adam, observe);
    if let Some(start) = plan.start.as_ref().filter(|start| at.step <= start.step) {
        at = begin::begin(start, &mut model, &mut adam)?;
    }
    let finished = |at: Position, loss, already| Trained {
        tokens: at.tokens,
        seconds: at.seconds,
        loss,
        already,
    };
    if at.step == recipe.steps && export::is_whole(run, &model, observe) {
        return Ok(finished(at, last_loss(), true));
    }
    let batches = batches(run, &plan)?;
    cut_journals(run, recipe, at.step)?;
    let mut lanes = Lanes::new(&model, recipe.batch);
    let tokens = recipe.batch * plan.model.context as u64;
    let objective = Objective {
        scale: 1.0 / tokens as f32,
        z_loss: recipe.z_loss as f32,
    };
    let bound = DIVERGED * (plan.model.vocab as f64).ln();
    let diverged = |step: u64, what: String| ProxyError::Diverged {
        run: run.display().to_string(),
        step: step + 1,
        what,
    };
    let (mut clock, mut logged) = (Instant::now(), at);
    let mut loss = last_loss();
    while at.step < recipe.steps {
        let step = at.step;
        let losses = lanes.gradients(&model, &batches, step, objective)?;
        loss = losses / tokens as f64;
        let norm = lanes.gather();
        if !loss.is_finite() || !norm.is_finite() || loss > bound {
            return Err(diverged(
                step,
                format!("the loss is {loss:.3} nats and the gradient's norm {norm:.3}"),
            ));
        }
        let decays_from = model.decays_from();
        adam.step(
            recipe,
            step,
            &mut model.weights,
            lanes.gradient(),
            norm,
            decays_from,
        );
        let seconds = clock.elapsed().as_secs_f64();
        clock = Instant::now();
        at = Position {
            step: step + 1,
            tokens: at.tokens + tokens,
            seconds: at.seconds + seconds,
        };
        let last = at.step == recipe.steps;
        if at.step.is_multiple_of(recipe.log_every) || last {
            let record = StepRecord {
                step: at.step,
                tokens: at.tokens,
                loss,
                grad_norm: norm,
                learning_rate: recipe.rate(step),
                tokens_per_second: (at.tokens - logged.tokens) as f64
                    / (at.seconds - logged.seconds),
            };
            journal::add(run, &record)?;
            logged = at;
        }
        observe(Event::Step(Progress {
            step: at.step,
            steps: recipe.steps,
            batch_tokens: tokens,
            loss,
        }));
        if recipe
            .eval_every
            .is_some_and(|every| at.step.is_multiple_of(every) || last)
        {
            let measured = measure(&plan, &model)?;
            journal::add(run, &EvaluationRecord::new(at, measured))?;
            clock = Instant::now();
        }
        if at.step.is_multiple_of(recipe.checkpoint_every) || last {
            checkpoint::save(run, at, &model, &adam)?;
        }
    }
    finish(run, &plan, &model)?;
    Ok(finished(at, loss, false))
}

/// Cuts the journals of a run back to its last checkpoint.
fn cut_journals(run: &Path, recipe: &Hyperparameters, step: u64) -> Result<(), ProxyError> {
    journal::cut::<StepRecord>(run, step)?;
    if recipe.eval_every.is_some() {
        journal::cut::<EvaluationRecord>(run, step)?;
    }
    Ok(())
}

/// Writes the trained model.
fn finish(run: &Path, plan: &RunPlan, model: &Model) -> Result<(), ProxyError> {
    let tokenizer = read_checked(run, &plan.tokenizer.to_string_lossy())?;
    save_model(&model_folder(run), model, plan.data.end_of_text, &tokenizer)
}

/// The batches of a run.
fn batches(run: &Path, plan: &RunPlan) -> Result<Batches, ProxyError> {
    let recipe = &plan.recipe;
    let index = SequenceIndex::read(run, recipe.steps * recipe.batch, plan.data.leaves.len())?;
    let leaves: Result<Vec<Tokens>, ProxyError> = plan
        .data
        .leaves
        .iter()
        .map(|leaf| Tokens::open(&leaf.shards))
        .collect();
    let (batch, context) = (recipe.batch as usize, plan.model.context);
    Ok(Batches::new(
        leaves?,
        index,
        batch,
        context,
        plan.model.vocab,
    ))
}

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
pub(crate) mod phase_tests;
#[cfg(test)]
pub(crate) mod tests;
