//! The reference implementation's schema, and keys that it ignores.

use crate::config::yaml::Keys;
use crate::error::IoError;
use crate::messages::excerpt;

/// The keys that the reference implementation reads.
const SCHEMA: [&str; 33] = [
    "swarm",
    "swarm.ratios",
    "swarm.metrics",
    "priors",
    "priors.relative_sizes",
    "priors.token_counts",
    "priors.total_tokens",
    "eval",
    "eval.type",
    "eval.tasks",
    "regression",
    "regression.type",
    "regression.seed",
    "regression.n_test",
    "regression.train_split",
    "regression.aggregate_task_families",
    "proposer",
    "proposer.type",
    "proposer.temperature",
    "proposer.kl_reg",
    "proposer.use_natural_kl",
    "proposer.fit_only",
    "proposer.make_worst_mix",
    "constraints",
    "constraints.enabled",
    "constraints.target_tokens",
    "constraints.repetition_factor",
    "filtering",
    "filtering.keep_sources",
    "filtering.support_domains",
    "filtering.drop_metrics",
    "filtering.fixed_weight",
    "filtering.obj_weights",
];

/// Notices of the unknown keys in a config that is otherwise of the reference's schema, which ignores them.
///
/// # Errors
/// That of the first unknown key in a config with settings that only olmix has: there it may be a setting that
/// someone relies on.
pub(super) fn ignored(keys: Keys) -> Result<Vec<String>, IoError> {
    let is_reference = keys.used.iter().all(|key| SCHEMA.contains(&key.as_str()));
    let mut notices = Vec::new();
    for (key, error) in keys.unknown {
        if !is_reference {
            return Err(error);
        }
        notices.push(format!(
            "`{}` is not a setting, and is ignored, as by the reference implementation",
            excerpt(&key)
        ));
    }
    Ok(notices)
}
