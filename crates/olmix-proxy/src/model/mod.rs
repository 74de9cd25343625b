//! The transformer: a Llama model, forward and back, one sequence at a time on one thread.
//!
//! ```text
//! tokens ─► embedding ─► layers ─► norm ─► logits ─► loss
//! layer:    norm ─► attention ─► + ─► norm ─► feed-forward ─► +
//! ```
//!
//! Each file has a part of it and the way back through that part. Whole sequences are the unit of work: a
//! sequence's activations stay in the cache of one core, and products need not be shared between threads.

mod attention;
mod block;
mod cross_entropy;
mod feed_forward;
mod layout;
mod norm;
pub(crate) mod product;
mod rotary;
pub(crate) mod vector;
mod workspace;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::Shape;
use layout::{Init, Layout};
use product::{product, rows};
use rotary::Rotary;

pub use layout::Tensor;
pub use product::Update;
pub use workspace::{Use, Workspace};

/// A model and its weights.
pub struct Model {
    /// Sizes and constants of the architecture.
    pub shape: Shape,
    /// All parameters, in the order of [`Model::tensors`].
    pub weights: Vec<f32>,
    layout: Layout,
    rotary: Rotary,
}

/// How the loss of a sequence is weighed.
#[derive(Debug, Clone, Copy)]
pub struct Objective {
    /// What each token's loss is multiplied by: one over the tokens of a step.
    pub scale: f32,
    /// Weight of the squared logarithm of the softmax's normalizer.
    pub z_loss: f32,
}

impl Model {
    /// A model with these weights.
    ///
    /// # Panics
    /// When their number is not `shape.parameters()`.
    #[must_use]
    pub fn new(shape: Shape, weights: Vec<f32>) -> Self {
        let layout = Layout::new(&shape);
        assert_eq!(
            weights.len(),
            layout.len,
            "weights that are not of this shape"
        );
        let rotary = Rotary::new(shape.context, shape.head_width(), shape.rope_theta);
        Self {
            shape,
            weights,
            layout,
            rotary,
        }
    }

    /// A model as it begins: normal weights, cut at three standard deviations, those of matrices that add to
    /// the residual stream smaller by `√(2 layers)`; norms are ones. A function of the seed.
    #[must_use]
    pub fn initial(shape: Shape, seed: u64) -> Self {
        let layout = Layout::new(&shape);
        let mut weights = vec![0.0; layout.len];
        let residual = 1.0 / (2.0 * shape.layers as f64).sqrt();
        for (stream, tensor) in layout.tensors.iter().enumerate() {
            let std = match tensor.init {
                Init::Ones => {
                    weights[tensor.range.clone()].fill(1.0);
                    continue;
                }
                Init::Normal => shape.init_std,
                Init::Residual => shape.init_std * residual,
            };
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(stream as u64);
            for weight in &mut weights[tensor.range.clone()] {
                *weight = loop {
                    let z: f64 = StandardNormal.sample(&mut rng);
                    if z.abs() <= 3.0 {
                        break (std * z) as f32;
                    }
                };
            }
        }
        Self::new(shape, weights)
    }

    /// The tensors that the weights are, in order.
    #[must_use]
    pub fn tensors(&self) -> &[Tensor] {
        &self.layout.tensors
    }

    /// Weights before this one do not decay: the embedding.
    #[must_use]
    pub fn decays_from(&self) -> usize {
        self.layout.embedding.end
    }

