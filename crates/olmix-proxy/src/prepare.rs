//! From a launch config to the plan of a run: shards are found, shares become sequences.

use std::path::{Path, PathBuf};

use olmix_data::{Encoder, Format, Leaf, TokenShard, Unit, locate};
use olmix_fs::{canonical_parent, write_whole};
use olmix_io::generation_config::DataConfig;
use olmix_io::launch_config::FewShot;
use olmix_io::{ArrayDifference, LaunchConfig, MixLeaf, json_differences};
use serde_json::Value;

use crate::checksums::{self, Checksums, read_checked};
use crate::evaluate::ItemEncoder;
use crate::order::Asker;
use crate::sampler::index;
use crate::start::Beginner;
use crate::{
    DataPlan, EvaluationPlan, Hyperparameters, LeafRequest, ProxyError, RunPlan, SequenceIndex,
    Shape, ShardPlan, Task, ValidationPlan, order, task_files,
};

/// Plans the run of a launch config in its folder, or finds it planned there: run.json (the plan),
/// sequences.bin (the order of the data), tokenizer.json, and their checksums. The plan is written last, so a
/// folder that has it has all of them. The same config and shards give the same bytes, so that what is damaged
/// of a planned run is written again, and told.
///
/// # Errors
/// [`ProxyError`] for the first thing that can't be honoured: a tokenizer or shards that are missing or do
/// not belong together, more tokens than the shards have, a folder that has the plan of another run.
pub fn prepare(config: &LaunchConfig, run: &Path) -> Result<Prepared, ProxyError> {
    let file = Path::new(&config.file);
    let data = data_of(config)?;
    let unusable = |error| ProxyError::data(&config.file, error);
    // An unknown size is told before a tokenizer is asked for.
    Shape::of(file, &config.training, 1)?;
    let encoder = Encoder::open(&unit(config, data)?).map_err(unusable)?;
    let vocab = usize::try_from(encoder.vocabulary()).unwrap_or(usize::MAX);
    check_vocabulary(file, data, &encoder)?;
    let model = Shape::of(file, &config.training, vocab)?;
    let recipe = Hyperparameters::of(file, &config.training, &model)?;

    let located = locate(
        &leaves(config, data)?,
        data.dtype.bytes(),
        &config.folder,
        data.allow_shared_files,
    )
    .map_err(unusable)?;
    for (leaf, shards) in config.mix.iter().zip(&located) {
        check_tokenizer(file, &leaf.name, shards, &encoder)?;
    }
    let asker = Asker::new(config, data, &recipe, &model)?;
    let requests: Result<Vec<LeafRequest>, ProxyError> = config
        .mix
        .iter()
        .zip(&located)
        .map(|(mix, shards)| asker.request(mix, shards))
        .collect();
    let end_of_text = encoder.end_of_text();
    let drawn = order::draw(config, requests?, &located, (&recipe, &model), end_of_text)?;
    let simulated = data.simulate_target_tokens.as_ref();
    let mut plan = RunPlan::new(
        config.name.clone(),
        config.group.clone(),
        model,
        recipe,
        DataPlan {
            leaves: drawn.leaves,
            end_of_text,
            simulate_target_tokens: simulated.map(|named| named.value),
        },
        TOKENIZER.into(),
        evaluation(config, data)?,
    );
    plan.phases = drawn.phases;
    let beginner = Beginner {
        config,
        model: &plan.model,
        recipe: &plan.recipe,
        phases: &plan.phases,
        tokenizer: encoder.json(),
        order: Some((&plan.data.leaves, &drawn.index)),
    };
    let start = beginner.start()?;
    let plan = plan.beginning_with(start);
    check_tasks(&plan, &encoder)?;
    let (plan_bytes, index_bytes) = (plan.bytes()?, drawn.index.bytes());
    let files = [
        (TOKENIZER, encoder.json()),
        (index::FILE, &index_bytes[..]),
        (crate::plan::FILE, &plan_bytes[..]),
    ];
    if RunPlan::file(run).exists() {
        let repaired = repair(run, &files)?;
        let planned = RunPlan::read(run)?;
        if planned == plan && SequenceIndex::file(run).exists() {
            return Ok(Prepared { plan, repaired });
        }
        return Err(ProxyError::input(
            &RunPlan::file(run),
            format!(
                "is the plan of another run than {} asks for{}",
                file.display(),
                difference(&planned, &plan)
            ),
            "give another folder for this run, or remove this one",
        ));
    }
    write_whole(&run.join(checksums::FILE), Checksums::of(&files).bytes())?;
    // The plan is the last: it says that the others are there.
    for (name, bytes) in files {
        write_whole(&run.join(name), bytes)?;
    }
    Ok(Prepared {
        plan,
        repaired: Vec::new(),
    })
}

