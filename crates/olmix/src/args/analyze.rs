//! `olmix analyze`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Common;

/// Subcommands of `olmix analyze`.
#[derive(Debug, Subcommand)]
pub enum AnalyzeCommand {
    /// Compute what keeping old ratios costs: coupling, reuse gap, theoretical bounds, and the exact loss.
    #[command(
        after_help = "The laws of --new cover all domains, old and new. Domains that both files have keep \
            the ratios that --old gives them, except those named by --free. The exact loss compares the best \
            mixture with these ratios with the best mixture of all. The bounds are those of docs/reuse.md, \
            for log-linear laws without caps.\n\n\
            Example:\n  \
            olmix analyze reuse --old before/mixture.json --new out/mixture.json --free web:software"
    )]
    Reuse(AnalyzeReuseArgs),
}

/// `olmix analyze reuse`.
#[derive(Debug, Args)]
pub struct AnalyzeReuseArgs {
    /// The old mixture: any file that `olmix mix show` reads.
    #[arg(long, value_name = "FILE")]
    pub old: PathBuf,
    /// A mixture.json with laws over the new domains.
    #[arg(long, value_name = "FILE")]
    pub new: PathBuf,
    /// Domains of the old mixture whose weights are solved for again.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub free: Vec<String>,
    /// Strength λ of the KL term, in loss per nat [default: that of --new].
    #[arg(long, value_name = "λ", allow_negative_numbers = true)]
    pub kl: Option<f64>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}
