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

    /// Tokens of each domain, when every domain's are known.
    #[must_use]
    pub fn tokens(&self) -> Option<Vec<u64>> {
        self.domains.iter().map(|domain| domain.tokens).collect()
    }
}
