//! The gradient of a step, by many threads, in one order.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::adamw::gather;
use crate::model::{Model, Objective, Update, Use, Workspace};
use crate::{Batches, ProxyError};

/// Parts of a batch, each with a gradient of its own.
///
/// Their number is fixed, so that sums are made in one order whatever the number of threads; more of them
/// would let more threads help and take more memory. Whoever has more cores trains more runs at a time.
const LANES: u64 = 8;

/// Gradients of the lanes, and room for the sequences under way.
pub(super) struct Lanes {
    batch: usize,
    gradients: Vec<Vec<f32>>,
    spaces: Mutex<Vec<Workspace>>,
}

impl Lanes {
    pub fn new(model: &Model, batch: u64) -> Self {
        let lanes = batch.min(LANES) as usize;
        Self {
            batch: batch as usize,
            gradients: vec![vec![0.0; model.weights.len()]; lanes],
            spaces: Mutex::new(Vec::new()),
        }
    }

    /// Computes the gradient of every lane; the summed loss of the batch in nats.
    pub fn gradients(
        &mut self,
        model: &Model,
        batches: &Batches,
        step: u64,
        objective: Objective,
    ) -> Result<f64, ProxyError> {
        let (lanes, batch, spaces) = (self.gradients.len(), self.batch, &self.spaces);
        let losses: Result<Vec<f64>, ProxyError> = self
            .gradients
            .par_iter_mut()
            .enumerate()
            .with_max_len(1)
            .map(|(lane, gradient)| {
                let room = || spaces.lock().unwrap_or_else(PoisonError::into_inner);
                let space = room().pop();
                let mut space =
                    space.unwrap_or_else(|| Workspace::new(&model.shape, Use::Training));
                let mut tokens = vec![0; model.shape.context + 1];
                let mut loss = 0.0;
                let mut update = Update::Replace;
                for b in (lane..batch).step_by(lanes) {
                    batches.sequence(step, b, &mut tokens)?;
                    let into = (&mut gradient[..], update);
                    loss += model.loss_and_gradient(&tokens, objective, &mut space, into);
                    update = Update::Add;
                }
                room().push(space);
                Ok(loss)
            })
            .collect();
        Ok(losses?.iter().sum())
    }

    /// Sums the lanes' gradients; the norm of the sum.
    pub fn gather(&mut self) -> f64 {
        gather(&mut self.gradients)
    }

    /// The sum that was gathered.
    pub fn gradient(&self) -> &[f32] {
        &self.gradients[0]
    }
}
