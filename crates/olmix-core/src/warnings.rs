//! What a person must know before trusting a fit, as values with their numbers; who shows them words
//! them.

use serde::Serialize;

use crate::calibrate::Ranking;
use crate::law::average_loss;
use crate::trust::{AlternativeLaw, MOSTLY_NOISE, Place, copied_runs};
use crate::{Fit, FitSpec, Ridge, Swarm, total_variation};

/// One reason not to trust a fit. Serialized, it has its kind in the field `kind`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FitWarning {
    /// No run sampled these domains: they are held at their share of the prior.
    Held {
        /// Names of the domains.
        domains: Vec<String>,
    },
    /// The mixtures of the runs do not vary in some directions: the laws are not determined there,
    /// and a proposal that goes that way is a guess.
    Undetermined {
        /// Directions without variation.
        directions: usize,
        /// Of so many: the domains that were sampled.
        of: usize,
    },
    /// There was no out-of-fold check: no fold determines the laws.
    NotChecked {
        /// `K`.
        runs: usize,
    },
    /// Out-of-fold predictions far outside of anything measured.
    Explosions {
        /// Predictions that are far outside, at least 1.
        count: usize,
        /// The one that is furthest off.
        worst: WorstExplosion,
        /// Whether the ridge was chosen out of fold already.
        ridge_chosen: bool,
    },
    /// The loss predicted at the prior is further outside of the measured ones than they are apart, so
    /// that the gain over it says nothing.
    ImplausiblePrior {
        /// Predicted average loss at the prior.
        predicted: f64,
        /// Least measured average loss.
        least: f64,
        /// Greatest measured average loss.
        most: f64,
        /// Whether the ridge was chosen out of fold already.
        ridge_chosen: bool,
    },
    /// Another law predicts unseen runs far better.
    Outdone {
        /// Cross-validated RMSE of the average loss, by this law.
        rmse: f64,
        /// The other law's name.
        law: &'static str,
        /// Its RMSE.
        other_rmse: f64,
    },
    /// The exact optimizer limited the choice to convex laws, and a law that is not convex predicts runs that it was not
    /// fitted to much better. Errors are those of [`crate::NotConvex`].
    BetterNotConvex {
        /// The error of the law that was chosen.
        error: f64,
        /// The other law's name.
        law: &'static str,
        /// Its error.
        other_error: f64,
    },
    /// Another law that is not much worse out of fold, or better, sees the prior or the proposal differently by
    /// more than the gain that is claimed.
    GainNotEstablished {
        /// The gain that is claimed, in the unit of the losses.
        claimed: f64,
        /// Where the laws differ most.
        at: Compared,
        /// Cross-validated RMSE of the average loss, by this law.
        rmse: f64,
        /// The other law's name.
        law: &'static str,
        /// Its RMSE.
        other_rmse: f64,
        /// Average loss that it predicts there.
        other: f64,
        /// Average loss that this law predicts there.
        own: f64,
        /// The run whose mixture is nearest.
        nearest_run: String,
        /// Its total variation distance, in [0, 1].
        distance: f64,
    },
    /// The proxies rank mixtures by the average loss otherwise than the target does.
    RankingUnsafe {
        /// Target runs that say so.
        runs: usize,
        /// What they say.
        ranking: Ranking,
    },
    /// The fits of these tasks did not converge.
    NotConverged {
        /// Names of the tasks.
        tasks: Vec<String>,
    },
    /// Replicates show that these tasks differ less over mixtures than over runs of one mixture.
    MostlyNoise {
        /// The tasks, the worst first: names, and the spread over mixtures in units of the noise.
        tasks: Vec<(String, f64)>,
        /// Their share in the average loss, in [0, 1].
        weight: f64,
        /// Degrees of freedom of the noise, at least 1.
        degrees_of_freedom: usize,
    },
    /// Runs with the mixture and every loss of another: they say nothing new.
    Copied {
        /// Names of the copies, each with the run that it is equal to.
        runs: Vec<(String, String)>,
    },
    /// The runs determine the laws less at the proposed mixture than at any run.
    Extrapolates {
        /// Leverage of the mixture and the greatest of a run; `None` for laws that predict by likeness.
        leverage: Option<(f64, f64)>,
        /// The run whose mixture is nearest.
        nearest_run: String,
        /// Its total variation distance, in [0, 1].
        distance: f64,
        /// The greatest such distance of a run from the nearest other one.
        apart: f64,
    },
    /// Resamples that led to no mixture and are left out of the intervals.
    FailedResamples {
        /// Resamples without a mixture, at least 1.
        failed: usize,
        /// Of so many.
        resamples: usize,
    },
}

