//! A first fit config, for a swarm of which no more is known than its tables.

use std::collections::HashSet;
use std::path::Path;

use olmix_core::reuse::VirtualDomain;

use crate::config::fit::PhasesConfig;
use crate::config::generation::sources::full_name;
use crate::config::generation::{Content, GenerationConfig, Source};
use crate::config::yaml::Yaml;
use crate::error::{IoError, Location};
use crate::messages::{did_you_mean, excerpt, listed};
use crate::swarm::sampling_plan::SamplingPlan;
use crate::swarm::tables::csv_table::Table;
use crate::swarm::tables::table_reader::TableReader;
use crate::swarm::tasks::metric_kind::{MetricKind, kind_of};

/// A fit config as text, to be edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstFit {
    /// The content of fit.yaml. It names `ratios.csv` and `metrics.csv` beside it.
    pub text: String,
    /// What the user should know of it.
    pub notices: Vec<String>,
}

/// How much there is of each domain, as far as it is known: one of the two at least.
struct Priors {
    sizes: Option<Vec<(String, f64)>>,
    tokens: Option<Vec<(String, u64)>>,
}

impl FirstFit {
    /// For the tables of a measured swarm; `counts` are tokens by domain with the file they are from. Without
    /// counts, the mean of the mixtures stands for the natural distribution: swarms are drawn around it.
    ///
    /// # Errors
    /// [`IoError::Input`] for counts of domains that the swarm does not have, and for domains without one.
    pub fn of_swarm(
        ratios: &[u8],
        metrics: &[u8],
        counts: Option<(&[(String, u64)], &Path)>,
    ) -> Result<Self, IoError> {
        let ratios = Table::from_bytes("ratios.csv", ratios.to_vec(), "ratios")?;
        let metrics = Table::from_bytes("metrics.csv", metrics.to_vec(), "metrics")?;
        let names: HashSet<&str> = metrics.columns().iter().map(String::as_str).collect();
        let scores = metrics.columns().iter().map(String::as_str);
        let scores: Vec<&str> = scores
            .filter(|name| kind_of(name, &names) == MetricKind::Score)
            .collect();
        let mut notices = Vec::new();
        let priors = if let Some((counts, file)) = counts {
            Priors {
                sizes: None,
                tokens: Some(in_order(ratios.columns(), counts, file)?),
            }
        } else {
            notices.push(
                "fit.yaml takes the mean of the swarm's mixtures for the natural distribution, and limits no \
                 repetition; --tokens gives the tokens of each domain"
                    .to_owned(),
            );
            Priors {
                sizes: Some(means(&ratios)?),
                tokens: None,
            }
        };
        let text = text("olmix collect", &priors, (&[], None), ratios.len(), &scores);
        Ok(Self { text, notices })
    }

    /// For a swarm that is drawn and not yet measured. Leaves that keep their ratios in all runs are a virtual
    /// domain, of the size of all of them: no law can tell them apart. Where the prior was set by hand, it is that
    /// of the fit: `center`, what the mixtures are spread around, by sampled domain.
    #[must_use]
    pub fn of_plan(config: &GenerationConfig, plan: &SamplingPlan, center: &[f64]) -> Self {
        let leaves = plan.collapse.full();
        let virtuals = virtual_domains(config, plan);
        let domains = domains(config, plan);
        let by_hand =
            !(config.swarm.manual_prior.is_empty() && config.swarm.manual_topic_prior.is_empty());
        let sizes = config
            .priors
            .as_ref()
            .and_then(|priors| priors.relative_sizes.as_deref());
        let size = |leaf: &str| sizes.and_then(|sizes| sizes.iter().find(|one| one.name == leaf));
        let sizes: Option<Vec<f64>> = if by_hand {
            Some(plan.collapse.expand(center))
        } else {
            let size = |leaf: &str| size(leaf).map_or(0.0, |one| one.value);
            sizes.map(|_| leaves.names().map(size).collect())
        };
        let sizes = sizes.map(|sizes| {
            let of = |leaf: &String| leaves.position(leaf).map_or(0.0, |at| sizes[at]);
            let sum = |leaves: &[String]| leaves.iter().map(of).sum();
            let domains = domains.iter();
            domains
                .map(|(name, leaves)| (name.clone(), sum(leaves)))
                .collect()
        });
        let tokens = leaves.tokens().map(|tokens| {
            let of = |leaf: &String| leaves.position(leaf).map_or(0, |at| tokens[at]);
            let sum = |leaves: &[String]| leaves.iter().map(of).sum();
            domains
                .iter()
                .map(|(name, leaves)| (name.clone(), sum(leaves)))
                .collect()
        });
        Self {
            text: text(
                "olmix generate",
                &Priors { sizes, tokens },
                (&virtuals, config.phases.as_ref()),
                plan.variants,
                &[],
            ),
            notices: Vec::new(),
        }
    }
}

