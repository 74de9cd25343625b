//! What the name of a metric says of it: a loss, a score, or a record of the run that is not a task.
//!
//! The rule is documented in docs/fit-config.md ("Columns that are not tasks").

use std::collections::HashSet;

/// What a metric is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricKind {
    /// Lower is better, or the name says nothing.
    Loss,
    /// Higher is better: accuracies, F1, BLEU and the like.
    Score,
    /// Not a task: steps, times, seeds, learning rates, errors of other columns, extremes of other columns.
    RunRecord,
}

/// Words of which lower is better.
const LOSSES: [&str; 17] = [
    "loss",
    "losses",
    "bpb",
    "bpc",
    "ppl",
    "perplexity",
    "nll",
    "ce",
    "xent",
    "entropy",
    "error",
    "err",
    "rmse",
    "mse",
    "mae",
    "wer",
    "cer",
];

/// Words of which higher is better.
const SCORES: [&str; 22] = [
    "acc",
    "accuracy",
    "accuracies",
    "em",
    "f1",
    "bleu",
    "chrf",
    "meteor",
    "rouge",
    "rouge1",
    "rouge2",
    "rougel",
    "rougelsum",
    "mcc",
    "auc",
    "auroc",
    "precision",
    "recall",
    "winrate",
    "reward",
    "score",
    "scores",
];

/// Pairs of words of which higher is better.
const SCORE_PAIRS: [[&str; 2]; 4] = [
    ["exact", "match"],
    ["win", "rate"],
    ["pass", "k"],
    ["solve", "rate"],
];

/// Last parts of names (behind `/` or `.`) that record a run.
const RUN_RECORDS: [&str; 45] = [
    "step",
    "steps",
    "global_step",
    "iteration",
    "iterations",
    "iter",
    "epoch",
    "epochs",
    "seed",
    "random_seed",
    "lr",
    "learning_rate",
    "weight_decay",
    "momentum",
    "grad_norm",
    "gradient_norm",
    "total_flos",
    "flops",
    "flos",
    "mfu",
    "throughput",
    "batch_size",
    "tokens",
    "tokens_seen",
    "num_tokens",
    "total_tokens",
    "num_input_tokens_seen",
    "num_samples",
    "n_samples",
    "sample_len",
    "max_length",
    "num_params",
    "parameters",
    "runtime",
    "time",
    "timestamp",
    "duration",
    "created",
    "created_at",
    "heartbeat_at",
    "gpu_hours",
    "state",
    "rank",
    "world_size",
    "exit_code",
];

/// Ends of names that record a run.
const RUN_RECORD_ENDS: [&str; 7] = [
    "_runtime",
    "_timestamp",
    "_per_second",
    "_per_sec",
    "_stderr",
    "__min",
    "__max",
];

/// What a metric is, by its name and those of the other columns.
pub(crate) fn kind_of(name: &str, others: &HashSet<&str>) -> MetricKind {
    let lower = name.to_lowercase();
    if records_a_run(&lower) || copies_a_column(name, others) {
        return MetricKind::RunRecord;
    }
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    if words.iter().any(|word| LOSSES.contains(word)) || has_pair(&words, ["bits", "per"]) {
        return MetricKind::Loss;
    }
    let is_score = words.iter().any(|word| SCORES.contains(word))
        || SCORE_PAIRS.iter().any(|pair| has_pair(&words, *pair))
        || words
            .windows(2)
            .any(|pair| pair[0] == "pass" && is_number(pair[1]));
    if is_score {
        MetricKind::Score
    } else {
        MetricKind::Loss
    }
}

fn has_pair(words: &[&str], pair: [&str; 2]) -> bool {
    words.windows(2).any(|two| two == pair)
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a name (in lower case) is that of a record of the run.
fn records_a_run(lower: &str) -> bool {
    let last = lower.rsplit(['/', '.']).next().unwrap_or(lower);
    // Weights & Biases begins its own names with an underscore.
    let own = lower.starts_with('_');
    // `acc_stderr,none` is how lm-evaluation-harness writes it.
    let standard_error = lower
        .split(',')
        .next()
        .is_some_and(|key| key.ends_with("_stderr"));
    own || standard_error
        || RUN_RECORDS.contains(&last)
        || RUN_RECORD_ENDS.iter().any(|end| lower.ends_with(end))
}

/// Whether a column is made from another one: `x.1`, which pandas writes for a second `x`, and `x/min` or
/// `x/max` beside `x`.
fn copies_a_column(name: &str, others: &HashSet<&str>) -> bool {
    let beside = |end: char| {
        let (base, rest) = name.rsplit_once(end)?;
        others.contains(base).then_some(rest)
    };
    beside('.').is_some_and(is_number)
        || beside('/').is_some_and(|rest| ["min", "max", "std"].contains(&rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> MetricKind {
        kind_of(name, &HashSet::from(["loss", "eval/math", "math"]))
    }

    #[test]
    fn names_of_scores_are_known_as_whole_words() {
        for name in [
            "math_acc",
            "hellaswag:accuracy",
            "eval/arc/acc,none",
            "acc_norm,none",
            "exact_match",
            "squad.f1",
            "gsm8k EM",
            "pass@1",
            "humaneval/pass@k",
            "pass@10,create_test",
            "bleu",
            "rougeL",
            "win_rate",
        ] {
            assert_eq!(kind(name), MetricKind::Score, "{name}");
        }
    }

    #[test]
    fn names_of_losses_and_unknown_names_are_losses() {
        for name in [
            "math_bpb",
            "loss",
            "validation:loss",
            "acc_loss",
            "bits_per_byte,none",
            "em_error",
            "accounting",
            "emotion",
            "mt_mbpp_v2fix:r",
            "hellaswag:rc::olmes",
            "recalling",
            "pass_rate_bpb",
            "c4_en",
            "time_reasoning",
            "mean",
        ] {
            assert_eq!(kind(name), MetricKind::Loss, "{name}");
        }
    }

    #[test]
    fn names_of_records_of_a_run_are_known() {
        for name in [
            "_step",
            "_runtime",
            "_timestamp",
            "_wandb.runtime",
            "Runtime",
            "seed",
            "lr",
            "train/learning_rate",
            "train/grad_norm",
            "epoch",
            "train_runtime",
            "train_samples_per_second",
            "loss__MIN",
            "eval/math__MAX",
            "eval/math/min",
            "math.1",
            "acc_stderr,none",
            "math_stderr",
            "sample_len",
            "trainer.global_step",
        ] {
            assert_eq!(kind(name), MetricKind::RunRecord, "{name}");
        }
        // Nothing is copied from a column that is not there.
        assert_eq!(kind("code.1"), MetricKind::Loss);
        assert_eq!(kind("code/min"), MetricKind::Loss);
    }

    #[test]
    fn no_metric_of_the_measured_swarms_is_taken_for_anything_but_a_loss() {
        for file in ["dclm", "full_recomputation", "update5"] {
            let Some(text) = crate::real_data::read(&format!("{file}/metrics.csv")) else {
                return;
            };
            let header = text.lines().next().unwrap();
            let names: HashSet<&str> = header.split(',').collect();
            let metrics = names
                .iter()
                .filter(|name| !["", "run", "name", "index"].contains(name));
            for name in metrics {
                assert_eq!(kind_of(name, &names), MetricKind::Loss, "{name}");
            }
        }
    }
}
