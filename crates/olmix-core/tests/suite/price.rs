//! Prices of constraints, held against finite differences of the solve and against answers by hand.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use crate::common::{domains, planted};
use olmix_core::law::{Basis, FittedLaw, LogLinear, Saturating};
use olmix_core::optimize::{ExactProblem, Local, Optimizer, Solution, solve_exact};
use olmix_core::price::{Multiplier, multipliers};
use olmix_core::reuse::{VirtualDomain, solve_frozen};
use olmix_core::{
    Binding, Constraints, DeadDomains, DomainSet, FitSpec, GroupBound, Matrix, Purpose, Swarm, fit,
    generator,
};
use proptest::prelude::*;
use rand::RngExt;

struct Instance {
    domains: DomainSet,
    laws: Vec<FittedLaw>,
    task_weights: Vec<f64>,
    reference: Vec<f64>,
    kl_reg: f64,
    constraints: Constraints,
}

impl Instance {
    /// Caps on all domains, a floor, an upper bound, and two groups that overlap: some bind.
    fn random(m: usize, n: usize, kl_reg: f64, seed: u64) -> Self {
        let mut rng = generator(seed, Purpose::Example, 1);
        let mut unit = || rng.random::<f64>();
        let laws = (0..n).map(|i| -> FittedLaw {
            let log_c = unit() - 0.5;
            if i % 2 == 0 {
                let t = (0..m).map(|_| 1.5 - 4.0 * unit()).collect();
                LogLinear { log_c, t }.into()
            } else {
                Saturating {
                    log_c,
                    level: unit(),
                    bases: vec![Basis::Power(0.5)],
                    v: vec![(0..m).map(|_| 2.0 * unit()).collect()],
                }
                .into()
            }
        });
        let laws = laws.collect();
        let sizes: Vec<f64> = (0..m).map(|_| 0.05 + unit()).collect();
        let size: f64 = sizes.iter().sum();
        let mut constraints = Constraints::none(m);
        let mean = 1.0 / m as f64;
        constraints.caps = Some((0..m).map(|_| (1.2 + 3.0 * unit()) * mean).collect());
        constraints.lower[0] = unit() * mean;
        constraints.upper[1] = (0.3 + unit()) * mean;
        for (name, members) in [("first", 0..m / 2), ("middle", m / 4..m / 2 + 1)] {
            let share = members.len() as f64 * mean;
            constraints.groups.push(GroupBound {
                name: name.into(),
                members: members.collect(),
                lower: (0.2 + 0.6 * unit()) * share,
                upper: (1.0 + 0.2 * unit()) * share,
            });
        }
        Self {
            domains: domains(m),
            laws,
            task_weights: vec![1.0 / n as f64; n],
            reference: sizes.iter().map(|s| s / size).collect(),
            kl_reg,
            constraints,
        }
    }

    fn problem(&self) -> ExactProblem<'_> {
        ExactProblem {
            domains: &self.domains,
            laws: &self.laws,
            task_weights: &self.task_weights,
            reference: &self.reference,
            kl_reg: self.kl_reg,
            linear: None,
            terms: None,
            constraints: &self.constraints,
        }
    }

    fn priced(&self) -> (Solution, Vec<Multiplier>) {
        let solution = solve_exact(&self.problem()).unwrap();
        let found = multipliers(&self.problem(), &solution.weights, &[], &[], &[]).unwrap();
        (solution, found)
    }

    /// The least objective with the bound of a constraint moved outwards by `by`.
    fn with(&self, constraint: &Binding, by: f64, frozen: &[VirtualDomain]) -> Solution {
        let constraints = moved(&self.constraints, constraint, by);
        let problem = ExactProblem {
            constraints: &constraints,
            ..self.problem()
        };
        if frozen.is_empty() {
            solve_exact(&problem).unwrap()
        } else {
            solve_frozen(&problem, frozen).unwrap()
        }
    }
}

fn moved(constraints: &Constraints, constraint: &Binding, by: f64) -> Constraints {
    let mut constraints = constraints.clone();
    match *constraint {
        Binding::Cap(j) => constraints.caps.as_mut().unwrap()[j] += by,
        Binding::Upper(j) => constraints.upper[j] += by,
        Binding::Lower(j) => constraints.lower[j] -= by,
        Binding::GroupUpper(g) => constraints.groups[g].upper += by,
        Binding::GroupLower(g) => constraints.groups[g].lower -= by,
        Binding::Held(_) => {}
    }
    constraints
}

/// The derivative to one side (`sign` 1: loose), by Richardson's extrapolation of two differences.
fn difference(
    instance: &Instance,
    constraint: &Binding,
    sign: f64,
    frozen: &[VirtualDomain],
) -> f64 {
    let step = 2e-5;
    let at = |by: f64| instance.with(constraint, sign * by, frozen).objective;
    let here = at(0.0);
    let slope = |by: f64| sign * (here - at(by)) / by;
    2.0 * slope(0.5 * step) - slope(step)
}

/// Weights below this are near zero beside the step of a difference: there its error is above the precision asked for.
const NEAR_ZERO: f64 = 250.0 * 2e-5;

