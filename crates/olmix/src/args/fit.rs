//! `olmix fit`, `olmix sweep`, `olmix compare`, `olmix predict` and `olmix next`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::TypedValueParser;
use olmix_core::{DeadDomains, Ridge};
use olmix_io::yaml::Edit;
use olmix_io::{KlReg, Preset};

use super::{Common, choice, item, tokens};

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

/// Settings in place of the config's, for questions that need no other file.
#[derive(Debug, Clone, Default, Args)]
pub struct SettingArgs {
    /// Tokens of the run that the mixture is for, such as 1.5e12 or 2T; token caps apply.
    #[arg(long, value_name = "R", value_parser = written_tokens)]
    pub target_tokens: Option<String>,
    /// How often that run may see each token, such as 4; token caps apply. Or `measured`: what repeats are worth is
    /// measured from the swarm.
    #[arg(long, value_name = "K|measured", value_parser = repetition)]
    pub repetition: Option<RepetitionArg>,
    /// Least and greatest weight of a domain, such as code=0.05:0.2, code=0.05: or code=:0.2; repeatable.
    #[arg(long, value_name = "DOMAIN=MIN:MAX", value_parser = bound)]
    pub bound: Vec<Edit>,
    /// Metric, or pattern such as '*_stderr', that is not a task; repeatable.
    #[arg(long, value_name = "METRIC")]
    pub drop: Vec<String>,
    /// Which way a metric, or those that match a pattern, are better, such as '*_acc=max'; repeatable.
    #[arg(long, value_name = "METRIC=min|max", value_parser = direction)]
    pub direction: Vec<Edit>,
    /// Greatest increase over the prior of a family's loss, such as math=0.01 for 1 %, or '*=0.01' for every
    /// family; repeatable.
    #[arg(long, value_name = "FAMILY=SHARE", value_parser = guardrail)]
    pub guardrail: Vec<Edit>,
    /// Minimize the largest loss of the families or tasks, each relative to the prior, in place of the average.
    #[arg(long, value_name = "LOSS", value_parser = ["average", "worst_family", "worst_task"])]
    pub minimize: Option<String>,
    /// Any setting of the config, such as regression.type=saturating; repeatable. Keys with dots stand in
    /// double quotes.
    #[arg(long, value_name = "KEY=VALUE", value_parser = Edit::of_assignment)]
    pub set: Vec<Edit>,
}

impl SettingArgs {
    /// The settings, in the order in which they are put into the config.
    pub fn edits(&self) -> Vec<Edit> {
        let edit = |path: &[&str], value: &str, given_as: String| Edit {
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            value: value.to_owned(),
            append: false,
            given_as,
        };
        let mut edits = self.set.clone();
        let repetition = match self.repetition {
            Some(RepetitionArg::Factor(k)) => Some(k.to_string()),
            Some(RepetitionArg::Measured) => {
                let given_as = "--repetition measured".to_owned();
                edits.push(edit(&["constraints", "repetition"], "measured", given_as));
                None
            }
            None => None,
        };
        let caps = [
            ("target_tokens", "--target-tokens", &self.target_tokens),
            ("repetition_factor", "--repetition", &repetition),
        ];
        for (key, flag, value) in caps {
            let Some(value) = value else { continue };
            let given_as = || format!("{flag} {value}");
            edits.push(edit(&["constraints", "enabled"], "true", given_as()));
            edits.push(edit(&["constraints", key], &quoted(value), given_as()));
        }
        edits.extend(self.bound.iter().cloned());
        edits.extend(self.drop.iter().map(|metric| Edit {
            append: true,
            ..edit(
                &["filtering", "drop_metrics"],
                &quoted(metric),
                format!("--drop {metric}"),
            )
        }));
        edits.extend(self.direction.iter().cloned());
        edits.extend(self.guardrail.iter().cloned());
        edits.extend(self.minimize.iter().map(|minimize| {
            let given_as = format!("--minimize {minimize}");
            edit(&["objective", "minimize"], minimize, given_as)
        }));
        edits
    }
}

