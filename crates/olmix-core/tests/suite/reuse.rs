//! Reuse: collapsed problems are the full ones with fixed ratios, old runs are re-expressed, and the bounds
//! hold.
//!
//! Over 400 lines: problem, law and bound are tested on the same random updates.
#![allow(clippy::unwrap_used)] // a failed step fails the test

use olmix_core::law::{
    Basis, FittedLaw, Law, LawOptions, LogLinear, LogLinearOptions, Saturating, SaturatingOptions,
};
use olmix_core::optimize::{ExactProblem, solve_exact};
use olmix_core::reuse::{
    BoundInputs, Change, Collapse, Coupling, Lineage, VirtualDomain, VirtualKl, align, fit_joint,
    re_express,
};
use olmix_core::{
    Constraints, Direction, Domain, DomainSet, FitSpec, Matrix, Mixture, Purpose, Swarm, Task, fit,
    generator, kl_divergence,
};
use proptest::prelude::*;
use rand::{Rng, RngExt};

/// A random problem over `m` domains, some of them frozen in up to two virtual ones.
struct Problem {
    domains: DomainSet,
    laws: Vec<FittedLaw>,
    weights: Vec<f64>,
    prior: Vec<f64>,
    constraints: Constraints,
    virtuals: Vec<VirtualDomain>,
}

fn simplex(m: usize, rng: &mut impl Rng) -> Vec<f64> {
    let sizes: Vec<f64> = (0..m).map(|_| 0.02 - rng.random::<f64>().ln()).collect();
    let sum: f64 = sizes.iter().sum();
    sizes.into_iter().map(|size| size / sum).collect()
}

fn names(m: usize) -> DomainSet {
    DomainSet::from_names((0..m).map(|j| format!("d{j}"))).unwrap()
}

fn laws(m: usize, tasks: usize, rng: &mut impl Rng) -> Vec<FittedLaw> {
    let mut law = |_| {
        FittedLaw::from(LogLinear {
            log_c: -1.0 + rng.random::<f64>(),
            t: (0..m).map(|_| 4.0 * rng.random::<f64>() - 3.0).collect(),
        })
    };
    (0..tasks).map(&mut law).collect()
}

impl Problem {
    fn random(seed: u64, capped: bool) -> Self {
        let mut rng = generator(seed, Purpose::Study, 1);
        let (m, tasks) = (rng.random_range(4..14), rng.random_range(1..6));
        let domains = names(m);
        let first = rng.random_range(2..m - 1);
        let second = rng.random_range(first..m - 1);
        let mut freeze = |name: &str, from: usize, to: usize| {
            let shares = simplex(to - from, &mut rng);
            let members = (from..to).map(|j| format!("d{j}")).zip(shares);
            VirtualDomain {
                name: name.into(),
                members: members.collect(),
            }
        };
        let mut virtuals = vec![freeze("v", 0, first)];
        if second > first {
            virtuals.push(freeze("w", first, second));
        }
        let mut constraints = Constraints::none(m);
        if capped {
            // Loose enough for some mixture, tight enough to bind.
            let factor = 1.5 + 4.0 * rng.random::<f64>();
            let caps = simplex(m, &mut rng).into_iter().map(|s| factor * s + 0.05);
            constraints.caps = Some(caps.collect());
        }
        Self {
            laws: laws(m, tasks, &mut rng),
            weights: simplex(tasks, &mut rng),
            prior: simplex(m, &mut rng),
            domains,
            constraints,
            virtuals,
        }
    }

    /// The objective of the full problem.
    fn objective(&self, collapse: &Collapse, q: &[f64], lambda: f64, kl: VirtualKl) -> f64 {
        let losses = self.laws.iter().zip(&self.weights);
        let loss: f64 = losses.map(|(law, w)| w * law.predict(q)).sum();
        let distance = match kl {
            VirtualKl::Expanded => kl_divergence(q, &self.prior),
            VirtualKl::Collapsed => {
                kl_divergence(&collapse.collapse(q), &collapse.collapse(&self.prior))
            }
        };
        loss + lambda * distance
    }
}

