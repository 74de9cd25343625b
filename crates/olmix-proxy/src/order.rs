//! From the leaves of a config to the order of a run's data: shares become sequences.

use std::collections::HashMap;
use std::path::Path;

use olmix_data::TokenShard;
use olmix_io::generation_config::DataConfig;
use olmix_io::{LaunchConfig, MixLeaf};

use crate::prepare::shard;
use crate::sampler::cut::{Cut, Simulation, leaf_cut};
use crate::{
    Hyperparameters, LeafPlan, LeafRequest, PhasePlan, ProxyError, SequenceIndex, Shape, Tokens,
    phases,
};

/// What a run asks of the leaves of its data.
pub(crate) struct Asker<'a> {
    file: &'a Path,
    /// The share of each leaf's data that its files are, where they are not all of it.
    samples: HashMap<String, f64>,
    simulation: Option<Simulation>,
    context: u64,
}

impl<'a> Asker<'a> {
    /// For the run of a config.
    ///
    /// # Errors
    /// [`ProxyError::Input`] for a simulated run that is shorter than the run itself.
    pub fn new(
        config: &'a LaunchConfig,
        data: &DataConfig,
        recipe: &Hyperparameters,
        model: &Shape,
    ) -> Result<Self, ProxyError> {
        let file = Path::new(&config.file);
        let context = model.context as u64;
        let run = recipe.steps * recipe.batch * context;
        let target = data
            .simulate_target_tokens
            .as_ref()
            .map(|named| named.value);
        if let Some(target) = target.filter(|target| *target < run) {
            return Err(ProxyError::input(
                file,
                format!(
                    "data.simulate_target_tokens is {target}, less than the {run} tokens of the run"
                ),
                "give the tokens of the final run, whose repetition this run is to have",
            ));
        }
        Ok(Self {
            file,
            samples: data.samples(),
            // A run of as many tokens sees all of each leaf.
            simulation: target
                .filter(|target| *target > run)
                .map(|target| Simulation { run, target }),
            context,
        })
    }

    /// What the run asks of a leaf. Of a sample, the tokens at hand may be seen as often as makes the same of the
    /// whole.
    ///
    /// # Errors
    /// [`ProxyError::Input`] for a leaf that can't be cut to what is asked for.
    pub fn request(&self, mix: &MixLeaf, shards: &[TokenShard]) -> Result<LeafRequest, ProxyError> {
        let tokens: u64 = shards.iter().map(|shard| shard.tokens).sum();
        let sample = self.samples.get(&mix.name).copied().unwrap_or(1.0);
        let cut = self.simulation.map(|simulation| {
            let whole = tokens as f64 / sample;
            leaf_cut(
                self.file,
                &mix.name,
                (whole, tokens),
                simulation,
                self.context,
            )
        });
        let cut = cut.transpose()?;
        // What is cut is a share of the whole leaf.
        let seen_as = if cut.is_some() { 1.0 } else { sample };
        Ok(LeafRequest {
            mix: MixLeaf {
                repetition_factor: mix.repetition_factor.map(|k| k / seen_as),
                ..mix.clone()
            },
            tokens,
            cut,
        })
    }
}

/// The order of a run's data, and its leaves and phases.
pub(crate) struct Drawn {
    pub index: SequenceIndex,
    pub leaves: Vec<LeafPlan>,
    pub phases: Vec<PhasePlan>,
}

/// Draws the sequences of a config's run from leaves with these shards; documents end with `end_of_text`.
///
/// # Errors
/// [`ProxyError::Input`] for more tokens than there are, a phase without a step, and shards that can't be read.
pub(crate) fn draw(
    config: &LaunchConfig,
    requests: Vec<LeafRequest>,
    located: &[Vec<TokenShard>],
    (recipe, model): (&Hyperparameters, &Shape),
    end_of_text: Option<u32>,
) -> Result<Drawn, ProxyError> {
    let request = phases::request(config, requests, recipe, model.context)?;
    let counts = request.counts(Path::new(&config.file))?;
    let plan = |(mix, shards): (&MixLeaf, &Vec<TokenShard>)| LeafPlan {
        name: mix.name.clone(),
        weight: mix.weight,
        repetition_factor: mix.repetition_factor,
        sequences: 0,
        cut_tokens: None,
        shards: shards.iter().map(shard).collect(),
    };
    let mut leaves: Vec<LeafPlan> = config.mix.iter().zip(located).map(plan).collect();
    let mut cuts: Vec<Option<Vec<u64>>> = Vec::new();
    for (leaf, asked) in leaves.iter_mut().zip(&request.leaves) {
        let cut = asked.cut.map(|cut| {
            let cut = Cut {
                leaf: &leaf.name,
                sequences: cut.sequences,
                context: model.context as u64,
                end_of_text,
                vocab: model.vocab,
                seed: recipe.seed,
            };
            cut.starts(&Tokens::open(&leaf.shards)?)
        });
        let cut = cut.transpose()?;
        leaf.cut_tokens = cut
            .as_ref()
            .map(|starts| starts.len() as u64 * model.context as u64);
        cuts.push(cut);
    }
    let index = SequenceIndex::draw(&request, &counts, &cuts, recipe.seed);
    for (leaf, &count) in leaves.iter_mut().zip(&index.counts) {
        leaf.sequences = count;
    }
    Ok(Drawn {
        phases: phases::plans(config, &request, &counts, recipe.batch),
        index,
        leaves,
    })
}
