//! Whether runs have the time that they need.

use std::path::Path;
use std::time::Duration;

use olmix_io::{EngineConfig, TrainerKind};
use olmix_launch::Variant;
use olmix_ledger::{Run, State};
use olmix_proxy::{Hyperparameters, Shape};

use super::display::duration;

/// What no GPU of today does more of on such models: two fifths of an H100's peak in bf16, in FLOP/s.
const GPU: f64 = 4e14;

/// The same of a core of a processor.
const CORE: f64 = 1e11;

/// A warning when the engine's time limit is under what runs took, or, while none has finished, under the least that they can take.
pub fn too_short(settings: &EngineConfig, variants: &[Variant], runs: &[Run]) -> Option<String> {
    let limit = settings.limit()?;
    let said = settings.time.as_deref().unwrap_or_default();
    let finished = runs.iter().filter(|run| run.state == State::Finished);
    let longest = finished.max_by(|a, b| a.seconds.total_cmp(&b.seconds));
    if let Some(run) = longest {
        return (run.seconds > limit.as_secs_f64()).then(|| {
            format!(
                "engine.time is {said}, and {} took {}: runs will be ended before they finish",
                run.name,
                duration(run.seconds)
            )
        });
    }
    let least = variants
        .iter()
        .filter_map(|variant| least(settings, variant));
    let least = least.max().filter(|least| *least > limit)?;
    Some(format!(
        "engine.time is {said}, and the longest run takes {} at the very least (6 FLOP per parameter and token at {}): \
         runs will be ended before they finish",
        duration(least.as_secs_f64()),
        if settings.gpus_of_run() > 0 {
            "400 TFLOP/s per GPU"
        } else {
            "100 GFLOP/s per core"
        }
    ))
}

/// The least time that training takes; `None` for trainers of which nothing is known.
fn least(settings: &EngineConfig, variant: &Variant) -> Option<Duration> {
    if matches!(variant.config.trainer, TrainerKind::Command { .. }) {
        return None;
    }
    let file = Path::new(&variant.config.file);
    // Parameters of the embedding are left out, so the vocabulary does not matter.
    let shape = Shape::of(file, &variant.config.training, 1).ok()?;
    let recipe = Hyperparameters::of(file, &variant.config.training, &shape).ok()?;
    let tokens = (recipe.steps * recipe.batch) as f64 * shape.context as f64;
    let flops = 6.0 * shape.non_embedding_parameters() as f64 * tokens;
    let gpus = f64::from(settings.gpus_of_run());
    let cores = f64::from(settings.cpus.unwrap_or(1));
    let rate = if gpus > 0.0 { gpus * GPU } else { cores * CORE };
    Duration::try_from_secs_f64(flops / rate).ok()
}
