//! Where each tensor of a model lies in its parameters.

use std::ops::Range;

use crate::Shape;

/// A tensor as other programs know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name in Hugging Face's Llama.
    pub name: String,
    /// Its parameters, row by row.
    pub range: Range<usize>,
    /// Rows and columns, or the length of a vector.
    pub shape: Vec<usize>,
    /// How it begins.
    pub(crate) init: Init,
}

/// How a tensor begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Init {
    /// Ones: the scales of norms.
    Ones,
    /// Normal with the model's standard deviation.
    Normal,
    /// The same over the square root of twice the layers: of matrices that add to the residual stream.
    Residual,
}

/// The parameters of a model are one slice: the embedding first, as it alone does not decay, then the output
/// matrix and the last norm, then layer by layer. Matrices that read the same input are neighbours, so that
/// one product serves them: queries, keys and values; gate and up.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub embedding: Range<usize>,
    pub head: Range<usize>,
    pub norm: Range<usize>,
    pub layers: Vec<LayerLayout>,
    pub tensors: Vec<Tensor>,
    pub len: usize,
}

/// A layer's part; all matrices are `out × in`, row by row.
#[derive(Debug, Clone)]
pub(crate) struct LayerLayout {
    pub attention_norm: Range<usize>,
    pub feed_forward_norm: Range<usize>,
    /// Of queries, then of keys; empty without them.
    pub qk_norm: Range<usize>,
    /// `3d × d`.
    pub qkv: Range<usize>,
    /// `d × d`.
    pub out: Range<usize>,
    /// `2f × d`.
    pub gate_up: Range<usize>,
    /// `d × f`.
    pub down: Range<usize>,
}

impl Layout {
    pub fn new(shape: &Shape) -> Self {
        let (v, d, f, h) = (shape.vocab, shape.width, shape.hidden, shape.head_width());
        let (mut tensors, mut len) = (Vec::new(), 0);
        let mut add = |name: String, shape: &[usize], init| {
            let range = len..len + shape.iter().product::<usize>();
            len = range.end;
            tensors.push(Tensor {
                name,
                range: range.clone(),
                shape: shape.to_vec(),
                init,
            });
            range
        };
        let embedding = add("model.embed_tokens.weight".into(), &[v, d], Init::Normal);
        let head = add("lm_head.weight".into(), &[v, d], Init::Normal);
        let norm = add("model.norm.weight".into(), &[d], Init::Ones);
        let layer = |l| {
            let mut part = |name: &str, shape: &[usize], init| {
                add(format!("model.layers.{l}.{name}.weight"), shape, init)
            };
            let attention_norm = part("input_layernorm", &[d], Init::Ones);
            let feed_forward_norm = part("post_attention_layernorm", &[d], Init::Ones);
            let qk_norm = if shape.qk_norm {
                let q = part("self_attn.q_norm", &[h], Init::Ones);
                q.start..part("self_attn.k_norm", &[h], Init::Ones).end
            } else {
                feed_forward_norm.end..feed_forward_norm.end
            };
            let q = part("self_attn.q_proj", &[d, d], Init::Normal);
            part("self_attn.k_proj", &[d, d], Init::Normal);
            let v = part("self_attn.v_proj", &[d, d], Init::Normal);
            let out = part("self_attn.o_proj", &[d, d], Init::Residual);
            let gate = part("mlp.gate_proj", &[f, d], Init::Normal);
            let up = part("mlp.up_proj", &[f, d], Init::Normal);
            LayerLayout {
                attention_norm,
                feed_forward_norm,
                qk_norm,
                qkv: q.start..v.end,
                out,
                gate_up: gate.start..up.end,
                down: part("mlp.down_proj", &[d, f], Init::Residual),
            }
        };
        let layers = (0..shape.layers).map(layer).collect();
        Self {
            embedding,
            head,
            norm,
            layers,
            tensors,
            len,
        }
    }
}
