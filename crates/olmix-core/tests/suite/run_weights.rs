//! Weights of runs: what they mean in a fit, and which runs get them after content changed.

use olmix_core::law::LawOptions;
use olmix_core::law::{
    BiMixOptions, BoostedTreesOptions, FittedLaw, GaussianProcessOptions, Law, LogLinearOptions,
    Refit, SaturatingOptions,
};
use olmix_core::reuse::{Change, Lineage, align, re_express, run_weight};
use olmix_core::{CoreError, Matrix, Swarm};

use crate::common::{domains, planted, swarm};

fn weighted_laws() -> [LawOptions; 2] {
    [
        LawOptions::LogLinear(LogLinearOptions {
            ridge: 1e-3,
            ..LogLinearOptions::default()
        }),
        LawOptions::Saturating(SaturatingOptions::default()),
    ]
}

/// Laws of a swarm, one per task.
#[allow(clippy::unwrap_used)] // a helper of tests
fn fitted(options: &LawOptions, swarm: &Swarm, prior: &[f64]) -> Vec<FittedLaw> {
    let fitted = options.fit(swarm, prior, &|| ()).unwrap();
    fitted.into_iter().map(|(law, _)| law).collect()
}

/// The largest difference of two laws' predictions at the runs of a swarm.
fn difference(a: &[FittedLaw], b: &[FittedLaw], at: &Swarm) -> f64 {
    let of_run = |run: usize| {
        let p = at.mixtures().row(run);
        let pairs = a.iter().zip(b);
        pairs
            .map(|(a, b)| (a.predict(p) - b.predict(p)).abs())
            .fold(0.0, f64::max)
    };
    (0..at.len()).map(of_run).fold(0.0, f64::max)
}

#[test]
fn every_run_twice_at_half_the_weight_is_fitted_like_every_run_once() {
    let planted = planted(40, 5, 2, 0.01, 3);
    let prior = planted.prior.weights();
    let rows: Vec<usize> = (0..40).chain(0..40).collect();
    let twice = planted
        .swarm
        .subset(&rows)
        .with_weights(vec![0.5; 80])
        .unwrap();
    for options in weighted_laws() {
        let once = fitted(&options, &planted.swarm, prior);
        let half = fitted(&options, &twice, prior);
        let off = difference(&once, &half, &planted.swarm);
        assert!(off < 1e-6, "{}: {off}", options.name());
        // And so are resamples, whose counts come beside the weights.
        let refit = Refit {
            options: &options,
            laws: &once,
            prior,
        };
        let again = refit.laws(&planted.swarm, &[1.0; 40]);
        let again_half = refit.laws(&twice, &[1.0; 80]);
        let off = difference(&again, &again_half, &planted.swarm);
        assert!(off < 1e-4, "{}: {off}", options.name());
    }
}

#[test]
fn a_run_of_vanishing_weight_is_as_if_it_were_left_out() {
    let planted = planted(41, 5, 1, 0.01, 5);
    let prior = planted.prior.weights();
    let spoilt = Matrix::from_fn(41, 1, |run, task| {
        planted.swarm.losses().get(run, task) + if run == 40 { 0.5 } else { 0.0 }
    });
    let all = swarm(domains(5), planted.swarm.mixtures().clone(), spoilt);
    let mut weights = vec![1.0; 41];
    weights[40] = 1e-9;
    let rows: Vec<usize> = (0..40).collect();
    for options in weighted_laws() {
        let without = fitted(&options, &all.subset(&rows), prior);
        let with = fitted(
            &options,
            &all.clone().with_weights(weights.clone()).unwrap(),
            prior,
        );
        let off = difference(&without, &with, &all);
        assert!(off < 1e-4, "{}: {off}", options.name());
        let full = fitted(&options, &all, prior);
        assert!(
            difference(&without, &full, &all) > 1e-3,
            "the run is an outlier"
        );
    }
}

