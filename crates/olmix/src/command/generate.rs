//! `olmix generate`.

use std::path::Path;

use olmix_core::generate::{Design, DrawOptions, Drawn, Rejections, Sampler, draw_swarm, steps};
use olmix_core::{CoreError, Observer};
use olmix_fs::{StagedFile, StagedFolder, check_writable};
use olmix_io::{GenerationConfig, LaunchBase, Plan, Variant, csv_bytes, csv_number, sha256_hex};
use olmix_report::{SwarmWeights, swarm_weights};
use serde_json::json;

use super::on_threads;
use crate::args::GenerateArgs;
use crate::failure::Failure;
use crate::output;
use crate::progress::Bar;
use crate::table::{number, percent, table};

/// Rows of the printed table.
const MOST_PRINTED: usize = 20;

/// Reads, draws, writes, prints.
pub fn run(args: &GenerateArgs) -> Result<(), Failure> {
    on_threads(args.common, || {
        let (mut config, _) = GenerationConfig::load(&args.config)?;
        if let Some(variants) = args.variants {
            config.swarm.variants = Some(variants as usize);
        }
        config.swarm.seed = args.seed.unwrap_or(config.swarm.seed);
        config.swarm.design = args.design.unwrap_or(config.swarm.design);
        let base = args.base.as_deref().map(LaunchBase::read).transpose()?;
        let plan = config.plan()?;
        check_writable(&args.output)?;
        let quiet = args.common.quiet || args.common.json;
        if !args.common.quiet {
            output::notices(&config.notices);
            output::notices(&plan.notices);
            if plan.by_rule {
                output::notices(&[format!(
                    "K = 3 (m + 1) = {} runs for m = {} free leaves; set swarm.variants or --variants \
                     for another number",
                    plan.variants,
                    plan.tree.free_leaves()
                )]);
            }
        }
        let refused = |error: CoreError| Failure::refused(format!("{}: {error}", config.file));
        let sampler = Sampler::new(&plan.tree, &plan.options).map_err(refused)?;
        let bar = Bar::new(quiet);
        let options = DrawOptions {
            count: plan.variants,
            design: config.swarm.design,
            candidates: plan.candidates,
            draws_each: config.swarm.sample_multiplier,
            solve_caps: plan.solve_caps.as_deref(),
        };
        let domains = plan.tree.domains().len();
        bar.begin("drawing mixtures", steps(&options, domains).max(1));
        let drawn = draw_swarm(&sampler, &options, &|| bar.step()).map_err(refused)?;
        let why = reasons(&drawn.rejections, &plan);
        if drawn.mixtures.len() < plan.variants {
            return Err(too_few(&config, &plan, &drawn, &why));
        }
        let swarm = Swarm::new(&config, &plan, &drawn, sampler.center())?;
        bar.begin("writing", 1);
        write(args, &config, base.as_ref().map(|(base, _)| base), &swarm)?;
        drop(bar);
        let rejected = drawn.rejections.drawn - accepted(&drawn);
        if !args.common.quiet && 2 * rejected > drawn.rejections.drawn {
            output::warnings(&[format!(
                "{rejected} of {} candidates were rejected: {}",
                drawn.rejections.drawn,
                why.join("; ")
            )]);
        }
        if args.common.json {
            output::print(&swarm.json(&config).to_string())?;
        } else if !quiet {
            output::print(&swarm.describe(&config))?;
            let launched = if base.is_some() { ", launch/" } else { "" };
            output::print(&format!(
                "Written: {}/ratios.csv, weights.svg, weights.png{launched}",
                args.output.display()
            ))?;
        }
        Ok(())
    })
}

/// A swarm with all that is written and printed of it.
struct Swarm<'a> {
    plan: &'a Plan,
    drawn: &'a Drawn,
    /// The mixtures over the leaves: those of virtual domains in their ratios.
    expanded: Vec<Vec<f64>>,
    /// What the mixtures are spread around.
    center: Vec<f64>,
    group: String,
    ids: Vec<String>,
    /// Tokens of a leaf over tokens of a run: a weight divided by it is how often the leaf is seen.
    available: Option<Vec<f64>>,
    ratios: Vec<u8>,
}

