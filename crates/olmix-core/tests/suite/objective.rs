//! Fits with guardrails, and with the largest loss in place of the average.
#![allow(clippy::unwrap_used)] // helpers of tests

use crate::common::{planted, spec};
use olmix_core::law::{Law, average_loss};
use olmix_core::objective::{
    Baseline, Compare, Guardrail, LossGroup, Minimize, Objective, ObjectiveAt,
};
use olmix_core::optimize::{Exact, Local, Optimizer, Search, Status};
use olmix_core::{
    Constraints, CoreError, Fit, FitSpec, FrontRequest, Mixture, Swarm, SweepGrid, fit,
    pareto_front, propose_for, sweep, what_if,
};

const M: usize = 8;

struct Case {
    swarm: Swarm,
    spec: FitSpec,
    fit: Fit,
}

/// Six tasks in three families of two, without noise.
fn case() -> Case {
    let planted = planted(60, M, 6, 0.0, 3);
    let spec = FitSpec {
        target_tokens: Some(1e7),
        constraints: Constraints::none(M)
            .with_repetition(planted.swarm.domains(), 1e7, 1.0)
            .unwrap(),
        ..spec(&planted.prior)
    };
    let fit = fit(&planted.swarm, &spec, &()).unwrap();
    Case {
        swarm: planted.swarm,
        spec,
        fit,
    }
}

fn family(k: usize) -> LossGroup {
    LossGroup {
        name: format!("family{k}"),
        tasks: vec![2 * k, 2 * k + 1],
    }
}

fn guardrail(k: usize, max_increase: f64, penalty: Option<f64>) -> Guardrail {
    Guardrail {
        group: family(k),
        max_increase,
        baseline: Baseline::prior(),
        penalty,
    }
}

impl Case {
    fn propose(&self, objective: Objective) -> Result<Fit, CoreError> {
        let mut found = self.fit.clone();
        propose_for(&self.swarm, &self.with(objective), &mut found, &())?;
        Ok(found)
    }

    fn with(&self, objective: Objective) -> FitSpec {
        FitSpec {
            objective,
            ..self.spec.clone()
        }
    }

    /// By how much a family's loss is above what it is at the prior, as a share.
    fn increase(&self, k: usize, p: &[f64]) -> f64 {
        let loss = |p: &[f64]| -> f64 {
            let tasks = [2 * k, 2 * k + 1];
            tasks.iter().map(|&i| self.fit.laws[i].predict(p)).sum()
        };
        loss(p) / loss(self.spec.prior.weights()) - 1.0
    }

    /// A guardrail for each family, that the proposal without any does not keep.
    fn guardrails(&self) -> (Vec<Guardrail>, Vec<f64>) {
        let plain = self.fit.proposal.as_ref().unwrap().mixture.weights();
        let free: Vec<f64> = (0..3).map(|k| self.increase(k, plain)).collect();
        let most = free.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let all = (0..3).map(|k| guardrail(k, most - 0.015, None));
        (all.collect(), free)
    }
}

fn at(fit: &Fit) -> &ObjectiveAt {
    fit.proposal.as_ref().unwrap().objective.as_ref().unwrap()
}

#[test]
fn a_fit_keeps_guardrails_and_says_what_they_cost() {
    let case = case();
    let (guardrails, free) = case.guardrails();
    let limit = guardrails[0].max_increase;
    assert!(free.iter().any(|increase| *increase > limit));
    let objective = Objective {
        guardrails,
        ..Objective::default()
    };
    let found = case.propose(objective).unwrap();
    let proposal = found.proposal.as_ref().unwrap();
    assert_eq!(proposal.solution.status, Status::Optimal);
    assert!(proposal.solution.duality_gap.unwrap() < 1e-8);
    let plain = case.fit.proposal.as_ref().unwrap();
    let mut bound = 0;
    for (k, one) in at(&found).guardrails.iter().enumerate() {
        let increase = case.increase(k, proposal.mixture.weights());
        assert!(increase <= limit + 1e-8);
        assert!((one.loss / one.baseline_loss - 1.0 - increase).abs() < 1e-12);
        assert_eq!(one.binding, increase > limit - 1e-6);
        if let Some(without) = one.without {
            bound += 1;
            assert!(one.multiplier > 0.0);
            assert!(without < proposal.predicted_average);
            assert!(without >= plain.predicted_average - 1e-9);
        }
    }
    assert!(bound > 0);
    assert!(case.fit.proposal.as_ref().unwrap().objective.is_none());
}

