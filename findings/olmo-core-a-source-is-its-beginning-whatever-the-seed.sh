#!/usr/bin/env bash
# ai2-olmo-core 3.0.0: what a source mixture takes of a file is its beginning, whatever the seed.
#
# Guess: SourceMixtureDatasetConfig takes a random part of a source that is larger than its share, by its seed: "Specifically this seed is
#   used when sampling the actual instances to use from each source". Three seeds have three parts.
# Seen: of 400 sequences a file of which 200 are wanted, the first 200 are drawn with every seed. `prepare()` does draw 200 by the
#   seed (with repeats: some 157 different ones) and writes them into its work folder, and then nothing reads that file.
# Why it matters: token files are seldom in random order: crawls by date, code by language and repository, and whatever was
#   filtered by a score may be sorted by it. A proxy of a hundredth of the data then trains on the first hundredth of each file, and
#   so do all proxies of all mixtures: what is fitted is the effect of the beginnings. Runs that are repeated with other seeds, to
#   measure noise, share every document, and their noise looks smaller than it is.
# Where: olmo_core/data/numpy_dataset.py: in NumpyFSLDatasetMixture, _read_chunk_from_array, which read the sampled indices, is
#   commented out, so NumpyFSLDataset's reads from the start of each file; data/utils.py, segment_documents_into_instances.
# Downloads torch (3 GB with its GPU libraries; from an index of CPU wheels, set in PIP_INDEX_URL, 0.2 GB).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ai2-olmo-core==3.0.0 torch==2.13.0
cd "$work"
cat > check.py <<'EOF'
from importlib.metadata import version
from pathlib import Path

import numpy as np
from olmo_core.data import NumpyFSLDatasetConfig, TokenizerConfig
from olmo_core.data.source_mixture import SourceMixtureConfig, SourceMixtureDatasetConfig, SourceMixtureList

LENGTH, SEQUENCES = 64, 400


def write(name, first):
    """A file of documents of one sequence each, which is the document's number over and over, and an end."""
    tokens = np.repeat(np.arange(first, first + SEQUENCES, dtype=np.uint16), LENGTH)
    tokens[LENGTH - 1 :: LENGTH] = 0
    tokens.tofile(name)


def drawn(seed):
    sources = [
        SourceMixtureConfig(source_name=name, target_ratio=0.5, paths=[f"{name}.npy"]) for name in ("web", "code")
    ]
    mixture = SourceMixtureDatasetConfig(
        source_list=SourceMixtureList(sources=sources),
        requested_tokens=SEQUENCES * LENGTH,
        global_batch_size=LENGTH,
        seed=seed,
        render_tables=False,
    )
    tokenizer = TokenizerConfig(vocab_size=50_000, eos_token_id=0, pad_token_id=49_999)
    config = NumpyFSLDatasetConfig(
        tokenizer=tokenizer, sequence_length=LENGTH, work_dir=f"work-{seed}", source_mixture_config=mixture
    )
    data = config.build()
    data.prepare()
    documents = [int(data[row]["input_ids"][0]) for row in range(len(data))]
    return sorted(number for number in documents if number <= SEQUENCES)


def main():
    write("web.npy", first=1)
    write("code.npy", first=SEQUENCES + 1)
    print("ai2-olmo-core", version("ai2-olmo-core"))
    for seed in (1, 2, 3):
        web = drawn(seed)
        choices = [np.fromfile(path, dtype=np.uint32)[::2] // LENGTH + 1
                   for path in Path(f"work-{seed}").rglob("*mixture-instance-indices*")]
        print(f"seed {seed}: {len(web)} documents of web, from number {web[0]} to {web[-1]}; chosen by the seed and not used: "
              f"{[len(set(choice.tolist())) for choice in choices]} different ones of 200 for each source")
        assert web == list(range(1, SEQUENCES // 2 + 1)), "the part depends on the seed now"
        assert len(choices) == 2 and all(140 < len(set(choice.tolist())) < 175 for choice in choices), "another choice is written"
    print("as recorded: every seed has the first half of the file")


if __name__ == "__main__":
    main()
EOF
"$work/venv/bin/python" check.py 2> stderr.txt || { tail -n 20 stderr.txt >&2; exit 1; }
