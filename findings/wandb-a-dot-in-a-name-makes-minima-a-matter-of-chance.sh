#!/usr/bin/env bash
# wandb 0.31.0 (2026): a metric with a dot in its name has no minimum, and the metric named like its first part has one by chance.
#
# Guess: `define_metric("eval/*", summary="min")` gives every metric below eval/ its smallest value in the summary, eval/c4.en as well
#   as eval/c4; a dot is a letter like others, as it is in history and charts. Equal runs have equal summaries.
# Seen: without dots it is so. eval/c4.en always has its last value instead. And where it is logged, eval/c4 has its minimum in one run
#   and its last value in the next, of the same script on the same values: of twelve such pairs two, six or seven, others each
#   time. If all are named in full, none of either kind has it. `eval/c4\.en` helps that one; a pattern has no such form.
#   There is no message; the summary holds {"min": 1} for one metric and 2 for another, which tables show as numbers.
# Why it matters: corpora and tasks are named c4.en, dolma.v1_7, arc.easy. Whoever takes the best losses of many proxies from their
#   summaries compares minima of some runs with last values of others, in the same column. For losses that rise at the
#   end, or that jump once, the difference is larger than that between mixtures, and a repeat gives another picture.
# Where: define_metric, sdk/wandb_run.py, hands the name on unchanged; the program wandb-core, which keeps the summary, reads it as a
#   path whose parts a dot parts.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check wandb==0.31.0
export WANDB_MODE=offline WANDB_SILENT=true WANDB_DIR="$work"
cd "$work"
cat > train.py <<'EOF'
import sys

import wandb

definitions, names = (argument.split(",") for argument in sys.argv[1:])
with wandb.init(project="proxies") as run:
    for definition in definitions:
        run.define_metric(definition, summary="min")
    for loss in (3.0, 1.0, 2.0):
        run.log({name: loss for name in names})
EOF
cat > check.py <<'EOF'
import json
import struct
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from wandb.proto import wandb_internal_pb2


def records(path):
    """The records of a run's file: seven bytes, then pieces in blocks of 32 KiB, each with a checksum, a length and a kind."""
    data, at, whole = Path(path).read_bytes(), 7, b""
    while at + 7 <= len(data):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(whole)
            whole = b""
            yield record


def summary(definitions, names):
    """What a run's summary holds for each name at its end."""
    before = set(Path("wandb").glob("offline-run-*/*.wandb"))
    subprocess.run([sys.executable, "train.py", ",".join(definitions), ",".join(names)], check=True)
    [file] = set(Path("wandb").glob("offline-run-*/*.wandb")) - before
    found = {}
    for record in records(file):
        for update in record.summary.update:
            found["".join(update.nested_key) or update.key] = json.loads(update.value_json)
    return {name: found[name] for name in names}


print("wandb", version("wandb"))
DOMAINS = [f"eval/d{number}" for number in range(12)]
DOTTED = [f"{name}.en" for name in DOMAINS]
SMALLEST, LAST = {"min": 1}, 2
plain = summary(["eval/*"], DOMAINS)
print("eval/*, names without dots: minimum in", list(plain.values()).count(SMALLEST), "of", len(plain))
assert list(plain.values()) == [SMALLEST] * len(plain), "names without a dot have no minimum"
seen = []
for definitions in (["eval/*"], ["eval/*"], ["eval/*"], DOMAINS + DOTTED, DOMAINS + DOTTED):
    held = summary(definitions, DOMAINS + DOTTED)
    smallest = [name for name in DOMAINS if held[name] == SMALLEST]
    dotted = sum(held[name] == SMALLEST for name in DOTTED)
    defined = definitions[0] if len(definitions) == 1 else "each name"
    print(f"{defined}, with {len(DOTTED)} names more that have a dot: minimum in {dotted} of these, and in {len(smallest)} without: {smallest}")
    assert dotted == 0, "names with a dot have a minimum now"
    assert all(value in (SMALLEST, LAST) for value in held.values()), "a third value"
    seen.append(tuple(smallest))
assert len(set(seen[:3])) > 1, "it is no matter of chance any more"
assert not any(seen[3:]), "metrics that were named in full have a minimum now"
assert summary(["eval/c4\\.en"], ["eval/c4.en"]) == {"eval/c4.en": SMALLEST}, "a backslash does not help any more"
print("as recorded: eval/d0.en has its last value, and eval/d0 what chance gives it")
EOF
"$work/venv/bin/python" check.py