#[test]
fn a_baseline_may_be_any_mixture() {
    let case = case();
    let uniform = Mixture::new(case.swarm.domains().clone(), vec![1.0 / M as f64; M]).unwrap();
    let mut one = guardrail(0, 0.0, None);
    one.baseline = Baseline {
        name: "uniform.json".into(),
        mixture: Some(uniform.clone()),
    };
    let objective = Objective {
        guardrails: vec![one],
        ..Objective::default()
    };
    let found = case.propose(objective).unwrap();
    let p = found.proposal.as_ref().unwrap().mixture.weights();
    let at_uniform = case.increase(0, uniform.weights());
    assert!(case.increase(0, p) <= at_uniform + 1e-8);
    assert!(
        (at(&found).guardrails[0].baseline_loss - {
            let weights = family(0).weights(&case.swarm.task_weights());
            average_loss(&case.fit.laws, &weights, uniform.weights())
        })
        .abs()
            < 1e-12
    );
}

#[test]
fn prices_of_caps_hold_where_guardrails_bind() {
    let case = case();
    let (guardrails, _) = case.guardrails();
    let objective = Objective {
        guardrails,
        ..Objective::default()
    };
    let found = case.propose(objective.clone()).unwrap();
    let proposal = found.proposal.unwrap();
    let prices = proposal.prices.unwrap();
    assert!(!prices.is_empty());
    for price in prices {
        let olmix_core::Binding::Cap(j) = price.constraint else {
            panic!("{price:?}");
        };
        let step = 1e-5;
        let moved = |by: f64| {
            let mut spec = case.with(objective.clone());
            spec.constraints.caps.as_mut().unwrap()[j] += by;
            let mut fit = case.fit.clone();
            propose_for(&case.swarm, &spec, &mut fit, &()).unwrap();
            fit.proposal.unwrap().solution.objective
        };
        let slope = (moved(-step) - moved(step)) / (2.0 * step);
        assert!(
            (price.loosening - slope).abs() < 1e-3 * slope.abs().max(0.01),
            "{price:?} {slope}"
        );
    }
}

#[test]
fn the_largest_loss_is_least_by_ratio_and_by_difference() {
    let case = case();
    let largest = |compare: Compare| Objective {
        minimize: Minimize::Largest {
            groups: (0..3).map(family).collect(),
            compare,
            baseline: Baseline::prior(),
        },
        guardrails: Vec::new(),
    };
    let plain = case.fit.proposal.as_ref().unwrap().mixture.weights();
    let most = |p: &[f64]| (0..3).map(|k| case.increase(k, p)).fold(-1.0, f64::max);
    let mut spec = case.with(largest(Compare::Ratio));
    spec.optimizer = Some(
        Exact {
            kl_reg: 0.0,
            worst: false,
        }
        .into(),
    );
    let mut found = case.fit.clone();
    propose_for(&case.swarm, &spec, &mut found, &()).unwrap();
    let p = found.proposal.as_ref().unwrap().mixture.weights();
    assert!(most(p) < most(plain) - 1e-4);
    // At least two families are equal at the top, or a family alone could be made smaller.
    let top: Vec<_> = at(&found)
        .compared
        .iter()
        .filter(|one| one.largest)
        .collect();
    for one in &top {
        assert!((one.loss / one.baseline_loss - 1.0 - most(p)).abs() < 1e-7);
    }
    let other = case.propose(largest(Compare::Difference)).unwrap();
    let excess = |fit: &Fit| {
        let all = at(fit).compared.iter();
        all.map(|one| one.loss - one.baseline_loss)
            .fold(f64::MIN, f64::max)
    };
    assert!(excess(&other) < 0.0);
}

#[test]
fn guardrails_that_no_mixture_keeps_are_refused_by_name() {
    let case = case();
    let objective = Objective {
        guardrails: vec![guardrail(0, -0.9, None), guardrail(1, 0.01, None)],
        ..Objective::default()
    };
    let error = case.propose(objective.clone()).unwrap_err().to_string();
    let start = "no mixture keeps the guardrail on family0 (at least 90 % below the prior)";
    assert!(error.starts_with(start), "{error}");
    // As a penalty it is exceeded.
    let mut soft = objective;
    soft.guardrails[0].penalty = Some(2.0);
    let found = case.propose(soft).unwrap();
    let one = &at(&found).guardrails[0];
    assert!(one.binding && one.loss > 0.1 * one.baseline_loss);
    assert!((one.multiplier - 2.0).abs() < 1e-6);
}

#[test]
fn optimizers_without_guardrails_refuse_them() {
    let case = case();
    let objective = Objective {
        guardrails: vec![guardrail(0, 0.1, None)],
        ..Objective::default()
    };
    let worst = Exact {
        kl_reg: 0.05,
        worst: true,
    };
    let others: [Optimizer; 3] = [
        Local {
            kl_reg: 0.05,
            worst: false,
        }
        .into(),
        Search { worst: false }.into(),
        worst.into(),
    ];
    for optimizer in others {
        let mut spec = case.with(objective.clone());
        spec.optimizer = Some(optimizer);
        assert_eq!(spec.validate(), Err(CoreError::ObjectiveNotTaken));
    }
}

