//! `olmix generate`.

use std::path::PathBuf;

use clap::Args;
use olmix_core::generate::Design;

use super::{Common, choice};

/// `olmix generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// The generation config (YAML), in the reference implementation's schema.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// A launch config; with it, one launch config per run is written.
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
    /// Where ratios.csv, the figure and the launch configs go.
    #[arg(long, value_name = "DIR", default_value = "swarm")]
    pub output: PathBuf,
    /// Number of mixtures (default: the config's; without one, 3 (m + 1) for m free leaves).
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub variants: Option<u32>,
    /// How mixtures are chosen; see below (default: the config's).
    #[arg(long, value_name = "DESIGN", value_parser = choice(Design::ALL))]
    pub design: Option<Design>,
    /// Seed of the draws (default: the config's).
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}
