//! Pieces that several formats share.

use super::{Blend, BlendDomain};
use crate::config::yaml::Yaml;

/// A YAML file: the value, under the comment that says what each domain gives.
pub(super) fn yaml_file(blend: &Blend, value: &Yaml) -> String {
    format!("{}{}", comment(blend), value.to_file())
}

/// Comment lines (`#`) with the tokens and epochs of each domain; empty where the run's tokens are not known.
pub(super) fn comment(blend: &Blend) -> String {
    let Some(target) = blend.target_tokens else {
        return String::new();
    };
    let mut text = format!("# For a run of {target:e} tokens:\n");
    for domain in &blend.domains {
        let epochs = domain
            .epochs
            .map_or_else(String::new, |e| format!(", {e:.2} epochs"));
        let tokens = domain.tokens.unwrap_or(0.0);
        text += &format!("#   {}: {tokens:.3e} tokens{epochs}\n", domain.name);
    }
    text
}

/// The weight of a domain, nine decimals.
pub(super) fn weight(domain: &BlendDomain) -> Yaml {
    Yaml::Scalar(domain.weight())
}

/// The weight of one of a domain's `n` paths: the domain's own (nine decimals) where there is one path.
pub(super) fn share_of_path(domain: &BlendDomain) -> f64 {
    domain.billionths as f64 / domain.paths.len() as f64 / 1e9
}

/// How often a trainer must be allowed to see the data: what the mixture needs, rounded up so that
/// the trainer's own rounding stays below; at least 1.
pub(super) fn repetition(domain: &BlendDomain) -> Yaml {
    let needed = domain.epochs.unwrap_or(1.0);
    Yaml::number(((needed * 1.001 * 1e3).ceil() / 1e3).max(1.0))
}

/// Texts as a YAML list.
pub(super) fn list(texts: &[String]) -> Yaml {
    Yaml::List(texts.iter().map(|text| Yaml::text(text)).collect())
}

/// Text as a literal of Python and JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Texts as a list of literals of Python and JSON.
pub(super) fn quoted_list(texts: &[String]) -> String {
    let all: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", all.join(", "))
}