impl<'a> Swarm<'a> {
    fn new(
        config: &GenerationConfig,
        plan: &'a Plan,
        drawn: &'a Drawn,
        center: Vec<f64>,
    ) -> Result<Self, Failure> {
        let names: Vec<&str> = plan.collapse.full().names().collect();
        let expanded: Vec<Vec<f64>> = drawn
            .mixtures
            .iter()
            .map(|r| plan.collapse.expand(r))
            .collect();
        let table = |ids: &[String]| {
            let mut header = vec!["run"];
            header.extend(&names);
            let rows = ids.iter().zip(&expanded).map(|(id, mixture)| {
                let weights = mixture.iter().map(|&w| csv_number(w));
                std::iter::once(id.clone()).chain(weights)
            });
            csv_bytes("ratios.csv", &header, rows)
        };
        // The group names the mixtures by what they are, so that the same swarm has the same name.
        let indices: Vec<String> = (0..drawn.mixtures.len())
            .map(|i| format!("{i:04}"))
            .collect();
        let group = sha256_hex(&table(&indices)?)[..8].to_owned();
        let id = |index: &String| format!("{}-{group}-{index}", config.name);
        let ids: Vec<String> = indices.iter().map(id).collect();
        let tokens = plan.collapse.full().tokens().zip(config.max_tokens);
        Ok(Self {
            ratios: table(&ids)?,
            plan,
            drawn,
            expanded,
            center,
            group,
            ids,
            available: tokens
                .map(|(tokens, most)| tokens.iter().map(|&n| n as f64 / most as f64).collect()),
        })
    }

    /// The most often that any run sees each sampled domain: of a virtual one, its scarcest leaf.
    fn repetition(&self) -> Option<Vec<f64>> {
        let available = self.available.as_ref()?;
        let most = |v: usize| {
            let leaves = self.plan.collapse.members(v).iter();
            let epochs = leaves.map(|&(j, share)| share / available[j]);
            let of_all = epochs.fold(0.0, f64::max);
            let mixtures = self.drawn.mixtures.iter();
            of_all * mixtures.map(|r| r[v]).fold(0.0, f64::max)
        };
        Some((0..self.center.len()).map(most).collect())
    }

    fn json(&self, config: &GenerationConfig) -> serde_json::Value {
        let domains = self.plan.collapse.full();
        let mixture = |(id, p): (&String, &Vec<f64>)| {
            let weights: serde_json::Map<String, serde_json::Value> = domains
                .names()
                .map(str::to_owned)
                .zip(p.iter().map(|&w| w.into()))
                .collect();
            json!({"run": id, "mixture": weights})
        };
        let worth = self.drawn.worth.iter();
        let worth: Vec<_> = worth
            .map(|(runs, error)| json!({"runs": runs, "prediction_error": error}))
            .collect();
        json!({
            "name": config.name,
            "group": self.group,
            "seed": config.swarm.seed,
            "design": config.swarm.design.name(),
            "free_leaves": self.plan.tree.free_leaves(),
            "candidates": self.drawn.rejections.drawn,
            "information_gained": self.drawn.information_gained,
            "worth": worth,
            "variants": self.ids.iter().zip(&self.expanded).map(mixture).collect::<Vec<_>>(),
        })
    }

    fn describe(&self, config: &GenerationConfig) -> String {
        let domains = self.plan.tree.domains();
        let mixtures = &self.drawn.mixtures;
        let mut order: Vec<usize> = (0..domains.len()).collect();
        let center = &self.center;
        order.sort_by(|&a, &b| center[b].total_cmp(&center[a]));
        let repetition = self.repetition();
        let row = |&j: &usize| {
            let weights = || mixtures.iter().map(|p| p[j]);
            let n = mixtures.len() as f64;
            let without = weights().filter(|w| *w <= 0.0).count() as f64 / n;
            vec![
                domains.name(j).to_owned(),
                percent(center[j]),
                percent(weights().sum::<f64>() / n),
                percent(weights().fold(f64::INFINITY, f64::min)),
                percent(weights().fold(0.0, f64::max)),
                format!("{:.0} %", 100.0 * without),
                number(repetition.as_ref().map(|r| r[j]), 2),
            ]
        };
        let rows: Vec<Vec<String>> = order.iter().take(MOST_PRINTED).map(row).collect();
        let header = [
            "domain",
            "prior",
            "mean",
            "least",
            "most",
            "without",
            "most epochs",
        ];
        let mut text = table(&header, &rows);
        if order.len() > MOST_PRINTED {
            text += &format!(" … and {} smaller domains\n", order.len() - MOST_PRINTED);
        }
        text += &format!(
            "{} runs of the swarm {}-{}, design {}, seed {}\n",
            mixtures.len(),
            config.name,
            self.group,
            config.swarm.design.name(),
            config.swarm.seed
        );
        if let Some(gained) = self.drawn.information_gained {
            text += &format!(
                "log-determinant of the information: {gained:.1} above that of as many random draws\n"
            );
        }
        let worth: Vec<String> = self
            .drawn
            .worth
            .iter()
            .map(|(runs, error)| format!("{} with {runs} runs", number(Some(*error), 3)))
            .collect();
        if !worth.is_empty() {
            text += &format!(
                "Error of a law's predictions near the prior, in units of one run's noise: {}\n",
                worth.join(", ")
            );
        }
        text
    }
}

