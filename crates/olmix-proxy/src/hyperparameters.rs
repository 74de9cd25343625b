//! The hyperparameters of the reference recipe: how large steps are, and how fast a model of a size learns.

use olmix_io::TrainingConfig;

use crate::{Hyperparameters, Shape};

/// Tokens for each non-embedding parameter at a multiple of 1.
const CHINCHILLA: f64 = 20.0;
/// The size that learning rate and batch are scaled from, in parameters.
const REFERENCE: f64 = 108e6;
/// Under this many tokens a step, the second moment forgets more slowly.
const SMALL_BATCH: u64 = 524_288;

/// Logits that a GPU holds at a time, where the config does not say how many sequences: 2 GB in single
/// precision.
const LOGITS: u64 = 1 << 29;

/// The recipe of method.md §7 for `N` non-embedding parameters, with what the config sets in its place.
///
/// Tokens `20 N × multiple`; batch `2048·160 (N/108M)^(2/3)` tokens, to the nearest power of two; learning
/// rate `0.0047 (N/108M)^(-1/3) / 2`; warmup of `N` tokens, at most 5 % of the run; 10 % decay.
pub(crate) fn of_reference(training: &TrainingConfig, model: &Shape) -> Hyperparameters {
    let n = model.non_embedding_parameters() as f64;
    let context = model.context as u64;
    let tokens = training
        .tokens
        .map_or(CHINCHILLA * n * training.chinchilla_multiple, |t| t as f64);
    let batch_tokens = training.global_batch_size.unwrap_or_else(|| {
        let wanted = 2048.0 * 160.0 * (n / REFERENCE).powf(2.0 / 3.0);
        1 << (wanted.log2().round().clamp(0.0, 40.0) as u32)
    });
    let batch = (batch_tokens / context).max(1);
    // Whole steps, and no more than the tokens that a mixture was made for.
    let steps = (tokens / (batch * context) as f64).floor().max(1.0) as u64;
    let share = |share: f64| (share * steps as f64).round() as u64;
    let warmup = training
        .warmup_fraction
        .unwrap_or_else(|| (n / tokens).min(0.05));
    let steps_between = |most: u64, parts: u64| (steps / parts).clamp(1, most);
    let beta2 = if batch * context < SMALL_BATCH {
        0.99
    } else {
        0.95
    };
    Hyperparameters {
        seed: training.seed,
        steps,
        batch,
        learning_rate: training
            .learning_rate
            .unwrap_or(0.0047 * (n / REFERENCE).powf(-1.0 / 3.0) / 2.0),
        warmup_steps: share(warmup),
        decay_steps: share(training.decay_fraction.unwrap_or(0.1)),
        beta1: training.beta1.unwrap_or(0.9),
        beta2: training.beta2.unwrap_or(beta2),
        adam_eps: 1e-8,
        weight_decay: training.weight_decay.unwrap_or(0.1),
        clip: training.clip.unwrap_or(1.0),
        z_loss: training.z_loss.unwrap_or(1e-5),
        micro_batch: training
            .device_batch_size
            .unwrap_or_else(|| LOGITS / (context * model.vocab as u64))
            .clamp(1, batch),
        checkpoint_every: training
            .checkpoint_every
            .unwrap_or_else(|| steps_between(1000, 10)),
        log_every: training.log_every.unwrap_or_else(|| steps_between(10, 50)),
        eval_every: training.eval_interval,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;

    #[test]
    fn hyperparameters_of_thirty_million_parameters_are_the_papers() {
        let training = TrainingConfig {
            chinchilla_multiple: 5.0,
            ..TrainingConfig::default()
        };
        let shape = Size::named("30m").map(|size| size.shape(100_278));
        let shape = shape
            .unwrap_or_else(|| Size::named("demo").map_or_else(|| unreachable!(), |s| s.shape(1)));
        let recipe = of_reference(&training, &shape);
        // 3B tokens in batches of 2^17 tokens.
        assert_eq!(recipe.batch * shape.context as u64, 131_072);
        let tokens = recipe.steps * recipe.batch * shape.context as u64;
        assert!((tokens as f64 / 3e9 - 1.0).abs() < 0.02, "{tokens}");
        assert!(
            (recipe.learning_rate / 0.003_6 - 1.0).abs() < 0.01,
            "{}",
            recipe.learning_rate
        );
        assert_eq!(recipe.beta2, 0.99);
        assert_eq!(
            recipe.decay_steps,
            (recipe.steps as f64 * 0.1).round() as u64
        );
    }
}
