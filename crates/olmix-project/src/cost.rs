//! The cost of a swarm.

use olmix_io::ProjectConfig;
use olmix_ledger::Cost;

/// The cost of a number of proxy runs: tokens and `6 N D` floating-point operations each, where the project
/// says how large they are.
pub(crate) fn of_runs(config: &ProjectConfig, runs: usize) -> Cost {
    let runs = runs as u64;
    let tokens = runs.saturating_mul(config.max_tokens.unwrap_or(0));
    Cost {
        runs,
        tokens,
        flops: 6.0 * config.proxy_parameters.unwrap_or(0) as f64 * tokens as f64,
    }
}
