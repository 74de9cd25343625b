//! Measured runs as two tables.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use olmix_io::metrics_meta::{Direction, MetricsMeta};
use olmix_io::tables::{csv_bytes, csv_number};

use super::filter::Filter;
use super::mixtures::Mixtures;
use super::recording::same;
use super::run::{Cure, LeftOut, MeasuredRun, Mixture, SourceRuns, Values};
use super::short::other_lengths;
use crate::LaunchError;

/// How many names a message lists.
const SHOWN: usize = 8;

/// Runs as the content of `ratios.csv`, `metrics.csv` and `metrics.meta.json`.
#[derive(Debug, Clone)]
pub struct Collected {
    /// The content of `ratios.csv`: a row per run, a column per domain.
    pub ratios: Vec<u8>,
    /// The content of `metrics.csv`: the same rows, a column per metric.
    pub metrics: Vec<u8>,
    /// The content of `metrics.meta.json`: what is known about the metrics.
    pub meta: Vec<u8>,
    /// Names of the runs.
    pub runs: Vec<String>,
    /// Names of the domains.
    pub domains: Vec<String>,
    /// Names of the metrics.
    pub names: Vec<String>,
    /// Which way metrics are better, of those of which it is known.
    pub directions: BTreeMap<String, Direction>,
    /// Runs that are left out, and why.
    pub left_out: Vec<(String, String)>,
    /// What the user should know.
    pub notices: Vec<String>,
}

/// A run that can be used: its mixture, and values of the metrics that are wanted.
struct Kept {
    name: String,
    mixture: Mixture,
    values: Values,
}

/// Joins, filters and sorts.
pub(super) fn build(
    found: SourceRuns,
    given: Option<&Mixtures>,
    mut filter: Filter,
    include_short: bool,
) -> Result<Collected, LaunchError> {
    let SourceRuns {
        runs,
        mut left_out,
        mut notices,
        traits,
        definition,
    } = found;
    notices.extend(given.and_then(|given| given.notice.clone()));
    notices.extend(filter.learn(traits, &runs));
    name_unmeasured(&runs, given, &mut left_out);
    notices.extend(disagreements(&runs, given));
    let numeric = numeric(&runs);
    notices.extend(never_finite(&runs, &filter, &numeric));
    let mut kept: Vec<Kept> = Vec::new();
    for run in runs {
        match usable(&run, given, &filter, &numeric) {
            Ok((mixture, values)) => kept.push(Kept {
                name: run.name,
                mixture,
                values,
            }),
            Err((why, cure)) => left_out.push(LeftOut {
                name: run.name,
                why,
                cure,
            }),
        }
    }
    kept.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(pair) = kept.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(LaunchError::refused(
            format!("two runs have the name `{}`", pair[0].name),
            "keep one of them; runs are told apart by their names",
        ));
    }
    compare_lengths(&mut kept, include_short, &mut left_out, &mut notices);
    if kept.is_empty() {
        left_out.sort();
        return Err(nothing_left(&left_out, given));
    }
    let names = columns(&kept, &filter, &mut notices);
    leave_out_empty(&mut kept, &names, &mut left_out);
    left_out.sort();
    if names.is_empty() {
        return Err(LaunchError::refused(
            "no metric is left that most runs have",
            "check --include and --exclude, and whether all runs measured the same",
        ));
    }
    let domains = domains(&kept, given);
    let header = |columns: &[String]| {
        let run = std::iter::once("run".to_owned());
        run.chain(columns.iter().cloned()).collect::<Vec<_>>()
    };
    let ratios = kept.iter().map(|run| {
        let weights: HashMap<&str, f64> = run
            .mixture
            .iter()
            .map(|(leaf, w)| (leaf.as_str(), *w))
            .collect();
        let weight = |domain: &String| weights.get(domain.as_str()).copied().unwrap_or(0.0);
        row(
            &run.name,
            domains.iter().map(|domain| csv_number(weight(domain))),
        )
    });
    let metrics = kept.iter().map(|run| {
        let cell = |metric: &String| {
            let value = run.values.get(metric);
            value.map_or_else(String::new, |value| csv_number(value.number))
        };
        row(&run.name, names.iter().map(cell))
    });
    let known = |name: &String| Some((name.clone(), filter.direction(name)?));
    let directions: BTreeMap<String, Direction> = names.iter().filter_map(known).collect();
    let meta = MetricsMeta {
        task_definition: definition,
        ..MetricsMeta::new(directions.clone())
    };
    Ok(Collected {
        ratios: table("ratios.csv", &header(&domains), ratios)?,
        metrics: table("metrics.csv", &header(&names), metrics)?,
        meta: meta.to_bytes()?,
        runs: kept.iter().map(|run| run.name.clone()).collect(),
        domains,
        names,
        directions,
        left_out: left_out
            .into_iter()
            .map(|run| (run.name, run.why))
            .collect(),
        notices,
    })
}

