//! litgpt: a `DataModule` over folders of litdata.

use super::super::data::{Globs, Reads, Weighted};
use super::super::text::{header, quoted};
use super::super::{Blend, Drawn, Format, Needs};

pub(in super::super) static FORMAT: Format = Format {
    name: "litgpt",
    help: "Python: a DataModule for litgpt pretrain",
    extension: "py",
    reads: Some(Reads {
        what: "folders that litdata.optimize wrote with a TokensLoader",
        kinds: &["litdata"],
        globs: Globs::None,
        weighted: Weighted::Always,
        folders: true,
    }),
    needs: Needs::NOTHING,
    remarks: &[
        "litdata draws each block at random by the shares, so numbers of blocks vary by their square root. A folder \
         that ends begins again: caps hold for this run only.",
        "Start: with this file as mixture.py in a folder of PYTHONPATH, litgpt pretrain MODEL --data mixture.Mixture \
         --data.val_data_path FOLDER --train.max_tokens TOKENS --train.lr_warmup_steps N --tokenizer_dir TOKENIZER",
    ],
    drawn: Drawn::random,
    text: |format, blend| Ok(text(format, blend)),
};

fn text(format: &Format, blend: &Blend) -> String {
    let mut text = header(format, blend);
    text += HEAD;
    for (domain, path) in blend.paths() {
        let (name, folder) = (quoted(&domain.name), quoted(&path.path));
        text += &format!("    ({name}, {}, {folder}),\n", path.weight());
    }
    text + MODULE
}

const HEAD: &str = "\
from dataclasses import dataclass, field

from litdata import CombinedStreamingDataset, StreamingDataLoader, StreamingDataset, TokensLoader
from litgpt.data import DataModule

# Domain, share, folder.
FOLDERS = [
";

const MODULE: &str = r#"]


class Repeated(StreamingDataset):
    """A folder that begins again, in another order, when it ends."""

    def __next__(self):
        try:
            return super().__next__()
        except StopIteration:
            iter(self)
        try:
            return super().__next__()
        except StopIteration:
            folder = self.input_dir.path or self.input_dir.url
            text = f"{folder} has fewer blocks than there are workers: lower num_workers"
            raise RuntimeError(text) from None


@dataclass
class Mixture(DataModule):
    """Blocks of all folders, drawn at random by their shares, without an end."""

    val_data_path: str | None = None
    """A folder of validation tokens that is none of FOLDERS."""
    seed: int = 42
    num_workers: int = 4

    batch_size: int = field(init=False, repr=False, default=1)
    block_size: int = field(init=False, repr=False, default=2049)

    def __post_init__(self):
        super().__init__()

    def connect(self, tokenizer=None, batch_size=1, max_seq_length=None):
        self.batch_size = batch_size
        # One token more than the model reads: the target of the last.
        self.block_size = max_seq_length + 1

    def _folder(self, kind, folder):
        loader = TokensLoader(block_size=self.block_size)
        return kind(input_dir=folder, item_loader=loader, shuffle=True, drop_last=True)

    def _loader(self, data):
        return StreamingDataLoader(
            data, batch_size=self.batch_size, pin_memory=True, num_workers=self.num_workers, drop_last=True
        )

    def train_dataloader(self):
        return self._loader(
            CombinedStreamingDataset(
                datasets=[self._folder(Repeated, folder) for _, _, folder in FOLDERS],
                seed=self.seed,
                weights=[share for _, share, _ in FOLDERS],
                iterate_over_all=False,
            )
        )

    def val_dataloader(self):
        if self.val_data_path is None:
            raise ValueError("name a folder of validation tokens: --data.val_data_path FOLDER")
        return self._loader(self._folder(StreamingDataset, self.val_data_path))
"#;
