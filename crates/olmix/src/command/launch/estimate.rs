//! Whether runs have the time that they need, in words.

use std::path::Path;

use olmix_io::{EngineConfig, LaunchConfig, TrainerKind};
use olmix_launch::{ShortTimeLimit, Variant, short_time_limit};
use olmix_ledger::Run;
use olmix_proxy::{Hyperparameters, Shape};

use super::display::duration;

/// A warning when the engine's time limit is under what runs took, or, while none has finished, under the
/// least that they can take.
pub fn too_short(settings: &EngineConfig, variants: &[Variant], runs: &[Run]) -> Option<String> {
    let said = settings.time.as_deref().unwrap_or_default();
    let short = short_time_limit(settings, variants, runs, training_flops)?;
    Some(match short {
        ShortTimeLimit::Measured(name, seconds) => format!(
            "engine.time is {said}, and {name} took {}: runs will be ended before they finish",
            duration(seconds)
        ),
        ShortTimeLimit::Estimated(seconds, on_gpus) => format!(
            "engine.time is {said}, and the longest run takes {} at the very least (6 FLOP per parameter and token at {}): \
             runs will be ended before they finish",
            duration(seconds),
            if on_gpus {
                "400 TFLOP/s per GPU"
            } else {
                "100 GFLOP/s per core"
            }
        ),
    })
}

/// Floating-point operations of the training of a launch config, 6 per parameter and token; `None` for
/// trainers of which nothing is known.
fn training_flops(config: &LaunchConfig) -> Option<f64> {
    if matches!(config.trainer, TrainerKind::Command { .. }) {
        return None;
    }
    let file = Path::new(&config.file);
    // Parameters of the embedding are left out, so the vocabulary does not matter.
    let shape = Shape::of(file, &config.training, 1).ok()?;
    let recipe = Hyperparameters::of(file, &config.training, &shape).ok()?;
    let tokens = (recipe.steps * recipe.batch) as f64 * shape.context as f64;
    Some(6.0 * shape.non_embedding_parameters() as f64 * tokens)
}
