//! What every law of the registry promises, whichever it is: a new law is tested by its line.
#![allow(clippy::unwrap_used)] // tests

use rand::RngExt;

use super::{
    Curvature, FittedLaw, Law, LawKind, LawOptions, LawSetting, LawSettings, Refit, Shape,
};
use crate::random::{Purpose, dirichlet, generator};
use crate::{CoreError, Direction, DomainSet, Matrix, Swarm, Task};

const DOMAINS: usize = 4;
const SETTINGS: LawSettings = LawSettings {
    huber_delta: None,
    ridge: None,
    target_tokens: Some(1e9),
    seed: 3,
};

/// Runs with losses that fall in every weight at its own rate, and a little noise; domain 3 is
/// sampled by half of them.
fn swarm(runs: usize) -> Swarm {
    let mut rng = generator(11, Purpose::Example, 1);
    let mut mixtures = Vec::new();
    for run in 0..runs {
        let mut p = dirichlet(&[0.4, 0.3, 0.2, 0.1], 6.0, &mut rng);
        if run % 2 == 0 {
            let gone = std::mem::take(&mut p[3]);
            p.iter_mut().for_each(|p| *p /= 1.0 - gone);
        }
        mixtures.push(p);
    }
    let noise: Vec<f64> = (0..2 * runs).map(|_| rng.random::<f64>() - 0.5).collect();
    let loss = |run: usize, task: usize| {
        let p = &mixtures[run];
        let rate = |j: usize| 0.5 + ((j + 2 * task) % 3) as f64;
        let exponent: f64 = (0..DOMAINS).map(|j| rate(j) * p[j]).sum();
        1.0 + (-exponent).exp() + 0.01 * noise[2 * run + task]
    };
    let task = |name: &str| Task {
        name: name.to_owned(),
        family: name.to_owned(),
        weight: 0.5,
        direction: Direction::Min,
        offset: 0.0,
    };
    Swarm::new(
        DomainSet::from_names(["a", "b", "c", "d"]).unwrap(),
        vec![task("first"), task("second")],
        (0..runs).map(|run| format!("run-{run}")).collect(),
        Matrix::from_fn(runs, DOMAINS, |k, j| mixtures[k][j]),
        Matrix::from_fn(runs, 2, loss),
    )
    .unwrap()
}

const PRIOR: [f64; DOMAINS] = [0.4, 0.3, 0.2, 0.1];

fn options(kind: LawKind) -> LawOptions {
    kind.options(&SETTINGS).unwrap()
}

fn fitted(kind: LawKind, swarm: &Swarm) -> Vec<FittedLaw> {
    let fitted = options(kind).fit(swarm, &PRIOR, &|| ()).unwrap();
    fitted.into_iter().map(|(law, _)| law).collect()
}

/// Mixtures inside of what was sampled.
fn points(count: usize) -> Vec<Vec<f64>> {
    let mut rng = generator(5, Purpose::Example, 2);
    let draw = |_| dirichlet(&PRIOR, 20.0, &mut rng);
    let positive = |p: &Vec<f64>| p.iter().all(|p| *p > 0.03);
    (0..4 * count)
        .map(draw)
        .filter(positive)
        .take(count)
        .collect()
}

/// Runs a check on every law of the registry, fitted to one swarm.
fn every_law(check: impl Fn(LawKind, &[FittedLaw])) {
    let swarm = swarm(80);
    for &kind in LawKind::FITTED {
        check(kind, &fitted(kind, &swarm));
    }
}

#[test]
fn law_registry_names_are_unique_and_belong_to_options_and_laws() {
    every_law(|kind, laws| {
        let same = LawKind::words()
            .iter()
            .filter(|(name, _)| *name == kind.name())
            .count();
        assert_eq!(same, 1, "{kind:?}");
        assert_eq!(options(kind).name(), kind.name());
        assert!(laws.iter().all(|law| law.kind() == kind), "{kind:?}");
        assert!(!kind.summary().is_empty() && !options(kind).describe().is_empty());
        let written = serde_json::to_value(kind).unwrap();
        assert_eq!(written, kind.name());
        assert_eq!(serde_json::from_value::<LawKind>(written).unwrap(), kind);
    });
}

