//! What the records of a project say.

use std::collections::BTreeMap;

use olmix_core::reuse::VirtualDomain;
use olmix_io::{ProjectChange, ProjectDomain};
use serde::{Deserialize, Serialize};

/// A version of the domain set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DomainsContent {
    /// The domains.
    pub domains: Vec<ProjectDomain>,
    /// What was changed to make it from its parent, in order; empty for the first.
    pub changes: Vec<ProjectChange>,
}

/// A virtual domain, as records have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frozen {
    /// Its name.
    pub name: String,
    /// Its domains and the share of each in it; the shares sum to 1.
    pub members: Vec<(String, f64)>,
}

impl From<&VirtualDomain> for Frozen {
    fn from(one: &VirtualDomain) -> Self {
        Self {
            name: one.name.clone(),
            members: one.members.clone(),
        }
    }
}

impl Frozen {
    /// As the method knows it.
    #[must_use]
    pub fn to_virtual(&self) -> VirtualDomain {
        VirtualDomain {
            name: self.name.clone(),
            members: self.members.clone(),
        }
    }
}

/// A swarm: planned, or measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum SwarmContent {
    /// It is to be trained.
    Planned(PlannedContent),
    /// Its runs were measured; ratios.csv and metrics.csv are among its files.
    Measured {
        /// Runs.
        runs: usize,
    },
}

/// A swarm that is to be trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedContent {
    /// By which method.
    pub method: String,
    /// Runs.
    pub runs: usize,
    /// Domains that keep their ratios.
    #[serde(rename = "virtual_domains")]
    pub virtuals: Vec<Frozen>,
    /// Whether old runs inform the laws.
    pub old_runs: bool,
    /// Why so.
    pub reasons: Vec<String>,
}

/// Laws, with the mixture they propose: mixture.json is among its files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitContent {
    /// The config hash of the fit.
    pub config_hash: String,
    /// The law.
    pub law: String,
    /// Its seed.
    pub seed: u64,
    /// The files that it was made from, by role, with their hashes.
    pub inputs: Vec<(String, String)>,
}

/// Where a domain's weight comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The fit that chose it, or its ratio to others: `fit@3`; or what it was given as.
    pub record: String,
    /// Whether its ratio was kept when this mixture was made.
    pub kept: bool,
}

/// A mixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MixtureContent {
    /// Weights by domain, in the order of the version, summing to 1.
    pub weights: Vec<(String, f64)>,
    /// Where each comes from.
    pub origins: BTreeMap<String, Origin>,
    /// How it was made.
    pub method: String,
    /// The version of the domain set: `domains@2`.
    pub version: String,
    /// Tokens of the run it is for.
    pub target_tokens: Option<f64>,
    /// How often that run may see a token.
    pub repetition_factor: Option<f64>,
}
