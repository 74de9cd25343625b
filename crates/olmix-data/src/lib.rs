//! Data on disks and in object stores: which files a leaf has, and how many tokens they hold.
//!
//! ```text
//! paths and globs ─► pattern ─► listing ─► shards ─► format ─► flat | text ─► tokens per leaf
//! ```
//!
//! [`count`] does all of it. Flat shards are counted from their sizes, whole stores at a time; texts
//! are read, and what was counted once is remembered.

mod cache;
mod count;
mod error;
mod flat;
mod format;
mod listing;
mod pattern;
mod store;
mod text;

pub use count::{CountOptions, Leaf, LeafCount, count};
pub use error::{DataError, ShardProblem};
pub use format::Format;
pub use text::Unit;
