//! Where a config and the columns of a ratios table meet: domains, priors, bounds.

use std::collections::{HashMap, HashSet};

use olmix_core::reuse::VirtualDomain;
use olmix_core::{Constraints, Domain, DomainSet, GroupBound, Mixture};

use crate::config::fit::{ConstraintsConfig, FitConfig, Named};
use crate::messages::{did_you_mean, excerpt, listed, nearest};
use crate::swarm::csv_table::Table;
use crate::swarm::load_swarm::shares;
use crate::{IoError, Place};

/// The domains of a table's columns (of the priors, without one), in order, with their natural distribution.
pub(crate) fn resolve(
    config: &FitConfig,
    columns: Option<(&[String], &Table)>,
    notices: &mut Vec<String>,
) -> Result<(DomainSet, Mixture), IoError> {
    let table = columns.map(|(_, table)| table);
    let counts: HashMap<&str, u64> = by_name(config.priors.token_counts.as_deref());
    let sizes: HashMap<&str, f64> = match &config.priors.relative_sizes {
        Some(sizes) => by_name(Some(sizes)),
        None => counts.iter().map(|(&name, &n)| (name, n as f64)).collect(),
    };
    let mut domains = Vec::new();
    let mut prior = Vec::new();
    let of_priors: Vec<String> = match (&config.priors.relative_sizes, columns) {
        (_, Some(_)) => Vec::new(),
        (Some(sizes), None) => sizes.iter().map(|size| size.name.clone()).collect(),
        (None, None) => {
            let counts = config.priors.token_counts.iter().flatten();
            counts.map(|count| count.name.clone()).collect()
        }
    };
    let names = columns.map_or(of_priors.as_slice(), |(names, _)| names);
    let file = table.map_or(config.file.as_str(), Table::file);
    for name in names {
        let Some(&size) = sizes.get(name.as_str()) else {
            return Err(no_prior(config, table, name));
        };
        let tokens = counts.get(name.as_str()).copied();
        if tokens.is_none() && config.constraints.enabled {
            return Err(no_count(config, file, name));
        }
        domains.push(Domain {
            name: name.clone(),
            tokens,
        });
        prior.push(size);
    }
    let columns: HashSet<&str> = names.iter().map(String::as_str).collect();
    let extra: Vec<&str> = names_of(config)
        .filter(|name| !columns.contains(name))
        .collect();
    if !extra.is_empty() {
        notices.push(format!(
            "{} has priors of domains that {} does not have; they are left out and the others \
             renormalized: {}",
            config.file,
            file,
            listed(extra, 5)
        ));
    }
    let core = |error| IoError::core(config.file.clone(), error);
    let domains = DomainSet::new(domains).map_err(core)?;
    let prior = Mixture::proportional_to(domains.clone(), prior).map_err(core)?;
    if let Some(j) = prior.weights().iter().position(|&weight| weight == 0.0) {
        return Err(IoError::input(
            &config.file,
            Place::Field("priors".into()),
            format!(
                "the prior of domain `{}` vanishes beside the others",
                excerpt(domains.name(j))
            ),
            "give sizes of comparable scale",
        ));
    }
    Ok((domains, prior))
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
            Place::Field("priors".into()),
            format!("domain `{}` has a token count but no size", excerpt(name)),
            "give both for every domain, or one of the two",
        );
    };
    table.header_error(
        format!("column `{}` has no prior in {}", excerpt(name), config.file),
        match nearest(name, names_of(config)) {
            Some(near) => format!("is it the domain `{}` of the priors?", excerpt(near)),
            None => "add the domain to `priors`, or remove the column if it is not a domain".into(),
        },
    )
}

