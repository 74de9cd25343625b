//! Where a config and the columns of a ratios table meet: domains, priors, bounds.

use std::collections::{HashMap, HashSet};

use olmix_core::reuse::VirtualDomain;
use olmix_core::{Constraints, Domain, DomainSet, Mixture};

use super::loader::Loader;
use super::tables::csv_table::Table;
use crate::config::fit::{FitConfig, Named, normalized, unknown_domain};
use crate::error::{IoError, Location};
use crate::messages::{did_you_mean, excerpt, listed, look_alike, nearest};

/// What a config says of the domains of a swarm; every vector is in the order of `domains`.
pub(crate) struct ResolvedDomains {
    pub domains: DomainSet,
    /// The natural distribution.
    pub prior: Mixture,
    pub constraints: Constraints,
    /// What the KL term pulls to in place of the prior, where virtual domains are counted by what they stand
    /// for.
    pub kl_reference: Option<Vec<f64>>,
    /// Groups of domains that keep their ratios in the solve.
    pub frozen: Vec<VirtualDomain>,
}

impl Loader {
    /// The domains of a table's columns, or of the priors where no run is looked at, and what the config says
    /// of them. Priors and sizes of other domains are noticed.
    pub fn resolve_domains(
        &mut self,
        columns: Option<(&[String], &Table)>,
    ) -> Result<ResolvedDomains, IoError> {
        let (domains, prior) = self.domains_with_prior(columns)?;
        let config = &self.config;
        let constraints = config.constraints.over(&config.file, &domains)?;
        let (kl_reference, unused) = kl_reference(config, &domains)?;
        if !unused.is_empty() {
            let names = listed(unused, 5);
            self.tables.notice(format!(
                "priors.expanded_relative_sizes has sizes of domains that are in no mixture: {names}"
            ));
        }
        let frozen = match columns {
            Some(_) => frozen(&self.config, &domains)?,
            // A rule looks at sizes alone.
            None => Vec::new(),
        };
        Ok(ResolvedDomains {
            domains,
            prior,
            constraints,
            kl_reference,
            frozen,
        })
    }

    fn domains_with_prior(
        &mut self,
        columns: Option<(&[String], &Table)>,
    ) -> Result<(DomainSet, Mixture), IoError> {
        let config = &self.config;
        let priors = &config.priors;
        let table = columns.map(|(_, table)| table);
        let counts: HashMap<&str, u64> = by_name(priors.token_counts.as_deref());
        let sizes: HashMap<&str, f64> = match &priors.relative_sizes {
            Some(sizes) => by_name(Some(sizes)),
            None => counts.iter().map(|(&name, &n)| (name, n as f64)).collect(),
        };
        let names: Vec<&str> = match columns {
            Some((names, _)) => names.iter().map(String::as_str).collect(),
            None => names_of(config).collect(),
        };
        let file = table.map_or(config.file.as_str(), Table::file);
        let (mut domains, mut prior) = (Vec::new(), Vec::new());
        for &name in &names {
            let Some(&size) = sizes.get(name) else {
                return Err(no_prior(config, table, name));
            };
            let tokens = counts.get(name).copied();
            if tokens.is_none() && config.constraints.enabled {
                return Err(no_count(config, file, name));
            }
            domains.push(Domain {
                name: name.to_owned(),
                tokens,
            });
            prior.push(size);
        }
        let present: HashSet<&str> = names.iter().copied().collect();
        // What a virtual domain stands for may have counts beside it.
        let virtuals = config.declared_virtual_domains().iter();
        let members = virtuals.filter(|one| present.contains(one.name.as_str()));
        let members = members.flat_map(|one| one.value.iter().map(|leaf| leaf.name.as_str()));
        let members: HashSet<&str> = members.collect();
        let extra: Vec<&str> = names_of(config)
            .filter(|name| !present.contains(name) && !members.contains(name))
            .collect();
        let notice = (!extra.is_empty()).then(|| {
            format!(
                "{} has priors of domains that {file} does not have; they are left out and the others \
                 renormalized: {}",
                config.file,
                listed(extra, 5)
            )
        });
        let domains = DomainSet::new(domains).map_err(|error| self.refused(error))?;
        let prior = Mixture::proportional_to(domains.clone(), prior)
            .map_err(|error| self.refused(error))?;
        if let Some(j) = prior.weights().iter().position(|&weight| weight == 0.0) {
            return Err(self.setting_error(
                "priors",
                format!(
                    "the prior of domain `{}` vanishes beside the others",
                    excerpt(domains.name(j))
                ),
                "give sizes of comparable scale",
            ));
        }
        self.tables.notices.extend(notice);
        Ok((domains, prior))
    }
}

fn by_name<T: Copy>(entries: Option<&[Named<T>]>) -> HashMap<&str, T> {
    let entries = entries.unwrap_or_default();
    entries.iter().map(|e| (e.name.as_str(), e.value)).collect()
}

/// Names with a size or, where there are no sizes, with a count.
fn names_of(config: &FitConfig) -> impl Iterator<Item = &str> {
    let sizes = config.priors.relative_sizes.as_deref();
    let counts = config.priors.token_counts.as_deref();
    let sized = sizes.unwrap_or_default().iter().map(|e| e.name.as_str());
    let counted = counts.filter(|_| sizes.is_none()).unwrap_or_default();
    sized.chain(counted.iter().map(|e| e.name.as_str()))
}

