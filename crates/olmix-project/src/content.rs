//! The contents of a project's records, as JSON in the ledger.

use std::collections::BTreeMap;

use olmix_core::reuse::VirtualDomain;
use olmix_io::{ProjectChange, ProjectDomain};
use serde::{Deserialize, Serialize};

/// A version of the domain set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DomainsContent {
    /// All domains of the version, in order.
    pub domains: Vec<ProjectDomain>,
    /// What was changed to make it from its parent, in order; empty for the first, and for one that takes an
    /// update back.
    pub changes: Vec<ProjectChange>,
    /// The version whose update this one takes back, such as `domains@3`: the domains are those before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
}

/// A swarm: planned, or measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum SwarmContent {
    /// Written by `olmix plan`, not trained yet.
    Planned(PlannedContent),
    /// Its runs were measured; ratios.csv and metrics.csv are among its files.
    Measured {
        /// Runs that it has, with metrics or without.
        runs: usize,
    },
}

/// A swarm that is to be trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedContent {
    /// The name of its method, such as `full-reuse`.
    pub method: String,
    /// Runs to train.
    pub runs: usize,
    /// Domains that keep their ratios.
    #[serde(rename = "virtual_domains")]
    pub virtuals: Vec<VirtualDomain>,
    /// Whether old runs inform the laws.
    pub old_runs: bool,
    /// Why it is so, a sentence each.
    pub reasons: Vec<String>,
}

/// Laws, with the mixture that they propose: mixture.json is among the record's files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitContent {
    /// The config hash of the fit.
    pub config_hash: String,
    /// The law's name, such as `log_linear`.
    pub law: String,
    /// The seed of folds, bootstrap and search.
    pub seed: u64,
    /// The files that it was made from, by role, with their hashes.
    pub inputs: Vec<(String, String)>,
}

/// Where a domain's weight comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightOrigin {
    /// The fit that chose it, or its ratio to others: `fit@3`; or what it was given as.
    pub record: String,
    /// Whether its ratio was kept when this mixture was made.
    pub kept: bool,
}

/// A mixture over a version of the domain set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MixtureContent {
    /// Weights by domain, in the order of the version, summing to 1.
    pub weights: Vec<(String, f64)>,
    /// Where each weight comes from, by domain.
    pub origins: BTreeMap<String, WeightOrigin>,
    /// How it was made: a method of a plan, `fit`, `given` or `removal`.
    pub method: String,
    /// The version of the domain set: `domains@2`.
    pub version: String,
    /// `R`, tokens of the run that it is for.
    pub target_tokens: Option<f64>,
    /// `k`, how often that run may see a token.
    pub repetition_factor: Option<f64>,
    /// What it gains over the mixture before it, as the laws of its fit predict; `None` without a fit, or
    /// without a mixture before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<GainOver>,
}

/// A gain over a recorded mixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GainOver {
    /// The mixture: `main@1`. Domains that are gone are left out of it, and new ones have weight 0.
    pub record: String,
    /// `1 − loss / loss of that mixture`; above 0 is better.
    pub gain: f64,
}
