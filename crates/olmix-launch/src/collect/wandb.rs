//! Local run folders of Weights & Biases: `wandb/run-DATE_TIME-ID/files/wandb-summary.json`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use olmix_io::yaml::Document;

use super::folder::entries;
use super::mixtures::Mixtures;
use super::{MeasuredRun, SourceRuns};
use crate::LaunchError;
use crate::run::metrics::{self, BadMetrics};

/// Whether a folder is one of these, or has one.
pub(super) fn is_one(folder: &Path) -> bool {
    run_folders(folder).is_ok_and(|found| !found.is_empty())
}

/// The run folders in a folder or in its `wandb`, the earliest first.
fn run_folders(folder: &Path) -> Result<Vec<(String, PathBuf)>, LaunchError> {
    let inner = folder.join("wandb");
    let folder = if inner.is_dir() { &inner } else { folder };
    let mut found = entries(folder)?;
    found.retain(|(name, path)| {
        (name.starts_with("run-") || name.starts_with("offline-run-"))
            && path.join("files").is_dir()
    });
    // By date, which stands in the name behind the word.
    found.sort_by_key(|(name, _)| name.trim_start_matches("offline-").to_owned());
    Ok(found)
}

pub(super) fn read(folder: &Path, given: Option<&Mixtures>) -> Result<SourceRuns, LaunchError> {
    let mut found = SourceRuns::default();
    let mut latest: HashMap<String, usize> = HashMap::new();
    for (name, path) in run_folders(folder)? {
        let files = path.join("files");
        let run = name_of(&name, &files, given);
        let measured = match metrics::read_all(&files.join("wandb-summary.json")) {
            Ok((mut metrics, mut not_finite)) => {
                // Weights & Biases' own: _step, _runtime, _timestamp, _wandb.
                metrics.retain(|(metric, _)| !metric.starts_with('_'));
                not_finite.retain(|metric| !metric.starts_with('_'));
                MeasuredRun {
                    name: run,
                    mixture: None,
                    metrics,
                    not_finite,
                }
            }
            Err(BadMetrics::Missing) => {
                let why = "it has no wandb-summary.json, so it did not finish";
                found.left_out.push((run, why.into()));
                continue;
            }
            Err(BadMetrics::Wrong(what)) => {
                found
                    .left_out
                    .push((run, format!("wandb-summary.json: {what}")));
                continue;
            }
        };
        if let Some(&earlier) = latest.get(&measured.name) {
            found.notices.push(format!(
                "`{}` was run several times; the latest is taken ({name})",
                measured.name
            ));
            found.runs[earlier] = measured;
        } else {
            latest.insert(measured.name.clone(), found.runs.len());
            found.runs.push(measured);
        }
    }
    // A run that was begun again and finished is no loss.
    found
        .left_out
        .retain(|(name, _)| !latest.contains_key(name));
    Ok(found)
}

/// The name that the run's config gives it, or the folder's; where mixtures are given, the one of
/// these (and of the id at the folder's end) that they know.
fn name_of(folder: &str, files: &Path, given: Option<&Mixtures>) -> String {
    let id = folder.rsplit('-').next().unwrap_or(folder);
    let configured = config_name(&files.join("config.yaml"));
    let known = |name: &String| given.is_some_and(|given| given.of.contains_key(name));
    let candidates = configured
        .into_iter()
        .chain([folder.to_owned(), id.to_owned()]);
    let candidates: Vec<String> = candidates.collect();
    let found = candidates.iter().find(|name| known(name)).cloned();
    found.unwrap_or_else(|| candidates[0].clone())
}

/// `name` or `run_name` of a config, as a plain value or as `{value: …}`.
fn config_name(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let document = Document::parse(&path.display().to_string(), &text).ok()?;
    let entries = document.root().entries().ok()?;
    ["name", "run_name"].into_iter().find_map(|wanted| {
        let (_, value) = entries.iter().find(|(key, _)| *key == wanted)?;
        let inner = value.entries().ok();
        let inner = inner.and_then(|inner| inner.into_iter().find(|(key, _)| *key == "value"));
        let value = inner.map_or_else(|| value.clone(), |(_, value)| value);
        value.text().ok().map(str::to_owned)
    })
}