/// The tokenizer in a run's folder.
const TOKENIZER: &str = "tokenizer.json";

/// A run that is planned in its folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The plan.
    pub plan: RunPlan,
    /// Files that were damaged since they were written, and are what they were again.
    pub repaired: Vec<PathBuf>,
}

/// Puts files of a planned run right that are damaged: not what their checksums say, where these are the
/// checksums of `files`, which the config makes. Returns them.
///
/// # Errors
/// [`ProxyError::File`]; what is damaged and not of this run is left to those who read it.
fn repair(run: &Path, files: &[(&str, &[u8])]) -> Result<Vec<PathBuf>, ProxyError> {
    let Some(sums) = Checksums::read(run)? else {
        return Ok(Vec::new());
    };
    let mut repaired = Vec::new();
    let mut intact = 0;
    for (name, bytes) in files {
        let path = run.join(name);
        let there = std::fs::read(&path).ok();
        intact += usize::from(there.as_deref() == Some(*bytes));
        if there.is_some_and(|there| !sums.agree(name, &there)) && sums.agree(name, bytes) {
            write_whole(&path, bytes)?;
            repaired.push(path);
        }
    }
    let expected = Checksums::of(files);
    if intact == files.len() && sums != expected {
        let path = run.join(checksums::FILE);
        write_whole(&path, expected.bytes())?;
        repaired.push(path);
    }
    Ok(repaired)
}

/// What a config says of its data.
pub(crate) fn data_of(config: &LaunchConfig) -> Result<&DataConfig, ProxyError> {
    config.data.as_ref().ok_or_else(|| {
        ProxyError::input(
            Path::new(&config.file),
            "there is no `data` to train on",
            "add the section `data`",
        )
    })
}

/// The first thing in which two plans differ, as their files have it: `: recipe.seed is 42 there, 43 here`.
fn difference(there: &RunPlan, here: &RunPlan) -> String {
    let json = |plan| serde_json::to_value(plan).unwrap_or_default();
    let (there, here) = (json(there), json(here));
    let found = json_differences(&there, &here, ArrayDifference::ByElement);
    let Some(first) = found.first() else {
        return String::new();
    };
    let place = first.place();
    match (first.from, first.to) {
        (Value::Array(a), Value::Array(b)) => {
            format!(": {place} has {} entries there, {} here", a.len(), b.len())
        }
        (from, to) => format!(": {place} is {from} there, {to} here"),
    }
}

/// What the texts of the run become tokens with.
pub(crate) fn unit(config: &LaunchConfig, data: &DataConfig) -> Result<Unit, ProxyError> {
    let named = config.training.tokenizer.as_deref();
    match named.or_else(|| data.tokenizer.as_ref().map(|named| named.value.as_str())) {
        Some("bytes") => Ok(Unit::Bytes),
        Some(name) => {
            let path = config.path(name);
            if path.is_file() {
                return Ok(Unit::Tokenizer(path));
            }
            Err(ProxyError::input(
                Path::new(&config.file),
                format!("training.tokenizer `{name}` is not a file"),
                match name {
                    // The names that the reference implementation's configs have.
                    "dolma2" => {
                        "that is a name of OLMo-core's: give the path of its tokenizer.json, which is in \
                         allenai/dolma2-tokenizer on the Hugging Face Hub"
                    }
                    _ => "give the path of a tokenizer.json, or `bytes`",
                },
            ))
        }
        None => Err(ProxyError::input(
            Path::new(&config.file),
            "there is no training.tokenizer",
            "give the path of the tokenizer.json that made the shards, or `bytes`",
        )),
    }
}

/// Refuses a vocabulary with more tokens than the numbers of the shards can name.
pub(crate) fn check_vocabulary(
    file: &Path,
    data: &DataConfig,
    encoder: &Encoder,
) -> Result<(), ProxyError> {
    let bits = 8 * data.dtype.bytes();
    if bits < 64 && encoder.vocabulary() > 1 << bits {
        return Err(ProxyError::input(
            file,
            format!(
                "the vocabulary of {} has {} tokens, more than {} can name ({})",
                encoder.name(),
                encoder.vocabulary(),
                data.dtype.name(),
                1_u64 << bits
            ),
            "check data.dtype and training.tokenizer; shards must be made with the tokenizer that the model \
             is trained with",
        ));
    }
    Ok(())
}

