#!/usr/bin/env bash
# aim 3.29.1: `values.last()` of a metric is the value of some step, not of the last one.
#
# Guess: values are kept in the order of steps, so after 200 steps of a loss that falls by 0.01 a step from
#   10.0, `values.last()` is 8.01, the loss of step 199, and `values.first()` is 10.0.
# Seen: last() is 8.23, the loss of step 177, and first() is 9.61, that of step 39. The list of all values
#   is in the same order. The data frame of the same metric, sorted by step, ends with 8.01. And before
#   `aim storage reindex` a query finds no metric at all of the run, although it was closed.
# Why it matters: whoever reads the final loss of many small runs that way compares losses of different steps,
#   each of them plausible. Which step it is depends on hashes of the steps alone, so runs of equal length
#   share it, and nothing looks odd.
# Where: aim/sdk/tracker.py (STEP_HASH_FUNCTIONS) stores values under a hash of their step; aim/storage/arrayview.py and
#   treearrayview.py take the last key of that array.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check aim==3.29.1 pandas==3.1.1
cd "$work"
cat > train.py <<'EOF'
from aim import Run

run = Run(repo="logs", log_system_params=False, capture_terminal_logs=False)
for step in range(200):
    run.track(10.0 - 0.01 * step, name="loss", step=step)
run.close()
EOF
cat > read.py <<'EOF'
import sys

from aim import Repo

found = []
for run in Repo("logs").query_metrics('metric.name == "loss"').iter_runs():
    found.extend(run)
print("metrics found:", len(found))
if sys.argv[1] == "before":
    assert not found, "a query finds the run before it was indexed"
    sys.exit()
[metric] = found
rows = metric.dataframe().sort_values("step")
by_value = {round(value, 4): step for step, value in zip(rows["step"], rows["value"])}
first, last = (round(value[1], 4) for value in (metric.values.first(), metric.values.last()))
print(f"first() {first} (step {by_value[first]}), last() {last} (step {by_value[last]}), "
      f"value of the last step {rows['value'].iloc[-1]:.2f}")
assert len(rows) == 200 and round(rows["value"].iloc[-1], 4) == 8.01
assert by_value[last] != 199 and by_value[first] != 0, "values are in the order of steps"
print("as recorded: the last value is not that of the last step")
EOF
"$work/venv/bin/python" train.py
"$work/venv/bin/python" read.py before
"$work/venv/bin/aim" storage --repo logs reindex -y > /dev/null 2>&1
"$work/venv/bin/python" read.py after
