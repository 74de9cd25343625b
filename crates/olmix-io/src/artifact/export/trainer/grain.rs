//! grain: a `MapDataset` that mixes flat files of tokens. `MapDataset.mix` is not used: it cuts weights to
//! hundredths of the smallest, so that others lose up to 1 % of their shares to it.

use super::super::data::{Globs, Reads, Weighted};
use super::super::text::{header, quoted};
use super::super::{Blend, Drawn, Format, Needs};
use crate::error::{IoError, Location};
use crate::messages::excerpt;

pub(in super::super) static FORMAT: Format = Format {
    name: "grain",
    help: "Python: a grain.MapDataset",
    extension: "py",
    reads: Some(READS),
    needs: Needs::TOKENS,
    remarks: &[
        "grain keeps each file within a few sequences of its share at any point of the run. A file that ends begins \
         again, in another order.",
        "Start: dataset = mixture(sequence_length).batch(...).to_iter_dataset(), with this file as mixture.py",
    ],
    drawn: Drawn::sequences,
    text,
};

/// Flat files of tokens on a file system, each with a weight.
pub(super) const READS: Reads = Reads {
    what: "local files of tokens and nothing else, without the header that numpy.save writes",
    kinds: &["tokens"],
    globs: Globs::None,
    weighted: Weighted::Always,
    folders: false,
};

fn text(format: &Format, blend: &Blend) -> Result<String, IoError> {
    let imports = "import grain\nimport numpy\n\n";
    Ok(header(format, blend) + imports + &files(format, blend)? + MIXTURE)
}

/// `TOKENS`, `DTYPE` and `FILES` of Python: a line for each file with domain, share and epochs.
///
/// # Errors
/// [`IoError::Input`] for a file of a store, which can't be mapped into memory.
pub(super) fn files(format: &Format, blend: &Blend) -> Result<String, IoError> {
    let target = blend.run.target_tokens.unwrap_or(0.0);
    let mut text = format!("TOKENS = {target:.0}\nDTYPE = {}\n", quoted(blend.dtype));
    text += "# Domain, share, epochs (None: not known), file of tokens.\nFILES = [\n";
    for (domain, path) in blend.paths() {
        if path.path.contains("://") {
            return Err(IoError::input(
                &domain.name,
                Location::File,
                format!(
                    "{} can't read `{}`: the file is not on a file system",
                    format.name(),
                    excerpt(&path.path)
                ),
                "copy the files to a file system that the trainer sees, and name them there",
            ));
        }
        let epochs = domain
            .epochs
            .map_or_else(|| "None".to_owned(), |epochs| format!("{epochs:.6}"));
        let (name, file) = (quoted(&domain.name), quoted(&path.path));
        text += &format!("    ({name}, {}, {epochs}, {file}),\n", path.weight());
    }
    Ok(text + "]\n")
}

const MIXTURE: &str = r#"

class Sequences:
    """The sequences of a file, of `length` tokens each; what is left at its end is not read."""

    def __init__(self, file, length):
        self.file, self.length = file, length
        self.tokens = numpy.memmap(file, dtype=DTYPE, mode="r")

    def __len__(self):
        return len(self.tokens) // self.length

    def __getitem__(self, index):
        start = index * self.length
        return self.tokens[start : start + self.length].astype(numpy.int64)

    def __getstate__(self):
        return self.file, self.length

    def __setstate__(self, state):
        self.__init__(*state)


class Shares(grain.transforms.DatasetSelectionMap):
    """Which file gives the sequence at an index, and which of its: files keep their shares at any index.

    grain.MapDataset.mix cuts weights to hundredths of the smallest.
    """

    def __init__(self, weights, length):
        self.weights, self.length = weights, length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        rest, before, after = sum(self.weights), index, index + 1
        for file, weight in enumerate(self.weights):
            # What the files after this one have of the first sequences, before this index and with it.
            others = rest - weight
            others_before, others_after = before * others // rest, after * others // rest
            if others_before == others_after:
                return file, before - others_before
            rest, before, after = others, others_before, others_after
        raise IndexError(index)


def mixture(sequence_length, seed=0, tokens=TOKENS):
    """The run's `tokens // sequence_length` sequences."""
    parts = [grain.MapDataset.source(Sequences(file, sequence_length)) for *_, file in FILES]
    parts = [part.shuffle(seed=seed + k).repeat() for k, part in enumerate(parts)]
    weights = [round(share * 1e9) for _, share, *_ in FILES]
    return grain.MapDataset.select_from_datasets(parts, Shares(weights, tokens // sequence_length))
"#;
