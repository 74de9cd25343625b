//! What a swarm lacks for a fit, told before its runs are trained.

use super::{DrawnSwarm, SampledDomain};
use crate::artifact::first_fit;

impl<'a> DrawnSwarm<'a> {
    /// The sampled domains of which no run has any: the runs say nothing about them.
    #[must_use]
    pub fn never_sampled(&self) -> Vec<SampledDomain<'a>> {
        let mut domains = self.domains();
        domains.retain(|domain| domain.most <= 0.0);
        domains
    }

    /// Runs that a log-linear law over the sampled domains needs. Leaves whose ratios no run varies are one domain,
    /// as in the first fit config.
    #[must_use]
    pub fn runs_needed(&self) -> usize {
        let never = self.never_sampled();
        let domains = first_fit::domains(self.config, self.plan);
        let drawn = |leaves: &Vec<String>| {
            !leaves
                .iter()
                .all(|leaf| never.iter().any(|one| one.name == *leaf))
        };
        domains.iter().filter(|(_, leaves)| drawn(leaves)).count() + 1
    }

    /// What a fit of these runs would lack, told before they are trained.
    #[must_use]
    pub fn shortcomings(&self) -> Vec<String> {
        let swarm = &self.config.swarm;
        let runs = self.drawn.mixtures.len();
        let never = self.never_sampled().into_iter().map(|domain| {
            format!(
                "`{}` is 0 in all {runs} mixtures, so that no run says anything about it (its share of the prior \
                 is {:.2e}); lower swarm.minimum_weight or swarm.mix_temperature, list it in \
                 swarm.nonzero_weight, or draw more variants",
                domain.name, domain.center
            )
        });
        let mut found: Vec<String> = never.collect();
        let different = runs + usize::from(swarm.replicates > 0);
        if different < self.runs_needed() && swarm.existing_mix_file.is_empty() {
            let what = if self.phased.is_some() {
                "different amounts"
            } else {
                "runs"
            };
            found.push(format!(
                "{runs} {what} are fewer than the {} that a log-linear law over {} domains needs (m + 1); set \
                 swarm.variants or --variants",
                self.runs_needed(),
                self.runs_needed() - 1
            ));
        }
        if let Some(phased) = self
            .phased
            .as_ref()
            .filter(|one| one.tied < one.tied_wanted)
        {
            found.push(format!(
                "{} of {} tied runs are drawn: the bounds of the phases allow no more of the amounts in every phase",
                phased.tied, phased.tied_wanted
            ));
        }
        found
    }
}
