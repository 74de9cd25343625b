//! What every optimizer of the registry promises, whichever it is: a new optimizer is tested by its
//! line.
#![allow(clippy::unwrap_used)] // tests

use super::{
    ExactProblem, Optimizer, OptimizerInput, OptimizerKind, OptimizerNeeds, OptimizerSetting,
    OptimizerSettings, Rule, Solution, Status,
};
use crate::law::{FittedLaw, LogLinear};
use crate::{Constraints, CoreError, Direction, DomainSet, Matrix, Swarm, Task};

const PRIOR: [f64; 3] = [0.5, 0.3, 0.2];

fn swarm() -> Swarm {
    let mixtures = [
        [0.6, 0.3, 0.1],
        [0.2, 0.5, 0.3],
        [0.3, 0.3, 0.4],
        [0.1, 0.2, 0.7],
    ];
    let task = Task {
        name: "task".into(),
        family: "task".into(),
        weight: 1.0,
        direction: Direction::Min,
        offset: 0.0,
    };
    Swarm::new(
        DomainSet::from_names(["a", "b", "c"]).unwrap(),
        vec![task],
        (0..4).map(|run| format!("run-{run}")).collect(),
        Matrix::from_fn(4, 3, |k, j| mixtures[k][j]),
        Matrix::from_fn(4, 1, |k, _| law().exponential(&mixtures[k])),
    )
    .unwrap()
}

fn law() -> LogLinear {
    LogLinear {
        log_c: 0.0,
        t: vec![0.2, -0.5, -1.5],
    }
}

fn caps() -> Constraints {
    let mut constraints = Constraints::none(3);
    constraints.upper = vec![0.5, 0.9, 0.45];
    constraints
}

fn every(settings: &OptimizerSettings) -> Vec<(OptimizerKind, Optimizer)> {
    let kinds = OptimizerKind::ALL.iter();
    let mut all: Vec<(OptimizerKind, Optimizer)> = kinds
        .map(|&(_, kind)| (kind, kind.with_settings(settings)))
        .collect();
    for (_, optimizer) in &mut all {
        // A million candidates are for real problems.
        if let Optimizer::Simulation(simulation) = optimizer {
            (simulation.options.rounds, simulation.options.samples) = (3, 2_000);
        }
    }
    all
}

fn solve(
    optimizer: &Optimizer,
    constraints: &Constraints,
    frozen: bool,
) -> Result<Solution, CoreError> {
    let swarm = swarm();
    let laws: Vec<FittedLaw> = vec![law().into()];
    let keeping = |problem: &ExactProblem<'_>| super::solve_exact(problem);
    optimizer.solve(&OptimizerInput {
        problem: ExactProblem {
            domains: swarm.domains(),
            laws: &laws,
            task_weights: &[1.0],
            reference: &PRIOR,
            kl_reg: 0.0,
            linear: None,
            terms: None,
            constraints,
        },
        prior: &PRIOR,
        swarm: &swarm,
        keeping_ratios: if frozen { Some(&keeping) } else { None },
        seed: 7,
        progress: &|| (),
    })
}

