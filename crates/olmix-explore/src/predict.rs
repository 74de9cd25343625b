//! What a mixture that nobody solved for is predicted to do, and how far that can be believed.

use olmix_core::law::Law as _;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::explorer::Explorer;
use crate::model::Model;
use crate::settings::Settings;
use crate::solve::dot;

/// A mixture this many times as far from the nearest run as runs typically are from each other is an extrapolation.
const FAR: f64 = 1.5;

/// The prediction for a mixture (length `m`, not negative, summing to 1 within 1e-6).
///
/// # Errors
/// [`ApiError`] for weights that are no mixture, and settings that do not fit the file.
pub fn predict(
    explorer: &Explorer,
    weights: &[f64],
    settings: &Settings,
) -> Result<Value, ApiError> {
    let model = explorer.laws()?;
    check(&model, weights)?;
    let task_weights = settings.task_weights(&model)?;
    let losses: Vec<f64> = model.laws.iter().map(|law| law.predict(weights)).collect();
    let average = dot(&losses, &task_weights);
    let natural = dot(&model.natural, &task_weights);
    let nearest = explorer
        .runs
        .as_ref()
        .and_then(|runs| runs.nearest(weights));
    let extrapolates = nearest
        .as_ref()
        .is_some_and(|nearest| nearest.distance > FAR * nearest.typical);
    let sentence = match &nearest {
        None => "The runs are not at hand, so that nothing is known of how near one was measured."
            .to_owned(),
        Some(nearest) => {
            let far = format!(
                "The nearest run, {}, is {:.1} % of the mixture away; runs are typically {:.1} % from the next",
                nearest.run,
                100.0 * nearest.distance,
                100.0 * nearest.typical
            );
            if extrapolates {
                format!("{far}. No run was near this mixture: its losses are extrapolated.")
            } else {
                format!("{far}.")
            }
        }
    };
    let (mut interval, mut alternatives) = (Value::Null, json!([]));
    if let (Some(background), Some(fitted)) = (&explorer.background, explorer.fitted.as_deref()) {
        interval = background.interval(&model, fitted, weights, &task_weights);
        alternatives = background.alternatives(weights, &task_weights);
    }
    Ok(json!({
        "losses": losses, "average": average, "natural_average": natural, "gain": 1.0 - average / natural,
        "interval": interval, "alternatives": alternatives, "nearest": nearest, "extrapolates": extrapolates, "sentence": sentence,
    }))
}

/// Refuses weights that are no mixture over the file's domains.
pub(crate) fn check(model: &Model, weights: &[f64]) -> Result<(), ApiError> {
    let (found, needed) = (weights.len(), model.domains.len());
    if found != needed {
        return Err(ApiError::refused(
            format!("a mixture over {needed} domains is asked for, and {found} weights are given"),
            "give a weight for each domain",
        ));
    }
    let sum: f64 = weights.iter().sum();
    let sums = (sum - 1.0).abs() <= 1e-6;
    if !sums || weights.iter().any(|weight| *weight < 0.0) {
        return Err(ApiError::refused(
            format!("the weights are no mixture: they sum to {sum}, or one is negative"),
            "give weights of at least 0 that sum to 1",
        ));
    }
    Ok(())
}