/// A text as a YAML scalar, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Tokens as they were written, once they are known to be some.
fn written_tokens(text: &str) -> Result<String, String> {
    tokens(text).map(|_| text.to_owned())
}

fn guardrail(text: &str) -> Result<Edit, String> {
    let form = || "write FAMILY=SHARE, such as math=0.01 for 1 %".to_owned();
    let (family, share) = text.rsplit_once('=').ok_or_else(form)?;
    let share: f64 = share.trim().parse().map_err(|_| form())?;
    if family.is_empty() || !(share.is_finite() && share > -1.0) {
        return Err(form());
    }
    Ok(Edit {
        path: vec!["objective".into(), "guardrails".into()],
        value: format!("{{families: [{}], max_increase: {share}}}", quoted(family)),
        append: true,
        given_as: format!("--guardrail {text}"),
    })
}

fn bound(text: &str) -> Result<Edit, String> {
    let form = || "write DOMAIN=MIN:MAX, such as code=0.05:0.2, code=0.05: or code=:0.2".to_owned();
    let (domain, range) = text.rsplit_once('=').ok_or_else(form)?;
    let (least, most) = range.split_once(':').ok_or_else(form)?;
    let ends = [("min", least.trim()), ("max", most.trim())];
    let given = ends.iter().filter(|(_, end)| !end.is_empty());
    let keys: Vec<String> = given.map(|(key, end)| format!("{key}: {end}")).collect();
    if domain.is_empty() || keys.is_empty() {
        return Err(form());
    }
    Ok(Edit {
        path: vec!["constraints".into(), "bounds".into(), domain.into()],
        value: format!("{{{}}}", keys.join(", ")),
        append: false,
        given_as: format!("--bound {text}"),
    })
}

fn direction(text: &str) -> Result<Edit, String> {
    let (metric, way) = text
        .rsplit_once('=')
        .filter(|(metric, way)| !metric.is_empty() && ["min", "max"].contains(way))
        .ok_or("write METRIC=max or METRIC=min")?;
    Ok(Edit {
        path: vec!["filtering".into(), "directions".into(), metric.into()],
        value: way.into(),
        append: false,
        given_as: format!("--direction {text}"),
    })
}

/// `--repetition`.
#[derive(Debug, Clone, Copy)]
pub enum RepetitionArg {
    /// `constraints.repetition_factor`.
    Factor(f64),
    /// `constraints.repetition: measured`.
    Measured,
}

