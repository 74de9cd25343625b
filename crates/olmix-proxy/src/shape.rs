//! The shape of the model that a config asks for.

use std::path::Path;

use olmix_io::TrainingConfig;
use olmix_io::launch_config::ModelConfig;

use crate::plan::MOST;
use crate::{ProxyError, Shape, Size, size};

impl Shape {
    /// The model that a config asks for.
    ///
    /// # Errors
    /// [`ProxyError::Input`] for a size that is none, and shapes that no model has.
    pub fn of(file: &Path, training: &TrainingConfig, vocab: usize) -> Result<Self, ProxyError> {
        let size = Size::named(&training.size).ok_or_else(|| {
            let names: Vec<&str> = size::SIZES.iter().map(|size| size.name).collect();
            ProxyError::input(
                file,
                format!(
                    "training.proxy_model_id names `{}`, which is not a known size",
                    training.size
                ),
                format!("use one of {}", names.join(", ")),
            )
        })?;
        let mut shape = size.shape(vocab);
        let ModelConfig {
            width,
            layers,
            heads,
            hidden,
            qk_norm,
            rope_theta,
            norm_eps,
            init_std,
        } = training.model;
        let set = |into: &mut usize, value: Option<u64>| {
            if let Some(value) = value {
                *into = usize::try_from(value.min(MOST)).unwrap_or(usize::MAX);
            }
        };
        set(&mut shape.width, width);
        set(&mut shape.layers, layers);
        set(&mut shape.heads, heads);
        set(&mut shape.hidden, hidden);
        set(&mut shape.context, training.sequence_length);
        shape.qk_norm = qk_norm.unwrap_or(shape.qk_norm);
        shape.rope_theta = rope_theta.unwrap_or(shape.rope_theta);
        shape.norm_eps = norm_eps.unwrap_or(shape.norm_eps);
        shape.init_std = init_std.unwrap_or(shape.init_std);
        shape.check(file)?;
        Ok(shape)
    }

    /// Refuses a shape that no model has; `file` says it.
    pub(crate) fn check(&self, file: &Path) -> Result<(), ProxyError> {
        let counts = [
            self.vocab,
            self.width,
            self.layers,
            self.heads,
            self.hidden,
            self.context,
        ];
        let sane = counts.iter().all(|&n| n > 0 && (n as u64) < MOST);
        if !sane || !self.width.is_multiple_of(2 * self.heads) || self.context < 2 {
            return Err(ProxyError::input(
                file,
                format!(
                    "no model has width {}, {} layers, {} heads, hidden width {} and sequences of {} tokens",
                    self.width, self.layers, self.heads, self.hidden, self.context
                ),
                "the width must be a multiple of twice the heads, and sequences have at least 2 tokens",
            ));
        }
        Ok(())
    }
}
