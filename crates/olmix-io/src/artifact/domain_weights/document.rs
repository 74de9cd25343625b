//! Weights of domains in YAML and JSON, in the shapes that configs and other tools have.

use std::collections::HashMap;

use super::{DomainWeights, KNOWN, blend, plain};
use crate::config::generation::mix;
use crate::config::yaml::{Document, Value};
use crate::error::{IoError, Location};
use crate::messages::listed;

/// Keys under which other tools write the weights that a model is trained with: `RegMix`'s configs, those of
/// `DoReMi`, and what else is usual.
const TRAINING_WEIGHTS: [&str; 5] = [
    "train",
    "train_domain_weights",
    "domain_weights",
    "weights",
    "mixture",
];

/// YAML, and JSON, which is YAML too.
pub(super) fn read(file: &str, text: &str) -> Result<DomainWeights, IoError> {
    let document = Document::parse(file, text)?;
    let root = document.root();
    if let Ok(items) = root.items() {
        let words: Result<Vec<String>, IoError> = items
            .iter()
            .map(|item| Ok(item.text()?.to_owned()))
            .collect();
        return match words.ok().as_deref().and_then(blend::of_words) {
            Some(found) => Ok(found),
            None => list(&items),
        };
    }
    if root.section().is_err() {
        return Err(IoError::input(
            file,
            Location::File,
            "this file holds no shares of domains",
            KNOWN,
        ));
    }
    let entries = root.entries()?;
    let get = |key: &str| entry(&entries, key);
    if let Some(mix) = get("mix") {
        let leaves = mix::leaves(mix, &|weight| weight.number())?;
        let shares = leaves.into_iter().map(|leaf| (leaf.name, leaf.weight));
        return Ok(plain("mix of a launch config", shares.collect()));
    }
    if let Some(priors) = get("priors") {
        let mut entries = priors.entries()?;
        // Configs of the reference implementation count tokens beside `priors`.
        if entry(&entries, "token_counts").is_none() {
            entries.extend(get("token_counts").map(|counts| ("token_counts", counts.clone())));
        }
        return priors_of(&entries, priors);
    }
    if get("relative_sizes").or(get("token_counts")).is_some() {
        return priors_of(&entries, &root);
    }
    for key in TRAINING_WEIGHTS {
        let Some(weights) = get(key) else { continue };
        if let Ok(found) = numbers(&weights.entries().unwrap_or_default())
            && !found.is_empty()
        {
            return Ok(plain("mixture", found));
        }
    }
    numbers(&entries)
        .map(|shares| plain("weights", shares))
        .map_err(|_| {
            let keys = entries.iter().map(|(name, _)| *name);
            let message = format!(
                "this file holds no shares of domains, but {}",
                listed(keys, 5)
            );
            IoError::input(file, Location::File, message, KNOWN)
        })
}

/// The entries of a mapping from domains to numbers.
fn numbers(entries: &[(&str, Value<'_>)]) -> Result<Vec<(String, f64)>, IoError> {
    let number = |(name, value): &(&str, Value<'_>)| {
        Ok((
            (*name).to_owned(),
            value.tokens().or_else(|_| value.number())?,
        ))
    };
    entries.iter().map(number).collect()
}

/// The reference's `[{domain, weight}, …]`.
fn list(items: &[Value<'_>]) -> Result<DomainWeights, IoError> {
    let entry = |item: &Value<'_>| {
        let mut section = item.section()?;
        let (domain, weight) = (section.required("domain")?, section.required("weight")?);
        Ok((domain.text()?.to_owned(), weight.number()?))
    };
    let shares: Result<Vec<(String, f64)>, IoError> = items.iter().map(entry).collect();
    Ok(plain("mixture", shares?))
}

/// The value of a key.
fn entry<'e, 'd>(entries: &'e [(&str, Value<'d>)], key: &str) -> Option<&'e Value<'d>> {
    let found = entries.iter().find(|(name, _)| *name == key);
    found.map(|(_, value)| value)
}

fn priors_of(entries: &[(&str, Value<'_>)], at: &Value<'_>) -> Result<DomainWeights, IoError> {
    let get = |key: &str| entry(entries, key);
    let sizes = get("relative_sizes")
        .or(get("token_counts"))
        .ok_or_else(|| {
            at.error(
                "`priors` has neither `relative_sizes` nor `token_counts`",
                KNOWN,
            )
        })?;
    let shares: Result<Vec<(String, f64)>, IoError> = sizes
        .entries()?
        .into_iter()
        .map(|(name, value)| Ok((name.to_owned(), value.number()?)))
        .collect();
    let shares = shares?;
    let counts = get("token_counts").map(Value::entries).transpose()?;
    let tokens = counts.and_then(|counts| {
        let counts: HashMap<&str, &Value<'_>> =
            counts.iter().map(|(name, value)| (*name, value)).collect();
        let count = |(name, _): &(String, f64)| counts.get(name.as_str())?.whole_tokens().ok();
        shares.iter().map(count).collect()
    });
    Ok(DomainWeights {
        kind: "priors",
        weights: shares,
        tokens,
        target_tokens: None,
        repetition_factor: None,
        made_by: None,
        rescaled_from: None,
    })
}