#[test]
fn law_gradient_agrees_with_finite_differences() {
    every_law(|kind, laws| {
        for (law, p) in laws
            .iter()
            .flat_map(|law| points(8).into_iter().map(move |p| (law, p)))
        {
            let mut gradient = vec![0.0; DOMAINS];
            law.add_gradient(&p, 2.0, &mut gradient);
            if kind.shape() == Some(Shape::Steps) {
                assert_eq!(gradient, [0.0; DOMAINS]);
                continue;
            }
            for j in 0..DOMAINS {
                let at = |step: f64| {
                    let mut p = p.clone();
                    p[j] += step;
                    2.0 * law.predict(&p)
                };
                let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
                let error = (gradient[j] - difference).abs();
                assert!(
                    error < 1e-5 * (1.0 + gradient[j].abs()),
                    "{kind:?} {j}: {error}"
                );
            }
        }
    });
}

#[test]
fn convex_law_curvature_is_the_hessian_of_finite_differences() {
    every_law(|kind, laws| {
        if kind.shape() != Some(Shape::Convex) {
            return;
        }
        for (law, p) in laws
            .iter()
            .flat_map(|law| points(4).into_iter().map(move |p| (law, p)))
        {
            let mut hessian = Curvature::new(DOMAINS);
            law.curvature(&p, 2.0, &mut hessian);
            let mut parts = hessian.heights().iter().chain(&hessian.diagonal);
            assert!(parts.all(|part| *part >= 0.0), "{kind:?}");
            for j in 0..DOMAINS {
                let at = |step: f64| {
                    let mut p = p.clone();
                    p[j] += step;
                    let mut gradient = vec![0.0; DOMAINS];
                    law.add_gradient(&p, 2.0, &mut gradient);
                    gradient
                };
                let (above, below) = (at(1e-5), at(-1e-5));
                for i in 0..DOMAINS {
                    let difference = (above[i] - below[i]) / 2e-5;
                    let own = hessian.entry(i, j);
                    let error = (own - difference).abs();
                    assert!(
                        error < 1e-4 * (1.0 + difference.abs()),
                        "{kind:?} {i} {j}: {error}"
                    );
                }
            }
        }
    });
}

#[test]
fn convex_law_lies_below_its_chords() {
    every_law(|kind, laws| {
        if kind.shape() != Some(Shape::Convex) {
            return;
        }
        let points = points(40);
        for (law, ends) in laws
            .iter()
            .flat_map(|law| points.windows(2).map(move |w| (law, w)))
        {
            for share in [0.25, 0.5, 0.75] {
                let blend = |(a, b): (&f64, &f64)| (1.0 - share) * a + share * b;
                let inside: Vec<f64> = ends[0].iter().zip(&ends[1]).map(blend).collect();
                let chord = blend((&law.predict(&ends[0]), &law.predict(&ends[1])));
                let above = law.predict(&inside) - chord;
                assert!(above < 1e-10, "{kind:?} rises {above} above a chord");
            }
        }
    });
}

#[test]
fn law_without_a_claim_of_convexity_bends_down_somewhere() {
    every_law(|kind, laws| {
        if kind.shape() == Some(Shape::Convex) {
            return;
        }
        // On a long line: what is bounded there and not constant is not convex.
        let at = |law: &FittedLaw, step: i32| {
            let t = 0.5 * f64::from(step);
            let p: Vec<f64> = PRIOR
                .iter()
                .zip([1.0, -1.0, 0.5, -0.5])
                .map(|(p, d)| p + t * d)
                .collect();
            law.predict(&p)
        };
        let bends = |law: &FittedLaw, step: i32| {
            at(law, step - 1) + at(law, step + 1) - 2.0 * at(law, step)
        };
        let down = laws
            .iter()
            .any(|law| (-40..40).any(|step| bends(law, step) < -1e-10));
        assert!(down, "{kind:?} is convex as far as can be seen");
    });
}

