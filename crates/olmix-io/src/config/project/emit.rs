//! Generation and fit configs of a project's next swarm.

use olmix_core::reuse::{CANDIDATES_PER_RUN, VirtualDomain, sampling_center};
use olmix_core::{Constraints, DomainSet};

use super::{ProjectConfig, ProjectDomain};
use crate::config::yaml::Yaml;

/// What a generation config says beyond the project's settings.
#[derive(Debug, Clone, Copy)]
pub struct GenerationFile<'a> {
    /// The swarm's name.
    pub name: &'a str,
    /// Every domain of the version, in order.
    pub domains: &'a [ProjectDomain],
    /// Those of them that keep their ratios.
    pub virtuals: &'a [VirtualDomain],
    /// Names of domains that no earlier swarm knows as they are.
    pub new: &'a [String],
    /// Runs of the swarm.
    pub variants: usize,
    /// Whether they are chosen for what they tell of a law over what is sampled, where the project names no
    /// design.
    pub designed: bool,
    /// Files of mixtures that the swarm goes with, beside those that the project names: ratios.csv of earlier
    /// swarms.
    pub existing: &'a [String],
}

/// What a fit config says beyond the project's settings.
#[derive(Debug, Clone, Copy)]
pub struct FitFile<'a> {
    /// Every domain of the version, in order.
    pub domains: &'a [ProjectDomain],
    /// Those of them that keep their ratios.
    pub virtuals: &'a [VirtualDomain],
    /// Caps and bounds over the virtual domains and all others, in the order of the set; `None` where the
    /// project's hold as they are.
    pub constraints: Option<(&'a DomainSet, &'a Constraints)>,
    /// Whether the KL term is that of the mixture in which each virtual domain is one.
    pub collapsed_kl: bool,
    /// Earlier swarms, oldest first.
    pub earlier: &'a [EarlierFiles<'a>],
}

/// An earlier swarm beside a fit config.
#[derive(Debug, Clone)]
pub struct EarlierFiles<'a> {
    /// The name of its folder, which has ratios.csv and metrics.csv.
    pub folder: String,
    /// Domains whose content changed since, with the share that did.
    pub changed: &'a [(String, f64)],
}

impl ProjectConfig {
    /// The text of a generation config.
    #[must_use]
    pub fn generation(&self, file: &GenerationFile<'_>) -> String {
        let mut data = match self.section("data") {
            Some(Yaml::Map(entries)) => Yaml::Map(entries.clone()),
            _ => Yaml::Map(Vec::new()),
        };
        data.set("sources", sources(file.domains));
        let mut swarm = match self.section("swarm") {
            Some(Yaml::Map(entries)) => Yaml::Map(entries.clone()),
            _ => Yaml::Map(Vec::new()),
        };
        swarm.set("variants", Yaml::whole(file.variants as u64));
        if !file.virtuals.is_empty() {
            swarm.set("virtual_domains", virtual_map(file.virtuals));
        }
        let is_set = |key: &str| matches!(&swarm, Yaml::Map(entries) if entries.iter().any(|(k, _)| k == key));
        let beside = with_existing(&swarm, file.existing);
        if file.designed && !is_set("design") {
            swarm.set("design", Yaml::text("d_optimal"));
            swarm.set(
                "candidates",
                Yaml::whole((CANDIDATES_PER_RUN * file.variants) as u64),
            );
        }
        if let Some(beside) = beside {
            swarm.set("existing_mix_file", beside);
        }
        if self.max_tokens.is_none() {
            swarm.set("enable_bound", Yaml::Scalar("false".into()));
        }
        let mut config = Yaml::map([
            ("name", Yaml::text(file.name)),
            ("data", data),
            (
                "priors",
                priors(&drawn_around(file.domains, file.new), tokens(file.domains)),
            ),
            ("swarm", swarm),
        ]);
        if let Some(tokens) = self.max_tokens {
            config.set("max_tokens", Yaml::whole(tokens));
        }
        config.to_file()
    }