/// The same constraints bind at both ends of the difference: the objective is smooth in between.
fn is_smooth(instance: &Instance, constraint: &Binding, solution: &Solution) -> bool {
    let names = |one: &Solution| one.binding.clone();
    let zeros = |one: &Solution| -> Vec<bool> { one.weights.iter().map(|p| *p < 1e-6).collect() };
    // Powers of a weight are no parabola over a step that is a part of it, be it the constraint's own weight or one
    // that makes room for it.
    let mut weights = solution.weights.iter();
    let own_is_far = match *constraint {
        Binding::Cap(j) | Binding::Upper(j) | Binding::Lower(j) => solution.weights[j] > NEAR_ZERO,
        _ => true,
    };
    own_is_far
        && weights.all(|p| *p < 1e-6 || *p > NEAR_ZERO)
        && [2e-5, -2e-5].iter().all(|by| {
            let other = instance.with(constraint, *by, &[]);
            names(&other) == names(solution) && zeros(&other) == zeros(solution)
        })
}

#[test]
fn multiplier_of_a_cap_is_the_slope_of_the_law_along_it() {
    // With p = (b, 1 − b) the loss is 1 + exp(−2b): its slope is −2 exp(−2b).
    let law = LogLinear {
        log_c: 0.0,
        t: vec![-2.0, 0.0],
    };
    let mut instance = Instance::random(2, 1, 0.0, 1);
    instance.laws = vec![law.into()];
    instance.constraints = Constraints::none(2);
    instance.constraints.caps = Some(vec![0.25, 9.0]);
    let (_, found) = instance.priced();
    let expected = 2.0 * (-0.5f64).exp();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].constraint, Binding::Cap(0));
    assert!((found[0].loosening - expected).abs() < 1e-9, "{found:?}");
    assert!((found[0].tightening.unwrap() - expected).abs() < 1e-9);

    // A floor of the other domain at 0.75 is the same constraint.
    instance.constraints = Constraints::none(2);
    instance.constraints.lower[1] = 0.75;
    let (_, found) = instance.priced();
    assert_eq!(found[0].constraint, Binding::Lower(1));
    assert!((found[0].loosening - expected).abs() < 1e-9);

    // A cap and an upper bound at the same weight: loosening either alone changes nothing.
    instance.constraints = Constraints::none(2);
    instance.constraints.caps = Some(vec![0.25, 9.0]);
    instance.constraints.upper[0] = 0.25;
    let (_, found) = instance.priced();
    assert_eq!(found.len(), 2);
    for one in &found {
        assert!(one.loosening.abs() < 1e-7, "{one:?}");
        assert!((one.tightening.unwrap() - expected).abs() < 1e-7, "{one:?}");
    }
}

#[test]
fn multipliers_at_a_degenerate_vertex_are_the_derivatives_to_either_side() {
    let mut instance = Instance::random(3, 1, 0.0, 1);
    instance.constraints = Constraints::none(3);
    instance.constraints.caps = Some(vec![0.5, 0.5, 9.0]);
    let problem = ExactProblem {
        laws: &[],
        task_weights: &[],
        linear: Some(&[1.0, 2.0, 4.0]),
        ..instance.problem()
    };
    let solution = solve_exact(&problem).unwrap();
    let found = multipliers(&problem, &solution.weights, &[], &[], &[]).unwrap();
    // The first takes from the second, and gives to the third; the second could take from the first,
    // which is worth less than nothing, and gives to the third.
    for (one, (loosening, tightening)) in found.iter().zip([(1.0, 3.0), (0.0, 2.0)]) {
        assert!((one.loosening - loosening).abs() < 1e-6, "{one:?}");
        assert!(
            (one.tightening.unwrap() - tightening).abs() < 1e-6,
            "{one:?}"
        );
    }
    assert_eq!(found.len(), 2);
}

#[test]
fn multiplier_of_bounds_that_leave_no_room_has_no_tight_side() {
    let mut instance = Instance::random(6, 4, 0.05, 3);
    instance.constraints = Constraints::none(6);
    instance.constraints.lower[2] = 0.4;
    instance.constraints.upper[2] = 0.4;
    let (_, found) = instance.priced();
    assert_eq!(found.len(), 2);
    for one in &found {
        assert_eq!(one.tightening, None, "{one:?}");
        let expected = difference(&instance, &one.constraint, 1.0, &[]);
        assert!(
            (one.loosening - expected).abs() < 1e-6,
            "{one:?} {expected}"
        );
    }
    assert!(found.iter().any(|one| one.loosening > 1e-3));
}

#[test]
fn multiplier_of_a_ruled_out_domain_is_infinite_under_a_kl_term() {
    let mut instance = Instance::random(4, 2, 0.05, 3);
    instance.constraints = Constraints::none(4);
    instance.constraints.upper[3] = 0.0;
    let (_, found) = instance.priced();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].loosening, found[0].tightening),
        (f64::INFINITY, None)
    );
}

