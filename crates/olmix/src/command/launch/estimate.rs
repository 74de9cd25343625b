//! Whether runs have the time that they need, in words.

use olmix_io::EngineConfig;
use olmix_launch::{ShortTimeLimit, Variant, short_time_limit};
use olmix_ledger::Run;

use super::super::cost;
use super::display::duration;

/// A warning when the engine's time limit is under what runs took, or, while none has finished, under the
/// least that they can take.
pub fn too_short(settings: &EngineConfig, variants: &[Variant], runs: &[Run]) -> Option<String> {
    let said = settings.time.as_deref().unwrap_or_default();
    let short = short_time_limit(settings, variants, runs, |config| {
        cost::training(config).map(|(_, flops)| flops)
    })?;
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