    /// The text of a fit config. With earlier swarms the laws are over all domains and the ratios are kept in
    /// the solve; without, virtual domains are domains.
    #[must_use]
    pub fn fit(&self, file: &FitFile<'_>) -> String {
        let mut swarm = Yaml::map([
            ("ratios", Yaml::text("ratios.csv")),
            ("metrics", Yaml::text("metrics.csv")),
        ]);
        let with_earlier = !file.earlier.is_empty();
        if with_earlier {
            let one = |earlier: &EarlierFiles<'_>| {
                let folder = &earlier.folder;
                let mut one = Yaml::map([
                    ("ratios", Yaml::text(&format!("{folder}/ratios.csv"))),
                    ("metrics", Yaml::text(&format!("{folder}/metrics.csv"))),
                ]);
                if !earlier.changed.is_empty() {
                    let shares = earlier.changed.iter();
                    let shares = shares.map(|(name, share)| (name.clone(), Yaml::number(*share)));
                    one.set("changed", Yaml::map(shares));
                }
                one
            };
            swarm.set(
                "earlier",
                Yaml::List(file.earlier.iter().map(one).collect()),
            );
        }
        let mut config = Yaml::map([("swarm", swarm)]);
        let virtuals = if with_earlier { &[] } else { file.virtuals };
        // An optimizer without a KL term takes no setting of it.
        let expanded_kl = self.has_kl && !file.collapsed_kl && !virtuals.is_empty();
        config.set("priors", fit_priors(file, virtuals, expanded_kl));
        for key in ["eval", "filtering", "diagnostics"] {
            if let Some(section) = self.section(key) {
                config.set(key, section.clone());
            }
        }
        let mut regression = self
            .section("regression")
            .cloned()
            .unwrap_or(Yaml::Map(Vec::new()));
        if self.wants_ridge {
            // A swarm of few runs for each domain, or of different times, leaves directions that few runs
            // determine.
            regression.set("ridge", Yaml::text("auto"));
        }
        let mut proposer = self
            .section("proposer")
            .cloned()
            .unwrap_or(Yaml::Map(Vec::new()));
        if !virtuals.is_empty() && !expanded_kl {
            config.set("virtual_domains", virtual_map(virtuals));
        } else if expanded_kl {
            proposer.set("expanded_kl_source_mixtures", virtual_map(virtuals));
        }
        let mut constraints = self
            .section("constraints")
            .cloned()
            .unwrap_or(Yaml::Map(Vec::new()));
        if with_earlier && !file.virtuals.is_empty() {
            constraints.set("frozen", virtual_map(file.virtuals));
        }
        if let (false, Some((domains, bounds))) = (virtuals.is_empty(), file.constraints) {
            set_bounds(&mut constraints, domains, bounds);
        }
        for (key, section) in [
            ("regression", regression),
            ("proposer", proposer),
            ("constraints", constraints),
        ] {
            if section != Yaml::Map(Vec::new()) {
                config.set(key, section);
            }
        }
        config.to_file()
    }
}

/// The files of `existing_mix_file`: those of a section, and more. `None` without more.
fn with_existing(swarm: &Yaml, more: &[String]) -> Option<Yaml> {
    let Yaml::Map(entries) = swarm else {
        return None;
    };
    let set = entries.iter().find(|(key, _)| key == "existing_mix_file");
    let mut files = match set {
        Some((_, Yaml::List(files))) => files.clone(),
        Some((_, file)) => vec![file.clone()],
        None => Vec::new(),
    };
    files.extend(more.iter().map(|file| Yaml::text(file)));
    (!more.is_empty()).then_some(Yaml::List(files))
}

