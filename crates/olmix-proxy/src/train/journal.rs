//! The journals of a run, one JSON object a line: losses in `metrics.jsonl`, measurements during training in
//! `evaluations.jsonl`.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::checkpoint::Position;
use crate::{Metrics, ProxyError};

/// A line of a journal.
pub trait Record: Serialize + DeserializeOwned {
    /// The journal's file in a run's folder.
    const FILE: &'static str;

    /// Steps that were done.
    fn step(&self) -> u64;
}

/// A line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Steps that were done, this one included.
    pub step: u64,
    /// Tokens that they saw.
    pub tokens: u64,
    /// Mean cross entropy of the step's tokens, in nats.
    pub loss: f64,
    /// Norm of the step's gradient before it was clipped.
    pub grad_norm: f64,
    /// Its learning rate.
    pub learning_rate: f64,
    /// Tokens a second since the line before.
    pub tokens_per_second: f64,
}

/// A line of `evaluations.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// Steps that were done.
    pub step: u64,
    /// Tokens that they saw.
    pub tokens: u64,
    /// What was measured then, as in metrics.json.
    pub metrics: BTreeMap<String, f64>,
    /// By which definition tasks were measured, as in metrics.json.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<String>,
}

impl EvaluationRecord {
    /// What was measured when training had come this far.
    pub(super) fn new(at: Position, measured: Metrics) -> Self {
        Self {
            step: at.step,
            tokens: at.tokens,
            metrics: measured.metrics,
            task_definition: measured.task_definition,
        }
    }
}

impl Record for StepRecord {
    const FILE: &'static str = "metrics.jsonl";

    fn step(&self) -> u64 {
        self.step
    }
}

impl Record for EvaluationRecord {
    const FILE: &'static str = "evaluations.jsonl";

    fn step(&self) -> u64 {
        self.step
    }
}

/// Cuts a journal back to the lines of the first `step` steps: later lines are removed, and one that was cut
/// short. A journal that is not there is made.
pub(super) fn cut<R: Record>(run: &Path, step: u64) -> Result<(), ProxyError> {
    let earlier = read::<R>(run)
        .into_iter()
        .filter(|record| record.step() <= step);
    let text: Vec<u8> = earlier.flat_map(|record| line(&record)).collect();
    Ok(olmix_fs::write_whole(&place::<R>(run), &text)?)
}

/// Adds a line to a journal.
pub(super) fn add<R: Record>(run: &Path, record: &R) -> Result<(), ProxyError> {
    let file = place::<R>(run);
    let mut open = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&file)
        .map_err(|error| ProxyError::unwritable(&file, &error))?;
    open.write_all(&line(record))
        .map_err(|error| ProxyError::unwritable(&file, &error))
}

/// The lines of a run's journal; none where there is no such file. A line that was cut short is left out.
#[must_use]
pub fn read<R: Record>(run: &Path) -> Vec<R> {
    let bytes = std::fs::read(place::<R>(run)).unwrap_or_default();
    let lines = bytes.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

fn place<R: Record>(run: &Path) -> PathBuf {
    run.join(R::FILE)
}

fn line(record: &impl Record) -> Vec<u8> {
    let mut text = serde_json::to_vec(record).unwrap_or_default();
    text.push(b'\n');
    text
}
