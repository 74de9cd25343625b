//! Limits on losses, penalties and the largest loss in the exact solve, held against the cone program, closed
//! forms and random mixtures.
#![allow(clippy::unwrap_used)] // helpers of tests

use crate::common::domains;
use olmix_core::law::{Basis, FittedLaw, Law, LogLinear, Saturating};
use olmix_core::optimize::{
    ExactProblem, LossTerm, LossTerms, Solution, Status, TermRole, solve_cone, solve_exact,
};
use olmix_core::{Constraints, CoreError, DomainSet, GroupBound, Purpose, generator};
use proptest::prelude::*;
use rand::RngExt;

struct Instance {
    domains: DomainSet,
    laws: Vec<FittedLaw>,
    task_weights: Vec<f64>,
    reference: Vec<f64>,
    kl_reg: f64,
    terms: LossTerms,
    constraints: Constraints,
}

impl Instance {
    /// Random laws over `m` domains, and terms of `families` means of laws, relative to the reference.
    fn random(m: usize, n: usize, families: usize, kl_reg: f64, seed: u64) -> Self {
        let mut rng = generator(seed, Purpose::Example, 3);
        let mut unit = || rng.random::<f64>();
        let laws: Vec<FittedLaw> = (0..n)
            .map(|_| {
                FittedLaw::LogLinear(LogLinear {
                    log_c: unit() - 0.5,
                    t: (0..m).map(|_| 1.5 - 4.0 * unit()).collect(),
                })
            })
            .collect();
        let sizes: Vec<f64> = (0..m).map(|_| 0.05 + unit()).collect();
        let size: f64 = sizes.iter().sum();
        let mut constraints = Constraints::none(m);
        constraints.caps = Some((0..m).map(|_| (1.5 + 3.0 * unit()) / m as f64).collect());
        let mut instance = Self {
            domains: domains(m),
            laws,
            task_weights: vec![1.0 / n as f64; n],
            reference: sizes.iter().map(|s| s / size).collect(),
            kl_reg,
            terms: LossTerms::default(),
            constraints,
        };
        for family in 0..families {
            let weights: Vec<f64> = (0..n).map(|i| f64::from(i % families == family)).collect();
            let term = instance.relative(family, &weights);
            instance.terms.terms.push(term);
        }
        instance
    }

    /// A term whose value is the relative excess of a mean of losses over the reference's.
    fn relative(&self, name: usize, weights: &[f64]) -> LossTerm {
        let at_reference: f64 = weights
            .iter()
            .zip(&self.laws)
            .map(|(a, law)| a * law.predict(&self.reference))
            .sum();
        LossTerm {
            name: format!("f{name}"),
            weights: weights.iter().map(|a| a / at_reference).collect(),
            bound: 1.0,
            role: TermRole::Limit,
        }
    }

    /// Every term at most half as far below what it is at the optimum without terms as it can be.
    fn limited_by_half(self) -> Self {
        let free = ExactProblem {
            terms: None,
            ..self.problem()
        };
        let most = |p: &[f64]| self.values(p).into_iter().fold(f64::NEG_INFINITY, f64::max);
        let at_free = most(&solve_exact(&free).unwrap().weights);
        let mut compared = self.terms.clone();
        compared.largest_weight = 1.0;
        compared.without_average = true;
        let compare = |term: &mut LossTerm| term.role = TermRole::Compared;
        compared.terms.iter_mut().for_each(compare);
        let least = ExactProblem {
            terms: Some(&compared),
            kl_reg: 0.0,
            ..self.problem()
        };
        let least = most(&solve_exact(&least).unwrap().weights);
        assert!(least < at_free - 1e-3, "{least} {at_free}");
        self.limited(0.5 * (least + at_free))
    }

    /// Every term at most this far above the reference.
    fn limited(mut self, excess: f64) -> Self {
        self.terms.terms.iter_mut().for_each(|t| t.bound += excess);
        self
    }

