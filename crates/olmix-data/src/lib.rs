//! Data on disks and in object stores: which files a leaf has, and how many tokens they hold.
//!
//! ```text
//! paths, globs ─► pattern ─► listing ─► shards ─► format ─► shard | text ─► tokens per leaf
//! ```
//!
//! [`count`] does all of it. Flat shards are counted from their sizes, whole stores at a time; texts
//! are read, and what was counted once is remembered. [`tokenize`] makes token shards of texts, and
//! [`locate`] says where a trainer finds the tokens of each leaf.
//!
//! ```
//! use olmix_data::{
//!     CountOptions, Encoder, Leaf, OnBadLine, TokenizeOptions, Unit, count, tokenize,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let temporary = tempfile::tempdir()?;
//! # let folder = temporary.path();
//! // Tokenize a text: a token per byte, and one that ends the text.
//! std::fs::write(folder.join("web.txt"), "The cat sat on the mat.")?;
//! let options = TokenizeOptions {
//!     inputs: vec![folder.join("web.txt").display().to_string()],
//!     output: folder.join("shards"),
//!     text_field: "text".to_owned(),
//!     validation: 0.0,
//!     on_bad_line: OnBadLine::Stop,
//! };
//! let made = tokenize(&options, &Encoder::bytes(), &|_, _| {})?;
//! assert_eq!(made.manifest.parts[0].file, "train/00000-web.bin");
//!
//! // Count the tokens of its shards.
//! let leaf = Leaf {
//!     name: "web".to_owned(),
//!     paths: vec!["shards/train/*.bin".to_owned()],
//!     format: None,
//! };
//! let options = CountOptions {
//!     width: 2,
//!     unit: Unit::Bytes,
//!     text_field: "text".to_owned(),
//!     shared: false,
//!     folder: folder.to_owned(),
//!     cache: None,
//!     on_bad_line: OnBadLine::Stop,
//! };
//! let counts = count(&[leaf], &options, &|_, _| {})?;
//! assert_eq!((counts[0].shards, counts[0].tokens), (1, 24));
//! # Ok(())
//! # }
//! ```

mod blocks;
mod cache;
mod count;
mod encoder;
mod error;
mod format;
mod inventory;
mod listing;
mod locate;
mod manifest;
mod megatron;
mod pattern;
mod reader;
mod remote_headers;
mod resolve;
mod rows;
mod shard;
mod store;
mod text;
mod tls;
mod tokenize;

pub use blocks::{check_blocks, sums_file, sums_size};
pub use count::{CountOptions, LeafCount, count};
pub use encoder::Encoder;
pub use error::{DataError, ShardProblem, TextProblem};
pub use format::Format;
pub use inventory::{Amount, DataFile, LeafFiles, inventory};
pub use locate::{TokenShard, locate};
pub use manifest::{Dtype, Manifest, ManifestTokenizer, Part, PartChecksums, Split};
pub use resolve::Leaf;
pub use rows::parquet_objects;
pub use store::open_store;
pub use text::{OnBadLine, Skipped, Unit};
pub use tls::install_tls_provider;
pub use tokenize::{TokenizeOptions, Tokenized, tokenize};

/// Where a folder of shards keeps what it needs until it is finished.
pub(crate) const JOURNAL: &str = ".olmix-parts";
