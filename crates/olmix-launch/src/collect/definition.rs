//! By which definition of bits per byte runs were measured: those of one table by the same.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::run::{MeasuredRun, SourceRuns};
use super::usable::listed;
use crate::LaunchError;
use crate::run::metrics;

/// What `olmix proxy eval` measured by before it named its definition.
const EARLIER: &str = "an earlier definition of bits per byte (context and answer tokenized apart)";

/// The definition that `olmix proxy eval` measured runs by, as their metrics.json tell. Different ones are
/// refused; those of other programs are not known to differ. `file` is the metrics file of a run.
pub(super) fn check(
    found: &SourceRuns,
    file: impl Fn(&MeasuredRun) -> std::path::PathBuf,
) -> Result<Option<String>, LaunchError> {
    let mut by: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for run in &found.runs {
        if let Some(definition) = of(&file(run)) {
            by.entry(definition).or_default().push(&run.name);
        }
    }
    if by.len() < 2 {
        return Ok(by.into_keys().next());
    }
    let line = |(definition, runs): (&String, &Vec<&str>)| {
        let more = match runs.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{definition}: {}{more}", runs[0])
    };
    let lines: Vec<String> = by.iter().map(line).collect();
    Err(LaunchError::refused(
        format!(
            "the tasks of these runs were measured by different definitions of bits per byte:\n  {}",
            lines.join("\n  ")
        ),
        "measure the others again: `olmix proxy eval --model RUN`, for the folder of each run",
    ))
}

/// The tokens of the run whose repetition the runs simulate, as their metrics.json tell. Different ones are refused, and
/// so are runs that simulate none beside them: one law can't be of both.
pub(super) fn check_simulation(
    found: &SourceRuns,
    file: impl Fn(&MeasuredRun) -> std::path::PathBuf,
) -> Result<Option<u64>, LaunchError> {
    let mut by: BTreeMap<Option<u64>, Vec<&str>> = BTreeMap::new();
    for run in &found.runs {
        let told = ours(&file(run)).and_then(|json| json["simulate_target_tokens"].as_u64());
        by.entry(told).or_default().push(&run.name);
    }
    if by.len() < 2 {
        return Ok(by.into_keys().next().flatten());
    }
    let line = |(tokens, runs): (&Option<u64>, &Vec<&str>)| {
        let what = tokens.map_or_else(
            || "no other run".to_owned(),
            |tokens| format!("a run of {tokens} tokens"),
        );
        format!("{what}: {}", listed(runs.iter()))
    };
    let lines: Vec<String> = by.iter().map(line).collect();
    Err(LaunchError::refused(
        format!(
            "these runs simulate the repetition of different runs (data.simulate_target_tokens):\n  {}",
            lines.join("\n  ")
        ),
        "collect them apart: how often data is repeated is part of what a law is fitted to",
    ))
}

/// The definition that a metrics file names, or is known to follow; `None` where it measured no task, or is
/// another program's.
fn of(file: &Path) -> Option<String> {
    let json = ours(file)?;
    if let Some(named) = json["task_definition"].as_str() {
        return Some(named.to_owned());
    }
    let is_task =
        |name: &String| !name.starts_with("validation:") && !name.starts_with("validation_loss:");
    let tasks = json["metrics"].as_object()?.keys().any(is_task);
    (tasks && json["version"] == 1).then(|| EARLIER.to_owned())
}

/// A metrics file that `olmix proxy eval` wrote.
fn ours(file: &Path) -> Option<Value> {
    let json: Value = serde_json::from_slice(&olmix_fs::read_bounded(file).ok()?).ok()?;
    (json["format"] == "olmix metrics").then_some(json)
}

/// The metrics of a run that was measured again after it finished: those in its file, where they differ from
/// what was recorded.
pub(super) fn measured_again(
    file: &Path,
    recorded: &[(String, f64)],
) -> Option<Vec<(String, f64)>> {
    let named = ours(file)?["task_definition"].is_string();
    let mut found = named.then(|| metrics::read(file).ok()).flatten()?;
    let mut recorded = recorded.to_vec();
    let by_name = |a: &(String, f64), b: &(String, f64)| a.0.cmp(&b.0);
    found.sort_by(by_name);
    recorded.sort_by(by_name);
    (found != recorded).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, run: &str, json: &str) -> MeasuredRun {
        std::fs::write(folder.join(format!("{run}.json")), json).unwrap();
        MeasuredRun {
            name: run.to_owned(),
            ..MeasuredRun::default()
        }
    }

    #[test]
    fn runs_measured_by_two_definitions_are_refused_with_a_run_of_each() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let new = r#"{"format": "olmix metrics", "version": 2, "task_definition": "lm-evaluation-harness", "metrics": {"x": 1}}"#;
        let old = r#"{"format": "olmix metrics", "version": 1, "metrics": {"x": 1}}"#;
        let text = r#"{"format": "olmix metrics", "version": 1, "metrics": {"validation:web": 1}}"#;
        let other = r#"{"x": 1}"#;
        let file = |run: &MeasuredRun| at.join(format!("{}.json", run.name));
        let runs = |list: &[(&str, &str)]| SourceRuns {
            runs: list
                .iter()
                .map(|(run, json)| write(at, run, json))
                .collect(),
            ..SourceRuns::default()
        };
        let same = runs(&[("a", new), ("b", new), ("c", other), ("d", text)]);
        let found = check(&same, file).unwrap();
        assert_eq!(found.as_deref(), Some("lm-evaluation-harness"));
        let same = runs(&[("a", old), ("b", old), ("c", other), ("d", text)]);
        assert_eq!(check(&same, file).unwrap().as_deref(), Some(EARLIER));
        let none = runs(&[("c", other), ("d", text)]);
        assert_eq!(check(&none, file).unwrap(), None);
        let mixed = runs(&[("a", new), ("b", old), ("c", old)]);
        let message = check(&mixed, file).unwrap_err().to_string();
        for says in [
            "tokenized apart): b and 1 more",
            "lm-evaluation-harness: a",
            "olmix proxy eval --model RUN",
        ] {
            assert!(message.contains(says), "{message}");
        }
    }

    #[test]
    fn a_run_measured_again_has_the_metrics_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let new = r#"{"format": "olmix metrics", "version": 2, "task_definition": "lm-evaluation-harness", "metrics": {"x": 1}}"#;
        write(folder.path(), "a", new);
        let file = folder.path().join("a.json");
        let one = [("x".to_owned(), 1.0)];
        assert_eq!(
            measured_again(&file, &[("x".to_owned(), 2.0)]).unwrap(),
            one
        );
        assert_eq!(measured_again(&file, &one), None);
        write(folder.path(), "a", r#"{"x": 1}"#);
        assert_eq!(measured_again(&file, &[("x".to_owned(), 2.0)]), None);
    }
}
