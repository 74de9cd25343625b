//! `olmix tokenize`.

use std::path::PathBuf;

use clap::Args;

use super::Common;

/// `olmix tokenize`.
#[derive(Debug, Args)]
#[command(
    after_help = "Documents are the objects of JSON Lines (.jsonl, .gz, .zst), the rows of Parquet, or whole .txt files. \
                  Killed and started again, it goes on where it stopped; when files change, it makes their shards anew.\n\n\
                  What is made:\n  \
                  shards/train/00000-web.bin       tokens, an end-of-text token after each document\n  \
                  shards/train/00000-web.idx       where documents begin (Megatron's index)\n  \
                  shards/validation/…              documents that are held out\n  \
                  shards/manifest.json             counts of each shard\n  \
                  shards/tokenizer.json\n\n\
                  Example:\n  \
                  olmix tokenize --input 'docs/*.jsonl.zst' --tokenizer bytes --output shards/"
)]
pub struct TokenizeArgs {
    /// Files or globs of texts; may be given more than once.
    #[arg(long, required = true, num_args = 1.., value_name = "FILES")]
    pub input: Vec<String>,
    /// `bytes` (a token per UTF-8 byte, no file needed) or the path of a tokenizer.json.
    #[arg(long, value_name = "bytes|FILE")]
    pub tokenizer: String,
    /// The folder of shards.
    #[arg(long, short, value_name = "FOLDER")]
    pub output: PathBuf,
    /// Field or column of a document's text.
    #[arg(long, value_name = "NAME", default_value = "text")]
    pub text_field: String,
    /// Share of documents to hold out, chosen by their text: equal documents are on one side.
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    pub validation: f64,
    /// The token after each document, where it has an unusual name.
    #[arg(long, value_name = "TOKEN")]
    pub end_of_text: Option<String>,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}
