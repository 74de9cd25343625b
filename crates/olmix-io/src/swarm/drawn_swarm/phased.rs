//! A drawn swarm of runs in phases.

use olmix_core::Matrix;
use olmix_core::generate::{PhasedDrawn, Unfit, tied_runs};
use olmix_core::phases::{Contrast, Phases, contrast};

use super::{REASONS, reasons, replicates};
use crate::config::generation::GenerationConfig;
use crate::error::IoError;
use crate::messages::count;
use crate::swarm::sampling_plan::{PhasePlan, SamplingPlan};

/// The runs of a swarm in phases.
#[derive(Debug)]
pub struct PhasedRuns<'a> {
    /// The phases.
    pub phases: &'a Phases,
    /// Runs × phases × leaves: pairs, tied runs, then the prior as often as it is to be run.
    pub runs: Vec<Vec<Vec<f64>>>,
    /// Runs in antithetic pairs: the first ones.
    pub paired: usize,
    /// Runs with the same mixture in every phase behind them, without those of the prior.
    pub tied: usize,
    /// Tied runs that were asked for, where bounds leave fewer.
    pub tied_wanted: usize,
    /// Pairs that were moved inside the bounds of a phase.
    pub moved: usize,
    /// Draws of amounts that were passed over because the bounds of phases leave them no room.
    pub unfit: usize,
    /// How the phases of the runs differ.
    pub contrast: Contrast,
}

impl<'a> PhasedRuns<'a> {
    /// The runs over the leaves.
    pub(super) fn new(
        config: &GenerationConfig,
        plan: &'a SamplingPlan,
        of_phases: &'a PhasePlan,
        drawn: &PhasedDrawn,
        center: &Vec<f64>,
    ) -> Result<Self, IoError> {
        let phases = &of_phases.phases;
        if drawn.runs.len() < plan.variants {
            return Err(too_few(config, plan, of_phases, drawn));
        }
        let tied_wanted = tied_runs(plan.variants, of_phases.tied);
        if config.swarm.tied.is_some() && drawn.tied < tied_wanted {
            return Err(config.error(
                &config.swarm.location,
                format!(
                    "swarm.tied asks for {} of {} with the same mixture in every phase, and {} can be had: each has the \
                     amounts of another pair, which the bounds of every phase must allow",
                    count(tied_wanted, "run"),
                    plan.variants,
                    drawn.tied
                ),
                "lower swarm.tied or leave it out, draw more variants, or loosen the bounds of the phases",
            ));
        }
        let prior: Vec<&Vec<f64>> = replicates(config, plan, center)?.collect();
        let broken = phases
            .iter()
            .zip(&of_phases.within)
            .find(|(_, bounds)| !prior.is_empty() && !bounds.allow(center));
        if let Some((phase, _)) = broken {
            return Err(config.error(
                &config.swarm.location,
                format!(
                    "swarm.replicates asks for runs of the prior in every phase, and the bounds of `{}` do not allow it",
                    phase.name
                ),
                "loosen the bounds, or leave swarm.replicates out",
            ));
        }
        let prior = prior
            .into_iter()
            .map(|center| vec![center.clone(); phases.len()]);
        let of_leaves = |run: Vec<Vec<f64>>| -> Vec<Vec<f64>> {
            run.iter()
                .map(|mixture| plan.collapse.expand(mixture))
                .collect()
        };
        let runs: Vec<Vec<Vec<f64>>> = drawn
            .runs
            .iter()
            .cloned()
            .chain(prior)
            .map(of_leaves)
            .collect();
        let stacked: Vec<Vec<f64>> = runs.iter().map(|run| phases.stack(run)).collect();
        let columns = stacked.first().map_or(0, Vec::len);
        let matrix = Matrix::from_fn(stacked.len(), columns, |run, column| stacked[run][column]);
        Ok(Self {
            phases,
            paired: drawn.runs.len() - drawn.tied,
            runs,
            tied: drawn.tied,
            tied_wanted,
            moved: drawn.moved,
            unfit: drawn.unfit.count(),
            contrast: contrast(phases, &matrix),
        })
    }

    /// Shares of all tokens of each run, runs × leaves.
    pub(super) fn amounts(&self) -> Vec<Vec<f64>> {
        let of_run = |run: &Vec<Vec<f64>>| self.phases.aggregate(&self.phases.stack(run));
        self.runs.iter().map(of_run).collect()
    }
}

fn too_few(
    config: &GenerationConfig,
    plan: &SamplingPlan,
    of_phases: &PhasePlan,
    drawn: &PhasedDrawn,
) -> IoError {
    let wanted = plan.variants / 2;
    let found = drawn.amounts.len();
    let (unfit, rejections) = (&drawn.unfit, &drawn.rejections);
    if unfit.count() == 0 {
        return super::too_few_mixtures(config, plan, found, wanted, rejections);
    }
    let rejected = reasons(plan, rejections);
    let rejected = if rejected.is_empty() {
        String::new()
    } else {
        format!(" (of the candidates before them: {rejected})")
    };
    let location = config.phases.as_ref().map(|phases| phases.location.clone());
    config.error(
        &location.unwrap_or(config.swarm.location.clone()),
        format!(
            "the bounds of the phases leave room for {found} of the {wanted} amounts of pairs that are needed, among {} \
             drawn: {}{rejected}",
            unfit.looked_at,
            why(plan, of_phases, unfit)
        ),
        "loosen the bounds of the phases, raise the share of these domains by swarm.manual_prior, or raise min_strength \
         to stay nearer to the prior",
    )
}

/// What is missing for the bounds, the most frequent first.
fn why(plan: &SamplingPlan, of_phases: &PhasePlan, unfit: &Unfit) -> String {
    let names = plan.tree.domains();
    let each = || of_phases.phases.iter().zip(&of_phases.within);
    let mut found: Vec<(usize, String)> = Vec::new();
    for j in 0..names.len() {
        let least: f64 = each()
            .map(|(phase, bounds)| phase.fraction * bounds.lower[j])
            .sum();
        let most: f64 = each()
            .map(|(phase, bounds)| phase.fraction * bounds.upper[j])
            .sum();
        let (name, percent) = (names.name(j), |share: f64| {
            format!("{:.2} %", 100.0 * share)
        });
        found.push((
            unfit.too_little[j],
            format!(
                "have less than {} of `{name}`, which its least shares of the phases need",
                percent(least)
            ),
        ));
        found.push((
            unfit.too_much[j],
            format!(
                "have more than {} of `{name}`, which its greatest shares of the phases hold",
                percent(most)
            ),
        ));
    }
    found.push((
        unfit.together,
        "have no room with all domains together".to_owned(),
    ));
    found.retain(|(count, _)| *count > 0);
    found.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let texts = found
        .iter()
        .take(REASONS)
        .map(|(count, what)| format!("{count} {what}"));
    texts.collect::<Vec<_>>().join("; ")
}
