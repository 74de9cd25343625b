//! Solutions around a fit, held against solves of their own and against the constraints.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use olmix_core::law::Law as _;
use olmix_core::optimize::{Exact, Optimizer, Solution};
use olmix_core::reuse::VirtualDomain;
use olmix_core::{
    Constraints, Fit, FitSpec, NoWhatIf, Swarm, SweepGrid, Task, WhatIf, fit, fit_only, sweep,
    what_if,
};

use crate::common::{planted, spec, swarm};

/// Target tokens and repetition of the fits here: some caps of 5 domains with 15 M tokens bind.
const R: f64 = 30e6;
const K: f64 = 4.0;

/// A fit with caps and a floor, over tasks of two families.
fn fitted() -> (Swarm, FitSpec, Fit) {
    let planted = planted(60, 5, 4, 0.0, 3);
    let domains = planted.swarm.domains().clone();
    let plain = swarm(
        domains.clone(),
        planted.swarm.mixtures().clone(),
        planted.swarm.losses().clone(),
    );
    let family = |(i, task): (usize, &Task)| Task {
        family: if i == 0 { "one" } else { "others" }.into(),
        ..task.clone()
    };
    let tasks = plain.tasks().iter().enumerate().map(family).collect();
    let swarm = Swarm::new(
        domains.clone(),
        tasks,
        plain.runs().to_vec(),
        plain.mixtures().clone(),
        plain.losses().clone(),
    )
    .unwrap();
    let mut spec = spec(&planted.prior);
    spec.constraints = Constraints::none(5)
        .with_repetition(&domains, R, K)
        .unwrap();
    spec.constraints.lower[4] = 0.1;
    spec.target_tokens = Some(R);
    let fit = fit(&swarm, &spec, &()).unwrap();
    (swarm, spec, fit)
}

fn far(a: &[f64], b: &[f64]) -> f64 {
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f64::max)
}

/// The solution at a size and a λ, by position.
fn at(found: &WhatIf, size: usize, kl: usize) -> Option<&Solution> {
    found.grid[size * found.kl.len() + kl].as_ref()
}

#[test]
fn every_mixture_of_a_sweep_has_the_ratios_that_are_to_be_kept() {
    let (swarm, mut spec, fit) = fitted();
    let names: Vec<String> = swarm.domains().names().map(str::to_owned).collect();
    spec.frozen = vec![VirtualDomain {
        name: "old".into(),
        members: vec![(names[0].clone(), 0.25), (names[1].clone(), 0.75)],
    }];
    let grid = SweepGrid {
        target_tokens: Vec::new(),
        repetition: Vec::new(),
        kl: vec![0.01, 0.1],
    };
    let swept = sweep(&swarm, &spec, &fit, &grid, &|| ()).unwrap();
    assert_eq!(swept.cells.len(), 2);
    for cell in &swept.cells {
        let p = cell.outcome.as_ref().unwrap().mixture.weights();
        assert!(p[0] > 1e-4 && (p[1] / p[0] - 3.0).abs() < 1e-9, "{p:?}");
    }
}

#[test]
fn the_grid_has_the_mixture_of_the_fit_and_those_of_a_sweep() {
    let (swarm, spec, fit) = fitted();
    let found = what_if(&swarm, &spec, &fit).unwrap();
    let own = fit.proposal.as_ref().unwrap().mixture.weights();
    let size = found
        .sizes
        .iter()
        .position(|&size| (size / (R / K) - 1.0).abs() < 1e-12);
    let kl = found.kl.iter().position(|&kl| kl == 0.05);
    let here = at(&found, size.unwrap(), kl.unwrap()).unwrap();
    assert!(far(&here.weights, own) < 1e-9);

    assert_eq!(found.grid.len(), found.sizes.len() * found.kl.len());
    for (i, &size) in found.sizes.iter().enumerate() {
        let grid = SweepGrid {
            target_tokens: vec![size * 3.0],
            repetition: vec![3.0],
            kl: found.kl.clone(),
        };
        let swept = sweep(&swarm, &spec, &fit, &grid, &|| ()).unwrap();
        for (l, cell) in swept.cells.iter().enumerate() {
            let expected = cell.outcome.as_ref().unwrap().mixture.weights();
            let solution = at(&found, i, l).unwrap();
            assert!(far(&solution.weights, expected) < 1e-6, "{size} {l}");
        }
    }
    let grid = SweepGrid {
        target_tokens: Vec::new(),
        repetition: Vec::new(),
        kl: found.kl.clone(),
    };
    let mut free = spec.clone();
    free.constraints.caps = None;
    let swept = sweep(&swarm, &free, &fit, &grid, &|| ()).unwrap();
    for (solution, cell) in found.uncapped.iter().zip(&swept.cells) {
        let expected = cell.outcome.as_ref().unwrap().mixture.weights();
        assert!(far(&solution.as_ref().unwrap().weights, expected) < 1e-9);
    }
}

