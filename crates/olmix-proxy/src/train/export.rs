//! `model/`: the trained model as Python's `transformers` loads it.

use std::path::{Path, PathBuf};

use olmix_fs::StagedFolder;
use serde_json::{Value, json};

use super::Event;
use super::weights::{read_tensors, write_tensors};
use crate::checksums::{self, Checksums, read_checked};
use crate::{Model, ProxyError, Shape};

/// Where the model of a run stands.
#[must_use]
pub fn model_folder(run: &Path) -> PathBuf {
    run.join("model")
}

/// Writes a model as a folder of model.safetensors, config.json, tokenizer.json and `tokenizer_config.json`,
/// with their checksums, all or none.
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
    let mut config = config(&model.shape, end_of_text).to_string();
    config.push('\n');
    let mut named = tokenizer_config(tokenizer, end_of_text, model.shape.context).to_string();
    named.push('\n');
    let files = [
        (WEIGHTS, &weights[..]),
        ("tokenizer.json", tokenizer),
        ("config.json", config.as_bytes()),
        ("tokenizer_config.json", named.as_bytes()),
    ];
    for (name, bytes) in files {
        folder.write(name, bytes)?;
    }
    folder.write(checksums::FILE, Checksums::of(&files).bytes())?;
    Ok(folder.commit()?)
}

/// The weights in the folder of a model.
const WEIGHTS: &str = "model.safetensors";

/// Reads the weights of a run's model, which must be what they were when they were written.
///
/// # Errors
/// [`ProxyError::File`], and [`ProxyError::Input`] for what is damaged or another model.
pub(crate) fn read_model(run: &Path, model: &Model) -> Result<Vec<f32>, ProxyError> {
    let folder = model_folder(run);
    let bytes = read_checked(&folder, WEIGHTS)?;
    read_tensors(model, &folder.join(WEIGHTS), &bytes, "")
}

/// Whether a run's model stands there to be read. One that is damaged is told.
pub(super) fn is_whole(run: &Path, model: &Model, observe: &dyn Fn(Event)) -> bool {
    let folder = model_folder(run);
    let is_there = |name: &str| folder.join(name).is_file();
    if !["config.json", "tokenizer.json", WEIGHTS]
        .iter()
        .all(|name| is_there(name))
    {
        return false;
    }
    let others = ["config.json", "tokenizer.json", "tokenizer_config.json"];
    let read = || {
        // The torch trainer's has other files than these, and its own checksums of them.
        for name in others.iter().filter(|name| is_there(name)) {
            read_checked(&folder, name)?;
        }
        read_model(run, model)
    };
    match read() {
        Ok(_) => true,
        Err(why) => {
            observe(Event::DamagedModel {
                model: folder.clone(),
                why,
            });
            false
        }
    }
}

/// The configuration of a model of a shape.
pub(crate) fn model_config(shape: &Shape) -> Value {
    config(shape, None)
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

/// How `transformers` opens tokenizer.json: as it is, whatever the model's kind, and with the token that begins
/// and ends a text. Without this file it knows none, which lm-evaluation-harness needs.
fn tokenizer_config(tokenizer: &[u8], end_of_text: Option<u32>, context: usize) -> Value {
    let end = end_of_text.and_then(|id| token_named(tokenizer, id));
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": context,
        "clean_up_tokenization_spaces": false,
        "bos_token": end,
        "eos_token": end,
    })
}

/// The text of a token in a tokenizer.json.
fn token_named(tokenizer: &[u8], id: u32) -> Option<String> {
    let json: Value = serde_json::from_slice(tokenizer).ok()?;
    let is_it = |found: &Value| found.as_u64() == Some(u64::from(id));
    let added = json["added_tokens"].as_array();
    let added = added.and_then(|all| all.iter().find(|token| is_it(&token["id"])));
    if let Some(token) = added {
        return token["content"].as_str().map(str::to_owned);
    }
    match &json["model"]["vocab"] {
        Value::Object(vocabulary) => {
            let found = vocabulary.iter().find(|(_, found)| is_it(found));
            found.map(|(token, _)| token.clone())
        }
        // Unigram has a list of pieces and their scores.
        pieces => pieces[id as usize][0].as_str().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_text_is_named_to_transformers_wherever_the_tokenizer_has_it() {
        let added =
            br#"{"added_tokens": [{"id": 3, "content": "</s>"}], "model": {"vocab": {"</s>": 3}}}"#;
        let word = br#"{"added_tokens": [], "model": {"vocab": {"a": 1, "stop": 3}}}"#;
        let piece =
            br#"{"model": {"vocab": [["a", 0.0], ["b", -1.0], ["c", -1.5], ["end", -2.0]]}}"#;
        for (json, end) in [(&added[..], "</s>"), (word, "stop"), (piece, "end")] {
            let config = tokenizer_config(json, Some(3), 128);
            assert_eq!(config["eos_token"], end);
            assert_eq!(config["tokenizer_class"], "PreTrainedTokenizerFast");
            assert_eq!(config["model_max_length"], 128);
        }
        assert!(tokenizer_config(b"{}", None, 128)["eos_token"].is_null());
    }
}