fn no_prior(config: &FitConfig, table: Option<&Table>, name: &str) -> IoError {
    let Some(table) = table else {
        return IoError::input(
            &config.file,
            Location::Field("priors".into()),
            format!("domain `{}` has a token count but no size", excerpt(name)),
            "give both for every domain, or one of the two",
        );
    };
    table.header_error(
        format!("column `{}` has no prior in {}", excerpt(name), config.file),
        match nearest(name, names_of(config)) {
            Some(near) => format!(
                "is it the domain `{}` of the priors?{}",
                excerpt(near),
                look_alike(name, near)
            ),
            None => "add the domain to `priors`, or remove the column if it is not a domain".into(),
        },
    )
}

fn no_count(config: &FitConfig, file: &str, name: &str) -> IoError {
    let counts = config.priors.token_counts.as_deref().unwrap_or_default();
    IoError::input(
        &config.file,
        Location::Field("priors.token_counts".into()),
        format!(
            "domain `{}` of {} has no token count, and constraints.enabled needs every one",
            excerpt(name),
            file
        ),
        did_you_mean(name, counts.iter().map(|count| count.name.as_str()), || {
            "add its token count, or set constraints.enabled to false".into()
        }),
    )
}

/// The domains that keep their ratios in the solve.
fn frozen(config: &FitConfig, domains: &DomainSet) -> Result<Vec<VirtualDomain>, IoError> {
    let key = "constraints.frozen";
    let mut used: HashSet<&str> = HashSet::new();
    let mut frozen = Vec::new();
    for entry in &config.constraints.frozen {
        for leaf in &entry.value {
            if domains.position(&leaf.name).is_none() {
                return Err(unknown_domain(
                    &config.file,
                    &leaf.location,
                    &leaf.name,
                    key,
                    domains,
                ));
            }
            if !used.insert(&leaf.name) {
                return Err(IoError::input(
                    &config.file,
                    leaf.location.clone(),
                    format!("{key} has `{}` twice", excerpt(&leaf.name)),
                    "a domain keeps its ratio to others once",
                ));
            }
        }
        frozen.push(VirtualDomain {
            name: entry.name.clone(),
            members: normalized(&entry.value),
        });
    }
    Ok(frozen)
}

/// What the KL term pulls to when virtual domains are counted by what they stand for.
///
/// With inner shares `s` and the expanded prior `p0`, the KL of the expanded mixture is `Σ_j p_j ln(p_j /
/// ref_j)`, where `ref_j` is `p0_j` for an ordinary domain and `exp(−Σ_l s_l ln(s_l / p0_l))` for a virtual
/// one. The result need not sum to 1. With it come the names that have a size and are in no mixture; without
/// virtual domains it is `None`.
fn kl_reference<'c>(
    config: &'c FitConfig,
    domains: &'c DomainSet,
) -> Result<(Option<Vec<f64>>, Vec<&'c str>), IoError> {
    let (Some(sizes), Some(virtuals)) = (
        config.priors.expanded_relative_sizes.as_deref(),
        config.proposer.expanded_kl_source_mixtures.as_deref(),
    ) else {
        return Ok((None, Vec::new()));
    };
    let total: f64 = sizes.iter().map(|size| size.value).sum();
    let expanded: HashMap<&str, f64> = sizes
        .iter()
        .map(|size| (size.name.as_str(), size.value / total))
        .collect();
    let key = "proposer.expanded_kl_source_mixtures";
    let lacks = |location: &Location, message: String| {
        IoError::input(
            &config.file,
            location.clone(),
            message,
            "give the relative size of every ordinary domain and of every domain inside a virtual \
             one in priors.expanded_relative_sizes",
        )
    };
    let mut reference = vec![None; domains.len()];
    let mut used: HashSet<&str> = HashSet::new();
    for entry in virtuals {
        let Some(j) = domains.position(&entry.name) else {
            return Err(unknown_domain(
                &config.file,
                &entry.location,
                &entry.name,
                key,
                domains,
            ));
        };
        let sum: f64 = entry.value.iter().map(|share| share.value).sum();
        let mut exponent = 0.0;
        for leaf in &entry.value {
            let Some(&prior) = expanded.get(leaf.name.as_str()) else {
                let name = excerpt(&leaf.name);
                return Err(lacks(
                    &leaf.location,
                    format!("`{name}` has no size in priors.expanded_relative_sizes"),
                ));
            };
            let ordinary = domains.position(&leaf.name).is_some_and(|at| at != j);
            if !used.insert(&leaf.name) || ordinary {
                return Err(IoError::input(
                    &config.file,
                    leaf.location.clone(),
                    format!(
                        "`{}` is part of the mixture twice: inside `{}` and elsewhere",
                        excerpt(&leaf.name),
                        excerpt(&entry.name)
                    ),
                    "name each domain once, in one virtual domain or as a domain of its own",
                ));
            }
            let share = leaf.value / sum;
            if share > 0.0 {
                exponent -= share * (share / prior).ln();
            }
        }
        reference[j] = Some(exponent.exp());
    }
    for (j, name) in domains.names().enumerate() {
        if reference[j].is_none() {
            let Some(&prior) = expanded.get(name) else {
                let message = format!("domain `{}` has no size there", excerpt(name));
                let location = Location::Field("priors.expanded_relative_sizes".into());
                return Err(lacks(&location, message));
            };
            used.insert(name);
            reference[j] = Some(prior);
        }
    }
    let unused: Vec<&str> = sizes
        .iter()
        .map(|size| size.name.as_str())
        .filter(|name| !used.contains(name))
        .collect();
    let reference: Vec<f64> = reference.into_iter().flatten().collect();
    match reference.iter().position(|r| !(*r > 0.0 && r.is_finite())) {
        None => Ok((Some(reference), unused)),
        Some(j) => Err(lacks(
            &Location::Field("priors.expanded_relative_sizes".into()),
            format!(
                "the sizes behind domain `{}` are too extreme",
                excerpt(domains.name(j))
            ),
        )),
    }
}
