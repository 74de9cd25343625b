//! `olmix next`: the runs worth training next, and what stopping now costs.

use std::path::Path;

use olmix_core::{NextRuns, Observer, Swarm, fit, next_for, total_variation};
use olmix_explore::fit_behind;
use olmix_fs::{StagedSet, check_writable};
use olmix_io::launch_config::Variant;
use olmix_io::{
    CHECKSUMS, Checksums, GenerationConfig, LaunchBase, LoadedFit, NamedRuns, Overrides,
    fit_warnings, load_fit_with, refuse_other,
};
use serde_json::{Map, Value, json};

use super::{on_threads, refuse_measured_repetition};
use crate::args::NextArgs;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::progress::Bar;
use crate::table::{number, percent, table_with_text};

/// The fewest resamples that the config's number stands for.
const LEAST_RESAMPLES: usize = 20;
/// Domains of a mixture that the table names.
const NAMED: usize = 3;

/// Fits, chooses, writes the table of ratios and prints what the runs are worth.
pub fn run(args: &NextArgs) -> Result<(), Failure> {
    on_threads(args.common, || {
        let mut loaded = load(args)?;
        refuse_measured_repetition(&loaded, "the next runs are chosen by laws of weights alone")?;
        loaded.check_constraints()?;
        check_writable(&args.output)?;
        let quiet = args.common.quiet || args.common.json;
        if !args.common.quiet {
            output::notices(&loaded.notices);
        }
        let launch = args.base.as_deref().zip(args.data.as_deref());
        let launch = launch
            .map(|(base, data)| Launch::read(base, data))
            .transpose()?;
        let of_config = loaded.spec.bootstrap.max(LEAST_RESAMPLES);
        let resamples = args.bootstrap.map_or(of_config, |n| n as usize);
        loaded.spec.bootstrap = 0;
        let bar = Bar::new(quiet);
        let fitted = fit(&loaded.swarm, &loaded.spec, &bar).map_err(|e| loaded.core_error(e))?;
        bar.begin("resampling runs", resamples);
        let asked = (args.runs as usize, resamples);
        let found = next_for(&loaded.swarm, &loaded.spec, &fitted, asked, &|| bar.step());
        let found = found.map_err(|e| loaded.core_error(e))?;
        let trained = loaded.swarm.subset(&fitted.train);
        bar.begin("writing", 1);
        let next = Next::new(&loaded, &trained, &found, launch.as_ref())?;
        let ratios = args.output.join("ratios.csv");
        refuse_other(&ratios, &next.named.ratios)?;
        let mut staged = StagedSet::new(&args.output)?;
        if let Some(launch) = &launch {
            let files = launch.files(&next)?;
            staged.folder("launch", &files, launch.base.has_secrets())?;
        }
        let sums = Checksums::updated(&args.output, &[("ratios.csv", &next.named.ratios)])?;
        staged.file(CHECKSUMS, sums.bytes())?;
        // The ratios last: they say that the swarm is there.
        staged.file("ratios.csv", &next.named.ratios)?;
        staged.commit()?;
        drop(bar);
        if !args.common.quiet {
            output::warnings(&fit_warnings(&fitted, &trained, &loaded.spec));
        }
        if args.common.json {
            output::print_json(&next.json(resamples).to_string())?;
        } else if !quiet {
            output::print(next.describe(resamples))?;
            let launched = if launch.is_some() { ", launch/" } else { "" };
            output::print(format!(
                "Written: {}/ratios.csv{launched}",
                args.output.display()
            ))?;
        }
        Ok(())
    })
}

