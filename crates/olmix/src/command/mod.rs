//! One file per command.

pub mod analyze;
mod calibrate;
pub mod collect;
pub mod compare;
mod cost;
pub mod demo;
pub mod explore;
pub mod export;
pub mod fit;
pub mod generate;
pub mod launch;
pub mod mix;
pub mod next;
pub mod predict;
pub mod priors;
pub mod project;
pub mod proxy;
pub mod study;
pub mod sweep;
pub mod tokenize;

use std::path::Path;

use olmix_fs::write_whole;
use olmix_io::LoadedFit;
use olmix_report::Figure;

use crate::args::Common;
use crate::failure::Failure;

/// More threads than this cost more to start than they can save.
const MAX_THREADS: usize = 1024;

/// Refuses a config that asks for the value of repeats where that is not known of. `why` says what does without.
fn refuse_measured_repetition(loaded: &LoadedFit, why: &str) -> Result<(), Failure> {
    if loaded.spec.repetition.is_none() {
        return Ok(());
    }
    Err(Failure::usage(
        format!(
            "{}: `constraints.repetition` is measured, and {why}",
            loaded.config.file
        ),
        "set `repetition: cap` with a repetition_factor in a config of its own; `olmix fit` says what a cap costs",
    ))
}

/// A value as indented JSON with a newline at its end.
fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| Failure::Internal(format!("a result could not be written: {error}")))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Writes a figure to a folder, as SVG and as PNG with a pixel per CSS pixel. The names of both files.
fn write_figure(folder: &Path, stem: &str, figure: &Figure) -> Result<[String; 2], Failure> {
    let files = figure.files(stem, 1.0)?;
    for (name, bytes) in &files {
        write_whole(&folder.join(name), bytes)?;
    }
    Ok(files.map(|(name, _)| name))
}

/// Runs a job on the number of threads asked for.
fn on_threads<T: Send>(
    common: Common,
    job: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    if let Some(threads) = common
        .threads
        .filter(|threads| !(1..=MAX_THREADS).contains(threads))
    {
        return Err(Failure::refused(format!(
            "--threads {threads}: give a number from 1 to {MAX_THREADS}"
        )));
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(common.threads.unwrap_or(0))
        .build()
        .map_err(|error| Failure::refused(format!("threads could not be started: {error}")))?
        .install(job)
}
