#!/usr/bin/env bash
# torchtitan 0.3.0: with two loading workers every batch comes twice in a row.
#
# Guess: num_workers=2 prepares the same batches in two processes: 1000 documents are read once each.
# Seen: of a data set that is in memory or on disk (not streamed), each worker reads all of it: every batch comes
#   twice, one after the other, and an epoch of 1000 documents is 2000. With four workers four times. No message.
#   A streamed data set of four files is divided over the workers, and comes once.
# Why it matters: num_workers is a setting for speed. Here it halves the number of different documents of a run and makes of
#   a cap of one epoch two; loss falls faster than it should, as half of the steps see a batch again that was just trained on.
#   Whether it happens depends on `streaming=True` in the loader of a data set, in another file.
# Where: torchtitan/hf_datasets/text_datasets.py, HuggingFaceTextDataset.__iter__: it divides by rank
#   (split_dataset_by_node), and never asks torch.utils.data.get_worker_info(); only datasets' IterableDataset does.
# Downloads torch (3 GB with its GPU libraries; from an index of CPU wheels, set in PIP_INDEX_URL, 0.2 GB).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torchtitan==0.3.0 torch==2.13.0
export HF_HOME="$work/cache" HF_HUB_OFFLINE=1
cd "$work"
cat > check.py <<'EOF'
import json
from collections import Counter
from functools import partial
from importlib.metadata import version

from datasets import load_dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from torchtitan.components.tokenizer import HuggingFaceTokenizer
from torchtitan.hf_datasets import DatasetConfig
from torchtitan.hf_datasets.text_datasets import DATASETS, HuggingFaceTextDataLoader

FILES, SIZE, LENGTH = 4, 250, 10

# A document is one word, its number, ten times: with an end it gives one sequence of ten tokens.
words = {"<eos>": 0} | {str(number): number for number in range(1, FILES * SIZE + 1)}
tokenizer = Tokenizer(models.WordLevel(words, unk_token="<eos>"))
tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer.add_special_tokens(["<eos>"])
tokenizer.save("tokenizer.json")
with open("tokenizer_config.json", "w") as out:
    json.dump({"eos_token": "<eos>", "tokenizer_class": "PreTrainedTokenizerFast"}, out)
for file in range(FILES):
    with open(f"{file}.jsonl", "w") as out:
        for number in range(1 + file * SIZE, 1 + (file + 1) * SIZE):
            out.write(json.dumps({"text": " ".join([str(number)] * LENGTH)}) + "\n")


def load(path, streaming):
    return load_dataset("json", data_files=f"{path}/*.jsonl", split="train", streaming=streaming)


for streaming in (False, True):
    DATASETS[f"numbers_{streaming}".lower()] = DatasetConfig(".", partial(load, streaming=streaming), lambda row: row["text"])


def numbers(streaming, workers):
    config = HuggingFaceTextDataLoader.Config(dataset=f"numbers_{streaming}".lower(), infinite=False, num_workers=workers)
    tokens = HuggingFaceTokenizer(HuggingFaceTokenizer.Config(), tokenizer_path=".")
    loader = config.build(dp_world_size=1, dp_rank=0, tokenizer=tokens, seq_len=LENGTH, local_batch_size=1)
    return [int(inputs["input"].max()) for inputs, _ in loader]


print("torchtitan", version("torchtitan"), "torch", version("torch"))
times = {}
for streaming in (False, True):
    for workers in (0, 2, 4):
        seen = numbers(streaming, workers)
        times[streaming, workers] = set(Counter(seen).values())
        kind = "streamed" if streaming else "not streamed"
        print(f"{kind}, {workers} workers: {len(seen)} documents, {len(set(seen))} different ones; the first: {seen[:6]}")
        if (streaming, workers) == (False, 2):
            assert seen[0::2] == seen[1::2], "batches no longer come twice in a row"
assert times[False, 0] == times[True, 0] == {1}, "a single process no longer reads every document once"
assert times[False, 2] == {2} and times[False, 4] == {4}, "workers divide the documents now"
assert times[True, 2] == {1} and times[True, 4] == {1}, "streamed files are no longer divided"
print("as recorded: every worker reads all documents, unless they are streamed")
EOF
"$work/venv/bin/python" check.py 2> stderr.txt || { cat stderr.txt >&2; exit 1; }
