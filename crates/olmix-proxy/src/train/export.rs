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

/// Writes a model as a folder of model.safetensors, config.json, tokenizer.json and `tokenizer_config.json`, all
/// or none.
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
    let mut named = tokenizer_config(tokenizer, end_of_text, model.shape.context).to_string();
    named.push('\n');
    folder.write("tokenizer_config.json", named.as_bytes())?;
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
