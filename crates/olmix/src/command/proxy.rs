//! `olmix proxy`.

use olmix_fs::check_writable;
use olmix_io::{LaunchConfig, TrainerKind};
use olmix_proxy::{
    Event, Metrics, Model, PhasePlan, ProxyError, RunLock, RunPlan, evaluate, load_model, prepare,
    run_encoder, task_files, train,
};
use serde_json::json;

use super::launch::greatest_shares;
use super::on_threads;
use crate::args::{ProxyCommand, ProxyEvalArgs, ProxyTrainArgs};
use crate::bars::tokens_text;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::progress::Bar;
use crate::table::{number, percent, table};

/// Prepares, trains or measures.
pub fn run(command: &ProxyCommand) -> Result<(), Failure> {
    match command {
        ProxyCommand::Prepare(args) => on_threads(args.common, || prepare_run(args)),
        ProxyCommand::Train(args) => on_threads(args.common, || train_run(args)),
        ProxyCommand::Eval(args) => on_threads(args.common, || eval_run(args)),
    }
}

/// Plans the run of a config in `--out`.
fn planned(args: &ProxyTrainArgs, config: &LaunchConfig) -> Result<RunPlan, Failure> {
    if !args.common.quiet {
        output::notices(&config.notices);
    }
    let prepared = prepare(config, &args.out)?;
    let repaired = prepared.repaired.iter().map(|file| {
        format!(
            "{} was damaged since it was written, and is written again",
            file.display()
        )
    });
    output::warnings(&repaired.collect::<Vec<_>>());
    Ok(prepared.plan)
}

/// Refuses a config that asks for another trainer than the built-in one, which `proxy train` is.
fn check_builtin(config: &LaunchConfig) -> Result<(), Failure> {
    if config.trainer == TrainerKind::Builtin {
        return Ok(());
    }
    Err(Failure::usage(
        format!(
            "{}: `trainer` is another than the built-in one, which `olmix proxy train` is",
            config.file
        ),
        "run it with `olmix launch run` \
         (or by hand, after `olmix proxy prepare`), or remove `trainer`",
    ))
}

fn prepare_run(args: &ProxyTrainArgs) -> Result<(), Failure> {
    check_writable(&args.out)?;
    let (config, _) = LaunchConfig::load(&args.config)?;
    let plan = planned(args, &config)?;
    if args.common.json {
        let plan =
            serde_json::to_string(&plan).map_err(|error| Failure::Internal(error.to_string()))?;
        return output::print_json(&plan);
    }
    if !args.common.quiet {
        output::print(described(&plan))?;
    }
    Ok(())
}

/// A plan in a few lines.
fn described(plan: &RunPlan) -> Page {
    let row = |leaf: &olmix_proxy::LeafPlan| {
        let tokens: u64 = leaf.shards.iter().map(|shard| shard.tokens).sum();
        let seen = leaf.sequences * plan.model.context as u64;
        let there = leaf.cut_tokens.unwrap_or(tokens);
        vec![
            leaf.name.clone(),
            percent(leaf.weight),
            tokens_text(seen),
            tokens_text(there),
            number(Some(seen as f64 / there as f64), 2),
        ]
    };
    let rows: Vec<Vec<String>> = plan.data.leaves.iter().map(row).collect();
    let recipe = &plan.recipe;
    let phases = phases(plan);
    let weights = table(&["domain", "share", "seen", "tokens", "epochs"], &rows);
    let model = format!(
        "{}: {} model of {} parameters ({} without embeddings), {} tokens in {} steps of {} sequences of \
         {}\n\
         learning rate {:.4}, {} steps warmup, {} steps decay, seed {}",
        plan.name,
        plan.model.size,
        tokens_text(plan.model.parameters() as u64),
        tokens_text(plan.model.non_embedding_parameters() as u64),
        tokens_text(plan.tokens()),
        recipe.steps,
        recipe.batch,
        plan.model.context,
        recipe.learning_rate,
        recipe.warmup_steps,
        recipe.decay_steps,
        recipe.seed
    );
    weights + phases + model + simulated(plan) + begins(plan)
}

/// With which weights a run begins, in a sentence.
fn begins(plan: &RunPlan) -> String {
    plan.start.as_ref().map_or_else(String::new, |start| {
        let folder = start.folder.display();
        match &start.after {
            Some(after) => format!(
                "\nbegins after {after}, {} of {} steps, with {folder}",
                start.step, plan.recipe.steps
            ),
            None => format!("\nbegins with the weights of {folder}"),
        }
    })
}

/// Whose repetition a run simulates, in a sentence.
fn simulated(plan: &RunPlan) -> String {
    plan.data.simulate_target_tokens.map_or_else(String::new, |target| {
        format!(
            "\nrepeats its data as a run of {} tokens does: each domain is cut to {} of its tokens",
            tokens_text(target),
            percent(plan.tokens() as f64 / target as f64)
        )
    })
}

