//! `olmix generate`.

use std::path::PathBuf;

use clap::Args;
use olmix_core::generate::Design;

use super::{Common, CostArgs, choice};

/// `olmix generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// The generation config (YAML, see docs/generation-config.md).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// A launch config with what all runs share; with it, one launch config per run is written.
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
    /// Folder for ratios.csv, the figure and the launch configs.
    #[arg(long, value_name = "DIR", default_value = "swarm")]
    pub output: PathBuf,
    /// Number of mixtures [default: the config's, else 3 (m + 1) for m free leaves; 4 (m + 1) runs with phases].
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub variants: Option<u32>,
    /// Runs of the prior beside them, which show the noise of each task; 3 to 5 are enough [default: the config's,
    /// else 0].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1000))]
    pub replicates: Option<u32>,
    /// How mixtures are chosen, one of the designs below [default: the config's].
    #[arg(long, value_name = "DESIGN", value_parser = choice(Design::ALL))]
    pub design: Option<Design>,
    /// Seed of the draws [default: the config's].
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// What the runs cost, with --base.
    #[command(flatten)]
    pub cost: CostArgs,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}
