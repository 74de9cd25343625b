#!/usr/bin/env bash
# megatron-energon 7.4.1 (August 2026): the share of a small source falls with the number of data-parallel
# ranks and workers.
#
# Guess: a blend of weights .8 and .2 draws 20 % from the second source on any number of ranks; if that
#   source has fewer documents than there are ranks, ranks share them, or it is an error.
# Seen: a source of 16 documents has a share of 0.20 on 4 and on 16 ranks, and of 0.05 on 64. Its documents
#   are dealt out to ranks (and to the workers of each); who gets none draws it at weight 0, quietly, and
#   nobody makes up for it: 16 ranks draw one document each in a fifth of their steps, 48 never.
# Why it matters: the mixture that was tuned on 8 GPUs is another one on 64 with 8 workers each (512 places:
#   any source below 512 documents is hit). The same YAML, the same weights; only a log line of sample
#   ranges shows it. Where the small source is drawn, it is always the same document on the same rank.
# Where: megatron/energon/wrappers/blend_dataset.py, BlendDataset.__iter__ (weight 0 where
#   worker_has_samples is false); megatron/energon/flavors/webdataset/sharder.py, split_samples_to_workers.
# Downloads torch (3 GB with its GPU libraries; from an index of CPU wheels, set in PIP_INDEX_URL, 0.2 GB).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check megatron-energon==7.4.1 torch==2.15.0
cd "$work"
cat > mixture.yaml <<'EOF'
__module__: megatron.energon
__class__: MetadatasetV2
splits:
  train:
    blend:
      - {weight: 0.8, path: large.jsonl}
      - {weight: 0.2, path: small.jsonl}
EOF
cat > check.py <<'EOF'
import json
from contextlib import redirect_stdout
from importlib.metadata import version
from io import StringIO
from itertools import islice
from pathlib import Path

from megatron.energon import (
    Cooker, DefaultTaskEncoder, TextSample, WorkerConfig, basic_sample_keys, get_loader, get_train_dataset,
    stateless,
)
from megatron.energon.epathlib import EPath
from megatron.energon.flavors.jsonl.jsonl_prepare import JsonlPreparator

SMALL, LARGE, STEPS = 16, 20_000, 200


@stateless
def cook(sample):
    return TextSample(**basic_sample_keys(sample), text=sample["json"]["source"])


class Encoder(DefaultTaskEncoder):
    cookers = [Cooker(cook)]


def draws(rank, ranks):
    """How many of its steps one rank draws from the small source."""
    with redirect_stdout(StringIO()):
        data = get_train_dataset(
            "mixture.yaml",
            worker_config=WorkerConfig(rank=rank, world_size=ranks, num_workers=0),
            batch_size=1,
            shuffle_buffer_size=None,
            max_samples_per_sequence=None,
            task_encoder=Encoder(),
        )
        return sum(batch.text[0] == "small" for batch in islice(get_loader(data), STEPS))


print("megatron-energon", version("megatron-energon"))
for name, size in (("small", SMALL), ("large", LARGE)):
    path = Path(f"{name}.jsonl").resolve()
    path.write_text("".join(json.dumps({"source": name, "number": n}) + "\n" for n in range(size)))
    JsonlPreparator.prepare_dataset(EPath(path))
share = {}
for ranks in (4, 16, 64):
    counts = [draws(rank, ranks) for rank in range(ranks)]
    share[ranks] = sum(counts) / (ranks * STEPS)
    print(f"{ranks} ranks: share of small {share[ranks]:.3f} (weight 0.2), "
          f"{sum(count == 0 for count in counts)} ranks never draw it", flush=True)
assert abs(share[4] - 0.2) < 0.04 and abs(share[16] - 0.2) < 0.03, "the weights do not hold on few ranks"
assert abs(share[64] - 0.05) < 0.02, "the share no longer falls with the number of ranks"
print("as recorded: with 64 ranks, 16 documents have a quarter of their share")
EOF
"$work/venv/bin/python" check.py 2> stderr.txt || { tail -n 20 stderr.txt >&2; exit 1; }
