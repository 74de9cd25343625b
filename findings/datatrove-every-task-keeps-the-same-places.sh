#!/usr/bin/env bash
# datatrove 0.10.1 (September 2026): all tasks of a random filter draw the same numbers, seeded or not.
#
# Guess: SamplerFilter(rate=.5) without a seed draws anew in every task; with a seed, at least, tasks draw
#   by seed and rank. So 40 files of one document each leave about 20 documents.
# Seen: every task keeps exactly the same places of its file, with seed=None as with
#   a seed. 40 files of one document each leave all 40 documents or none.
# Why it matters: this is the tool for cutting a domain to a share of its size. Where files are sorted
#   alike (each crawl's file begins with the same hosts, each book file with its title page) the sample is
#   not random but the same stripe of each file, and the share is off by a whole stripe: the variance of
#   the kept share is the number of tasks times too large.
# Where: datatrove/pipeline/filters/sampler_filter.py makes the generator in __init__, before the executor
#   copies the pipeline for each rank (executor/local.py deepcopy; slurm.py and jobs.py pickle one executor
#   that every task loads), so each task starts from one and the same state.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    datatrove==0.10.1 orjson==3.13.0 regex==2026.11.19 xxhash==3.6.0
cd "$work"
cat > check.py <<'EOF'
import json
from importlib.metadata import version
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters import SamplerFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter


def kept(name, files, rows, seed):
    """For each task, the places of the documents that it kept."""
    source = Path(f"{name}-in")
    source.mkdir()
    for file in range(files):
        lines = [json.dumps({"id": f"{file}/{row}", "text": f"document {row}"}) for row in range(rows)]
        (source / f"{file:03}.jsonl").write_text("\n".join(lines) + "\n")
    LocalPipelineExecutor(
        pipeline=[
            JsonlReader(str(source)),
            SamplerFilter(rate=0.5, seed=seed),
            JsonlWriter(f"{name}-out", compression=None),
        ],
        tasks=files,
        workers=1,
        logging_dir=f"{name}-logs",
    ).run()
    places = {}
    for path in Path(f"{name}-out").glob("*.jsonl"):
        for line in path.read_text().splitlines():
            file, row = json.loads(line)["id"].split("/")
            places.setdefault(file, []).append(int(row))
    return places


if __name__ == "__main__":
    print("datatrove", version("datatrove"))
    for seed in (None, 1, 2):
        places = kept(f"long-{seed}", files=8, rows=30, seed=seed)
        masks = {tuple(rows) for rows in places.values()}
        print(f"seed {seed}: 8 tasks kept {len(masks)} different set(s) of places, one is {sorted(masks)[0]}")
        assert len(places) == 8 and len(masks) == 1, "tasks now draw for themselves"
    counts = {seed: len(kept(f"short-{seed}", files=40, rows=1, seed=seed)) for seed in (1, 2, 3, 4)}
    print(f"40 files of one document, rate 0.5: kept by seed {counts}")
    assert set(counts.values()) == {0, 40}, "a file of one document is now kept by chance"
    print("as recorded: one draw serves all tasks")
EOF
"$work/venv/bin/python" check.py 2> stderr.txt || { tail -n 20 stderr.txt >&2; exit 1; }
