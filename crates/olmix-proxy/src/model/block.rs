//! One layer: attention and feed-forward, each behind a norm and added to the stream.

use super::Model;
use super::attention::Attention;
use super::feed_forward;
use super::layout::LayerLayout;
use super::norm::{self, Heads};
use super::product::{Update, product, rows};
use super::rotary::Turn;
use super::workspace::{LayerActivations, Workspace};

impl Model {
    fn attention(&self) -> Attention {
        Attention {
            heads: self.shape.heads,
            width: self.shape.head_width(),
        }
    }

    /// Queries or keys of rows of `3d`, head by head.
    fn heads(&self) -> Heads {
        Heads {
            stride: 3 * self.shape.width,
            count: self.shape.heads,
            width: self.shape.head_width(),
        }
    }

    /// Takes the stream `x` (`t × d`) through a layer; `activated` has room for `t × f`.
    pub(super) fn layer_forward(
        &self,
        at: &LayerLayout,
        t: usize,
        x: &mut [f32],
        kept: &mut LayerActivations,
        activated: &mut [f32],
    ) {
        let (d, f, w) = (self.shape.width, self.shape.hidden, &self.weights);
        let eps = self.shape.norm_eps as f32;
        let k = kept;
        let td = t * d;
        k.x[..td].copy_from_slice(x);
        norm::forward(
            x,
            &w[at.attention_norm.clone()],
            eps,
            &mut k.h[..td],
            &mut k.scales,
        );
        let qkv = &mut k.qkv[..3 * td];
        let weight = rows(&w[at.qkv.clone()], 3 * d, d, d);
        product(qkv, 3 * d, Update::Replace, rows(&k.h, t, d, d), weight.t());
        if self.shape.qk_norm {
            k.raw_qk[..3 * td].copy_from_slice(qkv);
            let (q_scales, k_scales) = k
                .qk_scales
                .split_at_mut(self.shape.context * self.shape.heads);
            let (q_weight, k_weight) = w[at.qk_norm.clone()].split_at(self.shape.head_width());
            norm::forward_heads(qkv, self.heads(), q_weight, eps, q_scales);
            norm::forward_heads(&mut qkv[d..], self.heads(), k_weight, eps, k_scales);
        }
        self.rotary.turn(qkv, 3 * d, 2 * d, Turn::Forward);
        self.attention()
            .forward(t, qkv, &mut k.probabilities, &mut k.attended);
        let weight = rows(&w[at.out.clone()], d, d, d);
        product(x, d, Update::Add, rows(&k.attended, t, d, d), weight.t());

        k.x_mid[..td].copy_from_slice(x);
        norm::forward(
            x,
            &w[at.feed_forward_norm.clone()],
            eps,
            &mut k.h_mid[..td],
            &mut k.scales_mid,
        );
        let weight = rows(&w[at.gate_up.clone()], 2 * f, d, d);
        product(
            &mut k.gate_up,
            2 * f,
            Update::Replace,
            rows(&k.h_mid, t, d, d),
            weight.t(),
        );
        feed_forward::forward(&k.gate_up[..2 * t * f], f, activated);
        let weight = rows(&w[at.down.clone()], d, f, f);
        product(x, d, Update::Add, rows(activated, t, f, f), weight.t());
    }

    /// Takes the stream's gradient back through layer `l`; `update` says whether the weights' gradients are
    /// replaced or added to.
    pub(super) fn layer_backward(
        &self,
        l: usize,
        t: usize,
        space: &mut Workspace,
        (gradient, update): (&mut [f32], Update),
    ) {
        self.feed_forward_backward(l, t, space, (gradient, update));
        self.attention_backward(l, t, space, (gradient, update));
    }

    fn feed_forward_backward(
        &self,
        l: usize,
        t: usize,
        space: &mut Workspace,
        (gradient, update): (&mut [f32], Update),
    ) {
        let (d, f, w) = (self.shape.width, self.shape.hidden, &self.weights);
        let at = &self.layout.layers[l];
        let k = &mut space.layers[l];
        let (td, dx, dh) = (t * d, &mut space.dx[..t * d], &mut space.dh[..t * d]);
        let g = gradient;

        let dactivated = &mut space.activated[..t * f];
        product(
            dactivated,
            f,
            Update::Replace,
            rows(dx, t, d, d),
            rows(&w[at.down.clone()], d, f, f),
        );
        // Spends the gradient of the activations, which become themselves again.
        feed_forward::backward(&mut k.gate_up[..2 * t * f], f, dactivated);
        product(
            &mut g[at.down.clone()],
            f,
            update,
            rows(dx, t, d, d).t(),
            rows(dactivated, t, f, f),
        );
        let dgate_up = rows(&k.gate_up, t, 2 * f, 2 * f);
        product(
            dh,
            d,
            Update::Replace,
            dgate_up,
            rows(&w[at.gate_up.clone()], 2 * f, d, d),
        );
        product(
            &mut g[at.gate_up.clone()],
            d,
            update,
            dgate_up.t(),
            rows(&k.h_mid, t, d, d),
        );
        let weight = &w[at.feed_forward_norm.clone()];
        norm::backward(
            &k.x_mid[..td],
            weight,
            &k.scales_mid,
            dh,
            dx,
            &mut g[at.feed_forward_norm.clone()],
        );
    }

    fn attention_backward(
        &self,
        l: usize,
        t: usize,
        space: &mut Workspace,
        (gradient, update): (&mut [f32], Update),
    ) {
        let (d, w) = (self.shape.width, &self.weights);
        let at = &self.layout.layers[l];
        let k = &mut space.layers[l];
        let (td, dx, dh) = (t * d, &mut space.dx[..t * d], &mut space.dh[..t * d]);
        let g = gradient;
        product(
            dh,
            d,
            Update::Replace,
            rows(dx, t, d, d),
            rows(&w[at.out.clone()], d, d, d),
        );
        product(
            &mut g[at.out.clone()],
            d,
            update,
            rows(dx, t, d, d).t(),
            rows(&k.attended, t, d, d),
        );
        let dqkv = &mut space.dqkv[..3 * td];
        let qkv = &k.qkv[..3 * td];
        self.attention()
            .backward(t, qkv, &mut k.probabilities, dh, dqkv, &mut space.scratch);
        self.rotary.turn(dqkv, 3 * d, 2 * d, Turn::Back);
        if self.shape.qk_norm {
            let (q_scales, k_scales) = k.qk_scales.split_at(self.shape.context * self.shape.heads);
            let (q_weight, k_weight) = w[at.qk_norm.clone()].split_at(self.shape.head_width());
            let (q_gradient, k_gradient) =
                g[at.qk_norm.clone()].split_at_mut(self.shape.head_width());
            let raw = &k.raw_qk[..3 * td];
            norm::backward_heads(raw, self.heads(), q_weight, q_scales, dqkv, q_gradient);
            norm::backward_heads(
                &raw[d..],
                self.heads(),
                k_weight,
                k_scales,
                &mut dqkv[d..],
                k_gradient,
            );
        }
        let dqkv = rows(dqkv, t, 3 * d, 3 * d);
        product(
            dh,
            d,
            Update::Replace,
            dqkv,
            rows(&w[at.qkv.clone()], 3 * d, d, d),
        );
        product(
            &mut g[at.qkv.clone()],
            d,
            update,
            dqkv.t(),
            rows(&k.h, t, d, d),
        );
        let weight = &w[at.attention_norm.clone()];
        norm::backward(
            &k.x[..td],
            weight,
            &k.scales,
            dh,
            dx,
            &mut g[at.attention_norm.clone()],
        );
    }
}