/// Puts bounds and groups over collapsed domains in the place of those over all domains.
fn set_bounds(section: &mut Yaml, domains: &DomainSet, constraints: &Constraints) {
    if let Yaml::Map(entries) = section {
        entries.retain(|(key, _)| key != "bounds" && key != "groups");
    }
    let bound = |lower: f64, upper: f64| {
        let mut bound = Yaml::Map(Vec::new());
        if lower > 0.0 || upper >= 1.0 {
            bound.set("min", Yaml::number(lower));
        }
        if upper < 1.0 {
            bound.set("max", Yaml::number(upper));
        }
        bound
    };
    let bounds: Vec<(String, Yaml)> = domains
        .names()
        .enumerate()
        .map(|(j, name)| (name, constraints.lower[j], constraints.upper[j].min(1.0)))
        .filter(|(_, lower, upper)| *lower > 0.0 || *upper < 1.0)
        .map(|(name, lower, upper)| (name.to_owned(), bound(lower, upper)))
        .collect();
    if !bounds.is_empty() {
        section.set("bounds", Yaml::map(bounds));
    }
    let groups = constraints
        .groups
        .iter()
        .filter(|group| !group.members.is_empty());
    let groups: Vec<(String, Yaml)> = groups
        .map(|group| {
            let names = group.members.iter().map(|&j| Yaml::text(domains.name(j)));
            let mut entry = Yaml::map([("domains", Yaml::List(names.collect()))]);
            if let Yaml::Map(limits) = bound(group.lower, group.upper) {
                limits
                    .into_iter()
                    .for_each(|(key, value)| entry.set(&key, value));
            }
            (group.name.clone(), entry)
        })
        .collect();
    if !groups.is_empty() {
        section.set("groups", Yaml::map(groups));
    }
}

/// Sizes and tokens of the domains that the laws know.
fn fit_priors(file: &FitFile<'_>, virtuals: &[VirtualDomain], expanded_kl: bool) -> Yaml {
    let (sizes, tokens) = (sizes(file.domains), tokens(file.domains));
    if virtuals.is_empty() {
        return priors(&sizes, tokens);
    }
    let position = |name: &str| file.domains.iter().position(|domain| domain.name == name);
    let (mut collapsed, mut counted) = (Vec::new(), Vec::new());
    for one in virtuals {
        let members: Vec<(usize, f64)> = one
            .members
            .iter()
            .filter_map(|(name, share)| Some((position(name)?, *share)))
            .collect();
        collapsed.push((
            one.name.clone(),
            members.iter().map(|&(j, _)| sizes[j].1).sum(),
        ));
        if let Some(tokens) = &tokens {
            let used = members.iter().filter(|(_, share)| *share > 0.0);
            let least = used
                .map(|&(j, share)| (tokens[j].1 as f64 / share) as u64)
                .min();
            counted.push((one.name.clone(), least.unwrap_or(0)));
        }
    }
    let inside = |name: &str| {
        let members = virtuals.iter().flat_map(|one| &one.members);
        members.into_iter().any(|(member, _)| member == name)
    };
    for (j, domain) in file.domains.iter().enumerate() {
        if !inside(&domain.name) {
            collapsed.push(sizes[j].clone());
            if let Some(tokens) = &tokens {
                counted.push(tokens[j].clone());
            }
        }
    }
    // Those of what a virtual domain stands for, so that the mixture knows every domain's epochs.
    for (name, _) in virtuals.iter().flat_map(|one| &one.members) {
        if let (Some(tokens), Some(j)) = (&tokens, position(name)) {
            counted.push(tokens[j].clone());
        }
    }
    let mut priors = priors(&collapsed, tokens.is_some().then_some(counted));
    if expanded_kl {
        let all = sizes
            .iter()
            .map(|(name, size)| (name.clone(), Yaml::number(*size)));
        priors.set("expanded_relative_sizes", Yaml::map(all));
    }
    priors
}

/// Relative sizes to draw around, summing to 1: those of the domains, with the new ones raised where they are
/// small.
fn drawn_around(domains: &[ProjectDomain], new: &[String]) -> Vec<(String, f64)> {
    let (names, prior): (Vec<String>, Vec<f64>) = sizes(domains).into_iter().unzip();
    let is_new: Vec<bool> = names.iter().map(|name| new.contains(name)).collect();
    let center = sampling_center(&prior, &is_new);
    names.into_iter().zip(center).collect()
}

