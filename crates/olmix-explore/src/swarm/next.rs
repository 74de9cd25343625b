//! The runs worth training next: those after which a law predicts best where a mixture may be proposed.

use olmix_core::generate::{
    Level, Node, Sampler, SamplerOptions, Tree, prediction_error, region, v_optimal,
};
use olmix_core::{Matrix, total_variation};
use serde_json::{Value, json};

use super::mixtures;
use crate::error::ApiError;
use crate::explorer::Explorer;
use crate::model::Model;

/// Runs that may be asked for at once.
const MOST: usize = 256;
/// Draws that the design chooses from, and the numbers that their features may hold together.
const CANDIDATES: usize = 1000;
const NUMBERS: usize = 4_000_000;
/// Draws for each candidate before the search is given up.
const DRAWS_EACH: usize = 50;
/// Strengths of the draws, as `olmix generate` has them.
const STRENGTHS: (f64, f64) = (0.1, 5.0);
/// Shares below this become zero, as there.
const MINIMUM: f64 = 0.002;

/// `count` mixtures for the least average variance of a law's predictions, with the runs that are there: the design
/// `v_optimal` of `olmix generate`, over the domains of the mixture file. Deterministic.
///
/// # Errors
/// [`ApiError`] where no runs are known, and for numbers out of range.
pub fn next(explorer: &Explorer, count: usize) -> Result<Value, ApiError> {
    let model = explorer.laws()?;
    if !(1..=MOST).contains(&count) {
        return Err(ApiError::refused(
            format!("{count} runs are asked for"),
            &format!("ask for 1 to {MOST}"),
        ));
    }
    let runs = mixtures(explorer, &model)?;
    let begun: Vec<Vec<f64>> = (0..runs.rows()).map(|k| runs.row(k).to_vec()).collect();
    let m = model.domains.len();
    let tree = tree(&model)?;
    let level = Level {
        strength: STRENGTHS,
        temperature: 1.0,
        minimum: MINIMUM,
    };
    let options = SamplerOptions {
        sources: level,
        topics: level,
        multiples_of: None,
        nonzero: Vec::new(),
        caps: None,
        existing: begun.clone(),
        seed: model.file.seed,
    };
    let sampler = Sampler::new(&tree, &options)?;
    let candidates = (NUMBERS / (1 + 2 * m)).clamp(2 * count, CANDIDATES.max(2 * count));
    let (pool, _) = sampler.distinct(candidates, candidates * DRAWS_EACH);
    // Where a solve may propose: what no run sampled is held, and is no matter of more runs.
    let region = region(&tree, (1.0, 1.0), caps(&model).as_deref(), model.file.seed)?;
    let chosen = v_optimal(&pool, &begun, &region, count, &|| ());
    let after: Vec<&Vec<f64>> = begun
        .iter()
        .chain(chosen.iter().map(|&k| &pool[k]))
        .collect();
    let (before, after) = (
        prediction_error(&begun, &region),
        prediction_error(&after, &region),
    );
    let found: Vec<Value> = chosen
        .iter()
        .map(|&k| json!({"weights": pool[k], "why": why(&model, &runs, &pool[k])}))
        .collect();
    let sentence = format!(
        "With {} more runs, the standard error of a law's prediction where a mixture may be proposed is expected to fall \
         by {:.0} %, from {before:.2} to {after:.2} times the noise of one run.",
        found.len(),
        100.0 * (1.0 - after / before)
    );
    Ok(json!({"runs": found, "before": before, "after": after, "sentence": sentence}))
}

/// The domains as sources of a tree of one level.
fn tree(model: &Model) -> Result<Tree, ApiError> {
    let node = |(domain, prior): (&olmix_core::Domain, &f64)| Node {
        name: domain.name.clone(),
        size: *prior,
        manual: false,
        pinned: None,
        tokens: domain.tokens,
        children: Vec::new(),
    };
    let nodes: Vec<Node> = model.domains.iter().zip(&model.prior).map(node).collect();
    Ok(Tree::new(&nodes)?)
}

/// The greatest weights that the file's solve may propose.
fn caps(model: &Model) -> Option<Vec<f64>> {
    let caps: Option<Vec<f64>> = model.file.domains.iter().map(|domain| domain.cap).collect();
    caps.filter(|caps| caps.iter().sum::<f64>() > 1.0)
}

/// What is special about a mixture, next to the runs.
fn why(model: &Model, runs: &Matrix, p: &[f64]) -> String {
    let mean = |j: usize| runs.column(j).iter().sum::<f64>() / runs.rows().max(1) as f64;
    let apart = |j: usize| p[j] - mean(j);
    let most = (0..p.len())
        .max_by(|a, b| apart(*a).total_cmp(&apart(*b)))
        .unwrap_or(0);
    let nearest = (0..runs.rows())
        .map(|k| total_variation(runs.row(k), p))
        .fold(1.0, f64::min);
    format!(
        "{}: {:.0} % (runs have {:.0} % in the mean); {:.0} % of the mixture away from the nearest run",
        model.domains.name(most),
        100.0 * p[most],
        100.0 * mean(most),
        100.0 * nearest
    )
}
