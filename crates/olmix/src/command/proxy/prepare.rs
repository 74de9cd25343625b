//! From a launch config to the plan of a run: shards are found, shares become sequences.

use std::path::Path;

use olmix_data::{Encoder, Format, Leaf, TokenShard, Unit, locate, settled};
use olmix_io::{DataConfig, FewShot, LaunchConfig, write_whole};
use olmix_proxy::{
    DataPlan, EvaluationPlan, LeafPlan, LeafRequest, ProxyError, Recipe, RunPlan, SequenceIndex,
    Shape, ShardPlan, Task, ValidationPlan, task_files,
};

use serde_json::Value;

use crate::failure::Failure;
use crate::output;

/// Plans the run of a config in its folder, or finds it planned there. `quiet` keeps notes back.
pub fn prepare(file: &Path, run: &Path, quiet: bool) -> Result<RunPlan, Failure> {
    let (config, _) = LaunchConfig::load(file)?;
    if !quiet {
        output::notices(&config.notices);
    }
    let data = config.data.as_ref().ok_or_else(|| {
        Failure::Usage(format!(
            "{}: there is no `data` to train on\n  help: add the section `data`",
            file.display()
        ))
    })?;
    let told =
        |error: olmix_data::DataError| Failure::Usage(format!("{}: {error}", file.display()));
    let encoder = Encoder::open(&unit(&config, data)?).map_err(told)?;
    let vocab = usize::try_from(encoder.vocabulary()).unwrap_or(usize::MAX);
    fits(file, data, &encoder)?;
    let model = Shape::of(file, &config.training, vocab)?;
    let recipe = Recipe::of(file, &config.training, &model)?;

    let located =
        locate(&leaves(&config, data)?, data.dtype.bytes(), &config.folder).map_err(told)?;
    for (leaf, shards) in config.mix.iter().zip(&located) {
        made_by(file, &leaf.name, shards, &encoder)?;
    }
    let requests: Vec<LeafRequest> = config
        .mix
        .iter()
        .zip(&located)
        .map(|(mix, shards)| LeafRequest {
            mix: mix.clone(),
            tokens: shards.iter().map(|shard| shard.tokens).sum(),
        })
        .collect();
    let total = recipe.steps * recipe.batch;
    let index = SequenceIndex::new(file, &requests, total, model.context, recipe.seed)?;
    let leaf =
        |((request, shards), &sequences): ((LeafRequest, &Vec<TokenShard>), &u64)| LeafPlan {
            name: request.mix.name,
            weight: request.mix.weight,
            repetition_factor: request.mix.repetition_factor,
            sequences,
            shards: shards.iter().map(shard).collect(),
        };
    let plan = RunPlan::new(
        config.name.clone(),
        config.group.clone(),
        model,
        recipe,
        DataPlan {
            leaves: requests
                .into_iter()
                .zip(&located)
                .zip(&index.counts)
                .map(leaf)
                .collect(),
            end_of_text: encoder.end_of_text(),
        },
        "tokenizer.json".into(),
        evaluation(file, &config, data)?,
    );
    if RunPlan::file(run).exists() {
        let planned = RunPlan::read(run)?;
        if planned == plan && SequenceIndex::file(run).exists() {
            return Ok(plan);
        }
        return Err(ProxyError::input(
            &RunPlan::file(run),
            format!(
                "is the plan of another run than {} asks for{}",
                file.display(),
                difference(&planned, &plan)
            ),
            "give another folder for this run, or remove this one",
        )
        .into());
    }
    write_whole(&run.join(&plan.tokenizer), encoder.json())?;
    index.write(run)?;
    // Last: it says that the others are there.
    plan.write(run)?;
    Ok(plan)
}

/// The first thing in which two plans differ, as their files have it: `: recipe.seed is 42 there, 43 here`.
fn difference(there: &RunPlan, here: &RunPlan) -> String {
    let json = |plan| serde_json::to_value(plan).unwrap_or_default();
    let found = first_difference("", &json(there), &json(here));
    found.map_or_else(String::new, |found| format!(": {found}"))
}

fn first_difference(at: &str, there: &Value, here: &Value) -> Option<String> {
    let within = |key: &dyn std::fmt::Display| match at {
        "" => key.to_string(),
        at => format!("{at}.{key}"),
    };
    match (there, here) {
        (Value::Object(a), Value::Object(b)) => a.iter().find_map(|(key, value)| {
            first_difference(&within(key), value, b.get(key).unwrap_or(&Value::Null))
        }),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(i, (a, b))| first_difference(&within(&i), a, b))
        }
        _ if there == here => None,
        (Value::Array(a), Value::Array(b)) => Some(format!(
            "{at} has {} entries there, {} here",
            a.len(),
            b.len()
        )),
        _ => Some(format!("{at} is {there} there, {here} here")),
    }
}