/// Runs that mixtures are given for, and that the source does not have.
fn name_unmeasured(runs: &[MeasuredRun], given: Option<&Mixtures>, left_out: &mut Vec<LeftOut>) {
    let measured: HashSet<String> = runs
        .iter()
        .map(|run| &run.name)
        .chain(left_out.iter().map(|run| &run.name))
        .cloned()
        .collect();
    for name in given.map_or(&[][..], |given| &given.names) {
        if !measured.contains(name) {
            left_out.push(LeftOut {
                name: name.clone(),
                why: "nothing was measured of it".into(),
                cure: Cure::Finish,
            });
        }
    }
}

/// Runs whose tracker holds another mixture than the one that is given.
fn disagreements(runs: &[MeasuredRun], given: Option<&Mixtures>) -> Option<String> {
    let differs = |run: &&MeasuredRun| {
        let given = given.and_then(|given| given.of.get(&run.name));
        match (&run.mixture, &run.configured, given) {
            (None, Ok(Some(own)), Some(given)) => !same(own, given),
            _ => false,
        }
    };
    let names: Vec<&str> = runs
        .iter()
        .filter(differs)
        .map(|run| run.name.as_str())
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "runs whose own config has another mixture than the one that is given, which counts: {}",
            listed(names.iter())
        )
    })
}

/// Metrics that at least one run has a number of. What is null or NaN everywhere is not a metric.
fn numeric(runs: &[MeasuredRun]) -> BTreeSet<String> {
    let values = runs.iter().flat_map(|run| &run.values);
    let numbers = values.filter(|(_, value)| value.number.is_finite());
    numbers.map(|(name, _)| name.clone()).collect()
}

/// The notice about metrics that are not finite in any run, and so are no columns.
fn never_finite(
    runs: &[MeasuredRun],
    filter: &Filter,
    numeric: &BTreeSet<String>,
) -> Option<String> {
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.values.keys()).collect();
    let names = names.into_iter().filter(|name| filter.wants(name));
    let never: Vec<&String> = names.filter(|name| !numeric.contains(*name)).collect();
    (!never.is_empty()).then(|| {
        format!(
            "metrics that are not a finite number in any run are left out: {}",
            listed(never.iter())
        )
    })
}

/// A run's mixture and wanted metrics, or why it can't be used.
fn usable(
    run: &MeasuredRun,
    given: Option<&Mixtures>,
    filter: &Filter,
    numeric: &BTreeSet<String>,
) -> Result<(Mixture, Values), (String, Cure)> {
    let wanted = run.values.iter();
    let wanted = wanted.filter(|(name, _)| filter.wants(name));
    // Alone, a null may be a setting; a NaN is a measurement that went wrong.
    let wanted = wanted.filter(|(name, value)| value.number.is_finite() || numeric.contains(*name));
    let values: Values = wanted.map(|(name, value)| (name.clone(), *value)).collect();
    if let Some((name, _)) = values.iter().find(|(_, value)| !value.number.is_finite()) {
        return Err((format!("`{name}` is not a finite number"), Cure::Unknown));
    }
    if values.is_empty() {
        return Err(("it has no metric that is wanted".into(), Cure::Metrics));
    }
    // What a run's own files say it was trained on counts: configs may have changed since.
    if let Some(mixture) = &run.mixture {
        return Ok((mixture.clone(), values));
    }
    let unknown = |why: &str| Err((why.to_owned(), Cure::Mixture));
    match (given, &run.configured) {
        (Some(given), _) => match given.of.get(&run.name) {
            Some(mixture) => Ok((mixture.clone(), values)),
            None => unknown(given.broken.get(&run.name).map_or(
                "its mixture is not known: none is given under its name",
                String::as_str,
            )),
        },
        (None, Ok(Some(mixture))) => Ok((mixture.clone(), values)),
        (None, Ok(None)) => unknown("its mixture is not known"),
        (None, Err(what)) => unknown(&format!("its mixture is not known: {what}")),
    }
}

