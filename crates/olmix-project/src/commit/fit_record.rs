//! What is recorded of a fit: its files, its settings, and where each weight comes from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use olmix_core::law::Law as _;
use olmix_io::{InputRecord, MixtureFile, sha256_hex};
use olmix_ledger::{NewFile, NewRecord, RecordKind};

use crate::Provenance;
use crate::content::{FitContent, MixtureContent, PlannedContent, WeightOrigin};
use crate::project::{new_record, to_json};

/// The record of a fit, without its number and parents. Its input files are recorded too, as far as they are
/// found, under the names that a plan's `fit.yaml` has for them.
pub(super) fn fit_record(
    path: &Path,
    file: &MixtureFile,
    mixture_json: Vec<u8>,
    by: &Provenance,
) -> NewRecord {
    let mut files = vec![NewFile {
        name: "mixture.json".into(),
        content: mixture_json,
    }];
    let mut earlier = [0, 0];
    for input in &file.inputs {
        let name = match input.role.as_str() {
            "config" => "fit.yaml".to_owned(),
            "earlier ratios" => {
                earlier[0] += 1;
                format!("earlier/{}/ratios.csv", earlier[0])
            }
            "earlier metrics" => {
                earlier[1] += 1;
                format!("earlier/{}/metrics.csv", earlier[1])
            }
            "target ratios" => "target/ratios.csv".to_owned(),
            "target metrics" => "target/metrics.csv".to_owned(),
            role => format!("{role}.csv"),
        };
        files.extend(find_input(path, input).map(|content| NewFile { name, content }));
    }
    // The settings with which it was made, those of the command line among them.
    let effective = path.with_file_name(&file.config_hash).join("config.json");
    files.extend(std::fs::read(effective).ok().map(|content| NewFile {
        name: "config.json".into(),
        content,
    }));
    let inputs = file.inputs.iter();
    let inputs = inputs.map(|input| (input.role.clone(), input.sha256.clone()));
    let title = format!("{} laws of {} runs", file.law.tasks.len(), file.fitted_runs);
    NewRecord {
        files,
        content: to_json(&FitContent {
            config_hash: file.config_hash.clone(),
            law: file.law.kind.name().to_owned(),
            seed: file.seed,
            inputs: inputs.collect(),
        }),
        ..new_record(RecordKind::Fit, "fit", &title, by)
    }
}

/// Names of domains that kept their ratios.
pub(super) fn frozen_domains(file: &MixtureFile, planned: Option<&PlannedContent>) -> Vec<String> {
    let in_file = file.virtual_domains.iter().flat_map(|one| &one.members);
    let in_plan = planned
        .iter()
        .flat_map(|planned| &planned.virtuals)
        .flat_map(|one| &one.members);
    let names = in_file.map(|member| member.domain.clone());
    names.chain(in_plan.map(|(name, _)| name.clone())).collect()
}

/// Where each weight of a mixture comes from: a frozen domain keeps the origin it had `before`, all others
/// get the fit.
pub(super) fn weight_origins(
    weights: &[(String, f64)],
    frozen: &[String],
    before: Option<&MixtureContent>,
    fit: &str,
) -> BTreeMap<String, WeightOrigin> {
    let origin = |name: &String| {
        let old = before.and_then(|before| before.origins.get(name));
        match old.filter(|_| frozen.contains(name)) {
            Some(old) => WeightOrigin {
                record: old.record.clone(),
                kept: true,
            },
            None => WeightOrigin {
                record: fit.to_owned(),
                kept: false,
            },
        }
    };
    weights
        .iter()
        .map(|(name, _)| (name.clone(), origin(name)))
        .collect()
}

/// The gain over the natural distribution by token counts, or over the prior where that is it. `None` where
/// domains kept their ratios: the laws then say nothing of the natural ones.
pub(super) fn gain_over_natural(file: &MixtureFile) -> Option<f64> {
    if !file.virtual_domains.is_empty() {
        return None;
    }
    let natural = file
        .baselines
        .iter()
        .find(|baseline| baseline.name.starts_with("natural"));
    natural.and_then(|baseline| baseline.gain).or(file.gain)
}

/// The gain over an earlier mixture (weights by leaf), as the laws of the fit predict. `None` without laws, and
/// where nothing of that mixture is left.
pub(super) fn gain_over_mixture(file: &MixtureFile, before: &[(String, f64)]) -> Option<f64> {
    let weight = |name: &str| -> f64 {
        let found = before.iter().find(|(leaf, _)| leaf == name);
        found.map_or(0.0, |(_, weight)| *weight)
    };
    let weights = file.domains.iter().map(|domain| {
        let virtual_domain = file
            .virtual_domains
            .iter()
            .find(|one| one.name == domain.name);
        virtual_domain.map_or_else(
            || weight(&domain.name),
            |one| {
                one.members
                    .iter()
                    .map(|member| weight(&member.domain))
                    .sum()
            },
        )
    });
    let mut weights: Vec<f64> = weights.collect();
    let left: f64 = weights.iter().sum();
    if left <= 0.0 {
        return None;
    }
    weights.iter_mut().for_each(|weight| *weight /= left);
    let laws = file.laws()?;
    let tasks = file.tasks();
    let losses = laws.iter().zip(&tasks);
    let loss: f64 = losses
        .map(|(law, task)| task.weight * law.predict(&weights))
        .sum();
    let gain = 1.0 - file.predicted? / loss;
    gain.is_finite().then_some(gain)
}

/// The content of an input file whose hash is still the recorded one: at its path, or at that path from a
/// folder above the result.
pub(super) fn find_input(result: &Path, input: &InputRecord) -> Option<Vec<u8>> {
    let result = std::path::absolute(result).ok()?;
    let folders = result.ancestors().skip(1);
    let places = folders.map(|folder| folder.join(&input.path));
    let mut places = std::iter::once(PathBuf::from(&input.path)).chain(places);
    places.find_map(|place| {
        let bytes = std::fs::read(place).ok()?;
        (sha256_hex(&bytes) == input.sha256).then_some(bytes)
    })
}
