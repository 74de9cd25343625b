//! `olmix fit`, `olmix sweep`, `olmix compare` and `olmix predict`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::TypedValueParser;
use olmix_core::{DeadDomains, Ridge};
use olmix_io::{KlReg, Preset};

use super::{Common, choice};

/// Settings of the laws that replace the config's.
#[derive(Debug, Clone, Copy, Args)]
pub struct LawArgs {
    /// Ridge penalty on the laws' coefficients: a number from 0, or `auto` to choose it (and the basis
    /// functions of a saturating law) by cross-validation [default: the config's].
    #[arg(long, value_name = "RHO|auto", value_parser = ridge)]
    pub ridge: Option<Ridge>,
    /// Whether domains that no run sampled are an error, or held at their prior share [default: the
    /// config's].
    #[arg(long, value_name = "ACTION", value_parser = dead_domains())]
    pub dead_domains: Option<DeadDomains>,
}

fn ridge(text: &str) -> Result<Ridge, String> {
    if text == "auto" {
        return Ok(Ridge::Auto);
    }
    match text.parse::<f64>() {
        Ok(rho) if rho.is_finite() && rho >= 0.0 => Ok(Ridge::Fixed(rho)),
        _ => Err("it must be `auto` or a number that is not negative, such as 1e-5".into()),
    }
}

fn kl_reg(text: &str) -> Result<KlReg, String> {
    if text == "auto" {
        return Ok(KlReg::Auto);
    }
    match text.parse::<f64>() {
        Ok(kl) if kl.is_finite() && kl >= 0.0 => Ok(KlReg::Fixed(kl)),
        _ => Err("it must be `auto` or a number that is not negative, such as 0.05".into()),
    }
}

/// 0 for none, or at least `least` and at most 100,000.
fn none_or(least: usize, text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count == 0 || (least..=100_000).contains(&count) => Ok(count),
        _ => Err(format!(
            "it must be 0 (none) or a whole number from {least} to 100000"
        )),
    }
}

fn dead_domains() -> impl TypedValueParser<Value = DeadDomains> {
    choice([("error", DeadDomains::Error), ("hold", DeadDomains::Hold)])
}

/// `olmix fit`.
#[derive(Debug, Args)]
pub struct FitArgs {
    /// The fit config (YAML, see docs/fit-config.md).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Folder for the results; created if it does not exist.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub output_dir: PathBuf,
    /// A published method that replaces the config's law, granularity, optimizer and caps; the last four
    /// need no swarm.
    #[arg(long, value_name = "NAME", value_parser = choice(Preset::ALL))]
    pub preset: Option<Preset>,
    /// Strength λ of the KL term, in loss per nat: a number from 0, or `auto` to choose it from data
    /// [default: the config's].
    #[arg(long = "kl", value_name = "λ|auto", value_parser = kl_reg)]
    pub kl_reg: Option<KlReg>,
    /// Settings of the laws.
    #[command(flatten)]
    pub laws: LawArgs,
    /// Number of bootstrap resamples for the intervals; 0 for none [default: the config's].
    #[arg(long, value_name = "N", value_parser = |text: &str| none_or(10, text))]
    pub bootstrap: Option<usize>,
    /// Number of cross-validation folds; 0 for none [default: the config's].
    #[arg(long, value_name = "N", value_parser = |text: &str| none_or(2, text))]
    pub folds: Option<usize>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The fit config (YAML), which is compared as well.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The methods to compare.
    #[arg(
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        value_parser = choice(Preset::ALL),
        default_value = "olmixbase,regmix,unimax,natural"
    )]
    pub presets: Vec<Preset>,
    /// Folder for compare.csv, compare-crossed.csv, compare.json and the figure.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub output_dir: PathBuf,
    /// Whether domains that no run sampled are an error, or held at their prior share [default: the
    /// config's].
    #[arg(long, value_name = "ACTION", value_parser = dead_domains())]
    pub dead_domains: Option<DeadDomains>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix sweep`.
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// The fit config (YAML).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Folder for sweep.csv, sweep.svg and sweep.png.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub output_dir: PathBuf,
    /// Settings of the laws.
    #[command(flatten)]
    pub laws: LawArgs,
    /// Tokens R of the final run, such as 1e12,6e12 [default: the config's].
    #[arg(long, value_name = "R,…", value_delimiter = ',')]
    pub target_tokens: Vec<f64>,
    /// Repetition factors k: how often the run may see each token.
    #[arg(
        long,
        value_name = "K,…",
        value_delimiter = ',',
        default_value = "2,3,4,5"
    )]
    pub repetition: Vec<f64>,
    /// Strengths λ of the KL term, in loss per nat.
    #[arg(
        long,
        value_name = "λ,…",
        value_delimiter = ',',
        default_value = "0,0.005,0.01,0.05,0.1"
    )]
    pub kl: Vec<f64>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// A mixture.json that `olmix fit` wrote.
    #[arg(long, value_name = "FILE")]
    pub mixture: PathBuf,
    /// Mixtures to predict, one row each, in the format of ratios.csv; without --metrics also any file that
    /// `olmix mix show` reads.
    #[arg(long, value_name = "FILE")]
    pub ratios: PathBuf,
    /// Measured metrics of these mixtures, in the format of metrics.csv.
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// File for the predictions of every task, as CSV [default: predictions.csv beside the mixture
    /// file].
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}
