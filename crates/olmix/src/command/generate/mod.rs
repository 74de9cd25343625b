//! `olmix generate`.

mod phases;

use olmix_core::generate::{Drawn, Sampler, draw_in_phases, draw_swarm, steps};
use olmix_core::{CoreError, Observer};
use olmix_fs::{StagedSet, check_writable};
use olmix_io::{
    CHECKSUMS, Checksums, DrawnSwarm, FirstFit, GenerationConfig, LaunchBase, LaunchConfig,
    SampledDomain, SamplingPlan,
};
use olmix_report::{SwarmWeights, swarm_weights};
use serde_json::json;

use phases::{phase_lines, phase_weights};

use super::cost::{self, Cost, Work};
use super::on_threads;
use crate::args::GenerateArgs;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::progress::Bar;
use crate::table::{number, percent, table};

/// Rows of the printed table.
const MOST_PRINTED: usize = 20;

/// Draws the swarm of a generation config, writes its files and prints what it is.
pub fn run(args: &GenerateArgs) -> Result<(), Failure> {
    on_threads(args.common, || {
        let quiet = args.common.quiet || args.common.json;
        let bar = Bar::new(quiet);
        bar.begin("reading", 1);
        let (mut config, _) = GenerationConfig::load(&args.config)?;
        if let Some(variants) = args.variants {
            config.swarm.variants = Some(variants as usize);
        }
        if let Some(replicates) = args.replicates {
            config.swarm.replicates = replicates as usize;
        }
        config.swarm.seed = args.seed.unwrap_or(config.swarm.seed);
        config.swarm.design = args.design.unwrap_or(config.swarm.design);
        let base = args.base.as_deref().map(LaunchBase::read).transpose()?;
        let plan = config.plan()?;
        check_writable(&args.output)?;
        if !args.common.quiet {
            bar.aside(|| {
                output::notices(&config.notices);
                output::notices(&plan.notices);
                if plan.by_rule {
                    output::notices(&[format!(
                        "K = {} (m + 1) = {} runs for m = {} free leaves; set swarm.variants or --variants \
                         for another number",
                        if plan.phases.is_some() { 4 } else { 3 },
                        plan.variants,
                        plan.tree.free_leaves()
                    )]);
                }
            });
        }
        let refused = |error: CoreError| Failure::refused(format!("{}: {error}", config.file));
        let sampler = Sampler::new(&plan.tree, &plan.options).map_err(refused)?;
        let phased = plan.phases.as_ref().zip(plan.phased_options(&config));
        let phased = phased.map(|(of_phases, options)| {
            bar.begin("drawing mixtures", 1);
            (of_phases, draw_in_phases(&sampler, &options))
        });
        let drawn = if let Some((_, drawn)) = &phased {
            Drawn::only(drawn.amounts.clone(), drawn.rejections.clone())
        } else {
            let options = plan.draw_options(&config);
            let domains = plan.tree.domains().len();
            bar.begin("drawing mixtures", steps(&options, domains).max(1));
            draw_swarm(&sampler, &options, &|| bar.step()).map_err(refused)?
        };
        let center = sampler.center();
        let swarm = match &phased {
            Some((of_phases, runs)) => {
                DrawnSwarm::in_phases(&config, &plan, of_phases, (&drawn, runs), center)?
            }
            None => DrawnSwarm::new(&config, &plan, &drawn, center)?,
        };
        let base = base.as_ref().map(|(base, _)| base);
        let cost = cost_of(args, &swarm, base)?;
        bar.begin("writing", 1);
        let ratios = args.output.join("ratios.csv");
        swarm.refuse_other(&ratios)?;
        let figure = swarm_weights(&SwarmWeights {
            domains: plan.tree.domains(),
            mixtures: &drawn.mixtures,
            center: &swarm.center,
            caps: plan.options.caps.as_deref(),
        });
        // All of one swarm: a kill leaves none of another beside it.
        let mut staged = StagedSet::new(&args.output)?;
        // A config that is there may be one that someone works with.
        let fit = args.output.join("fit.yaml");
        let fit_is_new = !fit.exists();
        if fit_is_new {
            let first = FirstFit::of_plan(&config, &plan, &swarm.center);
            staged.file("fit.yaml", first.text.as_bytes())?;
        }
        if let Some(base) = base {
            staged.folder("launch", &swarm.launch_folder(base), base.has_secrets())?;
        }
        staged.file("weights.svg", figure.svg().as_bytes())?;
        staged.file("weights.png", &figure.png(1.0)?)?;
        let sums = Checksums::updated(&args.output, &[("ratios.csv", &swarm.ratios)])?;
        staged.file(CHECKSUMS, sums.bytes())?;
        // The ratios last: they say that the swarm is there.
        staged.file("ratios.csv", &swarm.ratios)?;
        staged.commit()?;
        drop(bar);
        if !args.common.quiet {
            output::warnings(swarm.warning().as_slice());
            output::warnings(&swarm.shortcomings());
        }
        if args.common.json {
            output::print_json(&json(&config, &plan, &drawn, &swarm, &cost).to_string())?;
        } else if !quiet {
            output::print(describe(&config, &drawn, &swarm, &cost))?;
            let launched = if base.is_some() { ", launch/" } else { "" };
            output::print(format!(
                "Written: {}/ratios.csv, weights.svg, weights.png{}{launched}",
                args.output.display(),
                if fit_is_new { ", fit.yaml" } else { "" }
            ))?;
        }
        Ok(())
    })
}