/// The most that a linear function can fall from `r` within box constraints: no convex function with this
/// gradient at `r` can fall by more.
fn most_to_gain(gradient: &[f64], r: &[f64], constraints: &Constraints) -> f64 {
    let mut order: Vec<usize> = (0..r.len()).collect();
    order.sort_by(|&a, &b| gradient[a].total_cmp(&gradient[b]));
    let mut best = constraints.lower.clone();
    let mut left = 1.0 - best.iter().sum::<f64>();
    for v in order {
        let more = (constraints.limit(v) - best[v]).min(left);
        best[v] += more;
        left -= more;
    }
    gradient
        .iter()
        .zip(r.iter().zip(&best))
        .map(|(g, (r, best))| g * (r - best))
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn collapsed_solve_expands_to_the_optimum_of_the_full_problem_with_fixed_ratios(
        seed in any::<u64>(), capped in any::<bool>(), expanded in any::<bool>(),
    ) {
        let problem = Problem::random(seed, capped);
        let kl = if expanded { VirtualKl::Expanded } else { VirtualKl::Collapsed };
        let lambda = 0.03;
        let collapse = Collapse::new(&problem.domains, &problem.virtuals).unwrap();
        let constraints = collapse.constraints(&problem.constraints).unwrap();
        let laws: Vec<FittedLaw> = problem.laws.iter().map(|law| collapse.law(law).unwrap()).collect();
        let small = ExactProblem {
            domains: collapse.collapsed(),
            laws: &laws,
            task_weights: &problem.weights,
            reference: &collapse.reference(&problem.prior, kl),
            kl_reg: lambda,
            linear: None,
            terms: None,
            constraints: &constraints,
        };
        // The two problems are one: the same objective and the same mixtures.
        let mut rng = generator(seed, Purpose::Study, 2);
        for _ in 0..20 {
            let r = simplex(collapse.collapsed().len(), &mut rng);
            let q = collapse.expand(&r);
            prop_assert!((q.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let full = problem.objective(&collapse, &q, lambda, kl);
            prop_assert!((small.objective(&r) - full).abs() < 1e-10 * full.abs());
            let (a, b) = (constraints.violation(&r), problem.constraints.violation(&q));
            prop_assert!((a > 1e-12) == (b > 1e-12), "{} {}", a, b);
        }
        let Ok(solution) = solve_exact(&small) else {
            // Caps may leave nothing.
            let room: f64 = (0..constraints.domains()).map(|v| constraints.limit(v)).sum();
            prop_assert!(room < 1.0);
            return Ok(());
        };
        let q = collapse.expand(&solution.weights);
        prop_assert!(problem.constraints.violation(&q) < 1e-9);
        prop_assert!(collapse.distance(&q) < 1e-12);
        // The gradient of the full problem, along the mixtures that keep the ratios, by its own formulas.
        let mut gradient = vec![0.0; problem.domains.len()];
        for (law, w) in problem.laws.iter().zip(&problem.weights) {
            law.add_gradient(&q, *w, &mut gradient);
        }
        let (r, r0) = (collapse.collapse(&q), collapse.collapse(&problem.prior));
        let along: Vec<f64> = (0..r.len()).map(|v| {
            let members = collapse.members(v).iter();
            let slope: f64 = members.map(|&(j, share)| {
                let kl = match kl {
                    VirtualKl::Expanded => (q[j] / problem.prior[j]).ln() + 1.0,
                    VirtualKl::Collapsed => (r[v] / r0[v]).ln() + 1.0,
                };
                share * (gradient[j] + lambda * kl)
            }).sum();
            slope
        }).collect();
        let gap = most_to_gain(&along, &r, &constraints);
        prop_assert!(gap < 1e-8, "{}", gap);
    }

    #[test]
    fn bounds_of_theorem_1_hold_for_measured_gaps_on_random_laws(seed in any::<u64>(), regularized in any::<bool>()) {
        let mut rng = generator(seed, Purpose::Study, 3);
        let (m, added) = (rng.random_range(3..9), rng.random_range(1..4));
        let laws = laws(m + added, rng.random_range(1..5), &mut rng);
        let weights = simplex(laws.len(), &mut rng);
        let prior = simplex(m + added, &mut rng);
        let lambda = if regularized { 0.02 + rng.random::<f64>() } else { 0.0 };
        let old_domains = names(m);
        let old_laws: Vec<FittedLaw> = laws.iter().map(|law| {
            let law = law.log_linear().unwrap();
            LogLinear { t: law.t[..m].to_vec(), log_c: law.log_c }.into()
        }).collect();
        let solve = |domains: &DomainSet, laws: &[FittedLaw], reference: &[f64]| {
            solve_exact(&ExactProblem {
                domains,
                laws,
                task_weights: &weights,
                reference,
                kl_reg: lambda,
                linear: None,
                terms: None,
                constraints: &Constraints::none(domains.len()),
            }).unwrap().weights
        };
        let sum: f64 = prior[..m].iter().sum();
        let old_prior: Vec<f64> = prior[..m].iter().map(|p| p / sum).collect();
        let mut ratios = solve(&old_domains, &old_laws, &old_prior);
        let domains = names(m + added);
        let optimum = solve(&domains, &laws, &prior);
        let members = ratios.iter().enumerate().map(|(j, share)| (format!("d{j}"), *share));
        let virtuals = [VirtualDomain { name: "v".into(), members: members.collect() }];
        let collapse = Collapse::new(&domains, &virtuals).unwrap();
        let small: Vec<FittedLaw> = laws.iter().map(|law| collapse.law(law).unwrap()).collect();
        let r = solve(collapse.collapsed(), &small, &collapse.reference(&prior, VirtualKl::Expanded));
        let reused = collapse.expand(&r);
        ratios.resize(m + added, 0.0);
        let frozen: Vec<bool> = (0..m + added).map(|j| j < m).collect();
        let reuse = BoundInputs {
            laws: &laws,
            task_weights: &weights,
            kl_reg: lambda,
            frozen: &frozen,
            ratios: &ratios,
            optimum: &optimum,
            prior: &prior,
        };
        let bound = reuse.bound().unwrap();
        let lost = reuse.objective(&reused) - reuse.objective(&optimum);
        prop_assert!(lost > -1e-8, "reuse cannot beat the full optimum: {}", lost);
        prop_assert!(lost <= bound.on_loss + 1e-8, "{} {:?}", lost, bound);
        // Where nothing is left of the frozen domains their ratios mean nothing.
        if bound.moved < 1.0 - 1e-6 {
            prop_assert!(bound.reuse_gap <= bound.on_gap + 1e-6, "{:?}", bound);
        }
    }
}

#[test]
fn coupling_by_domain_sums_in_squares_to_kappa() {
    let rows = vec![vec![-1.0, 2.0, 0.5], vec![0.0, -3.0, 1.0]];
    let coupling = Coupling::new(&rows, &[true, true, false]);
    let squares: f64 = coupling.by_domain.iter().map(|k| k * k).sum();
    assert!((squares.sqrt() - coupling.kappa).abs() < 1e-12);
    let fix = 5.0_f64.sqrt();
    assert!((coupling.by_task[0] - (1.0 + fix + 0.5) * fix).abs() < 1e-12);
    assert_eq!((coupling.fix[1], coupling.comp[1]), (3.0, 1.0));
}

fn tasks(n: usize) -> Vec<Task> {
    let task = |i| Task {
        name: format!("t{i}"),
        family: "all".into(),
        weight: 1.0 / n as f64,
        direction: Direction::Min,
        offset: 0.0,
    };
    (0..n).map(task).collect()
}

/// Runs over `m` domains, of which those after `seen` have no weight, with losses of laws raised by a factor
/// of their reducible part.
fn runs(laws: &[FittedLaw], m: usize, seen: usize, count: usize, factor: f64, seed: u64) -> Swarm {
    let mut rng = generator(seed, Purpose::Study, 4);
    let mixtures: Vec<Vec<f64>> = (0..count)
        .map(|_| {
            let mut p = simplex(seen, &mut rng);
            p.resize(m, 0.0);
            p
        })
        .collect();
    let loss = |run: usize, task: usize| {
        let c = laws[task].floor();
        c + factor * (laws[task].predict(&mixtures[run]) - c)
    };
    Swarm::new(
        names(m),
        tasks(laws.len()),
        (0..count).map(|i| format!("r{i}")).collect(),
        Matrix::from_fn(count, m, |run, j| mixtures[run][j]),
        Matrix::from_fn(count, laws.len(), loss),
    )
    .unwrap()
}

#[test]
fn joint_fit_recovers_planted_laws_and_offsets_of_swarms() {
    let mut rng = generator(7, Purpose::Study, 5);
    let planted = laws(6, 3, &mut rng);
    // An old swarm over four domains, a fifth worse; a small new one over all six.
    let (old, new) = (
        runs(&planted, 6, 4, 40, 1.2, 1),
        runs(&planted, 6, 6, 24, 1.0, 2),
    );
    let prior = vec![1.0 / 6.0; 6];
    let options = LawOptions::LogLinear(LogLinearOptions::default());
    let joint = fit_joint(&[&old, &new], &prior, &options).unwrap();
    for (law, planted) in joint.laws.iter().zip(&planted) {
        for (found, t) in law
            .log_linear()
            .unwrap()
            .t
            .iter()
            .zip(&planted.log_linear().unwrap().t)
        {
            assert!((found - t).abs() < 1e-3, "{found} {t}");
        }
    }
    for offset in &joint.offsets[0] {
        assert!((offset - 1.2_f64.ln()).abs() < 1e-3, "{offset}");
    }
    assert!(joint.offsets[1].iter().all(|offset| *offset == 0.0));
    let planted: Vec<FittedLaw> = (0..3)
        .map(|_| {
            Saturating {
                log_c: -1.0,
                level: 1.0,
                bases: vec![Basis::Power(0.6)],
                v: vec![(0..6).map(|_| 2.0 * rng.random::<f64>()).collect()],
            }
            .into()
        })
        .collect();
    let (old, new) = (
        runs(&planted, 6, 4, 40, 1.2, 3),
        runs(&planted, 6, 6, 24, 1.0, 4),
    );
    let options = LawOptions::Saturating(SaturatingOptions {
        ridge: 1e-9,
        ..SaturatingOptions::default()
    });
    let joint = fit_joint(&[&old, &new], &prior, &options).unwrap();
    for (law, planted) in joint.laws.iter().zip(&planted) {
        let (found, wanted) = (law.predict(&prior), planted.predict(&prior));
        assert!((found / wanted - 1.0).abs() < 1e-3, "{found} {wanted}");
    }
    for offset in &joint.offsets[0] {
        assert!((offset - 1.2_f64.ln()).abs() < 2e-2, "{offset}");
    }
    // One swarm alone is its own fit.
    let alone = fit_joint(&[&new], &prior, &options).unwrap();
    let plain = options.fit(&new, &prior, &|| ()).unwrap();
    let plain: Vec<FittedLaw> = plain.into_iter().map(|(law, _)| law).collect();
    assert_eq!(alone.laws, plain);
}

#[test]
fn re_express_splits_partitioned_domains_and_names_runs_of_removed_content() {
    let domain = |name: &str, tokens| Domain {
        name: name.into(),
        tokens: Some(tokens),
    };
    let old = DomainSet::new(vec![
        domain("web", 80),
        domain("pdf", 100),
        domain("wiki", 10),
    ])
    .unwrap();
    let update = [
        Change::Partition {
            domain: "pdf".into(),
            parts: vec![domain("pdf:a", 75), domain("pdf:b", 25)],
            rest: None,
        },
        Change::Remove(vec!["wiki".into()]),
        Change::Add(vec![domain("code", 20)]),
    ];
    let lineage = Lineage::of(&old, &update).unwrap();
    let swarm = Swarm::new(
        old,
        tasks(1),
        vec!["one".into(), "two".into()],
        Matrix::from_fn(2, 3, |run, j| [[0.6, 0.4, 0.0], [0.3, 0.3, 0.4]][run][j]),
        Matrix::from_fn(2, 1, |run, _| 1.0 + run as f64),
    )
    .unwrap();
    let natural =
        Mixture::proportional_to(lineage.new.clone(), vec![80.0, 75.0, 25.0, 20.0]).unwrap();
    let (re_expressed, lost) = re_express(&swarm, &lineage, natural.weights()).unwrap();
    assert_eq!(lost, ["two"]);
    assert_eq!(re_expressed.runs(), ["one"]);
    let row: Vec<f64> = re_expressed.mixtures().row(0).to_vec();
    for (found, wanted) in row.iter().zip([0.6, 0.3, 0.1, 0.0]) {
        assert!((found - wanted).abs() < 1e-12, "{row:?}");
    }
    assert_eq!(re_expressed.losses().get(0, 0), 1.0);
}

#[test]
fn align_brings_an_earlier_swarm_to_the_loss_level_of_the_newest() {
    let mut rng = generator(11, Purpose::Study, 5);
    let planted = laws(6, 3, &mut rng);
    let at_level = runs(&planted, 6, 4, 40, 1.0, 1);
    let (old, new) = (
        runs(&planted, 6, 4, 40, 1.2, 1),
        runs(&planted, 6, 6, 24, 1.0, 2),
    );
    let options = LawOptions::LogLinear(LogLinearOptions::default());
    let aligned = align(&[&old, &new], &[1.0 / 6.0; 6], &options).unwrap();
    assert_eq!(aligned.swarm.len(), 64);
    assert_eq!(
        aligned.swarm.runs()[0],
        format!("earlier-1/{}", old.runs()[0])
    );
    for task in 0..3 {
        for run in 0..40 {
            let (found, wanted) = (
                aligned.swarm.losses().get(run, task),
                at_level.losses().get(run, task),
            );
            assert!((found - wanted).abs() < 1e-3, "{found} {wanted}");
        }
        assert_eq!(
            aligned.swarm.losses().get(63, task),
            new.losses().get(23, task)
        );
    }
    assert!(aligned.shifts[0] > 0.0);
}

#[test]
fn fit_with_frozen_domains_keeps_their_ratios_and_is_optimal_among_such_mixtures() {
    let mut rng = generator(13, Purpose::Study, 5);
    let planted = laws(6, 3, &mut rng);
    let swarm = runs(&planted, 6, 6, 60, 1.0, 2);
    let prior = Mixture::new(swarm.domains().clone(), vec![1.0 / 6.0; 6]).unwrap();
    let frozen = VirtualDomain {
        name: "old".into(),
        members: vec![
            (swarm.domains().name(1).into(), 0.3),
            (swarm.domains().name(4).into(), 0.7),
        ],
    };
    let spec = FitSpec {
        frozen: vec![frozen],
        folds: 0,
        ..FitSpec::new(prior.clone())
    };
    let fitted = fit(&swarm, &spec, &()).unwrap();
    let q = fitted.proposal.unwrap().mixture;
    let q = q.weights();
    assert!((0.7 * q[1] - 0.3 * q[4]).abs() < 1e-12, "{q:?}");
    let objective = |p: &[f64]| {
        let mean: f64 = fitted.laws.iter().map(|law| law.predict(p) / 3.0).sum();
        mean + 0.05 * kl_divergence(p, prior.weights())
    };
    // Weight moved between any two of {1 and 4 together, 0, 2, 3, 5} makes it worse.
    let parts: [&[(usize, f64)]; 5] = [
        &[(1, 0.3), (4, 0.7)],
        &[(0, 1.0)],
        &[(2, 1.0)],
        &[(3, 1.0)],
        &[(5, 1.0)],
    ];
    for from in parts {
        for to in parts.iter().filter(|to| **to != from) {
            let mut p = q.to_vec();
            from.iter().for_each(|(j, share)| p[*j] -= 1e-4 * share);
            to.iter().for_each(|(j, share)| p[*j] += 1e-4 * share);
            if p.iter().all(|w| *w >= 0.0) {
                assert!(objective(&p) > objective(q), "{from:?} {to:?}");
            }
        }
    }
}
