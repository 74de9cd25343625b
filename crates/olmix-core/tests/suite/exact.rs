//! What the exact optimizer promises, held against computations of its own.
//!
//! Over 400 lines: every form of the problem is solved on the same random instances.

use crate::common::domains;
use olmix_core::law::{Law, LogLinear};
use olmix_core::optimize::{ExactProblem, Status, solve_cone, solve_exact, worst_mix};
use olmix_core::{Binding, Constraints, CoreError, GroupBound, Purpose, generator};
use proptest::prelude::*;
use rand::RngExt;

struct Instance {
    domains: olmix_core::DomainSet,
    laws: Vec<LogLinear>,
    task_weights: Vec<f64>,
    reference: Vec<f64>,
    kl_reg: f64,
    constraints: Constraints,
}

impl Instance {
    fn random(m: usize, n: usize, kl_reg: f64, seed: u64) -> Self {
        let mut rng = generator(seed, Purpose::Example, 1);
        let mut unit = || rng.random::<f64>();
        let laws = (0..n)
            .map(|_| LogLinear {
                log_c: unit() - 0.5,
                t: (0..m).map(|_| 1.5 - 4.0 * unit()).collect(),
            })
            .collect();
        let raw: Vec<f64> = (0..n).map(|_| 0.2 + unit()).collect();
        let sizes: Vec<f64> = (0..m).map(|_| 0.05 + unit()).collect();
        let mut constraints = Constraints::none(m);
        constraints.caps = Some((0..m).map(|_| (1.2 + 3.0 * unit()) / m as f64).collect());
        let total: f64 = raw.iter().sum();
        let size: f64 = sizes.iter().sum();
        Self {
            domains: domains(m),
            laws,
            task_weights: raw.iter().map(|w| w / total).collect(),
            reference: sizes.iter().map(|s| s / size).collect(),
            kl_reg,
            constraints,
        }
    }

    fn problem(&self) -> ExactProblem<'_, LogLinear> {
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
}

/// The gradient, from the formula and nothing of the solver's.
fn gradient(instance: &Instance, p: &[f64]) -> Vec<f64> {
    (0..p.len())
        .map(|j| {
            let losses = instance
                .laws
                .iter()
                .zip(&instance.task_weights)
                .map(|(law, w)| {
                    let exponent: f64 = law.t.iter().zip(p).map(|(t, p)| t * p).sum();
                    w * law.t[j] * exponent.exp()
                });
            let kl = instance.kl_reg * ((p[j] / instance.reference[j]).ln() + 1.0);
            losses.sum::<f64>() + if instance.kl_reg > 0.0 { kl } else { 0.0 }
        })
        .collect()
}

/// With bounds on domains alone, the optimality conditions are: one price ν such that the slope is
/// ν at weights inside their bounds, at least ν at the lower, at most ν at the upper bound.
fn assert_optimal(instance: &Instance, p: &[f64]) {
    assert!(instance.constraints.violation(p) < 1e-9);
    let slopes = gradient(instance, p);
    let inside = |j: usize| {
        let (lower, limit) = (instance.constraints.lower[j], instance.constraints.limit(j));
        p[j] > lower + 1e-6 && p[j] < limit - 1e-6
    };
    let free: Vec<usize> = (0..p.len()).filter(|&j| inside(j)).collect();
    assert!(!free.is_empty());
    let price = free.iter().map(|&j| slopes[j]).sum::<f64>() / free.len() as f64;
    for j in 0..p.len() {
        let excess = slopes[j] - price;
        if inside(j) {
            assert!(
                excess.abs() < 1e-5,
                "domain {j}: slope {excess:e} off the price"
            );
        } else if p[j] >= instance.constraints.limit(j) - 1e-6 {
            assert!(
                excess < 1e-5,
                "domain {j} at its cap would fall: {excess:e}"
            );
        } else {
            assert!(
                excess > -1e-5,
                "domain {j} at its floor would rise: {excess:e}"
            );
        }
    }
}

