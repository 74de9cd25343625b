//! A mixture as a trainer's configuration, for formats that can be written without the data's files.

use std::collections::BTreeMap;

use olmix_io::DomainWeights;
use olmix_io::export::{Blend, Format, Inputs, Run};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::explorer::Explorer;
use crate::predict::check;

/// The formats that a page can ask for: those that name no files of the data and need nothing else of the run.
#[must_use]
pub fn formats() -> Vec<Value> {
    let formats = Format::ALL.iter().filter(|format| !format.names_files());
    formats
        .map(|format| json!({"name": format.name(), "help": format.help()}))
        .collect()
}

/// The mixture in a format of `olmix export`. Virtual domains become what they stand for.
///
/// # Errors
/// [`ApiError`] for an unknown format, and where it needs what only the command knows: the data's files, or more of the
/// run.
pub fn export(explorer: &Explorer, weights: &[f64], name: &str) -> Result<Value, ApiError> {
    let model = explorer.laws()?;
    check(&model, weights)?;
    let format = Format::named(name).ok_or_else(|| {
        let known: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        ApiError::refused(
            format!("there is no format `{name}`"),
            &format!("the formats are {}", known.join(", ")),
        )
    })?;
    let virtuals: BTreeMap<&str, _> = model
        .file
        .virtual_domains
        .iter()
        .map(|one| (one.name.as_str(), &one.members))
        .collect();
    let mut shares = Vec::new();
    for (domain, weight) in model.domains.iter().zip(weights) {
        match virtuals.get(domain.name.as_str()) {
            Some(members) => shares.extend(
                members
                    .iter()
                    .map(|one| (one.domain.clone(), weight * one.share)),
            ),
            None => shares.push((domain.name.clone(), *weight)),
        }
    }
    let sum: f64 = weights.iter().sum();
    shares.iter_mut().for_each(|(_, share)| *share /= sum);
    let mixture = DomainWeights {
        kind: "mixture",
        tokens: model.domains.tokens().filter(|_| virtuals.is_empty()),
        weights: shares,
        target_tokens: model.file.target_tokens,
        repetition_factor: None,
        made_by: Some("olmix explore".into()),
        rescaled_from: None,
    };
    let run = Run {
        target_tokens: model.file.target_tokens,
        ..Run::default()
    };
    let inputs = Inputs {
        file: "the mixture of the explorer",
        run,
        ..Inputs::default()
    };
    let text = Blend::new(format, &mixture, &inputs).and_then(|blend| format.text(&blend));
    let text = text.map_err(|error| {
        let error = ApiError::from(error);
        let help = error.help.clone().unwrap_or_default();
        let help =
            format!("save the mixture, fit it, and use olmix export, which knows the data: {help}");
        ApiError {
            help: Some(help),
            ..error
        }
    })?;
    Ok(json!({"files": [{"name": format!("mixture.{}", format.extension()), "text": text}]}))
}