#[test]
fn multiplier_under_frozen_ratios_is_that_of_the_scarcest_domain() {
    let mut instance = Instance::random(5, 4, 0.05, 3);
    instance.constraints = Constraints::none(5);
    instance.constraints.caps = Some(vec![0.1, 0.05, 9.0, 9.0, 0.2]);
    let frozen = [VirtualDomain {
        name: "old".into(),
        members: vec![("d0".into(), 0.25), ("d1".into(), 0.25), ("d2".into(), 0.5)],
    }];
    let solution = solve_frozen(&instance.problem(), &frozen).unwrap();
    let found = multipliers(&instance.problem(), &solution.weights, &[], &frozen, &[]).unwrap();
    assert_eq!(found.len(), solution.binding.len(), "{found:?}");
    assert!(!found.is_empty());
    for one in &found {
        assert!(solution.binding.contains(&one.constraint), "{one:?}");
        let expected = difference(&instance, &one.constraint, 1.0, &frozen);
        assert!(
            (one.loosening - expected).abs() < 1e-6,
            "{one:?} {expected}"
        );
    }
}

#[test]
fn multipliers_of_a_mixture_that_is_not_optimal_are_absent() {
    let instance = Instance::random(5, 4, 0.05, 3);
    let (solution, _) = instance.priced();
    let mut weights = solution.weights.clone();
    let (most, least) = (0..5).fold((0, 0), |(most, least), j| {
        let more = if weights[j] > weights[most] { j } else { most };
        let less = if weights[j] < weights[least] {
            j
        } else {
            least
        };
        (more, less)
    });
    weights[most] -= 0.1;
    weights[least] += 0.1;
    assert_eq!(
        multipliers(&instance.problem(), &weights, &[], &[], &[]),
        Ok(vec![])
    );
}

#[test]
fn fit_prices_what_the_user_set_and_not_the_domains_that_no_run_sampled() {
    let mut planted = planted(40, 5, 3, 0.001, 1);
    let mixtures = Matrix::from_fn(40, 5, |k, j| {
        let p = planted.swarm.mixtures().row(k);
        if j == 4 { 0.0 } else { p[j] / (1.0 - p[4]) }
    });
    planted.swarm = Swarm::new(
        planted.swarm.domains().clone(),
        planted.swarm.tasks().to_vec(),
        planted.swarm.runs().to_vec(),
        mixtures,
        planted.swarm.losses().clone(),
    )
    .unwrap();
    let mut spec = FitSpec::new(planted.prior.clone());
    spec.dead_domains = DeadDomains::Hold;
    spec.target_tokens = Some(1e7);
    spec.constraints = Constraints::none(5)
        .with_repetition(planted.swarm.domains(), 1e7, 1.2)
        .unwrap();
    let proposal = fit(&planted.swarm, &spec, &()).unwrap().proposal.unwrap();
    let prices = proposal.prices.unwrap();
    assert!(proposal.solution.binding.contains(&Binding::Held(4)));
    assert!(!prices.is_empty(), "{:?}", proposal.solution);
    for price in &prices {
        let Binding::Cap(j) = price.constraint else {
            panic!("{price:?}")
        };
        assert!(j != 4, "{price:?}");
        let loosened = price.loosened.unwrap();
        let epoch = (j + 1) as f64 * 1e6 / 1e7;
        assert!((loosened.by - epoch).abs() < 1e-12, "{price:?}");
        // The same by a fit of its own, with the cap raised.
        let mut raised = spec.clone();
        raised.constraints.caps.as_mut().unwrap()[j] += epoch;
        let other = fit(&planted.swarm, &raised, &()).unwrap().proposal.unwrap();
        assert!(
            (other.predicted_average - loosened.predicted).abs() < 1e-9,
            "{price:?}"
        );
    }
    spec.optimizer = Some(Optimizer::Local(Local {
        kl_reg: 0.05,
        worst: false,
    }));
    let proposal = fit(&planted.swarm, &spec, &()).unwrap().proposal.unwrap();
    assert_eq!(proposal.prices, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The solve's own objective has 13 digits, so differences over 2e-5 have 7.
    #[test]
    fn multipliers_are_the_finite_differences_of_the_solve_to_a_millionth(
        seed in 0u64..10_000, m in 3usize..16, n in 1usize..8, kl in 0.0f64..0.1,
    ) {
        let instance = Instance::random(m, n, kl, seed);
        let Ok(solution) = solve_exact(&instance.problem()) else {
            // Random bounds may contradict each other.
            return Ok(());
        };
        let found = multipliers(&instance.problem(), &solution.weights, &[], &[], &[]).unwrap();
        for binding in &solution.binding {
            let one = found.iter().find(|one| one.constraint == *binding);
            let one = one.expect("every constraint that binds has a multiplier");
            if !is_smooth(&instance, binding, &solution) {
                continue;
            }
            let loose = difference(&instance, binding, 1.0, &[]);
            let tight = difference(&instance, binding, -1.0, &[]);
            let scale = solution.objective.abs();
            prop_assert!((one.loosening - loose).abs() < 1e-6 * scale, "{one:?} {loose}");
            let tightening = one.tightening.expect("there is room to the tight side");
            prop_assert!((tightening - tight).abs() < 1e-6 * scale, "{one:?} {tight}");
        }
    }
}
