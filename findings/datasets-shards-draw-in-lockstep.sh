#!/usr/bin/env bash
# datasets 5.2.0 (November 2026): shards of a mixture are drawn in lockstep. Nodes that each read some of
# them draw the same source at every step, and shuffle() leaves a mixture less mixed than it was.
#
# Guess: interleave_datasets(probabilities=[.5, .5], seed=7), then split_dataset_by_node: every node draws
#   for itself. So the 8 examples of one step (one a node) are seldom all of one source (2 steps of 256),
#   and web's share of a step spreads by 0.18. And shuffle(seed) of the mixture cannot make it less mixed:
#   web's share of 1,000 examples spreads by 0.016 before and after.
# Seen: with 8 shards a source, all 8 nodes draw the same source at every one of 400 steps: a step is
#   all web or all code, the spread is 0.50. With 9 shards the same code is as guessed. On one machine,
#   shuffle() of a mixture of sources of 10 shards makes the share of 1,000 examples spread more than
#   twice as much as without shuffle(). Sources that are shuffled before they are mixed are fine.
# Why it matters: the mixture holds over the run, but not within a step. With one sequence a GPU and no
#   gradient accumulation every gradient is of one domain. Two runs with the same probabilities, one on
#   data in 64 files, one in 65, train differently; and the cure that one would reach for makes it worse.
# Where: datasets/iterable_dataset.py, RandomlyCyclingMultiSourcesExamplesIterable.shard_data_sources gives
#   each part a copy of the same generator. It is called for nodes where shards % nodes == 0 (otherwise
#   nodes step through one stream), and by InterleavedShardsExamplesIterable, which shuffle() puts in to
#   read up to 10 shards at a time. shift_ex_examples_rngs parts only the workers of a DataLoader.
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
from statistics import pstdev

import datasets
from datasets import interleave_datasets, load_dataset
from datasets.distributed import split_dataset_by_node

NODES, STEPS = 8, 400
WINDOWS, WINDOW = 60, 1000


def source(name, shards, rows=1000):
    files = [f"{name}-{shards}-{shard}.jsonl" for shard in range(shards)]
    for path in files:
        with open(path, "w") as out:
            out.writelines(json.dumps({"row": row, "source": name}) + "\n" for row in range(rows))
    return load_dataset("json", data_files=files, split="train", streaming=True)


def draws(shards):
    """For each step, the source that each node drew."""
    mixture = interleave_datasets(
        [source("web", shards), source("code", shards)], probabilities=[0.5, 0.5], seed=7
    )
    nodes = [split_dataset_by_node(mixture, rank=rank, world_size=NODES) for rank in range(NODES)]
    return list(zip(*[[row["source"] for row in islice(node, STEPS)] for node in nodes]))


def spread_over_windows(mixture):
    """How much web's share of 1,000 examples in a row varies."""
    drawn = [row["source"] for row in islice(mixture, WINDOWS * WINDOW)]
    return pstdev(drawn[at : at + WINDOW].count("web") / WINDOW for at in range(0, len(drawn), WINDOW))


print("datasets", datasets.__version__)
seen = {}
for shards in (8, 9):
    steps = draws(shards)
    one = sum(len(set(step)) == 1 for step in steps)
    spread = pstdev(step.count("web") / NODES for step in steps)
    web = sum(step.count("web") for step in steps) / (NODES * STEPS)
    print(f"{shards} shards a source, {NODES} nodes: web {web:.3f} of all, "
          f"steps of a single source {one} of {STEPS}, spread of web's share {spread:.3f}")
    seen[shards] = (one, spread)
assert seen[8][0] == STEPS and seen[8][1] > 0.45, "nodes are no longer in lockstep with 8 shards"
assert seen[9][0] < 20 and seen[9][1] < 0.25, "nodes draw alike with 9 shards, too"
web, code = source("web", 10, rows=10_000), source("code", 10, rows=10_000)
half = {"probabilities": [0.5, 0.5], "seed": 7}
spreads = {
    "mixed": spread_over_windows(interleave_datasets([web, code], **half)),
    "mixed, then shuffled": spread_over_windows(interleave_datasets([web, code], **half).shuffle(seed=3)),
    "shuffled, then mixed": spread_over_windows(
        interleave_datasets([web.shuffle(seed=3), code.shuffle(seed=4)], **half)
    ),
}
for order, spread in spreads.items():
    print(f"{order}: web's share of {WINDOW} examples spreads by {spread:.4f}")
assert spreads["mixed, then shuffled"] > 1.6 * spreads["mixed"], "shuffle() no longer unmixes"
assert spreads["shuffled, then mixed"] < 1.3 * spreads["mixed"], "shuffled sources spread more, too"
print("as recorded: nodes in lockstep with 8 shards, not with 9; a shuffled mixture is mixed less well")
EOF
"$work/venv/bin/python" check.py
