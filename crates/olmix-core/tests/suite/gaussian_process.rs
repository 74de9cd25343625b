//! What a Gaussian process with length scales by domain promises.
#![allow(clippy::unwrap_used, clippy::panic)] // tests

use olmix_core::law::{FittedLaw, GaussianProcessOptions, Kernel, Law, LawOptions, ProcessKernel};
use olmix_core::trust::out_of_fold;
use olmix_core::{Matrix, Purpose, Swarm, generator};
use rand::RngExt;

use crate::common::{domains, swarm};

/// Losses that fall by 1 where the first domain is present at all, and by 1 where the second has more than a third;
/// nothing else matters.
fn steps(runs: usize) -> Swarm {
    let mut rng = generator(4, Purpose::Example, 0);
    let mut mixtures = Matrix::zeros(runs, 4);
    for run in 0..runs {
        let mut p: Vec<f64> = (0..4).map(|_| rng.random::<f64>().powi(3)).collect();
        p[0] *= f64::from(u8::from(rng.random::<f64>() < 0.5)) * 0.05;
        let sum: f64 = p.iter().sum();
        (0..4).for_each(|j| mixtures.set(run, j, p[j] / sum));
    }
    let falls = |p: &[f64]| f64::from(u8::from(p[0] > 0.0)) + f64::from(u8::from(p[1] > 1.0 / 3.0));
    let losses = Matrix::from_fn(runs, 1, |run, _| 5.0 - falls(mixtures.row(run)));
    swarm(domains(4), mixtures, losses)
}

fn rmse(swarm: &Swarm, kernel: ProcessKernel) -> f64 {
    let options = LawOptions::Gp(GaussianProcessOptions { kernel });
    let found = out_of_fold(swarm, &[0.25; 4], &options, 5, 0, &|| ());
    found.unwrap().unwrap().average.rmse
}

#[test]
fn process_with_lengths_by_domain_follows_presence_and_steps_that_an_isotropic_one_does_not() {
    let swarm = steps(200);
    let (own, isotropic) = (
        rmse(&swarm, ProcessKernel::Likelier),
        rmse(&swarm, ProcessKernel::Isotropic),
    );
    assert!(own < 0.25 && isotropic > 0.4, "{own} {isotropic}");
}

#[test]
fn process_finds_the_domains_that_matter_by_their_lengths() {
    let swarm = steps(200);
    let (laws, _) = GaussianProcessOptions::default()
        .fit_tasks(swarm.mixtures(), &[0, 1, 2, 3], swarm.losses(), &|| ())
        .unwrap()
        .remove(0);
    let Kernel::ByDomain {
        log_length_scales,
        length_scales,
        ..
    } = &laws.kernel
    else {
        panic!("{:?}", laws.kernel);
    };
    assert!(log_length_scales[0] < 0.1 * log_length_scales[2].min(log_length_scales[3]));
    assert!(length_scales[1] < 0.2 * length_scales[2].min(length_scales[3]));
}

#[test]
fn process_of_an_earlier_file_predicts_by_its_one_length_scale() {
    let text = r#"{"type":"gp","length_scale":0.5,"constant":2.0,"noise":0.1,"mean":3.0,"sd":0.5,
        "alpha":[0.4,-1.0],"log_likelihood":-1.0,"live":[0,1]}"#;
    let mut law: FittedLaw = serde_json::from_str(text).unwrap();
    let rows = [[0.2, 0.8], [0.9, 0.1]];
    law.share_runs(&std::sync::Arc::new(Matrix::from_fn(2, 2, |k, j| {
        rows[k][j]
    })));
    assert_eq!(law.validate(2), Ok(()));
    let p = [0.5, 0.5];
    let near = |x: [f64; 2]| (-((0.5 - x[0]).powi(2) + (0.5 - x[1]).powi(2)) / 0.5_f64).exp();
    let expected = 3.0 + 0.5 * 2.0 * (0.4 * near(rows[0]) - near(rows[1]));
    assert!((law.predict(&p) - expected).abs() < 1e-14);
    assert!(!serde_json::to_string(&law).unwrap().contains("rounding"));
}

#[test]
fn process_of_a_file_whose_lengths_do_not_fit_is_refused_by_name() {
    let read = |lengths: &str| {
        let text = format!(
            r#"{{"type":"gp",{lengths},"constant":2.0,"noise":0.1,"mean":3.0,"sd":0.5,"alpha":[0.4],
            "log_likelihood":-1.0,"live":[0,1]}}"#
        );
        let mut law: FittedLaw = serde_json::from_str(&text).unwrap();
        law.share_runs(&std::sync::Arc::new(Matrix::from_fn(1, 2, |_, _| 0.5)));
        law.validate(2).unwrap_err()
    };
    let few = r#""log_length_scales":[1.0],"length_scales":[1.0,2.0],"rounding":1.0"#;
    assert!(read(few).contains("`log_length_scales` has 1 entries for 2"));
    let zero = r#""log_length_scales":[1.0,1.0],"length_scales":[1.0,0.0],"rounding":1.0"#;
    assert!(read(zero).contains("a length scale is 0; it must be above 0"));
}