#[test]
fn law_fit_and_refit_give_the_same_bits_on_any_number_of_threads() {
    let swarm = swarm(80);
    let rows: Vec<usize> = (0..80).filter(|run| run % 5 != 0).collect();
    let part = swarm.subset(&rows);
    let weights: Vec<f64> = (0..rows.len()).map(|run| 1.0 + (run % 3) as f64).collect();
    for &kind in LawKind::FITTED {
        let options = options(kind);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let laws = fitted(kind, &swarm);
                let refit = Refit {
                    options: &options,
                    laws: &laws,
                    prior: &PRIOR,
                };
                let again = refit.laws(&part, &weights);
                (laws, again)
            })
        };
        let (laws, again) = run(1);
        assert_eq!((laws.clone(), again.clone()), run(3), "{kind:?}");
        assert_eq!(again.len(), laws.len(), "{kind:?}");
        assert!(
            again
                .iter()
                .all(|law| law.kind() == kind && law.validate(DOMAINS).is_ok())
        );
        assert!(
            again.iter().zip(&laws).all(|(again, law)| again != law),
            "{kind:?}"
        );
    }
}

#[test]
fn law_and_options_survive_json_and_wrong_widths_are_refused() {
    every_law(|kind, laws| {
        let text = serde_json::to_string(&options(kind)).unwrap();
        assert_eq!(
            serde_json::from_str::<LawOptions>(&text).unwrap(),
            options(kind)
        );
        for law in laws {
            let text = serde_json::to_string(law).unwrap();
            assert!(
                text.contains(&format!("\"type\":\"{}\"", kind.name())),
                "{text}"
            );
            let mut read: FittedLaw = serde_json::from_str(&text).unwrap();
            if let Some(runs) = law.shared_runs() {
                read.share_runs(runs);
            }
            assert_eq!(read, *law, "{kind:?}");
            assert_eq!(read.validate(DOMAINS), Ok(()), "{kind:?}");
            assert!(read.validate(1).is_err(), "{kind:?} over one domain");
        }
    });
}

#[test]
fn law_refuses_fewer_runs_than_it_needs_by_name_and_number() {
    for &kind in LawKind::FITTED {
        let needed = options(kind).needed(DOMAINS);
        assert!(
            options(kind).fit(&swarm(needed), &PRIOR, &|| ()).is_ok(),
            "{kind:?}"
        );
        let few = options(kind).fit(&swarm(needed - 1), &PRIOR, &|| ());
        let refused = CoreError::TooFewRuns {
            law: kind.name(),
            runs: needed - 1,
            live: DOMAINS,
            needed,
        };
        assert_eq!(few.map(|laws| laws.len()), Err(refused));
    }
}

#[test]
fn law_floor_is_below_every_prediction() {
    every_law(|kind, laws| {
        for law in laws {
            let floor = law.floor();
            assert!(floor >= 0.0, "{kind:?}");
            for p in points(20) {
                assert!(floor <= law.predict(&p), "{kind:?}: floor {floor}");
            }
        }
    });
}

#[test]
fn law_effects_are_slopes_of_the_logarithm_of_the_reducible_loss() {
    every_law(|kind, laws| {
        for law in laws.iter().filter(|_| kind.shape() != Some(Shape::Steps)) {
            let effects = law.effects(&PRIOR);
            let reducible = |p: &[f64]| (law.predict(p) - law.floor()).ln();
            for (j, effect) in effects.iter().enumerate() {
                let towards = |step: f64| {
                    let mut p: Vec<f64> = PRIOR.iter().map(|p| (1.0 - step) * p).collect();
                    p[j] += step;
                    p
                };
                let slope = (reducible(&towards(1e-5)) - reducible(&towards(-1e-5))) / 2e-5;
                assert!(
                    (effect - slope).abs() < 1e-4 * (1.0 + slope.abs()),
                    "{kind:?} {j}"
                );
            }
        }
    });
}

#[test]
fn law_takes_the_settings_it_claims_and_no_others() {
    for &kind in LawKind::FITTED {
        let default = options(kind);
        for (setting, given) in [
            (
                LawSetting::HuberDelta,
                LawSettings {
                    huber_delta: Some(0.07),
                    ..SETTINGS
                },
            ),
            (
                LawSetting::Ridge,
                LawSettings {
                    ridge: Some(0.07),
                    ..SETTINGS
                },
            ),
        ] {
            let changed = kind.options(&given).unwrap() != default;
            assert_eq!(changed, kind.takes(setting), "{kind:?} {}", setting.name());
        }
        let without = LawSettings {
            target_tokens: None,
            ..SETTINGS
        };
        assert_eq!(kind.options(&without).is_none(), kind.needs_target_tokens());
    }
    assert!(LawKind::Auto.takes(LawSetting::Ridge) && !LawKind::Search.takes(LawSetting::Ridge));
}

