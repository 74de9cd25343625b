//! Measured runs as two tables.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use globset::{Glob, GlobSet, GlobSetBuilder};
use olmix_io::tables::{csv_bytes, csv_number};

use super::mixtures::Mixtures;
use super::{MeasuredRun, SourceRuns};
use crate::LaunchError;

/// How names of metrics end of which more is better.
const ACCURACY: &str = ":accuracy";

/// How names of metrics begin that say in nats per token what others say in bits per byte: to a fit they
/// would be tasks that count twice.
const IN_NATS: &str = "validation_loss:";

/// Columns that readers of these tables do not take for metrics.
const RESERVED: [&str; 5] = ["", "run", "run_id", "name", "index"];

/// How many names a message lists.
const SHOWN: usize = 8;

/// Runs as the content of `ratios.csv` and `metrics.csv`.
#[derive(Debug, Clone)]
pub struct Collected {
    /// The content of `ratios.csv`: a row per run, a column per domain.
    pub ratios: Vec<u8>,
    /// The content of `metrics.csv`: the same rows, a column per metric.
    pub metrics: Vec<u8>,
    /// Names of the runs.
    pub runs: Vec<String>,
    /// Names of the domains.
    pub domains: Vec<String>,
    /// Names of the metrics.
    pub names: Vec<String>,
    /// Runs that are left out, and why.
    pub left_out: Vec<(String, String)>,
    /// What the user should know.
    pub notices: Vec<String>,
}

/// Which metrics are wanted.
#[derive(Debug)]
pub(super) struct Filter {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl Filter {
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, LaunchError> {
        Ok(Self {
            include: (!include.is_empty())
                .then(|| globs("--include", include))
                .transpose()?,
            exclude: globs("--exclude", exclude)?,
        })
    }

    fn wants(&self, name: &str) -> bool {
        let asked = match &self.include {
            Some(globs) => globs.is_match(name),
            None => !name.ends_with(ACCURACY) && !name.starts_with(IN_NATS),
        };
        asked && !self.exclude.is_match(name) && !RESERVED.contains(&name)
    }
}

fn globs(option: &str, texts: &[String]) -> Result<GlobSet, LaunchError> {
    let refused = |error: globset::Error| {
        LaunchError::refused(
            format!("{option}: {error}"),
            "write a glob such as 'validation:*'",
        )
    };
    let mut builder = GlobSetBuilder::new();
    for text in texts {
        builder.add(Glob::new(text).map_err(refused)?);
    }
    builder.build().map_err(refused)
}

/// Joins, filters and sorts.
pub(super) fn build(
    found: SourceRuns,
    given: Option<&Mixtures>,
    filter: &Filter,
) -> Result<Collected, LaunchError> {
    let SourceRuns {
        runs,
        mut left_out,
        mut notices,
    } = found;
    let accuracies: BTreeSet<&str> = runs
        .iter()
        .flat_map(|run| run.metrics.iter().map(|(name, _)| name.as_str()))
        .filter(|name| name.ends_with(ACCURACY) && filter.include.is_none())
        .collect();
    if !accuracies.is_empty() {
        notices.push(format!(
            "metrics of which more is better are left out (--include brings them): {}",
            listed(accuracies.into_iter())
        ));
    }
    let measured: HashSet<String> = runs
        .iter()
        .map(|run| run.name.clone())
        .chain(left_out.iter().map(|(name, _)| name.clone()))
        .collect();
    for name in given.map_or(&[][..], |given| &given.names) {
        if !measured.contains(name) {
            left_out.push((name.clone(), "nothing was measured of it".into()));
        }
    }
    let mut kept: Vec<(String, Vec<(String, f64)>, HashMap<String, f64>)> = Vec::new();
    for run in runs {
        match usable(&run, given, filter) {
            Ok((mixture, metrics)) => kept.push((run.name, mixture, metrics)),
            Err(why) => left_out.push((run.name, why)),
        }
    }
    left_out.sort();
    if kept.is_empty() {
        let all: Vec<String> = left_out
            .iter()
            .take(SHOWN)
            .map(|(name, why)| format!("{name} ({why})"))
            .collect();
        return Err(LaunchError::refused(
            format!("no run is left: {}", all.join(", ")),
            "wait until runs have finished; mixtures that the source does not know are given by --ratios \
             or --variants",
        ));
    }
    kept.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some(pair) = kept.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(LaunchError::refused(
            format!("two runs have the name `{}`", pair[0].0),
            "keep one of them; runs are told apart by their names",
        ));
    }
    let names = columns(&kept, filter, &mut notices);
    if names.is_empty() {
        return Err(LaunchError::refused(
            "no metric is left that most runs have",
            "check --include and --exclude, and whether all runs measured the same",
        ));
    }
    let domains = domains(&kept, given);
    let ids: Vec<String> = kept.iter().map(|(name, ..)| name.clone()).collect();
    let header = |columns: &[String]| {
        let run = std::iter::once("run".to_owned());
        run.chain(columns.iter().cloned()).collect::<Vec<_>>()
    };
    let ratios = kept.iter().map(|(name, mixture, _)| {
        let weights: HashMap<&str, f64> = mixture
            .iter()
            .map(|(leaf, w)| (leaf.as_str(), *w))
            .collect();
        let weight = |domain: &String| weights.get(domain.as_str()).copied().unwrap_or(0.0);
        row(
            name,
            domains.iter().map(|domain| csv_number(weight(domain))),
        )
    });
    let metrics = kept.iter().map(|(name, _, metrics)| {
        let cell = |metric: &String| {
            metrics
                .get(metric)
                .map_or_else(String::new, |&x| csv_number(x))
        };
        row(name, names.iter().map(cell))
    });
    Ok(Collected {
        ratios: table("ratios.csv", &header(&domains), ratios)?,
        metrics: table("metrics.csv", &header(&names), metrics)?,
        runs: ids,
        domains,
        names,
        left_out,
        notices,
    })
}

