//! torchtitan's interleaved loader of Hugging Face data sets.

use super::super::text::{header, quoted};
use super::super::{Blend, Drawn, Format, Needs};
use super::huggingface::{READS, parts};
use crate::error::IoError;

pub(in super::super) static FORMAT: Format = Format {
    name: "torchtitan",
    help: "Python: torchtitan's InterleavedHuggingFaceTextDataLoader",
    extension: "py",
    reads: Some(READS),
    needs: Needs::NOTHING,
    remarks: &[
        "torchtitan draws each sequence at random by the shares, which are of tokens: numbers of sequences vary by their \
         square root. A part that ends begins again: caps hold for this run only.",
        "Start: config.dataloader = mixture.dataloader() in the function of your config, with this file as mixture.py; \
         leave num_workers at 0. training.steps is the run's tokens / (global_batch_size * seq_len).",
    ],
    drawn: Drawn::random,
    text,
};

fn text(format: &Format, blend: &Blend) -> Result<String, IoError> {
    let mut text = header(format, blend);
    text += IMPORTS;
    for part in parts(format, blend)? {
        let (name, loader) = (quoted(part.domain), quoted(part.loader));
        text += &format!("    ({name}, {}, {loader}, {}),\n", part.share, part.files);
    }
    Ok(text + LOADER)
}

const IMPORTS: &str = "\
from functools import partial

from datasets import load_dataset
from torchtitan.hf_datasets import DatasetConfig
from torchtitan.hf_datasets.text_datasets import DATASETS, HFDataSource, InterleavedHuggingFaceTextDataLoader

# Domain, share, loader, files.
PARTS = [
";

const LOADER: &str = r#"]


def _load(_, files, loader):
    return load_dataset(loader, data_files=files, split="train").shuffle(seed=0)


def _text(row):
    return row["text"]


def dataloader(seed=42, **options):
    """The config of a loader that draws sequences of all parts by their shares."""
    sources = []
    for k, (_, share, loader, files) in enumerate(PARTS):
        # Names are looked up in lower case.
        name = f"olmix-{k}"
        load = partial(_load, files=files, loader=loader)
        DATASETS[name] = DatasetConfig(path=name, loader=load, sample_processor=_text)
        sources.append(HFDataSource(dataset=name, infinite=True, weight=share))
    return InterleavedHuggingFaceTextDataLoader.Config(sources=sources, seed=seed, **options)
"#;
