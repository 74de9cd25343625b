//! `metrics.jsonl`: a line per step that is told, as it goes.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ProxyError;

/// A line.
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

/// The lines of a run.
pub(super) struct Journal {
    file: PathBuf,
}

impl Journal {
    /// Opens the journal of a run that has done `step` steps: later lines, and one that was cut short, go.
    pub fn open(run: &Path, step: u64) -> Result<Self, ProxyError> {
        let file = run.join("metrics.jsonl");
        let kept: Vec<StepRecord> = read(&file)
            .into_iter()
            .filter(|record| record.step <= step)
            .collect();
        let mut text = Vec::new();
        for record in &kept {
            line(&mut text, record);
        }
        olmix_io::write_whole(&file, &text)?;
        Ok(Self { file })
    }

    /// Adds a line.
    pub fn add(&self, record: &StepRecord) -> Result<(), ProxyError> {
        let mut text = Vec::new();
        line(&mut text, record);
        let mut file = OpenOptions::new()
            .append(true)
            .open(&self.file)
            .map_err(|error| ProxyError::unwritable(&self.file, &error))?;
        file.write_all(&text)
            .map_err(|error| ProxyError::unwritable(&self.file, &error))
    }
}

fn line(into: &mut Vec<u8>, record: &StepRecord) {
    if let Ok(text) = serde_json::to_vec(record) {
        into.extend(text);
        into.push(b'\n');
    }
}

/// The lines of a metrics.jsonl; none where there is no such file. A line that was cut short is left out.
#[must_use]
pub fn read(file: &Path) -> Vec<StepRecord> {
    let bytes = std::fs::read(file).unwrap_or_default();
    let lines = bytes.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}
