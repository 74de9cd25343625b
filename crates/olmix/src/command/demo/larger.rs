//! The proof: a larger model on the natural mixture, and on the proposed one.

use std::collections::BTreeMap;

use olmix_core::epochs;
use olmix_fs::write_whole;
use olmix_io::{GenerationConfig, LaunchBase, MixtureFile, Variant};
use olmix_proxy::{EvaluationRecord, read_journal};
use olmix_report::{Curve, Figure, MixtureTrial, TaskOutcome, trial_curves, trial_page};
use serde_json::{Value, json};

use super::Demo;
use super::data::{LARGER, LARGER_TOKENS, launch};
use crate::failure::Failure;
use crate::table::{number, percent, table};

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
        let leaf = |domain: &olmix_io::DomainEntry| {
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
        };
        let file = demo.path(format!("larger/launch/{name}.yaml"));
        write_whole(&file, base.variant(&config, &variant).as_bytes())?;
    }
    Ok(mixture)
}

/// What both runs measured.
pub struct Larger<'a> {
    mixture: &'a MixtureFile,
    natural: Vec<EvaluationRecord>,
    proposed: Vec<EvaluationRecord>,
}

impl<'a> Larger<'a> {
    /// Reads both runs, which are trained.
    pub fn read(demo: &Demo, mixture: &'a MixtureFile) -> Result<Self, Failure> {
        let run = |name: &str| {
            let folder = demo.path(format!("larger/runs/{name}"));
            let told: Vec<EvaluationRecord> = read_journal(&folder);
            if told.is_empty() {
                return Err(Failure::Internal(format!(
                    "{} measured nothing",
                    folder.display()
                )));
            }
            Ok(told)
        };
        Ok(Self {
            mixture,
            natural: run(NATURAL)?,
            proposed: run(PROPOSED)?,
        })
    }

    /// Average bits per byte of both at their ends.
    fn ends(&self) -> (f64, f64) {
        let end = |told: &[EvaluationRecord]| told.last().map_or(f64::NAN, average);
        (end(&self.natural), end(&self.proposed))
    }

    fn gain(&self) -> f64 {
        let (natural, proposed) = self.ends();
        1.0 - proposed / natural
    }

    /// The first measured step at which the proposed mixture is as good as the natural one at its end.
    fn reached(&self) -> Option<u64> {
        let (natural, _) = self.ends();
        self.proposed
            .iter()
            .find(|told| average(told) <= natural)
            .map(|told| told.step)
    }

    fn steps(&self) -> u64 {
        self.natural.last().map_or(0, |told| told.step)
    }

    /// Bits per byte by task, of the natural and of the proposed mixture, at the end.
    fn tasks(&self) -> Vec<(String, f64, f64)> {
        let end = |told: &[EvaluationRecord]| told.last().map(bits).unwrap_or_default();
        let (natural, proposed) = (end(&self.natural), end(&self.proposed));
        let pair =
            |(name, before): (&String, &f64)| Some((name.clone(), *before, *proposed.get(name)?));
        natural.iter().filter_map(pair).collect()
    }

    /// `demo.json`.
    pub fn json(&self) -> Value {
        let (natural, proposed) = self.ends();
        let tasks = self.tasks().into_iter().map(|(name, natural, proposed)| {
            (name, json!({"natural": natural, "proposed": proposed}))
        });
        json!({
            "runs": self.mixture.runs,
            "natural": natural,
            "proposed": proposed,
            "gain": self.gain(),
            "predicted_gain": self.mixture.gain,
            "steps": self.steps(),
            "steps_to_match": self.reached(),
            "tasks": tasks.collect::<serde_json::Map<String, Value>>(),
        })
    }

    /// For the terminal.
    pub fn describe(&self) -> String {
        let row = |(name, natural, proposed): (String, f64, f64)| {
            let gain = percent(1.0 - proposed / natural);
            vec![
                name,
                number(Some(natural), 4),
                number(Some(proposed), 4),
                gain,
            ]
        };
        let rows: Vec<Vec<String>> = self.tasks().into_iter().map(row).collect();
        format!(
            "{}{}",
            table(
                &["task, bits per byte", "natural", "proposed", "lower by"],
                &rows
            ),
            self.sentence()
        )
    }

    /// The result in a sentence.
    fn sentence(&self) -> String {
        let (natural, proposed) = self.ends();
        let saved = match self.reached() {
            Some(step) if step < self.steps() => format!(
                "It reaches what the natural mixture ends with after {step} of {} steps: {:.1} times as fast.",
                self.steps(),
                self.steps() as f64 / step as f64
            ),
            _ => "It does not save steps.".to_owned(),
        };
        let change = if proposed <= natural {
            format!("{} lower", percent(1.0 - proposed / natural))
        } else {
            format!("{} higher", percent(proposed / natural - 1.0))
        };
        format!(
            "A model ten times larger has {proposed:.4} bits per byte with the proposed mixture and {natural:.4} with \
             the natural one: {change}. {saved}"
        )
    }

    fn curves(&self) -> [Curve; 2] {
        let curve = |name: &str, told: &[EvaluationRecord]| Curve {
            name: name.to_owned(),
            points: told
                .iter()
                .map(|told| (told.step as f64, average(told)))
                .collect(),
        };
        [
            curve(NATURAL, &self.natural),
            curve(PROPOSED, &self.proposed),
        ]
    }

    /// Both curves.
    pub fn figure(&self) -> Figure {
        trial_curves(&self.curves())
    }

    /// The page of the whole story.
    pub fn page(&self, demo: &Demo) -> Result<String, Failure> {
        let failed = |error: olmix_core::CoreError| Failure::Internal(error.to_string());
        let outcome = |(name, natural, proposed)| TaskOutcome {
            name,
            natural,
            proposed,
        };
        let prior = self.mixture.prior().map_err(failed)?;
        let proposed = self.mixture.mixture().map_err(failed)?;
        Ok(trial_page(&MixtureTrial {
            title: "What a better mixture is worth",
            sentence: &self.sentence(),
            runs: self.mixture.runs,
            predicted_gain: self.mixture.gain,
            gain: self.gain(),
            curves: &self.curves(),
            tasks: &self
                .tasks()
                .into_iter()
                .map(outcome)
                .collect::<Vec<TaskOutcome>>(),
            prior: &prior,
            proposed: proposed.as_ref().unwrap_or(&prior),
            fit_report: "out/report.html",
            command: &format!("olmix demo --seed {}", demo.seed),
            version: env!("CARGO_PKG_VERSION"),
        }))
    }
}

/// Mean bits per byte of a measurement's tasks.
fn average(told: &EvaluationRecord) -> f64 {
    let bits = bits(told);
    bits.values().sum::<f64>() / bits.len() as f64
}

/// The bits per byte in it: accuracies are no losses.
fn bits(told: &EvaluationRecord) -> BTreeMap<String, f64> {
    let losses = told
        .metrics
        .iter()
        .filter(|(name, _)| !name.ends_with(":accuracy"));
    losses.map(|(name, value)| (name.clone(), *value)).collect()
}