fn no_count(config: &FitConfig, file: &str, name: &str) -> IoError {
    let counts = config.priors.token_counts.as_deref().unwrap_or_default();
    IoError::input(
        &config.file,
        Place::Field("priors.token_counts".into()),
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

/// Caps, bounds and groups over the domains.
pub(crate) fn constraints(
    file: &str,
    settings: &ConstraintsConfig,
    domains: &DomainSet,
) -> Result<Constraints, IoError> {
    let mut constraints = Constraints::none(domains.len());
    if let (true, Some(target)) = (settings.enabled, settings.target_tokens) {
        constraints = constraints
            .with_repetition(domains, target, settings.repetition_factor)
            .map_err(|error| IoError::core(file, error))?;
    }
    for bound in &settings.bounds {
        let Some(j) = domains.position(&bound.name) else {
            return Err(no_domain(
                file,
                &bound.place,
                &bound.name,
                "constraints.bounds",
                domains,
            ));
        };
        constraints.lower[j] = bound.value.min;
        constraints.upper[j] = bound.value.max;
    }
    for group in &settings.groups {
        let mut members = HashSet::new();
        for pattern in &group.value.domains {
            let names = domains.names().enumerate();
            let matching = names.filter(|(_, name)| matches(&pattern.name, name));
            let before = members.len();
            let found: Vec<usize> = matching.map(|(j, _)| j).collect();
            members.extend(found.iter().copied());
            if found.is_empty() && members.len() == before {
                let key = format!("constraints.groups.{}", excerpt(&group.name));
                return Err(no_domain(
                    file,
                    &pattern.place,
                    &pattern.name,
                    &key,
                    domains,
                ));
            }
        }
        let mut members: Vec<usize> = members.into_iter().collect();
        members.sort_unstable();
        constraints.groups.push(GroupBound {
            name: group.name.clone(),
            members,
            lower: group.value.bound.min,
            upper: group.value.bound.max,
        });
    }
    Ok(constraints)
}

fn no_domain(file: &str, place: &Place, name: &str, key: &str, domains: &DomainSet) -> IoError {
    IoError::input(
        file,
        place.clone(),
        format!("{key}: no domain is `{}`", excerpt(name)),
        did_you_mean(name, domains.names(), || {
            format!("the domains are {}", listed(domains.names(), 8))
        }),
    )
}

/// The domains that keep their ratios in the solve.
pub(crate) fn frozen(
    config: &FitConfig,
    domains: &DomainSet,
) -> Result<Vec<VirtualDomain>, IoError> {
    let key = "constraints.frozen";
    let mut used: HashSet<&str> = HashSet::new();
    let mut frozen = Vec::new();
    for entry in &config.constraints.frozen {
        for leaf in &entry.value {
            if domains.position(&leaf.name).is_none() {
                return Err(no_domain(
                    &config.file,
                    &leaf.place,
                    &leaf.name,
                    key,
                    domains,
                ));
            }
            if !used.insert(&leaf.name) {
                return Err(IoError::input(
                    &config.file,
                    leaf.place.clone(),
                    format!("{key} has `{}` twice", excerpt(&leaf.name)),
                    "a domain keeps its ratio to others once",
                ));
            }
        }
        frozen.push(VirtualDomain {
            name: entry.name.clone(),
            members: shares(&entry.value),
        });
    }
    Ok(frozen)
}

/// Whether `name` is described by `pattern`, in which `*` stands for any characters.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// What the KL term pulls to when virtual domains are counted by what they stand for.
///
/// With inner shares `s` and the expanded prior `p0`, the KL of the expanded mixture is
/// `Σ_j p_j ln(p_j / ref_j)`, where `ref_j` is `p0_j` for an ordinary domain and
/// `exp(−Σ_l s_l ln(s_l / p0_l))` for a virtual one. The result need not sum to 1.
pub(crate) fn kl_reference(
    config: &FitConfig,
    domains: &DomainSet,
    notices: &mut Vec<String>,
) -> Result<Option<Vec<f64>>, IoError> {
    let (Some(sizes), Some(virtuals)) = (
        config.priors.expanded_relative_sizes.as_deref(),
        config.proposer.expanded_kl_source_mixtures.as_deref(),
    ) else {
        return Ok(None);
    };
    let total: f64 = sizes.iter().map(|size| size.value).sum();
    let expanded: HashMap<&str, f64> = sizes
        .iter()
        .map(|size| (size.name.as_str(), size.value / total))
        .collect();
    let key = "proposer.expanded_kl_source_mixtures";
    let lacks = |place: &Place, message: String| {
        IoError::input(
            &config.file,
            place.clone(),
            message,
            "give the relative size of every ordinary domain and of every domain inside a virtual \
             one in priors.expanded_relative_sizes",
        )
    };
    let mut reference = vec![None; domains.len()];
    let mut used: HashSet<&str> = HashSet::new();
    for entry in virtuals {
        let Some(j) = domains.position(&entry.name) else {
            return Err(no_domain(
                &config.file,
                &entry.place,
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
                    &leaf.place,
                    format!("`{name}` has no size in priors.expanded_relative_sizes"),
                ));
            };
            let ordinary = domains.position(&leaf.name).is_some_and(|at| at != j);
            if !used.insert(&leaf.name) || ordinary {
                return Err(IoError::input(
                    &config.file,
                    leaf.place.clone(),
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
                let place = Place::Field("priors.expanded_relative_sizes".into());
                return Err(lacks(&place, message));
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
    if !unused.is_empty() {
        notices.push(format!(
            "priors.expanded_relative_sizes has sizes of domains that are in no mixture: {}",
            listed(unused, 5)
        ));
    }
    let reference: Vec<f64> = reference.into_iter().flatten().collect();
    match reference.iter().position(|r| !(*r > 0.0 && r.is_finite())) {
        None => Ok(Some(reference)),
        Some(j) => Err(lacks(
            &Place::Field("priors.expanded_relative_sizes".into()),
            format!(
                "the sizes behind domain `{}` are too extreme",
                excerpt(domains.name(j))
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, expected) in [
            ("stack-edu:*", "stack-edu:C", true),
            ("stack-edu:*", "stack-edu:", true),
            ("stack-edu:*", "stack", false),
            ("*", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("*:code", "dclm:code", true),
            ("d*:c*e", "dclm:code", true),
            ("d*x*e", "dclm:code", false),
            ("a*a", "a", false),
            ("*é*", "café!", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