/// The ratios last: they say that the swarm is there.
fn write(
    args: &GenerateArgs,
    config: &GenerationConfig,
    base: Option<&LaunchBase>,
    swarm: &Swarm<'_>,
) -> Result<(), Failure> {
    let ratios = args.output.join("ratios.csv");
    refuse_other_swarm(&ratios, &swarm.ratios)?;
    let figure = swarm_weights(&SwarmWeights {
        domains: swarm.plan.tree.domains(),
        mixtures: &swarm.drawn.mixtures,
        center: &swarm.center,
        caps: swarm.plan.options.caps.as_deref(),
    });
    let [svg, png] = figure.files("weights", 1.0)?;
    let staged = [
        StagedFile::new(&args.output.join(svg.0), &svg.1)?,
        StagedFile::new(&args.output.join(png.0), &png.1)?,
        StagedFile::new(&ratios, &swarm.ratios)?,
    ];
    if let Some(base) = base {
        let names: Vec<&str> = swarm.plan.collapse.full().names().collect();
        let launch = |(id, mixture): (&String, &Vec<f64>)| {
            let leaf = |(j, &weight): (usize, &f64)| {
                let available = swarm.available.as_ref();
                (names[j], weight, available.map(|n| weight / n[j]))
            };
            let mixture: Vec<(&str, f64, Option<f64>)> =
                mixture.iter().enumerate().map(leaf).collect();
            let variant = Variant {
                id,
                group: &swarm.group,
                mixture: &mixture,
            };
            (
                format!("{id}.yaml"),
                base.variant(config, &variant).into_bytes(),
            )
        };
        let files: Vec<(String, Vec<u8>)> =
            swarm.ids.iter().zip(&swarm.expanded).map(launch).collect();
        let folder = StagedFolder::new(&args.output.join("launch"))?;
        folder.write_all(&files)?;
        folder.commit()?;
    }
    for file in staged {
        file.commit()?;
    }
    Ok(())
}

/// A ratios.csv that holds something else may be the only record of a swarm that is being trained.
fn refuse_other_swarm(ratios: &Path, new: &[u8]) -> Result<(), Failure> {
    match std::fs::read(ratios) {
        Ok(found) if found != new => Err(Failure::usage(
            format!("{}: holds another swarm", ratios.display()),
            "give another --output, or move that file away",
        )),
        _ => Ok(()),
    }
}

fn accepted(drawn: &Drawn) -> usize {
    let rejections = &drawn.rejections;
    let refused = rejections.over_cap.iter().sum::<usize>()
        + rejections.missing.iter().sum::<usize>()
        + rejections.empty;
    rejections.drawn - refused
}

/// What rejected candidates, the most frequent first.
fn reasons(rejections: &Rejections, plan: &Plan) -> Vec<String> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for (j, &count) in rejections.over_cap.iter().enumerate() {
        let name = plan.tree.domains().name(j);
        found.push((
            count,
            format!("{count} had more of `{name}` than its tokens allow"),
        ));
    }
    for (name, &count) in plan.options.nonzero.iter().zip(&rejections.missing) {
        found.push((
            count,
            format!("{count} had none of `{name}` (nonzero_weight)"),
        ));
    }
    let count = rejections.empty;
    found.push((
        count,
        format!("{count} had nothing above the minimum weight"),
    ));
    let count = rejections.repeated;
    found.push((count, format!("{count} were like an earlier one")));
    let count = rejections.existing;
    found.push((
        count,
        format!("{count} were like one of the existing swarm"),
    ));
    found.retain(|(count, _)| *count > 0);
    found.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let more = found.len().saturating_sub(5);
    let rest: usize = found.iter().skip(5).map(|(count, _)| count).sum();
    let mut texts: Vec<String> = found.into_iter().take(5).map(|(_, text)| text).collect();
    if more > 0 {
        texts.push(format!("{rest} for {more} other reasons"));
    }
    texts
}

fn too_few(config: &GenerationConfig, plan: &Plan, drawn: &Drawn, why: &[String]) -> Failure {
    let design = match config.swarm.design {
        Design::Random => "",
        other => other.name(),
    };
    Failure::usage(
        format!(
            "{}: only {} of {} mixtures were found {}among {} candidates: {}",
            config.file,
            drawn.mixtures.len(),
            plan.variants,
            if design.is_empty() {
                String::new()
            } else {
                format!("for the design {design} ")
            },
            drawn.rejections.drawn,
            why.join("; ")
        ),
        format!(
            "raise \
         swarm.repetition_factor or lower max_tokens where tokens are short, raise min_strength to stay \
         nearer to the prior, lower the minimum weights, or raise swarm.sample_multiplier ({})",
            config.swarm.sample_multiplier
        ),
    )
}