#[test]
fn law_added_as_a_file_and_a_line_is_known_everywhere() {
    let words = LawKind::words();
    assert_eq!(
        words.iter().find(|(name, _)| *name == "linear").unwrap().1,
        LawKind::Linear
    );
    assert!(LawKind::taking(LawSetting::Ridge).contains(&LawKind::Linear));
    let prior = crate::Mixture::new(swarm(5).domains().clone(), PRIOR.to_vec()).unwrap();
    let spec = crate::FitSpec {
        law: LawKind::Linear,
        bootstrap: 4,
        ..crate::FitSpec::new(prior)
    };
    let fit = crate::fit(&swarm(40), &spec, &()).unwrap();
    assert_eq!(fit.options.unwrap().describe(), "linear, ridge 1e-6");
    let proposal = fit.proposal.unwrap();
    assert_eq!(proposal.solution.status, crate::optimize::Status::Optimal);
    assert_eq!(proposal.bootstrap.unwrap().failed, 0);
    assert!(fit.out_of_fold.unwrap().average.rmse < 0.1);
}

/// The swarm with every loss `y` as `offset + factor · y`.
fn in_other_units(swarm: &Swarm, offset: f64, factor: f64) -> Swarm {
    let losses = swarm.losses();
    Swarm::new(
        swarm.domains().clone(),
        swarm.tasks().to_vec(),
        swarm.runs().to_vec(),
        swarm.mixtures().clone(),
        Matrix::from_fn(losses.rows(), losses.columns(), |k, i| {
            offset + factor * losses.get(k, i)
        }),
    )
    .unwrap()
}

/// Settings whose δ and ridge mean in losses of another scale what the defaults mean in theirs.
fn scaled_settings(kind: LawKind, factor: f64) -> LawSettings {
    let defaults = serde_json::to_value(options(kind)).unwrap();
    let default = |key: &str| defaults[key].as_f64();
    LawSettings {
        huber_delta: default("huber_delta").map(|delta| delta * factor),
        ridge: default("ridge").map(|ridge| match kind {
            // In the variance of the losses already.
            LawKind::EffectiveData => ridge,
            _ => ridge * factor * factor,
        }),
        ..SETTINGS
    }
}

#[test]
fn law_fits_are_invariant_under_shift_and_scale_of_losses() {
    let swarm = swarm(80);
    let losses = swarm.losses();
    let of_first = (0..losses.rows()).map(|k| losses.get(k, 0));
    let range = |(low, high): (f64, f64), y: f64| (low.min(y), high.max(y));
    let (low, high) = of_first.fold((f64::INFINITY, f64::NEG_INFINITY), range);
    let spread = high - low;
    for &kind in LawKind::FITTED {
        let plain = fitted(kind, &swarm);
        // What a law can't take in by its form: AutoScale's amplitudes are powers of the run's tokens, BiMix has no
        // constant, and the linear example shrinks its own.
        let (shifts, scales) = match kind {
            LawKind::AutoScale => (true, false),
            LawKind::BiMix => (false, true),
            LawKind::Linear => (false, false),
            _ => (true, true),
        };
        // Minima of BiMix are flat: those of other scales are the same to what its descents are precise to.
        let tolerance = if kind == LawKind::BiMix { 0.02 } else { 1e-3 };
        for (offset, factor) in [(500.0, 1.0), (1e6, 1.0), (0.0, 1e-9), (0.0, 1e6)] {
            if if factor == 1.0 { !shifts } else { !scales } {
                continue;
            }
            let other = in_other_units(&swarm, offset, factor);
            let options = kind.options(&scaled_settings(kind, factor)).unwrap();
            let found = options.fit(&other, &PRIOR, &|| ()).unwrap();
            for ((law, report), plain) in found.iter().zip(&plain) {
                assert!(report.converged, "{kind:?}, {offset} + {factor} y");
                for p in points(12) {
                    let back = (law.predict(&p) - offset) / factor;
                    let apart = (back - plain.predict(&p)).abs();
                    assert!(
                        apart < tolerance * spread,
                        "{kind:?}, {offset} + {factor} y: {apart} of {spread}"
                    );
                }
            }
        }
    }
}
