//! `model/`: the trained model as Python's `transformers` loads it.

use std::path::{Path, PathBuf};

use olmix_fs::StagedFolder;
use serde_json::{Value, json};

use super::weights::{read_tensors, write_tensors};
use crate::{Model, ProxyError, Shape};

/// Where the model of a run stands.
#[must_use]
pub fn model_folder(run: &Path) -> PathBuf {
    run.join("model")
}

/// Writes a model as a folder of model.safetensors, config.json and tokenizer.json, all or none.
///
/// # Errors
/// [`ProxyError::File`]; an earlier folder is then as it was.
pub fn save_model(
    folder: &Path,
    model: &Model,
    end_of_text: Option<u32>,
    tokenizer: &[u8],
) -> Result<(), ProxyError> {
    let folder = StagedFolder::new(folder)?;
    let weights = write_tensors(model, &[("", &model.weights)])?;
    folder.write("model.safetensors", &weights)?;
    folder.write("tokenizer.json", tokenizer)?;
    let mut config = config(&model.shape, end_of_text).to_string();
    config.push('\n');
    folder.write("config.json", config.as_bytes())?;
    Ok(folder.commit()?)
}

/// Whether a run's model stands there to be read.
pub(super) fn is_whole(run: &Path, model: &Model) -> bool {
    let folder = model_folder(run);
    let is_there = |name: &str| folder.join(name).is_file();
    is_there("config.json")
        && is_there("tokenizer.json")
        && read_tensors(model, &folder.join("model.safetensors"), "").is_ok()
}

/// The configuration of Llama, or, with norms of queries and keys, of Qwen3, which is Llama with them.
fn config(shape: &Shape, end_of_text: Option<u32>) -> Value {
    let (kind, class) = if shape.qk_norm {
        ("qwen3", "Qwen3ForCausalLM")
    } else {
        ("llama", "LlamaForCausalLM")
    };
    json!({
        "architectures": [class],
        "model_type": kind,
        "vocab_size": shape.vocab,
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "head_dim": shape.head_width(),
        "hidden_act": "silu",
        "max_position_embeddings": shape.context,
        "initializer_range": shape.init_std,
        "rms_norm_eps": shape.norm_eps,
        "rope_theta": shape.rope_theta,
        "rope_scaling": null,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.rope_theta},
        "attention_bias": false,
        "attention_dropout": 0.0,
        "mlp_bias": false,
        "tie_word_embeddings": false,
        "use_cache": true,
        "torch_dtype": "float32",
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
    })
}
