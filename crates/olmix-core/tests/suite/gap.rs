//! The gap that a solve states is a bound, whatever method found the mixture.

use crate::common::domains;
use olmix_core::law::LogLinear;
use olmix_core::optimize::{ExactProblem, solve_cone, solve_exact};
use olmix_core::{Constraints, GroupBound, Purpose, generator};
use rand::RngExt;

/// Moves weight between pairs of domains by golden sections for as many rounds: slow, and shares no code with
/// the solvers.
fn by_pairs(problem: &ExactProblem<'_, LogLinear>, start: &[f64], rounds: usize) -> Vec<f64> {
    let mut p = start.to_vec();
    let limit = |k: usize| problem.constraints.limit(k);
    for _ in 0..rounds {
        for i in 0..p.len() {
            for j in (0..p.len()).filter(|&j| j != i) {
                let room = (limit(i) - p[i]).min(p[j]).max(0.0);
                let at = |step: f64| {
                    let mut moved = p.clone();
                    moved[i] += step;
                    moved[j] -= step;
                    moved
                };
                let (mut low, mut high) = (0.0, room);
                for _ in 0..40 {
                    let (a, b) = (low + 0.382 * (high - low), low + 0.618 * (high - low));
                    if problem.objective(&at(a)) < problem.objective(&at(b)) {
                        high = b;
                    } else {
                        low = a;
                    }
                }
                for moved in [low, high, room].map(at) {
                    if problem.objective(&moved) < problem.objective(&p) {
                        p = moved;
                        break;
                    }
                }
            }
        }
    }
    p
}

struct Instance {
    domains: olmix_core::DomainSet,
    laws: Vec<LogLinear>,
    reference: Vec<f64>,
    kl_reg: f64,
    constraints: Constraints,
}

impl Instance {
    fn random(m: usize, seed: u64) -> Self {
        let mut rng = generator(seed, Purpose::Example, 5);
        let mut unit = || rng.random::<f64>();
        let laws = (0..4).map(|_| LogLinear {
            log_c: unit() - 0.5,
            t: (0..m).map(|_| 1.5 - 4.0 * unit()).collect(),
        });
        let laws = laws.collect();
        let sizes: Vec<f64> = (0..m).map(|_| 0.05 + unit()).collect();
        let size: f64 = sizes.iter().sum();
        Self {
            domains: domains(m),
            laws,
            reference: sizes.iter().map(|s| s / size).collect(),
            kl_reg: 0.05,
            constraints: Constraints::none(m),
        }
    }

    fn problem(&self) -> ExactProblem<'_, LogLinear> {
        ExactProblem {
            domains: &self.domains,
            laws: &self.laws,
            task_weights: &[0.25; 4],
            reference: &self.reference,
            kl_reg: self.kl_reg,
            linear: None,
            terms: None,
            constraints: &self.constraints,
        }
    }
}

#[test]
fn stated_gap_is_a_bound_where_caps_leave_hardly_any_room() {
    // What the sum of the caps is above 1. There the cone program solves, and what it states itself is up to 100
    // times less than what the mixture is above the least.
    for (m, over, rounds) in [(2, 1e-11, 9), (5, 1e-9, 9), (5, 1e-7, 9), (24, 1e-12, 1)] {
        for seed in 0..3 {
            let mut instance = Instance::random(m, seed);
            let caps = instance.reference.iter().map(|q| q * (1.0 + over));
            instance.constraints.caps = Some(caps.collect());
            let problem = instance.problem();
            let solution = solve_exact(&problem).unwrap();
            let better = by_pairs(&problem, &solution.weights, rounds);
            let really = solution.objective - problem.objective(&better);
            let stated = solution.duality_gap.unwrap();
            // Beside what rounding does to two sums of losses.
            assert!(
                really <= stated + 1e-15,
                "{m} {over}: {really:e} {stated:e}"
            );
            assert!(stated <= 10.0 * over, "{m} {over}: {stated:e}");
        }
    }
}

#[test]
fn stated_gap_of_the_cone_program_is_a_bound_with_groups_and_without_a_pull() {
    for seed in 0..6 {
        for kl_reg in [0.0, 0.05] {
            let mut instance = Instance::random(6, seed);
            instance.kl_reg = kl_reg;
            let held: f64 = instance.reference[..3].iter().sum();
            instance.constraints.groups.push(GroupBound {
                name: "three".into(),
                members: vec![0, 1, 2],
                lower: 0.95 * held,
                upper: 1.05 * held,
            });
            let cone = solve_cone(&instance.problem()).unwrap();
            let least = solve_exact(&instance.problem()).unwrap();
            let stated = cone.duality_gap.unwrap();
            assert!(cone.objective - least.objective <= stated + 1e-14);
            assert!(stated < 1e-7, "{stated:e}");
        }
    }
}
