//! Which mixtures a swarm should be trained on: sampling, and designs that choose among samples.

mod design;
mod exchange;
mod farthest;
mod information;
mod maximin;
mod phased;
mod points;
mod regret;
mod sampler;
mod shares;
mod swarm;
mod taken;
mod tree;

pub use design::{Design, d_optimal, features, prediction_error, region, v_optimal};
pub use exchange::{Criterion, choose_runs, log_determinant};
pub use farthest::farthest;
pub use phased::{PhasedDrawn, PhasedOptions, Unfit, draw_in_phases, tied_runs};
pub use regret::{ASSUMED_NOISE, ExpectedRegret, RegretProblem, expected_regret};
pub use sampler::{Level, Rejections, Sampler, SamplerOptions};
pub use swarm::{DrawOptions, Drawn, draw_swarm, steps};
pub use tree::{Node, Tree};
