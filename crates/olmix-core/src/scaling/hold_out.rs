//! What the law would have said of the largest size without its runs.

use super::checkpoints::Checkpoints;
use super::{Scale, ScalingLaw};
use crate::swarm::dot;
use crate::trust::{Scores, score};
use crate::{CoreError, Swarm};

/// Predictions for a size by the law of the smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SizeCheck {
    /// The size that was left out, at its last checkpoint.
    pub size: Scale,
    /// Mixtures that were predicted.
    pub mixtures: usize,
    /// The mean of their weighted average losses.
    pub level: f64,
    /// Predicted against measured weighted average losses.
    pub average: Scores,
}

/// Fits the smaller sizes and predicts the last checkpoint of the largest; `None` with fewer than three sizes, and
/// where the smaller ones have no law of their own or fewer than three mixtures of the largest.
///
/// # Errors
/// Those of [`ScalingLaw::fit`] for the whole swarm.
pub fn without_largest(swarm: &Swarm, scales: &[Scale]) -> Result<Option<SizeCheck>, CoreError> {
    let all = Checkpoints::new(swarm, scales)?;
    let (Some(largest), true) = (all.last_of_sizes().last().copied(), all.sizes.len() > 2) else {
        return Ok(None);
    };
    let below = all.sizes[all.sizes.len() - 2];
    let smaller: Vec<usize> = (0..swarm.len())
        .filter(|&i| scales[i].parameters <= below)
        .collect();
    let of_smaller: Vec<Scale> = smaller.iter().map(|&i| scales[i]).collect();
    let part = swarm.subset(&smaller);
    // Sizes that overlap by way of the largest alone have no law without it.
    let Ok(law) = ScalingLaw::fit(&part, &of_smaller) else {
        return Ok(None);
    };
    let predicted = law.at(largest.scale)?;
    let weights = swarm.task_weights();
    let (mut expected, mut measured) = (Vec::new(), Vec::new());
    for (losses, &row) in largest.losses.iter().zip(&all.rows) {
        let Some(losses) = losses else { continue };
        let mixture = swarm.mixtures().row(row);
        let known = (0..predicted.len()).find(|&k| {
            let pairs = predicted.mixtures().row(k).iter().zip(mixture);
            pairs
                .map(|(a, b)| (a - b).abs())
                .all(|d| d <= super::checkpoints::SAME_MIXTURE)
        });
        if let Some(k) = known {
            expected.push(dot(predicted.losses().row(k), &weights));
            measured.push(dot(losses, &weights));
        }
    }
    Ok((measured.len() >= 3).then(|| SizeCheck {
        size: largest.scale,
        mixtures: measured.len(),
        level: measured.iter().sum::<f64>() / measured.len() as f64,
        average: score(&expected, &measured),
    }))
}