/// Refuses shards that say that another tokenizer than the run's made them.
pub(crate) fn check_tokenizer(
    file: &Path,
    leaf: &str,
    shards: &[TokenShard],
    encoder: &Encoder,
) -> Result<(), ProxyError> {
    for shard in shards {
        if let Some(tokenizer) = &shard.tokenizer
            && tokenizer.sha256 != encoder.sha256()
        {
            return Err(ProxyError::input(
                file,
                format!(
                    "`{leaf}`: {} was made with the tokenizer `{}` ({} tokens), and training.tokenizer is \
                     `{}` ({} tokens)",
                    shard.path.display(),
                    tokenizer.name,
                    tokenizer.vocab,
                    encoder.name(),
                    encoder.vocabulary()
                ),
                "give the tokenizer.json in the shards' folder as training.tokenizer, or run \
                 `olmix tokenize` with this one",
            ));
        }
    }
    Ok(())
}

/// The leaves of the mixture, where the data says they are.
pub(crate) fn leaves(config: &LaunchConfig, data: &DataConfig) -> Result<Vec<Leaf>, ProxyError> {
    let known = data.leaf_paths(&Format::ALL)?;
    let leaf = |mix: &MixLeaf| {
        let found = known.iter().find(|(name, ..)| *name == mix.name);
        found
            .map(|(name, paths, format)| Leaf {
                name: name.clone(),
                paths: paths.clone(),
                format: *format,
            })
            .ok_or_else(|| {
                let names: Vec<&str> = known
                    .iter()
                    .take(20)
                    .map(|(name, ..)| name.as_str())
                    .collect();
                ProxyError::input(
                    Path::new(&config.file),
                    format!(
                        "`mix` names `{}`, which has no shards in `data.sources`",
                        mix.name
                    ),
                    format!("the leaves there are {}", names.join(", ")),
                )
            })
    };
    config.mix.iter().map(leaf).collect()
}

/// What is measured, with every path absolute.
pub(crate) fn evaluation(
    config: &LaunchConfig,
    data: &DataConfig,
) -> Result<EvaluationPlan, ProxyError> {
    let wanted = &config.evaluation;
    let paths: Vec<_> = wanted.tasks.iter().map(|path| config.path(path)).collect();
    let tasks: Vec<_> = task_files(&paths)?
        .iter()
        .map(|path| canonical_parent(path))
        .collect();
    // Now, and not when the model is trained.
    for path in &tasks {
        Task::read(path)?;
    }
    let prefix = |path: &String| {
        let path = canonical_parent(&config.path(path));
        let found = std::fs::metadata(&path);
        found.map_err(|error| ProxyError::unreadable(&path, &error))?;
        Ok::<_, ProxyError>(path)
    };
    let few_shot = match &wanted.few_shot {
        None => Vec::new(),
        Some(FewShot::File(path)) => vec![("*".to_owned(), prefix(path)?)],
        Some(FewShot::ByTask(files)) => files
            .iter()
            .map(|(task, path)| Ok((task.clone(), prefix(path)?)))
            .collect::<Result<_, ProxyError>>()?,
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
    let located = locate(&leaves, data.dtype.bytes(), &config.folder, true);
    let located = located
        .map_err(|error| ProxyError::data(&format!("{}: eval.validation", config.file), error))?;
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
        add_bos_token: wanted.add_bos_token,
        validation: validation.collect(),
    })
}

/// Refuses tasks that can't be measured of the model of a plan, before it is trained.
fn check_tasks(plan: &RunPlan, encoder: &Encoder) -> Result<(), ProxyError> {
    let encode = |text: &str| encoder.encode(text).map_err(|error| error.to_string());
    let items = ItemEncoder {
        encode: &encode,
        end_of_text: plan.data.end_of_text,
        add_bos_token: plan.evaluation.add_bos_token,
        context: plan.model.context,
        vocab: plan.model.vocab,
    };
    items.check(&plan.evaluation)
}

/// The tokenizer that [`prepare`] put into a run's folder. That of bytes needs no library to encode.
///
/// # Errors
/// [`ProxyError::Data`] when the file is no tokenizer, [`ProxyError::Input`] for one that is damaged.
pub fn run_encoder(plan: &RunPlan, run: &Path) -> Result<Encoder, ProxyError> {
    let path = run.join(&plan.tokenizer);
    let bytes = Encoder::bytes();
    if read_checked(run, &plan.tokenizer.to_string_lossy())? == bytes.json() {
        return Ok(bytes);
    }
    Encoder::open(&Unit::Tokenizer(path)).map_err(ProxyError::from)
}

/// A shard as the plan has it.
pub(crate) fn shard(located: &TokenShard) -> ShardPlan {
    ShardPlan {
        path: located.path.clone(),
        offset: located.offset,
        width: located.width,
        big_endian: located.big_endian,
        tokens: located.tokens,
        sums: located.sums.clone(),
    }
}
