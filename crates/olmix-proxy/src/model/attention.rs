//! Causal attention of one sequence, head by head, in blocks of queries.
//!
//! A block of queries meets only the keys up to its last one: of the work that the mask would throw away,
//! half a block is done. Probabilities are kept for the way back where sequences are short, and made again
//! where they would be larger than all else.

use super::product::{Update, product, rows};
use super::vector::{LANES, combine, dot, softmax, vectorized};

/// Queries of a block.
const BLOCK: usize = 64;
/// Up to this many tokens, probabilities are kept.
const KEPT: usize = 512;

/// Attention of a model: its heads, and their width.
#[derive(Clone, Copy)]
pub(crate) struct Attention {
    pub heads: usize,
    pub width: usize,
}

/// Where a head's queries, keys and values are in rows of `3 d`.
#[derive(Clone, Copy)]
struct Columns {
    q: usize,
    k: usize,
    v: usize,
}

impl Attention {
    /// Elements that [`Attention::forward`] needs for probabilities, of sequences of up to `context` tokens.
    pub fn kept(self, context: usize) -> usize {
        if context <= KEPT {
            self.heads * context * context
        } else {
            BLOCK * context
        }
    }

    /// Elements that [`Attention::backward`] needs for gradients of probabilities.
    pub fn scratch(context: usize) -> usize {
        BLOCK * context
    }

    fn columns(self, head: usize) -> Columns {
        let (d, at) = (self.heads * self.width, head * self.width);
        Columns {
            q: at,
            k: d + at,
            v: 2 * d + at,
        }
    }

    /// Whether probabilities of `t` tokens stand in a slice for all heads.
    fn keeps(self, t: usize, probabilities: &[f32]) -> bool {
        probabilities.len() >= self.heads * t * t
    }

    /// `out = softmax(q kᵀ / √width) v`: `qkv` is `t × 3d`, `out` is `t × d`.
    pub fn forward(self, t: usize, qkv: &[f32], probabilities: &mut [f32], out: &mut [f32]) {
        let d = self.heads * self.width;
        let keeps = self.keeps(t, probabilities);
        for head in 0..self.heads {
            let at = self.columns(head);
            for (from, to) in blocks(t) {
                let start = if keeps { (head * t + from) * t } else { 0 };
                let p = &mut probabilities[start..];
                self.probabilities(t, qkv, head, (from, to), p);
                product(
                    &mut out[from * d + at.q..],
                    d,
                    Update::Replace,
                    rows(p, to - from, to, t),
                    rows(&qkv[at.v..], to, self.width, 3 * d),
                );
            }
        }
    }

    /// The probabilities of a block of queries: rows `t` apart, of which keys up to the block's last are
    /// written, with zeros behind each row's own.
    fn probabilities(
        self,
        t: usize,
        qkv: &[f32],
        head: usize,
        (from, to): (usize, usize),
        p: &mut [f32],
    ) {
        let d3 = 3 * self.heads * self.width;
        let at = self.columns(head);
        product(
            p,
            t,
            Update::Replace,
            rows(&qkv[from * d3 + at.q..], to - from, self.width, d3),
            rows(&qkv[at.k..], to, self.width, d3).t(),
        );
        let scale = 1.0 / (self.width as f32).sqrt();
        vectorized(
            #[inline(always)]
            || {
                for (i, row) in p.chunks_mut(t).take(to - from).enumerate() {
                    softmax(&mut row[..to], from + i + 1, scale);
                }
            },
        );
    }

    /// The way back: `dqkv` from `dout`; `scratch` has [`Attention::scratch`] elements.
    pub fn backward(
        self,
        t: usize,
        qkv: &[f32],
        probabilities: &mut [f32],
        dout: &[f32],
        dqkv: &mut [f32],
        scratch: &mut [f32],
    ) {
        let d = self.heads * self.width;
        let d3 = 3 * d;
        let scale = 1.0 / (self.width as f32).sqrt();
        let keeps = self.keeps(t, probabilities);
        for head in 0..self.heads {
            let at = self.columns(head);
            // The last block meets every key: what it writes, those before it add to.
            let mut how = Update::Replace;
            for (from, to) in blocks(t).rev() {
                let start = if keeps { (head * t + from) * t } else { 0 };
                if !keeps {
                    self.probabilities(t, qkv, head, (from, to), probabilities);
                }
                let p = &probabilities[start..];
                let queries = to - from;
                let dout = rows(&dout[from * d + at.q..], queries, self.width, d);
                let p_of = rows(p, queries, to, t);
                product(&mut dqkv[at.v..], d3, how, p_of.t(), dout);
                let values = rows(&qkv[at.v..], to, self.width, d3);
                product(scratch, t, Update::Replace, dout, values.t());
                vectorized(
                    #[inline(always)]
                    || {
                        let pairs = p.chunks(t).zip(scratch.chunks_mut(t)).take(queries);
                        for (i, (p, dp)) in pairs.enumerate() {
                            let seen = (from + i + 1).next_multiple_of(LANES).min(to);
                            let (dp, masked) = dp[..to].split_at_mut(seen);
                            let p = &p[..seen];
                            let mean = dot(p, dp);
                            combine(dp, p, p, |dp, p, _| p * (dp - mean) * scale);
                            masked.fill(0.0);
                        }
                    },
                );
                let ds = rows(scratch, queries, to, t);
                let keys = rows(&qkv[at.k..], to, self.width, d3);
                product(&mut dqkv[from * d3 + at.q..], d3, Update::Replace, ds, keys);
                let queries = rows(&qkv[from * d3 + at.q..], queries, self.width, d3);
                product(&mut dqkv[at.k..], d3, how, ds.t(), queries);
                how = Update::Add;
            }
        }
    }
}

/// Blocks of queries of `t` tokens, each as where it begins and ends.
fn blocks(t: usize) -> impl DoubleEndedIterator<Item = (usize, usize)> {
    (0..t.div_ceil(BLOCK)).map(move |b| (b * BLOCK, t.min((b + 1) * BLOCK)))
}
