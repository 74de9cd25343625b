#!/usr/bin/env bash
# datasets 5.2.0 (November 2026): from the second epoch on, the seed of a mixture is not used.
#
# Guess: set_epoch(e) makes the draws of an epoch from the seed and e (an example in the package says:
#   "will use effective_seed = seed + epoch", arrow_dataset.py, to_iterable_dataset). So runs
#   with seeds 1, 2 and 3 draw three orders of sources, in every epoch.
# Seen: epoch 0 has three orders. Epochs 1, 2 and 3 have one order each, the same for all three seeds.
#   Each source's shards are put in an order that does not depend on the seed either, although nobody
#   called shuffle(). And one source that was cut with skip() (a held-out part) stops that for *all*
#   sources: their shards are then read in the same order in every epoch, and the seed counts again.
# Why it matters: repeats of a run by seed, made to measure noise, share the data order of all epochs but
#   the first. Two mixtures compared "at different seeds" are not. Holding out 100 documents of one domain
#   changes how every other domain is read.
# Where: datasets/iterable_dataset.py, IterableDataset._prepare_ex_iterable_for_iteration calls
#   shuffle_data_sources(np.random.default_rng(self.epoch)), and
#   RandomlyCyclingMultiSourcesExamplesIterable.shuffle_data_sources replaces its own generator by it;
#   SkipExamplesIterable raises DataSourcesShufflingDisallowed, which leaves the whole tree as it was.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 numpy==2.4.6
export HF_HOME="$work/hf" HF_HUB_OFFLINE=1
cd "$work"
cat > check.py <<'EOF'
import json
from itertools import islice

import datasets
from datasets import interleave_datasets, load_dataset

SEEDS, EPOCHS, SHARDS = (1, 2, 3), range(4), 8


def source(name):
    files = [f"{name}-{shard}.jsonl" for shard in range(SHARDS)]
    for shard, path in enumerate(files):
        with open(path, "w") as out:
            out.writelines(json.dumps({"source": name, "shard": shard}) + "\n" for _ in range(20))
    return load_dataset("json", data_files=files, split="train", streaming=True)


def epoch_of(seed, epoch, held_out):
    web, code = source("web"), source("code")
    mixture = interleave_datasets(
        [web, code.skip(3) if held_out else code], probabilities=[0.5, 0.5], seed=seed
    )
    mixture.set_epoch(epoch)
    rows = list(mixture)
    order = "".join(row["source"][0] for row in islice(rows, 60))
    shards = tuple(dict.fromkeys(row["shard"] for row in rows if row["source"] == "web"))
    return order, shards[:5]


print("datasets", datasets.__version__)
for held_out in (False, True):
    print("code.skip(3) in the mixture:" if held_out else "whole sources:")
    for epoch in EPOCHS:
        seen = [epoch_of(seed, epoch, held_out) for seed in SEEDS]
        orders = {order for order, _ in seen}
        shards = {shards for _, shards in seen}
        print(f"  epoch {epoch}: {len(orders)} different orders of sources for {len(SEEDS)} seeds, "
              f"web's shards begin {sorted(shards)}")
        in_order = shards == {(0, 1, 2, 3, 4)}
        if held_out:
            assert len(orders) == 3 and in_order, "a held-out part no longer stops the shuffling of all"
        elif epoch == 0:
            assert len(orders) == 3 and in_order, "epoch 0 changed"
        else:
            assert len(orders) == 1 and len(shards) == 1 and not in_order, "the seed counts after epoch 0"
print("as recorded: after epoch 0 the seed makes no difference, until one source was cut by skip()")
EOF
"$work/venv/bin/python" check.py
