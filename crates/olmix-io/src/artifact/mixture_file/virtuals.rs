//! Virtual domains, and the mixture over what they stand for.

use serde::{Deserialize, Serialize};

/// A virtual domain: several domains whose ratios are fixed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VirtualEntry {
    /// Its name among the domains.
    pub name: String,
    /// Its domains and the share of each in it; the shares sum to 1.
    pub members: Vec<ShareEntry>,
}

/// A domain's share of something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShareEntry {
    /// A domain of the collection, by name.
    pub domain: String,
    /// The share, from 0 to 1.
    pub share: f64,
}

/// A domain of the mixture in which virtual domains are replaced by what they stand for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpandedEntry {
    /// The domain's name.
    pub domain: String,
    /// Its share in the mixture, from 0 to 1.
    pub share: f64,
    /// Tokens it holds, if counted.
    #[serde(default)]
    pub tokens: Option<u64>,
    /// How often a run of `R` tokens sees them.
    #[serde(default)]
    pub epochs: Option<f64>,
}