    /// The largest of all terms in place of the average.
    fn largest(mut self) -> Self {
        for term in &mut self.terms.terms {
            term.role = TermRole::Compared;
            term.bound = 0.0;
        }
        self.terms.largest_weight = 1.3;
        self.terms.without_average = true;
        self
    }

    fn penalized(mut self, weight: f64) -> Self {
        for term in &mut self.terms.terms {
            term.role = TermRole::Penalty(weight);
        }
        self
    }

    fn problem(&self) -> ExactProblem<'_> {
        ExactProblem {
            domains: &self.domains,
            laws: &self.laws,
            task_weights: &self.task_weights,
            reference: &self.reference,
            kl_reg: self.kl_reg,
            linear: None,
            terms: Some(&self.terms),
            constraints: &self.constraints,
        }
    }

    /// `T_k`, from the formula and nothing of the solver's.
    fn values(&self, p: &[f64]) -> Vec<f64> {
        let value = |term: &LossTerm| {
            let losses = term.weights.iter().zip(&self.laws);
            losses.map(|(a, law)| a * law.predict(p)).sum::<f64>() - term.bound
        };
        self.terms.terms.iter().map(value).collect()
    }

    fn keeps_limits(&self, p: &[f64], tolerance: f64) -> bool {
        let limits = self.terms.terms.iter().zip(self.values(p));
        let mut limits = limits.filter(|(term, _)| term.role == TermRole::Limit);
        limits.all(|(_, value)| value <= tolerance)
    }

    /// Random feasible mixtures near and far from a solution.
    fn others(&self, solution: &Solution, seed: u64) -> Vec<Vec<f64>> {
        let mut rng = generator(seed, Purpose::Example, 4);
        let m = self.reference.len();
        let mut found = Vec::new();
        for scale in [1.0, 1e-2, 1e-4, 1e-6] {
            for _ in 0..50 {
                let slope: Vec<f64> = (0..m).map(|_| rng.random::<f64>()).collect();
                let vertex = solve_exact(&ExactProblem {
                    laws: &[],
                    task_weights: &[],
                    kl_reg: 0.0,
                    linear: Some(&slope),
                    terms: None,
                    ..self.problem()
                });
                let vertex = vertex.unwrap().weights;
                let share = scale * rng.random::<f64>();
                let pairs = solution.weights.iter().zip(&vertex);
                let other: Vec<f64> = pairs.map(|(a, b)| a + share * (b - a)).collect();
                if self.keeps_limits(&other, 0.0) {
                    found.push(other);
                }
            }
        }
        found
    }
}

fn solved(instance: &Instance) -> Solution {
    let solution = solve_exact(&instance.problem()).unwrap();
    assert_eq!(solution.status, Status::Optimal);
    assert!(instance.constraints.violation(&solution.weights) < 1e-12);
    assert!(instance.keeps_limits(&solution.weights, 1e-8));
    assert!(solution.duality_gap.unwrap() <= 1e-9);
    solution
}

#[test]
fn exact_solve_keeps_limits_on_every_family_at_the_size_of_a_real_swarm() {
    for seed in 0..3 {
        let instance = Instance::random(64, 52, 8, 0.05, seed).limited_by_half();
        let free = solve_exact(&ExactProblem {
            terms: None,
            ..instance.problem()
        });
        let free = free.unwrap();
        assert!(!instance.keeps_limits(&free.weights, 0.0));
        let solution = solved(&instance);
        assert!(solution.objective > free.objective);
        assert!(solution.iterations <= 40, "{}", solution.iterations);
        for other in instance.others(&solution, seed) {
            assert!(instance.problem().objective(&other) >= solution.objective - 1e-9);
        }
    }
}

#[test]
fn multiplier_of_a_limit_is_how_fast_the_least_objective_falls() {
    let instance = || Instance::random(12, 6, 3, 0.05, 7).limited_by_half();
    let objective = |more: f64| solved(&instance().limited(more));
    let (tight, middle, loose) = (objective(-1e-4), objective(0.0), objective(1e-4));
    let slope = (tight.objective - loose.objective) / 2e-4;
    let y: f64 = middle.terms.iter().map(|term| term.multiplier).sum();
    assert!(y > 1e-3);
    assert!((y - slope).abs() < 1e-3 * slope, "{y} {slope}");
}