/// The fit of a config, or the one behind a mixture file.
fn load(args: &NextArgs) -> Result<LoadedFit, Failure> {
    let overrides = Overrides {
        ridge: args.laws.ridge,
        dead_domains: args.laws.dead_domains,
        ..Overrides::default()
    };
    let is_result = args.fit.is_dir() || args.fit.extension().is_some_and(|e| e == "json");
    if !is_result {
        return Ok(load_fit_with(&args.fit, &overrides)?.without_phases("olmix next")?);
    }
    let config = fit_behind(&args.fit).map_err(Failure::refused)?;
    Ok(load_fit_with(&config, &overrides)?.without_phases("olmix next")?)
}

/// What launch configs are made from.
struct Launch {
    base: LaunchBase,
    config: GenerationConfig,
    /// Names of the leaves, each with the weight at which a run would see all of its tokens once, where that is known.
    leaves: Vec<(String, Option<f64>)>,
}

impl Launch {
    fn read(base: &Path, data: &Path) -> Result<Self, Failure> {
        let (base, _) = LaunchBase::read(base)?;
        let (config, _) = GenerationConfig::load(data)?;
        let plan = config.plan()?;
        let full = plan.collapse.full();
        let once = full.iter().map(|leaf| {
            let tokens = leaf.tokens.zip(config.repeating_tokens());
            (
                leaf.name.clone(),
                tokens.map(|(tokens, run)| tokens as f64 / run as f64),
            )
        });
        Ok(Self {
            leaves: once.collect(),
            base,
            config,
        })
    }

    /// The launch configs, with their checksums.
    fn files(&self, next: &Next<'_>) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let leaf = |name: &String| self.leaves.iter().find(|(leaf, _)| leaf == name);
        if let Some(unknown) = next.domains.iter().find(|name| leaf(name).is_none()) {
            return Err(Failure::usage(
                format!(
                    "{}: no leaf is called `{unknown}`, which is a domain of the fit",
                    self.config.file
                ),
                "give the generation config of the swarm that was fitted",
            ));
        }
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        for (id, mixture) in next.named.ids.iter().zip(&next.mixtures) {
            let leaves: Vec<(&str, f64, Option<f64>)> = next
                .domains
                .iter()
                .zip(mixture)
                .map(|(name, weight)| {
                    let once = leaf(name).and_then(|(_, once)| *once);
                    (name.as_str(), *weight, once.map(|once| weight / once))
                })
                .collect();
            let variant = Variant {
                id,
                group: &next.named.group,
                mixture: &leaves,
                replicate: 0,
                phases: &[],
            };
            let text = self.base.variant(&self.config, &variant);
            files.push((format!("{id}.yaml"), text.into_bytes()));
        }
        let named = files
            .iter()
            .map(|(name, bytes)| (name.as_str(), &bytes[..]));
        let sums = Checksums::of(&named.collect::<Vec<_>>());
        files.push((CHECKSUMS.to_owned(), sums.bytes().to_vec()));
        Ok(files)
    }
}

/// The runs, as they are written and printed.
struct Next<'a> {
    found: &'a NextRuns,
    /// Domains of the table: those that virtual domains stand for in their place.
    domains: Vec<String>,
    /// Runs × domains.
    mixtures: Vec<Vec<f64>>,
    named: NamedRuns,
    /// Of each run, the nearest one that there is, and the share of its data that differs.
    nearest: Vec<(String, f64)>,
    /// The proposed mixture by domain.
    proposed: Vec<f64>,
}