/// Leaves out, or names, the runs that stopped short of the others' last step, and names those that went on.
fn compare_lengths(
    kept: &mut Vec<Kept>,
    include_short: bool,
    left_out: &mut Vec<LeftOut>,
    notices: &mut Vec<String>,
) {
    let values: Vec<&Values> = kept.iter().map(|run| &run.values).collect();
    let (short, long) = other_lengths(&values);
    if !long.is_empty() {
        let of = |other: &super::short::OtherLength| {
            format!(
                "{} (step {}, most at {})",
                kept[other.run].name, other.step, other.reference
            )
        };
        notices.push(format!(
            "runs that went on for longer than most: {}",
            listed(long.iter().map(of))
        ));
    }
    if include_short {
        let of = |other: &super::short::OtherLength| {
            format!(
                "{} (step {} of {})",
                kept[other.run].name, other.step, other.reference
            )
        };
        if !short.is_empty() {
            notices.push(format!(
                "runs that stopped short are kept: {}",
                listed(short.iter().map(of))
            ));
        }
        return;
    }
    for other in short.iter().rev() {
        let run = kept.remove(other.run);
        left_out.push(LeftOut {
            name: run.name,
            why: format!(
                "it stopped short: `{}` was last measured at step {}, and in most runs at {} (--include-short keeps it)",
                other.metric, other.step, other.reference
            ),
            cure: Cure::Short,
        });
    }
}

/// Leaves out runs that have none of the columns.
fn leave_out_empty(kept: &mut Vec<Kept>, names: &[String], left_out: &mut Vec<LeftOut>) {
    kept.retain(|run| {
        let has_one = names.iter().any(|name| run.values.contains_key(name));
        if !has_one {
            left_out.push(LeftOut {
                name: run.name.clone(),
                why: "it has none of the metrics that most runs have".into(),
                cure: Cure::Metrics,
            });
        }
        has_one
    });
}

/// What to say where no run can be used.
fn nothing_left(left_out: &[LeftOut], given: Option<&Mixtures>) -> LaunchError {
    let all = left_out.iter().take(SHOWN);
    let all: Vec<String> = all
        .map(|run| format!("{} ({})", run.name, run.why))
        .collect();
    let more = match left_out.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let cures: BTreeSet<Cure> = left_out.iter().map(|run| run.cure).collect();
    let help = |cure: &Cure| match cure {
        Cure::Finish => Some("wait until runs have finished".to_owned()),
        Cure::Mixture => Some(match given {
            None => {
                "give the mixtures with --ratios or --variants, by the names of the runs".into()
            }
            Some(given) => format!(
                "the first column of --ratios, or `name` of --variants, has to name the runs as their source does; it has: {}",
                listed(given.names.iter())
            ),
        }),
        Cure::Metrics => Some("ask for metrics with --include".into()),
        Cure::Short => Some("keep short runs with --include-short".into()),
        Cure::Unknown => None,
    };
    let help: Vec<String> = cures.iter().filter_map(help).collect();
    LaunchError::refused(
        format!("no run is left: {}{more}", all.join(", ")),
        if help.is_empty() {
            "correct what is said of each run".to_owned()
        } else {
            help.join("; ")
        },
    )
}

/// The metrics that become columns, sorted. Those that only some runs have are told; they become columns
/// where most runs have them or someone asked for them.
fn columns(kept: &[Kept], filter: &Filter, notices: &mut Vec<String>) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in kept.iter().flat_map(|run| run.values.keys()) {
        *counts.entry(name).or_default() += 1;
    }
    let of = |(name, count): &(&str, usize)| format!("{name} ({count} of {} runs)", kept.len());
    let partial = || counts.iter().map(|(name, count)| (*name, *count));
    let partial = partial().filter(|(_, count)| *count < kept.len());
    let (stay, go): (Vec<_>, Vec<_>) =
        partial.partition(|(_, count)| filter.is_explicit() || 2 * count > kept.len());
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

/// The domains: as they were given, and after them what runs have beside these, sorted.
fn domains(kept: &[Kept], given: Option<&Mixtures>) -> Vec<String> {
    let mut domains = given.map_or_else(Vec::new, |given| given.domains.clone());
    let known: HashSet<String> = domains.iter().cloned().collect();
    let leaves = kept.iter().flat_map(|run| &run.mixture);
    let all: BTreeSet<&String> = leaves.map(|(leaf, _)| leaf).collect();
    domains.extend(
        all.into_iter()
            .filter(|leaf| !known.contains(*leaf))
            .cloned(),
    );
    domains
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
pub(super) fn listed(names: impl Iterator<Item = impl AsRef<str>>) -> String {
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
