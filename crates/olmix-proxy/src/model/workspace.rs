//! Activations of a sequence on its way through a model, and their gradients on the way back.

use super::attention::Attention;
use crate::Shape;

/// Activations of one sequence, and room for its gradients. One per thread that trains or measures.
///
/// Sizes are in `t` tokens of the context, width `d`, hidden width `f`; matrices are row by row.
pub struct Workspace {
    /// Activations by layer; a single one, shared by all layers, where nothing goes back.
    pub(super) layers: Vec<LayerActivations>,
    /// The residual stream, `t × d`.
    pub(super) x: Vec<f32>,
    /// The last norm's output, `t × d`, and its scales, `t`.
    pub(super) normed: Vec<f32>,
    pub(super) scales: Vec<f32>,
    /// Logits of every token, `t × vocab`.
    pub(super) logits: Vec<f32>,
    /// Gradient of the residual stream, and of what was added to it last, `t × d` each.
    pub(super) dx: Vec<f32>,
    pub(super) dh: Vec<f32>,
    /// Activations of the feed-forward layer under way, `t × f`, and on the way back their gradient. They are
    /// not kept: the way back makes them again out of gates and ups.
    pub(super) activated: Vec<f32>,
    pub(super) dqkv: Vec<f32>,
    pub(super) scratch: Vec<f32>,
}

/// Activations of a layer, of which the way back needs every one.
pub(super) struct LayerActivations {
    /// The residual stream as it came in, and after attention, `t × d` each; the scales of both norms, `t`.
    pub x: Vec<f32>,
    pub x_mid: Vec<f32>,
    pub scales: Vec<f32>,
    pub scales_mid: Vec<f32>,
    /// The normalized streams: inputs of attention and of the feed-forward layer, `t × d` each.
    pub h: Vec<f32>,
    pub h_mid: Vec<f32>,
    /// `t × 3d`: queries and keys turned (and normalized).
    pub qkv: Vec<f32>,
    /// Queries and keys before they were normalized, and the scales of that; empty without.
    pub raw_qk: Vec<f32>,
    pub qk_scales: Vec<f32>,
    pub probabilities: Vec<f32>,
    pub attended: Vec<f32>,
    /// Gates and ups, `t × 2f`.
    pub gate_up: Vec<f32>,
}

/// What a workspace is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Forward and back.
    Training,
    /// Forward alone: layers share their room.
    Measuring,
}

impl Workspace {
    /// Room for a sequence of up to `shape.context` tokens, all zeros.
    ///
    /// With `t` tokens, width `d`, hidden width `f`, `h` heads and vocabulary `v` it holds about
    /// `L (8 t d + 2 t f + h t²) + t (5 d + f + v)` numbers of four bytes, where `L` is the number of layers
    /// for [`Use::Training`] and 1 for [`Use::Measuring`].
    #[must_use]
    pub fn new(shape: &Shape, usage: Use) -> Self {
        let (t, d, f) = (shape.context, shape.width, shape.hidden);
        let zeros = |n: usize| vec![0.0; n];
        let attention = Attention {
            heads: shape.heads,
            width: shape.head_width(),
        };
        let training = usage == Use::Training;
        let qk = usize::from(shape.qk_norm);
        let layer = |_| LayerActivations {
            x: zeros(t * d),
            x_mid: zeros(t * d),
            scales: zeros(t),
            scales_mid: zeros(t),
            h: zeros(t * d),
            h_mid: zeros(t * d),
            qkv: zeros(3 * t * d),
            raw_qk: zeros(qk * 3 * t * d),
            qk_scales: zeros(qk * 2 * t * shape.heads),
            probabilities: zeros(attention.kept(t)),
            attended: zeros(t * d),
            gate_up: zeros(2 * t * f),
        };
        let layers = if training { shape.layers } else { 1 };
        let back = |n: usize| zeros(if training { n } else { 0 });
        Self {
            layers: (0..layers).map(layer).collect(),
            x: zeros(t * d),
            normed: zeros(t * d),
            scales: zeros(t),
            logits: zeros(t * shape.vocab),
            dx: back(t * d),
            dh: back(t * d),
            activated: zeros(t * f),
            dqkv: back(3 * t * d),
            scratch: back(Attention::scratch(t)),
        }
    }
}