/// A run's mixture and wanted metrics, or why it can't be used.
fn usable(
    run: &MeasuredRun,
    given: Option<&Mixtures>,
    filter: &Filter,
) -> Result<(Vec<(String, f64)>, HashMap<String, f64>), String> {
    if let Some(name) = run.not_finite.iter().find(|name| filter.wants(name)) {
        return Err(format!("`{name}` is not a finite number"));
    }
    let wanted = run.metrics.iter().filter(|(name, _)| filter.wants(name));
    let metrics: HashMap<String, f64> = wanted.cloned().collect();
    if metrics.is_empty() {
        return Err("it has no metric that is wanted".into());
    }
    // What a run says it was trained on counts: configs may have changed since.
    let given = || given.and_then(|given| given.of.get(&run.name).cloned());
    let mixture = run.mixture.clone().or_else(given);
    let mixture = mixture.ok_or("its mixture is not known")?;
    Ok((mixture, metrics))
}

/// The metrics that become columns, sorted. Those that only some runs have are told; they become columns
/// where most runs have them or someone asked for them.
fn columns(
    kept: &[(String, Vec<(String, f64)>, HashMap<String, f64>)],
    filter: &Filter,
    notices: &mut Vec<String>,
) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in kept.iter().flat_map(|(_, _, metrics)| metrics.keys()) {
        *counts.entry(name).or_default() += 1;
    }
    let of = |(name, count): &(&str, usize)| format!("{name} ({count} of {} runs)", kept.len());
    let partial = || counts.iter().map(|(name, count)| (*name, *count));
    let partial = partial().filter(|(_, count)| *count < kept.len());
    let (stay, go): (Vec<_>, Vec<_>) =
        partial.partition(|(_, count)| filter.include.is_some() || 2 * count > kept.len());
    if !stay.is_empty() {
        notices.push(format!(
            "metrics that some runs lack, and without which `olmix fit` leaves these runs out: {}",
            listed(stay.iter().map(of))
        ));
    }
    if !go.is_empty() {
        notices.push(format!(
            "metrics that few runs have are left out (--include brings them): {}",
            listed(go.iter().map(of))
        ));
    }
    let gone: HashSet<&str> = go.iter().map(|(name, _)| *name).collect();
    let names = counts.keys().filter(|name| !gone.contains(*name));
    names.map(|name| (*name).to_owned()).collect()
}

/// The domains, as they were given or sorted.
fn domains(
    kept: &[(String, Vec<(String, f64)>, HashMap<String, f64>)],
    given: Option<&Mixtures>,
) -> Vec<String> {
    match given {
        Some(given) if !given.domains.is_empty() => given.domains.clone(),
        _ => {
            let leaves = kept.iter().flat_map(|(_, mixture, _)| mixture);
            let all: BTreeSet<&String> = leaves.map(|(leaf, _)| leaf).collect();
            all.into_iter().cloned().collect()
        }
    }
}

fn row(name: &str, cells: impl Iterator<Item = String>) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(cells).collect()
}

fn table(
    file: &str,
    header: &[String],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<Vec<u8>, LaunchError> {
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    Ok(csv_bytes(file, &header, rows)?)
}

/// A list for people, shortened.
fn listed(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<String> = names.map(|name| name.as_ref().to_owned()).collect();
    let shown = names
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
