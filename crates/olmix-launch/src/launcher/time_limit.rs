//! Whether runs have the time that they need.

use std::time::Duration;

use olmix_io::{EngineConfig, LaunchConfig};
use olmix_ledger::{Run, State};

use crate::swarm::Variant;

/// What no GPU of today does more of on such models: two fifths of an H100's peak in bf16, in FLOP/s.
const GPU_FLOPS: f64 = 4e14;

/// The same of a core of a processor.
const CORE_FLOPS: f64 = 1e11;

/// A time limit of an engine that runs will not keep.
#[derive(Debug, Clone, PartialEq)]
pub enum ShortTimeLimit {
    /// A run that finished took longer: its name, and the seconds it took.
    Measured(String, f64),
    /// None has finished, and the longest run takes at least so many seconds; whether on GPUs.
    Estimated(f64, bool),
}

/// Compares the engine's time limit with what runs took, or, while none has finished, with the least that
/// they can take. `flops` says how many floating-point operations the training of a launch config takes,
/// where that is known. `None` where the limit is long enough, or there is none.
pub fn short_time_limit(
    settings: &EngineConfig,
    variants: &[Variant],
    runs: &[Run],
    flops: impl Fn(&LaunchConfig) -> Option<f64>,
) -> Option<ShortTimeLimit> {
    let limit = settings.limit()?;
    let finished = runs.iter().filter(|run| run.state == State::Finished);
    let longest = finished.max_by(|a, b| a.seconds.total_cmp(&b.seconds));
    if let Some(run) = longest {
        let short = run.seconds > limit.as_secs_f64();
        return short.then(|| ShortTimeLimit::Measured(run.name.clone(), run.seconds));
    }
    let gpus = f64::from(settings.gpus_of_run());
    let rate = if gpus > 0.0 {
        gpus * GPU_FLOPS
    } else {
        f64::from(settings.cpus.unwrap_or(1)) * CORE_FLOPS
    };
    let least = variants.iter().filter_map(|variant| {
        let flops = flops(&variant.config)?;
        Duration::try_from_secs_f64(flops / rate).ok()
    });
    let least = least.max().filter(|least| *least > limit)?;
    Some(ShortTimeLimit::Estimated(least.as_secs_f64(), gpus > 0.0))
}
