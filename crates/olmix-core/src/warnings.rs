//! What a person must know before trusting a fit, one sentence each: the same words on the terminal,
//! in `mixture.json` and in the report.

use crate::{Fit, FitSpec, Ridge, Swarm};

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
                "the laws predict an average loss of {} at the natural distribution, far outside of \
                 the measured {least:.4} to {most:.4}",
                readable(natural)
            )
        })
    }
}
