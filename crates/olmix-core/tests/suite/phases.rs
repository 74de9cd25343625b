//! Schedules of phases: their exact solve, laws over them, and what a fit says of timing.

use olmix_core::law::{Basis, Curvature, FittedLaw, Law, LogLinear, PhasedLaw, Saturating};
use olmix_core::optimize::{ExactProblem, solve_cone, solve_exact};
use olmix_core::phases::{
    Phase, PhaseBounds, PhaseDesign, PhaseSpec, Phases, StaticLaw, antithetic, best_static,
    contrast,
};
use olmix_core::{
    Constraints, Fit, FitSpec, GroupBound, Matrix, Purpose, SweepGrid, fit, generator, next_for,
    sweep,
};
use rand::RngExt;

use crate::common::domains;
use crate::common::two_phases::{World, two_phases};

#[test]
fn three_phases_are_drawn_and_solved_as_two_are() {
    let phase = |name: &str, fraction| Phase {
        name: name.to_owned(),
        fraction,
    };
    let phases = Phases::new(vec![
        phase("first", 0.5),
        phase("second", 0.3),
        phase("third", 0.2),
    ])
    .unwrap();
    let (m, n) = (6, 3);
    let world = World::new(m, n, 0.0, 7);
    let amounts: Vec<Vec<f64>> = (0..40)
        .map(|run| {
            let sizes: Vec<f64> = (0..m)
                .map(|j| 1.0 + ((run * (j + 2) + 3 * j) % 7) as f64)
                .collect();
            let sum: f64 = sizes.iter().sum();
            sizes.iter().map(|size| size / sum).collect()
        })
        .collect();
    let design = PhaseDesign {
        tied: 0.1,
        strength: 1.0,
        seed: 3,
    };
    let runs = antithetic(&phases, &amounts, &design);
    assert_eq!(runs.len(), 88);
    for (run, mixtures) in runs.iter().take(80).enumerate() {
        let q = phases.stack(mixtures);
        for (a, b) in phases.aggregate(&q).iter().zip(&amounts[run / 2]) {
            assert!((a - b).abs() < 1e-6, "{run}: {a} {b}");
        }
    }
    let stacked: Vec<Vec<f64>> = runs.iter().map(|p| phases.stack(p)).collect();
    let mixtures = Matrix::from_fn(stacked.len(), 3 * m, |run, c| stacked[run][c]);
    let found = contrast(&phases, &mixtures);
    assert_eq!((found.directions, found.possible), (10, 10));

    let laws = log_linear_laws(3 * m, n, 11);
    let domains = phases.domains(&world.domains).unwrap();
    let constraints = phases
        .constraints(&world.domains, &world.whole(), &[])
        .unwrap();
    let problem = ExactProblem {
        domains: &domains,
        laws: &laws,
        task_weights: &[1.0 / 3.0; 3],
        reference: &phases.stack_static(&world.prior),
        kl_reg: 0.02,
        linear: None,
        terms: None,
        constraints: &constraints,
    };
    let interior = solve_exact(&problem).unwrap();
    let cone = solve_cone(&problem).unwrap();
    assert!((interior.objective - cone.objective).abs() < 1e-7);
    assert!(interior.duality_gap.unwrap() <= 1e-9);
    assert!(constraints.violation(&interior.weights) < 1e-9);
}

#[test]
fn sweeps_and_next_runs_refuse_phases() {
    let world = World::new(3, 1, 0.0, 1);
    let (swarm, spec) = (world.swarm(8, 0.0, 1), world.spec(0.05));
    let none = Fit::default();
    let grid = SweepGrid {
        target_tokens: vec![1e9],
        repetition: vec![4.0],
        kl: vec![0.05],
    };
    let told = [
        sweep(&swarm, &spec, &none, &grid, &|| ()).unwrap_err(),
        next_for(&swarm, &spec, &none, (2, 4), &|| ()).unwrap_err(),
    ];
    for error in told {
        let message = error.to_string();
        assert!(message.starts_with("the runs are in phases"), "{message}");
    }
}

fn log_linear_laws(columns: usize, n: usize, seed: u64) -> Vec<LogLinear> {
    let mut rng = generator(seed, Purpose::Example, 5);
    let law = |_| LogLinear {
        log_c: rng.random::<f64>() - 0.5,
        t: (0..columns)
            .map(|_| 1.5 - 4.0 * rng.random::<f64>())
            .collect(),
    };
    (0..n).map(law).collect()
}

