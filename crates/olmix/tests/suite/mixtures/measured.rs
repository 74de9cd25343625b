//! What the laws reach on measured swarms; skipped, and said, where those are not at hand.

use std::path::{Path, PathBuf};

use olmix_core::LawKind;
use olmix_core::generate::{RegretProblem, expected_regret};
use olmix_core::law::{LawOptions, LogLinearOptions, SaturatingOptions};
use olmix_core::study::{Question, Study};
use olmix_core::trust::out_of_fold;
use olmix_io::load_fit;

fn swarm(name: &str) -> Option<PathBuf> {
    crate::common::measured(&format!("olmix/{name}/fit.yaml"))
}

/// RMSE of the average loss out of fold, 5 folds: mean over 5 seeds, and the worst fold of any.
fn error(name: &str, options: &LawOptions) -> Option<(f64, f64)> {
    let loaded = load_fit(&swarm(name)?).unwrap();
    let prior = loaded.spec.prior.weights();
    let (mut mean, mut worst) = (0.0, 0.0f64);
    for seed in 0..5 {
        let checked = out_of_fold(&loaded.swarm, prior, options, 5, seed, &|| ()).unwrap();
        let checked = checked.unwrap();
        mean += checked.average.rmse / 5.0;
        worst = checked.fold_rmse.iter().copied().fold(worst, f64::max);
    }
    Some((mean, worst))
}

#[test]
fn saturating_law_predicts_unseen_runs_far_better_than_log_linear() {
    let saturating = LawOptions::Saturating(SaturatingOptions::default());
    // The ridge with the least error on both swarms.
    let log_linear = LawOptions::LogLinear(LogLinearOptions {
        ridge: 3e-5,
        ..LogLinearOptions::default()
    });
    for (name, most) in [("dclm", 0.045), ("full_recomputation", 0.022)] {
        let (Some(own), Some(other)) = (error(name, &saturating), error(name, &log_linear)) else {
            return;
        };
        println!("{name}: saturating {own:?}, log-linear {other:?}");
        assert!(own.0 <= most, "{name}: mean RMSE {}", own.0);
        assert!(own.1 <= 0.1, "{name}: worst fold {}", own.1);
        assert!(own.0 < 0.7 * other.0, "{name}: log-linear has {}", other.0);
    }
}

/// What is assumed of laws and noise before training, held against an oracle of the measured runs.
#[test]
fn expected_regret_is_within_a_factor_of_2_of_the_study_of_swarm_sizes() {
    for (name, sizes) in [
        ("dclm", &[50, 75, 100, 125][..]),
        ("full_recomputation", &[130, 195, 260]),
    ] {
        let Some(config) = swarm(name) else { return };
        held_against_the_study(&config, sizes);
    }
}

fn held_against_the_study(config: &Path, sizes: &[usize]) {
    let mut loaded = load_fit(config).unwrap();
    loaded.spec.law = LawKind::Saturating;
    loaded.spec.ridge = None;
    loaded.spec.huber_delta = None;
    let study = Study::new(Question::SwarmSize, &loaded.swarm, &loaded.spec, 4).unwrap();
    let prior = loaded.spec.prior.weights();
    let problem = RegretProblem {
        domains: loaded.swarm.domains(),
        prior,
        caps: None,
        earlier: &[],
        earlier_weights: &[],
        seed: 0,
    };
    for &runs in sizes {
        let cells = study.cells();
        let cells = cells.iter().filter(|cell| cell.keys[2] == runs.to_string());
        let regrets: Vec<f64> = cells.map(|cell| study.run(cell).unwrap()[3]).collect();
        let studied = regrets.iter().sum::<f64>() / regrets.len() as f64;
        let mixtures: Vec<&[f64]> = (0..runs).map(|k| loaded.swarm.mixtures().row(k)).collect();
        let expected = expected_regret(&problem, &[mixtures]).unwrap()[0].in_all;
        println!("{runs} runs: expected {expected:.4}, by the study {studied:.4}");
        assert!(
            (0.5..2.0).contains(&(expected / studied)),
            "{runs}: {expected} {studied}"
        );
    }
}