/// What the runs cost: those of the launch configs, which all train alike.
fn cost_of(
    args: &GenerateArgs,
    swarm: &DrawnSwarm<'_>,
    base: Option<&LaunchBase>,
) -> Result<Cost, Failure> {
    let runs = swarm.ids.len();
    let mut work = Work {
        runs,
        tokens: None,
        flops: Err("without --base nothing is known of the model"),
        measured: None,
    };
    if let Some((name, text)) = base.and_then(|base| swarm.launch_configs(base).into_iter().next())
    {
        let text = String::from_utf8_lossy(&text);
        let config = LaunchConfig::parse(&name, &text, &args.output.join("launch")).ok();
        let found = config.as_ref().and_then(cost::training);
        work.tokens = found.map(|(tokens, _)| tokens * runs as u64);
        work.flops = found
            .map(|(_, flops)| flops * runs as f64)
            .ok_or("how much the trainer of the launch config computes is not known");
    }
    cost::cost(&args.cost, work)
}

fn json(
    config: &GenerationConfig,
    plan: &SamplingPlan,
    drawn: &Drawn,
    swarm: &DrawnSwarm<'_>,
    cost: &Cost,
) -> serde_json::Value {
    let leaves = plan.collapse.full();
    let weights = |mixture: &[f64]| -> serde_json::Map<String, serde_json::Value> {
        let weights = mixture.iter().map(|&weight| weight.into());
        leaves.names().map(str::to_owned).zip(weights).collect()
    };
    let mixture = |(run, id): (usize, &String)| {
        let mut variant = json!({"run": id, "mixture": weights(&swarm.mixtures[run])});
        if let Some(phased) = &swarm.phased {
            variant["phases"] = phase_weights(phased, run, &weights);
        }
        variant
    };
    let worth = drawn.worth.iter();
    let worth: Vec<_> = worth
        .map(|(runs, error)| json!({"runs": runs, "prediction_error": error}))
        .collect();
    json!({
        "name": config.name,
        "group": swarm.group,
        "seed": config.swarm.seed,
        "design": config.swarm.design.name(),
        "free_leaves": plan.tree.free_leaves(),
        "candidates": drawn.rejections.drawn,
        "information_gained": drawn.information_gained,
        "worth": worth,
        "expected": cost::worth_json(&drawn.regret),
        "cost": cost.json(),
        "never_sampled": swarm.never_sampled().iter().map(|domain| domain.name).collect::<Vec<_>>(),
        "runs_needed": swarm.runs_needed(),
        "replicates": config.swarm.replicates,
        "phases": swarm.phased.as_ref().map(phases::json),
        "variants": swarm.ids.iter().enumerate().map(mixture).collect::<Vec<_>>(),
    })
}

fn describe(config: &GenerationConfig, drawn: &Drawn, swarm: &DrawnSwarm<'_>, cost: &Cost) -> Page {
    let row = |domain: &SampledDomain<'_>| {
        vec![
            domain.name.to_owned(),
            percent(domain.center),
            percent(domain.mean),
            percent(domain.least),
            percent(domain.most),
            format!("{:.0} %", 100.0 * domain.without),
            number(domain.epochs, 2),
        ]
    };
    let domains = swarm.domains();
    let rows: Vec<Vec<String>> = domains.iter().take(MOST_PRINTED).map(row).collect();
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
    if domains.len() > MOST_PRINTED {
        text += &format!(" … and {} smaller domains\n", domains.len() - MOST_PRINTED);
    }
    text += &format!(
        "{} runs of the swarm {}-{}, design {}, seed {}\n",
        swarm.ids.len(),
        config.name,
        swarm.group,
        config.swarm.design.name(),
        config.swarm.seed
    );
    if let Some(gained) = drawn.information_gained {
        text += &format!(
            "log-determinant of the information: {gained:.1} above that of as many random draws\n"
        );
    }
    let worth = drawn.worth.iter();
    let worth: Vec<String> = worth
        .map(|(runs, error)| format!("{} with {runs} runs", number(Some(*error), 3)))
        .collect();
    if !worth.is_empty() {
        text += &format!(
            "Error of a law's predictions near the prior, in units of one run's noise: {}\n",
            worth.join(", ")
        );
    }
    text += &cost::worth(&drawn.regret, drawn.mixtures.len());
    text += &swarm.phased.as_ref().map_or_else(String::new, phase_lines);
    text += &match config.swarm.replicates {
        0 => "No mixture is run twice: 3 to 5 runs of the prior (--replicates 3) would show the noise of each task\n"
            .to_owned(),
        1 => "The last run is one of the prior; a second one would show the noise of each task\n".to_owned(),
        many => format!("The last {many} runs are of the prior, and show the noise of each task\n"),
    };
    text + &cost.line()
}
