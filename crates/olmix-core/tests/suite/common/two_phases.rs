//! A world of two phases with a planted effect of timing.
#![allow(clippy::unwrap_used)] // helpers of tests

use olmix_core::law::{Curvature, Law};
use olmix_core::optimize::{Exact, ExactProblem, Optimizer, solve_exact};
use olmix_core::phases::{Phase, PhaseDesign, PhaseSpec, Phases, antithetic};
use olmix_core::{
    Constraints, Direction, DomainSet, FitSpec, LawKind, Matrix, Mixture, Purpose, Swarm, Task,
    generator,
};
use rand::RngExt;
use rand_distr::{Distribution, Gamma, StandardNormal};

use super::domains;

pub fn two_phases(first: f64) -> Phases {
    let phase = |name: &str, fraction| Phase {
        name: name.to_owned(),
        fraction,
    };
    Phases::new(vec![
        phase("pretraining", first),
        phase("cooldown", 1.0 - first),
    ])
    .unwrap()
}

/// Tasks with losses `c + exp(b − Σ_j w_j √z_j)` of exposures `z_j = Σ_s g_sj q_sj`.
pub struct World {
    pub phases: Phases,
    pub domains: DomainSet,
    pub gains: Vec<Vec<f64>>,
    /// By task: `b` and `w`.
    pub tasks: Vec<(f64, Vec<f64>)>,
    pub prior: Vec<f64>,
}

impl World {
    /// `timing` is the standard deviation of the logarithm of the gains' ratio.
    pub fn new(m: usize, n: usize, timing: f64, seed: u64) -> Self {
        let phases = two_phases(0.8);
        let mut rng = generator(seed, Purpose::Example, 3);
        let logs: Vec<f64> = (0..m)
            .map(|_| timing * (0.5 + rng.sample::<f64, _>(StandardNormal)))
            .collect();
        let mean = |log: &f64| 0.8 + 0.2 * log.exp();
        let gains = vec![
            logs.iter().map(|log| 1.0 / mean(log)).collect(),
            logs.iter().map(|log| log.exp() / mean(log)).collect(),
        ];
        let tasks = (0..n).map(|_| {
            let w = (0..m).map(|_| 1.2 * rng.random::<f64>().powi(2)).collect();
            (rng.random::<f64>(), w)
        });
        let tasks = tasks.collect();
        let sizes: Vec<f64> = (0..m).map(|_| 0.05 + rng.random::<f64>()).collect();
        let sum: f64 = sizes.iter().sum();
        Self {
            phases,
            domains: domains(m),
            gains,
            tasks,
            prior: sizes.iter().map(|size| size / sum).collect(),
        }
    }

    pub fn m(&self) -> usize {
        self.domains.len()
    }

    pub fn losses(&self, q: &[f64]) -> Vec<f64> {
        let m = self.m();
        let z = |j: usize| self.gains[0][j] * q[j] + self.gains[1][j] * q[m + j];
        let of_task = |(b, w): &(f64, Vec<f64>)| {
            let sum: f64 = (0..m).map(|j| w[j] * z(j).max(0.0).sqrt()).sum();
            0.5 + (b - sum).exp()
        };
        self.tasks.iter().map(of_task).collect()
    }

    pub fn loss(&self, q: &[f64]) -> f64 {
        self.losses(q).iter().sum::<f64>() / self.tasks.len() as f64
    }

    pub fn swarm(&self, runs: usize, noise: f64, seed: u64) -> Swarm {
        let mut rng = generator(seed, Purpose::Example, 4);
        let pairs = runs.div_ceil(2);
        let amounts: Vec<Vec<f64>> = (0..pairs)
            .map(|_| {
                let strength = 3.0 + 20.0 * rng.random::<f64>();
                let draw: Vec<f64> = self
                    .prior
                    .iter()
                    .map(|p| Gamma::new(strength * p, 1.0).unwrap().sample(&mut rng) + 1e-9)
                    .collect();
                let sum: f64 = draw.iter().sum();
                draw.iter().map(|x| x / sum).collect()
            })
            .collect();
        let design = PhaseDesign {
            tied: 0.0,
            strength: 1.0,
            seed,
        };
        let schedules = antithetic(&self.phases, &amounts, &design);
        let stacked: Vec<Vec<f64>> = schedules.iter().map(|p| self.phases.stack(p)).collect();
        let losses: Vec<Vec<f64>> = stacked
            .iter()
            .map(|q| {
                let losses = self.losses(q).into_iter();
                losses
                    .map(|loss| loss + noise * rng.sample::<f64, _>(StandardNormal))
                    .collect()
            })
            .collect();
        let task = |i: usize| Task {
            name: format!("t{i}"),
            family: "all".to_owned(),
            weight: 1.0 / self.tasks.len() as f64,
            direction: Direction::Min,
            offset: 0.0,
        };
        let count = stacked.len();
        Swarm::new(
            self.phases.domains(&self.domains).unwrap(),
            (0..self.tasks.len()).map(task).collect(),
            (0..count).map(|run| format!("r{run}")).collect(),
            Matrix::from_fn(count, 2 * self.m(), |run, c| stacked[run][c]),
            Matrix::from_fn(count, self.tasks.len(), |run, i| losses[run][i]),
        )
        .unwrap()
    }

