"""Writes crates/olmix-data/tests/files: small shards, each by the package whose format it is.

Run with a Python that has numpy, pyarrow, torch, litdata, datatrove, humanize, orjson and megatron-core: python scripts/foreign_shards.py
"""

import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import torch
from datatrove.data import Document
from datatrove.pipeline.tokens import DocumentTokenizer
from litdata.streaming.cache import Cache
from litdata.streaming.item_loader import TokensLoader
from megatron.core.datasets.indexed_dataset import IndexedDatasetBuilder
from tokenizers import Tokenizer, models, pre_tokenizers

OUT = Path(__file__).resolve().parents[1] / "crates/olmix-data/tests/files"
TOKENS = np.arange(12, dtype=np.uint16)


def numpy(folder):
    np.save(folder / "little_endian.npy", TOKENS)
    np.save(folder / "big_endian.npy", TOKENS.astype(">u2"))
    np.save(folder / "rows.npy", TOKENS.reshape(3, 4).astype(np.int32))
    np.save(folder / "fortran.npy", np.asfortranarray(TOKENS.reshape(3, 4)))
    np.save(folder / "bytes.npy", TOKENS.astype(np.uint8))


def lists(folder):
    ids = pa.array([[1, 2, 3], [], None, [4, 5, None]], pa.list_(pa.int32()))
    parquet.write_table(pa.table({"input_ids": ids}), folder / "input_ids.parquet")
    chats = pa.array([[dict(role="user", content="a"), dict(role="model", content="b")], [dict(role="user", content="c")]])
    fixed, document = pa.array([b"abc", b"def"], pa.binary(3)), pa.array([dict(text="abc"), None])
    parquet.write_table(pa.table({"messages": chats, "fixed": fixed, "doc": document}), folder / "chats.parquet")


def megatron(folder):
    builder = IndexedDatasetBuilder(str(folder / "text.bin"), dtype=np.uint16)
    builder.add_document(torch.arange(7), [3, 4])
    builder.add_item(torch.arange(3))
    builder.end_document()
    builder.finalize(str(folder / "text.idx"))


def litdata(folder):
    cache = Cache("chunks", chunk_size=160, item_loader=TokensLoader(block_size=10))
    for number, size in enumerate((40, 40, 40, 40, 90)):
        cache._add_item(number, torch.arange(size, dtype=torch.int32))
    cache.done()
    cache.merge(1)
    for file in Path("chunks").iterdir():
        if file.suffix in (".bin", ".json"):
            shutil.copy(file, folder / file.name)


def datatrove(folder):
    words = Tokenizer(models.WordLevel({"a": 0, "b": 1, "[UNK]": 2, "<|endoftext|>": 3}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.save("tokenizer.json")
    step = DocumentTokenizer(
        output_folder=str(folder), local_working_dir="working", tokenizer_name_or_path="tokenizer.json", eos_token="<|endoftext|>", seed=1
    )
    documents = [Document(text=" ".join("ab"[(i + j) % 2] for j in range(n)), id=str(i)) for i, n in enumerate((5, 10, 15))]
    step.run(iter(documents), rank=0, world_size=1)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        for write, name in ((numpy, "numpy"), (lists, "parquet"), (megatron, "megatron"), (litdata, "litdata"), (datatrove, "datatrove")):
            (OUT / name).mkdir(parents=True)
            write(OUT / name)
    packages = ("numpy", "pyarrow", "megatron-core", "litdata", "datatrove")
    made = ", ".join(f"{name} {version(name)}" for name in packages)
    (OUT / "README.md").write_text(f"Written by scripts/foreign_shards.py with {made}.\n")


main()
