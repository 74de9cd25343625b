//! The runs worth measuring next.
#![allow(clippy::unwrap_used)] // helpers of tests

use olmix_core::law::LawOptions;
use olmix_core::study::{Question, Study};
use olmix_core::{CoreError, FitSpec, NextProblem, NextRuns, fit, next_runs};

use crate::common::{Planted, planted, spec};

/// The next runs of a planted swarm, as a user asks for them.
fn next(planted: &Planted, spec: &FitSpec, count: usize) -> Result<NextRuns, CoreError> {
    let fitted = fit(&planted.swarm, spec, &()).unwrap();
    let options: &LawOptions = fitted.options.as_ref().unwrap();
    next_runs(
        &NextProblem {
            swarm: &planted.swarm,
            spec,
            options,
            laws: &fitted.laws,
            proxies: fitted.proxy_laws(),
            optimizer: fitted.optimizer.as_ref().unwrap(),
            constraints: &spec.constraints,
            count,
            resamples: 20,
        },
        &|| (),
    )
}

#[test]
fn next_runs_differ_lower_the_expected_regret_and_are_the_same_on_any_number_of_threads() {
    let planted = planted(16, 5, 3, 0.05, 1);
    let spec = spec(&planted.prior);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| next(&planted, &spec, 6).unwrap())
    };
    let found = on(1);
    assert_eq!(found, on(3));
    assert_eq!((found.mixtures.len(), found.after.len()), (6, 6));
    for (k, p) in found.mixtures.iter().enumerate() {
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9 && p.iter().all(|w| *w >= 0.0));
        for other in &found.mixtures[..k] {
            assert!(olmix_core::total_variation(p, other) >= 0.01);
        }
    }
    assert!(found.regret > 0.0 && found.noise > 0.0);
    let mut last = found.regret;
    for after in &found.after {
        assert!(*after <= last && *after >= 0.0);
        last = *after;
    }
    assert!(last < 0.9 * found.regret, "{found:?}");
}

#[test]
fn a_swarm_without_noise_leaves_nothing_to_gain_and_a_noisy_one_does() {
    let regret = |noise| {
        let planted = planted(24, 4, 3, noise, 2);
        let found = next(&planted, &spec(&planted.prior), 3).unwrap();
        found.regret / found.loss
    };
    let (quiet, noisy) = (regret(1e-6), regret(0.05));
    assert!(quiet < 1e-6, "{quiet}");
    assert!(noisy > 100.0 * quiet, "{noisy}");
}

#[test]
fn more_runs_than_can_differ_are_refused() {
    let planted = planted(12, 2, 2, 0.05, 3);
    // Of two domains, mixtures that differ by 1 % are at most 101.
    let error = next(&planted, &spec(&planted.prior), 200).unwrap_err();
    let CoreError::TooFewMixtures { asked: 200, found } = error else {
        panic!("{error}")
    };
    assert!((20..=101).contains(&found), "{found}");
}

#[test]
fn a_study_of_next_runs_compares_each_swarm_with_that_of_one_shot() {
    let planted = planted(40, 4, 2, 0.02, 4);
    let spec = spec(&planted.prior);
    let study = Study::new(Question::Next, &planted.swarm, &spec, 1).unwrap();
    let cells = study.cells();
    let keys: Vec<String> = cells.iter().map(|cell| cell.keys.join(" ")).collect();
    assert_eq!(
        keys,
        [
            "one_shot 6",
            "one_shot 8",
            "one_shot 10",
            "one_shot 15",
            "sequential 8",
            "sequential 10"
        ]
    );
    let numbers: Vec<Vec<f64>> = cells.iter().map(|cell| study.run(cell).unwrap()).collect();
    for values in &numbers {
        assert_eq!(values.len(), study.values().len());
        assert!(values.iter().all(|value| value.is_finite()));
        // No mixture is better than that of the true laws, to the precision of the solve.
        assert!(values[3] > -1e-7, "{values:?}");
    }
    // The whole swarm of one shot is compared with itself.
    assert_eq!(numbers[3][1..3], [1.0, 1.0]);
    assert_eq!(study.run(&cells[4]).unwrap(), numbers[4]);
}
