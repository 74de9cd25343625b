//! Where a run begins that begins with the weights of another.

use olmix_io::sha256_hex;

use super::adamw::AdamW;
use super::checkpoint::{self, Position};
use super::weights::read_tensors;
use crate::checksums::read_checked;
use crate::{Model, ProxyError, StartPlan};

const WEIGHTS: &str = "model.safetensors";

/// Loads the weights that a run begins with, and the moments where it goes on from a checkpoint. Seconds are those of
/// this run alone.
///
/// # Errors
/// [`ProxyError::File`], and [`ProxyError::Input`] for weights that are not what they were when the run was planned.
pub(super) fn begin(
    start: &StartPlan,
    model: &mut Model,
    adam: &mut AdamW,
) -> Result<Position, ProxyError> {
    let file = start.folder.join(WEIGHTS);
    let bytes = read_checked(&start.folder, WEIGHTS)?;
    if sha256_hex(&bytes) != start.weights_sha256 {
        return Err(ProxyError::input(
            &file,
            "is not what it was when this run was planned to begin with it",
            "put it back, or remove the run's folder to plan the run anew",
        ));
    }
    if start.step == 0 {
        model.weights = read_tensors(model, &file, &bytes, "")?;
        return Ok(Position::default());
    }
    let at = checkpoint::load(&start.folder, start.step, model, adam)?;
    Ok(Position { seconds: 0.0, ..at })
}