    /// The summed cross entropy of a sequence in nats, and its gradient (as many as weights), which replaces
    /// what is in `gradient` or is added to it. `tokens` are the inputs and, each one later, the targets: at
    /// most `context + 1`, all below `vocab`.
    pub fn loss_and_gradient(
        &self,
        tokens: &[u32],
        objective: Objective,
        space: &mut Workspace,
        (gradient, update): (&mut [f32], Update),
    ) -> f64 {
        let (v, d) = (self.shape.vocab, self.shape.width);
        let t = tokens.len() - 1;
        let (inputs, targets) = (&tokens[..t], &tokens[1..]);
        if update == Update::Replace {
            // What is no product adds.
            self.clear_sums(gradient);
        }
        self.forward(inputs, space);
        let head = rows(&self.weights[self.layout.head.clone()], v, d, d);
        let logits = &mut space.logits[..t * v];
        product(
            logits,
            v,
            Update::Replace,
            rows(&space.normed, t, d, d),
            head.t(),
        );
        let Objective { scale, z_loss } = objective;
        let loss = cross_entropy::forward_backward(logits, v, targets, scale, z_loss);

        let dlogits = rows(logits, t, v, v);
        product(&mut space.dh, d, Update::Replace, dlogits, head);
        let into = &mut gradient[self.layout.head.clone()];
        product(into, d, update, dlogits.t(), rows(&space.normed, t, d, d));
        space.dx[..t * d].fill(0.0);
        norm::backward(
            &space.x[..t * d],
            &self.weights[self.layout.norm.clone()],
            &space.scales,
            &space.dh,
            &mut space.dx,
            &mut gradient[self.layout.norm.clone()],
        );
        for l in (0..self.shape.layers).rev() {
            self.layer_backward(l, t, space, (gradient, update));
        }
        let embedding = &mut gradient[self.layout.embedding.clone()];
        for (&token, dx) in inputs.iter().zip(space.dx.chunks_exact(d)) {
            let row = &mut embedding[token as usize * d..][..d];
            row.iter_mut().zip(dx).for_each(|(g, dx)| *g += dx);
        }
        loss
    }

    /// Empties the gradients of embedding and norms.
    fn clear_sums(&self, gradient: &mut [f32]) {
        gradient[self.layout.embedding.clone()].fill(0.0);
        let norms = self.layout.tensors.iter().filter(|t| t.init == Init::Ones);
        norms.for_each(|norm| gradient[norm.range.clone()].fill(0.0));
    }

    /// `log p` in nats of every token from place `from` (at least 1) on, given those before it.
    pub fn log_likelihoods(&self, tokens: &[u32], from: usize, space: &mut Workspace) -> Vec<f32> {
        let v = self.shape.vocab;
        let (t, first) = (tokens.len() - 1, from - 1);
        self.forward(&tokens[..t], space);
        self.logits_of(first, t, space);
        let mut into = vec![0.0; t - first];
        let logits = &mut space.logits[..(t - first) * v];
        cross_entropy::log_likelihoods(logits, v, &tokens[from..], &mut into);
        into
    }

    /// Logits after each token, `tokens × vocab`.
    pub fn logits<'s>(&self, tokens: &[u32], space: &'s mut Workspace) -> &'s [f32] {
        self.forward(tokens, space);
        self.logits_of(0, tokens.len(), space);
        &space.logits[..tokens.len() * self.shape.vocab]
    }

    /// Logits of places `from..to` of a sequence that went forward.
    fn logits_of(&self, from: usize, to: usize, space: &mut Workspace) {
        let (v, d) = (self.shape.vocab, self.shape.width);
        let head = rows(&self.weights[self.layout.head.clone()], v, d, d);
        let normed = rows(&space.normed[from * d..], to - from, d, d);
        product(&mut space.logits, v, Update::Replace, normed, head.t());
    }

    /// Takes inputs to the last norm's output.
    fn forward(&self, inputs: &[u32], space: &mut Workspace) {
        let (d, t) = (self.shape.width, inputs.len());
        let embedding = &self.weights[self.layout.embedding.clone()];
        for (&token, x) in inputs.iter().zip(space.x.chunks_exact_mut(d)) {
            x.copy_from_slice(&embedding[token as usize * d..][..d]);
        }
        let x = &mut space.x[..t * d];
        // Where nothing goes back, layers share one room.
        let rooms = space.layers.len();
        for (l, at) in self.layout.layers.iter().enumerate() {
            let activations = &mut space.layers[l % rooms];
            self.layer_forward(at, t, x, activations, &mut space.activated);
        }
        let weight = &self.weights[self.layout.norm.clone()];
        let eps = self.shape.norm_eps as f32;
        norm::forward(x, weight, eps, &mut space.normed, &mut space.scales);
    }
}

#[cfg(test)]
mod tests;
