//! An oracle: laws of a large swarm, with noise of the size of their residuals, that stand in for
//! training a model, so that any mixture can be "trained" and any proposal judged.

use rand::RngExt;

use crate::law::{FittedLaw, Law, LawOptions, average_loss};
use crate::random::{Purpose, generator};
use crate::{CoreError, Matrix, Swarm};

/// Laws that stand in for training.
///
/// What "training" returns is the laws' prediction plus the residuals of one run of the swarm, drawn
/// at random: noise of the right size, and as alike between tasks as it was measured. Residuals are
/// scaled by `√(K / (K − q))`, as the fit of `q` parameters took up that share of the noise.
#[derive(Debug, Clone)]
pub struct Oracle {
    laws: Vec<FittedLaw>,
    weights: Vec<f64>,
    /// `K × n`.
    residuals: Matrix,
    template: Swarm,
    options: LawOptions,
}

impl Oracle {
    /// Fits laws to all runs of a swarm. `prior` as in [`LawOptions::fit`].
    ///
    /// # Errors
    /// As [`LawOptions::fit`].
    pub fn new(swarm: &Swarm, prior: &[f64], options: &LawOptions) -> Result<Self, CoreError> {
        let fitted = options.fit(swarm, prior, &|| ())?;
        let laws: Vec<FittedLaw> = fitted.into_iter().map(|(law, _)| law).collect();
        let runs = swarm.len() as f64;
        let parameters = options.parameters(swarm.live_domains().len()) as f64;
        let scale = (runs / (runs - parameters).max(1.0)).sqrt();
        let residuals = Matrix::from_fn(swarm.len(), laws.len(), |run, task| {
            let predicted = laws[task].predict(swarm.mixtures().row(run));
            scale * (swarm.losses().get(run, task) - predicted)
        });
        Ok(Self {
            weights: swarm.task_weights(),
            residuals,
            template: swarm.subset(&[]),
            laws,
            options: options.clone(),
        })
    }

    /// How the laws were fitted.
    #[must_use]
    pub fn options(&self) -> &LawOptions {
        &self.options
    }

    /// The laws, one per task.
    #[must_use]
    pub fn laws(&self) -> &[FittedLaw] {
        &self.laws
    }

    /// The weighted average loss of a model trained on `p`, without noise.
    #[must_use]
    pub fn loss(&self, p: &[f64]) -> f64 {
        average_loss(&self.laws, &self.weights, p)
    }

    /// The share by which `p` is truly better than `baseline`.
    #[must_use]
    pub fn gain(&self, p: &[f64], baseline: &[f64]) -> f64 {
        1.0 - self.loss(p) / self.loss(baseline)
    }

    /// "Trains" one model per mixture (each of length `m`), with noise drawn from `seed`.
    ///
    /// # Errors
    /// [`CoreError::Shape`] when a mixture has another length.
    pub fn train(&self, mixtures: &[Vec<f64>], seed: u64) -> Result<Swarm, CoreError> {
        let m = self.template.domains().len();
        if let Some(wrong) = mixtures.iter().find(|p| p.len() != m) {
            return Err(CoreError::Shape {
                what: "weights of a mixture",
                expected: m,
                found: wrong.len(),
            });
        }
        let mut rng = generator(seed, Purpose::Oracle, 0);
        let noise: Vec<usize> = mixtures
            .iter()
            .map(|_| rng.random_range(0..self.residuals.rows()))
            .collect();
        let losses = Matrix::from_fn(mixtures.len(), self.laws.len(), |run, task| {
            self.laws[task].predict(&mixtures[run]) + self.residuals.get(noise[run], task)
        });
        Swarm::new(
            self.template.domains().clone(),
            self.template.tasks().to_vec(),
            (0..mixtures.len())
                .map(|run| format!("oracle-{run}"))
                .collect(),
            Matrix::from_fn(mixtures.len(), m, |run, j| mixtures[run][j]),
            losses,
        )
    }
}
