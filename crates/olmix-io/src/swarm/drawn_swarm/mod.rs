//! A swarm that was drawn, as its files: ratios.csv, the names of its runs, their launch configs.

mod named_runs;
mod phased;
mod shortcomings;

use std::cmp::Reverse;
use std::path::Path;

use olmix_core::generate::{Design, DrawOptions, Drawn, PhasedDrawn, Rejections};

use crate::checksums::{CHECKSUMS, Checksums};
use crate::config::generation::GenerationConfig;
use crate::config::launch::{LaunchBase, Variant, VariantPhase};
use crate::error::{IoError, Location};
use crate::swarm::sampling_plan::{PhasePlan, SamplingPlan};

pub use named_runs::{NamedRuns, refuse_other};
pub use phased::PhasedRuns;

/// Reasons for rejections that a message names one by one.
const REASONS: usize = 5;

/// A swarm with all that is written and printed of it.
#[derive(Debug)]
pub struct DrawnSwarm<'a> {
    config: &'a GenerationConfig,
    plan: &'a SamplingPlan,
    drawn: &'a Drawn,
    /// The mixtures over the leaves, runs × leaves: the leaves of a virtual domain in their ratios. Those drawn, then
    /// the prior as often as it is to be run. Of runs in phases, the shares of all their tokens.
    pub mixtures: Vec<Vec<f64>>,
    /// What the mixtures are spread around, by sampled domain.
    pub center: Vec<f64>,
    /// Eight hex digits that name the mixtures by what they are: the same swarm has the same name.
    pub group: String,
    /// The runs, `<name>-<group>-<index>`, aligned with [`DrawnSwarm::mixtures`].
    pub ids: Vec<String>,
    /// The bytes of ratios.csv.
    pub ratios: Vec<u8>,
    /// The mixtures of each phase, for runs in phases.
    pub phased: Option<PhasedRuns<'a>>,
    /// Tokens of a leaf over tokens of a run: a weight divided by it is how often the leaf is seen.
    available: Option<Vec<f64>>,
}

/// How a sampled domain fares in a swarm.
#[derive(Debug, Clone, PartialEq)]
pub struct SampledDomain<'a> {
    /// A leaf, or a virtual domain.
    pub name: &'a str,
    /// The share that the draws are spread around.
    pub center: f64,
    /// Mean weight over the runs.
    pub mean: f64,
    /// Least weight of a run.
    pub least: f64,
    /// Greatest weight of a run.
    pub most: f64,
    /// Share of the runs that have none of it.
    pub without: f64,
    /// The most often that any run sees a token of it (of a virtual domain, of its scarcest leaf); `None`
    /// where the tokens are not known.
    pub epochs: Option<f64>,
}

impl<'a> DrawnSwarm<'a> {
    /// Names the runs of a draw and writes their table. `center` is the sampler's.
    ///
    /// # Errors
    /// [`IoError::Input`] where fewer mixtures were found than the plan asks for, with the reasons; where the prior is
    /// to be run and has more of a domain than its tokens allow; and for a table that can't be written, which is a defect.
    pub fn new(
        config: &'a GenerationConfig,
        plan: &'a SamplingPlan,
        drawn: &'a Drawn,
        center: Vec<f64>,
    ) -> Result<Self, IoError> {
        if drawn.mixtures.len() < plan.variants {
            let (found, asked) = (drawn.mixtures.len(), plan.variants);
            return Err(too_few_mixtures(
                config,
                plan,
                found,
                asked,
                &drawn.rejections,
            ));
        }
        let leaves = plan.collapse.full();
        let mixtures: Vec<Vec<f64>> = drawn
            .mixtures
            .iter()
            .chain(replicates(config, plan, &center)?)
            .map(|r| plan.collapse.expand(r))
            .collect();
        let names: Vec<&str> = leaves.names().collect();
        let named = NamedRuns::new(&config.name, &names, &mixtures)?;
        Ok(Self {
            available: available(config, plan),
            group: named.group,
            ids: named.ids,
            ratios: named.ratios,
            phased: None,
            config,
            plan,
            drawn,
            mixtures,
            center,
        })
    }