impl<'a> Next<'a> {
    fn new(
        loaded: &LoadedFit,
        trained: &Swarm,
        found: &'a NextRuns,
        launch: Option<&Launch>,
    ) -> Result<Self, Failure> {
        // Of each domain of the table, the domain of the fit that it belongs to, and its share of that.
        let mut parts: Vec<(String, usize, f64)> = Vec::new();
        for (j, name) in loaded.swarm.domains().names().enumerate() {
            match loaded.virtual_domains.iter().find(|one| one.name == name) {
                None => parts.push((name.to_owned(), j, 1.0)),
                Some(one) => {
                    let members = one.members.iter();
                    parts.extend(members.map(|(member, share)| (member.clone(), j, *share)));
                }
            }
        }
        let expand = |p: &Vec<f64>| -> Vec<f64> {
            parts.iter().map(|(_, j, share)| p[*j] * share).collect()
        };
        let domains: Vec<String> = parts.iter().map(|(name, ..)| name.clone()).collect();
        let names: Vec<&str> = domains.iter().map(String::as_str).collect();
        let mixtures: Vec<Vec<f64>> = found.mixtures.iter().map(expand).collect();
        let name = launch.map_or("next", |launch| &launch.config.name);
        let nearest = |p: &Vec<f64>| {
            let distance = |run: usize| total_variation(trained.mixtures().row(run), p);
            let all = (0..trained.len()).map(|run| (trained.runs()[run].clone(), distance(run)));
            all.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default()
        };
        Ok(Self {
            named: NamedRuns::new(name, &names, &mixtures)?,
            nearest: found.mixtures.iter().map(nearest).collect(),
            proposed: expand(&found.proposed),
            domains,
            mixtures,
            found,
        })
    }

    fn mixture(&self, weights: &[f64]) -> Map<String, Value> {
        let weights = weights.iter().map(|&weight| weight.into());
        self.domains.iter().cloned().zip(weights).collect()
    }

    fn json(&self, resamples: usize) -> Value {
        let found = self.found;
        let run = |k: usize| {
            json!({
                "run": self.named.ids[k],
                "mixture": self.mixture(&self.mixtures[k]),
                "nearest_run": self.nearest[k].0,
                "distance": self.nearest[k].1,
                "regret_after": found.after[k],
            })
        };
        json!({
            "group": self.named.group,
            "runs": (0..self.mixtures.len()).map(run).collect::<Vec<_>>(),
            "proposed": self.mixture(&self.proposed),
            "predicted": found.loss,
            "regret": found.regret,
            "standard_error": found.standard_error,
            "noise": found.noise,
            "resamples": resamples,
            "candidates": found.candidates,
        })
    }

    fn describe(&self, resamples: usize) -> Page {
        let found = self.found;
        // Regrets of good swarms are small: two decimals of a percent would be 0.
        let share = |loss: f64| match loss / found.loss {
            large if large.abs() >= 1e-3 => percent(large),
            small => format!("{:.4} %", 100.0 * small),
        };
        let row = |k: usize| {
            vec![
                self.named.ids[k].clone(),
                self.most(&self.mixtures[k]),
                format!("{:.0} %", 100.0 * self.nearest[k].1),
                share(found.after[k]),
            ]
        };
        let rows: Vec<Vec<String>> = (0..self.mixtures.len()).map(row).collect();
        let header = ["run", "most of it", "from nearest run", "regret then"];
        let last = found.after.last().copied().unwrap_or(found.regret);
        let runs = match self.mixtures.len() {
            1 => "this run".to_owned(),
            many => format!("these {many} runs"),
        };
        table_with_text(&header, &rows, &[0, 1])
            + format!(
                "Stopping now: the proposed mixture is expected {} (± {}) of its loss above the best that a solve can give; \
                 after {runs}, {}.\n(loss with KL term, in the mean over {resamples} resamples of the runs; the noise of a run \
                 is taken to be {}; {} mixtures were compared)\n",
                share(found.regret),
                share(found.standard_error),
                share(last),
                number(Some(found.noise), 4),
                found.candidates
            )
    }

    /// The heaviest domains of a mixture.
    fn most(&self, mixture: &[f64]) -> String {
        let mut parts: Vec<(f64, &String)> = mixture.iter().copied().zip(&self.domains).collect();
        parts.sort_by(|a, b| b.0.total_cmp(&a.0));
        let named = parts.iter().filter(|part| part.0 > 0.0).take(NAMED);
        let texts: Vec<String> = named
            .map(|(weight, name)| format!("{:.0} % {name}", 100.0 * weight))
            .collect();
        texts.join(", ")
    }
}