/// The domains whose ratios no run varies.
fn virtual_domains(config: &GenerationConfig, plan: &SamplingPlan) -> Vec<VirtualDomain> {
    let leaves = plan.collapse.full();
    let frozen = (0..plan.collapse.virtuals()).map(|v| VirtualDomain {
        name: plan.collapse.collapsed().name(v).to_owned(),
        members: plan
            .collapse
            .members(v)
            .iter()
            .map(|&(leaf, share)| (leaves.name(leaf).to_owned(), share))
            .collect(),
    });
    let mut virtuals: Vec<VirtualDomain> = frozen.collect();
    if virtuals.is_empty() {
        add_pinned(&config.data.sources, "", &mut virtuals);
    }
    virtuals
}

/// The sources and topics all of whose parts have pinned shares.
pub(crate) fn pinned_sources(sources: &[Source]) -> Vec<String> {
    let mut pinned = Vec::new();
    add_pinned(sources, "", &mut pinned);
    pinned.into_iter().map(|one| one.name).collect()
}

/// The domains of a fit of a drawn swarm, each with its leaves: virtual ones first, then all leaves that vary.
pub(crate) fn domains(
    config: &GenerationConfig,
    plan: &SamplingPlan,
) -> Vec<(String, Vec<String>)> {
    let virtuals = virtual_domains(config, plan);
    let inside = |leaf: &str| {
        let member = |one: &VirtualDomain| one.members.iter().any(|(name, _)| name == leaf);
        virtuals.iter().any(member)
    };
    let mut domains: Vec<(String, Vec<String>)> = Vec::new();
    for one in &virtuals {
        let members = one.members.iter().map(|(leaf, _)| leaf.clone());
        domains.push((one.name.clone(), members.collect()));
    }
    let free = plan.collapse.full().names().filter(|leaf| !inside(leaf));
    domains.extend(free.map(|leaf| (leaf.to_owned(), vec![leaf.to_owned()])));
    domains
}

/// Adds the sources and topics all of whose parts have pinned shares, to the last level.
fn add_pinned(sources: &[Source], above: &str, into: &mut Vec<VirtualDomain>) {
    for source in sources {
        let name = full_name(above, &source.name);
        let Content::Parts(parts) = &source.content else {
            continue;
        };
        match pinned(source, &name) {
            Some(members) => into.push(VirtualDomain { name, members }),
            None => add_pinned(parts, &name, into),
        }
    }
}

/// The leaves of a source with their shares of it, where all are pinned.
fn pinned(source: &Source, name: &str) -> Option<Vec<(String, f64)>> {
    let Content::Parts(parts) = &source.content else {
        return Some(vec![(name.to_owned(), 1.0)]);
    };
    let mut members = Vec::new();
    for part in parts {
        let weight = part.weight?;
        let inner = pinned(part, &full_name(name, &part.name))?;
        members.extend(
            inner
                .into_iter()
                .map(|(leaf, share)| (leaf, weight * share)),
        );
    }
    Some(members)
}

/// The counts in the order of the domains.
fn in_order(
    domains: &[String],
    counts: &[(String, u64)],
    file: &Path,
) -> Result<Vec<(String, u64)>, IoError> {
    let names = || domains.iter().map(String::as_str);
    let refuse = |message: String, help: String| {
        Err(IoError::input(
            file.display().to_string(),
            Location::File,
            message,
            help,
        ))
    };
    let unknown = counts
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !names().any(|d| d == *name));
    let unknown: Vec<&str> = unknown.collect();
    if let Some(first) = unknown.first() {
        let message = format!("the swarm has no domain {}", listed(unknown.clone(), 5));
        let help = did_you_mean(first, names(), || {
            format!("its domains are {}", listed(names().collect::<Vec<_>>(), 8))
        });
        return refuse(message, help);
    }
    let mut found = Vec::with_capacity(domains.len());
    for domain in domains {
        match counts.iter().find(|(name, _)| name == domain) {
            Some(count) => found.push(count.clone()),
            None => {
                return refuse(
                    format!(
                        "there is no number of tokens for the domain `{}`",
                        excerpt(domain)
                    ),
                    "give the tokens of every domain".into(),
                );
            }
        }
    }
    Ok(found)
}