#[test]
fn laws_that_take_no_weights_refuse_them_by_name() {
    let planted = planted(80, 3, 1, 0.01, 1);
    let prior = planted.prior.weights();
    let mut weights = vec![1.0; 80];
    weights[7] = 0.5;
    let weighted = planted.swarm.clone().with_weights(weights).unwrap();
    for options in [
        LawOptions::BiMix(BiMixOptions::default()),
        LawOptions::Gp(GaussianProcessOptions::default()),
        LawOptions::LightGbm(BoostedTreesOptions::default()),
    ] {
        assert!(!options.takes_run_weights());
        let error = options.fit(&weighted, prior, &|| ()).unwrap_err();
        assert!(
            matches!(&error, CoreError::Unsupported(what) if what.contains(options.name())),
            "{error}"
        );
    }
    // Weights of 1 are none, and weights out of range are refused with the run's name.
    assert!(
        planted
            .swarm
            .clone()
            .with_weights(vec![1.0; 80])
            .unwrap()
            .weights()
            .is_none()
    );
    for bad in [0.0, -1.0, 1.5, f64::NAN] {
        let mut weights = vec![1.0; 80];
        weights[2] = bad;
        let error = planted.swarm.clone().with_weights(weights).unwrap_err();
        assert!(
            error.to_string().contains(&planted.swarm.runs()[2]),
            "{error}"
        );
    }
}

#[test]
fn run_weight_is_one_without_changed_content_and_falls_with_the_share_of_it() {
    let p = [0.2, 0.5, 0.3];
    assert_eq!(run_weight(&p, &[]), 1.0);
    assert_eq!(run_weight(&[0.0, 0.5, 0.5], &[(0, 0.5)]), 1.0);
    let of = |share: f64| run_weight(&p, &[(1, share)]);
    let falling = [0.01, 0.05, 0.2, 0.5, 0.99].map(of);
    assert!(
        falling.windows(2).all(|pair| pair[0] > pair[1]),
        "{falling:?}"
    );
    assert!(
        falling.iter().all(|weight| *weight > 0.0 && *weight < 1.0),
        "{falling:?}"
    );
    assert!(run_weight(&p, &[(1, 0.2), (2, 0.2)]) < of(0.2));
}

#[test]
fn re_expressed_runs_on_revised_content_are_kept_with_a_weight_if_it_is_known_how_much_changed() {
    let set = domains(3);
    let mixtures = Matrix::from_fn(3, 3, |run, j| {
        [[0.5, 0.5, 0.0], [0.2, 0.0, 0.8], [0.0, 0.9, 0.1]][run][j]
    });
    let old = swarm(
        set.clone(),
        mixtures,
        Matrix::from_fn(3, 1, |run, _| 1.0 + run as f64),
    );
    let revise = |changed: Option<f64>| Change::Revise {
        domain: "d1".into(),
        tokens: Some(2_000_000),
        changed,
    };
    let lineage = Lineage::of(&set, &[revise(Some(0.2))]).unwrap();
    let (kept, lost) = re_express(&old, &lineage, &[1.0; 3]).unwrap();
    assert!(lost.is_empty());
    assert_eq!(kept.mixtures(), old.mixtures());
    let expected = [
        run_weight(old.mixtures().row(0), &[(1, 0.2)]),
        1.0,
        run_weight(old.mixtures().row(2), &[(1, 0.2)]),
    ];
    assert_eq!(kept.weights().unwrap(), expected);
    let (kept, lost) = re_express(
        &old,
        &Lineage::of(&set, &[revise(None)]).unwrap(),
        &[1.0; 3],
    )
    .unwrap();
    assert_eq!((kept.len(), lost.len()), (1, 2));
    assert!(kept.weights().is_none());
}

#[test]
fn swarms_brought_to_one_level_keep_the_weights_of_their_runs() {
    let (old, new) = (planted(30, 4, 2, 0.001, 8), planted(20, 4, 2, 0.001, 8));
    let weighted = old.swarm.clone().with_weights(vec![0.7; 30]).unwrap();
    let [options, _] = weighted_laws();
    let aligned = align(&[&weighted, &new.swarm], new.prior.weights(), &options).unwrap();
    let weights = aligned.swarm.weights().unwrap();
    assert_eq!(weights[..30], [0.7; 30]);
    assert_eq!(weights[30..], [1.0; 20]);
}