#[test]
fn two_phase_solutions_of_both_methods_agree_and_satisfy_every_sum() {
    for seed in 0..6 {
        let (m, n) = (5 + seed as usize, 4);
        let world = World::new(m, n, 0.5, seed);
        let laws = log_linear_laws(2 * m, n, seed);
        let weights = vec![0.25; n];
        let mut whole = world.whole();
        whole.lower[0] = 0.5 * world.prior[0];
        let mut within = vec![PhaseBounds::none(m), PhaseBounds::none(m)];
        within[1].upper[1] = 0.1;
        within[1].groups.push(GroupBound {
            name: "first two".to_owned(),
            members: vec![0, 1],
            lower: 0.05,
            upper: 0.6,
        });
        let phases = &world.phases;
        let constraints = phases.constraints(&world.domains, &whole, &within).unwrap();
        for kl_reg in [0.0, 0.05] {
            let domains = phases.domains(&world.domains).unwrap();
            let problem = ExactProblem {
                domains: &domains,
                laws: &laws,
                task_weights: &weights,
                reference: &phases.stack_static(&world.prior),
                kl_reg,
                linear: None,
                terms: None,
                constraints: &constraints,
            };
            let interior = solve_exact(&problem).unwrap();
            let cone = solve_cone(&problem).unwrap();
            assert!(interior.duality_gap.unwrap() <= 1e-9, "{interior:?}");
            assert!(
                (interior.objective - cone.objective).abs() < 1e-7,
                "{} {}",
                interior.objective,
                cone.objective
            );
            assert!(constraints.violation(&interior.weights) < 1e-9);
            let split = phases.split(&interior.weights);
            for mixture in &split {
                assert!((mixture.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            }
            assert!(split[1][1] <= 0.1 + 1e-9);
            for (all, most) in phases.aggregate(&interior.weights).iter().zip(&whole.upper) {
                assert!(all <= &(most + 1e-9), "a cap counts tokens of all phases");
            }
        }
    }
}

#[test]
fn a_law_over_phases_has_the_slopes_and_the_curvature_of_its_differences() {
    let gains = vec![vec![0.9, 1.05, 1.0], vec![1.4, 0.8, 1.0]];
    let inner: LogLinear = log_linear_laws(3, 1, 9).remove(0);
    let law = FittedLaw::Phased(Box::new(PhasedLaw {
        gains,
        law: inner.into(),
    }));
    let q = [0.3, 0.2, 0.25, 0.1, 0.1, 0.05];
    let mut slope = [0.0; 6];
    law.add_gradient(&q, 2.0, &mut slope);
    let mut curvature = Curvature::new(6);
    law.curvature(&q, 2.0, &mut curvature);
    let step = 1e-5;
    for i in 0..6 {
        let at = |by: f64| {
            let mut moved = q;
            moved[i] += by;
            moved
        };
        let difference = (law.predict(&at(step)) - law.predict(&at(-step))) / step;
        assert!((slope[i] - difference).abs() < 1e-7, "{i}");
        let slope_at = |by: f64| {
            let mut slope = [0.0; 6];
            law.add_gradient(&at(by), 2.0, &mut slope);
            slope
        };
        let (up, down) = (slope_at(step), slope_at(-step));
        for k in 0..6 {
            let difference = (up[k] - down[k]) / (2.0 * step);
            assert!((curvature.entry(i, k) - difference).abs() < 1e-6, "{i} {k}");
        }
    }
    assert_eq!(law.validate(6), Ok(()));
    assert!(law.validate(4).is_err());
}

#[test]
fn a_law_over_phases_with_a_diagonal_has_the_curvature_of_its_differences() {
    let law = FittedLaw::Phased(Box::new(PhasedLaw {
        gains: vec![vec![0.9, 1.05], vec![1.4, 0.8]],
        law: FittedLaw::Saturating(Saturating {
            log_c: -0.4,
            level: 0.7,
            bases: vec![Basis::Power(0.5)],
            v: vec![vec![0.8, 1.1]],
        }),
    }));
    let q = [0.5, 0.3, 0.15, 0.05];
    let mut curvature = Curvature::new(4);
    law.curvature(&q, 1.0, &mut curvature);
    let spec = two_phases(0.8);
    let of_static = StaticLaw {
        law: &law,
        phases: &spec,
    };
    let p = [0.6, 0.4];
    let mut folded = Curvature::new(2);
    of_static.curvature(&p, 1.0, &mut folded);
    let step = 1e-5;
    let differs = |law: &dyn Law, at: &[f64], i: usize, k: usize| {
        let slope = |by: f64| {
            let mut moved = at.to_vec();
            moved[i] += by;
            let mut slope = vec![0.0; at.len()];
            law.add_gradient(&moved, 1.0, &mut slope);
            slope[k]
        };
        (slope(step) - slope(-step)) / (2.0 * step)
    };
    for i in 0..4 {
        for k in 0..4 {
            let difference = differs(&law, &q, i, k);
            assert!((curvature.entry(i, k) - difference).abs() < 1e-6, "{i} {k}");
        }
    }
    for i in 0..2 {
        for k in 0..2 {
            let difference = differs(&of_static, &p, i, k);
            assert!((folded.entry(i, k) - difference).abs() < 1e-6, "{i} {k}");
        }
    }
}

#[test]
fn the_best_static_mixture_is_that_of_the_same_laws_without_phases() {
    let world = World::new(6, 3, 0.0, 2);
    let laws = log_linear_laws(6, 3, 4);
    let weights = [1.0 / 3.0; 3];
    let tied: Vec<FittedLaw> = laws
        .iter()
        .map(|law| {
            FittedLaw::Phased(Box::new(PhasedLaw {
                gains: vec![vec![1.0; 6]; 2],
                law: law.clone().into(),
            }))
        })
        .collect();
    let whole = world.whole();
    let spec = PhaseSpec::new(world.phases.clone(), world.domains.clone(), &whole, &[]);
    let reference = world.phases.stack_static(&world.prior);
    let found = best_static(&spec, &tied, &weights, &reference, 0.05).unwrap();
    let expected = solve_exact(&ExactProblem {
        domains: &world.domains,
        laws: &laws,
        task_weights: &weights,
        reference: &world.prior,
        kl_reg: 0.05,
        linear: None,
        terms: None,
        constraints: &whole,
    })
    .unwrap();
    for (a, b) in found.weights.iter().zip(&expected.weights) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn antithetic_runs_keep_amounts_and_have_contrasts_that_amounts_do_not_explain() {
    let world = World::new(8, 1, 0.0, 1);
    let swarm = world.swarm(60, 0.0, 5);
    let phases = &world.phases;
    for pair in 0..30 {
        let first = phases.aggregate(swarm.mixtures().row(2 * pair));
        let second = phases.aggregate(swarm.mixtures().row(2 * pair + 1));
        for (a, b) in first.iter().zip(&second) {
            assert!((a - b).abs() < 1e-9);
        }
    }
    let found = contrast(phases, swarm.mixtures());
    assert!(found.own > 0.8, "{found:?}");
    assert_eq!((found.directions, found.possible), (7, 7));
    let tied = Matrix::from_fn(20, 16, |run, c| {
        let p = phases.aggregate(swarm.mixtures().row(run));
        phases.stack_static(&p)[c]
    });
    let found = contrast(phases, &tied);
    assert!(!found.tells(), "{found:?}");
}

#[allow(clippy::unwrap_used)] // a helper of tests
fn fitted(world: &World, runs: usize, noise: f64, seed: u64) -> Fit {
    let swarm = world.swarm(runs, noise, seed);
    let spec = FitSpec {
        seed,
        ..world.spec(1e-4)
    };
    fit(&swarm, &spec, &()).unwrap()
}

#[test]
fn a_planted_effect_of_timing_is_found_and_most_of_its_gain_with_it() {
    for (m, seed) in [(8, 1), (8, 2), (24, 3)] {
        let world = World::new(m, 5, 0.7, seed);
        let found = fitted(&world, 4 * (m + 1), 0.002, seed);
        let options = found.options.as_ref().unwrap().describe();
        let proposal = found.proposal.unwrap();
        let share = world.share_of_gain(proposal.mixture.weights());
        assert!(
            share >= 0.95,
            "{m} domains, seed {seed}: {share} by {options}"
        );
        let value = proposal.phases.unwrap();
        assert!(value.static_loss > value.phases_loss, "{value:?}");
    }
}

#[test]
fn without_an_effect_of_timing_the_tied_law_is_chosen() {
    let chosen = (0..12)
        .filter(|&seed| {
            let world = World::new(6, 2, 0.0, seed);
            let found = fitted(&world, 28, 0.005, seed);
            let options = found.options.unwrap().describe();
            options.ends_with("the same in every phase")
        })
        .count();
    assert!(chosen >= 11, "{chosen} of 12");
}

#[test]
fn phases_that_are_none_and_bounds_that_contradict_are_refused_by_name() {
    let phase = |name: &str, fraction| Phase {
        name: name.to_owned(),
        fraction,
    };
    let refused = |phases: Vec<Phase>| Phases::new(phases).unwrap_err().to_string();
    assert_eq!(
        refused(vec![phase("a", 0.5), phase("b", 0.4)]),
        "the fractions of the phases sum to 0.9, not to 1"
    );
    assert_eq!(
        refused(vec![phase("a", 1.0), phase("b", 0.0)]),
        "phase `b` has the fraction 0; a phase has a share of the run's tokens above 0"
    );
    assert_eq!(
        refused(vec![phase("a", 0.5), phase("a", 0.5)]),
        "two phases are named `a`"
    );
    let (phases, domains) = (two_phases(0.8), domains(3));
    let mut whole = Constraints::none(3);
    whole.caps = Some(vec![0.1, 1.0, 1.0]);
    let mut within = vec![PhaseBounds::none(3), PhaseBounds::none(3)];
    within[1].lower[0] = 0.6;
    let message = phases
        .constraints(&domains, &whole, &within)
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "domain `d0` must have at least 0.1200 in `cooldown` of the run's tokens, 0.1200 in all, and its token cap \
         over all phases allows at most 0.1000"
    );
}
