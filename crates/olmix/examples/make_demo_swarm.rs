//! Makes the small swarm under `examples/demo` anew: `cargo run --example make_demo_swarm`.
//!
//! Six domains, nine tasks of three families, 40 runs. Losses follow log-linear laws made up here,
//! with a little noise; seeded, so that the files come out the same each time.

use std::fmt::Write;
use std::path::Path;

use olmix_core::law::{Law, LogLinear};
use olmix_core::{Purpose, generator};
use rand_distr::{Distribution, Gamma, StandardNormal};

const DOMAINS: [(&str, u64); 6] = [
    ("web:general", 6_000_000_000),
    ("web:science", 1_500_000_000),
    ("code", 900_000_000),
    ("math", 300_000_000),
    ("books", 800_000_000),
    ("wikipedia", 200_000_000),
];

/// Name, log c, and one coefficient per domain: what the task gains from it.
const TASKS: [(&str, f64, [f64; 6]); 9] = [
    ("math_algebra", -0.4, [0.4, -0.3, -0.5, -2.6, 0.3, 0.2]),
    ("math_geometry", -0.3, [0.5, -0.4, -0.2, -2.2, 0.3, 0.1]),
    (
        "math_word_problems",
        -0.2,
        [0.3, -0.2, -0.4, -1.8, 0.0, 0.0],
    ),
    ("code_python", -0.6, [0.5, 0.1, -2.4, -0.5, 0.6, 0.4]),
    ("code_shell", -0.5, [0.5, 0.2, -2.0, -0.2, 0.6, 0.3]),
    ("code_sql", -0.4, [0.4, 0.2, -1.7, -0.3, 0.5, 0.3]),
    ("qa_science", -0.1, [0.0, -1.6, 0.1, -0.4, -0.1, -1.0]),
    ("qa_history", -0.1, [-0.1, 0.1, 0.5, 0.5, -1.0, -1.9]),
    ("qa_commonsense", 0.0, [-0.7, 0.1, 0.4, 0.4, -0.8, -0.3]),
];

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/demo");
    std::fs::create_dir_all(&folder)?;
    let mut rng = generator(42, Purpose::Example, 0);
    let total: u64 = DOMAINS.iter().map(|(_, tokens)| tokens).sum();
    let mut ratios = String::from("run");
    let mut metrics = String::from("run");
    DOMAINS
        .iter()
        .for_each(|(name, _)| ratios += &format!(",{name}"));
    TASKS
        .iter()
        .for_each(|(name, ..)| metrics += &format!(",{name}"));
    for run in 0..40 {
        let strength = 2.0 + 0.2 * f64::from(run);
        let draw: Vec<f64> = DOMAINS
            .iter()
            .map(|(_, tokens)| {
                // Flattened, so that small domains are sampled well.
                let share = (*tokens as f64 / total as f64).sqrt();
                Gamma::new(strength * share, 1.0).map_or(0.0, |gamma| gamma.sample(&mut rng))
            })
            .collect();
        let sum: f64 = draw.iter().sum();
        let mixture: Vec<f64> = draw.iter().map(|p| p / sum).collect();
        let _ = write!(ratios, "\nrun-{run:02}");
        mixture.iter().for_each(|p| ratios += &format!(",{p:.6}"));
        let _ = write!(metrics, "\nrun-{run:02}");
        for (_, log_c, t) in TASKS {
            let law = LogLinear {
                log_c,
                t: t.to_vec(),
            };
            let noise: f64 = StandardNormal.sample(&mut rng);
            let _ = write!(metrics, ",{:.5}", law.predict(&mixture) + 0.01 * noise);
        }
    }
    std::fs::write(folder.join("ratios.csv"), ratios + "\n")?;
    std::fs::write(folder.join("metrics.csv"), metrics + "\n")?;
    let mut config = String::from(
        "swarm: {ratios: ratios.csv, metrics: metrics.csv}\npriors:\n  token_counts:\n",
    );
    DOMAINS
        .iter()
        .for_each(|(name, tokens)| config += &format!("    \"{name}\": {tokens}\n"));
    config += "eval:\n  type: offline\n  tasks:\n";
    for family in ["math", "code", "qa"] {
        let tasks: Vec<&str> = TASKS
            .iter()
            .map(|task| task.0)
            .filter(|name| name.starts_with(family))
            .collect();
        config += &format!("    {family}: [{}]\n", tasks.join(", "));
    }
    config += "regression: {type: log_linear, seed: 0}\n";
    config += "proposer: {type: exact, kl_reg: 0.05}\n";
    config +=
        "constraints: {enabled: true, target_tokens: 10_000_000_000, repetition_factor: 4.0}\n";
    std::fs::write(folder.join("fit.yaml"), config)
}
