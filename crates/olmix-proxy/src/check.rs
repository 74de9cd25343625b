//! Launch configs, checked as [`crate::prepare`] would check them, without writing anything.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use olmix_data::{Encoder, Leaf, TokenShard, Unit, locate};
use olmix_io::LaunchConfig;
use olmix_io::launch_config::{EvaluationConfig, StartConfig};

use crate::evaluate::ItemEncoder;
use crate::order::Asker;
use crate::prepare::{check_tokenizer, check_vocabulary, data_of, evaluation, leaves, unit};
use crate::start::Beginner;
use crate::{Hyperparameters, ProxyError, Shape, phases, skipped_steps};

/// Checks many configs, of which most name the same files: each is looked at once.
#[derive(Debug, Default)]
pub struct ConfigCheck {
    encoders: HashMap<Unit, Encoder>,
    /// Shards by leaf, width of tokens, and the folder that relative paths start at.
    shards: HashMap<(Leaf, u64, PathBuf), Vec<TokenShard>>,
    /// Evaluations by folder, tokenizer, and the tokens that the model sees.
    evaluated: Vec<(PathBuf, EvaluationConfig, Unit, usize)>,
    /// Weights that runs begin with, which are long files.
    started: Vec<Started>,
}

/// What is asked of the weights that a run begins with, until its data is drawn.
#[derive(Debug, PartialEq)]
struct Started {
    folder: PathBuf,
    start: StartConfig,
    model: Shape,
    recipe: Hyperparameters,
    /// Steps that are done where the phase ends.
    step: u64,
    unit: Unit,
}

impl ConfigCheck {
    /// Finds what would keep a run of the built-in trainer or of `trainers/torch` from being planned.
    ///
    /// # Errors
    /// Those of [`crate::prepare`], but for what is in a run's folder.
    pub fn check(&mut self, config: &LaunchConfig) -> Result<(), ProxyError> {
        let file = Path::new(&config.file);
        let data = data_of(config)?;
        let unusable = |error| ProxyError::data(&config.file, error);
        let unit = unit(config, data)?;
        if !self.encoders.contains_key(&unit) {
            let encoder = Encoder::open(&unit).map_err(unusable)?;
            self.encoders.insert(unit.clone(), encoder);
        }
        let encoder = &self.encoders[&unit];
        check_vocabulary(file, data, encoder)?;
        let vocab = usize::try_from(encoder.vocabulary()).unwrap_or(usize::MAX);
        let model = Shape::of(file, &config.training, vocab)?;
        let recipe = Hyperparameters::of(file, &config.training, &model)?;
        let leaves = leaves(config, data)?;
        let width = data.dtype.bytes();
        let mut requests = Vec::new();
        let mut seen = HashSet::new();
        let mut shared = false;
        let asker = Asker::new(config, data, &recipe, &model)?;
        for (mix, leaf) in config.mix.iter().zip(&leaves) {
            let key = (leaf.clone(), width, config.folder.clone());
            if !self.shards.contains_key(&key) {
                let one = std::slice::from_ref(leaf);
                let found = locate(one, width, &config.folder, true).map_err(unusable)?;
                let found = found.into_iter().flatten().collect();
                self.shards.insert(key.clone(), found);
            }
            let shards = &self.shards[&key];
            check_tokenizer(file, &leaf.name, shards, encoder)?;
            shared |= shards.iter().any(|shard| !seen.insert(shard.path.clone()));
            requests.push(asker.request(mix, shards)?);
        }
        if shared && !data.allow_shared_files {
            locate(&leaves, width, &config.folder, false).map_err(unusable)?;
        }
        let request = phases::request(config, requests, &recipe, model.context)?;
        let counts = request.counts(file)?;
        let beginner = Beginner {
            config,
            model: &model,
            recipe: &recipe,
            phases: &phases::plans(config, &request, &counts, recipe.batch),
            tokenizer: encoder.json(),
            order: None,
        };
        if let Some(start) = &config.training.start {
            let asked = Started {
                folder: config.folder.clone(),
                start: start.clone(),
                model: model.clone(),
                recipe: recipe.clone(),
                step: skipped_steps(config, recipe.steps),
                unit: unit.clone(),
            };
            if !self.started.contains(&asked) {
                beginner.start()?;
                self.started.push(asked);
            }
        }
        let (folder, asked) = (config.folder.clone(), config.evaluation.clone());
        let asked = (folder, asked, unit, model.context);
        if !self.evaluated.contains(&asked) {
            let encode = |text: &str| encoder.encode(text).map_err(|error| error.to_string());
            let items = ItemEncoder {
                encode: &encode,
                end_of_text: encoder.end_of_text(),
                add_bos_token: config.evaluation.add_bos_token,
                context: model.context,
                vocab,
            };
            items.check(&evaluation(config, data)?)?;
            self.evaluated.push(asked);
        }
        Ok(())
    }
}
