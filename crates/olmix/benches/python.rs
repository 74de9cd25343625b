//! The work of `scripts/python_speed.py` without Python: `cargo bench -p olmix --bench python`.
#![allow(clippy::print_stdout)] // printing is what a benchmark is for
use std::path::PathBuf;
use std::time::Instant;

use olmix_core::law::LawBatch;
use olmix_core::{LawKind, fit};
use olmix_io::load_fit;
use rayon::prelude::*;

/// Mixtures that a thread predicts at a time.
const ROWS: usize = 1024;

/// The median milliseconds of a number of calls.
fn median(count: usize, mut what: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..count)
        .map(|_| {
            let start = Instant::now();
            what();
            1e3 * start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[count / 2]
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
    let ms = median(11, || drop(fit(&loaded.swarm, &loaded.spec, &())));
    println!("fit and propose: {ms:.2} ms");
    let (m, n) = (loaded.swarm.domains().len(), fitted.laws.len());
    let size = |s: usize, j: usize| 1.0 + ((s * (j + 3) + 5 * j) % 101) as f64;
    let mixtures: Vec<f64> = (0..1_000_000)
        .flat_map(|s| {
            let sum: f64 = (0..m).map(|j| size(s, j)).sum();
            (0..m).map(move |j| size(s, j) / sum).collect::<Vec<_>>()
        })
        .collect();
    let batch = LawBatch::new(m, &fitted.laws);
    let ms = median(3, || {
        let mut losses = vec![0.0; mixtures.len() / m * n];
        let chunks = losses.par_chunks_mut(ROWS * n).enumerate();
        chunks.for_each(|(chunk, losses)| {
            let share = |s: usize, j: usize| mixtures[(chunk * ROWS + s) * m + j];
            batch.predict(losses.len() / n, share, losses);
        });
        std::hint::black_box(losses);
    });
    println!("predict a million mixtures: {ms:.2} ms");
    Ok(())
}
