//! How laws over phases are fitted, and the laws over domains that they are made of.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::descent::{Runs, descend, redescend};
use super::{PhasedLaw, exposure};
use crate::law::registry::{AnyFamily, Fitted, FittedLaw, LawKind, LawOptions};
use crate::law::{Basis, FitData};
use crate::phases::Phases;
use crate::{CoreError, Matrix};

/// What may differ between phases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// Nothing: a token counts the same in every phase.
    Tied,
    /// How much a token counts, the same for every domain.
    Shared,
    /// How much a token of each domain counts. The logarithm of a gain's ratio between phases differs from the domains'
    /// common one by a normal variable of this standard deviation, above 0: the ridge that pulls gains together.
    ByDomain(f64),
}

/// A law over domains, fitted to effective exposures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhasedOptions {
    /// The law over domains; itself not of phases, and the same for all tasks.
    pub law: Box<LawOptions>,
    /// What may differ between phases.
    pub timing: Timing,
    /// The phases.
    pub phases: Phases,
}

/// Standard deviations tried where gains differ by domain.
const SPREADS: [f64; 2] = [0.3, 1.0];

impl PhasedOptions {
    /// The runs' exposures under gains (`K × m`).
    pub(super) fn exposures(gains: &[Vec<f64>], mixtures: &Matrix) -> Matrix {
        let rows: Vec<Vec<f64>> = (0..mixtures.rows())
            .map(|run| exposure(gains, mixtures.row(run)))
            .collect();
        let m = gains.first().map_or(0, Vec::len);
        Matrix::from_fn(mixtures.rows(), m, |run, j| rows[run][j])
    }

    fn tied_gains(&self, columns: usize) -> Vec<Vec<f64>> {
        vec![vec![1.0; columns / self.phases.len()]; self.phases.len()]
    }

    fn family(&self) -> Result<&dyn AnyFamily, CoreError> {
        match *self.law {
            LawOptions::Phased(_) | LawOptions::PerTask { .. } | LawOptions::Averaged { .. } => {
                Err(CoreError::Unsupported(
                    "a law over phases is made of a law over domains".to_owned(),
                ))
            }
            ref law => law.family().ok_or_else(|| {
                CoreError::Unsupported("a law over phases is made of one law".to_owned())
            }),
        }
    }

    /// Live domains in all phases together, as positions.
    fn live(&self, data: &FitData<'_>) -> Vec<usize> {
        let m = data.mixtures.columns() / self.phases.len();
        let live = |j: &usize| data.live.iter().any(|column| column % m == *j);
        (0..m).filter(live).collect()
    }

    /// Parameters of timing, but for those that a ridge determines.
    fn of_timing(&self) -> usize {
        match self.timing {
            Timing::Tied => 0,
            Timing::Shared | Timing::ByDomain(_) => self.phases.len() - 1,
        }
    }
}

impl AnyFamily for PhasedOptions {
    fn kind(&self) -> LawKind {
        self.law
            .family()
            .map_or(LawKind::LogLinear, AnyFamily::kind)
    }

    fn describe(&self) -> String {
        let timing = match self.timing {
            Timing::Tied => "the same in every phase",
            Timing::Shared => "one gain per phase",
            Timing::ByDomain(spread) => {
                return format!(
                    "{}, gains by phase and domain (spread {spread})",
                    self.law.describe()
                );
            }
        };
        format!("{}, {timing}", self.law.describe())
    }

    fn needed(&self, live: usize) -> usize {
        let domains = live.div_ceil(self.phases.len());
        self.law.needed(domains) + self.of_timing()
    }

    fn parameters(&self, live: usize) -> usize {
        let domains = live.div_ceil(self.phases.len());
        self.law.parameters(domains) + self.of_timing()
    }

    /// None: the law is not linear in functions of the domains of phases.
    fn design_functions(&self) -> Option<Vec<Basis>> {
        None
    }

    fn quick(&self) -> LawOptions {
        LawOptions::Phased(Self {
            law: Box::new((*self.law).clone().quick()),
            ..self.clone()
        })
    }

    fn candidates(&self) -> Vec<LawOptions> {
        let laws = self.law.candidates().into_iter();
        let of = |law| {
            LawOptions::Phased(Self {
                law: Box::new(law),
                ..self.clone()
            })
        };
        laws.map(of).collect()
    }

    /// The same law with gains, where it has none; else the law's own.
    fn refinements(&self) -> Vec<LawOptions> {
        let with = |law: &LawOptions, timing: Timing| {
            LawOptions::Phased(Self {
                law: Box::new(law.clone()),
                timing,
                phases: self.phases.clone(),
            })
        };
        let laws = self.law.refinements().into_iter();
        let mut next: Vec<LawOptions> = laws.map(|law| with(&law, self.timing)).collect();
        if self.timing == Timing::Tied && self.phases.len() > 1 {
            next.push(with(&self.law, Timing::Shared));
            next.extend(SPREADS.map(|spread| with(&self.law, Timing::ByDomain(spread))));
        }
        next
    }

    fn folds_by_refit(&self) -> bool {
        self.timing != Timing::Tied || self.law.folds_by_refit()
    }

    fn fit(&self, data: &FitData<'_>, progress: &(dyn Fn() + Sync)) -> Result<Fitted, CoreError> {
        let family = self.family()?;
        let gains = self.tied_gains(data.mixtures.columns());
        let (amounts, live) = (Self::exposures(&gains, data.mixtures), self.live(data));
        let prior = self.phases.aggregate(data.prior);
        let tied = FitData {
            mixtures: &amounts,
            live: &live,
            prior: &prior,
            ..*data
        };
        let quiet = || ();
        let is_tied = self.timing == Timing::Tied;
        let fitted = family.fit(&tied, if is_tied { progress } else { &quiet })?;
        let wrapped = |gains: Vec<Vec<f64>>, law: FittedLaw| {
            FittedLaw::Phased(Box::new(PhasedLaw { gains, law }))
        };
        if is_tied {
            let fitted = fitted.into_iter();
            return Ok(fitted
                .map(|(law, report)| (wrapped(gains.clone(), law), report))
                .collect());
        }
        let weights = data.run_weights();
        let each = |(task, (law, report))| {
            let losses = data.losses.select_columns(&[task]);
            let runs = Runs {
                mixtures: data.mixtures,
                losses: &losses,
                weights: &weights,
                live: &live,
                prior: &prior,
            };
            let (gains, law) = descend(self, family, &runs, law);
            progress();
            (wrapped(gains, law), report)
        };
        Ok(fitted.into_par_iter().enumerate().map(each).collect())
    }

    fn refit(
        &self,
        data: &FitData<'_>,
        weights: &[f64],
        from: &[(usize, &FittedLaw)],
    ) -> Vec<FittedLaw> {
        let (live, prior) = (self.live(data), self.phases.aggregate(data.prior));
        let again = |&(task, law): &(usize, &FittedLaw)| match (law, self.family()) {
            (FittedLaw::Phased(phased), Ok(family)) => {
                let losses = data.losses.select_columns(&[task]);
                let runs = Runs {
                    mixtures: data.mixtures,
                    losses: &losses,
                    weights,
                    live: &live,
                    prior: &prior,
                };
                FittedLaw::Phased(Box::new(redescend(self, family, &runs, phased)))
            }
            _ => law.clone(),
        };
        from.iter().map(again).collect()
    }
}