#[test]
fn penalties_below_the_multipliers_are_exceeded_and_above_them_are_limits() {
    let limited = Instance::random(12, 6, 3, 0.05, 7).limited_by_half();
    let hard = solved(&limited);
    let most = hard.terms.iter().map(|t| t.multiplier).fold(0.0, f64::max);
    let heavy = solved(
        &Instance::random(12, 6, 3, 0.05, 7)
            .limited_by_half()
            .penalized(2.0 * most),
    );
    assert!((heavy.objective - hard.objective).abs() < 1e-8);
    for (a, b) in heavy.weights.iter().zip(&hard.weights) {
        assert!((a - b).abs() < 1e-5);
    }
    let light = Instance::random(12, 6, 3, 0.05, 7)
        .limited_by_half()
        .penalized(0.5 * most);
    let solution = solved(&light);
    let exceeded: Vec<_> = solution.terms.iter().filter(|t| t.value > 1e-4).collect();
    assert!(!exceeded.is_empty());
    for term in exceeded {
        assert!((term.multiplier - 0.5 * most).abs() < 1e-6);
    }
    assert!(solution.objective < hard.objective);
}

#[test]
fn largest_loss_of_two_mirrored_laws_is_least_where_they_meet() {
    let mut instance = Instance::random(2, 2, 2, 0.0, 1).largest();
    instance.constraints = Constraints::none(2);
    let law = |t: [f64; 2]| {
        FittedLaw::LogLinear(LogLinear {
            log_c: 0.0,
            t: t.to_vec(),
        })
    };
    instance.laws = vec![law([0.3, -0.9]), law([-0.9, 0.3])];
    for (k, term) in instance.terms.terms.iter_mut().enumerate() {
        term.weights = vec![f64::from(k == 0), f64::from(k == 1)];
    }
    let solution = solved(&instance);
    assert!((solution.weights[0] - 0.5).abs() < 1e-9);
    let value = 1.3 * (1.0 + (-0.3f64).exp());
    assert!((solution.objective - value).abs() < 1e-10);
}

#[test]
fn limits_that_no_mixture_keeps_are_named_with_the_least_that_they_are_exceeded_by() {
    // Two mirrored laws: at the middle both lose 20 % of what they have at their own end.
    let mut instance = Instance::random(2, 3, 3, 0.05, 1);
    instance.constraints = Constraints::none(2);
    let law = |t: [f64; 2]| {
        FittedLaw::LogLinear(LogLinear {
            log_c: -40.0,
            t: t.to_vec(),
        })
    };
    let tilt = 2.0 * 1.2f64.ln();
    instance.laws = vec![law([0.0, tilt]), law([tilt, 0.0]), law([0.0, -0.1])];
    for (k, term) in instance.terms.terms.iter_mut().enumerate() {
        term.weights = (0..3).map(|i| f64::from(i == k)).collect();
        term.bound = 1.05;
    }
    for solve in [solve_exact, solve_cone] {
        let error = solve(&instance.problem()).unwrap_err();
        let CoreError::GuardrailsNotKept(message) = error else {
            panic!("{error}");
        };
        assert_eq!(
            message,
            "no mixture keeps these guardrails together: f0, f1; the mixture that comes nearest \
             exceeds each by 15.00 percentage points"
        );
    }
    instance.terms.terms.truncate(1);
    instance.terms.terms[0].bound = 0.9;
    let error = solve_exact(&instance.problem()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no mixture keeps the guardrail on f0: the best mixture exceeds it by 10.00 percentage \
         points"
    );
}

