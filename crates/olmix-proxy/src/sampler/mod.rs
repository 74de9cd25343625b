//! Which tokens a run sees, and in which order.
//!
//! ```text
//! weights, tokens, seed ─► sequences of each leaf ─► one order of all ─► sequences.bin ─► batches
//! ```
//!
//! The order is made once, by [`SequenceIndex::draw`], and written down; every trainer reads it, so that all
//! of them see the same stream, from any step on.

pub(crate) mod cut;
pub(crate) mod index;
mod permutation;
mod request;
mod tokens;

pub use index::SequenceIndex;
pub(crate) use request::largest_remainders;
pub use request::{LeafCut, LeafRequest, PhaseRequest, SequenceRequest};
pub use tokens::{Batches, Tokens};