/// Relative sizes, summing to 1.
fn sizes(domains: &[ProjectDomain]) -> Vec<(String, f64)> {
    let size = |domain: &ProjectDomain| {
        domain
            .size
            .or(domain.tokens.map(|tokens| tokens as f64))
            .unwrap_or(1.0)
    };
    let sum: f64 = domains.iter().map(size).sum();
    domains
        .iter()
        .map(|domain| (domain.name.clone(), size(domain) / sum))
        .collect()
}

/// Tokens, where all are known.
fn tokens(domains: &[ProjectDomain]) -> Option<Vec<(String, u64)>> {
    domains
        .iter()
        .map(|domain| Some((domain.name.clone(), domain.tokens?)))
        .collect()
}

fn priors(sizes: &[(String, f64)], tokens: Option<Vec<(String, u64)>>) -> Yaml {
    let sizes = sizes
        .iter()
        .map(|(name, size)| (name.clone(), Yaml::number(*size)));
    let mut priors = Yaml::map([("relative_sizes", Yaml::map(sizes))]);
    if let Some(tokens) = tokens {
        let tokens = tokens
            .into_iter()
            .map(|(name, tokens)| (name, Yaml::whole(tokens)));
        priors.set("token_counts", Yaml::map(tokens));
    }
    priors
}

fn virtual_map(virtuals: &[VirtualDomain]) -> Yaml {
    let members = |one: &VirtualDomain| {
        let shares = one.members.iter();
        Yaml::map(shares.map(|(name, share)| (name.clone(), Yaml::number(*share))))
    };
    Yaml::map(virtuals.iter().map(|one| (one.name.clone(), members(one))))
}

/// Domains as sources: `a:b` is topic `b` of source `a`, `a:b:c` its quality bucket `c`. Where `a` is a
/// domain itself, `a:b` is a source beside it, as a source is either files or topics. Domains without files
/// get a path that says so.
fn sources(domains: &[ProjectDomain]) -> Yaml {
    let all: Vec<(Vec<&str>, &ProjectDomain)> = domains
        .iter()
        .map(|domain| (domain.name.splitn(3, ':').collect(), domain))
        .collect();
    Yaml::List(parts(&all, 0))
}

/// The sources, topics or quality buckets at a level, in the order of their first domains.
fn parts(domains: &[(Vec<&str>, &ProjectDomain)], level: usize) -> Vec<Yaml> {
    const KEYS: [&str; 2] = ["topics", "quality"];
    let mut names: Vec<&str> = Vec::new();
    for (path, _) in domains {
        if !names.contains(&path[level]) {
            names.push(path[level]);
        }
    }
    let part = |name: &&str| {
        let inside: Vec<(Vec<&str>, &ProjectDomain)> = domains
            .iter()
            .filter(|(path, _)| path[level] == *name)
            .cloned()
            .collect();
        let is_leaf = |(path, _): &(Vec<&str>, &ProjectDomain)| path.len() == level + 1;
        if inside.iter().any(is_leaf) {
            let alone = inside.iter();
            let alone = alone.map(|(path, domain)| leaf(&path[level..].join(":"), domain));
            return alone.collect();
        }
        let mut node = Yaml::map([("name", Yaml::text(name))]);
        node.set(KEYS[level.min(1)], Yaml::List(parts(&inside, level + 1)));
        vec![node]
    };
    names.iter().flat_map(part).collect()
}

fn leaf(name: &str, domain: &ProjectDomain) -> Yaml {
    let mut node = Yaml::map([("name", Yaml::text(name))]);
    if let Some(format) = &domain.format {
        node.set("format", Yaml::text(format));
    }
    let mut paths: Vec<Yaml> = domain.paths.iter().map(|path| Yaml::text(path)).collect();
    if paths.is_empty() {
        paths.push(Yaml::text(&format!("no-path-known-of/{}", domain.name)));
    }
    node.set("paths", Yaml::List(paths));
    node
}
