//! Domains: the kinds of data a mixture is made of.

use std::collections::HashMap;
use std::sync::Arc;

use crate::CoreError;

/// One kind of data, such as `dclm:science` or `wikipedia`.
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    /// Unique within its set; `source:topic:quality` by convention.
    pub name: String,
    /// Tokens the domain holds (`N_j`), where they were counted.
    pub tokens: Option<u64>,
}

impl Domain {
    /// [`epochs`] of this domain at a weight; `None` where its tokens are not known.
    #[must_use]
    pub fn epochs(&self, weight: f64, target_tokens: f64) -> Option<f64> {
        Some(epochs(weight, target_tokens, self.tokens?))
    }
}

/// `p R / N`: passes over the `tokens` of a domain in a run of `target_tokens` tokens that draws the
/// share `weight` of them from it. Infinite, or not a number, for a domain without tokens.
#[must_use]
pub fn epochs(weight: f64, target_tokens: f64, tokens: u64) -> f64 {
    weight * target_tokens / tokens as f64
}

/// An ordered set of domains with unique names.
///
/// Cheap to clone: the list is shared. Every vector of the method that has one
/// entry per domain (`p`, `t`, caps) is aligned to one of these.
#[derive(Debug, Clone)]
pub struct DomainSet {
    domains: Arc<[Domain]>,
    index: Arc<HashMap<String, usize>>,
}

impl PartialEq for DomainSet {
    fn eq(&self, other: &Self) -> bool {
        self.domains == other.domains
    }
}

impl DomainSet {
    /// Builds a set, keeping the order given.
    ///
    /// # Errors
    /// [`CoreError::NoDomains`] when empty, [`CoreError::DuplicateDomain`] when a name occurs twice.
    pub fn new(domains: Vec<Domain>) -> Result<Self, CoreError> {
        if domains.is_empty() {
            return Err(CoreError::NoDomains);
        }
        let mut index = HashMap::with_capacity(domains.len());
        for (position, domain) in domains.iter().enumerate() {
            if index.insert(domain.name.clone(), position).is_some() {
                return Err(CoreError::DuplicateDomain(domain.name.clone()));
            }
        }
        Ok(Self {
            domains: domains.into(),
            index: Arc::new(index),
        })
    }

    /// A set of domains whose tokens are not known.
    ///
    /// # Errors
    /// As [`DomainSet::new`].
    pub fn from_names<S: Into<String>>(
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, CoreError> {
        let domain = |name: S| Domain {
            name: name.into(),
            tokens: None,
        };
        Self::new(names.into_iter().map(domain).collect())
    }

    /// Number of domains, `m`; at least one.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // a set of no domains can't be made
    pub fn len(&self) -> usize {
        self.domains.len()
    }

    /// The domains in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Domain> {
        self.domains.iter()
    }

    /// The names in order.
    #[must_use]
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.domains.iter().map(|domain| domain.name.as_str())
    }

    /// The name of domain `j`; empty when `j` is out of range.
    #[must_use]
    pub fn name(&self, j: usize) -> &str {
        self.domains
            .get(j)
            .map_or("", |domain| domain.name.as_str())
    }

    /// The position of a name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// [`epochs`] of each domain at weights `p` (length `m`); `None` unless every domain's tokens are
    /// known.
    #[must_use]
    pub fn epochs(&self, p: &[f64], target_tokens: f64) -> Option<Vec<f64>> {
        let pairs = self.domains.iter().zip(p);
        pairs
            .map(|(domain, &weight)| domain.epochs(weight, target_tokens))
            .collect()
    }

    /// Tokens of each domain, when every domain's are known.
    #[must_use]
    pub fn tokens(&self) -> Option<Vec<u64>> {
        self.domains.iter().map(|domain| domain.tokens).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_tokens_drawn_over_tokens_held_and_unknown_without_counts() {
        let domain = |name: &str, tokens| Domain {
            name: name.to_owned(),
            tokens,
        };
        let set = DomainSet::new(vec![domain("a", Some(50)), domain("b", Some(400))]).unwrap();
        assert_eq!(set.epochs(&[0.25, 0.75], 800.0), Some(vec![4.0, 1.5]));
        assert_eq!(domain("c", None).epochs(0.5, 800.0), None);
        let unknown = DomainSet::new(vec![domain("a", Some(50)), domain("c", None)]).unwrap();
        assert_eq!(unknown.epochs(&[0.5, 0.5], 800.0), None);
    }
}