    /// Names runs in phases. `amounts` has the amounts of their pairs as its mixtures.
    ///
    /// # Errors
    /// As [`DrawnSwarm::new`]; [`IoError::Input`] where the bounds of phases leave too few runs.
    pub fn in_phases(
        config: &'a GenerationConfig,
        plan: &'a SamplingPlan,
        of_phases: &'a PhasePlan,
        (amounts, drawn): (&'a Drawn, &PhasedDrawn),
        center: Vec<f64>,
    ) -> Result<Self, IoError> {
        let phased = PhasedRuns::new(config, plan, of_phases, drawn, &center)?;
        let names: Vec<&str> = plan.collapse.full().names().collect();
        let of_phases: Vec<&str> = phased
            .phases
            .iter()
            .map(|phase| phase.name.as_str())
            .collect();
        let named = NamedRuns::in_phases(&config.name, &of_phases, &names, &phased.runs)?;
        Ok(Self {
            available: available(config, plan),
            mixtures: phased.amounts(),
            group: named.group,
            ids: named.ids,
            ratios: named.ratios,
            phased: Some(phased),
            config,
            plan,
            drawn: amounts,
            center,
        })
    }

    /// The sampled domains, the greatest share first.
    #[must_use]
    pub fn domains(&self) -> Vec<SampledDomain<'a>> {
        let names = self.plan.tree.domains();
        let n = self.drawn.mixtures.len() as f64;
        let domain = |j: usize| {
            let weights = || self.drawn.mixtures.iter().map(|mixture| mixture[j]);
            let most = weights().fold(0.0, f64::max);
            SampledDomain {
                name: names.name(j),
                center: self.center[j],
                mean: weights().sum::<f64>() / n,
                least: weights().fold(f64::INFINITY, f64::min),
                most,
                without: weights().filter(|weight| *weight <= 0.0).count() as f64 / n,
                epochs: self.epochs_of_one(j).map(|epochs| epochs * most),
            }
        };
        let mut domains: Vec<SampledDomain<'a>> = (0..names.len()).map(domain).collect();
        domains.sort_by(|a, b| b.center.total_cmp(&a.center));
        domains
    }

    /// How often a run of the sampled domain `j` alone sees a token of its scarcest leaf.
    fn epochs_of_one(&self, j: usize) -> Option<f64> {
        let available = self.available.as_ref()?;
        let leaves = self.plan.collapse.members(j).iter();
        let epochs = leaves.map(|&(leaf, share)| share / available[leaf]);
        Some(epochs.fold(0.0, f64::max))
    }

    /// The launch configs of the runs, with their checksums: file names and bytes.
    #[must_use]
    pub fn launch_folder(&self, base: &LaunchBase) -> Vec<(String, Vec<u8>)> {
        let mut files = self.launch_configs(base);
        let named = files
            .iter()
            .map(|(name, bytes)| (name.as_str(), &bytes[..]));
        let sums = Checksums::of(&named.collect::<Vec<_>>());
        files.push((CHECKSUMS.to_owned(), sums.bytes().to_vec()));
        files
    }

    /// The launch configs of the runs: file names and bytes.
    #[must_use]
    pub fn launch_configs(&self, base: &LaunchBase) -> Vec<(String, Vec<u8>)> {
        let names: Vec<&str> = self.plan.collapse.full().names().collect();
        let drawn = self.mixtures.len() - self.config.swarm.replicates;
        let file = |(run, (id, mixture)): (usize, (&String, &Vec<f64>))| {
            let leaf = |(j, &weight): (usize, &f64)| {
                let available = self.available.as_ref();
                (names[j], weight, available.map(|n| weight / n[j]))
            };
            let mixture: Vec<(&str, f64, Option<f64>)> =
                mixture.iter().enumerate().map(leaf).collect();
            let of_run = self
                .phased
                .as_ref()
                .map(|phased| (phased.phases, &phased.runs[run]));
            let weights: Vec<Vec<(&str, f64)>> = of_run.map_or_else(Vec::new, |(_, phases)| {
                let named = |weights: &Vec<f64>| {
                    names.iter().copied().zip(weights.iter().copied()).collect()
                };
                phases.iter().map(named).collect()
            });
            let phases: Vec<VariantPhase<'_>> = of_run.map_or_else(Vec::new, |(phases, _)| {
                let phase = |(phase, mixture)| VariantPhase::new(phase, mixture);
                phases.iter().zip(&weights).map(phase).collect()
            });
            let variant = Variant {
                id,
                group: &self.group,
                mixture: &mixture,
                replicate: run.saturating_sub(drawn) as u64,
                phases: &phases,
            };
            let text = base.variant(self.config, &variant);
            (format!("{id}.yaml"), text.into_bytes())
        };
        let runs = self.ids.iter().zip(&self.mixtures);
        runs.enumerate().map(file).collect()
    }

    /// Refuses a file that is there and holds another swarm: it may be the only record of one that is being
    /// trained.
    ///
    /// # Errors
    /// [`IoError::Input`] when the file's bytes are not those of [`DrawnSwarm::ratios`].
    pub fn refuse_other(&self, ratios: &Path) -> Result<(), IoError> {
        refuse_other(ratios, &self.ratios)
    }

    /// Where most candidates were rejected: how many, and why.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let rejections = &self.drawn.rejections;
        let infeasible = rejections.over_cap.iter().sum::<usize>()
            + rejections.missing.iter().sum::<usize>()
            + rejections.empty;
        (2 * infeasible > rejections.drawn).then(|| {
            format!(
                "{infeasible} of {} candidates were rejected: {}",
                rejections.drawn,
                reasons(self.plan, rejections)
            )
        })
    }
}