/// See [`FitWarning::Explosions`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorstExplosion {
    /// The run's name.
    pub run: String,
    /// The task's name.
    pub task: String,
    /// Predicted by laws that had not seen the run.
    pub predicted: f64,
    /// What the run measured on the task.
    pub measured: f64,
}

/// A mixture that laws are compared at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// The prior of the fit.
    Prior,
    /// The proposed mixture.
    Proposal,
}

/// A law whose out-of-fold error is this many times that of another is far from it.
const FAR: f64 = 1.5;

/// A law that is not convex is worth a word where its error is below this share of that of the chosen one.
const MUCH_BETTER: f64 = 0.9;

/// The run whose mixture is nearest to `p` in total variation, and how far it is.
fn nearest_run<'a>(swarm: &'a Swarm, p: &[f64]) -> Option<(&'a str, f64)> {
    let distance = |run: usize| total_variation(swarm.mixtures().row(run), p);
    (0..swarm.len())
        .map(|run| (swarm.runs()[run].as_str(), distance(run)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

impl Fit {
    /// What speaks against trusting this fit; empty when nothing does. `swarm` holds the runs that
    /// were trained on.
    #[must_use]
    pub fn warnings(&self, swarm: &Swarm, spec: &FitSpec) -> Vec<FitWarning> {
        if self.options.is_none() {
            return Vec::new();
        }
        let mut warnings = Vec::new();
        if !self.dead.is_empty() && self.proposal.is_some() {
            let name = |&j: &usize| swarm.domains().name(j).to_owned();
            let domains = self.dead.iter().map(name).collect();
            warnings.push(FitWarning::Held { domains });
        }
        if self.undetermined > 0 {
            warnings.push(FitWarning::Undetermined {
                directions: self.undetermined,
                of: swarm.domains().len() - self.dead.len(),
            });
        }
        if spec.folds >= 2 && self.out_of_fold.is_none() {
            warnings.push(FitWarning::NotChecked { runs: swarm.len() });
        }
        let ridge_chosen = spec.ridge == Some(Ridge::Auto);
        warnings.extend(self.exploded(swarm, ridge_chosen));
        warnings.extend(self.implausible_prior(swarm, spec.prior.weights(), ridge_chosen));
        warnings.extend(self.outdone());
        let better = self
            .not_convex
            .filter(|better| better.error < MUCH_BETTER * better.own);
        warnings.extend(better.map(|better| FitWarning::BetterNotConvex {
            error: better.own,
            law: better.law,
            other_error: better.error,
        }));
        warnings.extend(self.not_established(swarm, spec));
        warnings.extend(self.ranking_unsafe());
        let stuck = (0..self.reports.len()).filter(|&task| !self.reports[task].converged);
        let tasks: Vec<String> = stuck.map(|task| swarm.tasks()[task].name.clone()).collect();
        if !tasks.is_empty() {
            warnings.push(FitWarning::NotConverged { tasks });
        }
        warnings.extend(self.mostly_noise(swarm));
        let name = |run: usize| swarm.runs()[run].clone();
        let copies = copied_runs(swarm).into_iter();
        let runs: Vec<_> = copies.map(|(run, of)| (name(run), name(of))).collect();
        if !runs.is_empty() {
            warnings.push(FitWarning::Copied { runs });
        }
        warnings.extend(self.extrapolates(swarm));
        let resampled = self.proposal.as_ref().and_then(|p| p.bootstrap.as_ref());
        if let Some(bootstrap) = resampled.filter(|bootstrap| bootstrap.failed > 0) {
            warnings.push(FitWarning::FailedResamples {
                failed: bootstrap.failed,
                resamples: bootstrap.failed + bootstrap.mixtures.rows(),
            });
        }
        warnings
    }

    fn mostly_noise(&self, swarm: &Swarm) -> Option<FitWarning> {
        let noise = self.noise.as_ref()?;
        let ratio = |task: &usize| noise.tasks[*task].signal_to_noise();
        let mut worst: Vec<usize> = (0..noise.tasks.len()).collect();
        worst.retain(|task| ratio(task) < MOSTLY_NOISE);
        worst.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
        let weights = swarm.task_weights();
        let name = |task: &usize| (swarm.tasks()[*task].name.clone(), ratio(task));
        (!worst.is_empty()).then(|| FitWarning::MostlyNoise {
            tasks: worst.iter().map(name).collect(),
            weight: worst.iter().map(|&task| weights[task]).sum(),
            degrees_of_freedom: noise.degrees_of_freedom,
        })
    }

    fn extrapolates(&self, swarm: &Swarm) -> Option<FitWarning> {
        let reach = self.proposal.as_ref()?.reach.as_ref()?;
        (reach.place() == Place::Beyond).then(|| FitWarning::Extrapolates {
            leverage: reach.leverage.map(|h| (h.mixture, h.greatest)),
            nearest_run: swarm.runs()[reach.nearest].clone(),
            distance: reach.distance,
            apart: reach.apart,
        })
    }

    fn exploded(&self, swarm: &Swarm, ridge_chosen: bool) -> Option<FitWarning> {
        let explosions = &self.out_of_fold.as_ref()?.explosions;
        let worst = explosions
            .iter()
            .max_by(|a, b| a.miss().total_cmp(&b.miss()))?;
        Some(FitWarning::Explosions {
            count: explosions.len(),
            worst: WorstExplosion {
                run: swarm.runs()[worst.run].clone(),
                task: swarm.tasks()[worst.task].name.clone(),
                predicted: worst.predicted,
                measured: worst.measured,
            },
            ridge_chosen,
        })
    }

    fn outdone(&self) -> Option<FitWarning> {
        let own = self.out_of_fold.as_ref()?.average.rmse;
        let best = self.alternatives.iter().min_by(|a, b| {
            let (a, b) = (a.average.rmse, b.average.rmse);
            a.total_cmp(&b)
        })?;
        let far = own.is_nan() || own > FAR * best.average.rmse;
        far.then(|| FitWarning::Outdone {
            rmse: own,
            law: best.options.name(),
            other_rmse: best.average.rmse,
        })
    }

    fn not_established(&self, swarm: &Swarm, spec: &FitSpec) -> Option<FitWarning> {
        let proposal = self.proposal.as_ref()?;
        let natural = proposal.natural_average?;
        let claimed = natural - proposal.predicted_average;
        if claimed <= 0.0 {
            return None;
        }
        let own_rmse = self.out_of_fold.as_ref()?.average.rmse;
        let weights = swarm.task_weights();
        let mut widest: Option<(f64, FitWarning)> = None;
        let (prior, proposed) = (spec.prior.weights(), proposal.mixture.weights());
        let credible = |other_law: &&AlternativeLaw| other_law.average.rmse <= FAR * own_rmse;
        for other_law in self.alternatives.iter().filter(credible) {
            for (at, p, own) in [
                (Compared::Prior, prior, natural),
                (Compared::Proposal, proposed, proposal.predicted_average),
            ] {
                let other = other_law.loss(&weights, p);
                let apart = (other - own).abs();
                if apart > claimed && widest.as_ref().is_none_or(|(known, _)| apart > *known) {
                    let (run, distance) = nearest_run(swarm, p)?;
                    let warning = FitWarning::GainNotEstablished {
                        claimed,
                        at,
                        rmse: own_rmse,
                        law: other_law.options.name(),
                        other_rmse: other_law.average.rmse,
                        other,
                        own,
                        nearest_run: run.to_owned(),
                        distance,
                    };
                    widest = Some((apart, warning));
                }
            }
        }
        widest.map(|(_, warning)| warning)
    }

    fn ranking_unsafe(&self) -> Option<FitWarning> {
        let calibration = self.calibration.as_ref()?;
        let ranking = calibration.ranking.filter(|ranking| !ranking.is_safe())?;
        let runs = calibration.runs.len();
        Some(FitWarning::RankingUnsafe { runs, ranking })
    }

    fn implausible_prior(
        &self,
        swarm: &Swarm,
        prior: &[f64],
        ridge_chosen: bool,
    ) -> Option<FitWarning> {
        self.proposal.as_ref()?.natural_average?;
        let predicted = average_loss(self.proxy_laws(), &swarm.task_weights(), prior);
        let measured = swarm.average_losses();
        let fold = |start, pick: fn(f64, f64) -> f64| measured.iter().copied().fold(start, pick);
        let (least, most) = (
            fold(f64::INFINITY, f64::min),
            fold(f64::NEG_INFINITY, f64::max),
        );
        let inside = (2.0 * least - most..=2.0 * most - least).contains(&predicted);
        (!inside).then_some(FitWarning::ImplausiblePrior {
            predicted,
            least,
            most,
            ridge_chosen,
        })
    }
}
