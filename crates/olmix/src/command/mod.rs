//! One file per command.

pub mod fit;
pub mod predict;
pub mod sweep;

use olmix_core::Fit;

use crate::args::Common;
use crate::failure::Failure;

/// What to say when laws predict unseen runs far outside of anything measured.
fn explosion_warning(fit: &Fit) -> Option<String> {
    let explosions = fit.out_of_fold.as_ref()?.explosions.len();
    (explosions > 0).then(|| {
        format!(
            "warning: {explosions} predictions of unseen runs are far outside of anything \
             measured: the law is not held down there. Set `regression.ridge: auto`, or pass \
             --ridge auto."
        )
    })
}

/// Runs a job on the number of threads asked for.
fn on_threads<T: Send>(
    common: Common,
    job: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    if common.threads == Some(0) {
        return Err(Failure::Usage("--threads 0: give at least 1".into()));
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(common.threads.unwrap_or(0))
        .build()
        .map_err(|error| Failure::Usage(format!("threads could not be started: {error}")))?
        .install(job)
}
