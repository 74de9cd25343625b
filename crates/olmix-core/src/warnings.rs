//! What a person must know before trusting a fit, one sentence each: the same words on the terminal,
//! in `mixture.json` and in the report.

use crate::trust::Rival;
use crate::{Fit, FitSpec, Ridge, Swarm};

/// A law whose out-of-fold error is this many times that of another is far from it.
const FAR: f64 = 1.5;

/// The run whose mixture is nearest to `p` in total variation, and how far it is.
fn nearest_run<'a>(swarm: &'a Swarm, p: &[f64]) -> Option<(&'a str, f64)> {
    let distance = |run: usize| {
        let mixture = swarm.mixtures().row(run).iter();
        0.5 * mixture.zip(p).map(|(a, b)| (a - b).abs()).sum::<f64>()
    };
    (0..swarm.len())
        .map(|run| (swarm.runs()[run].as_str(), distance(run)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

/// At most this many names are listed.
const NAMES: usize = 5;

/// Three decimals, or a power of ten for what is too large to read.
fn readable(value: f64) -> String {
    if value.abs() < 1e6 {
        format!("{value:.3}")
    } else {
        format!("{value:.2e}")
    }
}

impl Fit {
    /// What speaks against trusting this fit; empty when nothing does. `swarm` holds the runs that
    /// were trained on.
    #[must_use]
    pub fn warnings(&self, swarm: &Swarm, spec: &FitSpec) -> Vec<String> {
        if self.options.is_none() {
            return Vec::new();
        }
        let cure = if spec.ridge == Some(Ridge::Auto) {
            "The ridge chosen out of fold does not prevent it: more runs would."
        } else {
            "Set `regression.ridge: auto`, or pass --ridge auto."
        };
        let mut warnings = Vec::new();
        if self.undetermined > 0 {
            warnings.push(format!(
                "the mixtures of the runs do not vary in {} of {} directions: the laws are not \
                 determined there, and a proposal that goes that way is a guess. Add runs that \
                 move each domain on its own",
                self.undetermined,
                swarm.domains().len() - self.dead.len()
            ));
        }
        if spec.folds >= 2 && self.out_of_fold.is_none() {
            warnings.push(format!(
                "there was no out-of-fold check: {} runs leave no fold that determines the laws. \
                 Nothing says how well they predict mixtures they were not fitted to",
                swarm.len()
            ));
        }
        if let Some(checked) = &self.out_of_fold
            && let Some(first) = checked
                .explosions
                .iter()
                .max_by(|a, b| a.miss().total_cmp(&b.miss()))
        {
            let how_many = match checked.explosions.len() {
                1 => "1 prediction of an unseen run is".to_owned(),
                many => format!("{many} predictions of unseen runs are"),
            };
            warnings.push(format!(
                "{how_many} far outside of anything measured, such as {} for `{}` of run `{}` where \
                 {:.3} was measured: the law is not held down there. {cure}",
                readable(first.predicted),
                swarm.tasks()[first.task].name,
                swarm.runs()[first.run],
                first.measured,
            ));
        }
        if let Some(sentence) = self.implausible_natural(swarm) {
            warnings.push(format!(
                "{sentence}, so the gain over it says nothing. {cure}"
            ));
        }
        warnings.extend(self.outdone());
        warnings.extend(self.not_established(swarm, spec));
        let stuck = (0..self.reports.len()).filter(|&task| !self.reports[task].converged);
        let stuck: Vec<&str> = stuck
            .map(|task| swarm.tasks()[task].name.as_str())
            .collect();
        if !stuck.is_empty() {
            let shown = stuck[..stuck.len().min(NAMES)].join(", ");
            let more = stuck.len().saturating_sub(NAMES);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            warnings.push(format!(
                "the fit of these tasks did not converge: {shown}{more}"
            ));
        }
        let resampled = self.proposal.as_ref().and_then(|p| p.bootstrap.as_ref());
        if let Some(bootstrap) = resampled.filter(|bootstrap| bootstrap.failed > 0) {
            warnings.push(format!(
                "{} of {} resamples led to no mixture and are left out of the intervals",
                bootstrap.failed,
                bootstrap.failed + bootstrap.mixtures.rows()
            ));
        }
        warnings
    }

    /// A rival law that predicts unseen runs far better.
    fn outdone(&self) -> Option<String> {
        let own = self.out_of_fold.as_ref()?.average.rmse;
        let best = self.rivals.iter().min_by(|a, b| {
            let (a, b) = (a.average.rmse, b.average.rmse);
            a.total_cmp(&b)
        })?;
        let far = own.is_nan() || own > FAR * best.average.rmse;
        far.then(|| {
            format!(
                "out of fold this law has an RMSE of {} where a {} law has {}: set \
                 `regression.type: {}`, or `auto`",
                readable(own),
                best.options.name().replace('_', "-"),
                readable(best.average.rmse),
                best.options.name()
            )
        })
    }

    /// Whether another law that is about as good sees the prior or the proposal differently by
    /// more than the gain that is claimed.
    fn not_established(&self, swarm: &Swarm, spec: &FitSpec) -> Option<String> {
        let proposal = self.proposal.as_ref()?;
        let natural = proposal.natural_average?;
        let claimed = natural - proposal.predicted_average;
        if claimed <= 0.0 {
            return None;
        }
        let own = self.out_of_fold.as_ref()?.average.rmse;
        let weights = swarm.task_weights();
        let mut widest: Option<(f64, String)> = None;
        let (prior, proposed) = (spec.prior.weights(), proposal.mixture.weights());
        let credible = |rival: &&Rival| rival.average.rmse <= FAR * own;
        for rival in self.rivals.iter().filter(credible) {
            for (place, p, here) in [
                ("prior", prior, natural),
                ("proposed mixture", proposed, proposal.predicted_average),
            ] {
                let there = rival.loss(&weights, p);
                let apart = (there - here).abs();
                if apart > claimed && widest.as_ref().is_none_or(|(known, _)| apart > *known) {
                    let (run, distance) = nearest_run(swarm, p)?;
                    widest = Some((
                        apart,
                        format!(
                            "the gain is not established: it is {claimed:.3}, but at the {place} a \
                             {} law, about as good out of fold, predicts {} where this one \
                             predicts {}. A proxy run on the {place} would settle it; the nearest, \
                             `{run}`, differs in {:.0} % of its data",
                            rival.options.name().replace('_', "-"),
                            readable(there),
                            readable(here),
                            100.0 * distance
                        ),
                    ));
                }
            }
        }
        widest.map(|(_, sentence)| sentence)
    }

    /// A predicted loss of the natural distribution further outside of the measured ones than
    /// they are apart.
    fn implausible_natural(&self, swarm: &Swarm) -> Option<String> {
        let natural = self.proposal.as_ref()?.natural_average?;
        let measured = swarm.average_losses();
        let fold = |start, pick: fn(f64, f64) -> f64| measured.iter().copied().fold(start, pick);
        let (least, most) = (
            fold(f64::INFINITY, f64::min),
            fold(f64::NEG_INFINITY, f64::max),
        );
        let inside = (2.0 * least - most..=2.0 * most - least).contains(&natural);
        (!inside).then(|| {
            format!(
                "the laws predict an average loss of {} at the prior, far outside of \
                 the measured {least:.4} to {most:.4}",
                readable(natural)
            )
        })
    }
}