#[test]
fn a_limit_that_a_single_mixture_keeps_leaves_that_mixture() {
    // Both laws are at most what they are at the reference only there.
    let mut instance = Instance::random(2, 2, 2, 0.0, 1);
    instance.constraints = Constraints::none(2);
    instance.reference = vec![0.5, 0.5];
    let law = |t: [f64; 2]| {
        FittedLaw::LogLinear(LogLinear {
            log_c: 0.0,
            t: t.to_vec(),
        })
    };
    instance.laws = vec![law([0.3, -0.9]), law([-0.9, 0.3])];
    instance.task_weights = vec![0.9, 0.1];
    for k in 0..2 {
        let weights: Vec<f64> = (0..2).map(|i| f64::from(i == k)).collect();
        instance.terms.terms[k] = instance.relative(k, &weights);
    }
    let solution = solve_exact(&instance.problem()).unwrap();
    assert!(instance.keeps_limits(&solution.weights, 1e-8));
    assert!((solution.weights[0] - 0.5).abs() < 1e-7);
}

#[test]
fn limits_hold_with_laws_that_are_not_log_linear() {
    let mut instance = Instance::random(6, 4, 2, 0.02, 5);
    let mut rng = generator(5, Purpose::Example, 9);
    for law in &mut instance.laws {
        *law = FittedLaw::Saturating(Saturating {
            log_c: rng.random::<f64>() - 0.5,
            level: 1.0,
            bases: vec![Basis::Power(0.5)],
            v: vec![
                (0..6)
                    .map(|_| (2.0 * rng.random::<f64>() - 0.5).max(0.0))
                    .collect(),
            ],
        });
    }
    for k in 0..2 {
        let weights: Vec<f64> = (0..4).map(|i| f64::from(i % 2 == k)).collect();
        instance.terms.terms[k] = instance.relative(k, &weights);
    }
    let most: f64 = instance
        .values(&solved(&instance).weights)
        .into_iter()
        .fold(-1.0, f64::max);
    let limit = 0.5 * most;
    let instance = instance.limited(limit);
    let solution = solved(&instance);
    for other in instance.others(&solution, 5) {
        assert!(instance.problem().objective(&other) >= solution.objective - 1e-9);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// The cone program shares no code with the interior-point method but for the certificate.
    #[test]
    fn the_cone_program_agrees_on_limits_penalties_and_largest_losses(
        seed in 0u64..10_000, m in 3usize..20, n in 3usize..12, families in 1usize..4,
        kl in 0.0f64..0.2, role in 0u8..4, grouped: bool,
    ) {
        let mut instance = Instance::random(m, n, families, kl, seed);
        instance = match role {
            0 => instance.limited(0.01),
            1 => instance.limited(-0.02).penalized(0.3),
            2 => instance.largest(),
            _ => {
                let largest = Instance::random(m, n, families, kl, seed).largest().terms;
                let mut both = instance.limited(0.05);
                both.terms.terms.extend(largest.terms);
                both.terms.largest_weight = 0.7;
                both
            }
        };
        if grouped {
            let held: f64 = instance.reference[..2].iter().sum();
            instance.constraints.groups.push(GroupBound {
                name: "two".into(), members: vec![0, 1], lower: 0.9 * held, upper: 1.1 * held,
            });
        }
        match (solve_exact(&instance.problem()), solve_cone(&instance.problem())) {
            (Ok(own), Ok(cone)) => {
                prop_assert_eq!(own.status, Status::Optimal);
                let gap = own.duality_gap.unwrap();
                prop_assert!(gap <= 1e-9, "{}", gap);
                prop_assert!(instance.keeps_limits(&own.weights, 1e-8));
                prop_assert!((own.objective - cone.objective).abs() < 1e-7, "{} {}", own.objective, cone.objective);
                let stated = cone.duality_gap.unwrap();
                prop_assert!(cone.objective - own.objective <= stated + gap + 1e-12);
                prop_assert!(stated < 1e-5, "{}", stated);
            }
            (Err(CoreError::GuardrailsNotKept(own)), Err(CoreError::GuardrailsNotKept(cone))) => {
                prop_assert_eq!(own, cone);
            }
            (own, cone) => prop_assert!(false, "{:?} {:?}", own.map(|s| s.objective), cone.map(|s| s.objective)),
        }
    }
}
