//! The blend of Megatron-LM, as the words of `--data-path`.

use super::super::data::{Globs, Reads, Weighted};
use super::super::{Blend, Drawn, Format, Needs};
use crate::error::{IoError, Location};
use crate::messages::excerpt;

pub(in super::super) static FORMAT: Format = Format {
    name: "megatron",
    help: "the words of --data-path in Megatron-LM",
    extension: "txt",
    reads: Some(READS),
    needs: Needs::NOTHING,
    remarks: &[
        "Megatron-LM keeps each prefix within a sequence of its weight. It also builds 0.5 % more samples of each than \
         the run needs (--mid-level-dataset-surplus 0.005), and reads none of these.",
        "--split 100,0,0 trains on whole files: with the default 969,30,1 each is seen 3 % more often.",
        "Start: pretrain_gpt.py --data-args-path FILE --split 100,0,0 --train-samples N",
    ],
    drawn: Drawn::sequences,
    text: |_, blend| text(blend),
};

/// Megatron's own files, each with a weight.
pub(super) const READS: Reads = Reads {
    what: "the .bin files of Megatron, each with its .idx file beside it",
    kinds: &["megatron"],
    globs: Globs::None,
    weighted: Weighted::Always,
    folders: false,
};

/// What Megatron calls a file: its path without `.bin`.
pub(super) fn prefix(path: &str) -> &str {
    path.strip_suffix(".bin").unwrap_or(path)
}

fn text(blend: &Blend) -> Result<String, IoError> {
    let mut words = Vec::new();
    for (domain, path) in blend.paths() {
        let prefix = prefix(&path.path);
        // The line is split at white space; no quotes are read.
        if prefix.contains(char::is_whitespace) || prefix.is_empty() {
            return Err(IoError::input(
                &domain.name,
                Location::File,
                format!(
                    "the path `{}` has white space, at which Megatron-LM splits its line",
                    excerpt(prefix)
                ),
                "move the file, link to it from a path without white space, or use --format megatron-bridge",
            ));
        }
        words.push(format!("{} {prefix}", path.weight()));
    }
    Ok(format!("{}\n", words.join(" ")))
}