/// Minimizes by mirror descent with the entropy as its mirror: each step multiplies weights by
/// `exp(−slope)` and scales them back to the simplex under their caps. The loss is smooth relative
/// to the entropy and the KL term strongly convex, so the error falls by a fixed factor a step.
fn mirror_descent(instance: &Instance) -> Vec<f64> {
    let m = instance.reference.len();
    let scaled = |raw: &[f64]| -> Vec<f64> {
        let at = |factor: f64| -> Vec<f64> {
            let capped =
                |(j, raw): (usize, &f64)| (factor * raw).min(instance.constraints.limit(j));
            raw.iter().enumerate().map(capped).collect()
        };
        let (mut low, mut high) = (-50.0f64, 50.0f64);
        for _ in 0..80 {
            let middle = 0.5 * (low + high);
            if at(middle.exp()).iter().sum::<f64>() < 1.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        at(high.exp())
    };
    // ∇²f ≼ L diag(1/p) on the simplex, with L = Σ w max t² exp(max t).
    let steepness = |law: &LogLinear| {
        let square = law.t.iter().fold(0.0f64, |most, t| most.max(t * t));
        square
            * law
                .t
                .iter()
                .copied()
                .fold(f64::NEG_INFINITY, f64::max)
                .exp()
    };
    let smoothness: f64 = instance
        .laws
        .iter()
        .zip(&instance.task_weights)
        .map(|(law, w)| w * steepness(law))
        .sum();
    let step = 1.0 / (smoothness + instance.kl_reg);
    let mut p = scaled(&instance.reference);
    for _ in 0..100_000 {
        let slopes = gradient(instance, &p);
        let raw: Vec<f64> = p
            .iter()
            .zip(&slopes)
            .map(|(p, g)| p * (-step * g).exp())
            .collect();
        let next = scaled(&raw);
        let moved = (0..m).map(|j| (next[j] - p[j]).abs()).fold(0.0, f64::max);
        p = next;
        if moved < 1e-14 {
            break;
        }
    }
    p
}

#[test]
fn exact_solution_meets_the_optimality_conditions_by_an_independent_computation() {
    for (m, n, kl) in [
        (3, 2, 0.05),
        (24, 52, 0.05),
        (64, 52, 0.05),
        (64, 52, 0.005),
        (64, 52, 1e-6),
        (64, 52, 0.0),
        (24, 5, 0.01),
        // One task and a small λ put weights hundreds of orders of magnitude apart.
        (64, 1, 0.005),
        (64, 1, 0.0),
    ] {
        for seed in 0..4 {
            let instance = Instance::random(m, n, kl, seed);
            let solution = solve_exact(&instance.problem()).unwrap();
            assert_eq!(solution.status, Status::Optimal);
            assert!(solution.duality_gap.unwrap() < 1e-8);
            assert_optimal(&instance, &solution.weights);
        }
    }
}

#[test]
fn exact_solution_of_a_linear_objective_with_kl_is_its_closed_form() {
    let mut instance = Instance::random(10, 1, 0.3, 5);
    instance.constraints = Constraints::none(10);
    let slope: Vec<f64> = (0..10).map(|j| f64::from(j).sin()).collect();
    let problem = ExactProblem {
        laws: &[],
        task_weights: &[],
        linear: Some(&slope),
        ..instance.problem()
    };
    let solution = solve_exact(&problem).unwrap();
    let raw: Vec<f64> = instance
        .reference
        .iter()
        .zip(&slope)
        .map(|(q, g)| q * (-g / 0.3).exp())
        .collect();
    let total: f64 = raw.iter().sum();
    for (p, raw) in solution.weights.iter().zip(&raw) {
        assert!((p - raw / total).abs() < 1e-8);
    }
}

#[test]
fn exact_solution_of_a_linear_objective_without_kl_fills_caps_in_order() {
    let mut instance = Instance::random(4, 1, 0.0, 5);
    instance.constraints = Constraints::none(4);
    instance.constraints.caps = Some(vec![0.3, 0.5, 0.4, 9.0]);
    let slope = [1.0, 2.0, 3.0, 4.0];
    let problem = ExactProblem {
        laws: &[],
        task_weights: &[],
        linear: Some(&slope),
        ..instance.problem()
    };
    let solution = solve_exact(&problem).unwrap();
    for (p, expected) in solution.weights.iter().zip([0.3, 0.5, 0.2, 0.0]) {
        assert!((p - expected).abs() < 1e-7);
    }
    assert_eq!(solution.binding, [Binding::Cap(0), Binding::Cap(1)]);
}

#[test]
fn exact_solution_keeps_bounds_and_groups_and_reports_those_that_bind() {
    let mut instance = Instance::random(12, 8, 0.05, 11);
    let free = solve_exact(&instance.problem()).unwrap();
    let held: f64 = free.weights[..4].iter().sum();
    instance.constraints.groups.push(GroupBound {
        name: "first".into(),
        members: vec![0, 1, 2, 3],
        lower: 0.0,
        upper: 0.5 * held,
    });
    instance.constraints.lower[7] = free.weights[7] + 0.02;
    let solution = solve_exact(&instance.problem()).unwrap();
    assert!(instance.constraints.violation(&solution.weights) < 1e-9);
    assert!(solution.binding.contains(&Binding::GroupUpper(0)));
    assert!(solution.binding.contains(&Binding::Lower(7)));
    let cone = solve_cone(&instance.problem()).unwrap();
    assert!((solution.objective - cone.objective).abs() < 1e-8);
}

#[test]
fn exact_solution_leaves_domains_with_equal_bounds_where_they_are() {
    let mut instance = Instance::random(6, 4, 0.05, 3);
    instance.constraints.caps = None;
    instance.constraints.lower[2] = 0.21;
    instance.constraints.upper[2] = 0.21;
    let solution = solve_exact(&instance.problem()).unwrap();
    assert!((solution.weights[2] - 0.21).abs() < 1e-9);
    let cone = solve_cone(&instance.problem()).unwrap();
    assert!((solution.objective - cone.objective).abs() < 1e-8);
}

#[test]
fn exact_solution_does_not_depend_on_domains_that_are_ruled_out() {
    let mut instance = Instance::random(6, 4, 0.05, 3);
    instance.constraints = Constraints::none(6);
    instance.constraints.upper[1] = 0.0;
    instance.constraints.upper[5] = 0.0;
    let solution = solve_exact(&instance.problem()).unwrap();
    let kept = [0, 2, 3, 4];
    let without = Instance {
        domains: domains(4),
        laws: (instance.laws.iter())
            .map(|law| LogLinear {
                log_c: law.log_c,
                t: kept.map(|j| law.t[j]).to_vec(),
            })
            .collect(),
        task_weights: instance.task_weights.clone(),
        reference: kept.map(|j| instance.reference[j]).to_vec(),
        kl_reg: instance.kl_reg,
        constraints: Constraints::none(4),
    };
    let other = solve_exact(&without.problem()).unwrap();
    assert_eq!((solution.weights[1], solution.weights[5]), (0.0, 0.0));
    for (&j, weight) in kept.iter().zip(&other.weights) {
        assert!((solution.weights[j] - weight).abs() < 1e-7, "domain {j}");
    }
    // Were the pull all there is, the solution would be the reference: it is not.
    assert!((solution.weights[0] - instance.reference[0]).abs() > 1e-3);
}

#[test]
fn exact_solution_of_a_group_without_interior_comes_from_the_cone_program() {
    let mut instance = Instance::random(6, 4, 0.05, 3);
    instance.constraints = Constraints::none(6);
    instance.constraints.groups.push(GroupBound {
        name: "pinned".into(),
        members: vec![0, 1],
        lower: 0.3,
        upper: 0.3,
    });
    let solution = solve_exact(&instance.problem()).unwrap();
    assert!((solution.weights[0] + solution.weights[1] - 0.3).abs() < 1e-9);
    assert!(solution.duality_gap.unwrap() < 1e-8);
}

#[test]
fn exact_solution_under_caps_that_leave_a_single_mixture_is_that_mixture() {
    let mut instance = Instance::random(4, 4, 0.05, 3);
    let caps = vec![0.1, 0.2, 0.3, 0.4];
    instance.constraints.caps = Some(caps.clone());
    let solution = solve_exact(&instance.problem()).unwrap();
    for (p, cap) in solution.weights.iter().zip(&caps) {
        assert!((p - cap).abs() < 1e-9);
    }
}

#[test]
fn exact_solution_meets_group_bounds_that_the_start_violates() {
    let mut instance = Instance::random(12, 8, 0.01, 4);
    instance.constraints.caps = None;
    for (name, members, lower, upper) in [
        ("ab", vec![0, 1, 2], 0.6, 0.9),
        ("bc", vec![2, 3, 4], 0.0, 0.05),
        ("de", vec![5, 6], 0.25, 1.0),
    ] {
        instance.constraints.groups.push(GroupBound {
            name: name.into(),
            members,
            lower,
            upper,
        });
    }
    let solution = solve_exact(&instance.problem()).unwrap();
    assert_eq!(solution.status, Status::Optimal);
    assert!(instance.constraints.violation(&solution.weights) < 1e-9);
    let cone = solve_cone(&instance.problem()).unwrap();
    assert!((solution.objective - cone.objective).abs() < 1e-8);
}

#[test]
fn exact_solve_names_groups_that_contradict_each_other_as_infeasible() {
    let mut instance = Instance::random(4, 2, 0.05, 3);
    instance.constraints = Constraints::none(4);
    for (name, members, lower, upper) in [
        ("ab", vec![0, 1], 0.7, 1.0),
        ("bc", vec![1, 2], 0.7, 1.0),
        ("b", vec![1], 0.0, 0.2),
    ] {
        instance.constraints.groups.push(GroupBound {
            name: name.into(),
            members,
            lower,
            upper,
        });
    }
    let error = solve_exact(&instance.problem()).unwrap_err();
    assert!(
        matches!(&error, CoreError::Infeasible(message) if message.contains("`ab`")),
        "{error}"
    );
}

#[test]
fn worst_mixture_has_a_greater_loss_than_every_vertex() {
    let mut instance = Instance::random(7, 5, 0.0, 21);
    instance.constraints = Constraints::none(7);
    let worst = worst_mix(&instance.problem()).unwrap();
    assert_eq!(worst.status, Status::LocalMaximum);
    // A convex function is greatest at a vertex of the simplex.
    let vertex = |j: usize| {
        let mut p = [0.0; 7];
        p[j] = 1.0;
        instance
            .laws
            .iter()
            .zip(&instance.task_weights)
            .map(|(law, w)| w * law.predict(&p))
            .sum::<f64>()
    };
    let most = (0..7).map(vertex).fold(f64::NEG_INFINITY, f64::max);
    assert!(
        (worst.objective - most).abs() < 1e-6,
        "{} {most}",
        worst.objective
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Mirror descent shares no code with the interior-point method, and converges to as many
    /// digits of the weights as one waits for.
    #[test]
    fn a_second_method_finds_the_same_weights_to_a_millionth(
        seed in 0u64..10_000, m in 2usize..30, n in 1usize..20, kl in 0.02f64..0.2,
    ) {
        let instance = Instance::random(m, n, kl, seed);
        let own = solve_exact(&instance.problem()).unwrap();
        prop_assert_eq!(own.status, Status::Optimal);
        let mirror = mirror_descent(&instance);
        for (a, b) in own.weights.iter().zip(&mirror) {
            prop_assert!((a - b).abs() < 1e-6, "{} {}", a, b);
        }
        let sum: f64 = own.weights.iter().sum();
        prop_assert!((sum - 1.0).abs() < 1e-12);
    }

    /// The cone program has bounds on groups too.
    #[test]
    fn the_cone_program_agrees_to_its_own_accuracy(
        seed in 0u64..10_000, m in 2usize..30, n in 1usize..20, kl in 0.0f64..0.2, grouped: bool,
    ) {
        let mut instance = Instance::random(m, n, kl, seed);
        if grouped {
            let members: Vec<usize> = (0..m).step_by(2).collect();
            let most: f64 = members.iter().map(|&j| instance.constraints.limit(j)).sum();
            let others: f64 = (0..m).filter(|j| j % 2 == 1).map(|j| instance.constraints.limit(j)).sum();
            let least = (1.0 - others).max(0.0);
            let upper = least + 0.5 * (most.min(1.0) - least);
            instance.constraints.groups.push(GroupBound { name: "even".into(), members, lower: 0.0, upper });
        }
        let own = solve_exact(&instance.problem()).unwrap();
        let cone = solve_cone(&instance.problem()).unwrap();
        prop_assert_eq!(own.status, Status::Optimal);
        prop_assert!(own.duality_gap.unwrap() < 1e-11);
        prop_assert!((own.objective - cone.objective).abs() < 1e-8);
        prop_assert!(instance.constraints.violation(&own.weights) < 1e-12);
    }

    /// No feasible mixture is below the optimum by more than the gap it certifies.
    #[test]
    fn the_gap_is_a_certificate(seed in 0u64..10_000, m in 2usize..12, kl in 0.0f64..0.1) {
        let instance = Instance::random(m, 5, kl, seed);
        let problem = instance.problem();
        let solution = solve_exact(&problem).unwrap();
        let gap = solution.duality_gap.unwrap();
        let mut rng = generator(seed, Purpose::Example, 2);
        for _ in 0..50 {
            // Steps from the optimum towards random feasible mixtures.
            let other = solve_exact(&ExactProblem {
                laws: &[], task_weights: &[], kl_reg: 0.0,
                linear: Some(&(0..m).map(|_| rng.random::<f64>()).collect::<Vec<_>>()),
                ..problem
            }).unwrap();
            let share = 1e-3 * rng.random::<f64>();
            let near: Vec<f64> = solution.weights.iter().zip(&other.weights)
                .map(|(a, b)| a + share * (b - a)).collect();
            prop_assert!(problem.objective(&near) >= solution.objective - gap - 1e-12);
        }
    }
}
