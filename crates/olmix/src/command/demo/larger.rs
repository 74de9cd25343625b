//! The trial: a larger model on the natural mixture, and on the proposed one.

use std::collections::BTreeMap;

use olmix_core::{LossChange, epochs};
use olmix_fs::write_whole;
use olmix_io::launch_config::Variant;
use olmix_io::{GenerationConfig, LaunchBase, MixtureFile};
use olmix_proxy::{EvaluationRecord, read_journal};
use olmix_report::{Figure, MixtureTrial, TaskOutcome, TrialOutcome, trial_curves, trial_page};
use serde_json::{Value, json};

use super::Demo;
use super::data::{LARGER, LARGER_TOKENS, launch};
use crate::failure::Failure;
use crate::page::Page;
use crate::table::{number, signed_change, table};

/// Steps between measurements.
const EVERY: u64 = 20;
const NATURAL: &str = "natural";
const PROPOSED: &str = "proposed";

/// Writes launch configs of both runs; the mixture that was proposed.
pub fn write_configs(demo: &Demo) -> Result<MixtureFile, Failure> {
    let mixture = MixtureFile::read(&demo.path("out/mixture.json"))?;
    let (config, _) = GenerationConfig::load(&demo.path("generate.yaml"))?;
    let base = demo.path("larger/launch.yaml");
    write_whole(
        &base,
        launch(demo, &LARGER, Some(EVERY)).to_file().as_bytes(),
    )?;
    let (base, _) = LaunchBase::read(&base)?;
    for name in [NATURAL, PROPOSED] {
        let leaf = |domain: &olmix_io::mixture_file::DomainEntry| {
            let weight = if name == NATURAL {
                Some(domain.prior)
            } else {
                domain.weight
            };
            let weight = weight.unwrap_or(domain.prior);
            let seen = domain
                .tokens
                .map(|tokens| epochs(weight, LARGER_TOKENS as f64, tokens));
            (domain.name.clone(), weight, seen)
        };
        let leaves: Vec<(String, f64, Option<f64>)> = mixture.domains.iter().map(leaf).collect();
        let leaves: Vec<(&str, f64, Option<f64>)> = leaves
            .iter()
            .map(|(name, weight, epochs)| (name.as_str(), *weight, *epochs))
            .collect();
        let variant = Variant {
            id: name,
            group: "larger",
            mixture: &leaves,
            replicate: 0,
            phases: &[],
        };
        let file = demo.path(format!("larger/launch/{name}.yaml"));
        write_whole(&file, base.variant(&config, &variant).as_bytes())?;
    }
    Ok(mixture)
}

/// The trial of the proposed mixture, and what it was made from.
pub struct Larger<'a> {
    mixture: &'a MixtureFile,
    outcome: TrialOutcome,
}

impl<'a> Larger<'a> {
    /// Reads both runs, which are trained.
    pub fn read(demo: &Demo, mixture: &'a MixtureFile) -> Result<Self, Failure> {
        let run = |name: &str| {
            let folder = demo.path(format!("larger/runs/{name}"));
            let records: Vec<EvaluationRecord> = read_journal(&folder);
            let last = records.last().map(bits_per_byte).ok_or_else(|| {
                Failure::Internal(format!("{} measured nothing", folder.display()))
            })?;
            let point = |record: &EvaluationRecord| (record.step, average(&bits_per_byte(record)));
            Ok::<_, Failure>((records.iter().map(point).collect::<Vec<_>>(), last))
        };
        let ((natural, natural_tasks), (proposed, proposed_tasks)) =
            (run(NATURAL)?, run(PROPOSED)?);
        let task = |(name, &natural): (&String, &f64)| {
            Some(TaskOutcome {
                name: name.clone(),
                natural,
                proposed: *proposed_tasks.get(name)?,
            })
        };
        Ok(Self {
            mixture,
            outcome: TrialOutcome {
                natural,
                proposed,
                tasks: natural_tasks.iter().filter_map(task).collect(),
            },
        })
    }

    /// The content of `demo.json`.
    pub fn json(&self) -> Value {
        let outcome = &self.outcome;
        let (natural, proposed) = outcome.final_losses();
        let tasks = outcome.tasks.iter().map(|task| {
            let losses = json!({"natural": task.natural, "proposed": task.proposed});
            (task.name.clone(), losses)
        });
        json!({
            "runs": self.mixture.runs,
            "natural": natural,
            "proposed": proposed,
            "gain": outcome.gain(),
            "predicted_gain": self.mixture.gain,
            "steps": outcome.steps(),
            "steps_to_match": outcome.steps_to_match(),
            "tasks": tasks.collect::<serde_json::Map<String, Value>>(),
        })
    }

    /// The losses of every task as a table for a terminal, and the result in a sentence.
    pub fn describe(&self) -> Page {
        let row = |task: &TaskOutcome| {
            vec![
                task.name.clone(),
                number(Some(task.natural), 4),
                number(Some(task.proposed), 4),
                signed_change(&LossChange {
                    name: String::new(),
                    prior: task.natural,
                    proposed: task.proposed,
                }),
            ]
        };
        let rows: Vec<Vec<String>> = self.outcome.tasks.iter().map(row).collect();
        let header = ["task, bits per byte", "natural", "proposed", "change"];
        table(&header, &rows) + &self.outcome.sentence()
    }

    /// The average loss of both runs over steps.
    pub fn figure(&self) -> Figure {
        trial_curves(&self.outcome)
    }

    /// The page of the whole demo, `report.html`.
    pub fn page(&self, demo: &Demo) -> Result<String, Failure> {
        let failed = |error: olmix_core::CoreError| Failure::Internal(error.to_string());
        let prior = self.mixture.prior().map_err(failed)?;
        let proposed = self.mixture.mixture().map_err(failed)?;
        Ok(trial_page(&MixtureTrial {
            title: "What a better mixture is worth",
            outcome: &self.outcome,
            runs: self.mixture.runs,
            predicted_gain: self.mixture.gain,
            prior: &prior,
            proposed: proposed.as_ref().unwrap_or(&prior),
            fit_report: "out/report.html",
            command: &format!("olmix demo --seed {}", demo.seed),
            version: env!("CARGO_PKG_VERSION"),
        }))
    }
}

/// Mean over tasks.
fn average(bits: &BTreeMap<String, f64>) -> f64 {
    bits.values().sum::<f64>() / bits.len() as f64
}

/// Bits per byte by task: all metrics but accuracies, which are no losses.
fn bits_per_byte(record: &EvaluationRecord) -> BTreeMap<String, f64> {
    let losses = record
        .metrics
        .iter()
        .filter(|(name, _)| !name.ends_with(":accuracy"));
    losses.map(|(name, value)| (name.clone(), *value)).collect()
}
