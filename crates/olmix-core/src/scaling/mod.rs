//! A joint law over mixtures, parameters and tokens: from runs of several sizes and horizons to the losses of a
//! larger or longer run.
//!
//! The law of task `i` at the mixture `p`, `N` parameters and `D` tokens is
//!
//! ```text
//! L_i(p, N, D) = l_i(N, D) + s_i(N, D) h_i(p)
//! l_i(N, D)    = E_i + A_i N^(−α) + B_i D^(−β)        E, A, B ≥ 0
//! s_i(N, D)    = exp(a_i + ρ_i log l_i(N, D))
//! ```
//!
//! with a level `l`, the loss of the average mixture of the swarm, and a spread `s > 0` of the effect `h` that the
//! mixture has. At any `N` and `D` the law is therefore convex in `p` wherever `h` is. `h` is known at the mixtures of
//! the swarm ([`ScalingLaw::at`] returns their losses at any size); any law is fitted to it as to a measured swarm.
//!
//! What two or three sizes cannot say is shared and shrunk. The exponents α and β are common to all tasks and have
//! priors; what they are is not chosen, but averaged over ([`ScalingLaw::draw`] draws from what is left open). `E`,
//! `A` and `B` of a task are pulled to those of all tasks, and `ρ` to 1: without evidence, mixtures change the loss by
//! the same share at every size.
//!
//! Checkpoints of one run are one run. Their weights sum to 1 and grow with the fourth power of the share of the run
//! that is done, since the learning rate has not decayed at earlier ones and their losses are too high for their
//! tokens. Those of the first quarter are left out. All runs of one size share an error, which more mixtures do not
//! average out; a size that was not measured has one, too.

mod checkpoints;
mod curve;
mod drift;
mod hold_out;
mod law;
mod profile;
mod resample;
#[cfg(test)]
mod tests;

pub use checkpoints::short as short_count;
pub(crate) use drift::Drift;
pub use drift::{ScaleOptimum, ScaledProposal};
pub use hold_out::{SizeCheck, without_largest};
pub use law::{ScaleRange, Scaled, ScalingDraw, ScalingLaw};
pub use resample::{ScaledLosses, resample_scaled};

/// A size of a run: its parameters and the tokens it has seen.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Scale {
    /// Parameters `N` of the model, above 0; by whatever count, as long as it is the same for all sizes.
    pub parameters: f64,
    /// Tokens `D` that the run has trained on, above 0.
    pub tokens: f64,
}
