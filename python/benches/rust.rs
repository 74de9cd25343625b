//! The work of `scripts/python_speed.py` without Python: `cargo bench -p olmix-python --bench rust`.
#![allow(clippy::print_stdout)] // printing is what a benchmark is for
use std::path::PathBuf;
use std::time::Instant;

use olmix_core::law::LawBatch;
use olmix_core::{LawKind, fit};
use olmix_io::load_fit;
use rayon::prelude::*;

/// Mixtures that a thread predicts at a time.
const ROWS: usize = 1024;

/// Prints the medians of a number of calls: milliseconds, and those of all processors.
fn time(name: &str, count: usize, mut what: impl FnMut()) {
    let (mut passed, mut worked): (Vec<f64>, Vec<f64>) = (0..count)
        .map(|_| {
            let (start, before) = (Instant::now(), processors());
            what();
            (1e3 * start.elapsed().as_secs_f64(), processors() - before)
        })
        .unzip();
    passed.sort_by(f64::total_cmp);
    worked.sort_by(f64::total_cmp);
    println!("{name}: {:.2} {:.2}", passed[count / 2], worked[count / 2]);
}

/// Milliseconds that the threads of this process have run, as Linux tells; 0 elsewhere.
fn processors() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let told = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        told.split(' ').next()?.parse::<f64>().ok()
    });
    1e-6 * nanoseconds.sum::<f64>()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = std::env::var_os("OLMIX_DATA").map(PathBuf::from);
    let data = given.unwrap_or_else(|| PathBuf::from("../shared/data"));
    let config = data.join("olmix/dclm/fit.yaml");
    if !config.is_file() {
        println!("skipped: no {}", config.display());
        return Ok(());
    }
    let mut loaded = load_fit(&config)?;
    (loaded.spec.folds, loaded.spec.bootstrap) = (0, 0);
    loaded.spec.law = LawKind::LogLinear;
    let fitted = fit(&loaded.swarm, &loaded.spec, &())?;
    time("fit and propose", 11, || {
        drop(fit(&loaded.swarm, &loaded.spec, &()));
    });
    let (m, n) = (loaded.swarm.domains().len(), fitted.laws.len());
    let size = |s: usize, j: usize| 1.0 + ((s * (j + 3) + 5 * j) % 101) as f64;
    let mixtures: Vec<f64> = (0..1_000_000)
        .flat_map(|s| {
            let sum: f64 = (0..m).map(|j| size(s, j)).sum();
            (0..m).map(move |j| size(s, j) / sum).collect::<Vec<_>>()
        })
        .collect();
    let batch = LawBatch::new(m, &fitted.laws);
    time("predict a million mixtures", 3, || {
        let mut losses = vec![0.0; mixtures.len() / m * n];
        let chunks = losses.par_chunks_mut(ROWS * n).enumerate();
        chunks.for_each(|(chunk, losses)| {
            batch.predict(&mixtures[chunk * ROWS * m..], losses);
        });
        std::hint::black_box(losses);
    });
    Ok(())
}
