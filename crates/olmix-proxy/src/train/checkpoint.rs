//! Checkpoints: all that a run needs to resume, in folders that appear whole or not at all.

use std::path::{Path, PathBuf};

use olmix_fs::StagedFolder;
use serde::{Deserialize, Serialize};

use super::Event;
use super::adamw::AdamW;
use super::weights::{read_tensors, write_tensors};
use crate::checksums::{self, Checksums};
use crate::{Model, ProxyError};

const FORMAT: &str = "olmix checkpoint";
/// Version 1 has no checksums.
const VERSION: u32 = 2;
const WEIGHTS: &str = "model.safetensors";
const MOMENTS: &str = "optimizer.safetensors";
const STATE: &str = "state.json";
/// Checkpoints that are kept.
const KEPT: usize = 2;

/// The content of `state.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    format: String,
    version: u32,
    /// Steps that are done.
    step: u64,
    tokens: u64,
    /// Seconds of training up to here.
    seconds: f64,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Position {
    /// Steps that are done.
    pub step: u64,
    /// Tokens they saw.
    pub tokens: u64,
    /// Seconds they took.
    pub seconds: f64,
}

/// Writes a checkpoint, and removes all but the last two.
pub(super) fn save(
    run: &Path,
    at: Position,
    model: &Model,
    adam: &AdamW,
) -> Result<(), ProxyError> {
    let folder = StagedFolder::new(&place(run, at.step))?;
    let state = State {
        format: FORMAT.to_owned(),
        version: VERSION,
        step: at.step,
        tokens: at.tokens,
        seconds: at.seconds,
    };
    let state = serde_json::to_vec_pretty(&state)
        .map_err(|error| ProxyError::broken(&place(run, at.step), error.to_string()))?;
    let moments = [("exp_avg.", &adam.first[..]), ("exp_avg_sq.", &adam.second)];
    let weights = write_tensors(model, &[("", &model.weights)])?;
    let moments = write_tensors(model, &moments)?;
    let files = [
        (WEIGHTS, &weights[..]),
        (MOMENTS, &moments[..]),
        (STATE, &state[..]),
    ];
    for (name, bytes) in files {
        folder.write(name, bytes)?;
    }
    folder.write(checksums::FILE, Checksums::of(&files).bytes())?;
    folder.commit()?;
    // Later ones could not be read, or the run would have gone on from them.
    prune(run, at.step);
    Ok(())
}

/// Removes all checkpoints but the last two up to a step.
fn prune(run: &Path, step: u64) {
    let (done, later): (Vec<_>, Vec<_>) = checkpoints(run)
        .into_iter()
        .partition(|(of, _)| *of <= step);
    for (_, old) in done.into_iter().rev().skip(KEPT).chain(later) {
        // Nothing depends on it: what can't be removed stays.
        let _ = std::fs::remove_dir_all(old);
    }
}

/// Loads the newest checkpoint that can be read, and reports those that can't; where none can, model and
/// moments are unchanged and 0 steps are done.
pub(super) fn resume(
    run: &Path,
    model: &mut Model,
    adam: &mut AdamW,
    observe: &dyn Fn(Event),
) -> Position {
    for (step, folder) in checkpoints(run).into_iter().rev() {
        match load(&folder, step, model, adam) {
            Ok(at) => {
                // A writer that was killed may have left one more than are kept.
                let newest = checkpoints(run)
                    .last()
                    .is_some_and(|(last, _)| *last == step);
                if newest {
                    prune(run, step);
                }
                return at;
            }
            Err(why) => observe(Event::Damaged {
                checkpoint: folder,
                why,
            }),
        }
    }
    Position::default()
}

pub(super) fn load(
    folder: &Path,
    step: u64,
    model: &mut Model,
    adam: &mut AdamW,
) -> Result<Position, ProxyError> {
    let read = |name: &str| {
        let file = folder.join(name);
        std::fs::read(&file).map_err(|error| ProxyError::unreadable(&file, &error))
    };
    let file = folder.join(STATE);
    let bytes = read(STATE)?;
    let sums = Checksums::read(folder)?;
    if let Some(sums) = &sums {
        checksums::check(sums, folder, STATE, &bytes)?;
    }
    let state: State = serde_json::from_slice(&bytes)
        .map_err(|error| ProxyError::broken(&file, error.to_string()))?;
    if state.format != FORMAT || !(1..=VERSION).contains(&state.version) {
        return Err(ProxyError::broken(
            &file,
            format!("is `{}`, version {}", state.format, state.version),
        ));
    }
    if sums.is_none() && state.version > 1 {
        let file = folder.join(checksums::FILE);
        return Err(ProxyError::broken(&file, "is missing"));
    }
    if state.step != step {
        return Err(ProxyError::broken(
            &file,
            format!("is of step {}", state.step),
        ));
    }
    // Read all before anything is replaced.
    let checked = |name: &str| {
        let bytes = read(name)?;
        if let Some(sums) = &sums {
            checksums::check(sums, folder, name, &bytes)?;
        }
        Ok::<_, ProxyError>(bytes)
    };
    let (weights, file) = (checked(WEIGHTS)?, folder.join(WEIGHTS));
    let weights = read_tensors(model, &file, &weights, "")?;
    let (moments, file) = (checked(MOMENTS)?, folder.join(MOMENTS));
    let (first, second) = (
        read_tensors(model, &file, &moments, "exp_avg.")?,
        read_tensors(model, &file, &moments, "exp_avg_sq.")?,
    );
    model.weights = weights;
    (adam.first, adam.second) = (first, second);
    Ok(Position {
        step: state.step,
        tokens: state.tokens,
        seconds: state.seconds,
    })
}

fn place(run: &Path, step: u64) -> PathBuf {
    run.join("checkpoints").join(format!("step-{step:08}"))
}

/// Checkpoints of a run by their steps, in order.
pub(crate) fn checkpoints(run: &Path) -> Vec<(u64, PathBuf)> {
    let mut found: Vec<(u64, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(run.join("checkpoints"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name();
        let step = name
            .to_str()
            .and_then(|name| name.strip_prefix("step-")?.parse().ok());
        found.extend(step.map(|step| (step, entry.path())));
    }
    found.sort();
    found
}
