//! Measured runs as two tables.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use olmix_io::metrics_meta::{Direction, MetricsMeta, PhaseShare};
use olmix_io::tables::{csv_bytes, csv_number};
use olmix_ledger::PhaseMixture;

use super::filter::Filter;
use super::mixtures::Mixtures;
use super::phases;
use super::run::{Cure, LeftOut, Mixture, SourceRuns, Values};
use super::short::other_lengths;
use super::usable::{
    disagreements, listed, name_unmeasured, never_finite, nothing_left, numeric, usable,
};
use crate::LaunchError;

/// Runs as the content of `ratios.csv`, `metrics.csv` and `metrics.meta.json`.
#[derive(Debug, Clone)]
pub struct Collected {
    /// The content of `ratios.csv`: a row per run, a column per domain. Of runs with phases, a row per run and
    /// phase, with the phase's name in the column `phase` behind that of the run.
    pub ratios: Vec<u8>,
    /// The same with a row per run, whatever its phases: the mean of their mixtures by their tokens.
    pub overall: Vec<u8>,
    /// The phases of the runs, in order; none where they have one mixture each.
    pub phases: Vec<PhaseShare>,
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
    phases: Vec<PhaseMixture>,
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
        simulate_target_tokens,
    } = found;
    notices.extend(given.into_iter().flat_map(|given| given.notices.clone()));
    notices.extend(filter.learn(traits, &runs));
    name_unmeasured(&runs, given, &mut left_out);
    notices.extend(disagreements(&runs, given));
    let numeric = numeric(&runs);
    notices.extend(never_finite(&runs, &filter, &numeric));
    let mut kept: Vec<Kept> = Vec::new();
    for run in runs {
        match usable(&run, given, &filter, &numeric) {
            Ok((mixture, values)) => kept.push(Kept {
                phases: phases::of_run(&run, given),
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
    let shares = phases::common(kept.iter().map(|run| (run.name.as_str(), &run.phases[..])))?;
    let domains = domains(&kept, given);
    let header = |columns: &[String]| {
        let run = std::iter::once("run".to_owned());
        run.chain(columns.iter().cloned()).collect::<Vec<_>>()
    };
    let overall = kept
        .iter()
        .map(|run| row(&run.name, weights(&run.mixture, &domains)));
    let overall = table("ratios.csv", &header(&domains), overall)?;
    let ratios = if shares.is_empty() {
        overall.clone()
    } else {
        by_phase(&kept, &domains)?
    };
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
        phases: shares.clone(),
        simulate_target_tokens,
        ..MetricsMeta::new(directions.clone())
    };
    Ok(Collected {
        ratios,
        overall,
        phases: shares,
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

/// The weights of a mixture, as cells.
fn weights(mixture: &Mixture, domains: &[String]) -> impl Iterator<Item = String> {
    let weights: HashMap<&str, f64> = mixture
        .iter()
        .map(|(leaf, w)| (leaf.as_str(), *w))
        .collect();
    domains
        .iter()
        .map(move |domain| csv_number(weights.get(domain.as_str()).copied().unwrap_or(0.0)))
}

/// `ratios.csv` of runs with phases: a row for each phase of each run.
fn by_phase(kept: &[Kept], domains: &[String]) -> Result<Vec<u8>, LaunchError> {
    if let Some(domain) = domains.iter().find(|domain| *domain == PHASE) {
        return Err(LaunchError::refused(
            format!("a domain has the name `{domain}`, which the column of the phases has"),
            "give the domain another name in the launch configs",
        ));
    }
    let header: Vec<String> = ["run", PHASE]
        .map(str::to_owned)
        .into_iter()
        .chain(domains.iter().cloned())
        .collect();
    let rows = kept.iter().flat_map(|run| {
        run.phases.iter().map(|phase| {
            let cells = weights(&phase.mixture, domains).collect::<Vec<_>>();
            row(&run.name, std::iter::once(phase.name.clone()).chain(cells))
        })
    });
    table("ratios.csv", &header, rows)
}

/// The column of `ratios.csv` with the name of a phase.
const PHASE: &str = "phase";

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