/// What texts become.
fn unit(config: &LaunchConfig, data: &DataConfig) -> Result<Unit, Failure> {
    let named = config.training.tokenizer.as_deref();
    match named.or_else(|| data.tokenizer.as_ref().map(|named| named.value.as_str())) {
        Some("bytes") => Ok(Unit::Bytes),
        Some(name) => {
            let path = config.path(name);
            if path.is_file() {
                return Ok(Unit::Tokenizer(path));
            }
            Err(Failure::Usage(format!(
                "{}: training.tokenizer `{name}` is no file\n  help: give the path of a tokenizer.json, or `bytes`",
                config.file
            )))
        }
        None => Err(Failure::Usage(format!(
            "{}: there is no training.tokenizer\n  help: give the path of the tokenizer.json that made the shards, or \
             `bytes`",
            config.file
        ))),
    }
}

/// A vocabulary that tokens of the shards can name.
fn fits(file: &Path, data: &DataConfig, encoder: &Encoder) -> Result<(), Failure> {
    let bits = 8 * data.dtype.bytes();
    if bits < 64 && encoder.vocabulary() > 1 << bits {
        return Err(Failure::Usage(format!(
            "{}: the vocabulary of {} has {} tokens, more than {} can name ({})\n  help: check data.dtype and \
             training.tokenizer; shards must be made with the tokenizer that the model is trained with",
            file.display(),
            encoder.name(),
            encoder.vocabulary(),
            data.dtype.name(),
            1_u64 << bits
        )));
    }
    Ok(())
}

/// Shards that say which tokenizer made them were made with that of the run.
fn made_by(
    file: &Path,
    leaf: &str,
    shards: &[TokenShard],
    encoder: &Encoder,
) -> Result<(), Failure> {
    for shard in shards {
        if let Some(tokenizer) = &shard.tokenizer
            && tokenizer.sha256 != encoder.sha256()
        {
            return Err(Failure::Usage(format!(
                "{}: `{leaf}`: {} was made with the tokenizer `{}` ({} tokens), and training.tokenizer is `{}` ({} tokens)\n  \
                 help: give the tokenizer.json in the shards' folder as training.tokenizer, or run `olmix tokenize` with this one",
                file.display(),
                shard.path.display(),
                tokenizer.name,
                tokenizer.vocab,
                encoder.name(),
                encoder.vocabulary()
            )));
        }
    }
    Ok(())
}

/// The leaves of the mixture, where the data says they are.
fn leaves(config: &LaunchConfig, data: &DataConfig) -> Result<Vec<Leaf>, Failure> {
    let known = data.leaf_paths(&Format::ALL)?;
    let leaf = |mix: &olmix_io::MixLeaf| {
        let found = known.iter().find(|(name, ..)| *name == mix.name);
        found
            .map(|(name, paths, format)| Leaf {
                name: name.clone(),
                paths: paths.clone(),
                format: *format,
            })
            .ok_or_else(|| {
                let names: Vec<&str> = known.iter().take(20).map(|(name, ..)| name.as_str()).collect();
                Failure::Usage(format!(
                    "{}: `mix` names `{}`, which has no shards in `data.sources`\n  help: the leaves there are {}",
                    config.file,
                    mix.name,
                    names.join(", ")
                ))
            })
    };
    config.mix.iter().map(leaf).collect()
}

/// What is measured, with every path absolute.
fn evaluation(
    file: &Path,
    config: &LaunchConfig,
    data: &DataConfig,
) -> Result<EvaluationPlan, Failure> {
    let wanted = &config.evaluation;
    let paths: Vec<_> = wanted.tasks.iter().map(|path| config.path(path)).collect();
    let tasks: Vec<_> = task_files(&paths)?
        .iter()
        .map(|path| settled(path))
        .collect();
    // Now, and not when the model is trained.
    for path in &tasks {
        Task::read(path)?;
    }
    let prefix = |path: &String| settled(&config.path(path));
    let few_shot = match &wanted.few_shot {
        None => Vec::new(),
        Some(FewShot::File(path)) => vec![("*".to_owned(), prefix(path))],
        Some(FewShot::ByTask(files)) => files
            .iter()
            .map(|(task, path)| (task.clone(), prefix(path)))
            .collect(),
    };
    let leaves: Vec<Leaf> = wanted
        .validation
        .iter()
        .map(|leaf| Leaf {
            name: leaf.name.clone(),
            paths: leaf.paths.clone(),
            format: None,
        })
        .collect();
    let located = locate(&leaves, data.dtype.bytes(), &config.folder);
    let located = located
        .map_err(|error| Failure::Usage(format!("{}: eval.validation: {error}", file.display())))?;
    let validation = leaves
        .into_iter()
        .zip(located)
        .map(|(leaf, shards)| ValidationPlan {
            name: leaf.name,
            bytes: shards.iter().map(|shard| shard.bytes).sum(),
            shards: shards.iter().map(shard).collect(),
        });
    Ok(EvaluationPlan {
        tasks,
        few_shot,
        validation: validation.collect(),
    })
}

fn shard(located: &TokenShard) -> ShardPlan {
    ShardPlan {
        path: located.path.clone(),
        offset: located.offset,
        width: located.width,
        tokens: located.tokens,
    }
}