/// The phases of a plan: a line for each.
fn phases(plan: &RunPlan) -> Page {
    if plan.phases.is_empty() {
        return Page::default();
    }
    let batch = plan.recipe.batch * plan.model.context as u64;
    let row = |phase: &PhasePlan| {
        let parts: Vec<(f64, &str)> = phase
            .leaves
            .iter()
            .map(|leaf| (leaf.weight, leaf.name.as_str()))
            .collect();
        vec![
            phase.name.clone(),
            format!("{} to {}", phase.first_step + 1, phase.end()),
            tokens_text(phase.steps * batch),
            greatest_shares(parts),
        ]
    };
    let rows: Vec<Vec<String>> = plan.phases.iter().map(row).collect();
    table(&["phase", "steps", "tokens", "mixture"], &rows)
}

fn train_run(args: &ProxyTrainArgs) -> Result<(), Failure> {
    let (config, _) = LaunchConfig::load(&args.config)?;
    check_builtin(&config)?;
    check_writable(&args.out)?;
    let plan = planned(args, &config)?;
    let _lock = RunLock::take(&args.out)?;
    let silent = args.common.quiet || args.common.json;
    if !silent {
        output::print(described(&plan))?;
    }
    let bar = Bar::new(silent);
    bar.begin_training(plan.recipe.steps);
    let encoder = run_encoder(&plan, &args.out)?;
    let encode = |text: &str| encoder.encode(text).map_err(|error| error.to_string());
    let measure = |plan: &RunPlan, model: &Model| {
        evaluate(plan, &plan.evaluation, model, &encode, &|_, _| {})
    };
    let observe = |event| match event {
        Event::Step(at) => bar.trained(at),
        Event::DamagedModel { model, why } => bar.aside(|| {
            let model = model.display();
            output::warnings(&[format!("{model} is damaged and written again: {why}")]);
        }),
        Event::Damaged { checkpoint, why } => bar.aside(|| {
            let checkpoint = checkpoint.display();
            output::warnings(&[format!("{checkpoint} is damaged and passed over: {why}")]);
        }),
    };
    let done = train(&args.out, &observe, &measure)?;
    drop(bar);
    // Those of a checkpoint that it began with were trained elsewhere.
    let before = plan.start.as_ref().map_or(0, |start| start.step)
        * plan.recipe.batch
        * plan.model.context as u64;
    let trained = done.tokens.saturating_sub(before);
    if args.common.json {
        return output::print_json(
            &json!({
                "run": plan.name,
                "steps": plan.recipe.steps,
                "tokens": trained,
                "seconds": done.seconds,
                "loss": done.loss,
            })
            .to_string(),
        );
    }
    if !silent && done.already {
        return output::print(format!(
            "{} is trained already: {}",
            plan.name,
            olmix_proxy::model_folder(&args.out).display()
        ));
    }
    if !silent {
        output::print(format!(
            "{} tokens in {:.1} s, {} a second; the last step's loss is {:.4} nats a token. Written: {}",
            tokens_text(trained),
            done.seconds,
            tokens_text((trained as f64 / done.seconds.max(1e-9)) as u64),
            done.loss,
            olmix_proxy::model_folder(&args.out).display()
        ))?;
    }
    Ok(())
}

fn eval_run(args: &ProxyEvalArgs) -> Result<(), Failure> {
    let (plan, model) = load_model(&args.model)?;
    let mut wanted = plan.evaluation.clone();
    if !args.tasks.is_empty() {
        wanted.tasks = task_files(&args.tasks)?;
    }
    if let Some(file) = &args.few_shot {
        wanted.few_shot = vec![("*".to_owned(), file.clone())];
    }
    wanted.add_bos_token |= args.add_bos_token;
    if wanted.tasks.is_empty() && wanted.validation.is_empty() {
        return Err(ProxyError::input(
            &RunPlan::file(&args.model),
            "names nothing to measure",
            "give --tasks, or set eval.tasks or eval.validation in the launch config",
        )
        .into());
    }
    let file = args
        .output
        .clone()
        .unwrap_or_else(|| Metrics::file(&args.model));
    let encoder = run_encoder(&plan, &args.model)?;
    let bar = Bar::new(args.common.quiet || args.common.json);
    let encode = |text: &str| encoder.encode(text).map_err(|error| error.to_string());
    let metrics = evaluate(&plan, &wanted, &model, &encode, &|done, parts| {
        if done == 0 {
            bar.begin("measuring", parts as usize);
        }
        bar.add(done);
    })?;
    drop(bar);
    metrics.write(&file)?;
    if args.common.json {
        let told = json!({
            "metrics": metrics.metrics,
            "task_definition": metrics.task_definition,
        });
        output::print_json(&told.to_string())?;
    } else if !args.common.quiet {
        let row = |(name, value): (&String, &f64)| vec![name.clone(), number(Some(*value), 4)];
        let rows: Vec<Vec<String>> = metrics.metrics.iter().map(row).collect();
        output::print(table(&["metric", "value"], &rows))?;
        output::print(format!("Written: {}", file.display()))?;
    }
    Ok(())
}
