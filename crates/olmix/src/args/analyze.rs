//! `olmix analyze`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Common;

/// What theory says, in numbers.
#[derive(Debug, Subcommand)]
pub enum AnalyzeCommand {
    /// What keeping old ratios costs: coupling, reuse gap, bounds, and the gap in truth.
    #[command(
        after_help = "The laws of --new are over all domains, old and new. Domains that both files have keep the ratios that --old gives them, but for those named by --free. What is lost is then known exactly: the best mixture with these ratios against the best of all. Bounds are those of docs/reuse.md, for log-linear laws and without caps.\n\nExample:\n  olmix analyze reuse --old before/mixture.json --new out/mixture.json --free web:software"
    )]
    Reuse(AnalyzeReuseArgs),
}

/// `olmix analyze reuse`.
#[derive(Debug, Args)]
pub struct AnalyzeReuseArgs {
    /// The old mixture: any file that `olmix mix show` reads.
    #[arg(long, value_name = "FILE")]
    pub old: PathBuf,
    /// A mixture.json with laws over the new domain set.
    #[arg(long, value_name = "FILE")]
    pub new: PathBuf,
    /// Domains of the old mixture that are free again.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub free: Vec<String>,
    /// λ of the KL term, in place of that of --new.
    #[arg(long, value_name = "λ", allow_negative_numbers = true)]
    pub kl: Option<f64>,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}
