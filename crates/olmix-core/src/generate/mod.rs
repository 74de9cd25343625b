//! Which mixtures a swarm should be trained on: sampling, and designs that choose among samples.

mod sampler;
mod tree;

pub use sampler::{Level, Rejections, Sampler, SamplerOptions};
pub use tree::{Node, Tree};
