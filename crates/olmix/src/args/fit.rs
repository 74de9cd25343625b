//! `olmix fit`, `olmix sweep`, `olmix compare` and `olmix predict`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::TypedValueParser;
use olmix_core::{DeadDomains, Ridge};
use olmix_io::{KlReg, Preset};

use super::{Common, choice};

/// Settings of the laws, in place of the config's.
#[derive(Debug, Clone, Copy, Args)]
pub struct LawArgs {
    /// Ridge on the laws' coefficients: a number, or `auto` to choose it (and the functions of a
    /// saturating law) by out-of-fold error.
    #[arg(long, value_name = "RHO|auto", value_parser = ridge)]
    pub ridge: Option<Ridge>,
    /// Domains that no run sampled: refuse them, or hold them at their natural share.
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
    /// The fit config (YAML), in the reference implementation's schema.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Where results go; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub output_dir: PathBuf,
    /// A published method, in place of the config's law, granularity, optimizer and caps. The last four
    /// need no swarm.
    #[arg(long, value_name = "NAME", value_parser = choice(Preset::ALL))]
    pub preset: Option<Preset>,
    /// Strength λ of the pull to the prior, in place of the config's: a number, or `auto` to choose
    /// it from data.
    #[arg(long = "kl", value_name = "λ|auto", value_parser = kl_reg)]
    pub kl_reg: Option<KlReg>,
    /// How laws are fitted.
    #[command(flatten)]
    pub laws: LawArgs,
    /// Resamples of the bootstrap over runs, in place of the config's; 0 for none.
    #[arg(long, value_name = "N", value_parser = |text: &str| none_or(10, text))]
    pub bootstrap: Option<usize>,
    /// Folds of the out-of-fold check, in place of the config's; 0 for none.
    #[arg(long, value_name = "N", value_parser = |text: &str| none_or(2, text))]
    pub folds: Option<usize>,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The fit config (YAML); it is compared too.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The methods.
    #[arg(
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        value_parser = choice(Preset::ALL),
        default_value = "olmixbase,regmix,unimax,natural"
    )]
    pub presets: Vec<Preset>,
    /// Where compare.csv, compare-crossed.csv, compare.json and the figure go.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub output_dir: PathBuf,
    /// Domains that no run sampled: refuse them, or hold them at their natural share.
    #[arg(long, value_name = "ACTION", value_parser = dead_domains())]
    pub dead_domains: Option<DeadDomains>,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix sweep`.
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// The fit config (YAML).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Where sweep.csv, sweep.svg and sweep.png go.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub output_dir: PathBuf,
    /// How laws are fitted.
    #[command(flatten)]
    pub laws: LawArgs,
    /// Target tokens R of the final run, such as 1e12,6e12 (default: the config's).
    #[arg(long, value_name = "R,…", value_delimiter = ',')]
    pub target_tokens: Vec<f64>,
    /// Repetition factors k.
    #[arg(
        long,
        value_name = "K,…",
        value_delimiter = ',',
        default_value = "2,3,4,5"
    )]
    pub repetition: Vec<f64>,
    /// Strengths λ of the KL term.
    #[arg(
        long,
        value_name = "λ,…",
        value_delimiter = ',',
        default_value = "0,0.005,0.01,0.05,0.1"
    )]
    pub kl: Vec<f64>,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// A mixture.json that `olmix fit` wrote.
    #[arg(long, value_name = "FILE")]
    pub mixture: PathBuf,
    /// Mixtures to predict, one row each, in the format of ratios.csv.
    #[arg(long, value_name = "FILE")]
    pub ratios: PathBuf,
    /// What was measured on them, in the format of metrics.csv.
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// Where the predictions of every task go, as CSV (default: predictions.csv beside the
    /// mixture file).
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}
