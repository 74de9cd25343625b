//! `olmix tokenize`.

use std::path::PathBuf;

use clap::Args;
use olmix_data::OnBadLine;

use super::{Common, choice};

/// `olmix tokenize`.
#[derive(Debug, Args)]
#[command(
    after_help = "Documents are the objects of JSON Lines (.jsonl, .gz, .zst), the rows of Parquet, or whole \
        .txt files. Documents without text (empty or null) are left out. Half of a surrogate pair (\\ud83d) \
        becomes U+FFFD. An interrupted run resumes; shards of files that changed are made again.\n\n\
                  Output:\n  \
                  shards/train/00000-web.bin       tokens, with an end-of-text token after each document\n  \
                  shards/train/00000-web.idx       where documents begin (Megatron index)\n  \
                  shards/validation/…              held-out documents\n  \
                  shards/manifest.json             counts of each shard\n  \
                  shards/tokenizer.json\n\n\
                  Example:\n  \
                  olmix tokenize --input 'docs/*.jsonl.zst' --tokenizer bytes --output shards/"
)]
pub struct TokenizeArgs {
    /// Text files or globs; repeatable.
    #[arg(long, required = true, num_args = 1.., value_name = "FILES")]
    pub input: Vec<String>,
    /// `bytes` (one token per UTF-8 byte) or the path of a tokenizer.json.
    #[arg(long, value_name = "bytes|FILE")]
    pub tokenizer: String,
    /// Folder for the shards.
    #[arg(long, short, value_name = "FOLDER")]
    pub output: PathBuf,
    /// Field (JSON Lines) or column (Parquet) that holds the text of a document; `doc.text` for a field in a
    /// field.
    #[arg(long, value_name = "NAME", default_value = "text")]
    pub text_field: String,
    /// What to do with a line (or a Parquet row) that is not a document: `stop` refuses its file, `skip` leaves
    /// the line out and reports how many were.
    #[arg(long, value_name = "stop|skip", default_value = "stop", value_parser = choice(OnBadLine::ALL))]
    pub on_bad_line: OnBadLine,
    /// Share of documents to hold out, from 0 to below 1, chosen by a hash of the text: equal documents stay
    /// together.
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    pub validation: f64,
    /// The end-of-text token [default: found by its usual names in the tokenizer].
    #[arg(long, value_name = "TOKEN")]
    pub end_of_text: Option<String>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}