#[test]
fn sweeps_what_ifs_and_intervals_keep_guardrails() {
    let case = case();
    let (guardrails, _) = case.guardrails();
    let limit = guardrails[0].max_increase;
    let mut spec = case.with(Objective {
        guardrails,
        ..Objective::default()
    });
    spec.bootstrap = 10;
    let mut found = case.fit.clone();
    propose_for(&case.swarm, &spec, &mut found, &()).unwrap();
    assert!(found.proposal.as_ref().unwrap().bootstrap.is_some());
    let keeps = |p: &[f64]| (0..3).all(|k| case.increase(k, p) <= limit + 1e-8);
    let grid = SweepGrid {
        target_tokens: vec![5e6, 1e7],
        repetition: vec![1.0, 4.0],
        kl: vec![0.01, 0.1],
    };
    let swept = sweep(&case.swarm, &spec, &found, &grid, &|| ()).unwrap();
    let solved = swept
        .cells
        .iter()
        .filter_map(|cell| cell.outcome.as_ref().ok());
    let mixtures: Vec<&[f64]> = solved.map(|outcome| outcome.mixture.weights()).collect();
    assert!(!mixtures.is_empty());
    assert!(mixtures.into_iter().all(keeps));
    let around = what_if(&case.swarm, &spec, &found).unwrap();
    let all = around.grid.iter().chain(&around.uncapped).flatten();
    assert!(all.clone().count() > 10);
    assert!(all.map(|solution| &solution.weights[..]).all(keeps));
}

#[test]
fn lambda_is_chosen_by_the_gain_of_what_is_minimized() {
    let planted = planted(60, M, 6, 0.02, 3);
    let choose = |minimize: Minimize| {
        let spec = FitSpec {
            choose_kl: true,
            objective: Objective {
                minimize,
                guardrails: Vec::new(),
            },
            ..spec(&planted.prior)
        };
        fit(&planted.swarm, &spec, &()).unwrap().kl.unwrap()
    };
    let average = choose(Minimize::Average);
    let all = Minimize::Largest {
        groups: vec![LossGroup {
            name: "all".into(),
            tasks: (0..6).collect(),
        }],
        compare: Compare::Difference,
        baseline: Baseline::prior(),
    };
    // The largest of one family of all tasks is the average.
    let one = choose(all);
    for (a, b) in average.crossed.iter().zip(&one.crossed) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
    assert_eq!(average.chosen, one.chosen);
    let tasks = Minimize::Largest {
        groups: (0..6)
            .map(|i| LossGroup {
                name: format!("task{i}"),
                tasks: vec![i],
            })
            .collect(),
        compare: Compare::Ratio,
        baseline: Baseline::prior(),
    };
    assert!(choose(tasks).crossed[4] < average.crossed[4]);
}

#[test]
fn a_front_has_no_dominated_point_and_no_mixture_is_below_it() {
    let case = case();
    let front = |points: usize, kl_reg: f64| {
        let request = FrontRequest {
            objectives: (0..3).map(family).collect(),
            points,
            kl_reg,
            constraints: case.spec.constraints.clone(),
        };
        pareto_front(&case.swarm, &case.spec, &case.fit, &request, &|| ()).unwrap()
    };
    let found = front(6, 0.0);
    assert_eq!(found.points.len() + found.left_out, 21);
    assert!(found.points.len() > 3);
    for (i, a) in found.points.iter().enumerate() {
        assert!((a.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for b in found.points.iter().skip(i + 1) {
            let pairs = || a.losses.iter().zip(&b.losses);
            assert!(pairs().any(|(a, b)| a < b) && pairs().any(|(a, b)| a > b));
        }
    }
    // Each is the least of its weighted sum: mixtures of the runs are above, as are all other points.
    for point in &found.points {
        let sum = |losses: &[f64]| -> f64 {
            point
                .weights
                .iter()
                .zip(losses)
                .map(|(w, loss)| w * loss)
                .sum()
        };
        for other in &found.points {
            assert!(sum(&point.losses) <= sum(&other.losses) + 1e-9);
        }
        assert!(sum(&point.losses) < sum(&found.prior));
        assert!(case.spec.constraints.violation(point.mixture.weights()) < 1e-9);
    }
    // A pull to the prior moves every point away from the front.
    let pulled = front(6, 0.5);
    assert!(
        pulled.points[0].losses[0] > found.points[0].losses[0]
            || pulled.points[0].losses[2] > found.points[0].losses[2]
    );
}
