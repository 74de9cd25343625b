#!/usr/bin/env bash
# litdata 0.2.76 (September 2026): with batching_method="per_stream" two sources alternate, whatever their
# weights.
#
# Guess: weights [.9, .1] with per_stream draw the source of each *batch* by these weights: 9 batches in 10
#   are web. (So does MosaicML streaming, whose batching_method of that name this one follows.)
# Seen: web, code, web, code …: 50 % each. Three sources of .8, .15, .05 are drawn at .47, .38, .15. The
#   default, "stratified", keeps the weights (0.90 and 0.10).
# Why it matters: one switches to per_stream for speed (batches of one shape) or to keep domains apart in
#   contrastive training, and with that a mixture of 90 and 10 % becomes one of 50 and 50, with no message.
#   No weights can make a source more than half of the batches.
# Where: litdata/streaming/combined.py, _CombinedDatasetIterator._get_dataset_index: once a batch is full,
#   it draws until *another* source than the last comes up.
# Downloads torch (3 GB with its GPU libraries; from an index of CPU wheels, set in PIP_INDEX_URL, 0.2 GB).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check litdata==0.2.76 torch==2.15.0
export DATA_OPTIMIZER_CACHE_FOLDER="$work/cache"
cd "$work"
cat > check.py <<'EOF'
from collections import Counter
from itertools import islice

import litdata
from litdata import CombinedStreamingDataset, StreamingDataLoader, StreamingDataset
from litdata.streaming.cache import Cache

SIZE, BATCHES, BATCH = 4000, 400, 4


def write(name):
    cache = Cache(name, chunk_size=500)
    for number in range(SIZE):
        cache[number] = {"source": name, "number": number}
    cache.done()
    cache.merge()


def drawn(method, weights):
    """The source of each batch ("mixed" where there are several) and the share of each source."""
    mixture = CombinedStreamingDataset(
        [StreamingDataset(name) for name in weights],
        weights=list(weights.values()),
        iterate_over_all=False,
        seed=1,
        batching_method=method,
    )
    loader = StreamingDataLoader(mixture, batch_size=BATCH, num_workers=0)
    batches = [batch["source"] for batch in islice(loader, BATCHES)]
    counts = Counter(source for batch in batches for source in batch)
    shares = {name: counts[name] / counts.total() for name in weights}
    order = [batch[0] if len(set(batch)) == 1 else "mixed" for batch in batches]
    print(f"{method}, weights {weights}: drawn { {k: round(v, 3) for k, v in shares.items()} } "
          f"in {len(batches)} batches, beginning {order[:6]}")
    return order, shares


if __name__ == "__main__":
    print("litdata", litdata.__version__)
    for name in ("web", "code", "math"):
        write(name)
    two = {"web": 0.9, "code": 0.1}
    _, stratified = drawn("stratified", two)
    order, per_stream = drawn("per_stream", two)
    _, of_three = drawn("per_stream", {"web": 0.8, "code": 0.15, "math": 0.05})
    assert abs(stratified["web"] - 0.9) < 0.03, "stratified batches no longer keep the weights"
    assert all(a != b for a, b in zip(order, order[1:])), "the same source now comes twice running"
    assert abs(per_stream["web"] - 0.5) < 0.01, "per_stream no longer gives half and half"
    assert of_three["web"] < 0.51, "a source can now have more than half of the batches"
    print("as recorded: batches of two sources alternate, at any weights")
EOF
"$work/venv/bin/python" check.py
