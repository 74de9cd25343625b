//! fairseq2: a `DataPipeline` that samples flat files of tokens.

use super::super::text::header;
use super::super::{Blend, Drawn, Format, Needs};
use super::grain::{READS, files};
use crate::error::IoError;

pub(in super::super) static FORMAT: Format = Format {
    name: "fairseq2",
    help: "Python: fairseq2's DataPipeline.sample",
    extension: "py",
    reads: Some(READS),
    needs: Needs::TOKENS,
    remarks: &[
        "Each file gives exactly its whole number of sequences. A file that ends begins again, in the same order.",
        "Start: pipeline = mixture(sequence_length), the source of a recipe's data reader, with this file as mixture.py",
    ],
    drawn: Drawn::sequences,
    text,
};

fn text(format: &Format, blend: &Blend) -> Result<String, IoError> {
    Ok(header(format, blend) + IMPORTS + &files(format, blend)? + MIXTURE)
}

const IMPORTS: &str = "\
import math

import numpy
import torch
from fairseq2.data.data_pipeline import DataPipeline, read_sequence

";

const MIXTURE: &str = r#"

def counts(sequences):
    """Sequences of each file: whole numbers, `sequences` in all, by largest remainders."""
    exact = [share * sequences for _, share, *_ in FILES]
    whole = [math.floor(x) for x in exact]
    by_remainder = sorted(range(len(exact)), key=lambda k: whole[k] - exact[k])
    for k in by_remainder[: sequences - sum(whole)]:
        whole[k] += 1
    return whole


def sequences(file, length, count, seed):
    """`count` sequences of a file, in random order, from its beginning again when it ends."""
    tokens = numpy.memmap(file, dtype=DTYPE, mode="r")
    order = numpy.random.default_rng(seed).permutation(len(tokens) // length).tolist()
    if not order:
        raise ValueError(f"{file}: shorter than a sequence of {length} tokens")

    def read(index):
        return torch.from_numpy(tokens[index * length : (index + 1) * length].astype(numpy.int64))

    return read_sequence(order).repeat().take(count).map(read).and_return()


def mixture(sequence_length, seed=0, tokens=TOKENS):
    """The run's `tokens // sequence_length` sequences."""
    parts, weights = [], []
    for k, ((*_, file), count) in enumerate(zip(FILES, counts(tokens // sequence_length))):
        if count:
            parts.append(sequences(file, sequence_length, count, seed + k))
            weights.append(count)
    return DataPipeline.sample(parts, weights=weights, seed=seed, allow_repeats=False).and_return()
"#;
