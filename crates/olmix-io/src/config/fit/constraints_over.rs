//! Where constraints and a set of domains meet: names become positions, token counts become caps.

use std::collections::HashSet;

use olmix_core::{Constraints, DomainSet, GroupBound};

use super::{Bound, ConstraintsConfig, GroupConfig, Named};
use crate::error::{IoError, Location};
use crate::messages::{did_you_mean, excerpt, listed};

impl ConstraintsConfig {
    /// Caps, bounds and groups over `domains`; `file` names the config in messages.
    pub(crate) fn over(&self, file: &str, domains: &DomainSet) -> Result<Constraints, IoError> {
        let mut constraints = Constraints::none(domains.len());
        if let (true, Some(target)) = (self.enabled, self.target_tokens) {
            constraints = constraints
                .with_repetition(domains, target, self.repetition_factor)
                .map_err(|error| IoError::core(file, error))?;
        }
        let bounds = bounds_over(file, domains, &self.bounds, &self.groups, "constraints")?;
        Ok(Constraints {
            caps: constraints.caps,
            ..bounds
        })
    }
}

/// Bounds and groups over `domains`; `key` is the section that has them.
pub(super) fn bounds_over(
    file: &str,
    domains: &DomainSet,
    bounds: &[Named<Bound>],
    groups: &[Named<GroupConfig>],
    key: &str,
) -> Result<Constraints, IoError> {
    let mut constraints = Constraints::none(domains.len());
    for bound in bounds {
        let Some(j) = domains.position(&bound.name) else {
            return Err(unknown_domain(
                file,
                &bound.location,
                &bound.name,
                &format!("{key}.bounds"),
                domains,
            ));
        };
        constraints.lower[j] = bound.value.min;
        constraints.upper[j] = bound.value.max;
    }
    for group in groups {
        let mut members = HashSet::new();
        for pattern in &group.value.domains {
            let names = domains.names().enumerate();
            let matching = names.filter(|(_, name)| matches(&pattern.name, name));
            let found: Vec<usize> = matching.map(|(j, _)| j).collect();
            members.extend(found.iter().copied());
            if found.is_empty() {
                let key = format!("{key}.groups.{}", excerpt(&group.name));
                return Err(unknown_domain(
                    file,
                    &pattern.location,
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

/// A config names a domain that is none of `domains`, under `key`.
pub(crate) fn unknown_domain(
    file: &str,
    location: &Location,
    name: &str,
    key: &str,
    domains: &DomainSet,
) -> IoError {
    IoError::input(
        file,
        location.clone(),
        format!("{key}: no domain is `{}`", excerpt(name)),
        did_you_mean(name, domains.names(), || {
            format!("the domains are {}", listed(domains.names(), 8))
        }),
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_star_stands_for_any_characters_and_the_rest_for_itself() {
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