/// The mean weight of each domain over the runs. A domain that no run has gets a thousandth, as sizes are above
/// 0.
fn means(ratios: &Table) -> Result<Vec<(String, f64)>, IoError> {
    let rows: Vec<usize> = (0..ratios.len()).collect();
    let columns: Vec<usize> = (0..ratios.columns().len()).collect();
    let mixtures = TableReader::default().mixtures(ratios, &rows, &columns)?;
    let mixtures: Vec<Vec<f64>> = mixtures.into_iter().flatten().collect();
    let mean = |j: usize| {
        let sum: f64 = mixtures.iter().map(|mixture| mixture[j]).sum();
        let mean = sum / mixtures.len().max(1) as f64;
        // Six digits are more than a mean of draws says.
        if mean > 0.0 {
            (mean * 1e6).round().max(1.0) / 1e6
        } else {
            1e-3
        }
    };
    Ok(ratios
        .columns()
        .iter()
        .cloned()
        .zip(columns.iter().map(|&j| mean(j)))
        .collect())
}

/// `scores` are metrics that are better when they are higher, by their names.
fn text(
    made_by: &str,
    priors: &Priors,
    (virtuals, phases): (&[VirtualDomain], Option<&PhasesConfig>),
    runs: usize,
    scores: &[&str],
) -> String {
    let mut text = format!(
        "# A first fit config, written by `{made_by}`; docs/fit-config.md lists every key. Fit with\n\
         #   olmix fit --config fit.yaml\n"
    );
    let files = [("ratios", "ratios.csv"), ("metrics", "metrics.csv")];
    let swarm = Yaml::map(files.map(|(key, file)| (key, Yaml::text(file))));
    text += &Yaml::map([("swarm", swarm)]).to_file();
    if let Some(phases) = phases {
        text += "# The phases of the runs, and of the mixture.\n";
        text += &Yaml::map([("phases", phases.to_yaml())]).to_file();
    }
    if !virtuals.is_empty() {
        let shares = |one: &VirtualDomain| {
            let shares = one
                .members
                .iter()
                .map(|(leaf, share)| (leaf.clone(), Yaml::number(*share)));
            (one.name.clone(), Yaml::map(shares))
        };
        let virtuals = Yaml::map(virtuals.iter().map(shares));
        text += &Yaml::map([("virtual_domains", virtuals)]).to_file();
    }
    let sizes = priors.sizes.as_ref().map(|sizes| {
        let sizes = sizes
            .iter()
            .map(|(name, size)| (name.clone(), Yaml::number(*size)));
        ("relative_sizes", Yaml::map(sizes))
    });
    let tokens = priors.tokens.as_ref().map(|tokens| {
        let counts = tokens
            .iter()
            .map(|(name, n)| (name.clone(), Yaml::whole(*n)));
        ("token_counts", Yaml::map(counts))
    });
    if tokens.is_none() {
        text += "# Give token_counts in place of relative_sizes, and repetition can be limited.\n";
    }
    let has_tokens = tokens.is_some();
    text += &Yaml::map([("priors", Yaml::map(sizes.into_iter().chain(tokens)))]).to_file();
    if has_tokens {
        text += "# The run that the mixture is for: its tokens, and how often it may see each token.\n\
                 # constraints: {target_tokens: 1T, repetition_factor: 4}\n";
    }
    if !scores.is_empty() {
        let directions = Yaml::map(scores.iter().map(|name| (*name, Yaml::text("max"))));
        text += "# Scores by their names, of which more is better.\n";
        text += &Yaml::map([("filtering", Yaml::map([("directions", directions)]))]).to_file();
    }
    let domains = priors
        .sizes
        .as_ref()
        .map_or(0, Vec::len)
        .max(priors.tokens.as_ref().map_or(0, Vec::len));
    if phases.is_none() && runs < least_runs(domains) {
        text += &format!(
            "# {runs} runs are too few for a law over {domains} domains (it needs {}): the best run is proposed.\n\
             # With more runs, remove these two lines.\n\
             regression: {{type: search}}\nproposer: {{type: search}}\n",
            least_runs(domains)
        );
    }
    text
}

/// The fewest runs after which laws are chosen by cross-validation: a log-linear law of `m + 1` coefficients
/// must be determined without a fifth of them.
fn least_runs(domains: usize) -> usize {
    let coefficients = domains + 1;
    coefficients + coefficients.div_ceil(4)
}
