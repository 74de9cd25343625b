//! Data on disks and in object stores: which files a leaf has, and how many tokens they hold.
//!
//! ```text
//! paths, globs ─► pattern ─► listing ─► shards ─► format ─► flat | text ─► tokens per leaf
//! ```
//!
//! [`count`] does all of it. Flat shards are counted from their sizes, whole stores at a time; texts
//! are read, and what was counted once is remembered. [`tokenize`] makes token shards of texts, and
//! [`locate`] says where a trainer finds the tokens of each leaf.

mod bytes_tokenizer;
mod cache;
mod count;
mod encoder;
mod error;
mod flat;
mod format;
mod listing;
mod locate;
mod manifest;
mod megatron;
mod pattern;
mod resolve;
mod store;
mod text;
mod tls;
mod tokenize;

pub use count::{CountOptions, LeafCount, count};
pub use encoder::Encoder;
pub use error::{DataError, ShardProblem, TextProblem};
pub use format::Format;
pub use locate::{TokenShard, locate};
pub use manifest::{Dtype, Manifest, ManifestTokenizer, Part, Split};
pub use resolve::Leaf;
pub use store::open_store;
pub use text::Unit;
pub use tls::install_tls_provider;
pub use tokenize::{TokenizeOptions, Tokenized, tokenize};

/// Where a folder of shards keeps what it needs until it is finished.
pub(crate) const JOURNAL: &str = ".olmix-parts";