    /// No domain more than twice its natural share in all.
    pub fn whole(&self) -> Constraints {
        let mut whole = Constraints::none(self.m());
        whole.upper = self.prior.iter().map(|p| (2.0 * p).min(1.0)).collect();
        whole
    }

    pub fn spec(&self, kl_reg: f64) -> FitSpec {
        let prior = Mixture::new(self.domains.clone(), self.prior.clone()).unwrap();
        let whole = self.whole();
        FitSpec {
            law: LawKind::Auto,
            optimizer: Some(Optimizer::Exact(Exact {
                kl_reg,
                worst: false,
            })),
            constraints: self.phases.constraints(&self.domains, &whole, &[]).unwrap(),
            phases: Some(PhaseSpec::new(
                self.phases.clone(),
                self.domains.clone(),
                &whole,
                &[],
            )),
            ..FitSpec::new(self.phases.prior(&prior).unwrap())
        }
    }

    /// The best phases, by the world's own laws.
    pub fn optimum(&self) -> Vec<f64> {
        let m = self.m();
        let laws: Vec<Exposed<'_>> = (0..self.tasks.len()).map(|i| Exposed(self, i)).collect();
        let weights = vec![1.0 / laws.len() as f64; laws.len()];
        let constraints = self
            .phases
            .constraints(&self.domains, &self.whole(), &[])
            .unwrap();
        let solution = solve_exact(&ExactProblem {
            domains: &self.phases.domains(&self.domains).unwrap(),
            laws: &laws,
            task_weights: &weights,
            reference: &self.phases.stack_static(&self.prior),
            kl_reg: 1e-6,
            linear: None,
            terms: None,
            constraints: &constraints,
        })
        .unwrap();
        assert_eq!(solution.weights.len(), 2 * m);
        solution.weights
    }

    pub fn share_of_gain(&self, q: &[f64]) -> f64 {
        let natural = self.loss(&self.phases.stack_static(&self.prior));
        (natural - self.loss(q)) / (natural - self.loss(&self.optimum()))
    }
}

/// The planted law of one task.
pub struct Exposed<'a>(&'a World, usize);

impl Law for Exposed<'_> {
    fn predict(&self, q: &[f64]) -> f64 {
        self.0.losses(q)[self.1]
    }

    fn add_gradient(&self, q: &[f64], scale: f64, into: &mut [f64]) {
        let (world, m) = (self.0, self.0.m());
        let reducible = self.predict(q) - 0.5;
        for j in 0..m {
            let z = world.gains[0][j] * q[j] + world.gains[1][j] * q[m + j];
            let slope = -world.tasks[self.1].1[j] * 0.5 / z.max(1e-300).sqrt();
            for s in 0..2 {
                into[s * m + j] += scale * reducible * slope * world.gains[s][j];
            }
        }
    }

    fn curvature(&self, q: &[f64], scale: f64, into: &mut Curvature) {
        let (world, m) = (self.0, self.0.m());
        let reducible = scale * (self.predict(q) - 0.5);
        let z = |j: usize| world.gains[0][j] * q[j] + world.gains[1][j] * q[m + j];
        let w = &world.tasks[self.1].1;
        let slopes = into.term(reducible);
        for j in 0..m {
            for s in 0..2 {
                slopes[s * m + j] = -w[j] * 0.5 / z(j).sqrt() * world.gains[s][j];
            }
        }
        for j in 0..m {
            let term = into.term(reducible * w[j] * 0.25 * z(j).powf(-1.5));
            for s in 0..2 {
                term[s * m + j] = world.gains[s][j];
            }
        }
    }
}
