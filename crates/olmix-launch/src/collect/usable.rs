//! Which runs can be used, and what is said of those that can't.

use std::collections::{BTreeSet, HashSet};

use super::filter::Filter;
use super::mixtures::Mixtures;
use super::recording::same;
use super::run::{Cure, LeftOut, MeasuredRun, Mixture, Values};
use crate::LaunchError;

/// How many names a message lists.
const SHOWN: usize = 8;

/// Runs that mixtures are given for, and that the source does not have.
pub(super) fn name_unmeasured(
    runs: &[MeasuredRun],
    given: Option<&Mixtures>,
    left_out: &mut Vec<LeftOut>,
) {
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
pub(super) fn disagreements(runs: &[MeasuredRun], given: Option<&Mixtures>) -> Option<String> {
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
pub(super) fn numeric(runs: &[MeasuredRun]) -> BTreeSet<String> {
    let values = runs.iter().flat_map(|run| &run.values);
    let numbers = values.filter(|(_, value)| value.number.is_finite());
    numbers.map(|(name, _)| name.clone()).collect()
}

/// The notice about metrics that are not finite in any run, and so are no columns.
pub(super) fn never_finite(
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
pub(super) fn usable(
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

/// What to say where no run can be used.
pub(super) fn nothing_left(left_out: &[LeftOut], given: Option<&Mixtures>) -> LaunchError {
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
        if left_out.is_empty() {
            "there is no run to collect".to_owned()
        } else {
            format!("no run is left: {}{more}", all.join(", "))
        },
        if left_out.is_empty() {
            "launch the swarm, or name the folder of one that was (`olmix launch status` shows its runs)".to_owned()
        } else if help.is_empty() {
            "correct what is said of each run".to_owned()
        } else {
            help.join("; ")
        },
    )
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