#[test]
fn optimizer_kind_names_its_optimizer_in_configs_and_files() {
    for (kind, optimizer) in every(&OptimizerSettings::default()) {
        assert_eq!((optimizer.kind(), optimizer.name()), (kind, kind.name()));
        let same = OptimizerKind::ALL
            .iter()
            .filter(|(name, _)| *name == kind.name());
        assert_eq!(same.count(), 1, "{kind:?}");
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}

#[test]
fn optimizer_takes_the_settings_it_claims_and_no_others() {
    let default = OptimizerSettings::default();
    let given = [
        (
            OptimizerSetting::KlReg,
            OptimizerSettings {
                kl_reg: 0.7,
                ..default
            },
        ),
        (
            OptimizerSetting::Temperature,
            OptimizerSettings {
                temperature: Some(0.7),
                ..default
            },
        ),
    ];
    for (_, kind) in OptimizerKind::ALL {
        for (setting, given) in &given {
            let changed = kind.with_settings(given) != kind.with_settings(&default);
            assert_eq!(changed, kind.takes(*setting), "{kind:?} {setting:?}");
        }
        let optimizer = kind.with_settings(&default);
        assert_eq!(
            optimizer.kl_reg().is_some(),
            kind.takes(OptimizerSetting::KlReg)
        );
        assert_eq!(
            optimizer.with_kl_reg(0.3).kl_reg(),
            optimizer.kl_reg().map(|_| 0.3)
        );
    }
}

#[test]
fn optimizer_solution_is_a_mixture_within_the_constraints_and_the_same_on_any_number_of_threads() {
    let settings = OptimizerSettings {
        kl_reg: 0.01,
        ..OptimizerSettings::default()
    };
    for (kind, optimizer) in every(&settings) {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| solve(&optimizer, &caps(), false).unwrap())
        };
        let found = run(1);
        assert_eq!(found, run(3), "{kind:?}");
        let sum: f64 = found.weights.iter().sum();
        assert!(
            (sum - 1.0).abs() < 1e-9 && caps().violation(&found.weights) <= 1e-9,
            "{kind:?}"
        );
        match kind.needs() {
            OptimizerNeeds::ConvexLaws => assert_eq!(found.status, Status::Optimal),
            OptimizerNeeds::Laws | OptimizerNeeds::Runs => {
                assert_eq!(found.status, Status::BestCandidate);
            }
            OptimizerNeeds::Sizes => assert_eq!(found.status, Status::Rule),
        }
    }
}

#[test]
fn optimizer_of_the_worst_mixture_finds_a_greater_loss_than_that_of_the_best() {
    let of = |worst: bool| {
        every(&OptimizerSettings {
            worst,
            ..OptimizerSettings::default()
        })
    };
    for ((kind, best), (_, worst)) in of(false).into_iter().zip(of(true)) {
        if kind.needs() == OptimizerNeeds::Sizes {
            assert_eq!(best, worst, "{kind:?}");
            continue;
        }
        assert!(worst.is_worst() && !best.is_worst(), "{kind:?}");
        let loss = |optimizer: &Optimizer| {
            law().exponential(&solve(optimizer, &caps(), false).unwrap().weights)
        };
        assert!(loss(&worst) > loss(&best) + 1e-3, "{kind:?}");
    }
}

#[test]
fn optimizer_refuses_to_keep_ratios_unless_it_is_the_exact_one() {
    let exact = |worst: bool| OptimizerSettings {
        worst,
        ..OptimizerSettings::default()
    };
    for (kind, optimizer) in every(&exact(false)).into_iter().chain(every(&exact(true))) {
        let kept = kind == OptimizerKind::Exact && !optimizer.is_worst();
        match solve(&optimizer, &caps(), true) {
            Ok(_) => assert!(kept, "{kind:?}"),
            Err(error) => {
                assert!(!kept, "{kind:?}");
                assert_eq!(error, CoreError::RatiosNotKept);
            }
        }
    }
}

#[test]
fn optimizer_refuses_constraints_that_no_mixture_satisfies() {
    let mut constraints = Constraints::none(3);
    constraints.upper = vec![0.2; 3];
    for (kind, optimizer) in every(&OptimizerSettings::default()) {
        let error = solve(&optimizer, &constraints, false).unwrap_err();
        assert!(error.is_infeasible(), "{kind:?}: {error}");
    }
    // Feasible, but by none of the runs: a value with their number.
    constraints.upper = vec![0.34; 3];
    let search = OptimizerKind::Search.with_settings(&OptimizerSettings::default());
    let error = solve(&search, &constraints, false).unwrap_err();
    assert_eq!(error, CoreError::NoFeasibleRun { runs: 4 });
}

#[test]
fn optimizer_temperature_is_the_exponent_of_the_rule() {
    let settings = OptimizerSettings {
        temperature: Some(0.25),
        ..OptimizerSettings::default()
    };
    let rule = OptimizerKind::Temperature.with_settings(&settings);
    assert_eq!(rule, Optimizer::Rule(Rule::Temperature { exponent: 0.25 }));
}