#[test]
fn sizes_end_where_the_data_does() {
    let (swarm, spec, fit) = fitted();
    let found = what_if(&swarm, &spec, &fit).unwrap();
    let all: f64 = swarm.domains().tokens().unwrap().iter().sum::<u64>() as f64;
    let last = *found.sizes.last().unwrap();
    // Caps that sum to 1 leave one mixture.
    assert!((last / all - 1.0).abs() < 1e-5, "{last}");
    assert!(found.sizes.is_sorted() && found.kl.is_sorted());
}

#[test]
fn a_mixture_between_neighbours_satisfies_the_caps_between_theirs() {
    let (swarm, spec, fit) = fitted();
    let found = what_if(&swarm, &spec, &fit).unwrap();
    let held = spec.constraints_holding(&fit.dead);
    for i in 1..found.sizes.len() {
        let (low, high) = (found.sizes[i - 1], found.sizes[i]);
        let size = (low * high).sqrt();
        let share = (1.0 / size - 1.0 / low) / (1.0 / high - 1.0 / low);
        let (a, b) = (at(&found, i - 1, 2).unwrap(), at(&found, i, 3).unwrap());
        let pairs = a.weights.iter().zip(&b.weights);
        let between: Vec<f64> = pairs.map(|(a, b)| (1.0 - share) * a + share * b).collect();
        let caps = held.clone().with_repetition(swarm.domains(), size, 1.0);
        assert!(caps.unwrap().violation(&between) < 1e-12);
    }
}

#[test]
fn floors_are_met_and_cost_what_a_fit_with_them_says() {
    let (swarm, spec, fit) = fitted();
    let found = what_if(&swarm, &spec, &fit).unwrap();
    let own = fit.proposal.as_ref().unwrap().mixture.weights();
    assert!(!found.floors.is_empty());
    for floor in &found.floors {
        assert!(floor.least > own[floor.domain]);
        assert!((floor.solution.weights[floor.domain] - floor.least).abs() < 1e-6);
    }
    let floor = &found.floors[found.floors.len() / 2];
    let mut bounded = spec.clone();
    bounded.constraints.lower[floor.domain] = floor.least;
    let again = olmix_core::fit(&swarm, &bounded, &()).unwrap();
    let expected = again.proposal.unwrap().mixture;
    assert!(far(&floor.solution.weights, expected.weights()) < 1e-9);
}

#[test]
fn a_family_that_counts_more_is_predicted_better_at_its_solution() {
    let (swarm, spec, fit) = fitted();
    let found = what_if(&swarm, &spec, &fit).unwrap();
    let one: Vec<_> = found
        .emphases
        .iter()
        .filter(|e| e.family == "one")
        .collect();
    assert!(one.len() >= 3);
    let losses: Vec<f64> = one
        .iter()
        .map(|emphasis| fit.laws[0].predict(&emphasis.solution.weights))
        .collect();
    assert!(one.iter().map(|e| e.factor).is_sorted());
    assert!(
        losses.windows(2).all(|pair| pair[1] <= pair[0] + 1e-9),
        "{losses:?}"
    );
    assert!(losses[0] > losses[losses.len() - 1] + 1e-6);
}

#[test]
fn solutions_are_the_same_bits_on_one_thread() {
    let (swarm, spec, fit) = fitted();
    let found = what_if(&swarm, &spec, &fit).unwrap();
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    assert_eq!(one.install(|| what_if(&swarm, &spec, &fit)).unwrap(), found);
}

#[test]
fn where_nothing_can_be_solved_the_reason_is_named() {
    let (swarm, mut spec, fit) = fitted();
    let without = fit_only(&swarm, &spec, &()).unwrap();
    assert_eq!(what_if(&swarm, &spec, &without), Err(NoWhatIf::NoMixture));
    spec.optimizer = Some(Optimizer::Exact(Exact {
        kl_reg: 0.0,
        worst: true,
    }));
    let worst = olmix_core::fit(&swarm, &spec, &()).unwrap();
    assert_eq!(what_if(&swarm, &spec, &worst), Err(NoWhatIf::Worst));
    let mut sampled = fit;
    sampled.optimizer = Some(Optimizer::Search(olmix_core::optimize::Search {
        worst: false,
    }));
    assert_eq!(what_if(&swarm, &spec, &sampled), Err(NoWhatIf::NotExact));
}
