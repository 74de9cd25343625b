//! The linear law `f̂(p) = c + t·p`, by weighted least squares: the worked example of how a law is
//! added (`CONTRIBUTING.md`). It is compiled in tests only; configs do not know it.

use faer::Mat;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::numerics::{Cholesky, weighted_gram};
use super::{
    Basis, Curvature, FitData, Law, LawFamily, LawSetting, LawSettings, Shape, TaskReport,
    check_length,
};
use crate::CoreError;
use crate::swarm::dot;

/// A fitted linear law over `m` domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    /// The loss of no data at all.
    pub c: f64,
    /// One coefficient per domain, length `m`, in the unit of the losses per unit of weight; 0 for
    /// domains that no run sampled.
    pub t: Vec<f64>,
}

impl Law for Linear {
    fn predict(&self, p: &[f64]) -> f64 {
        self.c + dot(&self.t, p)
    }

    fn add_gradient(&self, _: &[f64], scale: f64, into: &mut [f64]) {
        for (into, t) in into.iter_mut().zip(&self.t) {
            *into += scale * t;
        }
    }

    fn curvature(&self, _: &[f64], _: f64, _: &mut Curvature) {}
}

/// The objective of a fit: `Σ_k w_k (f̂(x_k) − y_k)² + ρ ‖(c, t)‖²`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearOptions {
    /// ρ > 0: the weights of a mixture sum to 1, so that without it `c` and `t` are not determined.
    pub ridge: f64,
}

impl LinearOptions {
    fn solve(&self, data: &FitData<'_>, y: &[f64], w: &[f64]) -> Linear {
        let (runs, m) = (data.mixtures.rows(), data.live.len() + 1);
        let x = Mat::from_fn(runs, m, |k, j| match j.checked_sub(1) {
            None => 1.0,
            Some(j) => data.mixtures.get(k, data.live[j]),
        });
        let mut gram = Mat::zeros(m, m);
        weighted_gram(&x, w, &mut Mat::zeros(runs, m), gram.as_mut());
        let mut factor = Cholesky::new(m);
        let _ = factor.factor(&gram, |_| self.ridge);
        let column = |j: usize| (0..runs).map(|k| w[k] * x[(k, j)] * y[k]).sum();
        let mut found: Vec<f64> = (0..m).map(column).collect();
        factor.solve(&mut found);
        let mut t = vec![0.0; data.mixtures.columns()];
        for (&j, found) in data.live.iter().zip(&found[1..]) {
            t[j] = *found;
        }
        Linear { c: found[0], t }
    }
}

impl LawFamily for LinearOptions {
    const SHAPE: Shape = Shape::Convex;
    const SETTINGS: &'static [LawSetting] = &[LawSetting::Ridge];

    fn with_settings(settings: &LawSettings) -> Option<Self> {
        Some(Self {
            ridge: settings.ridge.unwrap_or(1e-6),
        })
    }

    fn describe(&self) -> String {
        format!("linear, ridge {:e}", self.ridge)
    }

    fn needed(&self, live: usize) -> usize {
        live + 1
    }

    fn design_functions(&self) -> Option<Vec<Basis>> {
        Some(vec![Basis::Power(1.0)])
    }

    fn fit(
        &self,
        data: &FitData<'_>,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<(Linear, TaskReport)>, CoreError> {
        let ones = vec![1.0; data.mixtures.rows()];
        let fit = |task: usize| {
            let y = data.losses.column(task);
            let law = self.solve(data, &y, &ones);
            let residuals = (0..y.len()).map(|k| law.predict(data.mixtures.row(k)) - y[k]);
            progress();
            let report = TaskReport {
                huber: 0.5 * residuals.map(|r| r * r).sum::<f64>(),
                converged: true,
                starts: 1,
                starts_at_best: 1,
                iterations: 1,
                condition: f64::NAN,
            };
            (law, report)
        };
        Ok((0..data.losses.columns())
            .into_par_iter()
            .map(fit)
            .collect())
    }

    fn refit(&self, data: &FitData<'_>, weights: &[f64], from: &[(usize, &Linear)]) -> Vec<Linear> {
        let again =
            |(task, _): &(usize, &Linear)| self.solve(data, &data.losses.column(*task), weights);
        from.iter().map(again).collect()
    }

    fn validate(law: &Linear, m: usize) -> Result<(), String> {
        check_length("t", law.t.len(), m)
    }

    /// None is known.
    fn floor(_: &Linear) -> f64 {
        0.0
    }
}