fn repetition(text: &str) -> Result<RepetitionArg, String> {
    if text == "measured" {
        return Ok(RepetitionArg::Measured);
    }
    let factor = text.parse::<f64>().map(RepetitionArg::Factor);
    factor.map_err(|_| "it must be a number above 0, such as 4, or `measured`".to_owned())
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
    /// Runs of the model that the mixture is for, a few: they calibrate the laws, so that mixture and gain are for it
    /// [default: the config's].
    #[arg(long, value_name = "RATIOS,METRICS", value_parser = target)]
    pub target: Option<TargetTables>,
    /// Settings of the laws.
    #[command(flatten)]
    pub laws: LawArgs,
    /// What takes the place of the config's settings.
    #[command(flatten)]
    pub settings: SettingArgs,
    /// Number of bootstrap resamples for the intervals; 0 for none [default: the config's].
    #[arg(long, value_name = "N", value_parser = |text: &str| none_or(10, text))]
    pub bootstrap: Option<usize>,
    /// Number of cross-validation folds; 0 for none [default: the config's].
    #[arg(long, value_name = "N", value_parser = |text: &str| none_or(2, text))]
    pub folds: Option<usize>,
    /// Print the statistics behind the summary, too: scores, prices of the constraints, other laws.
    #[arg(long, short)]
    pub verbose: bool,
    /// Show the report in a browser when it is written.
    #[arg(long)]
    pub open: bool,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

impl FitArgs {
    /// The settings in place of the config's, in the order in which they are put into it.
    pub fn edits(&self) -> Vec<Edit> {
        let mut edits = self.settings.edits();
        edits.extend(self.target.iter().flat_map(TargetTables::edits));
        edits
    }
}

/// The two tables of the target's runs.
#[derive(Debug, Clone)]
pub struct TargetTables {
    /// Mixtures, one row a run.
    pub ratios: String,
    /// Measurements, one row a run.
    pub metrics: String,
}

impl TargetTables {
    /// The tables as the config's `target`.
    pub fn edits(&self) -> [Edit; 2] {
        let edit = |key: &str, path: &str| Edit {
            path: vec!["target".into(), key.into()],
            value: quoted(path),
            append: false,
            given_as: format!("--target {},{}", self.ratios, self.metrics),
        };
        [edit("ratios", &self.ratios), edit("metrics", &self.metrics)]
    }
}

/// Parses `ratios.csv,metrics.csv`.
pub fn target(text: &str) -> Result<TargetTables, String> {
    match text.split_once(',') {
        Some((ratios, metrics)) if !ratios.is_empty() && !metrics.is_empty() => Ok(TargetTables {
            ratios: ratios.to_owned(),
            metrics: metrics.to_owned(),
        }),
        _ => Err("write RATIOS,METRICS, such as target/ratios.csv,target/metrics.csv".into()),
    }
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
    /// Tokens R of the final run, such as 1e12,6T [default: the config's].
    #[arg(long, value_name = "R,…", value_delimiter = ',', value_parser = tokens)]
    pub target_tokens: Vec<f64>,
    /// Repetition factors k: how often the run may see each token.
    #[arg(
        long,
        value_name = "K,…",
        value_delimiter = ',',
        value_parser = item,
        default_value = "2,3,4,5",
        conflicts_with = "objective"
    )]
    pub repetition: Vec<f64>,
    /// Strengths λ of the KL term, in loss per nat [default: 0,0.005,0.01,0.05,0.1].
    #[arg(long, value_name = "λ,…", value_delimiter = ',', value_parser = item)]
    pub kl: Vec<f64>,
    /// Trace the Pareto front of these families or tasks (at least two) in place of the sweep: the best mixtures for
    /// weighted sums of their losses, dominated ones left out; to front.csv, front.svg and front.png. Caps are the
    /// config's; λ is 0 where --kl gives none, as a pull to the prior moves mixtures off the front.
    #[arg(
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        conflicts_with = "target_tokens"
    )]
    pub objective: Vec<String>,
    /// Weightings between any two objectives, both ends among them.
    #[arg(long, value_name = "N", default_value_t = 11, requires = "objective",
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(2..=1000))]
    pub points: usize,
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

/// `olmix next`.
#[derive(Debug, Args)]
pub struct NextArgs {
    /// A fit config (YAML), or a folder that `olmix fit` wrote, or its mixture.json.
    #[arg(value_name = "CONFIG|DIR")]
    pub fit: PathBuf,
    /// Number of runs to choose.
    #[arg(long, value_name = "K", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,
    /// Refits to resampled runs, by which a run's worth is told [default: the config's, at least 20].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=100_000))]
    pub bootstrap: Option<u32>,
    /// Settings of the laws.
    #[command(flatten)]
    pub laws: LawArgs,
    /// A launch config with what all runs share; with it and --data, one launch config per run is written.
    #[arg(long, value_name = "FILE", requires = "data")]
    pub base: Option<PathBuf>,
    /// The generation config of the swarm, which says where the data is; for launch configs.
    #[arg(long, value_name = "FILE", requires = "base")]
    pub data: Option<PathBuf>,
    /// Folder for ratios.csv and the launch configs.
    #[arg(long, value_name = "DIR", default_value = "next")]
    pub output: PathBuf,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}