impl SamplingPlan {
    /// How the sampler is to draw what this plan asks for.
    #[must_use]
    pub fn draw_options(&self, config: &GenerationConfig) -> DrawOptions<'_> {
        DrawOptions {
            count: self.variants,
            design: config.swarm.design,
            candidates: self.candidates,
            draws_each: config.swarm.sample_multiplier,
            solve_caps: self.solve_caps.as_deref(),
        }
    }
}

/// The prior, as often as it is to be run.
fn replicates<'a>(
    config: &GenerationConfig,
    plan: &SamplingPlan,
    center: &'a Vec<f64>,
) -> Result<impl Iterator<Item = &'a Vec<f64>>, IoError> {
    let count = config.swarm.replicates;
    let caps = plan.options.caps.as_ref().filter(|_| count > 0);
    let over = caps.and_then(|caps| (0..caps.len()).find(|&j| center[j] > caps[j] * (1.0 + 1e-9)));
    if let (Some(caps), Some(j)) = (caps, over) {
        let name = plan.tree.domains().name(j);
        return Err(config.error(
            &config.swarm.location,
            format!(
                "swarm.replicates asks for runs of the prior, which has {:.2} % of `{name}` where the tokens of a run allow \
                 {:.2} %",
                100.0 * center[j],
                100.0 * caps[j]
            ),
            "raise swarm.repetition_factor, lower max_tokens, or leave swarm.replicates out",
        ));
    }
    Ok(std::iter::repeat_n(center, count))
}

/// What rejected candidates, the most frequent first.
fn reasons(plan: &SamplingPlan, rejections: &Rejections) -> String {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut add = |count: usize, what: String| found.push((count, format!("{count} {what}")));
    for (j, &count) in rejections.over_cap.iter().enumerate() {
        let name = plan.tree.domains().name(j);
        add(count, format!("had more of `{name}` than its tokens allow"));
    }
    for (name, &count) in plan.options.nonzero.iter().zip(&rejections.missing) {
        add(count, format!("had none of `{name}` (nonzero_weight)"));
    }
    add(
        rejections.empty,
        "had nothing above the minimum weight".into(),
    );
    add(rejections.repeated, "were like an earlier one".into());
    add(
        rejections.existing,
        "were like one of the existing swarm".into(),
    );
    found.retain(|(count, _)| *count > 0);
    found.sort_by_key(|(count, _)| Reverse(*count));
    let more = found.len().saturating_sub(REASONS);
    let rest: usize = found.iter().skip(REASONS).map(|(count, _)| count).sum();
    let first = found.into_iter().take(REASONS);
    let mut texts: Vec<String> = first.map(|(_, text)| text).collect();
    if more > 0 {
        texts.push(format!("{rest} for {more} other reasons"));
    }
    texts.join("; ")
}

/// Tokens of each leaf over those of a run, where both are known.
fn available(config: &GenerationConfig, plan: &SamplingPlan) -> Option<Vec<f64>> {
    let tokens = plan.collapse.full().tokens().zip(config.repeating_tokens());
    tokens.map(|(tokens, most)| tokens.iter().map(|&n| n as f64 / most as f64).collect())
}

fn too_few_mixtures(
    config: &GenerationConfig,
    plan: &SamplingPlan,
    found: usize,
    asked: usize,
    rejections: &Rejections,
) -> IoError {
    let design = match config.swarm.design {
        Design::Random => String::new(),
        other => format!("for the design {} ", other.name()),
    };
    IoError::input(
        &config.file,
        Location::File,
        format!(
            "only {} of {} mixtures were found {design}among {} candidates: {}",
            found,
            asked,
            rejections.drawn,
            reasons(plan, rejections)
        ),
        format!(
            "raise swarm.repetition_factor or lower max_tokens where tokens are short, raise min_strength \
             to stay \
             nearer to the prior, lower the minimum weights, or raise swarm.sample_multiplier ({})",
            config.swarm.sample_multiplier
        ),
    )
}

#[cfg(test)]
mod tests;
